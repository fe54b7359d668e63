//! Emotion vectors on the sphere: Cartesian to spherical and back, and the way along a path of great circles.
//!
//! A point is `[x, y, z]`; its spherical form is `[radius, polar, azimuth]` with `radius = |p|`,
//! `polar = atan2(√(x² + y²), z)` in 0..π and `azimuth = atan2(y, x)` in -π..π, both in radians (ISO 80000-2). From one
//! point to another the direction turns on the great circle, `(sin((1 - f)ω) u + sin(fω) v) / sin ω` with ω the angle
//! between the unit vectors u and v (Shoemake, SIGGRAPH 1985), and the radius changes evenly.
//! Nothing learns through these: no gradient flows.

#[cfg(feature = "gpu")]
mod cube;
mod real;

pub use real::Real;

#[cfg(feature = "gpu")]
pub(crate) use cube::{cartesian_on_cube, slerp_path_on_cube, spherical_on_cube};

use crate::KernelError;
use crate::extension::KernelOps;
use crate::tensors::{numbers, of_f32, tensor_like};
use burn::backend::{Dispatch, Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::Tensor;
use macerator::Simd;
use rayon::prelude::*;

/// Points that a thread takes at a time.
const BLOCK: usize = 4096;

/// The spherical form `[points, 3]` (radius, polar and azimuth in radians) of `[points, 3]`; the centre has angles 0
/// and the z axis azimuth 0.
///
/// # Errors
/// When `points` is not `[points, 3]`.
pub fn spherical_of(points: Tensor<2>) -> Result<Tensor<2>, KernelError> {
    require_triples("points", &points)?;
    if points.dims()[0] == 0 {
        return Ok(points);
    }
    Ok(Tensor::from_dispatch(Dispatch::spherical_of(points.into_dispatch())))
}

/// The points `[points, 3]` of spherical forms `[points, 3]` (radius, polar and azimuth in radians).
///
/// # Errors
/// When `spherical` is not `[points, 3]`.
pub fn cartesian_of(spherical: Tensor<2>) -> Result<Tensor<2>, KernelError> {
    require_triples("spherical", &spherical)?;
    if spherical.dims()[0] == 0 {
        return Ok(spherical);
    }
    Ok(Tensor::from_dispatch(Dispatch::cartesian_of(spherical.into_dispatch())))
}

/// The points `[positions, 3]` at `positions` `[positions]` along the path through `keys` `[keys, 3]`: position `k + f`
/// is the fraction `f` of the way from key `k` to the next. Before the first and after the last key that key holds.
///
/// # Errors
/// When `keys` is not `[keys, 3]` with at least one key.
pub fn slerp_path(keys: Tensor<2>, positions: Tensor<1>) -> Result<Tensor<2>, KernelError> {
    require_triples("keys", &keys)?;
    if keys.dims()[0] == 0 {
        let expected = "[keys, 3] with at least one key".to_owned();
        return Err(KernelError::Shape { argument: "keys", found: keys.dims().to_vec(), expected });
    }
    if positions.dims()[0] == 0 {
        return Ok(Tensor::zeros([0, 3], (&keys.device(), keys.dtype())));
    }
    Ok(Tensor::from_dispatch(Dispatch::slerp_path(keys.into_dispatch(), positions.into_dispatch())))
}

fn require_triples(argument: &'static str, points: &Tensor<2>) -> Result<(), KernelError> {
    if points.dims()[1] == 3 {
        return Ok(());
    }
    let found = points.dims().to_vec();
    Err(KernelError::Shape { argument, found, expected: "[points, 3]".to_owned() })
}

/// Radius, polar angle and azimuth of a point; the centre has angles 0, the z axis azimuth 0.
#[inline(always)]
pub fn to_spherical<T: Real>([x, y, z]: [T; 3]) -> [T; 3] {
    let radius = length([x, y, z]);
    let level = (x * x + y * y).sqrt();
    let (polar, azimuth) = (level.angle_from(z), y.angle_from(x));
    let (centre, upright) = (radius == T::zero(), level == T::zero());
    [radius, if centre { radius } else { polar }, if upright { level } else { azimuth }]
}

/// The point at a radius, polar angle and azimuth.
#[inline(always)]
pub fn to_cartesian<T: Real>([radius, polar, azimuth]: [T; 3]) -> [T; 3] {
    let ((sine, cosine), (azimuth_sine, azimuth_cosine)) = (polar.sine_cosine(), azimuth.sine_cosine());
    let level = radius * sine;
    [level * azimuth_cosine, level * azimuth_sine, radius * cosine]
}

/// The point a fraction of the way from one to another: the direction turns on the great circle, the radius changes
/// evenly. From or to the centre, and between opposite directions, it goes straight.
#[inline(always)]
pub fn slerp<T: Real>(from: [T; 3], to: [T; 3], fraction: T) -> [T; 3] {
    let (start, end, rest) = (length(from), length(to), T::one() - fraction);
    let angle = angle_between(from, to);
    let nearest = angle.min(T::HALF_TURN - angle);
    let straight = start.min(end) < T::LEAST_LENGTH || nearest < T::LEAST_ANGLE;
    let (of_from, _) = (rest * angle).sine_cosine();
    let (of_to, _) = (fraction * angle).sine_cosine();
    let of_from = if straight { rest } else { of_from / start };
    let of_to = if straight { fraction } else { of_to / end };
    let point: [T; 3] = std::array::from_fn(|axis| from[axis] * of_from + to[axis] * of_to);
    let radius = start + (end - start) * fraction;
    scaled(point, if straight { T::one() } else { radius / length(point) })
}

/// The Euclidean length.
#[inline(always)]
pub fn length<T: Real>(point: [T; 3]) -> T {
    dot(point, point).sqrt()
}

/// The same direction at length 1; the centre stays.
#[inline(always)]
pub fn unit<T: Real>(point: [T; 3]) -> [T; 3] {
    let length = length(point);
    if length > T::zero() { scaled(point, T::one() / length) } else { point }
}

/// The scalar product.
#[inline(always)]
pub fn dot<T: Real>(a: [T; 3], b: [T; 3]) -> T {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// The point at `factor` times its distance.
#[inline(always)]
pub fn scaled<T: Real>(point: [T; 3], factor: T) -> [T; 3] {
    point.map(|axis| axis * factor)
}

/// The angle of two directions; unlike the arc cosine as exact near 0 and π as between.
#[inline(always)]
fn angle_between<T: Real>(a: [T; 3], b: [T; 3]) -> T {
    let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    length(cross).angle_from(dot(a, b))
}

/// The point at a position of the path through `keys`, of which there is at least one.
#[inline(always)]
fn point_at(keys: &[[f32; 3]], position: f32) -> [f32; 3] {
    let last = keys.len() - 1;
    let position = position.max(0.0).min(last as f32);
    let key = (position as usize).min(last);
    slerp(keys[key], keys[(key + 1).min(last)], position - key as f32)
}

#[macerator::with_simd]
#[allow(clippy::extra_unused_type_parameters, reason = "the instruction set to inline into")]
fn fill_spherical<S: Simd>(points: &[[f32; 3]], spherical: &mut [[f32; 3]]) {
    for (spherical, point) in spherical.iter_mut().zip(points) {
        *spherical = to_spherical(*point);
    }
}

#[macerator::with_simd]
#[allow(clippy::extra_unused_type_parameters, reason = "the instruction set to inline into")]
fn fill_cartesian<S: Simd>(spherical: &[[f32; 3]], points: &mut [[f32; 3]]) {
    for (point, spherical) in points.iter_mut().zip(spherical) {
        *point = to_cartesian(*spherical);
    }
}

#[macerator::with_simd]
#[allow(clippy::extra_unused_type_parameters, reason = "the instruction set to inline into")]
fn fill_path<S: Simd>(keys: &[[f32; 3]], positions: &[f32], points: &mut [[f32; 3]]) {
    for (point, position) in points.iter_mut().zip(positions) {
        *point = point_at(keys, *position);
    }
}

/// The points of a tensor, block by block.
fn each(points: &FloatTensor<Flex>, fill: fn(&[[f32; 3]], &mut [[f32; 3]])) -> FloatTensor<Flex> {
    let source = of_f32(points);
    let source = numbers(&source).as_chunks::<3>().0;
    let mut changed = vec![[0.0; 3]; source.len()];
    let blocks = changed.par_chunks_mut(BLOCK).zip(source.par_chunks(BLOCK));
    blocks.for_each(|(changed, source)| fill(source, changed));
    tensor_like(points, points.shape(), changed.into_flattened())
}

pub(crate) fn spherical_on_flex(points: FloatTensor<Flex>) -> FloatTensor<Flex> {
    each(&points, fill_spherical)
}

pub(crate) fn cartesian_on_flex(spherical: FloatTensor<Flex>) -> FloatTensor<Flex> {
    each(&spherical, fill_cartesian)
}

pub(crate) fn slerp_path_on_flex(keys: FloatTensor<Flex>, positions: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let (path, positions) = (of_f32(&keys), of_f32(&positions));
    let (path, positions) = (numbers(&path).as_chunks::<3>().0, numbers(&positions));
    let mut points = vec![[0.0; 3]; positions.len()];
    let blocks = points.par_chunks_mut(BLOCK).zip(positions.par_chunks(BLOCK));
    blocks.for_each(|(points, positions)| fill_path(path, positions, points));
    tensor_like(&keys, [positions.len(), 3], points.into_flattened())
}
