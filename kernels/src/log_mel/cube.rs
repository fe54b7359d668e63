//! The transform on a GPU: a cube a frame.

use super::LogMel;
use crate::fourier::{powers, turns, windowed_pairs};
use crate::tensors::{constants, contiguous, empty_like, one_cube_each};
use burn::backend::TensorMetadata;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;
use std::ops::Range;

/// Numbers that describe a filter: its first bin, its first weight, and how many there are.
const FILTER_FIELDS: usize = 3;

/// One cube for each frame: window, real transform as a complex one of half the length, filters and logarithm.
#[cube(launch)]
fn log_mel<F: Float>(
    samples: &Tensor<F>,
    starts: &[i32],
    window: &[f32],
    turns: &[f32],
    filters: &[u32],
    weights: &[f32],
    output: &mut Tensor<F>,
    floor: f32,
    #[comptime] log2_half: usize,
    #[define(F)] _dtype: ElemType,
) {
    let half = comptime!(1usize << log2_half);
    let (frames, bands) = (output.shape(1), output.shape(2));
    let frame = CUBE_POS;
    if frame >= output.shape(0) * frames {
        terminate!();
    }
    let first = frame / frames * samples.shape(1);
    let clip = &samples[first..first + samples.shape(1)];
    let start = starts[frame % frames];
    let mut re = Shared::<[f32]>::new_slice(half);
    let mut im = Shared::<[f32]>::new_slice(half);
    windowed_pairs::<F>(&mut re, &mut im, clip, start, window, log2_half);
    sync_cube();
    powers(&mut re, &mut im, turns, log2_half);
    let mut band = UNIT_POS as usize;
    while band < bands {
        let field = band * FILTER_FIELDS;
        let first_bin = filters[field] as usize;
        let first_weight = filters[field + 1] as usize;
        let count = filters[field + 2] as usize;
        let inner = min(count, half - min(half, first_bin));
        let mut energy = 0.0f32;
        for index in 0..inner {
            energy += weights[first_weight + index] * re[first_bin + index];
        }
        if inner < count {
            energy += weights[first_weight + inner] * im[0];
        }
        output[frame * bands + band] = F::cast_from(max(energy, floor).ln());
        band += CUBE_DIM as usize;
    }
}

/// Numbers and weights of the filters, for [`log_mel`].
fn filter_tables(transform: &LogMel) -> (Vec<u32>, Vec<f32>) {
    let mut numbers = Vec::with_capacity(transform.filters.len() * FILTER_FIELDS);
    let mut weights = Vec::new();
    for filter in &transform.filters {
        numbers.extend([filter.first_bin as u32, weights.len() as u32, filter.weights.len() as u32]);
        weights.extend_from_slice(&filter.weights);
    }
    (numbers, weights)
}

pub(crate) fn log_mel_on_cube(
    samples: CubeTensor,
    transform: &LogMel,
    first_sample: i64,
    frames: Range<i64>,
) -> CubeTensor {
    let samples = contiguous(samples);
    let (clips, count) = (samples.shape()[0], samples.shape()[1] as i64);
    let fft_size = transform.settings.fft_size;
    let reach = fft_size as i64;
    let start = |frame: i64| (transform.window_start(frame) - first_sample).clamp(-reach, count) as i32;
    let starts: Vec<i32> = frames.map(start).collect();
    let output = empty_like(&samples, [clips, starts.len(), transform.settings.mel_count]);
    let (numbers, weights) = filter_tables(transform);
    let (client, dtype) = (output.client.clone(), dtype_to_storage_type(output.dtype));
    log_mel::launch(
        &client,
        one_cube_each(clips * starts.len()),
        CubeDim::new_1d((fft_size as u32 / 8).clamp(32, 256)),
        samples.clone().into_tensor_arg(),
        constants(&samples, &starts).into_buffer_arg(),
        constants(&samples, &transform.window).into_buffer_arg(),
        constants(&samples, &turns(fft_size)).into_buffer_arg(),
        constants(&samples, &numbers).into_buffer_arg(),
        constants(&samples, &weights).into_buffer_arg(),
        output.clone().into_tensor_arg(),
        transform.settings.floor,
        fft_size.trailing_zeros() as usize - 1,
        dtype,
    );
    output
}
