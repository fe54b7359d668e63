//! The kernels.

use crate::tensors::{contiguous, empty_like, one_cube_each, one_unit_each};
use burn::backend::TensorMetadata;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Frames that a unit deforms at a time, so that it reads what moves its vertex once.
const FRAMES: usize = 16;
/// Units that sum up the slope of a weight.
const SUMMERS: u32 = 64;

/// One unit for each vertex of [`FRAMES`] frames.
#[cube(launch)]
fn deform<F: Float, I: Int>(
    weights: &Tensor<F>,
    base: &Tensor<F>,
    offsets: &Tensor<F>,
    by_vertex: &Tensor<I>,
    output: &mut Tensor<F>,
    #[comptime] unit_length: bool,
    #[define(F, I)] _dtypes: [ElemType; 2],
) {
    let frames = weights.shape(0);
    let targets = weights.shape(1);
    let vertices = base.shape(0);
    let vertex = ABSOLUTE_POS % vertices;
    let first = ABSOLUTE_POS / vertices * FRAMES;
    if first >= frames {
        terminate!();
    }
    let mut x = Array::<f32>::new(FRAMES);
    let mut y = Array::<f32>::new(FRAMES);
    let mut z = Array::<f32>::new(FRAMES);
    #[unroll]
    for frame in 0..FRAMES {
        x[frame] = f32::cast_from(base[3 * vertex]);
        y[frame] = f32::cast_from(base[3 * vertex + 1]);
        z[frame] = f32::cast_from(base[3 * vertex + 2]);
    }
    let from = usize::cast_from(by_vertex[vertex]);
    let end = usize::cast_from(by_vertex[vertex + 1]);
    for entry in from..end {
        let target = usize::cast_from(by_vertex[vertices + 1 + entry]);
        let offset_x = f32::cast_from(offsets[3 * entry]);
        let offset_y = f32::cast_from(offsets[3 * entry + 1]);
        let offset_z = f32::cast_from(offsets[3 * entry + 2]);
        #[unroll]
        for frame in 0..FRAMES {
            let weight = f32::cast_from(weights[min(first + frame, frames - 1) * targets + target]);
            x[frame] += weight * offset_x;
            y[frame] += weight * offset_y;
            z[frame] += weight * offset_z;
        }
    }
    #[unroll]
    for frame in 0..FRAMES {
        if first + frame < frames {
            let mut scale = 1.0f32;
            if comptime!(unit_length) {
                let length = (x[frame] * x[frame] + y[frame] * y[frame] + z[frame] * z[frame]).sqrt();
                if length > 1e-12 {
                    scale = 1.0 / length;
                }
            }
            let at = 3 * ((first + frame) * vertices + vertex);
            output[at] = F::cast_from(x[frame] * scale);
            output[at + 1] = F::cast_from(y[frame] * scale);
            output[at + 2] = F::cast_from(z[frame] * scale);
        }
    }
}

/// One cube for each weight of each frame: what the vertices that its target moves add to its slope.
#[cube(launch)]
fn weight_slopes<F: Float, I: Int>(
    upstream: &Tensor<F>,
    offsets: &Tensor<F>,
    by_target: &Tensor<I>,
    output: &mut Tensor<F>,
    #[define(F, I)] _dtypes: [ElemType; 2],
) {
    let frames = output.shape(0);
    let targets = output.shape(1);
    let vertices = upstream.shape(1);
    let target = CUBE_POS % targets;
    let frame = CUBE_POS / targets;
    if frame >= frames {
        terminate!();
    }
    let unit = UNIT_POS as usize;
    let mut sums = Shared::<[f32]>::new_slice(SUMMERS as usize);
    let mut sum = 0.0f32;
    let end = usize::cast_from(by_target[target + 1]);
    let mut item = usize::cast_from(by_target[target]) + unit;
    while item < end {
        let entry = usize::cast_from(by_target[targets + 1 + 2 * item]);
        let vertex = usize::cast_from(by_target[targets + 2 + 2 * item]);
        let at = 3 * (frame * vertices + vertex);
        #[unroll]
        for axis in 0..3usize {
            sum += f32::cast_from(upstream[at + axis]) * f32::cast_from(offsets[3 * entry + axis]);
        }
        item += SUMMERS as usize;
    }
    sums[unit] = sum;
    sync_cube();
    let mut distance = CUBE_DIM as usize / 2;
    while distance > 0 {
        if unit < distance {
            let other = sums[unit + distance];
            sums[unit] += other;
        }
        sync_cube();
        distance /= 2;
    }
    if unit == 0 {
        output[frame * targets + target] = F::cast_from(sums[0]);
    }
}

pub(crate) fn deform_on_cube(
    weights: CubeTensor,
    base: CubeTensor,
    offsets: CubeTensor,
    by_vertex: CubeTensor,
    unit_length: bool,
) -> CubeTensor {
    let (weights, base) = (contiguous(weights), contiguous(base));
    let (offsets, by_vertex) = (contiguous(offsets), contiguous(by_vertex));
    let (frames, vertices) = (weights.shape()[0], base.shape()[0]);
    let output = empty_like(&weights, [frames, vertices, 3]);
    let (cubes, units) = one_unit_each(&output, frames.div_ceil(FRAMES) * vertices);
    let dtypes = [output.dtype, by_vertex.dtype].map(dtype_to_storage_type);
    deform::launch(
        &output.client.clone(),
        cubes,
        units,
        weights.into_tensor_arg(),
        base.into_tensor_arg(),
        offsets.into_tensor_arg(),
        by_vertex.into_tensor_arg(),
        output.clone().into_tensor_arg(),
        unit_length,
        dtypes,
    );
    output
}

pub(crate) fn weight_slopes_on_cube(
    upstream: CubeTensor,
    offsets: CubeTensor,
    by_target: CubeTensor,
    targets: usize,
) -> CubeTensor {
    let (upstream, offsets, by_target) = (contiguous(upstream), contiguous(offsets), contiguous(by_target));
    let frames = upstream.shape()[0];
    let output = empty_like(&upstream, [frames, targets]);
    let dtypes = [output.dtype, by_target.dtype].map(dtype_to_storage_type);
    weight_slopes::launch(
        &output.client.clone(),
        one_cube_each(frames * targets),
        CubeDim::new_1d(SUMMERS),
        upstream.into_tensor_arg(),
        offsets.into_tensor_arg(),
        by_target.into_tensor_arg(),
        output.clone().into_tensor_arg(),
        dtypes,
    );
    output
}
