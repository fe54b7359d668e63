//! Emotions that an artist sets: a label with an intensity, and keys over time.

use crate::EmotionError;
use esarm_graph::{Curve, EmotionKey};
use esarm_values::{EMOTIONS, Emotion, FrameRate, emotion_index};

/// Rate at which curves are sampled; the fastest change that an ease can make stays smooth.
pub const CURVE_RATE: FrameRate = FrameRate::whole(60);
/// Longest curve, in seconds: three hours.
const MAX_CURVE_SECS: f64 = 3.0 * 3600.0;

/// One emotion at one intensity, 0 to 1, for all time.
pub fn label(name: &str, intensity: f32) -> Result<Emotion, EmotionError> {
    EmotionError::unless_within("intensity", f64::from(intensity), 0.0, 1.0)?;
    Ok(Emotion::constant(index_of(name)?, intensity))
}

/// One emotion whose intensity follows a curve, sampled at [`CURVE_RATE`] from `start_secs` to `end_secs`; values
/// outside of 0..1 are clamped. Outside of the keys the nearest key holds.
pub fn label_over_time(
    name: &str,
    intensity: &Curve,
    start_secs: f64,
    end_secs: f64,
) -> Result<Emotion, EmotionError> {
    let column = index_of(name)?;
    sampled(start_secs, end_secs, |time_secs| {
        let mut weights = [0.0; EMOTIONS.len()];
        weights[column] = intensity.value_at(time_secs).clamp(0.0, 1.0) as f32;
        weights
    })
}

/// An emotion through keys in strictly increasing time, sampled at [`CURVE_RATE`] from `start_secs` to `end_secs`.
///
/// Between two keys the weights go from those of the first to those of the second by the first key's interpolation,
/// so that two emotions cross-fade; before the first and after the last key the nearest key holds. No keys are
/// neutral.
pub fn keyframed(keys: &[EmotionKey], start_secs: f64, end_secs: f64) -> Result<Emotion, EmotionError> {
    let columns = check_keys(keys)?;
    let weights = |index: usize| {
        let mut weights = [0.0; EMOTIONS.len()];
        weights[columns[index]] = keys[index].intensity as f32;
        weights
    };
    sampled(start_secs, end_secs, |time_secs| {
        let next = keys.partition_point(|key| key.time_secs <= time_secs);
        match (next.checked_sub(1), (next < keys.len()).then_some(next)) {
            (Some(from), Some(to)) => {
                let fraction =
                    (time_secs - keys[from].time_secs) / (keys[to].time_secs - keys[from].time_secs);
                blend(&weights(from), &weights(to), keys[from].interpolation.ease(fraction) as f32)
            }
            (Some(key), None) | (None, Some(key)) => weights(key),
            (None, None) => [0.0; EMOTIONS.len()],
        }
    })
}

/// The time that keys span: of the first and of the last key; `None` without keys.
pub fn key_span(times_secs: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    times_secs.fold(None, |span, time| match span {
        None => Some((time, time)),
        Some((first, last)) => Some((f64::min(first, time), f64::max(last, time))),
    })
}

/// The columns of the keys' emotions.
fn check_keys(keys: &[EmotionKey]) -> Result<Vec<usize>, EmotionError> {
    let mut last = f64::NEG_INFINITY;
    let mut columns = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        let fail = |message: &str| EmotionError::Key {
            index,
            time_secs: key.time_secs,
            message: message.to_owned(),
        };
        if !key.time_secs.is_finite() || key.time_secs <= last {
            return Err(fail("times must be finite and rise from key to key"));
        }
        if !(0.0..=1.0).contains(&key.intensity) {
            return Err(fail("the intensity must lie between 0 and 1"));
        }
        columns.push(index_of(&key.emotion)?);
        last = key.time_secs;
    }
    Ok(columns)
}

fn index_of(name: &str) -> Result<usize, EmotionError> {
    emotion_index(name).ok_or_else(|| EmotionError::UnknownEmotion(name.to_owned()))
}

fn blend(from: &[f32; EMOTIONS.len()], to: &[f32; EMOTIONS.len()], fraction: f32) -> [f32; EMOTIONS.len()] {
    std::array::from_fn(|column| from[column] + (to[column] - from[column]) * fraction)
}

/// Samples weights on the frames that enclose a stretch of time, so that interpolation within it is complete.
pub(crate) fn sampled(
    start_secs: f64,
    end_secs: f64,
    weights_at: impl Fn(f64) -> [f32; EMOTIONS.len()],
) -> Result<Emotion, EmotionError> {
    EmotionError::unless_within("start_secs", start_secs, -MAX_CURVE_SECS, MAX_CURVE_SECS)?;
    EmotionError::unless_within("end_secs", end_secs, start_secs, start_secs + MAX_CURVE_SECS)?;
    let rate = CURVE_RATE.frames_per_sec();
    let (first, last) = ((start_secs * rate).floor() as i64, (end_secs * rate).ceil() as i64);
    let weights = (first..=last).flat_map(|frame| weights_at(CURVE_RATE.secs_of(frame)));
    Ok(Emotion::from_frames(CURVE_RATE, weights.collect()).starting_at(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_graph::{CurveKey, Interpolation};

    fn key(time_secs: f64, emotion: &str, intensity: f64, interpolation: Interpolation) -> EmotionKey {
        EmotionKey { time_secs, emotion: emotion.to_owned(), intensity, interpolation }
    }

    #[test]
    fn labels_hold_for_all_time() {
        let emotion = label("Sad", 0.4).unwrap();
        assert_eq!(emotion.weights_at(0.0), emotion.weights_at(1e4));
        assert_eq!(emotion.weights_at(3.0)[2], 0.4);
        let message = label("grumpy", 0.4).unwrap_err().to_string();
        assert!(message.contains("grumpy") && message.contains("contempt"), "{message}");
        assert!(label("sad", f32::NAN).is_err() && label("sad", 1.1).is_err());
    }

    #[test]
    fn keys_fade_hold_and_ease() {
        let keys = [
            key(1.0, "happy", 1.0, Interpolation::Linear),
            key(2.0, "sad", 0.5, Interpolation::Hold),
            key(3.0, "angry", 1.0, Interpolation::Smooth),
            key(4.0, "neutral", 0.0, Interpolation::Smooth),
        ];
        let emotion = keyframed(&keys, 0.0, 5.0).unwrap();
        let at = |time: f64, column: usize| emotion.weights_at(time)[column];
        assert_eq!((at(0.0, 1), at(1.0, 1)), (1.0, 1.0));
        assert!((at(1.25, 1) - 0.75).abs() < 1e-6 && (at(1.25, 2) - 0.125).abs() < 1e-6);
        assert!((at(2.9, 2) - 0.5).abs() < 1e-6 && at(2.9, 3) == 0.0);
        assert!((at(3.5, 3) - 0.5).abs() < 1e-6 && (at(3.25, 3) - (1.0 - 0.15625)).abs() < 1e-6);
        assert_eq!(at(4.9, 3), 0.0);
        assert_eq!(keyframed(&[], 0.0, 1.0).unwrap().weights_at(0.5), [0.0; 8]);
    }

    #[test]
    fn a_window_of_a_curve_is_the_curve_there() {
        let keys =
            [key(0.0, "fear", 0.2, Interpolation::Smooth), key(7.0, "happy", 0.9, Interpolation::Hold)];
        let whole = keyframed(&keys, 0.0, 10.0).unwrap();
        let part = keyframed(&keys, 3.013, 4.29).unwrap();
        for step in 0..=100 {
            let time = 3.013 + 0.0127 * f64::from(step);
            assert_eq!(whole.weights_at(time), part.weights_at(time));
        }
    }

    #[test]
    fn intensity_follows_a_curve() {
        let keys = [(0.0, 0.0), (2.0, 1.5)].map(|(time_secs, value)| CurveKey {
            time_secs,
            value,
            interpolation: Interpolation::Linear,
        });
        let emotion = label_over_time("disgust", &Curve { keys: keys.to_vec() }, 0.0, 3.0).unwrap();
        assert!((emotion.weights_at(1.0)[5] - 0.75).abs() < 1e-6);
        assert_eq!(emotion.weights_at(2.9)[5], 1.0);
    }

    #[test]
    fn bad_keys_are_named() {
        let fails = |keys: &[EmotionKey], part: &str| {
            let message = keyframed(keys, 0.0, 1.0).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        };
        let good = || key(1.0, "sad", 1.0, Interpolation::Hold);
        fails(&[good(), key(1.0, "sad", 1.0, Interpolation::Hold)], "key 1");
        fails(&[key(f64::NAN, "sad", 1.0, Interpolation::Hold)], "key 0");
        fails(&[key(1.0, "sad", 1.2, Interpolation::Hold)], "intensity");
        fails(&[key(1.0, "melancholic", 1.0, Interpolation::Hold)], "melancholic");
        assert!(keyframed(&[], 0.0, 1e9).is_err() && keyframed(&[], 2.0, 1.0).is_err());
    }
}
