//! Emotions by name.

use crate::{FrameRate, Track};

/// The emotions a graph can ask for, in column order of every emotion track.
pub const EMOTIONS: [&str; 8] =
    ["neutral", "happy", "sad", "angry", "fear", "disgust", "surprise", "contempt"];

/// Column of an emotion by name, ignoring case.
pub fn emotion_index(name: &str) -> Option<usize> {
    EMOTIONS.iter().position(|emotion| emotion.eq_ignore_ascii_case(name))
}

/// Emotion over time: one weight per name of [`EMOTIONS`], where the weights of a frame sum to at most 1 and
/// what is missing to 1 is neutral. A weight is therefore the emotion's intensity.
#[derive(Clone, Debug, PartialEq)]
pub struct Emotion(Track);

impl Emotion {
    /// A constant emotion; `intensity` is clamped to 0..1.
    pub fn constant(index: usize, intensity: f32) -> Self {
        let mut weights = [0.0; EMOTIONS.len()];
        weights[index] = intensity.clamp(0.0, 1.0);
        Self::from_frames(FrameRate::whole(1), weights.to_vec())
    }

    /// An emotion from weights `[frames, 8]` in the order of [`EMOTIONS`]; negative weights become 0 and frames
    /// whose sum exceeds 1 are scaled down to 1.
    ///
    /// # Panics
    /// When `weights` does not fill whole frames.
    pub fn from_frames(rate: FrameRate, mut weights: Vec<f32>) -> Self {
        for frame in weights.chunks_mut(EMOTIONS.len()) {
            frame
                .iter_mut()
                .for_each(|weight| *weight = if weight.is_finite() { weight.max(0.0) } else { 0.0 });
            let sum: f32 = frame.iter().sum();
            if sum > 1.0 {
                frame.iter_mut().for_each(|weight| *weight /= sum);
            }
        }
        let channels: Vec<String> = EMOTIONS.iter().map(|name| (*name).to_owned()).collect();
        Self(Track::new(rate, channels, weights).expect("weights fill frames of eight distinct emotions"))
    }

    /// The same weights, placed so that the first frame has clip index `start_frame`.
    #[must_use]
    pub fn starting_at(self, start_frame: i64) -> Self {
        Self(self.0.starting_at(start_frame))
    }

    /// The weights over time.
    pub fn track(&self) -> &Track {
        &self.0
    }

    /// The weights at a clip time in seconds, in the order of [`EMOTIONS`].
    pub fn weights_at(&self, time_secs: f64) -> [f32; EMOTIONS.len()] {
        let mut weights = [0.0; EMOTIONS.len()];
        self.0.sample_into(time_secs, &mut weights);
        weights
    }
}
