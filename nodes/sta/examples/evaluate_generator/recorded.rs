//! The mouth against recorded animation.

use crate::head::Lips;
use esarm_sta::generator::{GenerateOptions, Generator};
use esarm_sta::training::recordings::AnimatedSpeech;
use esarm_values::{ARKIT_SHAPES, Audio, Emotion, FrameRate};
use std::error::Error;

/// Standard deviation from which a recorded shape counts as moving.
const MOVING: f64 = 0.01;

/// Correlations with a recording.
pub(crate) struct Correlations {
    /// Of the gap between the lips.
    pub gap: f64,
    /// Of each moving shape: its index, correlation, and standard deviation recorded and generated.
    pub shapes: Vec<(usize, f64, f64, f64)>,
    /// Of the gap after reversing, and after shifting by 200 ms, the generated motion.
    pub reversed: f64,
    /// See `reversed`.
    pub shifted: f64,
}

impl Correlations {
    /// Mean over the moving shapes.
    pub(crate) fn mean(&self) -> f64 {
        self.shapes.iter().map(|(_, correlation, ..)| correlation).sum::<f64>()
            / self.shapes.len().max(1) as f64
    }
}

/// Generates the clip at its own frame rate and correlates.
pub(crate) fn correlate(
    generator: &Generator,
    lips: &Lips,
    clip: &AnimatedSpeech,
) -> Result<Correlations, Box<dyn Error>> {
    let audio = Audio::new(clip.name.clone(), 16_000, clip.samples.clone());
    let frame_rate = FrameRate::from_decimal(clip.frames_per_sec).ok_or("frame rate")?;
    let options = GenerateOptions { frame_rate, temperature: 0.0, ..GenerateOptions::default() };
    let motion = generator.generate(&audio, &Emotion::constant(0, 1.0), &options)?.motion;
    let count = motion.frame_count().min(clip.shapes.len());
    let recorded: Vec<f64> = clip.shapes[..count].iter().map(|frame| f64::from(lips.gap(frame))).collect();
    let generated: Vec<f64> = lips.gaps(&motion)[..count].iter().map(|gap| f64::from(*gap)).collect();
    let shapes = (0..ARKIT_SHAPES.len())
        .filter_map(|shape| {
            let truth: Vec<f64> = clip.shapes[..count].iter().map(|frame| f64::from(frame[shape])).collect();
            let values: Vec<f64> = motion.channel(shape).take(count).map(f64::from).collect();
            let deviation = deviation(&truth);
            (deviation > MOVING)
                .then(|| (shape, pearson(&truth, &values), deviation, self::deviation(&values)))
        })
        .collect();
    let reversed: Vec<f64> = generated.iter().rev().copied().collect();
    let shift = (0.2 * clip.frames_per_sec) as usize;
    Ok(Correlations {
        gap: pearson(&recorded, &generated),
        shapes,
        reversed: pearson(&recorded, &reversed),
        shifted: pearson(&recorded[shift..], &generated[..count - shift]),
    })
}

fn deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

/// Pearson's correlation; 0 when either is constant.
fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f64>() / a.len() as f64;
    let spread = deviation(a) * deviation(b);
    if spread > 0.0 { product / spread } else { 0.0 }
}
