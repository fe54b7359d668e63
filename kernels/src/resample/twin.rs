//! The resampler on plain slices.

use crate::KernelError;
use crate::error::require_finite;
use crate::frames::read_frame;
use macerator::{Scalar, Simd, Vector};
use rayon::prelude::*;
use std::ops::Range;

/// Most rows of weights; ratios that need more of them mix two.
pub const MOST_ROWS: usize = 1024;
/// Weights of a row are a multiple of so many; half of them lie on either side.
const ROW_UNIT: usize = 16;
/// Longest row of weights.
const MOST_WEIGHTS: usize = 1 << 16;
/// Output samples that one worker computes at a stretch.
const OUTPUTS_A_BLOCK: usize = 2048;

/// Between which rates to resample, and how sharply.
#[derive(Clone, Debug, PartialEq)]
pub struct ResampleSettings {
    /// Sampling rate of the input, in Hz, above 0.
    pub input_hz: u32,
    /// Sampling rate of the output, in Hz, above 0.
    pub output_hz: u32,
    /// Zero crossings of the filter on either side: with more of them its edge is steeper. 1 to 256.
    pub zero_crossings: usize,
    /// Where the filter has fallen to one half, as a share of half the lower rate: above 0, at most 1.
    pub passband: f64,
    /// Parameter of the Kaiser window, 0 to 20: with a higher one less leaks and the edge is less steep.
    pub kaiser_beta: f64,
}

impl ResampleSettings {
    /// Passes 84 % of the band of the lower rate and lets through less than -85 dB of what that rate cannot hold.
    pub fn between(input_hz: u32, output_hz: u32) -> Self {
        Self { input_hz, output_hz, zero_crossings: 32, passband: 0.92, kaiser_beta: 8.6 }
    }

    /// Refuses settings that cannot be computed.
    pub fn check(&self) -> Result<(), KernelError> {
        KernelError::unless(self.input_hz > 0, "input_hz", self.input_hz, "above 0")?;
        KernelError::unless(self.output_hz > 0, "output_hz", self.output_hz, "above 0")?;
        let crossings = self.zero_crossings;
        KernelError::unless(
            (1..=256).contains(&crossings),
            "zero_crossings",
            crossings,
            "between 1 and 256",
        )?;
        let band_is_fine = self.passband > 0.0 && self.passband <= 1.0;
        KernelError::unless(band_is_fine, "passband", self.passband, "above 0 and at most 1")?;
        let beta_is_fine = (0.0..=20.0).contains(&self.kaiser_beta);
        KernelError::unless(beta_is_fine, "kaiser_beta", self.kaiser_beta, "between 0 and 20")?;
        let found = format!("{} from {}", self.output_hz, self.input_hz);
        let allowed =
            format!("high enough that a sample depends on no more than {MOST_WEIGHTS} input samples");
        KernelError::unless(2.0 * self.reach() <= MOST_WEIGHTS as f64, "output_hz", found, allowed)
    }

    /// Cutoff of the filter as a share of half the input rate.
    fn cutoff(&self) -> f64 {
        self.passband * (f64::from(self.output_hz) / f64::from(self.input_hz)).min(1.0)
    }

    /// Input samples on either side until the filter ends.
    fn reach(&self) -> f64 {
        self.zero_crossings as f64 / self.cutoff()
    }
}

/// A whole clip at the other rate: `[n]` samples to `[ceil(n · ratio)]`, output sample `m` at the time of input
/// position `m / ratio`.
pub fn resample(samples: &[f32], settings: &ResampleSettings) -> Result<Vec<f32>, KernelError> {
    let resampler = Resampler::new(settings)?;
    resampler.outputs(samples, 0, 0..resampler.output_count(samples.len()) as i64)
}

/// A prepared resampler.
pub struct Resampler {
    /// `L` and `M`, the ratio in lowest terms.
    pub(super) up: i64,
    pub(super) down: i64,
    /// `M / L`: whole input samples from one output sample to the next, and what is left in `1 / L` of them.
    whole: i64,
    rest: i64,
    /// Input samples on either side of an output sample that enter it.
    pub(super) half: usize,
    /// `[rows, 2 half]` weights; one row more than there are steps between two samples where rows are mixed.
    pub(super) weights: Vec<f32>,
    pub(super) mixes: bool,
}

/// Where an output sample lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Position {
    /// Clip index of the input sample at or before it.
    pub(super) base: i64,
    /// Its distance to that, in `1 / L` input samples.
    phase: i64,
}

impl Resampler {
    /// Prepares the weights.
    ///
    /// # Errors
    /// When a setting cannot be.
    pub fn new(settings: &ResampleSettings) -> Result<Self, KernelError> {
        settings.check()?;
        let divisor = greatest_common_divisor(settings.input_hz, settings.output_hz);
        let (up, down) = (settings.output_hz / divisor, settings.input_hz / divisor);
        let half = (settings.reach().ceil() as usize).next_multiple_of(ROW_UNIT / 2);
        let steps = (up as usize).min(MOST_ROWS);
        let mixes = steps < up as usize;
        let weights = if up == down {
            // The sample itself.
            (0..2 * half).map(|tap| if tap + 1 == half { 1.0 } else { 0.0 }).collect()
        } else {
            weight_rows(settings, half, steps, steps + usize::from(mixes))
        };
        let (whole, rest) = (i64::from(down / up), i64::from(down % up));
        Ok(Self { up: i64::from(up), down: i64::from(down), whole, rest, half, weights, mixes })
    }

    /// Input samples on either side that an output sample depends on.
    pub fn reach(&self) -> usize {
        self.half
    }

    /// Number of output samples of a clip of `count` input samples.
    pub fn output_count(&self, count: usize) -> usize {
        self.first_output_from(count as i64) as usize
    }

    /// Clip index of the first output sample that does not lie before the input sample `input`.
    pub fn first_output_from(&self, input: i64) -> i64 {
        let position = i128::from(input) * i128::from(self.up);
        -(-position).div_euclid(i128::from(self.down)) as i64
    }

    /// Clip index of the first input sample that the output sample `output` depends on.
    pub fn first_input_of(&self, output: i64) -> i64 {
        self.position_of(output).base - self.half as i64 + 1
    }

    /// The output samples `outputs` of a clip of which `samples` holds the part from clip index `first_sample` on.
    /// Samples outside of that part count as zero.
    ///
    /// # Errors
    /// When a sample is not a finite number.
    pub fn outputs(
        &self,
        samples: &[f32],
        first_sample: i64,
        outputs: Range<i64>,
    ) -> Result<Vec<f32>, KernelError> {
        require_finite("samples", samples)?;
        let mut output = vec![0.0; usize::try_from(outputs.end - outputs.start).unwrap_or(0)];
        self.outputs_into(samples, first_sample, outputs.start, &mut output);
        Ok(output)
    }

    /// Fills `output` with the output samples from `first_output` on.
    pub(crate) fn outputs_into(
        &self,
        samples: &[f32],
        first_sample: i64,
        first_output: i64,
        output: &mut [f32],
    ) {
        output.par_chunks_mut(OUTPUTS_A_BLOCK).enumerate().for_each(|(block, slots)| {
            self.block(samples, first_sample, first_output + (block * OUTPUTS_A_BLOCK) as i64, slots);
        });
    }

    fn block(&self, samples: &[f32], first_sample: i64, first_output: i64, slots: &mut [f32]) {
        let first = self.first_input_of(first_output);
        let last = self.position_of(first_output + slots.len() as i64 - 1).base + self.half as i64;
        let mut needed = vec![0.0; (last - first + 1) as usize];
        read_frame(samples, first_sample, first, &mut needed);
        interpolate(self, &needed, first, first_output, slots);
    }

    /// Where output sample `index` lies.
    pub(super) fn position_of(&self, index: i64) -> Position {
        let steps = i128::from(index) * i128::from(self.down);
        let up = i128::from(self.up);
        Position { base: steps.div_euclid(up) as i64, phase: steps.rem_euclid(up) as i64 }
    }

    /// Where the output sample after that at `position` lies.
    pub(super) fn next(&self, position: Position) -> Position {
        let phase = position.phase + self.rest;
        if phase < self.up {
            Position { base: position.base + self.whole, phase }
        } else {
            Position { base: position.base + self.whole + 1, phase: phase - self.up }
        }
    }

    /// The row of weights of an output sample, and the share of the row after it.
    pub(super) fn row_of(&self, position: Position) -> (usize, f32) {
        if !self.mixes {
            return (position.phase as usize, 0.0);
        }
        let row = position.phase * MOST_ROWS as i64;
        ((row / self.up) as usize, ((row % self.up) as f64 / self.up as f64) as f32)
    }
}

/// Fills `slots` with the output samples from `first_output` on; `inputs` begin at clip index `first_input` and hold all
/// that they depend on.
#[macerator::with_simd]
fn interpolate<S: Simd>(
    resampler: &Resampler,
    inputs: &[f32],
    first_input: i64,
    first_output: i64,
    slots: &mut [f32],
) {
    let width = 2 * resampler.half;
    let weights = |row: usize| &resampler.weights[row * width..][..width];
    let mut position = resampler.position_of(first_output);
    for slot in slots {
        let from = position.base - resampler.half as i64 + 1 - first_input;
        let inputs = &inputs[from as usize..][..width];
        let (row, mix) = resampler.row_of(position);
        *slot = dot::<S>(weights(row), inputs);
        if resampler.mixes {
            *slot += mix * (dot::<S>(weights(row + 1), inputs) - *slot);
        }
        position = resampler.next(position);
    }
}

/// `[rows, 2 half]`: row `r` has the weights for an output sample `r / steps` behind an input sample. The mean of the
/// rows' sums is 1.
fn weight_rows(settings: &ResampleSettings, half: usize, steps: usize, rows: usize) -> Vec<f32> {
    let (cutoff, reach) = (settings.cutoff(), settings.reach());
    let peak = bessel_i0(settings.kaiser_beta);
    let weight = |index: usize| {
        let (row, tap) = (index / (2 * half), index % (2 * half));
        let distance = row as f64 / steps as f64 + half as f64 - 1.0 - tap as f64;
        let place = distance / reach;
        if place.abs() >= 1.0 {
            return 0.0;
        }
        let angle = std::f64::consts::PI * cutoff * distance;
        let sinc = if angle == 0.0 { 1.0 } else { angle.sin() / angle };
        sinc * bessel_i0(settings.kaiser_beta * (1.0 - place * place).sqrt()) / peak
    };
    let weights: Vec<f64> = (0..rows * 2 * half).into_par_iter().map(weight).collect();
    let gain = weights[..steps * 2 * half].iter().sum::<f64>() / steps as f64;
    weights.iter().map(|weight| (weight / gain) as f32).collect()
}

/// The modified Bessel function of the first kind and order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..100 {
        term *= quarter / f64::from(k * k);
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Inner product of rows of a multiple of [`ROW_UNIT`].
#[inline(always)]
fn dot<S: Simd>(a: &[f32], b: &[f32]) -> f32 {
    match ROW_UNIT / S::lanes32() {
        1 => dot_in::<S, 1>(a, b),
        2 => dot_in::<S, 2>(a, b),
        4 => dot_in::<S, 4>(a, b),
        8 => dot_in::<S, 8>(a, b),
        _ => dot_in::<S, ROW_UNIT>(a, b),
    }
}

/// The same with sums in `N` registers.
#[inline(always)]
fn dot_in<S: Simd, const N: usize>(a: &[f32], b: &[f32]) -> f32 {
    let load = |numbers: &[f32], n: usize| -> Vector<S, f32> {
        bytemuck::pod_read_unaligned(bytemuck::cast_slice(&numbers[n * ROW_UNIT / N..][..ROW_UNIT / N]))
    };
    let mut sums = [0.0.splat::<S>(); N];
    for (a, b) in a.chunks_exact(ROW_UNIT).zip(b.chunks_exact(ROW_UNIT)) {
        for (n, sum) in sums.iter_mut().enumerate() {
            *sum = load(a, n).mul_add(load(b, n), *sum);
        }
    }
    sums[1..].iter().fold(sums[0], |total, sum| total + *sum).reduce_add()
}
