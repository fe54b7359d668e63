//! What a face does beside speaking: blinks, gaze, head motion, and the finish of a motion.
//!
//! Every layer is a pure function from a motion to a motion of the same frames. What is random is drawn by clip time
//! from the counter-based generator, never from what came before, so a window of a clip gives the frames of the whole
//! clip. Layers add the channels that they need; other channels stay as they are.

mod accents;
mod blinks;
mod events;
mod gaze;
mod head_motion;
pub mod nodes;
mod noise;
mod settings;
mod silence;
mod smoothing;

pub use accents::{ACCENT_REACH_SECS, Accent, accents};
pub use blinks::{BLINK_REACH_SECS, Blink, Blinks, add_blinks, blinks};
pub use gaze::{Gaze, add_gaze};
pub use head_motion::{HEAD_REACH_SECS, HeadMotion, add_head_motion};
pub use settings::SettingError;
pub use silence::{CloseInSilence, SILENCE_REACH_SECS, close_in_silence};
pub use smoothing::{OneEuroSmoothing, PolynomialSmoothing, smooth, smooth_one_euro};

use esarm_values::{EMOTIONS, Emotion, Track};

/// A motion with more channels.
struct Layer {
    motion: Track,
    columns: Vec<usize>,
}

impl Layer {
    /// The motion with the channels `names`, of which missing ones are added as zeros, and their columns.
    fn new(motion: &Track, names: &[&str]) -> Self {
        let mut channels = motion.channels().to_vec();
        for name in names {
            if !channels.iter().any(|channel| channel == name) {
                channels.push((*name).to_owned());
            }
        }
        let columns: Vec<usize> =
            names.iter().filter_map(|name| channels.iter().position(|channel| channel == name)).collect();
        let (old, new) = (motion.channels().len(), channels.len());
        let mut values = vec![0.0; motion.frame_count() * new];
        if old > 0 {
            for (slots, frame) in values.chunks_exact_mut(new).zip(motion.values().chunks_exact(old)) {
                slots[..old].copy_from_slice(frame);
            }
        }
        let widened = Track::new(motion.rate(), channels, values).expect("whole frames of distinct channels");
        Self { motion: widened.starting_at(motion.start_frame()), columns }
    }

    /// Calls `change` with the clip time of each frame and the values of the named channels, in the order of `names`.
    fn each_frame<const N: usize>(mut self, mut change: impl FnMut(f64, &mut [f32; N])) -> Track {
        let (rate, start, width) =
            (self.motion.rate(), self.motion.start_frame(), self.motion.channels().len());
        for (index, frame) in self.motion.values_mut().chunks_exact_mut(width.max(1)).enumerate() {
            let mut values: [f32; N] = std::array::from_fn(|slot| frame[self.columns[slot]]);
            change(rate.secs_of(start + index as i64), &mut values);
            for (column, value) in self.columns.iter().zip(values) {
                frame[*column] = value;
            }
        }
        self.motion
    }
}

/// The clip time that a motion covers, in seconds.
fn time_of(motion: &Track) -> (f64, f64) {
    (motion.rate().secs_of(motion.start_frame()), motion.rate().secs_of(motion.end_frame()))
}

/// `neutral + sum of emotion weights * (value of the emotion - neutral)`: how a property changes with emotion. Values
/// are in the order of [`EMOTIONS`].
fn by_emotion(emotion: Option<&Emotion>, time_secs: f64, values: &[f64; EMOTIONS.len()]) -> f64 {
    let weights = emotion.map_or([0.0; EMOTIONS.len()], |emotion| emotion.weights_at(time_secs));
    let change = |(weight, value): (&f32, &f64)| f64::from(*weight) * (value - values[0]);
    values[0] + weights.iter().zip(values).map(change).sum::<f64>()
}

/// `3x² - 2x³` of `x` clamped to 0..1.
fn smoothstep(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

#[cfg(test)]
mod testing {
    use esarm_values::{EMOTIONS, Emotion, FrameRate, MOTION_CHANNELS, Track};

    /// A still face of all channels.
    pub(super) fn still(frames_per_sec: u32, secs: f64) -> Track {
        let rate = FrameRate::whole(frames_per_sec);
        let channels: Vec<String> = MOTION_CHANNELS.iter().map(|name| (*name).to_owned()).collect();
        Track::zeros(rate, channels, rate.frames_in(secs)).unwrap()
    }

    pub(super) fn channel(motion: &Track, name: &str) -> Vec<f32> {
        motion.channel(motion.channel_index(name).unwrap()).collect()
    }

    pub(super) fn emotion(name: &str) -> Emotion {
        Emotion::constant(EMOTIONS.iter().position(|emotion| *emotion == name).unwrap(), 1.0)
    }

    /// Asserts that a layer gives for windows of a clip what it gives for the whole.
    pub(super) fn assert_windows_equal(whole: &Track, layer: impl Fn(&Track) -> Track, reach_secs: f64) {
        let expected = layer(whole);
        let reach = (reach_secs * whole.rate().frames_per_sec()).ceil() as i64;
        let last = whole.end_frame();
        for (first, end) in [(0, last / 3), (last / 3 - 7, last / 2), (last - 45, last)] {
            let part = layer(&whole.window(first - reach, end + reach)).window(first, end);
            assert_eq!(part, expected.window(first, end), "{first}..{end}");
        }
    }
}
