//! The part of the generator that reinforcement learning tunes: where takes lie and how far they spread.
//!
//! A small network looks at a frame's emotion, prosody and mean postures and shifts each latent's deviation; each
//! emotion also has its own spread of each latent. A network that has learnt nothing shifts nothing and spreads as the
//! noise model says: the generator is then the supervised one, bit for bit. Nothing here looks further than the other
//! networks do, and the composition after it still seals the lips, so tuning cannot open a p, b or m.

use super::channels::CONTENT_COUNT;
use super::network::{Dense, DenseWeights, PROSODY_TAPS};
use super::noise::{LATENT_COUNT, NoiseModel, Spread};
use super::prosody::PROSODY_COUNT;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use esarm_kernels::KernelError;
use esarm_kernels::devices::read;
use esarm_kernels::random::Random;
use esarm_values::EMOTIONS;

/// Width of the hidden layer.
pub const POLICY_WIDTH: usize = 32;
/// Frames of prosody that the network looks at, relative to its own.
pub(super) const POLICY_PROSODY_TAPS: [i64; 6] = PROSODY_TAPS[0];
/// Values of a frame that the network sees: the emotion's weights, prosody at six frames, the mean postures of the
/// mouth, and the seal of the lips.
pub const POLICY_INPUT_COUNT: usize =
    EMOTIONS.len() + PROSODY_COUNT * POLICY_PROSODY_TAPS.len() + CONTENT_COUNT + 1;
/// Farthest shift of a latent, in its standard deviations at temperature 1.
pub const SHIFT_RANGE: f32 = 3.0;
/// Bounds of the logarithm of a standard deviation, in weights of shapes.
pub const LOG_SIGMA_RANGE: (f32, f32) = (-5.0, 0.5);

/// What the policy has learnt, as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyWeights {
    /// `[POLICY_INPUT_COUNT, POLICY_WIDTH]`.
    pub first: DenseWeights,
    /// `[POLICY_WIDTH, LATENT_COUNT]`.
    pub shift: DenseWeights,
    /// What each emotion adds to the logarithm of each latent's standard deviation: `[8, LATENT_COUNT]`.
    pub log_sigma_offsets: Vec<f32>,
}

impl PolicyWeights {
    /// A policy that has learnt nothing: no shift, no change of the spread. The hidden layer is drawn from `seed`, so
    /// that there is something to learn from.
    pub fn untuned(seed: u64) -> Self {
        let zeros = |inputs: usize, outputs: usize| DenseWeights {
            inputs,
            outputs,
            weight: vec![0.0; inputs * outputs],
            bias: vec![0.0; outputs],
        };
        Self {
            first: DenseWeights::random(POLICY_INPUT_COUNT, POLICY_WIDTH, 1.0, Random::new(seed, 200)),
            shift: zeros(POLICY_WIDTH, LATENT_COUNT),
            log_sigma_offsets: vec![0.0; EMOTIONS.len() * LATENT_COUNT],
        }
    }

    /// Whether this policy does as the noise model says.
    pub fn is_untuned(&self) -> bool {
        let all = self.shift.weight.iter().chain(&self.shift.bias).chain(&self.log_sigma_offsets);
        all.copied().all(|value| value == 0.0)
    }
}

/// The policy's network, with gradients on a device that has them.
#[derive(Module, Debug)]
pub struct PolicyNetwork {
    first: Dense,
    shift: Dense,
    log_sigma_offsets: Param<Tensor<2>>,
}

/// Mean and spread of every latent at every frame, on a device: both `[frames, LATENT_COUNT]`.
#[derive(Clone, Debug)]
pub struct SpreadTensors {
    /// Means of the deviations, in weights of shapes.
    pub shift: Tensor<2>,
    /// Natural logarithms of their standard deviations at temperature 1.
    pub log_sigma: Tensor<2>,
}

impl PolicyNetwork {
    /// A network with these weights on `device`.
    pub fn new(weights: PolicyWeights, device: &Device) -> Self {
        let offsets = TensorData::new(weights.log_sigma_offsets, [EMOTIONS.len(), LATENT_COUNT]);
        Self {
            first: Dense::new(weights.first, device),
            shift: Dense::new(weights.shift, device),
            log_sigma_offsets: Param::from_data(offsets, device),
        }
    }

    /// What has been learnt, as plain numbers.
    pub fn weights(&self) -> PolicyWeights {
        PolicyWeights {
            first: self.first.weights(),
            shift: self.shift.weights(),
            log_sigma_offsets: self.log_sigma_offsets.val().into_data().iter::<f32>().collect(),
        }
    }

    /// The spread of frames with `inputs` `[frames, POLICY_INPUT_COUNT]`, of which the first eight are the emotion's
    /// weights.
    pub fn forward(&self, inputs: Tensor<2>, noise: &NoiseModel) -> SpreadTensors {
        let device = inputs.device();
        let row = |values: &[f32; LATENT_COUNT]| {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), [1, LATENT_COUNT]), &device)
        };
        let base = row(&noise.log_sigma);
        let emotions = inputs.clone().narrow(1, 0, EMOTIONS.len());
        let hidden = self.first.forward(inputs).tanh();
        let reach = row(&noise.log_sigma.map(|log_sigma| SHIFT_RANGE * log_sigma.exp()));
        let log_sigma = base + emotions.matmul(self.log_sigma_offsets.val());
        SpreadTensors {
            shift: self.shift.forward(hidden).tanh() * reach,
            log_sigma: log_sigma.clamp(LOG_SIGMA_RANGE.0, LOG_SIGMA_RANGE.1),
        }
    }
}

impl SpreadTensors {
    /// The same as plain numbers.
    ///
    /// # Errors
    /// When the device fails.
    pub fn to_spread(&self) -> Result<Spread, KernelError> {
        Ok(Spread { shift: read(self.shift.clone())?, log_sigma: read(self.log_sigma.clone())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise() -> NoiseModel {
        NoiseModel {
            log_sigma: std::array::from_fn(|latent| -2.0 - 0.1 * latent as f32),
            correlation: [0.9; LATENT_COUNT],
        }
    }

    fn inputs(frames: usize) -> Tensor<2> {
        let random = Random::new(3, 0);
        let values: Vec<f32> = (0..frames * POLICY_INPUT_COUNT).map(|n| random.uniform(n as u64)).collect();
        Tensor::from_data(TensorData::new(values, [frames, POLICY_INPUT_COUNT]), &Device::flex())
    }

    #[test]
    fn an_untuned_policy_is_the_noise_model() {
        let weights = PolicyWeights::untuned(5);
        assert!(weights.is_untuned());
        let network = PolicyNetwork::new(weights.clone(), &Device::flex());
        let spread = network.forward(inputs(7), &noise()).to_spread().unwrap();
        assert_eq!(spread.log_sigma, noise().log_sigma.repeat(7));
        assert!(spread.shift.iter().all(|shift| *shift == 0.0));
        assert_eq!(network.weights(), weights);
    }

    #[test]
    fn shifts_and_spreads_stay_in_their_bounds() {
        let mut weights = PolicyWeights::untuned(5);
        weights.shift.bias.fill(100.0);
        weights.log_sigma_offsets.fill(40.0);
        assert!(!weights.is_untuned());
        let network = PolicyNetwork::new(weights, &Device::flex());
        let spread = network.forward(inputs(2), &noise()).to_spread().unwrap();
        let farthest = SHIFT_RANGE * noise().log_sigma[0].exp();
        assert!((spread.shift[0] - farthest).abs() < 1e-6);
        assert!(spread.log_sigma.iter().all(|log_sigma| *log_sigma == LOG_SIGMA_RANGE.1));
    }
}
