//! What an iteration learns from its takes.

use super::{Hooks, Run, go_on, shuffled};
use crate::RlError;
use crate::advantages::{over_baseline, over_group, share_without_signal};
use crate::curves::Row;
use crate::losses::{Loss, Signal, binned_ranks, divergence_on_takes, line_loss, number};
use crate::optimiser::StepSize;
use crate::parameters::{norm, slopes_of};
use crate::policy::{Policy, Rows};
use crate::rollout::{Rollout, seeds};
use crate::settings::Algorithm;
use crate::state::State;
use crate::statistics::{deviation, mean};
use esarm_kernels::random::Random;

/// Random streams.
const ORDER_STREAM: u64 = 0x4F72;
const BUDGET_STREAM: u64 = 0x4275;
/// Where in its budget the divergence may lie before its weight adapts, and by how much it does.
const SPARE: f64 = 1.0 / 3.0;
const TIGHT: f64 = 2.0 / 3.0;
const ADAPTATION: f64 = 1.5;
/// By how much the weight rises when a pass had to be undone.
const UNDONE_RAISES: f64 = 2.0;
/// Bounds of the weight, relative to what it began with.
const WEIGHT_REACH: f64 = 256.0;

/// What the steps of an iteration measured.
#[derive(Default)]
struct Measured {
    losses: Vec<f64>,
    gradient_norms: Vec<f64>,
    clip_ratios: Vec<f64>,
    entropies: Vec<f64>,
}

/// What is learnt from each take of each rollout.
enum Targets {
    Advantages(Vec<Vec<f32>>),
    Ranks(Vec<Vec<f32>>),
}

impl Targets {
    fn signal(&self, rollout: usize) -> Signal<'_> {
        match self {
            Self::Advantages(all) => Signal::Advantages(&all[rollout]),
            Self::Ranks(all) => Signal::Ranks(&all[rollout]),
        }
    }
}

impl<P: Policy> Run<'_, P> {
    /// Passes over the takes and what they measured. The weight of the divergence adapts for the next iteration.
    pub(super) fn learn(
        &self,
        state: &mut State,
        rollouts: &[Rollout],
        hooks: &Hooks<'_>,
    ) -> Result<Row, RlError> {
        let settings = self.settings;
        rollouts.iter().for_each(|rollout| state.journal.normaliser.observe(&rollout.rewards));
        let normaliser = state.journal.normaliser;
        let (targets, explained_variance) = self.targets(state, rollouts)?;
        let kl_weight = state.journal.kl_weight;
        let mut measured = Measured::default();
        let (mut epochs_kept, mut kl) = (0, self.divergence_of(state)?);
        for epoch in 0..settings.epochs {
            let before = (state.numbers.clone(), state.moments.clone());
            self.pass(state, rollouts, &targets, epoch, &mut measured, hooks)?;
            let reached = self.divergence_of(state)?;
            if reached > settings.kl_budget {
                (state.numbers, state.moments) = before;
                break;
            }
            (epochs_kept, kl) = (epochs_kept + 1, reached);
        }
        self.adapt_weight(state, kl, epochs_kept < settings.epochs);
        let rewards: Vec<f64> = rollouts.iter().flat_map(|it| it.clip_rewards.iter().copied()).collect();
        Ok(Row {
            iteration: state.journal.iteration + 1,
            reward_mean: mean(&rewards),
            reward_std: deviation(&rewards),
            groups_without_signal: share_without_signal(rollouts, &normaliser, settings),
            kl,
            kl_weight,
            clip_ratio: (!measured.clip_ratios.is_empty()).then(|| mean(&measured.clip_ratios)),
            entropy: mean(&measured.entropies),
            gradient_norm: mean(&measured.gradient_norms),
            loss: mean(&measured.losses),
            explained_variance,
            epochs_kept,
            takes_judged: rewards.len(),
            held_out: None,
        })
    }

    fn targets(&self, state: &State, rollouts: &[Rollout]) -> Result<(Targets, Option<f64>), RlError> {
        let normaliser = &state.journal.normaliser;
        Ok(match self.settings.algorithm {
            Algorithm::Ppo => {
                let state_of = |rollout: &Rollout| self.task.start.states(&self.task.lines[rollout.line]);
                let states: Vec<Rows> = rollouts.iter().map(state_of).collect();
                let found = over_baseline(rollouts, &states, normaliser, self.settings)?;
                (Targets::Advantages(found.values), found.explained_variance)
            }
            Algorithm::Grpo => {
                let found = over_group(rollouts, normaliser, self.settings);
                (Targets::Advantages(found.values), found.explained_variance)
            }
            Algorithm::Dpo => {
                let rank = |it: &Rollout| match self.hand_order(it.line) {
                    Some(order) => order.ranks.clone(),
                    None => binned_ranks(&it.learnt_clip_rewards(normaliser, self.settings)),
                };
                (Targets::Ranks(rollouts.iter().map(rank).collect()), None)
            }
        })
    }

    /// One pass over all takes, a step for every few lines.
    fn pass(
        &self,
        state: &mut State,
        rollouts: &[Rollout],
        targets: &Targets,
        epoch: usize,
        measured: &mut Measured,
        hooks: &Hooks<'_>,
    ) -> Result<(), RlError> {
        let random = Random::new(self.settings.seed, ORDER_STREAM).split(state.journal.iteration as u64);
        let order = shuffled(rollouts.len(), random.split(epoch as u64));
        for lines in order.chunks(self.settings.lines_per_step) {
            let batch: Vec<_> = lines.iter().map(|at| (&rollouts[*at], targets.signal(*at))).collect();
            self.step(state, &batch, measured, hooks)?;
        }
        Ok(())
    }

    fn step(
        &self,
        state: &mut State,
        batch: &[(&Rollout, Signal<'_>)],
        measured: &mut Measured,
        hooks: &Hooks<'_>,
    ) -> Result<(), RlError> {
        let policy = self.policy(&state.numbers);
        let mut slopes = vec![0.0; state.numbers.len()];
        let mut loss_sum = 0.0;
        let count_of = |rollout: &Rollout| self.hand_order(rollout.line).map_or(1.0, |order| order.weight);
        let counts: f32 = batch.iter().map(|(rollout, _)| count_of(rollout)).sum();
        for (rollout, signal) in batch {
            go_on(hooks)?;
            let line = &self.task.lines[rollout.line];
            let weight = state.journal.kl_weight;
            let Loss { total, clip_ratio, entropy } =
                line_loss(&policy, self.task.start, line, rollout, signal, self.settings, weight)?;
            loss_sum += number(&total);
            measured.clip_ratios.extend(clip_ratio);
            measured.entropies.push(entropy);
            let share = count_of(rollout) / counts;
            let own = slopes_of(policy.network(), total.backward());
            slopes.iter_mut().zip(own).for_each(|(sum, slope)| *sum += share * slope);
        }
        for (slope, _) in slopes.iter_mut().zip(&self.frozen).filter(|(_, frozen)| **frozen) {
            *slope = 0.0;
        }
        let (loss, gradient_norm) = (loss_sum / batch.len().max(1) as f64, norm(&slopes));
        self.finite("the loss", loss, state)?;
        self.finite("the norm of the slopes", gradient_norm, state)?;
        measured.losses.push(loss);
        measured.gradient_norms.push(gradient_norm);
        if gradient_norm > self.settings.largest_gradient_norm {
            let share = (self.settings.largest_gradient_norm / gradient_norm) as f32;
            slopes.iter_mut().for_each(|slope| *slope *= share);
        }
        self.apply(state, slopes);
        Ok(())
    }

    /// Takes the optimiser's step; what is frozen stays, decay included.
    fn apply(&self, state: &mut State, slopes: Vec<f32>) {
        let before = state.numbers.clone();
        let size =
            StepSize { learning_rate: self.settings.learning_rate, weight_decay: self.settings.weight_decay };
        state.moments.step(size, &mut state.numbers, slopes);
        for ((number, before), _) in
            state.numbers.iter_mut().zip(before).zip(&self.frozen).filter(|(_, frozen)| **frozen)
        {
            *number = before;
        }
    }

    /// The divergence from the start, nats per action frame: on a take of each held-out line by the policy itself,
    /// always of the same seed, so that it depends on the network alone.
    fn divergence_of(&self, state: &State) -> Result<f64, RlError> {
        let policy = self.policy(&state.numbers);
        let seeds = seeds(Random::new(self.settings.seed, BUDGET_STREAM), 1);
        let of = |line: &P::Line| divergence_on_takes(&policy, self.task.start, line, &seeds);
        let kl = mean(&self.task.held_out.iter().map(of).collect::<Result<Vec<_>, _>>()?);
        self.finite("the divergence from the start", kl, state)?;
        Ok(kl)
    }

    fn adapt_weight(&self, state: &mut State, kl: f64, undone: bool) {
        let (weight, first) = (&mut state.journal.kl_weight, self.settings.kl_weight);
        *weight *= match kl / self.settings.kl_budget {
            _ if undone => UNDONE_RAISES,
            share if share > TIGHT => ADAPTATION,
            share if share < SPARE => 1.0 / ADAPTATION,
            _ => 1.0,
        };
        *weight = weight.clamp(first / WEIGHT_REACH, first * WEIGHT_REACH);
    }

    fn finite(&self, what: &str, value: f64, state: &State) -> Result<(), RlError> {
        if value.is_finite() {
            return Ok(());
        }
        let kept = match self.checkpoint {
            Some(path) => format!("iteration {} is kept in {}", state.journal.iteration, path.display()),
            None => "nothing was kept, because no checkpoint was asked for".to_owned(),
        };
        let iteration = state.journal.iteration + 1;
        Err(RlError::Diverged { iteration, what: format!("{what} is {value}"), kept })
    }
}
