//! Executes steps of a plan: finds kept results, runs what is missing, lets go of results once nobody needs them.

use crate::TimeWindow;
use crate::cache::{Caches, Entry};
use crate::evaluate::Surroundings;
use crate::event::Event;
use crate::history::History;
use crate::key::window_key;
use crate::needs::{Need, add_needs, end_secs};
use crate::parts::Parts;
use crate::plan::{Plan, Readiness};
use crate::report::{CacheLevel, Change, OutputReport, Skip, State};
use crate::schedule::run_tasks;
use crate::tasks::{Group, Task, Work, divide};
use esarm_graph::TimeSupport;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// What executions share.
pub(crate) struct Workshop<'a> {
    pub(crate) plan: &'a Plan<'a>,
    pub(crate) around: &'a Surroundings<'a>,
    pub(crate) caches: &'a Caches,
    pub(crate) history: &'a Mutex<History>,
    pub(crate) threads: usize,
    pub(crate) digest_outputs: bool,
    pub(crate) parts: Parts,
}

/// One execution of a plan, or of a part of it.
pub(crate) struct Execution<'a> {
    pub(crate) shop: &'a Workshop<'a>,
    wanted: Vec<usize>,
    /// The part of the clip that is asked of the wanted steps; `None` is the whole.
    window: Option<TimeWindow>,
    /// Per step the part of the clip that is made or found.
    pub(crate) windows: Vec<Option<TimeWindow>>,
    cells: Vec<Cell>,
    /// Set when this makes a part of a clip for another execution, which then keeps the results and tells of them.
    part_of: Option<PartOf<'a>>,
}

struct PartOf<'a> {
    whole: &'a Execution<'a>,
    /// Per step whether it is made in parts; the others have their results in `whole`.
    inside: Vec<bool>,
}

/// What has become of a step so far.
#[derive(Default)]
pub(crate) struct Cell {
    /// Tasks that still have to take the result, and one for a caller who wants it.
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

/// A step whose result is asked for.
enum Found {
    /// It is there.
    Kept(Arc<Entry>, State),
    /// It has to be made.
    Open,
    /// It will not come.
    Stopped(State),
}

impl<'a> Execution<'a> {
    /// Prepares an execution for the part `window` of the wanted steps; `None` is the whole clip.
    pub(crate) fn new(shop: &'a Workshop<'a>, wanted: &[usize], window: Option<TimeWindow>) -> Self {
        let cells = shop.plan.steps.iter().map(|_| Cell::default()).collect();
        let windows = vec![None; shop.plan.steps.len()];
        Self { shop, wanted: wanted.to_vec(), window, windows, cells, part_of: None }
    }

    /// Prepares an execution for a part of what a group makes, on results that `whole` already has.
    pub(crate) fn part_of(
        whole: &'a Execution<'a>,
        shop: &'a Workshop<'a>,
        group: &Group,
        wanted: &[usize],
        window: TimeWindow,
    ) -> Self {
        let mut inside = vec![false; shop.plan.steps.len()];
        group.steps.iter().for_each(|step| inside[*step] = true);
        Self { part_of: Some(PartOf { whole, inside }), ..Self::new(shop, wanted, Some(window)) }
    }

    /// Finds or makes the wanted results.
    pub(crate) fn run(&mut self) {
        let open = self.find_results();
        self.make(&open);
    }

    /// Makes the results that were not found.
    fn make(&self, open: &[bool]) {
        let tasks = divide(self.shop.plan, open, &self.long_steps(open), &self.kept_for_themselves());
        let users = self.wanted.iter().chain(tasks.iter().flat_map(|task| &task.takes));
        users.for_each(|step| {
            self.cells[*step].users.fetch_add(1, Ordering::Relaxed);
        });
        let run = |task: usize| self.work(&tasks[task]);
        let afterwards = |task: usize| tasks[task].makes().iter().for_each(|step| self.keep_on_disk(*step));
        run_tasks(&prerequisites(&tasks, open.len()), self.shop.threads, &run, &afterwards);
        self.settle_the_rest();
    }

    /// Whether this makes a part of a clip for another execution.
    pub(crate) fn is_part(&self) -> bool {
        self.part_of.is_some()
    }

    /// The result of a step, while somebody still needs it.
    pub(crate) fn result(&self, step: usize) -> Option<Arc<Entry>> {
        lock(&self.cells[step].result).clone()
    }

    /// What became of a step, once that is clear.
    pub(crate) fn state(&self, step: usize) -> Option<&State> {
        self.cells[step].outcome.get().map(|outcome| &outcome.state)
    }

    /// What became of each step.
    pub(crate) fn into_outcomes(self) -> Vec<Outcome> {
        let skipped = || Outcome {
            state: State::Skipped(Skip::NotNeeded),
            elapsed: Duration::ZERO,
            outputs: BTreeMap::new(),
        };
        self.cells.into_iter().map(|cell| cell.outcome.into_inner().unwrap_or_else(skipped)).collect()
    }

    /// Goes from the wanted steps towards the sources, as far as no result is kept, and marks the steps that have to
    /// run. What is kept asks for nothing, so a moved window reads no more than itself once the nodes that need the
    /// whole clip have their results.
    fn find_results(&mut self) -> Vec<bool> {
        let steps = &self.shop.plan.steps;
        let (mut needs, mut open) = (vec![Need::Nothing; steps.len()], vec![false; steps.len()]);
        self.wanted.iter().for_each(|step| needs[*step] = needs[*step].and(self.window));
        for (index, step) in steps.iter().enumerate().rev() {
            let Some(window) = needs[index].part_to_make(step) else { continue };
            self.windows[index] = window;
            match self.find(index) {
                Found::Kept(entry, state) => {
                    self.finish(index, Some(&entry), state, Duration::ZERO);
                    *lock(&self.cells[index].result) = Some(entry);
                }
                Found::Stopped(state) => self.finish(index, None, state, Duration::ZERO),
                Found::Open => {
                    open[index] = true;
                    add_needs(&mut needs, step, window);
                }
            }
        }
        open
    }

    fn find(&self, index: usize) -> Found {
        match &self.part_of {
            Some(part_of) => part_of.find(index),
            None => self.find_kept(index).map_or(Found::Open, |(entry, state)| Found::Kept(entry, state)),
        }
    }

    /// A kept result of a step: what it is pinned to, or what a cache has. For a part of a clip, the whole will do:
    /// whoever takes a value cuts out what it needs.
    fn find_kept(&self, index: usize) -> Option<(Arc<Entry>, State)> {
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

    /// Per step the length of its clip, if it has to run over the whole of a long clip and can do so in parts.
    fn long_steps(&self, open: &[bool]) -> Vec<Option<f64>> {
        let steps = &self.shop.plan.steps;
        let mut clip_secs = vec![0.0_f64; steps.len()];
        let mut long = vec![None; steps.len()];
        for (index, step) in steps.iter().enumerate() {
            if let Some(entry) = self.result(index) {
                clip_secs[index] = entry.outputs.values().map(end_secs).fold(0.0, f64::max);
            }
            let in_parts = open[index]
                && self.windows[index].is_none()
                && step.time_support() != TimeSupport::Whole
                && matches!(step.readiness, Readiness::Ready { .. });
            if !in_parts {
                continue;
            }
            let own = step.node_type.and_then(|node_type| self.shop.around.duration_secs(step, node_type));
            let before = step.sources.iter().map(|source| clip_secs[*source]);
            clip_secs[index] = before.fold(own.unwrap_or(0.0), f64::max);
            long[index] = Some(clip_secs[index]).filter(|secs| *secs > self.shop.parts.above_secs);
        }
        long
    }

    /// Steps whose whole results are needed though no step takes them.
    fn kept_for_themselves(&self) -> Vec<bool> {
        let mut kept: Vec<bool> = self.shop.plan.steps.iter().map(|step| step.node.pinned).collect();
        self.wanted.iter().for_each(|step| kept[*step] = true);
        kept
    }

    fn work(&self, task: &Task) {
        match &task.work {
            Work::Step(step) => self.work_on_step(*step),
            Work::Parts(group) => self.work_in_parts(group, self.shop.parts),
        }
        task.takes.iter().for_each(|step| self.release(*step));
    }

    /// Counts one user of a result less; the last one lets go of it.
    fn release(&self, index: usize) {
        if self.cells[index].users.fetch_sub(1, Ordering::AcqRel) == 1 {
            *lock(&self.cells[index].result) = None;
        }
    }

    /// Why a step has to run.
    pub(crate) fn changes(&self, index: usize) -> Vec<Change> {
        let step = &self.shop.plan.steps[index];
        match &step.readiness {
            Readiness::Ready { key, parts } if self.part_of.is_none() => {
                lock(self.shop.history).changes(step.id, key, parts, self.windows[index])
            }
            _ => Vec::new(),
        }
    }

    /// Takes a new result, for steps that wait for it and for later runs. `elapsed` is the time in the node itself,
    /// `making` the time that it takes to have the result again.
    pub(crate) fn deliver(
        &self,
        index: usize,
        entry: Arc<Entry>,
        state: State,
        elapsed: Duration,
        making: Duration,
    ) {
        if self.part_of.is_none() {
            self.shop.caches.memory.insert(entry.clone());
            // Parts of clips are for looking at while something changes: they stay in memory.
            if self.windows[index].is_none() && self.shop.caches.disk.is_some() {
                *lock(&self.cells[index].unkept) = Some((entry.clone(), making));
            }
        }
        self.finish(index, Some(&entry), state, elapsed);
        if self.cells[index].users.load(Ordering::Relaxed) > 0 {
            *lock(&self.cells[index].result) = Some(entry);
        }
    }

    /// Records what became of a step and tells of it.
    pub(crate) fn finish(&self, index: usize, entry: Option<&Arc<Entry>>, state: State, elapsed: Duration) {
        let mut outputs = BTreeMap::new();
        if self.part_of.is_none() && self.cells[index].outcome.get().is_none() {
            self.remember(index, entry, &state);
            outputs = entry.map(|entry| entry.report(self.shop.digest_outputs)).unwrap_or_default();
            let node = self.shop.plan.steps[index].id;
            (self.shop.around.events)(Event::Finished { node, state: &state });
        }
        // A step between parts of two groups is finished twice; the first time counts.
        let _ = self.cells[index].outcome.set(Outcome { state, elapsed, outputs });
    }

    fn remember(&self, index: usize, entry: Option<&Arc<Entry>>, state: &State) {
        let step = &self.shop.plan.steps[index];
        let mut history = lock(self.shop.history);
        if let (Readiness::Ready { key, parts }, false) =
            (&step.readiness, matches!(state, State::Skipped(_)))
        {
            let finished = !matches!(state, State::Failed(_) | State::Cancelled);
            history.remember(step.id, key, parts, self.windows[index], finished);
        }
        if let (Some(entry), true, None) = (entry, step.node.pinned, self.windows[index]) {
            history.pin(step.id, entry.clone());
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
        if self.part_of.is_some() {
            return;
        }
        for (index, step) in self.shop.plan.steps.iter().enumerate() {
            if self.state(index).is_none() {
                let level = || step.key().and_then(|key| self.shop.caches.level_of(&key));
                let state = match step.readiness {
                    Readiness::Pinned(_) => State::Pinned,
                    _ => level().map_or(State::Skipped(Skip::NotNeeded), State::Cached),
                };
                self.finish(index, None, state, Duration::ZERO);
            }
        }
    }
}

impl PartOf<'_> {
    fn find(&self, index: usize) -> Found {
        match (self.whole.result(index), self.whole.state(index)) {
            (Some(entry), state) => Found::Kept(entry, state.cloned().unwrap_or(State::Ran(Vec::new()))),
            _ if self.inside[index] => Found::Open,
            (None, state) => Found::Stopped(state.cloned().unwrap_or(State::Cancelled)),
        }
    }
}

/// Per task the tasks that make what it takes.
fn prerequisites(tasks: &[Task], steps: usize) -> Vec<Vec<usize>> {
    let mut maker = vec![None; steps];
    for (number, task) in tasks.iter().enumerate() {
        task.makes().iter().for_each(|step| maker[*step] = Some(number));
    }
    let before = |task: &Task| {
        let mut before: Vec<usize> = task.takes.iter().filter_map(|step| maker[*step]).collect();
        before.sort_unstable();
        before.dedup();
        before
    };
    tasks.iter().map(before).collect()
}

/// No lock here is held over code that can panic half-way, so a poisoned one is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
