//! The kernels.

use super::Real;
use crate::tensors::{contiguous, empty_like, one_unit_each};
use burn::backend::TensorMetadata;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;
use std::f32::consts::PI;

const LEAST_LENGTH: f32 = <f32 as Real>::LEAST_LENGTH;
const LEAST_ANGLE: f32 = <f32 as Real>::LEAST_ANGLE;
/// A point in registers.
#[derive(CubeType, Clone, Copy)]
struct Point {
    x: f32,
    y: f32,
    z: f32,
}

#[cube]
fn read<F: Float>(points: &Tensor<F>, index: usize) -> Point {
    Point {
        x: f32::cast_from(points[3 * index]),
        y: f32::cast_from(points[3 * index + 1]),
        z: f32::cast_from(points[3 * index + 2]),
    }
}

#[cube]
fn write<F: Float>(points: &mut Tensor<F>, index: usize, x: f32, y: f32, z: f32) {
    points[3 * index] = F::cast_from(x);
    points[3 * index + 1] = F::cast_from(y);
    points[3 * index + 2] = F::cast_from(z);
}

#[cube]
fn length(x: f32, y: f32, z: f32) -> f32 {
    (x * x + y * y + z * z).sqrt()
}

/// One unit for each point.
#[cube(launch)]
fn spherical<F: Float>(points: &Tensor<F>, output: &mut Tensor<F>, #[define(F)] _dtype: ElemType) {
    if ABSOLUTE_POS >= output.shape(0) {
        terminate!();
    }
    let point = read::<F>(points, ABSOLUTE_POS);
    let radius = length(point.x, point.y, point.z);
    let mut polar = 0.0f32;
    let mut azimuth = 0.0f32;
    let level = (point.x * point.x + point.y * point.y).sqrt();
    if radius > 0.0 {
        polar = level.atan2(point.z);
    }
    if level > 0.0 {
        azimuth = point.y.atan2(point.x);
    }
    write::<F>(output, ABSOLUTE_POS, radius, polar, azimuth);
}

/// One unit for each point.
#[cube(launch)]
fn cartesian<F: Float>(spherical: &Tensor<F>, output: &mut Tensor<F>, #[define(F)] _dtype: ElemType) {
    if ABSOLUTE_POS >= output.shape(0) {
        terminate!();
    }
    let form = read::<F>(spherical, ABSOLUTE_POS);
    let level = form.x * form.y.sin();
    let height = form.x * form.y.cos();
    write::<F>(output, ABSOLUTE_POS, level * form.z.cos(), level * form.z.sin(), height);
}

/// One unit for each position.
#[cube(launch)]
fn slerp_path<F: Float>(
    keys: &Tensor<F>,
    positions: &Tensor<F>,
    output: &mut Tensor<F>,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= output.shape(0) {
        terminate!();
    }
    let last = keys.shape(0) - 1;
    let position = clamp(f32::cast_from(positions[ABSOLUTE_POS]), 0.0, f32::cast_from(last));
    let key = min(usize::cast_from(position), last);
    let fraction = position - f32::cast_from(key);
    let from = read::<F>(keys, key);
    let to = read::<F>(keys, min(key + 1, last));
    let start = length(from.x, from.y, from.z);
    let end = length(to.x, to.y, to.z);
    let mut of_from = 1.0 - fraction;
    let mut of_to = fraction;
    let mut scale = 1.0f32;
    if min(start, end) >= LEAST_LENGTH {
        let product = 1.0 / (start * end);
        let cross = length(
            from.y * to.z - from.z * to.y,
            from.z * to.x - from.x * to.z,
            from.x * to.y - from.y * to.x,
        );
        let dot = from.x * to.x + from.y * to.y + from.z * to.z;
        let angle = (cross * product).atan2(dot * product);
        if angle >= LEAST_ANGLE && PI - angle >= LEAST_ANGLE {
            of_from = ((1.0 - fraction) * angle).sin() / start;
            of_to = (fraction * angle).sin() / end;
            scale = 0.0;
        }
    }
    let x = from.x * of_from + to.x * of_to;
    let y = from.y * of_from + to.y * of_to;
    let z = from.z * of_from + to.z * of_to;
    if scale == 0.0 {
        scale = (start + (end - start) * fraction) / length(x, y, z);
    }
    write::<F>(output, ABSOLUTE_POS, x * scale, y * scale, z * scale);
}

pub(crate) fn spherical_on_cube(points: CubeTensor) -> CubeTensor {
    let points = contiguous(points);
    let output = empty_like(&points, points.shape());
    let (cubes, units) = one_unit_each(&output, output.shape()[0]);
    let (client, dtype) = (output.client.clone(), dtype_to_storage_type(output.dtype));
    let (points, written) = (points.into_tensor_arg(), output.clone().into_tensor_arg());
    spherical::launch(&client, cubes, units, points, written, dtype);
    output
}

pub(crate) fn cartesian_on_cube(forms: CubeTensor) -> CubeTensor {
    let forms = contiguous(forms);
    let output = empty_like(&forms, forms.shape());
    let (cubes, units) = one_unit_each(&output, output.shape()[0]);
    let (client, dtype) = (output.client.clone(), dtype_to_storage_type(output.dtype));
    let (forms, written) = (forms.into_tensor_arg(), output.clone().into_tensor_arg());
    cartesian::launch(&client, cubes, units, forms, written, dtype);
    output
}

pub(crate) fn slerp_path_on_cube(keys: CubeTensor, positions: CubeTensor) -> CubeTensor {
    let (keys, positions) = (contiguous(keys), contiguous(positions));
    let output = empty_like(&keys, [positions.shape()[0], 3]);
    let (cubes, units) = one_unit_each(&output, output.shape()[0]);
    let (client, dtype) = (output.client.clone(), dtype_to_storage_type(output.dtype));
    let (keys, positions) = (keys.into_tensor_arg(), positions.into_tensor_arg());
    slerp_path::launch(&client, cubes, units, keys, positions, output.clone().into_tensor_arg(), dtype);
    output
}
