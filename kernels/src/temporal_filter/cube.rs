//! The filters on a GPU.

use super::twin::{Fit, of_channel, share};
use super::{Exponential, Median, OneEuro, SavitzkyGolay, TemporalFilter};
use crate::tensors::{constants, contiguous, empty_like, one_unit_each};
use burn::backend::TensorMetadata;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;
use std::collections::HashMap;
use std::f64::consts::TAU;

/// Frames that a cube scans at a time.
const BLOCK: usize = 256;
/// Numbers that describe how a channel is smoothed by polynomials: its window and where its weights begin.
const FIT_FIELDS: usize = 2;
/// Numbers that describe how a channel is smoothed by speed.
const SPEED_FIELDS: usize = 3;

/// One unit for each value: the polynomial of the window around it.
#[cube(launch)]
fn polynomials<F: Float>(
    values: &Tensor<F>,
    fits: &[u32],
    weights: &[f32],
    output: &mut Tensor<F>,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= output.len() {
        terminate!();
    }
    let (frames, channels) = (values.shape(0), values.shape(1));
    let (frame, channel) = (ABSOLUTE_POS / channels, ABSOLUTE_POS % channels);
    let window = fits[FIT_FIELDS * channel] as usize;
    let half = window / 2;
    let first = min(max(frame, half) - half, frames - window);
    let row = fits[FIT_FIELDS * channel + 1] as usize + (frame - first) * window;
    let mut sum = 0.0f32;
    for index in 0..window {
        sum += weights[row + index] * f32::cast_from(values[(first + index) * channels + channel]);
    }
    output[ABSOLUTE_POS] = F::cast_from(sum);
}

/// A number that sorts as `value` does.
#[cube]
fn sort_key(value: f32) -> u32 {
    let bits = u32::reinterpret(value);
    let mut key = bits | 0x8000_0000u32;
    if bits >= 0x8000_0000u32 {
        key = 0xffff_ffffu32 - bits;
    }
    key
}

/// One unit for each value: the largest key below which lies at most half of the window, bit by bit.
#[cube(launch)]
fn medians<F: Float>(
    values: &Tensor<F>,
    windows: &[u32],
    output: &mut Tensor<F>,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= output.len() {
        terminate!();
    }
    let (frames, channels) = (values.shape(0), values.shape(1));
    let (frame, channel) = (ABSOLUTE_POS / channels, ABSOLUTE_POS % channels);
    let half = windows[channel] as usize / 2;
    let first = max(frame, half) - half;
    let last = min(frame + half + 1, frames);
    let rank = ((last - first - 1) / 2) as u32;
    let mut found = 0u32;
    for step in 0..32u32 {
        let candidate = found | (1u32 << (31u32 - step));
        let mut below = 0u32;
        for index in first..last {
            if sort_key(f32::cast_from(values[index * channels + channel])) < candidate {
                below += 1u32;
            }
        }
        if below <= rank {
            found = candidate;
        }
    }
    let mut bits = found - 0x8000_0000u32;
    if found < 0x8000_0000u32 {
        bits = 0xffff_ffffu32 - found;
    }
    output[ABSOLUTE_POS] = F::cast_from(f32::reinterpret(bits));
}

/// One unit for each channel, frame after frame.
#[cube(launch)]
fn by_speed<F: Float>(
    values: &Tensor<F>,
    numbers: &[f32],
    output: &mut Tensor<F>,
    frames_per_sec: f32,
    frames_per_turn: f32,
    #[define(F)] _dtype: ElemType,
) {
    let (frames, channels) = (values.shape(0), values.shape(1));
    let channel = ABSOLUTE_POS;
    if channel >= channels {
        terminate!();
    }
    let rest = numbers[SPEED_FIELDS * channel];
    let beta = numbers[SPEED_FIELDS * channel + 1];
    let speed_share = numbers[SPEED_FIELDS * channel + 2];
    let mut smooth = f32::cast_from(values[channel]);
    let mut speed = 0.0f32;
    for frame in 0..frames {
        let step = f32::cast_from(values[frame * channels + channel]) - smooth;
        speed += speed_share * (step * frames_per_sec - speed);
        let cutoff = rest + beta * speed.abs();
        smooth += cutoff / (cutoff + frames_per_turn) * step;
        output[frame * channels + channel] = F::cast_from(smooth);
    }
}

/// One cube for each channel: blocks of frames, each by doubling distances (Hillis and Steele 1986).
#[cube(launch)]
fn exponentially<F: Float>(
    values: &Tensor<F>,
    shares: &[f32],
    output: &mut Tensor<F>,
    #[define(F)] _dtype: ElemType,
) {
    let (frames, channels) = (values.shape(0), values.shape(1));
    let channel = CUBE_POS;
    if channel >= channels {
        terminate!();
    }
    let unit = UNIT_POS as usize;
    let share = shares[channel];
    let mut sums = Shared::<[f32]>::new_slice(BLOCK);
    let mut before = f32::cast_from(values[channel]);
    let blocks = frames.div_ceil(BLOCK);
    for block in 0..blocks {
        let frame = block * BLOCK + unit;
        let mut sum = 0.0f32;
        if frame < frames {
            sum = share * f32::cast_from(values[frame * channels + channel]);
        }
        sums[unit] = sum;
        sync_cube();
        // What is left of a value after `distance` frames, and after `unit + 1` frames.
        let mut left = 1.0f32 - share;
        let mut left_here = 1.0f32;
        let mut distance = 1usize;
        while distance < BLOCK {
            if unit >= distance {
                sum += left * sums[unit - distance];
            }
            if (unit + 1) & distance != 0 {
                left_here *= left;
            }
            sync_cube();
            sums[unit] = sum;
            sync_cube();
            left *= left;
            distance *= 2usize;
        }
        if unit + 1 == BLOCK {
            left_here = left;
        }
        if frame < frames {
            output[frame * channels + channel] = F::cast_from(sum + left_here * before);
        }
        before = sums[BLOCK - 1] + left * before;
        sync_cube();
    }
}

fn launch_polynomials(values: &CubeTensor, output: &CubeTensor, settings: &[SavitzkyGolay]) {
    let (frames, channels) = (output.shape()[0], output.shape()[1]);
    let mut begins: HashMap<SavitzkyGolay, [u32; FIT_FIELDS]> = HashMap::new();
    let mut weights: Vec<f32> = Vec::new();
    let mut fits = Vec::with_capacity(FIT_FIELDS * channels);
    for channel in 0..channels {
        let setting = *of_channel(settings, channel);
        let fit = *begins.entry(setting).or_insert_with(|| {
            let (fit, begin) = (Fit::new(&setting, frames), weights.len() as u32);
            // A window of one frame has the weight 1.
            if fit.window <= 1 {
                weights.push(1.0);
            }
            weights.extend(fit.weights.iter().map(|weight| *weight as f32));
            [fit.window.max(1) as u32, begin]
        });
        fits.extend(fit);
    }
    let (cubes, units) = one_unit_each(output, output.shape().num_elements());
    polynomials::launch(
        &output.client,
        cubes,
        units,
        values.clone().into_tensor_arg(),
        constants(values, &fits).into_buffer_arg(),
        constants(values, &weights).into_buffer_arg(),
        output.clone().into_tensor_arg(),
        dtype_to_storage_type(output.dtype),
    );
}

fn launch_medians(values: &CubeTensor, output: &CubeTensor, settings: &[Median]) {
    let channels = output.shape()[1];
    let windows: Vec<u32> =
        (0..channels).map(|channel| of_channel(settings, channel).window_frames as u32).collect();
    let (cubes, units) = one_unit_each(output, output.shape().num_elements());
    medians::launch(
        &output.client,
        cubes,
        units,
        values.clone().into_tensor_arg(),
        constants(values, &windows).into_buffer_arg(),
        output.clone().into_tensor_arg(),
        dtype_to_storage_type(output.dtype),
    );
}

fn launch_by_speed(values: &CubeTensor, output: &CubeTensor, frames_per_sec: f64, settings: &[OneEuro]) {
    let channels = output.shape()[1];
    let frames_per_turn = frames_per_sec / TAU;
    let numbers = |channel: usize| {
        let OneEuro { min_cutoff_hz, beta, derivative_cutoff_hz } = *of_channel(settings, channel);
        let speed_share = derivative_cutoff_hz / (derivative_cutoff_hz + frames_per_turn);
        [min_cutoff_hz as f32, beta as f32, speed_share as f32]
    };
    let numbers: Vec<f32> = (0..channels).flat_map(numbers).collect();
    let (cubes, units) = one_unit_each(output, channels);
    by_speed::launch(
        &output.client,
        cubes,
        units,
        values.clone().into_tensor_arg(),
        constants(values, &numbers).into_buffer_arg(),
        output.clone().into_tensor_arg(),
        frames_per_sec as f32,
        frames_per_turn as f32,
        dtype_to_storage_type(output.dtype),
    );
}

fn launch_exponentially(
    values: &CubeTensor,
    output: &CubeTensor,
    frames_per_sec: f64,
    settings: &[Exponential],
) {
    let channels = output.shape()[1];
    let shares: Vec<f32> =
        (0..channels).map(|channel| share(of_channel(settings, channel), frames_per_sec) as f32).collect();
    exponentially::launch(
        &output.client,
        crate::tensors::one_cube_each(channels),
        CubeDim::new_1d(BLOCK as u32),
        values.clone().into_tensor_arg(),
        constants(values, &shares).into_buffer_arg(),
        output.clone().into_tensor_arg(),
        dtype_to_storage_type(output.dtype),
    );
}

pub(crate) fn temporal_filter_on_cube(values: CubeTensor, filter: &TemporalFilter) -> CubeTensor {
    let values = contiguous(values);
    let output = empty_like(&values, values.shape());
    match filter {
        TemporalFilter::SavitzkyGolay(settings) => launch_polynomials(&values, &output, settings),
        TemporalFilter::Median(settings) => launch_medians(&values, &output, settings),
        TemporalFilter::OneEuro { frames_per_sec, settings } => {
            launch_by_speed(&values, &output, *frames_per_sec, settings);
        }
        TemporalFilter::Exponential { frames_per_sec, settings } => {
            launch_exponentially(&values, &output, *frames_per_sec, settings);
        }
    }
    output
}
