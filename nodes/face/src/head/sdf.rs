//! The solid form of the bust as a signed distance field: positive outside, in millimetres.
//!
//! Smooth unions after the polynomial blend of I. Quilez ("smooth minimum"): `k` is the width of the blend.

use super::anatomy::{EYE_CENTRE, EYE_RADIUS};
use glam::Vec3;

/// Thickness of the lids over the eyeball.
const LID_THICKNESS: f32 = 1.8;

fn v(x: f32, y: f32, z: f32) -> Vec3 {
    Vec3::new(x, y, z)
}

fn ellipsoid(p: Vec3, centre: Vec3, radii: Vec3) -> f32 {
    let q = p - centre;
    let outer = (q / radii).length();
    let gradient = (q / (radii * radii)).length();
    if gradient < 1e-9 { -radii.min_element() } else { outer * (outer - 1.0) / gradient }
}

/// A capsule whose radius changes linearly from end to end.
fn capsule(p: Vec3, a: Vec3, b: Vec3, radius_a: f32, radius_b: f32) -> f32 {
    let along = b - a;
    let t = ((p - a).dot(along) / along.length_squared()).clamp(0.0, 1.0);
    (p - a - along * t).length() - (radius_a + (radius_b - radius_a) * t)
}

fn join(a: f32, b: f32, k: f32) -> f32 {
    let h = (k - (a - b).abs()).max(0.0) / k;
    a.min(b) - h * h * k * 0.25
}

fn carve(a: f32, b: f32, k: f32) -> f32 {
    -join(-a, b, k)
}

/// Distance to the bust without hair, ears and lips. Symmetric in x.
pub(super) fn bust(p: Vec3) -> f32 {
    let p = v(p.x.abs(), p.y, p.z);
    let mut d = skull(p);
    if p.y < 20.0 {
        d = neck(p, d);
    }
    if p.z > 20.0 && p.y < 60.0 {
        d = eye_region(p, d);
        d = mouth_region(p, d);
        d = nose(p, d);
    }
    d
}

fn skull(p: Vec3) -> f32 {
    let mut d = ellipsoid(p, v(0.0, 36.0, -10.0), v(73.0, 80.0, 93.0));
    d = join(d, ellipsoid(p, v(0.0, -18.0, 20.0), v(63.0, 84.0, 63.0)), 24.0);
    d = join(d, capsule(p, v(20.0, -90.0, 52.0), v(44.0, -56.0, 6.0), 12.0, 14.0), 28.0);
    d = join(d, ellipsoid(p, v(0.0, -96.0, 69.0), v(16.0, 13.0, 15.0)), 20.0);
    d = join(d, ellipsoid(p, v(31.0, -52.0, 48.0), v(22.0, 32.0, 25.0)), 22.0);
    join(d, ellipsoid(p, v(41.0, -22.0, 53.0), v(22.0, 22.0, 22.0)), 24.0)
}

fn neck(p: Vec3, d: f32) -> f32 {
    let column = capsule(p, v(0.0, -50.0, -26.0), v(0.0, -220.0, -32.0), 39.0, 41.0);
    let shoulders = ellipsoid(p, v(0.0, -222.0, -34.0), v(118.0, 44.0, 54.0));
    join(join(d, column, 24.0), shoulders, 60.0)
}

fn eye_region(p: Vec3, d: f32) -> f32 {
    let mut d = join(d, capsule(p, v(6.0, 21.0, 82.0), v(44.0, 24.0, 68.0), 7.5, 6.5), 18.0);
    d = carve(d, ellipsoid(p, v(32.0, 1.0, 92.0), v(22.0, 14.0, 18.0)), 14.0);
    join(d, (p - EYE_CENTRE).length() - (EYE_RADIUS + LID_THICKNESS), 5.0)
}

fn mouth_region(p: Vec3, d: f32) -> f32 {
    let d = join(d, ellipsoid(p, v(0.0, -60.0, 70.0), v(33.0, 29.0, 22.0)), 20.0);
    join(d, ellipsoid(p, v(30.0, -30.0, 66.0), v(19.0, 20.0, 15.0)), 16.0)
}

fn nose(p: Vec3, d: f32) -> f32 {
    let mut d = join(d, capsule(p, v(0.0, 16.0, 82.0), v(0.0, -26.0, 102.0), 6.0, 8.5), 14.0);
    d = join(d, capsule(p, v(0.0, -27.0, 80.0), v(0.0, -29.0, 106.0), 10.5, 8.6), 8.0);
    d = join(d, ellipsoid(p, v(9.6, -33.0, 93.0), v(6.6, 6.6, 12.5)), 7.0);
    carve(d, ellipsoid(p, v(5.4, -40.8, 100.5), v(2.8, 3.4, 5.0)), 4.0)
}

/// The point of the bust's surface on the ray from `origin` through `guess`, found from the guess outwards or
/// inwards by the secant method.
pub(super) fn project(origin: Vec3, guess: Vec3) -> Vec3 {
    const TOLERANCE: f32 = 0.002;
    let along = (guess - origin).normalize_or(Vec3::Z);
    let (mut before, mut distance_before) = (0.0, bust(guess));
    let mut now = -distance_before;
    for _ in 0..12 {
        let distance = bust(guess + along * now);
        if distance.abs() < TOLERANCE || now == before {
            break;
        }
        // A distance grows by at most the step; where it grows less the ray grazes the surface, so step with care.
        let slope = ((distance - distance_before) / (now - before)).clamp(0.4, 1.2);
        (before, distance_before) = (now, distance);
        now -= distance / slope;
    }
    guess + along * now
}
