//! Executes steps of a plan: finds kept results, runs what is missing, lets go of results once nobody needs them.

use crate::cache::{Caches, Entry};
use crate::evaluate::{Inputs, Surroundings};
use crate::event::Event;
use crate::history::History;
use crate::key::window_key;
use crate::plan::{Input, Plan, Readiness, Source, Step};
use crate::report::{CacheLevel, Change, OutputReport, Skip, State};
use crate::schedule::run_tasks;
use crate::window::{crop, needed_input};
use crate::{NodeError, NodeType, Outputs, TimeWindow, convert, port_type_of};
use esarm_graph::TimeSupport;
use esarm_values::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// What executions share.
pub(crate) struct Workshop<'a> {
    pub(crate) plan: &'a Plan<'a>,
    pub(crate) around: &'a Surroundings<'a>,
    pub(crate) caches: &'a Caches,
    pub(crate) history: &'a Mutex<History>,
    pub(crate) threads: usize,
    pub(crate) digest_outputs: bool,
}

/// One execution of a plan, or of a part of it.
pub(crate) struct Execution<'a> {
    shop: &'a Workshop<'a>,
    /// Per step the part of the clip that is asked for; `None` is the whole.
    windows: Vec<Option<TimeWindow>>,
    cells: Vec<Cell>,
}

/// What has become of a step so far.
#[derive(Default)]
struct Cell {
    /// Steps that still have to take the result, and one for a caller who wants it.
    users: AtomicUsize,
    result: Mutex<Option<Arc<Entry>>>,
    /// A new result that is still to be kept on disk, and how long it took to make.
    unkept: Mutex<Option<(Arc<Entry>, Duration)>>,
    outcome: OnceLock<Outcome>,
}

/// What became of a step.
pub(crate) struct Outcome {
    pub(crate) state: State,
    pub(crate) elapsed: Duration,
    pub(crate) outputs: BTreeMap<String, OutputReport>,
}

impl<'a> Execution<'a> {
    /// Prepares an execution for the part `window` of the wanted steps; `None` is the whole clip.
    pub(crate) fn new(shop: &'a Workshop<'a>, wanted: &[usize], window: Option<TimeWindow>) -> Self {
        let cells: Vec<Cell> = shop.plan.steps.iter().map(|_| Cell::default()).collect();
        for step in wanted {
            cells[*step].users.fetch_add(1, Ordering::Relaxed);
        }
        Self { shop, windows: needed_windows(shop.plan, wanted, window), cells }
    }

    /// Finds or makes the wanted results.
    pub(crate) fn run(&self) {
        let open = self.find_results();
        let place: BTreeMap<usize, usize> =
            open.iter().enumerate().map(|(task, step)| (*step, task)).collect();
        let sources = |step: &usize| self.shop.plan.steps[*step].source_steps();
        let tasks_before =
            |step| sources(step).iter().filter_map(|source| place.get(source).copied()).collect();
        let prerequisites: Vec<Vec<usize>> = open.iter().map(tasks_before).collect();
        let (work, keep) = (|task: usize| self.work(open[task]), |task: usize| self.keep_on_disk(open[task]));
        run_tasks(&prerequisites, self.shop.threads, &work, &keep);
        self.settle_the_rest();
    }

    /// The result of a wanted step, when it has one.
    pub(crate) fn result(&self, step: usize) -> Option<Arc<Entry>> {
        self.cells[step].result().clone()
    }

    /// What became of each step.
    pub(crate) fn into_outcomes(self) -> Vec<Outcome> {
        let skipped = || Outcome::of(State::Skipped(Skip::NotNeeded));
        self.cells.into_iter().map(|cell| cell.outcome.into_inner().unwrap_or_else(skipped)).collect()
    }

    /// Goes from the wanted steps towards the sources, as far as no result is kept, and gives the steps that have to
    /// run, in the order of the plan.
    fn find_results(&self) -> Vec<usize> {
        let mut open = Vec::new();
        for (index, step) in self.shop.plan.steps.iter().enumerate().rev() {
            let cell = &self.cells[index];
            if cell.users.load(Ordering::Relaxed) == 0 {
                continue;
            }
            if let Some((entry, state)) = self.find(index) {
                self.finish(index, Ok(&entry), state, Duration::ZERO);
                *cell.result() = Some(entry);
                continue;
            }
            for source in step.source_steps() {
                self.cells[source].users.fetch_add(1, Ordering::Relaxed);
            }
            open.push(index);
        }
        open.reverse();
        open
    }

    /// A kept result of a step: what it is pinned to, or what a cache has. For a part of a clip, the whole will do:
    /// whoever takes a value cuts out what it needs.
    fn find(&self, index: usize) -> Option<(Arc<Entry>, State)> {
        let key = match &self.shop.plan.steps[index].readiness {
            Readiness::Pinned(entry) => return Some((entry.clone(), State::Pinned)),
            Readiness::Ready { key, .. } => key,
            Readiness::Broken(_) | Readiness::Waiting => return None,
        };
        let caches = self.shop.caches;
        let part = self.windows[index].and_then(|window| caches.memory.get(&window_key(key, window)));
        let found = part.map(|entry| (entry, CacheLevel::Memory)).or_else(|| caches.find(key));
        found.map(|(entry, level)| (entry, State::Cached(level)))
    }

    /// Does one step that has to run, whatever has become of those before it.
    fn work(&self, index: usize) {
        let step = &self.shop.plan.steps[index];
        let started = Instant::now();
        match self.attempt(index, step) {
            Ok((entry, changes)) => {
                self.finish(index, Ok(&entry), State::Ran(changes), started.elapsed());
                if self.cells[index].users.load(Ordering::Relaxed) > 0 {
                    *self.cells[index].result() = Some(entry);
                }
            }
            Err(state) => self.finish(index, Err(()), state, started.elapsed()),
        }
        for source in step.source_steps() {
            self.release(source);
        }
    }

    fn attempt(&self, index: usize, step: &Step<'_>) -> Result<(Arc<Entry>, Vec<Change>), State> {
        if self.shop.around.is_cancelled() {
            return Err(State::Cancelled);
        }
        if let Some(skip) = self.skip_after(step) {
            return Err(skip);
        }
        let (key, parts) = match &step.readiness {
            Readiness::Ready { key, parts } => (key, parts),
            Readiness::Broken(problem) => return Err(State::Failed(problem.to_string())),
            // Nothing pinned comes here, and whatever waits has a failure before it, found above.
            Readiness::Pinned(_) | Readiness::Waiting => return Err(State::Skipped(Skip::NotNeeded)),
        };
        let window = self.windows[index];
        let changes = self.shop.history().changes(step.id, key, parts, window);
        (self.shop.around.events)(Event::Started { node: step.id });
        match self.evaluate(step, parts.node_type, window) {
            Ok(outputs) => {
                let key = window.map_or(*key, |window| window_key(key, window));
                Ok((Arc::new(Entry::new(key, outputs)), changes))
            }
            Err(_) if self.shop.around.is_cancelled() => Err(State::Cancelled),
            Err(problem) => Err(State::Failed(problem.to_string())),
        }
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
        let mut outputs = self.shop.around.evaluate(step, node_type, &inputs, window)?;
        if let Some(window) = window {
            outputs.values_mut().for_each(|value| *value = crop(value.clone(), window));
        }
        Ok(outputs)
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
            let entry = self.cells[source.step].result().clone();
            let value = entry.as_ref().and_then(|entry| entry.outputs.get(source.output)).cloned();
            let value = value.ok_or_else(|| NodeError::input(input.port, "the value is gone; run again"))?;
            let given = port_type_of(&value);
            let value = convert(value, port_type).ok_or_else(|| {
                NodeError::input(
                    input.port,
                    format!("takes {port_type:?}, got {given:?} without content for it"),
                )
            })?;
            Ok(needed.map_or(value.clone(), |window| crop(value, window)))
        };
        input.sources.iter().map(value).collect()
    }

    /// The state of a step that cannot run because of one before it.
    fn skip_after(&self, step: &Step<'_>) -> Option<State> {
        let states = step.source_steps().into_iter().filter_map(|source| {
            let outcome = self.cells[source].outcome.get()?;
            Some((self.shop.plan.steps[source].id, &outcome.state))
        });
        states.into_iter().find_map(|(id, state)| match state {
            State::Failed(_) => Some(State::Skipped(Skip::After(id.clone()))),
            State::Skipped(skip) => Some(State::Skipped(skip.clone())),
            State::Cancelled => Some(State::Cancelled),
            State::Ran(_) | State::Cached(_) | State::Pinned => None,
        })
    }

    /// Counts one user of a result less; the last one lets go of it.
    fn release(&self, index: usize) {
        if self.cells[index].users.fetch_sub(1, Ordering::AcqRel) == 1 {
            *self.cells[index].result() = None;
        }
    }

    /// Records what became of a step, keeps its result for later runs and tells about it.
    fn finish(&self, index: usize, result: Result<&Arc<Entry>, ()>, state: State, elapsed: Duration) {
        let step = &self.shop.plan.steps[index];
        let window = self.windows[index];
        if let Readiness::Ready { key, parts } = &step.readiness
            && !matches!(state, State::Skipped(_))
        {
            let finished = !matches!(state, State::Failed(_) | State::Cancelled);
            self.shop.history().remember(step.id, key, parts, window, finished);
        }
        if let Ok(entry) = result {
            if step.node.pinned && window.is_none() {
                self.shop.history().pin(step.id, entry.clone());
            }
            if matches!(state, State::Ran(_)) {
                self.keep(index, entry, elapsed);
            }
        }
        let outputs =
            result.map_or_else(|()| BTreeMap::new(), |entry| entry.report(self.shop.digest_outputs));
        (self.shop.around.events)(Event::Finished { node: step.id, state: &state });
        // A step finishes once.
        let _ = self.cells[index].outcome.set(Outcome { state, elapsed, outputs });
    }

    /// Keeps a new result in memory, and sees to it that a whole one gets to disk once the followers are at work. Parts
    /// of clips are for looking at while something changes: they stay in memory.
    fn keep(&self, index: usize, entry: &Arc<Entry>, making: Duration) {
        self.shop.caches.memory.insert(entry.clone());
        if self.windows[index].is_none() && self.shop.caches.disk.is_some() {
            *lock(&self.cells[index].unkept) = Some((entry.clone(), making));
        }
    }

    fn keep_on_disk(&self, index: usize) {
        let unkept = lock(&self.cells[index].unkept).take();
        if let (Some(disk), Some((entry, making))) = (&self.shop.caches.disk, unkept) {
            disk.insert(&entry, making);
        }
    }

    /// States the steps that nobody had to look at: their results may be kept all the same.
    fn settle_the_rest(&self) {
        for (index, step) in self.shop.plan.steps.iter().enumerate() {
            if self.cells[index].outcome.get().is_none() {
                let level = || step.key().and_then(|key| self.shop.caches.level_of(&key));
                let state = match step.readiness {
                    Readiness::Pinned(_) => State::Pinned,
                    _ => level().map_or(State::Skipped(Skip::NotNeeded), State::Cached),
                };
                self.finish(index, Err(()), state, Duration::ZERO);
            }
        }
    }
}

impl Cell {
    fn result(&self) -> MutexGuard<'_, Option<Arc<Entry>>> {
        lock(&self.result)
    }
}

impl Outcome {
    fn of(state: State) -> Self {
        Self { state, elapsed: Duration::ZERO, outputs: BTreeMap::new() }
    }
}

impl Workshop<'_> {
    fn history(&self) -> MutexGuard<'_, History> {
        lock(self.history)
    }
}

/// No lock here is held over code that can panic half-way, so a poisoned one is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The part of each step's result that the wanted steps need, in part `window`. A step that needs the whole clip gives
/// it, too; whoever takes it then cuts out a part.
fn needed_windows(plan: &Plan<'_>, wanted: &[usize], window: Option<TimeWindow>) -> Vec<Option<TimeWindow>> {
    #[derive(Clone, Copy)]
    enum Need {
        Nothing,
        Part(TimeWindow),
        Whole,
    }
    let join = |first: Need, second: Option<TimeWindow>| match (first, second) {
        (Need::Whole, _) | (_, None) => Need::Whole,
        (Need::Nothing, Some(part)) => Need::Part(part),
        (Need::Part(first), Some(second)) => Need::Part(first.hull(second)),
    };
    let mut needs = vec![Need::Nothing; plan.steps.len()];
    for step in wanted {
        needs[*step] = join(needs[*step], window);
    }
    for (index, step) in plan.steps.iter().enumerate().rev() {
        if step.time_support() == TimeSupport::Whole && !matches!(needs[index], Need::Nothing) {
            needs[index] = Need::Whole;
        }
        let output = match needs[index] {
            Need::Nothing => continue,
            Need::Part(part) => Some(part),
            Need::Whole => None,
        };
        for input in &step.inputs {
            let Some(port_type) = input.port_type else { continue };
            let needed = needed_input(output, step.time_support(), port_type);
            for source in &input.sources {
                needs[source.step] = join(needs[source.step], needed);
            }
        }
    }
    let part = |need| if let Need::Part(part) = need { Some(part) } else { None };
    needs.into_iter().map(part).collect()
}
