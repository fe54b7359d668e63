//! What algorithms need to know of policies, lines, judges and proxies, so that they work on anything that has these.

use crate::RlError;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// Numbers over time: `[frames, columns]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// The numbers, frame by frame.
    pub values: Vec<f32>,
    /// Numbers in a frame.
    pub columns: usize,
}

impl Rows {
    /// Number of whole frames.
    pub fn frame_count(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }

    /// The frames, one after the other.
    pub fn frames(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.columns.max(1))
    }

    /// Standard deviation of each column over time: `[columns]`.
    pub fn spreads(&self) -> Vec<f64> {
        let count = self.frame_count().max(1) as f64;
        let mut sums = vec![[0.0_f64; 2]; self.columns];
        for frame in self.frames() {
            for (sum, value) in sums.iter_mut().zip(frame) {
                let value = f64::from(*value);
                *sum = [sum[0] + value, sum[1] + value * value];
            }
        }
        let spread = |[sum, squares]: [f64; 2]| (squares / count - (sum / count).powi(2)).max(0.0).sqrt();
        sums.into_iter().map(spread).collect()
    }
}

/// What takes are drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// To learn from: latents that are locked stay at their means.
    Exploring,
    /// To be seen: as the policy performs.
    Performing,
}

/// A stochastic policy over takes of a line. Every line has a fixed number of action frames, of which each has one
/// action for each latent; a take is its actions `[frames, latents]`.
pub trait Policy: Clone {
    /// What is tuned, on a device with gradients.
    type Network: Module;
    /// A clip with its emotion and whatever else has been prepared. Lines belong to the policy and all policies that
    /// differ from it in the network only.
    type Line;
    /// The distribution of a line's actions.
    type Distribution: ActionDistribution;

    /// What is tuned.
    fn network(&self) -> &Self::Network;
    /// The same policy with another network.
    #[must_use]
    fn with_network(&self, network: Self::Network) -> Self;
    /// The device of the network, with gradients.
    fn device(&self) -> &Device;
    /// Actions in a frame.
    fn latent_count(&self) -> usize;
    /// Name of a line, for messages.
    fn line_name<'a>(&self, line: &'a Self::Line) -> &'a str;
    /// Action frames of a line.
    fn action_frames(&self, line: &Self::Line) -> usize;
    /// What is known at each action frame before any choice: `[action frames, columns]`, for the value baseline.
    fn states(&self, line: &Self::Line) -> Rows;
    /// Draws a take for each seed: each `[action frames, latents]`. The same seed gives the same take.
    ///
    /// # Errors
    /// When the policy cannot draw.
    fn sample(&self, line: &Self::Line, seeds: &[u64], sampling: Sampling) -> Result<Vec<Vec<f32>>, RlError>;
    /// How the actions of a line are distributed; differentiable in the network.
    ///
    /// # Errors
    /// When the policy cannot tell.
    fn distribution(&self, line: &Self::Line) -> Result<Self::Distribution, RlError>;
    /// What actions make of a line: what judges and proxies see. Frames need not be those of the actions.
    ///
    /// # Errors
    /// When the actions do not fit the line.
    fn motion(&self, line: &Self::Line, actions: &[f32]) -> Result<Rows, RlError>;
    /// Which numbers of the network, in the order of [`crate::parameters::numbers_of`], are never changed; empty for
    /// none.
    fn frozen(&self) -> Vec<bool> {
        Vec::new()
    }
}

/// A distribution of actions `[takes, frames, latents]`.
pub trait ActionDistribution {
    /// Natural logarithm of the probability density of each frame's actions, given the frames before:
    /// `[takes, frames]`.
    fn log_probability(&self, actions: &Tensor<3>) -> Tensor<2>;
    /// Entropy of each frame's actions, given the frames before, in nats: `[frames]`.
    fn entropy(&self) -> Tensor<1>;
    /// Kullback-Leibler divergence of each frame's actions from those of `reference`, given the frames before as they
    /// are in `actions`, in nats: `[takes, frames]`.
    fn divergence_from(&self, reference: &Self, actions: &Tensor<3>) -> Tensor<2>;
}

/// What a judge says of a take.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Reward of each frame of the motion.
    pub rewards: Vec<f32>,
    /// How unsure the judge is of each of them, in units of the reward; 0 for judges that are always sure.
    pub uncertainty: Vec<f32>,
}

impl Judgement {
    /// The clip's reward: the mean over its frames.
    pub fn clip_reward(&self) -> f64 {
        self.rewards.iter().copied().map(f64::from).sum::<f64>() / self.rewards.len().max(1) as f64
    }
}

/// Gives rewards: what tuning raises.
pub trait Judge<Line> {
    /// Judges motions of one line.
    ///
    /// # Errors
    /// When a motion cannot be judged.
    fn judge(&self, line: &Line, motions: &[Rows]) -> Result<Vec<Judgement>, RlError>;
}

/// An independent figure that tuning does not see: where it falls while rewards rise, the reward is being exploited.
pub trait Proxy<Line> {
    /// Name in tables, with its unit.
    fn name(&self) -> &str;
    /// How far the mean may fall below that of the starting policy.
    fn margin(&self) -> f64;
    /// The figure of each motion of one line; larger is better. `None` where it is not defined.
    ///
    /// # Errors
    /// When a motion cannot be measured.
    fn measure(&self, line: &Line, motions: &[Rows]) -> Result<Vec<Option<f64>>, RlError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_standard_deviations_of_columns() {
        let rows = Rows { values: vec![1.0, 5.0, 3.0, 5.0], columns: 2 };
        assert_eq!(rows.spreads(), [1.0, 0.0]);
        assert_eq!(Rows::default().frame_count(), 0);
    }
}
