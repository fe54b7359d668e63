//! Works on a long clip part by part: a chain of steps that each need only some time around a moment is run for one
//! part after the other, and only what later steps need as a whole is put together.

use crate::cache::Entry;
use crate::evaluate::Surroundings;
use crate::event::Event;
use crate::execute::{Execution, Workshop};
use crate::join::JoinedOutputs;
use crate::plan::{Plan, Readiness};
use crate::report::{Skip, State};
use crate::tasks::Group;
use crate::{NodeError, TimeWindow};
use esarm_graph::{NodeId, TimeSupport};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// When and how long clips are worked on in parts. Results are the same with and without.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parts {
    /// Clips longer than this are worked on in parts.
    pub above_secs: f64,
    /// Length of a part.
    pub part_secs: f64,
}

impl Default for Parts {
    fn default() -> Self {
        Self { above_secs: 120.0, part_secs: 30.0 }
    }
}

impl Parts {
    /// The same with a part length that cuts a clip into a sane number of parts: at least a tenth of a second each.
    pub(crate) fn checked(self) -> Self {
        Self { part_secs: self.part_secs.max(0.1), ..self }
    }
}

/// The parts of a clip, end to end. The last one reaches further, for nodes whose output outlasts their input.
fn part_windows(clip_secs: f64, part_secs: f64, tail_secs: f64) -> Vec<TimeWindow> {
    let count = (clip_secs / part_secs).ceil().max(1.0) as usize;
    let window = |part: usize| {
        let (start_secs, end_secs) = (part as f64 * part_secs, (part + 1) as f64 * part_secs);
        let is_last = part + 1 == count;
        TimeWindow { start_secs, end_secs: if is_last { end_secs + tail_secs } else { end_secs } }
    };
    (0..count).map(window).collect()
}

/// How long the output of a chain can outlast its input: no longer than all its windows together.
fn tail_secs(plan: &Plan<'_>, group: &Group) -> f64 {
    let reach = |step: &usize| match plan.steps[*step].time_support() {
        TimeSupport::Window { before_secs, after_secs } => before_secs + after_secs,
        TimeSupport::Pointwise | TimeSupport::Whole => 0.0,
    };
    1.0 + group.steps.iter().map(reach).sum::<f64>()
}

/// What has become of a group so far, by step.
#[derive(Default)]
struct Progress {
    joined: BTreeMap<usize, JoinedOutputs>,
    elapsed: BTreeMap<usize, Duration>,
    /// Steps that failed, were skipped or cancelled in some part.
    stopped: BTreeMap<usize, State>,
    /// Steps that read a file which changed meanwhile, and those after them, with the first of these.
    changed: BTreeMap<usize, NodeId>,
}

impl Execution<'_> {
    /// Makes the whole results of a group.
    pub(crate) fn work_in_parts(&self, group: &Group, parts: Parts) {
        let shop = self.shop;
        let reasons: Vec<_> = group.steps.iter().map(|step| self.changes(*step)).collect();
        let windows = part_windows(group.clip_secs, parts.part_secs, tail_secs(shop.plan, group));
        let mut progress = Progress::default();
        for (number, window) in windows.iter().enumerate() {
            let wanted: Vec<usize> =
                group.made.iter().copied().filter(|step| !progress.stopped.contains_key(step)).collect();
            if wanted.is_empty() {
                break;
            }
            let events = |event: Event<'_>| tell_of_part(shop.around.events, event, number, windows.len());
            let around = Surroundings { events: &events, ..*shop.around };
            let part_shop = Workshop { around: &around, ..*shop };
            let mut part = Execution::part_of(self, &part_shop, group, &wanted, *window);
            part.run();
            progress.add(part, group, &wanted, windows.len());
        }
        self.stop_where_files_changed(group, &mut progress);
        let whole_time = progress.elapsed.values().sum();
        for (step, changes) in group.steps.iter().zip(reasons) {
            let elapsed = progress.elapsed.get(step).copied().unwrap_or_default();
            let result = progress.take(*step, shop.plan);
            match result {
                Ok(Some(entry)) => self.deliver(*step, entry, State::Ran(changes), elapsed, whole_time),
                Ok(None) => self.finish(*step, None, State::Ran(changes), elapsed),
                Err(state) => self.finish(*step, None, state, elapsed),
            }
        }
    }
}

impl Execution<'_> {
    /// Stops the sources in a group whose files are no longer what they were, and all that follows them.
    fn stop_where_files_changed(&self, group: &Group, progress: &mut Progress) {
        for index in &group.steps {
            if progress.stopped.contains_key(index) {
                continue;
            }
            let step = &self.shop.plan.steps[*index];
            let before = step.sources.iter().find_map(|source| progress.changed.get(source));
            let (first, state) = match (before, self.check_unchanged(*index)) {
                (Some(first), _) => (first.clone(), State::Skipped(Skip::After(first.clone()))),
                (None, Err(problem)) => (step.id.clone(), State::Failed(problem.to_string())),
                (None, Ok(())) => continue,
            };
            progress.changed.insert(*index, first);
            progress.stopped.insert(*index, state);
        }
    }
}

impl Progress {
    fn add(&mut self, part: Execution<'_>, group: &Group, wanted: &[usize], parts: usize) {
        for step in wanted {
            let Some(entry) = part.result(*step) else { continue };
            if let Err(problem) = self.joined.entry(*step).or_default().add(&entry.outputs, parts) {
                self.stopped.insert(*step, State::Failed(problem.to_string()));
            }
        }
        let mut outcomes = part.into_outcomes();
        for step in &group.steps {
            let outcome = &mut outcomes[*step];
            *self.elapsed.entry(*step).or_default() += outcome.elapsed;
            if matches!(outcome.state, State::Failed(_) | State::Skipped(Skip::After(_)) | State::Cancelled) {
                self.stopped.entry(*step).or_insert_with(|| outcome.state.clone());
            }
        }
    }

    /// The whole result of a step, when it was wanted, or the state that it stopped in.
    fn take(&mut self, step: usize, plan: &Plan<'_>) -> Result<Option<Arc<Entry>>, State> {
        if let Some(state) = self.stopped.remove(&step) {
            return Err(state);
        }
        let Some(joined) = self.joined.remove(&step) else { return Ok(None) };
        let Readiness::Ready { key, .. } = &plan.steps[step].readiness else { return Ok(None) };
        let failed = |problem: NodeError| State::Failed(problem.to_string());
        Ok(Some(Arc::new(Entry::new(*key, joined.finish().map_err(failed)?))))
    }
}

/// Passes on what happens in one of several parts as it looks for the whole: one start, rising progress, and the end
/// is told by whoever puts the parts together.
fn tell_of_part(tell: &dyn Fn(Event<'_>), event: Event<'_>, number: usize, parts: usize) {
    match event {
        Event::Started { .. } if number > 0 => {}
        Event::Started { .. } => tell(event),
        Event::Progress { node, fraction, words } => {
            let fraction = (number as f64 + fraction) / parts as f64;
            tell(Event::Progress { node, fraction, words });
        }
        Event::Finished { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_end_to_end() {
        let windows = part_windows(95.0, 30.0, 2.0);
        let edges: Vec<_> = windows.iter().map(|it| (it.start_secs, it.end_secs)).collect();
        assert_eq!(edges, [(0.0, 30.0), (30.0, 60.0), (60.0, 90.0), (90.0, 122.0)]);
        assert_eq!(part_windows(0.0, 30.0, 1.0).len(), 1);
    }
}
