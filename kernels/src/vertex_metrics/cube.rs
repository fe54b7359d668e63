//! The kernels.

use crate::tensors::{contiguous, empty_like, one_cube_each};
use burn::backend::TensorMetadata;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Units that share a frame.
const FRAME_UNITS: u32 = 256;
/// Units that share a vertex.
const VERTEX_UNITS: u32 = 64;

/// The squared length of `start + Σ weight · offset` of a vertex in a frame.
#[cube]
fn squared_length<F: Float, I: Int>(
    weights: &Tensor<F>,
    offsets: &Tensor<F>,
    by_vertex: &Tensor<I>,
    start: &Array<f32>,
    vertices: usize,
    vertex: usize,
    frame: usize,
) -> f32 {
    let targets = weights.shape(1);
    let mut x = start[0];
    let mut y = start[1];
    let mut z = start[2];
    let from = usize::cast_from(by_vertex[vertex]);
    let end = usize::cast_from(by_vertex[vertex + 1]);
    for entry in from..end {
        let target = usize::cast_from(by_vertex[vertices + 1 + entry]);
        let weight = f32::cast_from(weights[frame * targets + target]);
        x += weight * f32::cast_from(offsets[3 * entry]);
        y += weight * f32::cast_from(offsets[3 * entry + 1]);
        z += weight * f32::cast_from(offsets[3 * entry + 2]);
    }
    x * x + y * y + z * z
}

/// The sum of what every unit of a cube has.
#[cube]
fn sum_of_cube(value: f32, shared: &mut [f32]) -> f32 {
    let unit = UNIT_POS as usize;
    shared[unit] = value;
    sync_cube();
    let mut distance = CUBE_DIM as usize / 2;
    while distance > 0 {
        if unit < distance {
            let other = shared[unit + distance];
            shared[unit] += other;
        }
        sync_cube();
        distance /= 2;
    }
    let sum = shared[0];
    sync_cube();
    sum
}

/// The greatest of what every unit of a cube has.
#[cube]
fn greatest_of_cube(value: f32, shared: &mut [f32]) -> f32 {
    let unit = UNIT_POS as usize;
    shared[unit] = value;
    sync_cube();
    let mut distance = CUBE_DIM as usize / 2;
    while distance > 0 {
        if unit < distance {
            let other = shared[unit + distance];
            shared[unit] = max(shared[unit], other);
        }
        sync_cube();
        distance /= 2;
    }
    let greatest = shared[0];
    sync_cube();
    greatest
}

/// One cube for each frame: mean distance, mean square and greatest square over the vertices.
#[cube(launch)]
fn distances<F: Float, I: Int>(
    weights: &Tensor<F>,
    start: &Tensor<F>,
    offsets: &Tensor<F>,
    by_vertex: &Tensor<I>,
    output: &mut Tensor<F>,
    #[define(F, I)] _dtypes: [ElemType; 2],
) {
    let frame = CUBE_POS;
    if frame >= output.shape(0) {
        terminate!();
    }
    let vertices = start.shape(0);
    let mut distance_sum = 0.0f32;
    let mut square_sum = 0.0f32;
    let mut greatest = 0.0f32;
    let mut from = Array::<f32>::new(3usize);
    let mut vertex = UNIT_POS as usize;
    while vertex < vertices {
        #[unroll]
        for axis in 0..3usize {
            from[axis] = f32::cast_from(start[3 * vertex + axis]);
        }
        let square = squared_length::<F, I>(weights, offsets, by_vertex, &from, vertices, vertex, frame);
        distance_sum += square.sqrt();
        square_sum += square;
        greatest = max(greatest, square);
        vertex += FRAME_UNITS as usize;
    }
    let mut shared = Shared::<[f32]>::new_slice(FRAME_UNITS as usize);
    let distance_sum = sum_of_cube(distance_sum, &mut shared);
    let square_sum = sum_of_cube(square_sum, &mut shared);
    let greatest = greatest_of_cube(greatest, &mut shared);
    if UNIT_POS == 0 {
        let count = f32::cast_from(vertices as u32);
        output[3 * frame] = F::cast_from(distance_sum / count);
        output[3 * frame + 1] = F::cast_from(square_sum / count);
        output[3 * frame + 2] = F::cast_from(greatest);
    }
}

/// One cube for each vertex: mean and variance over the frames of its squared displacement.
#[cube(launch)]
fn energies<F: Float, I: Int>(
    weights: &Tensor<F>,
    offsets: &Tensor<F>,
    by_vertex: &Tensor<I>,
    output: &mut Tensor<F>,
    #[define(F, I)] _dtypes: [ElemType; 2],
) {
    let vertex = CUBE_POS;
    let vertices = output.shape(0);
    if vertex >= vertices {
        terminate!();
    }
    let frames = weights.shape(0);
    let count = f32::cast_from(frames as u32);
    let mut rest = Array::<f32>::new(3usize);
    #[unroll]
    for axis in 0..3usize {
        rest[axis] = 0.0;
    }
    let mut shared = Shared::<[f32]>::new_slice(VERTEX_UNITS as usize);
    let mut sum = 0.0f32;
    let mut frame = UNIT_POS as usize;
    while frame < frames {
        sum += squared_length::<F, I>(weights, offsets, by_vertex, &rest, vertices, vertex, frame);
        frame += VERTEX_UNITS as usize;
    }
    let mean = sum_of_cube(sum, &mut shared) / count;
    let mut spread = 0.0f32;
    let mut frame = UNIT_POS as usize;
    while frame < frames {
        let apart =
            squared_length::<F, I>(weights, offsets, by_vertex, &rest, vertices, vertex, frame) - mean;
        spread += apart * apart;
        frame += VERTEX_UNITS as usize;
    }
    let variance = sum_of_cube(spread, &mut shared) / count;
    if UNIT_POS == 0 {
        output[2 * vertex] = F::cast_from(mean);
        output[2 * vertex + 1] = F::cast_from(variance);
    }
}

pub(crate) fn distances_on_cube(
    weights: CubeTensor,
    start: CubeTensor,
    offsets: CubeTensor,
    by_vertex: CubeTensor,
) -> CubeTensor {
    let (weights, start) = (contiguous(weights), contiguous(start));
    let (offsets, by_vertex) = (contiguous(offsets), contiguous(by_vertex));
    let frames = weights.shape()[0];
    let output = empty_like(&weights, [frames, 3]);
    let dtypes = [output.dtype, by_vertex.dtype].map(dtype_to_storage_type);
    distances::launch(
        &output.client.clone(),
        one_cube_each(frames),
        CubeDim::new_1d(FRAME_UNITS),
        weights.into_tensor_arg(),
        start.into_tensor_arg(),
        offsets.into_tensor_arg(),
        by_vertex.into_tensor_arg(),
        output.clone().into_tensor_arg(),
        dtypes,
    );
    output
}

pub(crate) fn energies_on_cube(
    weights: CubeTensor,
    offsets: CubeTensor,
    by_vertex: CubeTensor,
    vertices: usize,
) -> CubeTensor {
    let (weights, offsets) = (contiguous(weights), contiguous(offsets));
    let by_vertex = contiguous(by_vertex);
    let output = empty_like(&weights, [vertices, 2]);
    let dtypes = [output.dtype, by_vertex.dtype].map(dtype_to_storage_type);
    energies::launch(
        &output.client.clone(),
        one_cube_each(vertices),
        CubeDim::new_1d(VERTEX_UNITS),
        weights.into_tensor_arg(),
        offsets.into_tensor_arg(),
        by_vertex.into_tensor_arg(),
        output.clone().into_tensor_arg(),
        dtypes,
    );
    output
}
