//! The chain that makes a heard emotion playable: fewer emotions, more contrast, slower change, a preferred emotion
//! mixed in, and overall strength.
//!
//! The steps and their order are those of NVIDIA Audio2Face-3D's emotion post-processing (`emotion_contrast`,
//! `max_emotions`, `live_transition_time`, `preferred_emotion_strength`, `emotion_strength`), so that its users find
//! their sliders; the formulas are our own.

use crate::EmotionError;
use esarm_values::{EMOTIONS, Emotion};

/// Longest transition, in seconds.
pub const MAX_TRANSITION_SECS: f64 = 3.0;
/// A change is this far done, in time constants, after the transition.
const CONSTANTS_A_TRANSITION: f64 = 3.0;
/// Length of the smoothing in transitions; what lies before counts for less than 0.3 % and is left out, so that a
/// window of a clip gives the whole clip's values.
const MEMORY_TRANSITIONS: f64 = 2.0;
/// Column of "neutral".
const NEUTRAL: usize = 0;

type Weights = [f32; EMOTIONS.len()];

/// What to do to an emotion over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adjustment {
    /// Exponent on the weights before they are shared out again, 0.3 to 3: above 1 the strongest emotion stands out.
    pub contrast: f64,
    /// Emotions besides neutral that stay, the strongest of each frame, 1 to 7; the others become neutral.
    pub max_emotions: usize,
    /// Time in which 95 % of a change is followed, in seconds, 0 to [`MAX_TRANSITION_SECS`].
    pub transition_secs: f64,
    /// Share of the preferred emotion, 0 to 1.
    pub preferred_share: f64,
    /// Factor on all emotions but neutral, 0 to 2; a frame's sum stays at most 1.
    pub strength: f64,
}

impl Default for Adjustment {
    /// Leaves an emotion as it is.
    fn default() -> Self {
        Self { contrast: 1.0, max_emotions: 7, transition_secs: 0.0, preferred_share: 0.0, strength: 1.0 }
    }
}

impl Adjustment {
    /// Seconds before a moment that can matter, at the longest transition.
    pub const BEFORE_SECS: f64 = MEMORY_TRANSITIONS * MAX_TRANSITION_SECS + 1.0;

    fn check(&self) -> Result<(), EmotionError> {
        EmotionError::unless_within("contrast", self.contrast, 0.3, 3.0)?;
        EmotionError::unless_within("max_emotions", self.max_emotions as f64, 1.0, 7.0)?;
        EmotionError::unless_within("transition_secs", self.transition_secs, 0.0, MAX_TRANSITION_SECS)?;
        EmotionError::unless_within("preferred_share", self.preferred_share, 0.0, 1.0)?;
        EmotionError::unless_within("strength", self.strength, 0.0, 2.0)
    }
}

/// Adjusts an emotion: keep the strongest, raise the contrast, follow slowly, mix the preferred emotion in, scale.
/// The result has the frames of `heard`; without a preferred emotion its share is that of neutral.
pub fn adjust(
    heard: &Emotion,
    preferred: Option<&Emotion>,
    adjustment: &Adjustment,
) -> Result<Emotion, EmotionError> {
    adjustment.check()?;
    let track = heard.track();
    let shaped: Vec<Weights> = (0..track.frame_count())
        .map(|index| completed(track.frame(index)))
        .map(|weights| contrasted(keep_strongest(weights, adjustment.max_emotions), adjustment.contrast))
        .collect();
    let memory = memory_weights(adjustment.transition_secs * track.rate().frames_per_sec());
    let share = adjustment.preferred_share as f32;
    let strength = adjustment.strength as f32;
    let frames = (0..shaped.len()).flat_map(|index| {
        let followed = remembered(&shaped, index, &memory);
        let time_secs = track.rate().secs_of(track.start_frame() + index as i64);
        let wanted = preferred.map_or([0.0; EMOTIONS.len()], |emotion| emotion.weights_at(time_secs));
        strengthened(
            std::array::from_fn(|column| followed[column] * (1.0 - share) + wanted[column] * share),
            strength,
        )
    });
    Ok(Emotion::from_frames(track.rate(), frames.collect()).starting_at(track.start_frame()))
}

/// The weights with what is missing to 1 given to neutral.
fn completed(frame: &[f32]) -> Weights {
    let mut weights: Weights = std::array::from_fn(|column| frame[column]);
    weights[NEUTRAL] += (1.0 - weights.iter().sum::<f32>()).max(0.0);
    weights
}

fn keep_strongest(weights: Weights, count: usize) -> Weights {
    let mut order: Vec<usize> = (1..EMOTIONS.len()).collect();
    order.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]));
    let mut kept = weights;
    for column in order.into_iter().skip(count) {
        kept[NEUTRAL] += kept[column];
        kept[column] = 0.0;
    }
    kept
}

fn contrasted(weights: Weights, exponent: f64) -> Weights {
    let powers = weights.map(|weight| f64::from(weight).powf(exponent));
    let sum: f64 = powers.iter().sum();
    if sum > 0.0 { powers.map(|power| (power / sum) as f32) } else { weights }
}

/// Weights of the frame itself and of those before it, from the latest on; they sum to 1.
fn memory_weights(transition_frames: f64) -> Vec<f32> {
    let constant = transition_frames / CONSTANTS_A_TRANSITION;
    let count = (MEMORY_TRANSITIONS * transition_frames).ceil() as usize + 1;
    let weights: Vec<f64> =
        (0..count).map(|age| if constant > 0.0 { (-(age as f64) / constant).exp() } else { 1.0 }).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

/// The weighted mean of a frame and those before it; before the first frame lies the first frame.
fn remembered(frames: &[Weights], index: usize, memory: &[f32]) -> Weights {
    let mut sums = [0.0; EMOTIONS.len()];
    for (age, weight) in memory.iter().enumerate() {
        let frame = &frames[index.saturating_sub(age)];
        sums.iter_mut().zip(frame).for_each(|(sum, value)| *sum += weight * value);
    }
    sums
}

fn strengthened(weights: Weights, strength: f32) -> Weights {
    let mut scaled = weights.map(|weight| weight * strength);
    let others: f32 = scaled[NEUTRAL + 1..].iter().sum();
    if others > 1.0 {
        scaled.iter_mut().for_each(|weight| *weight /= others);
    }
    scaled[NEUTRAL] = 1.0 - others.min(1.0);
    scaled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label;
    use esarm_values::FrameRate;

    fn steady(weights: Weights, frames: usize) -> Emotion {
        Emotion::from_frames(FrameRate::whole(10), weights.repeat(frames))
    }

    fn heard() -> Emotion {
        steady([0.2, 0.4, 0.1, 0.3, 0.0, 0.0, 0.0, 0.0], 20)
    }

    #[test]
    fn the_default_changes_nothing() {
        let adjusted = adjust(&heard(), None, &Adjustment::default()).unwrap();
        for (a, b) in adjusted.track().values().iter().zip(heard().track().values()) {
            assert!((a - b).abs() < 1e-6);
        }
    }

    #[test]
    fn the_strongest_stay_and_contrast_parts_them() {
        let two = adjust(&heard(), None, &Adjustment { max_emotions: 2, ..Adjustment::default() }).unwrap();
        let weights = two.weights_at(1.0);
        assert!((weights[1] - 0.4).abs() < 1e-6 && (weights[3] - 0.3).abs() < 1e-6);
        assert!(weights[2] == 0.0 && (weights[0] - 0.3).abs() < 1e-6);
        let sharp = adjust(&heard(), None, &Adjustment { contrast: 3.0, ..Adjustment::default() }).unwrap();
        assert!((sharp.weights_at(1.0)[1] - 0.064 / 0.1).abs() < 1e-5);
    }

    #[test]
    fn a_transition_is_done_in_its_time() {
        let mut weights = [1.0, 0., 0., 0., 0., 0., 0., 0.].repeat(30);
        weights.extend([0.0, 1.0, 0., 0., 0., 0., 0., 0.].repeat(30));
        let step = Emotion::from_frames(FrameRate::whole(10), weights);
        let slow =
            adjust(&step, None, &Adjustment { transition_secs: 1.0, ..Adjustment::default() }).unwrap();
        let happy = |secs: f64| slow.weights_at(secs)[1];
        assert_eq!(happy(2.9), 0.0);
        assert!(happy(3.3) > 0.5 && happy(3.3) < 0.9 && happy(4.0) > 0.94 && happy(5.5) > 0.999);
    }

    #[test]
    fn windows_equal_the_whole() {
        let wave: Vec<f32> = (0..200)
            .flat_map(|frame| [0.0, (frame as f32 * 0.3).sin().abs(), 0., 0., 0.2, 0., 0., 0.])
            .collect();
        let whole = Emotion::from_frames(FrameRate::whole(10), wave);
        let adjustment = Adjustment { transition_secs: 2.0, contrast: 1.7, ..Adjustment::default() };
        let expected = adjust(&whole, None, &adjustment).unwrap();
        let track = whole.track().window(80, 160);
        let part = Emotion::from_frames(track.rate(), track.values().to_vec()).starting_at(80);
        let part = adjust(&part, None, &adjustment).unwrap();
        let reach = (Adjustment::BEFORE_SECS * 10.0) as i64;
        let (from, to) = (80 + reach, 160);
        assert_eq!(part.track().window(from, to).values(), expected.track().window(from, to).values());
        assert!(from < to - 5);
    }

    #[test]
    fn preference_and_strength_act_last() {
        let sad = label("sad", 1.0).unwrap();
        let adjustment = Adjustment { preferred_share: 0.5, strength: 0.5, ..Adjustment::default() };
        let weights = adjust(&heard(), Some(&sad), &adjustment).unwrap().weights_at(0.5);
        assert!((weights[2] - 0.5 * 0.55).abs() < 1e-6 && (weights[1] - 0.1).abs() < 1e-6);
        let loud = adjust(&heard(), None, &Adjustment { strength: 2.0, ..Adjustment::default() }).unwrap();
        assert!((loud.weights_at(0.5).iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn settings_are_checked() {
        let fails = |adjustment: Adjustment, name: &str| {
            let message = adjust(&heard(), None, &adjustment).unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        };
        let good = Adjustment::default;
        fails(Adjustment { contrast: 0.0, ..good() }, "contrast");
        fails(Adjustment { max_emotions: 0, ..good() }, "max_emotions");
        fails(Adjustment { transition_secs: f64::NAN, ..good() }, "transition_secs");
        fails(Adjustment { preferred_share: 1.1, ..good() }, "preferred_share");
        fails(Adjustment { strength: -0.1, ..good() }, "strength");
    }
}
