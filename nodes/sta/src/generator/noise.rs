//! How takes differ: Gaussian deviations from the mean, correlated over time, with their exact log-probability.
//!
//! Each latent is a stationary first-order autoregression `n[t] = r n[t-1] + s sqrt(1 - r²) e[t]` (the
//! Ornstein-Uhlenbeck process at frame times) with its own learnt `s` and `r`. Content latents move one content
//! channel each; expression latents move shapes that act together in real faces.

use super::channels::{CONTENT_CHANNELS, CONTENT_COUNT, EXPRESSION_COUNT, expression_index};
use esarm_kernels::random::Random;
use std::f64::consts::TAU;
use std::ops::Range;

/// Shapes that move together when an expression wavers, and how far each goes.
pub const EXPRESSION_LATENTS: [(&str, &[(&str, f32)]); 8] = [
    ("browRaise", &[("browInnerUp", 1.0), ("browOuterUpLeft", 0.8), ("browOuterUpRight", 0.8)]),
    ("browFurrow", &[("browDownLeft", 1.0), ("browDownRight", 1.0)]),
    (
        "browTilt",
        &[
            ("browOuterUpLeft", 0.6),
            ("browOuterUpRight", -0.6),
            ("browDownRight", 0.3),
            ("browDownLeft", -0.3),
        ],
    ),
    (
        "lids",
        &[("eyeWideLeft", 0.6), ("eyeWideRight", 0.6), ("eyeSquintLeft", -0.5), ("eyeSquintRight", -0.5)],
    ),
    (
        "cheeks",
        &[
            ("cheekSquintLeft", 1.0),
            ("cheekSquintRight", 1.0),
            ("eyeSquintLeft", 0.5),
            ("eyeSquintRight", 0.5),
        ],
    ),
    (
        "corners",
        &[
            ("mouthSmileLeft", 1.0),
            ("mouthSmileRight", 1.0),
            ("mouthFrownLeft", -0.6),
            ("mouthFrownRight", -0.6),
        ],
    ),
    (
        "cornerTilt",
        &[
            ("mouthSmileLeft", 0.6),
            ("mouthSmileRight", -0.6),
            ("mouthDimpleLeft", 0.4),
            ("mouthDimpleRight", -0.4),
        ],
    ),
    ("mouthShift", &[("mouthLeft", 1.0), ("mouthRight", -1.0)]),
];

/// Number of latents: the content channels, then the expression latents.
pub const LATENT_COUNT: usize = CONTENT_COUNT + EXPRESSION_LATENTS.len();

/// Frames after which the past no longer changes a deviation at single precision.
const MEMORY_FRAMES: i64 = 512;
/// Deviations are computed in blocks of this many frames, each from its own start in the past, so that any window
/// gives the bits of the whole.
const BLOCK_FRAMES: i64 = 1024;

/// Standard deviation and frame-to-frame correlation of each latent.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseModel {
    /// Natural logarithm of the standard deviation at temperature 1.
    pub log_sigma: [f32; LATENT_COUNT],
    /// Correlation of neighbouring model frames, at least 0 and below 0.97.
    pub correlation: [f32; LATENT_COUNT],
}

/// Where the deviations of consecutive model frames lie and how far they spread.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Means of the deviations: `[frames, LATENT_COUNT]`, in weights of shapes.
    pub shift: Vec<f32>,
    /// Natural logarithms of their standard deviations at temperature 1: `[frames, LATENT_COUNT]`.
    pub log_sigma: Vec<f32>,
}

/// Deviations and how probable they are.
pub struct Deviations {
    /// `[frames, LATENT_COUNT]`.
    pub values: Vec<f32>,
    /// Natural logarithm of the probability density of each frame's deviations, given the frame before; the first
    /// frame of a clip has its stationary density. Zero at temperature 0, where there is no choice.
    pub log_probability: Vec<f64>,
}

/// Name of a latent.
pub fn latent_name(index: usize) -> &'static str {
    if index < CONTENT_COUNT { CONTENT_CHANNELS[index] } else { EXPRESSION_LATENTS[index - CONTENT_COUNT].0 }
}

impl NoiseModel {
    /// The deviations of the model frames `frames` of a clip. Frames before 0 have none.
    pub fn draw(&self, seed: u64, temperature: f32, frames: Range<i64>) -> Deviations {
        let count = (frames.end - frames.start).max(0) as usize;
        let still =
            Spread { shift: vec![0.0; count * LATENT_COUNT], log_sigma: self.log_sigma.repeat(count) };
        self.draw_around(&still, seed, temperature, frames)
    }

    /// The deviations of the model frames `frames` of a clip around and as wide as `spread`, which holds these frames.
    /// The same seed gives the same standard deviates as [`NoiseModel::draw`]. Frames before 0 have none; at
    /// temperature 0 the deviations are the shift itself.
    pub fn draw_around(
        &self,
        spread: &Spread,
        seed: u64,
        temperature: f32,
        frames: Range<i64>,
    ) -> Deviations {
        let count = (frames.end - frames.start).max(0) as usize;
        debug_assert_eq!(spread.shift.len(), count * LATENT_COUNT);
        let mut values = spread.shift.clone();
        let unborn = (-frames.start).clamp(0, count as i64) as usize;
        values[..unborn * LATENT_COUNT].fill(0.0);
        let mut drawn = Deviations { values, log_probability: vec![0.0; count] };
        if temperature > 0.0 {
            for latent in 0..LATENT_COUNT {
                self.draw_latent(latent, spread, seed, temperature, frames.clone(), &mut drawn);
            }
        }
        drawn
    }

    fn draw_latent(
        &self,
        latent: usize,
        spread: &Spread,
        seed: u64,
        temperature: f32,
        frames: Range<i64>,
        drawn: &mut Deviations,
    ) {
        let random = Random::new(seed, latent as u64);
        let correlation = self.correlation[latent];
        let innovation = (1.0 - correlation * correlation).sqrt();
        for block in frames.start.div_euclid(BLOCK_FRAMES)..=(frames.end - 1).div_euclid(BLOCK_FRAMES) {
            let first = block * BLOCK_FRAMES;
            let mut state = 0.0;
            for frame in (first - MEMORY_FRAMES).max(0)..(first + BLOCK_FRAMES).min(frames.end) {
                let draw = random.normal(frame as u64);
                let scale = if frame == 0 { 1.0 } else { innovation };
                state = correlation * state + scale * draw;
                if frame >= first && frames.contains(&frame) {
                    let at = (frame - frames.start) as usize;
                    let sigma = spread.log_sigma[at * LATENT_COUNT + latent].exp() * temperature;
                    drawn.values[at * LATENT_COUNT + latent] += sigma * state;
                    drawn.log_probability[at] += log_normal(draw, sigma * scale);
                }
            }
        }
    }

    /// The log-probability density of given deviations `[frames, LATENT_COUNT]` that start a clip.
    pub fn log_probability(&self, values: &[f32], temperature: f32) -> f64 {
        let mut sum = 0.0;
        for latent in 0..LATENT_COUNT {
            let correlation = self.correlation[latent];
            let sigma = self.log_sigma[latent].exp() * temperature;
            let innovation = sigma * (1.0 - correlation * correlation).sqrt();
            let mut before = None;
            for value in values.iter().skip(latent).step_by(LATENT_COUNT) {
                let (mean, scale) = before.map_or((0.0, sigma), |before| (correlation * before, innovation));
                sum += log_normal((value - mean) / scale, scale);
                before = Some(*value);
            }
        }
        sum
    }
}

/// Logarithm of the density at `standard * sigma` of a normal distribution around 0.
fn log_normal(standard: f32, sigma: f32) -> f64 {
    -0.5 * f64::from(standard).powi(2) - f64::from(sigma).ln() - 0.5 * TAU.ln()
}

/// Adds a frame's expression deviations to its expression channels.
pub(crate) fn add_expression_deviations(deviations: &[f32], expression: &mut [f32]) {
    debug_assert_eq!(expression.len(), EXPRESSION_COUNT);
    for ((_, shapes), deviation) in EXPRESSION_LATENTS.iter().zip(&deviations[CONTENT_COUNT..]) {
        for (shape, share) in *shapes {
            if let Some(column) = expression_index(shape) {
                expression[column] += share * deviation;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> NoiseModel {
        NoiseModel { log_sigma: [-2.0; LATENT_COUNT], correlation: [0.9; LATENT_COUNT] }
    }

    #[test]
    fn windows_are_parts_of_the_whole() {
        let whole = model().draw(3, 1.0, 0..3000);
        for window in [0..10, 1000..1100, 2047..2050] {
            let part = model().draw(3, 1.0, window.clone());
            let range = window.start as usize * LATENT_COUNT..window.end as usize * LATENT_COUNT;
            assert_eq!(part.values, whole.values[range]);
        }
    }

    #[test]
    fn log_probability_is_that_of_the_values() {
        let drawn = model().draw(5, 0.7, 0..1500);
        let direct = model().log_probability(&drawn.values, 0.7);
        let summed: f64 = drawn.log_probability.iter().sum();
        assert!((direct - summed).abs() < 1e-3 * direct.abs(), "{direct} {summed}");
    }

    #[test]
    fn deviations_have_the_stated_size_and_correlation() {
        let drawn = model().draw(9, 1.0, 0..60_000);
        let values: Vec<f64> = drawn.values.iter().step_by(LATENT_COUNT).map(|v| f64::from(*v)).collect();
        let mean = |it: &mut dyn Iterator<Item = f64>| it.sum::<f64>() / values.len() as f64;
        let variance = mean(&mut values.iter().map(|v| v * v));
        let lagged = mean(&mut values.windows(2).map(|pair| pair[0] * pair[1]));
        assert!((variance.sqrt() / (-2.0_f64).exp() - 1.0).abs() < 0.03, "{variance}");
        assert!((lagged / variance - 0.9).abs() < 0.01);
    }

    #[test]
    fn temperature_zero_is_the_mean() {
        let drawn = model().draw(1, 0.0, 0..10);
        assert!(drawn.values.iter().all(|v| *v == 0.0) && drawn.log_probability.iter().all(|v| *v == 0.0));
    }
}
