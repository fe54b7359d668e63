//! Works on one step: waits for nothing, since all before it is done; takes its inputs, runs it, cuts its outputs.

use crate::cache::Entry;
use crate::evaluate::Inputs;
use crate::event::Event;
use crate::execute::Execution;
use crate::key::window_key;
use crate::plan::{Input, Readiness, Source, Step};
use crate::report::{Skip, State};
use crate::window::{crop, needed_input};
use crate::{NodeError, NodeType, Outputs, TimeWindow, convert, port_type_of};
use esarm_values::Value;
use std::sync::Arc;
use std::time::Instant;

impl Execution<'_> {
    /// Works on a step that has to run, whatever has become of those before it.
    pub(crate) fn work_on_step(&self, index: usize) {
        let started = Instant::now();
        let changes = self.changes(index);
        match self.attempt(index) {
            Ok(entry) => {
                let elapsed = started.elapsed();
                self.deliver(index, entry, State::Ran(changes), elapsed, elapsed);
            }
            Err(state) => self.finish(index, None, state, started.elapsed()),
        }
    }

    /// The result of a step, or the state in which it stopped.
    fn attempt(&self, index: usize) -> Result<Arc<Entry>, State> {
        let step = &self.shop.plan.steps[index];
        if self.shop.around.is_cancelled() {
            return Err(State::Cancelled);
        }
        if let Some(state) = self.stopped_before(step) {
            return Err(state);
        }
        let (key, parts) = match &step.readiness {
            Readiness::Ready { key, parts } => (key, parts),
            Readiness::Broken(problem) => return Err(State::Failed(problem.to_string())),
            // What is pinned is not worked on, and what waits has a failure before it, found above.
            Readiness::Pinned(_) | Readiness::Waiting => return Err(State::Skipped(Skip::NotNeeded)),
        };
        let window = self.windows[index];
        (self.shop.around.events)(Event::Started { node: step.id });
        let evaluated = self.evaluate(step, parts.node_type, window);
        match evaluated.and_then(|outputs| self.check_unchanged(index).map(|()| outputs)) {
            Ok(outputs) => {
                let key = window.map_or(*key, |window| window_key(key, window));
                Ok(Arc::new(Entry::new(key, outputs)))
            }
            Err(_) if self.shop.around.is_cancelled() => Err(State::Cancelled),
            Err(problem) => Err(State::Failed(problem.to_string())),
        }
    }

    /// Fails when what a step reads outside the graph is no longer what its key says: the result, and all that is made
    /// of it, would be kept under a key that promises other content. Parts of a clip leave it to the whole, so that a
    /// long file is not read again for each.
    pub(crate) fn check_unchanged(&self, index: usize) -> Result<(), NodeError> {
        let step = &self.shop.plan.steps[index];
        let Readiness::Ready { parts, .. } = &step.readiness else { return Ok(()) };
        if parts.fingerprint.is_none() || self.is_part() {
            return Ok(());
        }
        if self.shop.around.fingerprint(step, parts.node_type)? == parts.fingerprint {
            return Ok(());
        }
        Err(NodeError::failed("what it reads changed while it was read; run again once the file is whole"))
    }

    /// The state of a step that cannot run because of one before it.
    fn stopped_before(&self, step: &Step<'_>) -> Option<State> {
        step.sources.iter().find_map(|source| match self.state(*source)? {
            State::Failed(_) => Some(State::Skipped(Skip::After(self.shop.plan.steps[*source].id.clone()))),
            State::Skipped(skip) => Some(State::Skipped(skip.clone())),
            State::Cancelled => Some(State::Cancelled),
            State::Ran(_) | State::Cached(_) | State::Pinned => None,
        })
    }

    /// Evaluates a step, for a part of the clip on the part of its inputs that it needs.
    fn evaluate(
        &self,
        step: &Step<'_>,
        node_type: &NodeType,
        window: Option<TimeWindow>,
    ) -> Result<Outputs, NodeError> {
        let mut inputs = Inputs::new();
        for input in &step.inputs {
            inputs.insert(input.port.to_owned(), self.gather(step, input, window)?);
        }
        let outputs = self.shop.around.evaluate(step, node_type, &inputs, window)?;
        Ok(match window {
            Some(window) => outputs.into_iter().map(|(port, value)| (port, crop(value, window))).collect(),
            None => outputs,
        })
    }

    /// The values at an input, converted to its type and cut to what the node needs of them.
    fn gather(
        &self,
        step: &Step<'_>,
        input: &Input<'_>,
        window: Option<TimeWindow>,
    ) -> Result<Vec<Value>, NodeError> {
        let Some(port_type) = input.port_type else { return Ok(Vec::new()) };
        let needed = needed_input(window, step.time_support(), port_type);
        let value = |source: &Source<'_>| {
            let entry = self.result(source.step);
            let value = entry.as_ref().and_then(|entry| entry.outputs.get(source.output)).cloned();
            let value = value.ok_or_else(|| NodeError::input(input.port, "the value is gone; run again"))?;
            let given = port_type_of(&value);
            let value = convert(value, port_type).ok_or_else(|| {
                NodeError::input(
                    input.port,
                    format!("takes {port_type:?}, got {given:?} without content for it"),
                )
            })?;
            Ok(match needed {
                Some(window) => crop(value, window),
                None => value,
            })
        };
        input.sources.iter().map(value).collect()
    }
}
