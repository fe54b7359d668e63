//! Motions that are worse than the truth without doubt, and that no reward has learnt from as such.

use crate::demonstrations::Scene;
use crate::features::{EMOTION_COLUMNS, MOTION_COLUMNS, REWARD_RATE};

/// What was done to the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Control {
    /// The neutral face, still.
    Neutral,
    /// The mean of the motion, still.
    MeanFace,
    /// The motion backwards.
    Reversed,
    /// The motion 200 ms later.
    Later,
    /// The motion 200 ms earlier.
    Earlier,
    /// All weights times 1.5, at most 1.
    Gain,
    /// Another emotion asked for, as strong as the right one.
    WrongEmotion,
}

impl Control {
    /// Name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral face, still",
            Self::MeanFace => "mean face, still",
            Self::Reversed => "reversed",
            Self::Later => "200 ms later",
            Self::Earlier => "200 ms earlier",
            Self::Gain => "gain 1.5",
            Self::WrongEmotion => "wrong emotion",
        }
    }
}

/// A control of a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlTake {
    /// What was done.
    pub control: Control,
    /// `[frames, MOTION_COLUMNS]`.
    pub motion: Vec<f32>,
    /// `[frames, EMOTION_COLUMNS]`.
    pub emotion: Vec<f32>,
}

/// Least mean weight of an emotion other than neutral for another one to be wrong.
const SHOWN: f32 = 0.3;

/// The controls of a motion `[frames, MOTION_COLUMNS]` in its scene: shifts only where there is sound, and every wrong
/// emotion where one is shown.
pub fn controls(scene: &Scene, motion: &[f32]) -> Vec<ControlTake> {
    let frames = motion.len() / MOTION_COLUMNS;
    let take =
        |control: Control, motion: Vec<f32>| ControlTake { control, motion, emotion: scene.emotion.clone() };
    let row = |frame: usize| &motion[frame * MOTION_COLUMNS..(frame + 1) * MOTION_COLUMNS];
    let mean: Vec<f32> = (0..MOTION_COLUMNS)
        .map(|column| motion.iter().skip(column).step_by(MOTION_COLUMNS).sum::<f32>() / frames.max(1) as f32)
        .collect();
    let mut all = vec![
        take(Control::Neutral, vec![0.0; motion.len()]),
        take(Control::MeanFace, mean.repeat(frames)),
        take(Control::Gain, motion.iter().map(|weight| (weight * 1.5).min(1.0)).collect()),
    ];
    if scene.is_heard() {
        let shift = (0.2 * REWARD_RATE.frames_per_sec()).round() as usize;
        let last = frames.saturating_sub(1);
        all.push(take(Control::Reversed, (0..frames).rev().flat_map(|frame| row(frame).to_vec()).collect()));
        let later = (0..frames).flat_map(|frame| row(frame.saturating_sub(shift)).to_vec());
        all.push(take(Control::Later, later.collect()));
        let earlier = (0..frames).flat_map(|frame| row((frame + shift).min(last)).to_vec());
        all.push(take(Control::Earlier, earlier.collect()));
    }
    all.extend(wrong_emotions(scene).into_iter().map(|emotion| ControlTake {
        control: Control::WrongEmotion,
        motion: motion.to_vec(),
        emotion,
    }));
    all
}

/// The scene's emotion with its strongest column exchanged for each other one; nothing when it shows none.
fn wrong_emotions(scene: &Scene) -> Vec<Vec<f32>> {
    let frames = scene.frame_count().max(1) as f32;
    let share =
        |column: usize| scene.emotion.iter().skip(column).step_by(EMOTION_COLUMNS).sum::<f32>() / frames;
    let shown = (1..EMOTION_COLUMNS).max_by(|a, b| share(*a).total_cmp(&share(*b))).unwrap_or(1);
    if share(shown) < SHOWN {
        return Vec::new();
    }
    let exchanged = |other: usize| {
        let mut emotion = scene.emotion.clone();
        emotion.chunks_exact_mut(EMOTION_COLUMNS).for_each(|row| row.swap(shown, other));
        emotion
    };
    (0..EMOTION_COLUMNS).filter(|other| *other != shown).map(exchanged).collect()
}
