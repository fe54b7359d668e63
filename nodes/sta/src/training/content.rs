//! Training of the content network.

use super::TrainingError;
use super::dataset::{Batch, EXAMPLE_FRAMES, Sampler};
use crate::generator::channels::CONTENT_COUNT;
use crate::generator::features::STACK_COUNT;
use crate::generator::network::{ContentNetwork, DenseWeights, READOUT_COUNT};
use crate::visemes::VISEME_COUNT;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData, activation};
use esarm_kernels::random::Random;
use std::sync::mpsc::sync_channel;

/// How the content network is trained.
#[derive(Clone, Debug)]
pub struct ContentSchedule {
    /// Optimiser steps.
    pub steps: usize,
    /// Examples of recorded animation, of labelled recordings and of synthesised speech in a batch.
    pub examples: [usize; 3],
    /// Largest step size, reached after a warm-up and then lowered along half a cosine.
    pub learning_rate: f64,
}

impl Default for ContentSchedule {
    fn default() -> Self {
        Self { steps: 3000, examples: [4, 3, 2], learning_rate: 2e-3 }
    }
}

/// Losses of a step, each the mean over judged frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct ContentLoss {
    /// Weighted squared error of recorded and modelled postures.
    pub postures: f32,
    /// Cross-entropy of visemes, closure and silence, weighted.
    pub classes: f32,
}

const WARM_UP_STEPS: f64 = 60.0;
/// Weight of the newest parameters in the running mean that is kept in the end.
const AVERAGING: f32 = 0.02;
const AVERAGING_EVERY: usize = 5;

/// Trains a content network from scratch and returns the running mean of its layers. `report` is told the step and
/// the mean losses since the last report.
pub(super) fn train_content(
    sampler: &Sampler<3>,
    schedule: &ContentSchedule,
    seed: u64,
    report: &mut dyn FnMut(usize, ContentLoss),
) -> Result<Vec<DenseWeights>, TrainingError> {
    let device = Device::flex().autodiff();
    let mut network = ContentNetwork::random(seed, &device);
    let mut optimiser = AdamWConfig::new().with_weight_decay(0.01).with_epsilon(1e-7).init();
    let mut average = network.layers();
    let mut sum = ContentLoss::default();
    let random = Random::new(seed, 0xBA);
    std::thread::scope(move |scope| {
        let batches: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                let (sender, receiver) = sync_channel(1);
                scope.spawn(move || {
                    for step in (producer..schedule.steps).step_by(PRODUCERS) {
                        let random = random.split(step as u64);
                        if sender.send(sampler.batch(schedule.examples, random)).is_err() {
                            return;
                        }
                    }
                });
                receiver
            })
            .collect();
        for step in 0..schedule.steps {
            let Ok(batch) = batches[step % PRODUCERS].recv() else { break };
            let (loss, parts) = losses(&network, batch?, &device);
            sum.postures += parts.postures;
            sum.classes += parts.classes;
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = optimiser.step(learning_rate(schedule, step), network, gradients);
            if step % AVERAGING_EVERY == 0 {
                let share = if step < schedule.steps / 4 { 1.0 } else { AVERAGING };
                blend_layers(&mut average, network.layers(), share);
            }
            if (step + 1) % REPORT_EVERY == 0 {
                let mean = |sum: f32| sum / REPORT_EVERY as f32;
                report(step + 1, ContentLoss { postures: mean(sum.postures), classes: mean(sum.classes) });
                sum = ContentLoss::default();
            }
        }
        Ok(average)
    })
}

/// Threads that prepare batches; each step's batch depends on its number alone, so the result does not depend on them.
const PRODUCERS: usize = 2;
const REPORT_EVERY: usize = 50;

fn learning_rate(schedule: &ContentSchedule, step: usize) -> f64 {
    let warm = ((step + 1) as f64 / WARM_UP_STEPS).min(1.0);
    let progress = step as f64 / schedule.steps as f64;
    schedule.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()))
}

fn blend_layers(average: &mut [DenseWeights], layers: Vec<DenseWeights>, share: f32) {
    for (mean, layer) in average.iter_mut().zip(layers) {
        let blend = |mean: &mut [f32], new: &[f32]| {
            mean.iter_mut().zip(new).for_each(|(mean, new)| *mean += share * (new - *mean));
        };
        blend(&mut mean.weight, &layer.weight);
        blend(&mut mean.bias, &layer.bias);
    }
}

/// The loss to be lowered, and its parts as numbers.
fn losses(network: &ContentNetwork, batch: Batch, device: &Device) -> (Tensor<1>, ContentLoss) {
    let count = batch.count;
    let tensor = |values: Vec<f32>, width: usize| {
        Tensor::<3>::from_data(TensorData::new(values, [count, EXAMPLE_FRAMES, width]), device)
    };
    let (targets, weights) = (tensor(batch.targets, READOUT_COUNT), tensor(batch.weights, READOUT_COUNT));
    // The correction is fitted afterwards.
    let readout = network.read(network.trunk(&tensor(batch.stacks, STACK_COUNT)));
    let judged = (count * EXAMPLE_FRAMES) as f32;
    let part = |tensor: &Tensor<3>, start: usize, width: usize| tensor.clone().narrow(2, start, width);
    let postures = {
        let width = 2 * CONTENT_COUNT;
        let error = part(&readout, 0, width) - part(&targets, 0, width);
        (error.clone() * error * part(&weights, 0, width)).sum() / judged
    };
    let visemes = {
        let (start, width) = (2 * CONTENT_COUNT, VISEME_COUNT);
        let scores = activation::log_softmax(part(&readout, start, width), 2);
        -(scores * part(&targets, start, width) * part(&weights, start, width)).sum() / judged
    };
    let gates = {
        let start = READOUT_COUNT - 2;
        let (score, target) = (part(&readout, start, 2), part(&targets, start, 2));
        // Binary cross-entropy on scores.
        let loss = activation::softplus(score.clone(), 1.0) - score * target;
        (loss * part(&weights, start, 2)).sum() / judged
    };
    let classes = visemes + gates;
    let number = |tensor: &Tensor<1>| tensor.clone().into_scalar::<f32>();
    let parts = ContentLoss { postures: number(&postures), classes: number(&classes) };
    (postures + classes, parts)
}
