//! Learning the reward from ranked demonstrations (T-REX: Brown et al., ICML 2019; D-REX: CoRL 2019).
//!
//! Every member of the ensemble starts from its own weights and sees its own pairs of snippets; the loss is the mean of
//! `-ln P(better over worse)`, `P` the logistic of the difference of the snippets' mean rewards (Bradley and Terry). The
//! weights with the least loss on held-out pairs are kept, their output is brought to mean 0 and standard deviation 1
//! over training snippets, and a temperature makes the preferences on held-out pairs honest.

mod adam;
mod batches;
mod calibration;
mod checkpoint;
mod curve;

pub use batches::SNIPPET_FRAMES;
pub use calibration::{Calibration, best_temperature, calibration};
pub use curve::{CurveRow, curve_csv};

use crate::RewardError;
use crate::demonstrations::{Demonstrations, Kind, deviations};
use crate::features::MOTION_COLUMNS;
use crate::model::network::{Network, numbers, random_layers};
use crate::model::{Layer, RewardModel, RewardWeights};
use adam::{Adam, StepSize};
use batches::{Batch, Sampler, split};
use burn::tensor::Device;
use esarm_kernels::preference::preference_loss;
use esarm_kernels::random::Random;
use esarm_values::Hasher;
use std::collections::BTreeMap;
use std::path::Path;

/// Pairs that are validated on, in batches of this many.
const VALIDATION_BATCH: usize = 32;
/// Steps over which the learning rate rises.
const WARM_UP_STEPS: f32 = 50.0;
/// Last learning rate, as a share of the highest.
const LAST_RATE: f32 = 0.02;
/// Weight of the squared rewards in the loss: keeps them near 0 where pairs say nothing.
const REWARD_PENALTY: f32 = 1e-3;
/// Least spread of a weight that it is divided by, so that weights that hardly move are not blown up.
const LEAST_SCALE: f32 = 0.04;
/// Random streams.
const TRAINING_STREAM: u64 = 0x7261;
const VALIDATION_STREAM: u64 = 0x7661;
const NORMALISING_STREAM: u64 = 0x6E6F;

/// How a reward is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainOptions {
    /// Networks in the ensemble, 1 to 16.
    pub members: usize,
    /// Most optimiser steps.
    pub steps: usize,
    /// Pairs of snippets that each member sees in a step.
    pub pairs: usize,
    /// Highest learning rate, reached after a warm-up and then lowered along half a cosine.
    pub learning_rate: f64,
    /// Share of a weight that a step of size 1 takes away.
    pub weight_decay: f64,
    /// Steps from one validation, and checkpoint, to the next.
    pub validate_every: usize,
    /// Validations without gain after which training stops.
    pub patience: usize,
    /// Held-out pairs to validate on.
    pub validation_pairs: usize,
    /// Everything random is drawn from it.
    pub seed: u64,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            members: 3,
            steps: 1500,
            pairs: 16,
            learning_rate: 2e-3,
            weight_decay: 0.02,
            validate_every: 100,
            patience: 6,
            validation_pairs: 256,
            seed: 1,
        }
    }
}

/// What a training gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The weights.
    pub weights: RewardWeights,
    /// How it went.
    pub curve: Vec<CurveRow>,
    /// Figures on held-out pairs.
    pub calibration: Calibration,
    /// Steps done.
    pub steps: usize,
    /// Steps after which the kept weights were reached.
    pub best_step: usize,
}

/// Everything that changes during a training.
#[derive(Clone, Debug, PartialEq)]
struct State {
    members: Vec<Vec<Layer>>,
    optimisers: Vec<Adam>,
    best: Vec<Vec<Layer>>,
    best_loss: f64,
    best_step: usize,
    /// Validations since the best one.
    without_gain: usize,
    step: usize,
    curve: Vec<CurveRow>,
}

impl State {
    fn new(options: &TrainOptions) -> Self {
        let members: Vec<Vec<Layer>> = (0..options.members)
            .map(|member| random_layers(Random::new(options.seed, member as u64)))
            .collect();
        let optimisers = members.iter().map(|_| Adam::new(checkpoint::parameter_lengths())).collect();
        Self {
            best: members.clone(),
            members,
            optimisers,
            best_loss: f64::INFINITY,
            best_step: 0,
            without_gain: 0,
            step: 0,
            curve: Vec::new(),
        }
    }
}

/// Trains a reward on demonstrations of some clips.
///
/// With `checkpoint` the state is kept in that file at every validation, and a training that was stopped there goes on
/// from it: it ends with the weights of one that was not stopped. `report` is told each step and each row of the curve;
/// an error of it stops the training.
///
/// # Errors
/// When there is no pair to learn from, an option is out of range, the checkpoint is of another training or cannot be
/// written, the loss is not finite, or `report` says stop. The last checkpoint stays.
pub fn train(
    sets: &[Demonstrations],
    options: &TrainOptions,
    checkpoint: Option<&Path>,
    report: &mut dyn FnMut(usize, Option<&CurveRow>) -> Result<(), RewardError>,
) -> Result<Trained, RewardError> {
    check(options)?;
    let (training, validation) = split(sets);
    if training.is_empty() || validation.is_empty() {
        let what =
            "there is no pair of takes to learn from; use more families, more levels or a smaller margin";
        return Err(RewardError::demonstrations("", what));
    }
    let task = Task { options, training, validation, motion_scale: motion_scale(sets) };
    let identity = identity(sets, options);
    let mut state = match checkpoint {
        None => None,
        Some(path) => checkpoint::load(path, &identity)?,
    }
    .unwrap_or_else(|| State::new(options));
    let mut loss_sum = 0.0;
    while state.step < options.steps && state.without_gain < options.patience {
        report(state.step, None)?;
        loss_sum += task.step(&mut state, checkpoint)?;
        state.step += 1;
        if state.step.is_multiple_of(options.validate_every) || state.step == options.steps {
            let steps = (state.step - state.curve.last().map_or(0, |row| row.step)) as f64;
            task.validate(&mut state, loss_sum / steps);
            loss_sum = 0.0;
            if let Some(path) = checkpoint {
                checkpoint::save(path, &identity, &state)?;
            }
            report(state.step, state.curve.last())?;
        }
    }
    Ok(task.finish(state, sets))
}

/// A training's data and options.
struct Task<'a> {
    options: &'a TrainOptions,
    training: Sampler<'a>,
    validation: Sampler<'a>,
    motion_scale: Vec<f32>,
}

impl Task<'_> {
    /// One step of every member; gives their mean loss.
    fn step(&self, state: &mut State, checkpoint: Option<&Path>) -> Result<f64, RewardError> {
        let device = Device::flex().autodiff();
        let size = StepSize {
            step: state.step,
            learning_rate: learning_rate(self.options, state.step),
            weight_decay: self.options.weight_decay as f32,
        };
        let mut sum = 0.0;
        for member in 0..state.members.len() {
            let random = Random::new(self.options.seed, TRAINING_STREAM).split(member as u64);
            let batch = self.training.batch(self.options.pairs, random.split(state.step as u64), &device);
            let network = Network::new(&state.members[member], &self.motion_scale, &device).tracked();
            let rewards = batch.pair_rewards(network.forward(&batch.judged));
            let loss = loss_of(rewards)?;
            let value = loss.clone().into_scalar::<f32>();
            if !value.is_finite() {
                return Err(RewardError::Diverged {
                    member,
                    step: state.step,
                    loss: value,
                    kept: what_is_kept(checkpoint, state),
                });
            }
            sum += f64::from(value);
            let gradients = network.gradients(&loss.backward());
            let layers = state.members[member].iter_mut();
            for (index, (layer, gradients)) in layers.zip(gradients.chunks_exact(2)).enumerate() {
                let adam = &mut state.optimisers[member];
                adam.step(2 * index, &mut layer.weight, &gradients[0], size);
                let size = StepSize { weight_decay: 0.0, ..size };
                adam.step(2 * index + 1, &mut layer.bias, &gradients[1], size);
            }
        }
        Ok(sum / state.members.len() as f64)
    }

    /// Adds a row to the curve and keeps the weights when they are the best so far.
    fn validate(&self, state: &mut State, training_loss: f64) {
        let judged = self.judge(&state.members, &self.validation, VALIDATION_STREAM);
        let figures = calibration(&judged.differences(), 1.0);
        state.curve.push(CurveRow {
            step: state.step,
            training_loss,
            validation_loss: figures.loss,
            validation_accuracy: figures.accuracy,
            disagreement: judged.disagreement(),
            learning_rate: f64::from(learning_rate(self.options, state.step.saturating_sub(1))),
        });
        if figures.loss < state.best_loss {
            state.best_loss = figures.loss;
            state.best_step = state.step;
            state.best.clone_from(&state.members);
            state.without_gain = 0;
        } else {
            state.without_gain += 1;
        }
    }

    /// Rewards of pairs of snippets by an ensemble.
    fn judge(&self, members: &[Vec<Layer>], sampler: &Sampler<'_>, stream: u64) -> JudgedPairs {
        let device = Device::flex();
        let random = Random::new(self.options.seed, stream);
        let networks: Vec<Network> =
            members.iter().map(|layers| Network::new(layers, &self.motion_scale, &device)).collect();
        let mut rewards = vec![Vec::new(); members.len()];
        for number in 0..self.options.validation_pairs.div_ceil(VALIDATION_BATCH) {
            let batch: Batch = sampler.batch(VALIDATION_BATCH, random.split(number as u64), &device);
            for (network, rewards) in networks.iter().zip(&mut rewards) {
                let of_pairs = batch.pair_rewards(network.forward(&batch.judged));
                rewards.extend(numbers(of_pairs.into_data()).into_iter().map(f64::from));
            }
        }
        JudgedPairs { rewards }
    }

    /// Normalises and calibrates the best weights.
    fn finish(&self, state: State, sets: &[Demonstrations]) -> Trained {
        let mut members = state.best;
        let judged = self.judge(&members, &self.training, NORMALISING_STREAM);
        for (layers, rewards) in members.iter_mut().zip(&judged.rewards) {
            normalise(layers, rewards);
        }
        let differences = self.judge(&members, &self.validation, VALIDATION_STREAM).differences();
        let temperature = best_temperature(&differences);
        let calibration = calibration(&differences, temperature);
        let notes = BTreeMap::from([
            ("seed".to_owned(), self.options.seed.to_string()),
            ("clips".to_owned(), sets.len().to_string()),
            ("steps".to_owned(), state.best_step.to_string()),
            ("validation_accuracy".to_owned(), format!("{:.4}", calibration.accuracy)),
            ("expected_calibration_error".to_owned(), format!("{:.4}", calibration.expected_error)),
            ("brier".to_owned(), format!("{:.4}", calibration.brier)),
        ]);
        let weights = RewardWeights {
            members,
            motion_scale: self.motion_scale.clone(),
            liveliness: self.liveliness(),
            temperature: temperature as f32,
            notes,
        };
        Trained { weights, curve: state.curve, calibration, steps: state.step, best_step: state.best_step }
    }

    /// Mean standard deviation of each weight over the clips, of takes without noise in clips with speech.
    fn liveliness(&self) -> Vec<f32> {
        let sets = self.training.sets().filter(|set| set.scene.is_heard());
        let spreads: Vec<Vec<f32>> = sets.flat_map(untouched).map(|motion| deviations(motion)).collect();
        let mean =
            |column: usize| spreads.iter().map(|row| row[column]).sum::<f32>() / spreads.len().max(1) as f32;
        (0..MOTION_COLUMNS).map(mean).collect()
    }
}

/// Rewards of pairs by each member: better and worse in turn.
struct JudgedPairs {
    rewards: Vec<Vec<f64>>,
}

impl JudgedPairs {
    /// Mean over the ensemble of each pair's difference, better minus worse.
    fn differences(&self) -> Vec<f64> {
        let pairs = self.rewards.first().map_or(0, |rewards| rewards.len() / 2);
        let difference = |pair: usize| {
            let sum: f64 = self.rewards.iter().map(|rewards| rewards[2 * pair] - rewards[2 * pair + 1]).sum();
            sum / self.rewards.len() as f64
        };
        (0..pairs).map(difference).collect()
    }

    /// Mean over snippets of the standard deviation over the ensemble.
    fn disagreement(&self) -> f64 {
        let snippets = self.rewards.first().map_or(0, Vec::len);
        let deviation = |snippet: usize| {
            let column: Vec<f64> = self.rewards.iter().map(|rewards| rewards[snippet]).collect();
            crate::signal::standard_deviation(&column)
        };
        crate::signal::mean(&(0..snippets).map(deviation).collect::<Vec<_>>())
    }
}

/// The preference loss of rewards `[pairs, 2]`, the better one first, with a small penalty on their size.
fn loss_of(rewards: burn::tensor::Tensor<2>) -> Result<burn::tensor::Tensor<1>, RewardError> {
    let pairs = rewards.dims()[0];
    let ranks = burn::tensor::TensorData::new([0.0_f32, 1.0].repeat(pairs), [pairs, 2]);
    let ranks = burn::tensor::Tensor::from_data(ranks, &rewards.device());
    let penalty = (rewards.clone() * rewards.clone()).mean() * REWARD_PENALTY;
    Ok(preference_loss(rewards, ranks)? + penalty)
}

/// Changes the readout so that rewards of snippets have mean 0 and standard deviation 1.
fn normalise(layers: &mut [Layer], rewards: &[f64]) {
    let centre = crate::signal::mean(rewards);
    let spread = crate::signal::standard_deviation(rewards).max(1e-6);
    if let Some(readout) = layers.last_mut() {
        readout.weight.iter_mut().for_each(|weight| *weight = (f64::from(*weight) / spread) as f32);
        readout.bias.iter_mut().for_each(|bias| *bias = ((f64::from(*bias) - centre) / spread) as f32);
    }
}

fn learning_rate(options: &TrainOptions, step: usize) -> f32 {
    let warm = ((step + 1) as f32 / WARM_UP_STEPS).min(1.0);
    let progress = step as f32 / options.steps as f32;
    let cosine = 0.5 * (1.0 + (std::f32::consts::PI * progress).cos());
    options.learning_rate as f32 * warm * (LAST_RATE + (1.0 - LAST_RATE) * cosine)
}

/// Motions without noise.
fn untouched(set: &Demonstrations) -> impl Iterator<Item = &Vec<f32>> {
    let untouched = set.takes.iter().filter(|take| matches!(take.kind, Kind::Demonstration | Kind::Take));
    untouched.map(|take| &take.motion)
}

/// Spread of each weight over all frames without noise.
fn motion_scale(sets: &[Demonstrations]) -> Vec<f32> {
    let all: Vec<f32> = sets.iter().flat_map(untouched).flatten().copied().collect();
    deviations(&all).into_iter().map(|deviation| deviation.max(LEAST_SCALE)).collect()
}

/// Digest of everything that the weights depend on.
fn identity(sets: &[Demonstrations], options: &TrainOptions) -> String {
    let mut hasher = Hasher::default();
    hasher.text(&format!("{options:?}"));
    for set in sets {
        hasher.text(&set.scene.name).floats(&set.scene.audio).floats(&set.scene.emotion);
        for take in &set.takes {
            hasher.text(&take.name).number(f64::from(take.level)).floats(&take.motion);
            hasher.floats(take.emotion.as_deref().unwrap_or_default());
        }
        hasher.text(&format!("{:?}", set.pairs));
    }
    hasher.finish().to_string()
}

fn what_is_kept(checkpoint: Option<&Path>, state: &State) -> String {
    match (checkpoint, state.curve.last()) {
        (Some(path), Some(row)) => {
            format!("the checkpoint of step {} is kept in {}", row.step, path.display())
        }
        _ => "no checkpoint was made yet".to_owned(),
    }
}

fn check(options: &TrainOptions) -> Result<(), RewardError> {
    let ranges = [
        ("members", options.members, 1..=16),
        ("steps", options.steps, 1..=1_000_000),
        ("pairs", options.pairs, 1..=4096),
        ("validate_every", options.validate_every, 1..=1_000_000),
        ("patience", options.patience, 1..=1_000_000),
        ("validation_pairs", options.validation_pairs, 1..=100_000),
    ];
    for (name, value, allowed) in ranges {
        if !allowed.contains(&value) {
            let (low, high) = (allowed.start(), allowed.end());
            let what = format!("setting {name} is {value}, but must be between {low} and {high}");
            return Err(RewardError::demonstrations("", what));
        }
    }
    Ok(())
}

/// The reward of trained weights on the CPU.
impl From<&Trained> for RewardModel {
    fn from(trained: &Trained) -> Self {
        Self::new(trained.weights.clone(), &Device::flex())
    }
}

#[cfg(test)]
mod tests;
