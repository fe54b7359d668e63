//! The candidates of frames on a GPU.

use super::PitchTracker;
use super::twin::{
    CANDIDATE_FIELDS, CANDIDATE_FRACTION, CANDIDATE_ROW, LAG_COST, LEAST_CORRELATION, MAX_CANDIDATES,
    QUIET_RMS,
};
use crate::fourier::cube_sum;
use crate::resample::resample_on_cube;
use crate::tensors::{constants, empty_like, one_cube_each};
use burn::backend::{DType, TensorMetadata};
use burn_cubecl::kernel::cast;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;
use std::ops::Range;

/// Units of the cube of a frame.
const UNITS: u32 = 64;

/// What candidates cost and where they may lie.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
struct Limits {
    low_hz: f32,
    high_hz: f32,
    rate_hz: f32,
    unvoiced_cost: f32,
}

/// The correlation of two stretches of the segment, `lag` apart and around its middle.
#[cube]
fn correlation(
    segment: &Shared<[f32]>,
    lag: usize,
    #[comptime] length: usize,
    #[comptime] stretch: usize,
) -> f32 {
    let from = (comptime!(length - stretch).runtime() - lag) / 2;
    let bias = comptime!(stretch as f32 * QUIET_RMS * QUIET_RMS);
    let mut product = 0.0f32;
    let mut early = 0.0f32;
    let mut late = 0.0f32;
    for index in 0..stretch {
        let (x, y) = (segment[from + index], segment[from + lag + index]);
        product += x * y;
        early += x * x;
        late += y * y;
    }
    product / ((early + bias) * (late + bias)).sqrt()
}

/// Where a candidate of this cost goes: the next free place, or that of the costliest one where it is costlier; behind
/// the last place otherwise.
#[cube]
fn place_for(row: &Shared<[f32]>, count: usize, cost: f32) -> usize {
    let mut place = count;
    if count > MAX_CANDIDATES {
        let mut highest = cost;
        for candidate in 1..MAX_CANDIDATES + 1 {
            if row[CANDIDATE_FIELDS * candidate + 2] > highest {
                highest = row[CANDIDATE_FIELDS * candidate + 2];
                place = candidate;
            }
        }
    }
    place
}

/// Finds the peaks of the correlations and puts the cheapest ones into `row`.
#[cube]
fn pick(
    correlations: &Shared<[f32]>,
    row: &mut Shared<[f32]>,
    limits: Limits,
    #[comptime] first_lag: usize,
    #[comptime] lags: usize,
) {
    let mut highest = 0.0f32;
    for index in 0..lags {
        highest = max(highest, correlations[index]);
    }
    for field in 0..CANDIDATE_ROW {
        row[field] = 0.0f32;
    }
    row[1] = min(highest, 1.0f32);
    row[2] = highest + limits.unvoiced_cost;
    let least = max(CANDIDATE_FRACTION * highest, LEAST_CORRELATION);
    let lag_cost = comptime!(LAG_COST / (first_lag + lags) as f32);
    let mut count = 1usize;
    for index in 1..lags - 1 {
        let (before, here, after) = (correlations[index - 1], correlations[index], correlations[index + 1]);
        if here > before && here >= after && here > least {
            let lag = (first_lag + index) as f32;
            let offset = 0.5f32 * (before - after) / (before - 2.0f32 * here + after);
            let refined = min(max(here - 0.25f32 * (before - after) * offset, 0.0f32), 1.0f32);
            let frequency = limits.rate_hz / (lag + offset);
            let cost = 1.0f32 - refined * (1.0f32 - lag_cost * lag);
            let place = place_for(&*row, count, cost);
            if frequency >= limits.low_hz && frequency <= limits.high_hz && place <= MAX_CANDIDATES {
                row[CANDIDATE_FIELDS * place] = frequency;
                row[CANDIDATE_FIELDS * place + 1] = refined;
                row[CANDIDATE_FIELDS * place + 2] = cost;
                count = max(count, place + 1);
            }
        }
    }
}

/// One cube for each frame: a unit a lag, then the peaks.
#[cube(launch)]
fn candidates(
    decimated: &Tensor<f32>,
    starts: &[u32],
    output: &mut Tensor<f32>,
    limits: Limits,
    #[comptime] length: usize,
    #[comptime] stretch: usize,
    #[comptime] first_lag: usize,
    #[comptime] lags: usize,
) {
    let frames = output.shape(1);
    let frame = CUBE_POS;
    if frame >= output.shape(0) * frames {
        terminate!();
    }
    let first = frame / frames * decimated.shape(1) + starts[frame % frames] as usize;
    let mut segment = Shared::<[f32]>::new_slice(length);
    let mut correlations = Shared::<[f32]>::new_slice(lags);
    let mut parts = Shared::<[f32]>::new_slice(UNITS as usize);
    let mut row = Shared::<[f32]>::new_slice(CANDIDATE_ROW);
    let unit = UNIT_POS as usize;
    let mut sum = 0.0f32;
    let mut index = unit;
    while index < length {
        segment[index] = decimated[first + index];
        sum += segment[index];
        index += UNITS as usize;
    }
    let mean = cube_sum(sum, &mut parts) / comptime!(length as f32);
    index = unit;
    while index < length {
        segment[index] -= mean;
        index += UNITS as usize;
    }
    sync_cube();
    index = unit;
    while index < lags {
        correlations[index] = correlation(&segment, first_lag + index, length, stretch);
        index += UNITS as usize;
    }
    sync_cube();
    if unit == 0 {
        pick(&correlations, &mut row, limits, first_lag, lags);
    }
    sync_cube();
    if unit < CANDIDATE_ROW {
        output[frame * CANDIDATE_ROW + unit] = row[unit];
    }
}

pub(crate) fn pitch_candidates_on_cube(
    samples: CubeTensor,
    tracker: &PitchTracker,
    first_sample: i64,
    frames: Range<i64>,
) -> CubeTensor {
    let samples = if samples.dtype == DType::F32 { samples } else { cast(samples, DType::F32) };
    let range = tracker.decimated_range(&frames);
    let starts: Vec<u32> = frames.map(|frame| (tracker.segment_start(frame) - range.start) as u32).collect();
    let decimated = resample_on_cube(samples.clone(), &tracker.decimator, first_sample, range);
    let output = empty_like(&samples, [samples.shape()[0], starts.len(), CANDIDATE_ROW]);
    let settings = &tracker.settings;
    let limits = LimitsLaunch::new(
        settings.low_hz as f32,
        settings.high_hz as f32,
        settings.sample_rate_hz as f32 / tracker.factor as f32,
        tracker.unvoiced_cost(),
    );
    candidates::launch(
        &output.client,
        one_cube_each(output.shape()[0] * starts.len()),
        CubeDim::new_1d(UNITS),
        decimated.into_tensor_arg(),
        constants(&samples, &starts).into_buffer_arg(),
        output.clone().into_tensor_arg(),
        limits,
        tracker.segment_length(),
        tracker.stretch,
        tracker.lags.start,
        tracker.lags.len(),
    );
    output
}
