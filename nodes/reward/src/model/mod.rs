//! The reward model: an ensemble of small networks that judge every frame of a motion against speech and emotion.

pub(crate) mod network;
pub(crate) mod weights;

pub use network::{Layer, REACH_FRAMES};
pub use weights::RewardWeights;

use crate::RewardError;
use crate::features::{
    AUDIO_COLUMNS, AUDIO_SECS_AFTER, AUDIO_SECS_BEFORE, AudioFeatures, EMOTION_COLUMNS, MOTION_COLUMNS,
    covered_frames, emotion_rows, motion_rows, unheard_rows,
};
use burn::tensor::{Device, Tensor, TensorData};
use esarm_values::{Audio, Emotion, Track};
use network::{Judged, Network, numbers};

/// The weights that come with the program, as safetensors; see `assets/models/reward.md`.
pub static EMBEDDED_WEIGHTS: &[u8] = include_bytes!("../../../../assets/models/reward.safetensors");

/// Seconds before a frame on which its reward depends.
pub const RECEPTIVE_SECS_BEFORE: f64 = AUDIO_SECS_BEFORE + (REACH_FRAMES + 1) as f64 / 30.0;
/// Seconds after a frame on which its reward depends.
pub const RECEPTIVE_SECS_AFTER: f64 = AUDIO_SECS_AFTER + (REACH_FRAMES + 1) as f64 / 30.0;
/// Frames that are judged at a time, so that long clips need bounded memory.
const PIECE_FRAMES: usize = 1800;

/// A trained reward.
pub struct RewardModel {
    weights: RewardWeights,
    members: Vec<Network>,
    device: Device,
}

/// Rewards of consecutive frames at 30 frames per second.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameRewards {
    /// Clip index of the first frame.
    pub start_frame: i64,
    /// Mean over the ensemble; 0 is an average take of training, 1 a standard deviation better.
    pub rewards: Vec<f32>,
    /// Standard deviation over the ensemble: how unsure the reward is.
    pub uncertainty: Vec<f32>,
}

impl FrameRewards {
    /// The clip's reward: the mean over its frames.
    pub fn clip_reward(&self) -> f64 {
        mean(&self.rewards)
    }

    /// The mean uncertainty of the clip's frames.
    pub fn clip_uncertainty(&self) -> f64 {
        mean(&self.uncertainty)
    }
}

fn mean(values: &[f32]) -> f64 {
    values.iter().copied().map(f64::from).sum::<f64>() / values.len().max(1) as f64
}

impl RewardModel {
    /// The reward with the project's own weights, on the CPU.
    ///
    /// # Errors
    /// When the embedded file does not fit this program.
    pub fn load_embedded() -> Result<Self, RewardError> {
        Self::from_bytes(EMBEDDED_WEIGHTS)
    }

    /// The reward with the weights of a safetensors file, on the CPU.
    ///
    /// # Errors
    /// When the file is damaged, of another layout or of other shapes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RewardError> {
        Ok(Self::new(RewardWeights::from_bytes(bytes)?, &Device::flex()))
    }

    /// The reward with these weights on `device`.
    pub fn new(weights: RewardWeights, device: &Device) -> Self {
        let member = |layers: &Vec<Layer>| Network::new(layers, &weights.motion_scale, device);
        Self { members: weights.members.iter().map(member).collect(), weights, device: device.clone() }
    }

    /// What was learnt.
    pub fn weights(&self) -> &RewardWeights {
        &self.weights
    }

    /// Mean and standard deviation over the ensemble of every frame's reward, each `[batch, frames]`.
    ///
    /// `motion`: `[batch, frames, MOTION_COLUMNS]` at 30 frames per second, see [`motion_rows`]; `audio_features`:
    /// `[batch, frames, AUDIO_COLUMNS]`, see [`AudioFeatures`]; `emotion`: `[batch, frames, EMOTION_COLUMNS]`, see
    /// [`emotion_rows`]. All on the model's device; at least one frame. Outside of the frames lies nothing.
    pub fn rewards(
        &self,
        motion: Tensor<3>,
        audio_features: Tensor<3>,
        emotion: Tensor<3>,
    ) -> (Tensor<2>, Tensor<2>) {
        let judged = Judged { motion, audio: audio_features, emotion, inside: None };
        let all = self.member_rewards(&judged);
        let count = all.len() as f32;
        let mean = sum(all.iter().cloned()) / count;
        let square = |rewards: &Tensor<2>| {
            let apart = rewards.clone() - mean.clone();
            apart.clone() * apart
        };
        let variance = sum(all.iter().map(square)) / count;
        (mean, variance.sqrt())
    }

    /// The reward of every frame by every member, each `[batch, frames]`.
    pub(crate) fn member_rewards(&self, judged: &Judged) -> Vec<Tensor<2>> {
        self.members.iter().map(|member| member.forward(judged)).collect()
    }

    /// The rewards of the frames that `motion` covers. Without audio or emotion the motion is judged as one whose speech
    /// or emotion is not known.
    ///
    /// # Errors
    /// When the audio is not at 16 kHz, or a value is not finite, or the motion has no frame or no ARKit shape.
    pub fn score(
        &self,
        motion: &Track,
        audio: Option<&Audio>,
        emotion: Option<&Emotion>,
    ) -> Result<FrameRewards, RewardError> {
        let frames = covered_frames(motion);
        let name = audio.map_or("motion", |audio| audio.name.as_str());
        let count = usize::try_from(frames.end - frames.start).unwrap_or(0);
        let motion = motion_rows(name, motion, frames.clone())?;
        let audio = match audio {
            None => unheard_rows(count),
            Some(audio) => AudioFeatures::new()?.extract(audio, frames.clone())?,
        };
        let emotion = match emotion {
            None => vec![0.0; count * EMOTION_COLUMNS],
            Some(emotion) => emotion_rows(emotion, frames.clone()),
        };
        let (rewards, uncertainty) = self.score_rows(&motion, &audio, &emotion);
        Ok(FrameRewards { start_frame: frames.start, rewards, uncertainty })
    }

    /// Rewards and uncertainty of rows of a clip: motion `[frames, MOTION_COLUMNS]`, audio `[frames, AUDIO_COLUMNS]`,
    /// emotion `[frames, EMOTION_COLUMNS]`, of equally many frames.
    pub fn score_rows(&self, motion: &[f32], audio: &[f32], emotion: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let frames = motion.len() / MOTION_COLUMNS;
        let (mut rewards, mut uncertainty) = (Vec::with_capacity(frames), Vec::with_capacity(frames));
        for start in (0..frames).step_by(PIECE_FRAMES) {
            let end = (start + PIECE_FRAMES).min(frames);
            let first = start.saturating_sub(REACH_FRAMES + 1);
            let last = (end + REACH_FRAMES + 1).min(frames);
            let part = |rows: &[f32], width: usize| {
                let values = rows[first * width..last * width].to_vec();
                Tensor::<3>::from_data(TensorData::new(values, [1, last - first, width]), &self.device)
            };
            let (mean, deviation) = self.rewards(
                part(motion, MOTION_COLUMNS),
                part(audio, AUDIO_COLUMNS),
                part(emotion, EMOTION_COLUMNS),
            );
            let kept = start - first..end - first;
            rewards.extend_from_slice(&numbers(mean.into_data())[kept.clone()]);
            uncertainty.extend_from_slice(&numbers(deviation.into_data())[kept]);
        }
        (rewards, uncertainty)
    }

    /// The probability that a motion whose clip reward is `better` is preferred to one with `worse`.
    pub fn preference(&self, better: f64, worse: f64) -> f64 {
        1.0 / (1.0 + (-(better - worse) / f64::from(self.weights.temperature)).exp())
    }
}

fn sum(mut tensors: impl Iterator<Item = Tensor<2>>) -> Tensor<2> {
    let first = tensors.next().unwrap_or_else(|| Tensor::zeros([0, 0], &Device::flex()));
    tensors.fold(first, |sum, tensor| sum + tensor)
}

#[cfg(test)]
mod tests;
