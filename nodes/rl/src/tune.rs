//! The loop: draw takes, judge them, learn, check on held-out lines, keep what was reached.

mod learning;
#[cfg(test)]
mod tests;

use crate::RlError;
use crate::alarm::{Check, Margins, exploited, fall};
use crate::checkpoint::{self, Identity};
use crate::curves::Row;
use crate::evaluation::{figures_of, perform, rewards_of};
use crate::losses::{divergence_on_takes, is_offline};
use crate::parameters::{numbers_of, shapes_of, with_numbers};
use crate::policy::{Judge, Policy, Proxy, Sampling};
use crate::preferences::{HandOrder, order_of};
use crate::rollout::{Judging, Rollout, roll_out, roll_out_again, seeds};
use crate::settings::TuneSettings;
use crate::state::{State, Stop};
use crate::statistics::mean;
use esarm_kernels::random::Random;
use esarm_values::Hasher;
use std::collections::BTreeMap;
use std::path::Path;

/// Random streams.
const LINES_STREAM: u64 = 0x4C69;
const TAKES_STREAM: u64 = 0x5461;
const HELD_OUT_STREAM: u64 = 0x486F;

/// What is to be tuned, on what, and by whose judgement.
pub struct Task<'a, P: Policy> {
    /// The policy to begin with and to stay near.
    pub start: &'a P,
    /// Lines to learn from.
    pub lines: &'a [P::Line],
    /// Lines to check on; never learnt from.
    pub held_out: &'a [P::Line],
    /// What is raised.
    pub judge: &'a dyn Judge<P::Line>,
    /// What must not fall.
    pub proxies: &'a [&'a dyn Proxy<P::Line>],
    /// Mean over the demonstrations of the spread of each column of the motion, against freezing; empty for none.
    pub demonstration_spread: &'a [f64],
    /// Orders of takes of the start that a person made; DPO learns from them in place of the reward's.
    pub hand_orders: &'a [HandOrder],
    /// Digests of the data by name, so that a checkpoint of other data is refused.
    pub data: Vec<(String, String)>,
}

/// How a run is watched and stopped.
pub struct Hooks<'a> {
    /// Whether to stop; asked between lines.
    pub cancelled: &'a dyn Fn() -> bool,
    /// Told the fraction done and what is being done.
    pub working: &'a dyn Fn(f64, &str),
    /// Told what each iteration measured.
    pub row: &'a mut dyn FnMut(&Row),
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome<P> {
    /// The policy of the best check.
    pub policy: P,
    /// Why the run ended.
    pub stop: Stop,
    /// Checks on held-out lines, the first of the starting policy.
    pub checks: Vec<Check>,
    /// The best of them.
    pub best: Check,
    /// What each iteration measured.
    pub rows: Vec<Row>,
    /// Iterations that a checkpoint had done before.
    pub resumed_at: usize,
}

/// Tunes a policy.
///
/// With `checkpoint` the state is kept in that file after every iteration, and a run that was stopped there goes on from
/// it: it ends with the policy, bit for bit, of one that was not. The result is the policy with the highest reward on
/// held-out lines among the checks without a fallen proxy; the start is one of them. Where DPO follows orders made by
/// hand, which the reward need not agree with, it is the last such check instead.
///
/// # Errors
/// When a setting is out of range, there are no lines, a judge fails, a loss or slope is not finite, the checkpoint is
/// of another run or cannot be written, or the run was cancelled. The last checkpoint stays.
pub fn tune<P: Policy>(
    task: &Task<'_, P>,
    settings: &TuneSettings,
    checkpoint: Option<&Path>,
    hooks: &mut Hooks<'_>,
) -> Result<Outcome<P>, RlError> {
    settings.check()?;
    if task.lines.is_empty() || task.held_out.is_empty() {
        let what = "there must be at least one line to learn from and one to check on; add speech clips";
        return Err(RlError::Lines(what.to_owned()));
    }
    task.hand_orders.iter().try_for_each(|order| order.check(task.lines.len()))?;
    let run = Run {
        margins: task.proxies.iter().map(|proxy| (proxy.name().to_owned(), proxy.margin())).collect(),
        identity: identity(task, settings)?,
        shapes: shapes_of(task.start.network()),
        frozen: task.start.frozen(),
        task,
        settings,
        checkpoint,
    };
    let mut state = match checkpoint {
        None => None,
        Some(path) => checkpoint::load(path, &run.identity, &run.shapes)?,
    };
    let resumed_at = state.as_ref().map_or(0, |state| state.journal.iteration);
    let state = match &mut state {
        Some(state) => state,
        none => none.insert(run.begin(hooks)?),
    };
    let mut offline = BTreeMap::new();
    while state.journal.iteration < settings.iterations && state.journal.stopped.is_none() {
        run.iterate(state, &mut offline, hooks)?;
        run.save(state)?;
        if let Some(row) = state.journal.rows.last() {
            (hooks.row)(row);
        }
    }
    Ok(run.outcome(state, resumed_at))
}

/// A run's fixed parts.
struct Run<'a, P: Policy> {
    task: &'a Task<'a, P>,
    settings: &'a TuneSettings,
    checkpoint: Option<&'a Path>,
    margins: Margins,
    identity: Identity,
    shapes: Vec<Vec<usize>>,
    frozen: Vec<bool>,
}

impl<P: Policy> Run<'_, P> {
    fn begin(&self, hooks: &Hooks<'_>) -> Result<State, RlError> {
        (hooks.working)(0.0, "checking the start on held-out lines");
        let check = self.check(self.task.start, 0, hooks)?;
        let state = State::start(numbers_of(self.task.start.network()), self.settings.kl_weight, check);
        self.save(&state)?;
        Ok(state)
    }

    /// The policy of a list of numbers.
    fn policy(&self, numbers: &[f32]) -> P {
        self.task.start.with_network(with_numbers(self.task.start.network(), numbers))
    }

    /// One iteration, the check that is due after it included.
    fn iterate(
        &self,
        state: &mut State,
        offline: &mut BTreeMap<usize, Rollout>,
        hooks: &Hooks<'_>,
    ) -> Result<(), RlError> {
        let done = state.journal.iteration as f64 / self.settings.iterations as f64;
        (hooks.working)(done, &format!("iteration {}: drawing takes", state.journal.iteration + 1));
        let rollouts = self.draw(state, offline, hooks)?;
        (hooks.working)(done, &format!("iteration {}: learning", state.journal.iteration + 1));
        let mut row = self.learn(state, &rollouts, hooks)?;
        if is_offline(self.settings.algorithm) {
            offline.extend(rollouts.into_iter().map(|rollout| (rollout.line, rollout)));
        }
        state.journal.iteration += 1;
        let iteration = state.journal.iteration;
        if iteration.is_multiple_of(self.settings.check_every) || iteration == self.settings.iterations {
            let check = self.check(&self.policy(&state.numbers), iteration, hooks)?;
            row.takes_judged += self.task.held_out.len() * self.settings.held_out_takes;
            row.held_out = Some(check.clone());
            self.remember(state, check);
        }
        state.journal.rows.push(row);
        Ok(())
    }

    /// Takes of the lines of this iteration; those of the start once only where the algorithm wants no others.
    fn draw(
        &self,
        state: &State,
        offline: &mut BTreeMap<usize, Rollout>,
        hooks: &Hooks<'_>,
    ) -> Result<Vec<Rollout>, RlError> {
        let judging = Judging {
            judge: self.task.judge,
            start: self.task.start,
            demonstration_spread: self.task.demonstration_spread,
            settings: self.settings,
        };
        let from_start = is_offline(self.settings.algorithm);
        let policy = if from_start { self.task.start.clone() } else { self.policy(&state.numbers) };
        let takes = Random::new(self.settings.seed, TAKES_STREAM);
        let takes = if from_start { takes } else { takes.split(state.journal.iteration as u64) };
        let draw = |line: usize| match offline.remove(&line) {
            Some(rollout) => Ok(rollout),
            None => {
                go_on(hooks)?;
                let (numbered, random) = ((line, &self.task.lines[line]), takes.split(line as u64));
                match self.hand_order(line) {
                    Some(order) => {
                        let drawn = (&*order.seeds, Sampling::Performing);
                        roll_out_again(&policy, numbered, drawn, random, &judging)
                    }
                    None => roll_out(&policy, numbered, random, &judging),
                }
            }
        };
        self.lines_of(state.journal.iteration).into_iter().map(draw).collect()
    }

    /// The order that a person made of takes of a line, where the algorithm learns from it.
    fn hand_order(&self, line: usize) -> Option<&HandOrder> {
        order_of(self.task.hand_orders, line).filter(|_| is_offline(self.settings.algorithm))
    }

    /// Whether what a person prefers is learnt, which the reward need not agree with.
    fn follows_hand(&self) -> bool {
        is_offline(self.settings.algorithm) && !self.task.hand_orders.is_empty()
    }

    /// The lines of an iteration, without repetition.
    fn lines_of(&self, iteration: usize) -> Vec<usize> {
        let random = Random::new(self.settings.seed, LINES_STREAM).split(iteration as u64);
        let mut lines = shuffled(self.task.lines.len(), random);
        lines.truncate(self.settings.lines_per_iteration);
        lines
    }

    /// What held-out lines say of a policy; the same seeds at every check.
    fn check(&self, policy: &P, iteration: usize, hooks: &Hooks<'_>) -> Result<Check, RlError> {
        let held_out = self.task.held_out;
        let seeds = seeds(Random::new(self.settings.seed, HELD_OUT_STREAM), self.settings.held_out_takes);
        let performance = perform(policy, held_out, &seeds, &|| go_on(hooks))?;
        let divergence = |line| divergence_on_takes(policy, self.task.start, line, &seeds);
        let divergences = held_out.iter().map(divergence).collect::<Result<Vec<_>, _>>()?;
        let rewards = rewards_of(policy, held_out, &performance, self.task.judge)?.concat();
        let proxies = self.task.proxies.iter().map(|proxy| {
            let figures = figures_of(policy, held_out, &performance, *proxy)?;
            let defined: Vec<f64> = figures.into_iter().flatten().flatten().collect();
            Ok((!defined.is_empty()).then(|| mean(&defined)))
        });
        let proxies = proxies.collect::<Result<Vec<_>, RlError>>()?;
        Ok(Check { iteration, reward: mean(&rewards), proxies, kl: mean(&divergences) })
    }

    /// Keeps a check, and the network if it is the best so far without a fallen proxy; sets off the alarm.
    fn remember(&self, state: &mut State, check: Check) {
        let journal = &mut state.journal;
        let is_sound = fall(&self.margins, &journal.checks[0], &check).is_none();
        let is_better = check.reward > journal.checks[journal.best_check].reward || self.follows_hand();
        if is_sound && is_better {
            journal.best_check = journal.checks.len();
            state.best.clone_from(&state.numbers);
        }
        journal.checks.push(check);
        let patience = self.settings.alarm_patience;
        journal.stopped = exploited(&self.margins, &journal.checks, patience).map(Stop::RewardHacking);
    }

    fn save(&self, state: &State) -> Result<(), RlError> {
        match self.checkpoint {
            Some(path) => checkpoint::save(path, &self.identity, &self.shapes, state),
            None => Ok(()),
        }
    }

    fn outcome(&self, state: &State, resumed_at: usize) -> Outcome<P> {
        let journal = &state.journal;
        Outcome {
            policy: self.policy(&state.best),
            stop: journal.stopped.clone().unwrap_or(Stop::Finished),
            best: journal.checks[journal.best_check].clone(),
            checks: journal.checks.clone(),
            rows: journal.rows.clone(),
            resumed_at,
        }
    }
}

/// The numbers below `count` in a random order (Fisher and Yates, 1938).
fn shuffled(count: usize, random: Random) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, random.below(last as u64, last as u32 + 1) as usize);
    }
    order
}

fn go_on(hooks: &Hooks<'_>) -> Result<(), RlError> {
    if (hooks.cancelled)() { Err(RlError::Cancelled) } else { Ok(()) }
}

/// Everything that the result depends on, by name; how many iterations there are is not among it, so that a run can be
/// made longer.
fn identity<P: Policy>(task: &Task<'_, P>, settings: &TuneSettings) -> Result<Identity, RlError> {
    let unreadable = |error: serde_json::Error| RlError::Lines(error.to_string());
    let settings = serde_json::to_value(settings).map_err(unreadable)?;
    let named = settings.as_object().into_iter().flatten().filter(|(name, _)| *name != "iterations");
    let mut identity: Identity = named.map(|(name, value)| (name.clone(), value.to_string())).collect();
    identity.extend(task.data.iter().cloned());
    let mut hasher = Hasher::new();
    hasher.floats(&numbers_of(task.start.network()));
    identity.insert("starting network".to_owned(), hasher.finish().to_string());
    let names = |lines: &[P::Line]| -> String {
        let names: Vec<&str> = lines.iter().map(|line| task.start.line_name(line)).collect();
        names.join(", ")
    };
    identity.insert("lines".to_owned(), names(task.lines));
    identity.insert("held-out lines".to_owned(), names(task.held_out));
    if !task.hand_orders.is_empty() {
        identity.insert("orders made by hand".to_owned(), format!("{:?}", task.hand_orders));
    }
    Ok(identity)
}
