//! What disturbances are set by, and what the kernels need of it.

use crate::KernelError;
use crate::random::Random;
use std::ops::{Range, RangeInclusive};

/// Longest hold of a replaced frame.
const LONGEST_HOLD: u32 = 64;
/// Share of a drift that is still remembered from one block before.
const REMEMBERED: f64 = 1e-3;
/// One, in the units that draws of probability are compared in.
const CERTAIN: f64 = 16_777_216.0;

/// What a disturbance is drawn from and how strong it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// The seed: another seed is another disturbance.
    pub seed: u64,
    /// Strength, 0 to 1.
    pub strength: f32,
    /// Clip frame of the first frame of the track.
    pub first_frame: i64,
}

/// Frames at the ends of a track that only serve as context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Margins {
    /// Frames before the first that is asked for.
    pub before: usize,
    /// Frames after the last that is asked for.
    pub after: usize,
}

/// Settings of drifting noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrnsteinUhlenbeck {
    /// Rate at which the noise returns to 0, per second.
    pub return_rate_hz: f32,
    /// Time from frame to frame in seconds.
    pub step_secs: f32,
}

impl Default for OrnsteinUhlenbeck {
    /// The settings of D-REX.
    fn default() -> Self {
        Self { return_rate_hz: 0.15, step_secs: 0.033 }
    }
}

/// Families whose random numbers must not coincide.
#[derive(Clone, Copy, Debug)]
pub(super) enum Family {
    White = 1,
    Drift = 2,
    Replacement = 3,
    Emotion = 4,
    Amplitude = 5,
}

impl Draw {
    pub(super) fn check(self) -> Result<(), KernelError> {
        check_strength(self.strength)
    }

    pub(super) fn source(self, family: Family) -> Random {
        Random::new(self.seed, 0).split(family as u64)
    }
}

pub(super) fn check_strength(strength: f32) -> Result<(), KernelError> {
    KernelError::unless((0.0..=1.0).contains(&strength), "strength", strength, "between 0 and 1")
}

impl Margins {
    /// The frames of a track of `frames` that are asked for.
    pub(super) fn kept_of(self, frames: usize) -> Result<Range<usize>, KernelError> {
        let kept = frames.checked_sub(self.before).and_then(|rest| rest.checked_sub(self.after));
        let allowed = || format!("at most {frames} frames together, those of `track`");
        let found = || format!("{} before and {} after", self.before, self.after);
        let kept =
            kept.ok_or_else(|| KernelError::Setting { name: "margins", found: found(), allowed: allowed() })?;
        Ok(self.before..self.before + kept)
    }
}

/// The recurrence `n_t = decay · n_{t-1} + ε_t` and the length of its blocks.
#[derive(Clone, Copy, Debug)]
pub struct Drift {
    pub(crate) decay: f32,
    pub(crate) block_frames: usize,
}

impl OrnsteinUhlenbeck {
    pub(super) fn drift(self) -> Result<Drift, KernelError> {
        let step = f64::from(self.return_rate_hz) * f64::from(self.step_secs);
        let fine = (1e-3..=1.0).contains(&step) && self.step_secs > 0.0;
        let allowed = "such that return_rate_hz times step_secs is between 0.001 and 1";
        KernelError::unless(fine, "return_rate_hz", self.return_rate_hz, allowed)?;
        let decay = 1.0 - step;
        let block_frames = if decay > 0.0 { (REMEMBERED.ln() / decay.ln()).ceil() as usize } else { 1 };
        Ok(Drift { decay: decay as f32, block_frames: block_frames.max(1) })
    }
}

/// When frames are replaced and how long they hold.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    /// A replacement starts at a frame when 24 random bits are below this.
    pub(crate) below: u32,
    pub(crate) shortest: u32,
    /// Number of lengths to draw from.
    pub(crate) lengths: u32,
}

impl Hold {
    pub(super) fn new(frames: &RangeInclusive<u32>, strength: f32) -> Result<Self, KernelError> {
        let (shortest, longest) = (*frames.start(), *frames.end());
        let fine = (1..=LONGEST_HOLD).contains(&shortest) && (shortest..=LONGEST_HOLD).contains(&longest);
        let allowed = format!("rising and between 1 and {LONGEST_HOLD} frames");
        KernelError::unless(fine, "hold_frames", format!("{shortest}..={longest}"), allowed)?;
        let hold = Self { below: 0, shortest, lengths: longest - shortest + 1 };
        Ok(Self { below: probability(hold.start_probability(f64::from(strength))), ..hold })
    }

    /// Longest hold.
    pub(crate) fn longest(self) -> u32 {
        self.shortest + self.lengths - 1
    }

    /// The probability that a replacement starts at a frame, such that a frame is replaced with the probability
    /// `covered`: no start `k` frames back lasts that long, for every `k`, with the probability
    /// `Π_k (1 - p · P(length > k)) = 1 - covered`.
    fn start_probability(self, covered: f64) -> f64 {
        let uncovered = |p: f64| -> f64 {
            let lasting = |back: u32| {
                let longer = (self.longest() - back).min(self.lengths);
                1.0 - p * f64::from(longer) / f64::from(self.lengths)
            };
            (0..self.longest()).map(lasting).product()
        };
        if covered >= 1.0 {
            return 1.0;
        }
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if uncovered(middle) > 1.0 - covered { low = middle } else { high = middle }
        }
        if covered > 0.0 { high } else { 0.0 }
    }
}

/// Which stretches of a clip have the wrong emotion.
#[derive(Clone, Copy, Debug)]
pub struct Segments {
    /// Index of the segment that the first frame lies in.
    pub(crate) first: i64,
    /// Frames of it that lie before the first frame.
    pub(crate) passed: u32,
    /// Frames of a segment.
    pub(crate) frames: u32,
    /// A segment is wrong when 24 random bits are below this.
    pub(crate) below: u32,
}

impl Segments {
    pub(super) fn new(segment_frames: u32, draw: Draw) -> Self {
        let below = probability(f64::from(draw.strength));
        match i64::from(segment_frames) {
            0 => Self { first: 0, passed: 0, frames: u32::MAX, below },
            frames => Self {
                first: draw.first_frame.div_euclid(frames),
                passed: draw.first_frame.rem_euclid(frames) as u32,
                frames: segment_frames,
                below,
            },
        }
    }
}

/// What 24 random bits are below with this probability.
fn probability(probability: f64) -> u32 {
    (probability * CERTAIN).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_cover_the_share_that_is_asked_for() {
        for (frames, covered) in [(1..=1, 0.3), (3..=8, 0.3), (3..=8, 0.9), (4..=4, 0.5)] {
            let hold = Hold::new(&frames, covered).unwrap();
            let start = f64::from(hold.below) / CERTAIN;
            let lengths = f64::from(hold.lengths);
            let mut free = 1.0;
            for back in 0..hold.longest() {
                let lasting = frames.clone().filter(|length| *length > back).count();
                free *= 1.0 - start * lasting as f64 / lengths;
            }
            assert!((1.0 - free - f64::from(covered)).abs() < 1e-5, "{frames:?}: {}", 1.0 - free);
        }
        assert_eq!(Hold::new(&(3..=8), 0.0).unwrap().below, 0);
        assert_eq!(f64::from(Hold::new(&(3..=8), 1.0).unwrap().below), CERTAIN);
        assert!(Hold::new(&(0..=3), 0.5).is_err() && Hold::new(&(5..=65), 0.5).is_err());
    }

    #[test]
    fn drifts_forget_within_a_block() {
        let drift = OrnsteinUhlenbeck::default().drift().unwrap();
        assert!(f64::from(drift.decay).powi(drift.block_frames as i32) <= 1.001e-3);
        assert!(OrnsteinUhlenbeck { return_rate_hz: 0.0, step_secs: 0.02 }.drift().is_err());
        assert!(OrnsteinUhlenbeck { return_rate_hz: f32::NAN, step_secs: 0.02 }.drift().is_err());
    }
}
