//! What the content network is taught: postures, visemes, closure and silence.

use super::dataset::{Batch, EXAMPLE_FRAMES};
use crate::generator::channels::CONTENT_COUNT;
use crate::generator::features::STACK_COUNT;
use crate::generator::network::{ContentNetwork, READOUT_COUNT};
use crate::visemes::VISEME_COUNT;
use burn::tensor::{Device, Tensor, TensorData, activation};

/// Names of the terms, in the order of [`content_losses`].
pub(super) const CONTENT_TERMS: [&str; 2] = ["postures", "phones"];

/// The losses of a batch: weighted squared error of recorded and modelled postures, and weighted cross-entropy of
/// visemes, closure and silence, each the mean over judged frames.
pub(super) fn content_losses(network: &ContentNetwork, batch: Batch, device: &Device) -> [Tensor<1>; 2] {
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
    [postures, visemes + gates]
}
