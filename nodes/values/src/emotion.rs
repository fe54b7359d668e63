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

    /// The emotion whose weights a track already holds, bit for bit; the track itself when it is none: its channels
    /// must be [`EMOTIONS`], its weights not negative and the sum of each frame at most 1, up to rounding.
    pub fn from_track(track: Track) -> Result<Self, Track> {
        const ROUNDING: f32 = 1e-5;
        let fits = |frame: &[f32]| {
            frame.iter().all(|weight| *weight >= 0.0) && frame.iter().sum::<f32>() <= 1.0 + ROUNDING
        };
        let named = track.channels().iter().map(String::as_str).eq(EMOTIONS);
        if named && track.values().chunks(EMOTIONS.len()).all(fits) { Ok(Self(track)) } else { Err(track) }
    }

    /// The frames with clip indices `first..last`, as far as they are here.
    #[must_use]
    pub fn window(&self, first: i64, last: i64) -> Self {
        Self(self.0.window(first, last))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn track(values: Vec<f32>) -> Track {
        Track::new(FrameRate::whole(10), EMOTIONS.map(str::to_owned).to_vec(), values).unwrap()
    }

    #[test]
    fn a_track_is_taken_as_it_is_or_refused() {
        let emotion = Emotion::from_frames(FrameRate::whole(10), vec![0.3; 16]).starting_at(7);
        assert_eq!(Emotion::from_track(emotion.track().clone()), Ok(emotion));
        for wrong in [-0.1, 0.2, f32::NAN] {
            assert!(Emotion::from_track(track(vec![wrong; 8])).is_err(), "{wrong}");
        }
    }

    #[test]
    fn windows_keep_clip_time() {
        let ramp: Vec<f32> = (0..80).map(|index| index as f32 / 1000.0).collect();
        let whole = Emotion::from_track(track(ramp)).unwrap();
        let window = whole.window(4, 20);
        assert_eq!((window.track().start_frame(), window.track().frame_count()), (4, 6));
        assert_eq!(window.weights_at(0.55), whole.weights_at(0.55));
    }
}
