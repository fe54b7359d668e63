//! The generator as a stochastic policy: what reinforcement learning samples from, judges and tunes.
//!
//! A **clip** is speech with its emotion. Its **actions** are the deviations of the generator's latents from their
//! supervised means, `[frames, LATENT_COUNT]` at [`MODEL_FRAMES_PER_SEC`](crate::generator::features): 16 mouth
//! postures and 8 shapes of expression (see [`noise`](crate::generator::noise)). Given a clip they are normally
//! distributed, each latent by itself, correlated over time:
//!
//! ```text
//! a[t] = m[t] + T s[t] z[t],   z[0] = e[0],   z[t] = r z[t-1] + sqrt(1 - r²) e[t],   e ~ N(0, 1)
//! ```
//!
//! `r` is the noise model's correlation of each latent and never tuned. The shift `m` and the spread `s` come from the
//! [`PolicyNetwork`], which is what is tuned; untuned, `m` is 0 and `s` that of the noise model. `T` is the
//! temperature. As a Markov decision process: the state is the frame's emotion, prosody and mean postures with the
//! action before; the action is a row of deviations; what follows is certain.
//!
//! The log-probability is exact, costs no loop over frames and is differentiable in the network's parameters:
//!
//! ```no_run
//! # use esarm_sta::policy::{Policy, stack_actions};
//! # use burn::tensor::Device;
//! # fn example(audio: &esarm_values::Audio, emotion: &esarm_values::Emotion) -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::shipped(&Device::flex().autodiff())?;
//! let clip = policy.prepare(audio, emotion)?;
//! let takes = policy.sample(&clip, &[1, 2, 3, 4], 1.0)?;
//! let actions = stack_actions(&takes, policy.device());
//! // [takes, frames]
//! let log_probability = policy.distribution(&clip, 1.0)?.log_probability(&actions);
//! // Optimise `policy.network()` and put the result back with `policy.with_network(..)`.
//! # Ok(())
//! # }
//! ```
//!
//! This is a reconstruction: what is public of ESARM says that generation is a Markov decision process tuned by a
//! reward, not what its actions are.

mod distribution;

pub use crate::generator::policy::{PolicyNetwork, PolicyWeights};
pub use distribution::ActionDistribution;

use crate::generator::channels::CONTENT_COUNT;
use crate::generator::features::MODEL_FRAMES_PER_SEC;
use crate::generator::noise::LATENT_COUNT;
use crate::generator::pieces::{Means, Take, add_deviations};
use crate::generator::policy::{POLICY_INPUT_COUNT, SpreadTensors};
use crate::generator::weights::Weights;
use crate::generator::{EMBEDDED_WEIGHTS, GenerateOptions, Generator, GeneratorError, check, track};
use burn::tensor::{Device, Tensor, TensorData};
use esarm_values::{ARKIT_SHAPES, Audio, Emotion, FrameRate, Track};
use std::sync::Arc;

/// Model frames whose networks run at a time.
const PREPARED_FRAMES: i64 = 1000;
/// Frames that clips have beyond their sound, for the interpolation to an output's frame rate.
const FRAMES_AFTER: i64 = 2;

/// A generator whose takes can be sampled, rated and tuned. Cheap to clone.
#[derive(Clone)]
pub struct Policy {
    generator: Arc<Generator>,
    network: PolicyNetwork,
    device: Device,
}

/// What the generator makes of a clip before any choice: the same for every policy over one generator.
pub struct PolicyClip {
    means: Means,
    duration_secs: f64,
    frame_count: usize,
}

/// A take that was drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledTake {
    /// The seed it was drawn with.
    pub seed: u64,
    /// The deviations: `[frames, LATENT_COUNT]`.
    pub actions: Vec<f32>,
    /// Natural logarithm of the probability density of each frame's actions, given the frame before: `[frames]`.
    pub log_probability: Vec<f64>,
}

impl PolicyClip {
    /// Number of model frames that actions have: those of the sound and two more, which the last frames of a motion
    /// look at.
    pub fn frame_count(&self) -> usize {
        self.frame_count
    }

    /// Length of the sound in seconds.
    pub fn duration_secs(&self) -> f64 {
        self.duration_secs
    }

    /// Mean mouth postures: `[frames, CONTENT_COUNT]`.
    pub fn mean_postures(&self) -> &[f32] {
        &self.means.content[CONTENT_COUNT..]
    }

    /// What the policy network sees: `[frames, POLICY_INPUT_COUNT]`.
    pub fn inputs(&self) -> &[f32] {
        &self.means.inputs[POLICY_INPUT_COUNT..]
    }
}

impl Policy {
    /// The policy that a generator holds; its network is put on `device`, with gradients if that has them. The
    /// generator itself stays where it is.
    pub fn new(generator: Arc<Generator>, device: &Device) -> Self {
        let network = PolicyNetwork::new(generator.weights().policy, device);
        Self { generator, network, device: device.clone() }
    }

    /// The policy of a safetensors file, of the present layout or of the one that had no policy.
    ///
    /// # Errors
    /// When the file is no generator of these layouts.
    pub fn from_bytes(bytes: &[u8], device: &Device) -> Result<Self, GeneratorError> {
        Ok(Self::new(Arc::new(Generator::from_bytes(bytes, &esarm_kernels::devices::cpu())?), device))
    }

    /// The policy of the weights that come with the program.
    ///
    /// # Errors
    /// When these weights do not fit the program.
    pub fn shipped(device: &Device) -> Result<Self, GeneratorError> {
        Self::from_bytes(EMBEDDED_WEIGHTS, device)
    }

    /// Where the network is.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What is tuned.
    pub fn network(&self) -> &PolicyNetwork {
        &self.network
    }

    /// The same policy with another network, such as one after a step of an optimiser.
    #[must_use]
    pub fn with_network(&self, network: PolicyNetwork) -> Self {
        Self { network, ..self.clone() }
    }

    /// The generator below with this policy's network, as numbers: for [`Generator::new`].
    pub fn weights(&self) -> Weights {
        Weights { policy: self.network.weights(), ..self.generator.weights() }
    }

    /// The same as a safetensors file; `notes` become its metadata.
    ///
    /// # Errors
    /// When a weight is not finite or the file cannot be made.
    pub fn to_bytes(&self, notes: &[(&str, String)]) -> Result<Vec<u8>, GeneratorError> {
        self.weights().to_bytes(notes)
    }

    /// Runs the supervised networks over a whole clip, mono at 16 kHz, which begins at time 0.
    ///
    /// # Errors
    /// For another sampling rate, a part of a clip, or samples that are not finite.
    pub fn prepare(&self, audio: &Audio, emotion: &Emotion) -> Result<PolicyClip, GeneratorError> {
        check(audio, &GenerateOptions::default())?;
        if audio.start_sample != 0 {
            let found = format!("a part that starts at sample {}", audio.start_sample);
            return Err(GeneratorError::Option { name: "audio", found, allowed: "a whole clip" });
        }
        let duration_secs = audio.duration_secs();
        let end = (duration_secs * f64::from(MODEL_FRAMES_PER_SEC)).ceil() as i64 + FRAMES_AFTER;
        let mut means = self.generator.means(audio, emotion, -1..end.min(PREPARED_FRAMES))?;
        for first in (PREPARED_FRAMES..end).step_by(PREPARED_FRAMES as usize) {
            means.extend(self.generator.means(audio, emotion, first..end.min(first + PREPARED_FRAMES))?);
        }
        Ok(PolicyClip { means, duration_secs, frame_count: end as usize })
    }

    /// How the actions of a clip are distributed at a temperature above 0, up to 2; differentiable in the network.
    ///
    /// # Errors
    /// When the temperature is out of range.
    pub fn distribution(
        &self,
        clip: &PolicyClip,
        temperature: f32,
    ) -> Result<ActionDistribution, GeneratorError> {
        if !(temperature > 0.0 && temperature <= 2.0) {
            let found = temperature.to_string();
            return Err(GeneratorError::Option { name: "temperature", found, allowed: "above 0, up to 2" });
        }
        let noise = self.generator.noise();
        Ok(ActionDistribution::new(self.spread(clip), &noise.correlation, temperature))
    }

    /// A take for each seed, at a temperature from 0 (the tuned mean itself) to 2. The take of a seed is the one that
    /// the generator gives for it.
    ///
    /// # Errors
    /// When the temperature is out of range or the device fails.
    pub fn sample(
        &self,
        clip: &PolicyClip,
        seeds: &[u64],
        temperature: f32,
    ) -> Result<Vec<SampledTake>, GeneratorError> {
        if !(0.0..=2.0).contains(&temperature) {
            let found = temperature.to_string();
            return Err(GeneratorError::Option { name: "temperature", found, allowed: "between 0 and 2" });
        }
        let spread = self.spread(clip).to_spread()?;
        let frames = 0..clip.frame_count as i64;
        let draw = |seed: &u64| {
            let drawn = self.generator.noise().draw_around(&spread, *seed, temperature, frames.clone());
            SampledTake { seed: *seed, actions: drawn.values, log_probability: drawn.log_probability }
        };
        Ok(seeds.iter().map(draw).collect())
    }

    /// The motion of the 52 ARKit shapes that actions `[frames, LATENT_COUNT]` make of a clip.
    ///
    /// # Errors
    /// When there is not one finite action for each latent of each frame.
    pub fn motion(
        &self,
        clip: &PolicyClip,
        actions: &[f32],
        frame_rate: FrameRate,
    ) -> Result<Track, GeneratorError> {
        if actions.len() != clip.frame_count * LATENT_COUNT || !actions.iter().all(|it| it.is_finite()) {
            return Err(GeneratorError::Option {
                name: "actions",
                found: format!("{} values for {} frames", actions.len(), clip.frame_count),
                allowed: "24 finite values for each frame of the clip",
            });
        }
        let mut means = clip.means.clone();
        // The frame before the clip does not deviate.
        let padded: Vec<f32> = [0.0; LATENT_COUNT].iter().chain(actions).copied().collect();
        add_deviations(&mut means, &padded);
        let mut take = Take::default();
        let frames = 0..frame_rate.frames_in(clip.duration_secs) as i64;
        self.generator.append_frames(&means, frame_rate, frames, &mut take);
        Ok(track(frame_rate, 0, ARKIT_SHAPES.map(str::to_owned).to_vec(), take.motion))
    }

    fn spread(&self, clip: &PolicyClip) -> SpreadTensors {
        let inputs = TensorData::new(clip.inputs().to_vec(), [clip.frame_count, POLICY_INPUT_COUNT]);
        self.network.forward(Tensor::from_data(inputs, &self.device), self.generator.noise())
    }
}

/// The actions of takes of one clip, side by side: `[takes, frames, LATENT_COUNT]`.
pub fn stack_actions(takes: &[SampledTake], device: &Device) -> Tensor<3> {
    let frames = takes.first().map_or(0, |take| take.log_probability.len());
    let values: Vec<f32> = takes.iter().flat_map(|take| take.actions.iter().copied()).collect();
    Tensor::from_data(TensorData::new(values, [takes.len(), frames, LATENT_COUNT]), device)
}

#[cfg(test)]
mod tests;
