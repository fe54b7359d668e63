//! Measures shared by the parts of the head, in millimetres: Y up, the face looks along +Z, +X is the subject's left.

use glam::Vec3;

/// Centre of the left eyeball.
pub(super) const EYE_CENTRE: Vec3 = Vec3::new(33.0, 0.0, 64.0);
/// Radius of an eyeball.
pub(super) const EYE_RADIUS: f32 = 18.0;
/// Chart coordinate of the inner corner of the eye.
pub(super) const EYE_INNER: f32 = 18.0;
/// Chart coordinate of the outer corner of the eye.
pub(super) const EYE_OUTER: f32 = 47.5;
/// Chart coordinate of the corner of the mouth.
pub(super) const MOUTH_CORNER: f32 = 27.0;
/// Height of the lip line.
pub(super) const LIP_LINE: f32 = -63.0;
/// The axis through both jaw joints, by its point in the middle plane.
pub(super) const JAW_HINGE: Vec3 = Vec3::new(0.0, -22.0, 2.0);

/// 0 up to `from`, 1 beyond `to`, smooth between; `from` may lie above `to`.
pub(super) fn ramp(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A smooth hill of height 1 around 0 that ends at 1 and -1.
pub(super) fn hill(x: f32) -> f32 {
    let inside = 1.0 - x * x;
    if inside > 0.0 { inside * inside } else { 0.0 }
}

/// Linear interpolation.
pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// Interpolation through `(x, y)` knots in increasing x, level beyond the ends, smooth at the knots.
pub(super) fn curve(knots: &[(f32, f32)], x: f32) -> f32 {
    let after = knots.partition_point(|knot| knot.0 <= x);
    match (after.checked_sub(1).map(|before| knots[before]), knots.get(after)) {
        (Some(a), Some(b)) => mix(a.1, b.1, ramp(a.0, b.0, x)),
        (Some(end), None) => end.1,
        (None, _) => knots[0].1,
    }
}
