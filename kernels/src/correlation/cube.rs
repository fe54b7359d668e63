//! The GPU's side: a cube for a square of the matrix and a part of the frames, a unit for each of its cells.

use super::PART_FRAMES;
use crate::tensors::contiguous;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::backend::{DType, TensorMetadata};
use burn_cubecl::ops::numeric::empty_device_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Side of a square.
const SIDE: usize = 16;
/// Frames in shared memory at a time.
const FRAMES: usize = 32;

/// A frame's number in this column of the matrix: a 1, then the channels, then zeros.
#[cube]
fn number<F: Float>(tracks: &Tensor<F>, frame: usize, column: usize) -> f32 {
    let channels = tracks.shape(1);
    let mut number = 0.0f32;
    if column == 0 {
        number = 1.0;
    } else if column <= channels {
        number = f32::cast_from(tracks[frame * channels + column - 1]);
    }
    number
}

#[cube(launch)]
fn moment_sums<F: Float>(
    tracks: &Tensor<F>,
    weights: &Tensor<F>,
    sums: &mut Tensor<f32>,
    #[comptime] emotions: usize,
    #[define(F)] _dtype: ElemType,
) {
    let side = tracks.shape(1) + 1;
    let squares = side.div_ceil(SIDE);
    let unit = UNIT_POS as usize;
    let row = CUBE_POS_X as usize / squares * SIDE + unit / SIDE;
    let column = CUBE_POS_X as usize % squares * SIDE + unit % SIDE;
    let part = CUBE_POS_Y as usize;
    let first = part * PART_FRAMES;
    let end = min(first + PART_FRAMES, tracks.shape(0));
    let mut row_block = Shared::<[f32]>::new_slice(comptime!(FRAMES * SIDE));
    let mut column_block = Shared::<[f32]>::new_slice(comptime!(FRAMES * SIDE));
    let mut weight_block = Shared::<[f32]>::new_slice(comptime!(FRAMES * emotions));
    let mut totals = Array::<f32>::new(emotions);
    #[unroll]
    for emotion in 0..emotions {
        totals[emotion] = 0.0;
    }
    for block in 0..(end - first).div_ceil(FRAMES) {
        let start = first + block * FRAMES;
        let mut at = unit;
        while at < FRAMES * SIDE {
            let frame = start + at / SIDE;
            let mut row_number = 0.0f32;
            let mut column_number = 0.0f32;
            if frame < end {
                row_number = number::<F>(tracks, frame, row - unit / SIDE + at % SIDE);
                column_number = number::<F>(tracks, frame, column - unit % SIDE + at % SIDE);
            }
            row_block[at] = row_number;
            column_block[at] = column_number;
            at += SIDE * SIDE;
        }
        let mut at = unit;
        while at < FRAMES * emotions {
            let frame = start + at / emotions;
            let mut weight = 0.0f32;
            if frame < end {
                weight = f32::cast_from(weights[frame * emotions + at % emotions]);
            }
            weight_block[at] = weight;
            at += SIDE * SIDE;
        }
        sync_cube();
        for frame in 0..FRAMES {
            let product = row_block[frame * SIDE + unit / SIDE] * column_block[frame * SIDE + unit % SIDE];
            #[unroll]
            for emotion in 0..emotions {
                let weight = weight_block[frame * emotions + emotion];
                // A frame of no weight is left out, whatever is on it.
                if weight != 0.0 {
                    totals[emotion] += weight * product;
                }
            }
        }
        sync_cube();
    }
    if row < side && column < side {
        #[unroll]
        for emotion in 0..emotions {
            sums[((part * emotions + emotion) * side + row) * side + column] = totals[emotion];
        }
    }
}

pub(crate) fn moments_on_cube(tracks: CubeTensor, weights: CubeTensor) -> CubeTensor {
    let (tracks, weights) = (contiguous(tracks), contiguous(weights));
    let (shape, emotions) = (tracks.shape(), weights.shape()[1]);
    let (parts, side) = (shape[0].div_ceil(PART_FRAMES), 1 + shape[1]);
    let sums = empty_device_dtype(
        tracks.client.clone(),
        tracks.device.clone(),
        [parts, emotions, side, side].into(),
        DType::F32,
    );
    let (client, dtype) = (tracks.client.clone(), dtype_to_storage_type(tracks.dtype));
    let squares = side.div_ceil(SIDE);
    moment_sums::launch(
        &client,
        CubeCount::Static((squares * squares) as u32, parts as u32, 1),
        CubeDim::new_1d((SIDE * SIDE) as u32),
        tracks.into_tensor_arg(),
        weights.into_tensor_arg(),
        sums.clone().into_tensor_arg(),
        emotions,
        dtype,
    );
    sums
}
