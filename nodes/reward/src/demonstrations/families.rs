//! The noise families: what makes a take worse by degrees.

use super::Scene;
use crate::RewardError;
use crate::features::{EMOTION_COLUMNS, MOTION_COLUMNS, REWARD_RATE};
use burn::tensor::{Device, Tensor, TensorData};
use esarm_kernels::perturb::{self, Draw, Margins, OrnsteinUhlenbeck};
use esarm_kernels::random::Random;
use esarm_values::{ARKIT_SHAPES, arkit_index};

/// A way of making a take worse, of which a level from 0 to 1 says how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Independent noise on every weight, `level` times the weight's own standard deviation.
    White,
    /// Noise that drifts (Ornstein and Uhlenbeck), on the same scale.
    Drift,
    /// Frames replaced by others of the same motion and held for 3 to 8 frames, with probability `level`.
    Replacement,
    /// The motion earlier or later than the sound, by `level` times 300 ms.
    Desync,
    /// A moving average over 1 to 16 frames.
    Smoothing,
    /// The mouth, or the whole face, moves too much or too little: its weights times `1 ± level`.
    Amplitude,
    /// The emotion asked for is another one for a share of `level` of the clip; the motion stays. Levels are nested.
    Emotion,
    /// The jaw opens by up to 0.3 where nothing is said.
    Leak,
}

/// Longest shift of [`Family::Desync`].
const FULL_SHIFT_SECS: f64 = 0.3;
/// Frames for which a replaced frame is held.
const HOLD_FRAMES: std::ops::RangeInclusive<u32> = 3..=8;
/// Silent frames without which [`Family::Leak`] has nowhere to act.
const FEWEST_SILENT_FRAMES: usize = 6;

/// A take made worse.
pub(super) struct Variation {
    /// `[frames, MOTION_COLUMNS]`.
    pub(super) motion: Vec<f32>,
    /// `[frames, EMOTION_COLUMNS]`, where the emotion is not the scene's.
    pub(super) emotion: Option<Vec<f32>>,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 8] = [
        Self::White,
        Self::Drift,
        Self::Replacement,
        Self::Desync,
        Self::Smoothing,
        Self::Amplitude,
        Self::Emotion,
        Self::Leak,
    ];

    /// The name in files and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::White => "white",
            Self::Drift => "drift",
            Self::Replacement => "replacement",
            Self::Desync => "desync",
            Self::Smoothing => "smoothing",
            Self::Amplitude => "amplitude",
            Self::Emotion => "emotion",
            Self::Leak => "leak",
        }
    }

    /// The family of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }

    /// Whether the levels of a clip share their random numbers, so that what is wrong at one level is wrong at the next.
    pub(super) const fn is_nested(self) -> bool {
        matches!(self, Self::Emotion)
    }

    /// Whether the family has something to act on: sound, a known emotion, a pause.
    pub fn fits(self, scene: &Scene) -> bool {
        match self {
            Self::White | Self::Drift | Self::Replacement | Self::Smoothing => true,
            Self::Desync | Self::Amplitude => scene.is_heard(),
            Self::Emotion => scene.is_felt(),
            Self::Leak => {
                scene.silence.iter().filter(|silent| **silent > 0.5).count() >= FEWEST_SILENT_FRAMES
            }
        }
    }

    /// The motion `[frames, MOTION_COLUMNS]` made worse by `level`. Weights stay within 0..1.
    pub(super) fn vary(
        self,
        scene: &Scene,
        motion: &[f32],
        level: f32,
        seed: u64,
    ) -> Result<Variation, RewardError> {
        let track = rows(motion, MOTION_COLUMNS);
        let draw = Draw { seed, strength: level, first_frame: 0 };
        let whole = Margins::default();
        let varied = match self {
            Self::White => perturb::white(track, line(deviations(motion)), draw)?,
            Self::Drift => {
                let noise = OrnsteinUhlenbeck::default();
                perturb::ornstein_uhlenbeck(track, line(deviations(motion)), noise, draw)?
            }
            Self::Replacement => perturb::replacement(track.clone(), track, HOLD_FRAMES, draw)?,
            Self::Desync => {
                let sign = if Random::new(seed, 1).uniform(0) < 0.5 { -1.0 } else { 1.0 };
                let full = FULL_SHIFT_SECS * REWARD_RATE.frames_per_sec();
                perturb::desync(track, (f64::from(level) * full * sign) as f32, whole)?
            }
            Self::Smoothing => perturb::over_smoothing(track, level, whole)?,
            Self::Amplitude => {
                let whole_face = Random::new(seed, 2).uniform(0) < 0.5;
                let shares = if whole_face { vec![1.0; MOTION_COLUMNS] } else { mouth_shares() };
                perturb::amplitude(track, line(shares), draw)?
            }
            Self::Emotion => {
                let emotion = Some(partly_wrong_emotion(scene, level, seed)?);
                return Ok(Variation { motion: motion.to_vec(), emotion });
            }
            Self::Leak => perturb::mouth_leak(track, line(scene.silence.clone()), line(jaw_share()), level)?,
        };
        let motion = numbers(varied).into_iter().map(|weight| weight.clamp(0.0, 1.0)).collect();
        Ok(Variation { motion, emotion: None })
    }
}

/// The scene's emotion, of which a share of `level`, from a random moment on and around the end, is another one.
fn partly_wrong_emotion(scene: &Scene, level: f32, seed: u64) -> Result<Vec<f32>, RewardError> {
    let certain = Draw { seed, strength: 1.0, first_frame: 0 };
    let wrong = numbers(perturb::emotion_corruption(rows(&scene.emotion, EMOTION_COLUMNS), 0, certain)?);
    let frames = scene.frame_count();
    let first = Random::new(seed, 3).below(0, frames as u32) as usize;
    let wrong_frames = (f64::from(level) * frames as f64).round() as usize;
    let row = |frame: usize| {
        let is_wrong = (frame + frames - first) % frames < wrong_frames;
        let source = if is_wrong { &wrong } else { &scene.emotion };
        &source[frame * EMOTION_COLUMNS..(frame + 1) * EMOTION_COLUMNS]
    };
    Ok((0..frames).flat_map(row).copied().collect())
}

/// Whether a channel belongs to the mouth.
fn is_mouth(shape: &str) -> bool {
    shape.starts_with("jaw") || shape.starts_with("mouth") || shape == "tongueOut"
}

fn mouth_shares() -> Vec<f32> {
    ARKIT_SHAPES.iter().map(|shape| if is_mouth(shape) { 1.0 } else { 0.0 }).collect()
}

fn jaw_share() -> Vec<f32> {
    let jaw = arkit_index("jawOpen");
    (0..MOTION_COLUMNS).map(|column| if Some(column) == jaw { 1.0 } else { 0.0 }).collect()
}

/// Standard deviation of each column of `[frames, MOTION_COLUMNS]`.
pub(crate) fn deviations(motion: &[f32]) -> Vec<f32> {
    let column = |column: usize| {
        let values: Vec<f64> =
            motion.iter().skip(column).step_by(MOTION_COLUMNS).copied().map(f64::from).collect();
        crate::signal::standard_deviation(&values) as f32
    };
    (0..MOTION_COLUMNS).map(column).collect()
}

fn rows(values: &[f32], width: usize) -> Tensor<2> {
    let shape = [values.len() / width, width];
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
}

fn line(values: Vec<f32>) -> Tensor<1> {
    let shape = [values.len()];
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn numbers(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
