//! Energy, centroid and flux of frames on a GPU.

use super::twin::{ENERGY_FLOOR_DB, LEAST_POWER, SILENCE};
use super::{Prosody, TIMBRE_FIELDS};
use crate::fourier::{cube_sum, powers, turns, windowed_pairs};
use crate::tensors::{constants, contiguous, one_cube_each};
use burn::backend::cubecl::dtype_to_storage_type;
use burn::backend::{DType, TensorMetadata};
use burn_cubecl::ops::numeric::empty_device_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;
use std::ops::Range;

/// Frames that a cube computes one after the other, after the one before them.
const RUN: usize = 8;
/// Decibels in a unit of the natural logarithm of power.
const DB_PER_NEPER: f32 = 10.0 / std::f32::consts::LN_10;

/// Energy of the windowed samples of a frame, as far as this unit put them there.
#[cube]
fn energy_here(re: &Shared<[f32]>, im: &Shared<[f32]>, #[comptime] half: usize) -> f32 {
    let mut sum = 0.0f32;
    let mut slot = UNIT_POS as usize;
    while slot < half {
        sum += re[slot] * re[slot] + im[slot] * im[slot];
        slot += CUBE_DIM as usize;
    }
    sum
}

/// The square of the distance that this unit's part of the spectrum is from the last one, which it replaces.
#[cube]
fn change_here(
    magnitudes: &Shared<[f32]>,
    highest: f32,
    last: &mut Shared<[f32]>,
    scale: f32,
    #[comptime] half: usize,
) -> f32 {
    let mut sum = 0.0f32;
    let mut bin = UNIT_POS as usize;
    while bin <= half {
        let mut share = highest * scale;
        if bin < half {
            share = magnitudes[bin] * scale;
        }
        let change = share - last[bin];
        sum += change * change;
        last[bin] = share;
        bin += CUBE_DIM as usize;
    }
    sum
}

/// One cube for each run of frames.
#[cube(launch)]
fn timbres<F: Float>(
    samples: &Tensor<F>,
    starts: &[i32],
    window: &[f32],
    turns: &[f32],
    output: &mut Tensor<f32>,
    weights: f32,
    bin_hz: f32,
    #[comptime] log2_half: usize,
    #[comptime] units: usize,
    #[define(F)] _dtype: ElemType,
) {
    let half = comptime!(1usize << log2_half);
    let frames = output.shape(1);
    let runs = frames.div_ceil(RUN);
    if CUBE_POS >= output.shape(0) * runs {
        terminate!();
    }
    let clip_index = CUBE_POS / runs;
    let first = clip_index * samples.shape(1);
    let clip = &samples[first..first + samples.shape(1)];
    let run = CUBE_POS % runs * RUN;
    let mut re = Shared::<[f32]>::new_slice(half);
    let mut im = Shared::<[f32]>::new_slice(half);
    let mut last = Shared::<[f32]>::new_slice(half + 1);
    let mut parts = Shared::<[f32]>::new_slice(units);
    let mut bin = UNIT_POS as usize;
    while bin <= half {
        last[bin] = 0.0f32;
        bin += CUBE_DIM as usize;
    }
    // The starts begin with that of the frame before the first one.
    for step in 0..min(RUN, frames - run) + 1 {
        windowed_pairs::<F>(&mut re, &mut im, clip, starts[run + step], window, log2_half);
        sync_cube();
        let energy = cube_sum(energy_here(&re, &im, half), &mut parts) / weights;
        powers(&mut re, &mut im, turns, log2_half);
        let highest = im[0].sqrt();
        let mut sum = 0.0f32;
        let mut weighted = 0.0f32;
        if UNIT_POS == 0 {
            sum = highest;
            weighted = highest * half as f32;
        }
        bin = UNIT_POS as usize;
        while bin < half {
            re[bin] = re[bin].sqrt();
            sum += re[bin];
            weighted += bin as f32 * re[bin];
            bin += CUBE_DIM as usize;
        }
        let sum = cube_sum(sum, &mut parts);
        let weighted = cube_sum(weighted, &mut parts);
        let mut scale = 0.0f32;
        if sum >= SILENCE {
            scale = 1.0f32 / sum;
        }
        let change = cube_sum(change_here(&re, highest, &mut last, scale, half), &mut parts);
        if UNIT_POS == 0 && step > 0 {
            let at = (clip_index * frames + run + step - 1) * TIMBRE_FIELDS;
            output[at] = max(DB_PER_NEPER * max(energy, LEAST_POWER).ln(), ENERGY_FLOOR_DB);
            output[at + 1] = weighted * scale * bin_hz;
            output[at + 2] = change.sqrt();
        }
        sync_cube();
    }
}

pub(crate) fn timbres_on_cube(
    samples: CubeTensor,
    prosody: &Prosody,
    first_sample: i64,
    frames: Range<i64>,
) -> CubeTensor {
    let samples = contiguous(samples);
    let (clips, count) = (samples.shape()[0], samples.shape()[1] as i64);
    let fft_size = prosody.fft_size();
    let start =
        |frame: i64| (prosody.window_start(frame) - first_sample).clamp(-(fft_size as i64), count) as i32;
    let starts: Vec<i32> = (frames.start - 1..frames.end).map(start).collect();
    let frame_count = starts.len() - 1;
    let shape = [clips, frame_count, TIMBRE_FIELDS].into();
    let output = empty_device_dtype(samples.client.clone(), samples.device.clone(), shape, DType::F32);
    let units = (fft_size / 8).clamp(32, 128);
    timbres::launch(
        &output.client,
        one_cube_each(clips * frame_count.div_ceil(RUN)),
        CubeDim::new_1d(units as u32),
        samples.clone().into_tensor_arg(),
        constants(&samples, &starts).into_buffer_arg(),
        constants(&samples, &prosody.window).into_buffer_arg(),
        constants(&samples, &turns(fft_size)).into_buffer_arg(),
        output.clone().into_tensor_arg(),
        prosody.window.iter().map(|weight| weight * weight).sum::<f32>(),
        prosody.grid.sample_rate_hz as f32 / fft_size as f32,
        fft_size.trailing_zeros() as usize - 1,
        units,
        dtype_to_storage_type(samples.dtype),
    );
    output
}
