//! Divides the steps that have to run into tasks: single steps, and chains of steps over a long clip that are worked
//! on part by part so that what lies between them is never in memory as a whole.

use crate::plan::Plan;

/// Work that is done in one go.
pub(crate) struct Task {
    pub(crate) work: Work,
    /// Steps whose results it takes, each once.
    pub(crate) takes: Vec<usize>,
}

pub(crate) enum Work {
    /// One step.
    Step(usize),
    /// Steps over a long clip.
    Parts(Group),
}

/// Steps that are worked on together, part by part.
pub(crate) struct Group {
    /// The steps, in the order of the plan.
    pub(crate) steps: Vec<usize>,
    /// Those of them whose whole results are needed, in the order of the plan.
    pub(crate) made: Vec<usize>,
    /// Length of the clip.
    pub(crate) clip_secs: f64,
}

impl Task {
    /// The steps whose whole results it makes.
    pub(crate) fn makes(&self) -> &[usize] {
        match &self.work {
            Work::Step(step) => std::slice::from_ref(step),
            Work::Parts(group) => &group.made,
        }
    }
}

/// Divides the steps marked `open`. `long_secs` gives the length of the clip for steps that can be worked on in parts
/// and are worth it; `kept` marks steps whose whole results are needed for other reasons than wires.
pub(crate) fn divide(plan: &Plan<'_>, open: &[bool], long_secs: &[Option<f64>], kept: &[bool]) -> Vec<Task> {
    let is_long = |step: usize| long_secs[step].is_some();
    let levels = levels(plan, open, long_secs);
    let mut is_made: Vec<bool> = kept.to_vec();
    for (_, step) in plan.steps.iter().enumerate().filter(|(index, _)| open[*index] && !is_long(*index)) {
        step.sources.iter().for_each(|source| is_made[*source] = true);
    }
    let mut tasks = Vec::new();
    let last_level = levels.iter().max().map_or(0, |level| *level);
    for level in 0..=last_level {
        let at_level = |step: &usize| open[*step] && levels[*step] == level;
        let made: Vec<usize> =
            (0..plan.steps.len()).filter(|it| at_level(it) && is_long(*it) && is_made[*it]).collect();
        if !made.is_empty() {
            let inside = |step: usize| is_long(step) && !(is_made[step] && levels[step] < level);
            tasks.push(group(plan, made, long_secs, &inside));
        }
        let single = |step: &usize| at_level(step) && !is_long(*step);
        tasks.extend(
            (0..plan.steps.len())
                .filter(single)
                .map(|step| Task { work: Work::Step(step), takes: plan.steps[step].sources.clone() }),
        );
    }
    tasks
}

/// How many times the way from the sources to a step goes from single steps back into parts: the parts of one level
/// wait for the single steps of the levels below it.
fn levels(plan: &Plan<'_>, open: &[bool], long_secs: &[Option<f64>]) -> Vec<usize> {
    let mut levels = vec![0; plan.steps.len()];
    for (index, step) in plan.steps.iter().enumerate() {
        let is_long = long_secs[index].is_some();
        let from = |source: &usize| levels[*source] + usize::from(is_long && long_secs[*source].is_none());
        let sources = step.sources.iter().filter(|source| open[**source]);
        levels[index] = sources.map(from).max().unwrap_or(0);
    }
    levels
}

/// The task that makes the steps `made`, with all steps before them that are `inside` it.
fn group(
    plan: &Plan<'_>,
    made: Vec<usize>,
    long_secs: &[Option<f64>],
    inside: &dyn Fn(usize) -> bool,
) -> Task {
    let mut is_step = vec![false; plan.steps.len()];
    let mut is_taken = vec![false; plan.steps.len()];
    made.iter().for_each(|step| is_step[*step] = true);
    for (index, step) in plan.steps.iter().enumerate().rev() {
        if !is_step[index] {
            continue;
        }
        for source in step.sources.iter().copied() {
            let list = if inside(source) { &mut is_step } else { &mut is_taken };
            list[source] = true;
        }
    }
    let marked = |list: &[bool]| (0..list.len()).filter(|step| list[*step]).collect::<Vec<usize>>();
    let clip_secs = made.iter().filter_map(|step| long_secs[*step]).fold(0.0, f64::max);
    let takes = marked(&is_taken);
    Task { work: Work::Parts(Group { steps: marked(&is_step), made, clip_secs }), takes }
}
