//! How the mel spectrum moves: modulation spectra in time, and in time and frequency together.
//!
//! Blocks of [`BLOCK_FRAMES`] frames start on a fixed grid of clip time, so that overlapping windows share them.
//! Temporal modulations of bands describe rhythm and tremor of the voice (Wu, Falk and Chan 2011); the joint
//! spectro-temporal ones separate rising from falling formant and pitch glides.

use super::frames::{BANDS, VoiceFrames};
use esarm_kernels::linear::dot;
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::f64::consts::TAU;
use std::sync::Arc;

/// Frames of a block.
pub(crate) const BLOCK_FRAMES: usize = 64;
/// Frames from block to block.
pub(crate) const BLOCK_HOP: i64 = 16;
/// Length of the transform over time; a bin is 100 / 128 Hz.
const TIME_BINS: usize = 128;
/// Length of the transform over bands.
const SCALE_BINS: usize = 64;
/// Groups of bands with a temporal modulation spectrum each.
const GROUPS: usize = 8;
/// First bins of the temporal modulation channels, from 1 Hz to 50 Hz.
const RATE_EDGES: [usize; 9] = [2, 4, 6, 8, 11, 16, 22, 32, 65];
/// First bins of the joint channels, downwards and upwards.
const JOINT_RATE_EDGES: [i64; 10] = [-33, -17, -10, -5, -2, 3, 6, 11, 18, 34];
/// First bins of the joint channels over bands.
const JOINT_SCALE_EDGES: [usize; 9] = [0, 2, 4, 6, 9, 13, 18, 25, 33];
/// Values of a block's temporal part.
const TEMPORAL: usize = GROUPS * (RATE_EDGES.len() - 1);
/// Values of a block's joint part.
const JOINT: usize = (JOINT_RATE_EDGES.len() - 1) * (JOINT_SCALE_EDGES.len() - 1);
/// Values of a block.
pub(crate) const MODULATIONS: usize = TEMPORAL + JOINT;
/// Level range of a block, in dB below its highest band.
const RANGE_DB: f32 = 55.0;

/// The modulation powers of blocks.
pub(crate) struct Modulation {
    transform: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    band_window: Vec<f32>,
    /// Cosines and sines of `2π q b / SCALE_BINS`: `[SCALE_BINS / 2 + 1, 2, BANDS]`.
    scales: Vec<f32>,
}

impl Modulation {
    pub(crate) fn new() -> Self {
        let hann = |count: usize| -> Vec<f32> {
            let weight = |n: usize| 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / count as f64).cos();
            (0..count).map(|n| weight(n) as f32).collect()
        };
        let angle = |q: usize, band: usize| TAU * (q * band) as f64 / SCALE_BINS as f64;
        let row = |q: usize| {
            let cosines = (0..BANDS).map(move |band| angle(q, band).cos() as f32);
            cosines.chain((0..BANDS).map(move |band| angle(q, band).sin() as f32))
        };
        Self {
            transform: RealFftPlanner::new().plan_fft_forward(TIME_BINS),
            window: hann(BLOCK_FRAMES),
            band_window: hann(BANDS),
            scales: (0..=SCALE_BINS / 2).flat_map(row).collect(),
        }
    }

    /// The modulation powers of the block of frames from index `first` on: `[MODULATIONS]`. Frames past the last
    /// repeat it.
    pub(crate) fn block(&self, frames: &VoiceFrames, first: usize) -> Vec<f32> {
        let levels = clamped_levels(frames, first);
        let mut powers = self.temporal(&levels);
        powers.extend(self.joint(&levels));
        powers
    }

    fn temporal(&self, levels: &[f32]) -> Vec<f32> {
        let per_group = BANDS / GROUPS;
        (0..GROUPS)
            .flat_map(|group| {
                let mean = |frame: &[f32]| {
                    frame[group * per_group..][..per_group].iter().sum::<f32>() / per_group as f32
                };
                let series: Vec<f32> = levels.chunks_exact(BANDS).map(mean).collect();
                let spectrum = self.spectrum(&series, 1.0);
                RATE_EDGES.windows(2).map(|edge| mean_power(&spectrum[edge[0]..edge[1]])).collect::<Vec<_>>()
            })
            .collect()
    }

    fn joint(&self, levels: &[f32]) -> Vec<f32> {
        let mean = levels.iter().sum::<f32>() / levels.len() as f32;
        let rates = JOINT_RATE_EDGES[9] as usize;
        let mut by_rate = vec![0.0; rates * 2 * BANDS];
        for band in 0..BANDS {
            let series: Vec<f32> =
                levels.iter().skip(band).step_by(BANDS).map(|level| level - mean).collect();
            let spectrum = self.joint_spectrum(&series, self.band_window[band]);
            for (rate, value) in spectrum[..rates].iter().enumerate() {
                let row = &mut by_rate[rate * 2 * BANDS..][..2 * BANDS];
                (row[band], row[BANDS + band]) = (value.re, value.im);
            }
        }
        self.joint_powers(&by_rate)
    }

    /// Mean powers by rate and scale, from the real and the imaginary parts of each rate: `[rates, 2, BANDS]`. A real
    /// signal's power at rate `-k` and scale `q` is that at `(k, -q)`.
    fn joint_powers(&self, by_rate: &[f32]) -> Vec<f32> {
        let channels = JOINT_SCALE_EDGES.len() - 1;
        let mut sums = vec![(0.0, 0.0); JOINT];
        for (rate, row) in (0_i64..).zip(by_rate.chunks_exact(2 * BANDS)) {
            let (real, imaginary) = row.split_at(BANDS);
            for (scale, wave) in self.scales.chunks_exact(2 * BANDS).enumerate() {
                let (cosine, sine) = wave.split_at(BANDS);
                let (real_cosine, real_sine) = (dot(real, cosine), dot(real, sine));
                let (imaginary_cosine, imaginary_sine) = (dot(imaginary, cosine), dot(imaginary, sine));
                // The value at this rate and scale, and at this rate and the scale's negative.
                let up = (real_cosine + imaginary_sine).powi(2) + (imaginary_cosine - real_sine).powi(2);
                let down = (real_cosine - imaginary_sine).powi(2) + (imaginary_cosine + real_sine).powi(2);
                let column = JOINT_SCALE_EDGES.partition_point(|edge| *edge <= scale) - 1;
                for (signed, power) in [(rate, up), (-rate, down)] {
                    let channel = JOINT_RATE_EDGES.partition_point(|edge| *edge <= signed);
                    if (1..JOINT_RATE_EDGES.len()).contains(&channel) {
                        let sum: &mut (f32, f32) = &mut sums[(channel - 1) * channels + column];
                        *sum = (sum.0 + power, sum.1 + 1.0);
                    }
                }
            }
        }
        sums.iter().map(|(power, count)| power / count.max(1.0)).collect()
    }

    fn spectrum(&self, series: &[f32], gain: f32) -> Vec<Complex<f32>> {
        let mean = series.iter().sum::<f32>() / series.len() as f32;
        let centred: Vec<f32> = series.iter().map(|value| value - mean).collect();
        self.joint_spectrum(&centred, gain)
    }

    fn joint_spectrum(&self, series: &[f32], gain: f32) -> Vec<Complex<f32>> {
        let mut input = self.transform.make_input_vec();
        for ((slot, value), weight) in input.iter_mut().zip(series).zip(&self.window) {
            *slot = value * weight * gain;
        }
        let mut spectrum = self.transform.make_output_vec();
        self.transform.process(&mut input, &mut spectrum).expect("the buffers were made by this transform");
        spectrum
    }
}

/// The levels of a block, `[BLOCK_FRAMES, BANDS]`, raised to [`RANGE_DB`] below the highest.
fn clamped_levels(frames: &VoiceFrames, first: usize) -> Vec<f32> {
    let last = frames.count() - 1;
    let row = |index: usize| &frames.mel_db[index.min(last) * BANDS..][..BANDS];
    let mut levels: Vec<f32> = (first..first + BLOCK_FRAMES).flat_map(row).copied().collect();
    let floor = levels.iter().copied().fold(f32::NEG_INFINITY, f32::max) - RANGE_DB;
    levels.iter_mut().for_each(|level| *level = level.max(floor));
    levels
}

fn mean_power(bins: &[Complex<f32>]) -> f32 {
    bins.iter().map(Complex::norm_sqr).sum::<f32>() / bins.len() as f32
}
