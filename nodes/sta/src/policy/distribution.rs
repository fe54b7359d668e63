//! The distribution of a clip's actions.

use crate::generator::noise::LATENT_COUNT;
use crate::generator::policy::SpreadTensors;
use burn::tensor::{Tensor, TensorData};
use std::f64::consts::TAU;

/// How the actions of one clip are distributed: see [`crate::policy`] for the formula. Frames are the clip's model
/// frames; every result is differentiable in what the mean and the spread were made from.
#[derive(Clone, Debug)]
pub struct ActionDistribution {
    /// Means `m`: `[1, frames, LATENT_COUNT]`.
    mean: Tensor<3>,
    /// Logarithms of the standard deviations `T s`: `[1, frames, LATENT_COUNT]`.
    log_sigma: Tensor<3>,
    /// Correlations `r`: `[1, 1, LATENT_COUNT]`.
    correlation: Tensor<3>,
    /// Logarithm of what is left of a deviation once the frame before is known: 0 at the first frame,
    /// `ln sqrt(1 - r²)` after it: `[1, frames, LATENT_COUNT]`.
    log_innovation: Tensor<3>,
}

impl ActionDistribution {
    pub(super) fn new(spread: SpreadTensors, correlation: &[f32; LATENT_COUNT], temperature: f32) -> Self {
        let device = spread.shift.device();
        let frames = spread.shift.dims()[0];
        let mut log_innovation = vec![0.0; LATENT_COUNT];
        let later = correlation.map(|correlation| 0.5 * (1.0 - correlation * correlation).ln());
        log_innovation.extend(later.repeat(frames.saturating_sub(1)));
        let tensor = |values: Vec<f32>, frames: usize| {
            Tensor::from_data(TensorData::new(values, [1, frames, LATENT_COUNT]), &device)
        };
        Self {
            mean: spread.shift.unsqueeze(),
            log_sigma: spread.log_sigma.unsqueeze() + f64::from(temperature).ln(),
            correlation: tensor(correlation.to_vec(), 1),
            log_innovation: tensor(log_innovation, frames.max(1)),
        }
    }

    /// Means of the actions: `[frames, LATENT_COUNT]`.
    pub fn mean(&self) -> Tensor<2> {
        self.mean.clone().squeeze_dim(0)
    }

    /// Natural logarithms of the actions' standard deviations, with the temperature: `[frames, LATENT_COUNT]`.
    pub fn log_sigma(&self) -> Tensor<2> {
        self.log_sigma.clone().squeeze_dim(0)
    }

    /// Natural logarithm of the probability density of each frame's actions, given the frame before:
    /// `[takes, frames, LATENT_COUNT]` to `[takes, frames]`. Their sum over frames is that of the take.
    pub fn log_probability(&self, actions: &Tensor<3>) -> Tensor<2> {
        let log_scale = self.log_scale();
        let standard = (actions.clone() - self.expected(actions)) / log_scale.clone().exp();
        let density = standard.square() * -0.5 - log_scale - 0.5 * TAU.ln();
        density.sum_dim(2).squeeze_dim(2)
    }

    /// Entropy of each frame's actions, given the frame before, in nats: `[frames]`.
    pub fn entropy(&self) -> Tensor<1> {
        let each = self.log_scale() + 0.5 * (TAU.ln() + 1.0);
        each.sum_dim(2).flatten(0, 2)
    }

    /// Kullback-Leibler divergence of each frame's actions from those of `reference`, given the frame before as it is
    /// in `actions` `[takes, frames, LATENT_COUNT]`, in nats: `[takes, frames]`, each at least 0. Averaged over takes
    /// that this distribution drew and summed over frames it estimates the divergence of whole takes, with less noise
    /// than differences of log-probabilities.
    pub fn divergence_from(&self, reference: &Self, actions: &Tensor<3>) -> Tensor<2> {
        let (own, other) = (self.log_scale(), reference.log_scale());
        let apart = self.expected(actions) - reference.expected(actions);
        let ratio = ((own.clone() - other.clone()) * 2.0).exp();
        let distance = (apart / other.clone().exp()).square();
        let each = other - own + (ratio + distance) * 0.5 - 0.5;
        each.sum_dim(2).squeeze_dim(2)
    }

    /// Logarithm of the standard deviation that each action has around what is expected of it:
    /// `[1, frames, LATENT_COUNT]`.
    fn log_scale(&self) -> Tensor<3> {
        self.log_sigma.clone() + self.log_innovation.clone()
    }

    /// What is expected of each action, given the one before: `[takes, frames, LATENT_COUNT]`.
    fn expected(&self, actions: &Tensor<3>) -> Tensor<3> {
        let [takes, frames, latents] = actions.dims();
        let standard = (actions.clone() - self.mean.clone()) / self.log_sigma.clone().exp();
        let none = Tensor::zeros([takes, 1, latents], &standard.device());
        let before = Tensor::cat(vec![none, standard.narrow(1, 0, frames - 1)], 1);
        self.mean.clone() + before * self.correlation.clone() * self.log_sigma.clone().exp()
    }
}
