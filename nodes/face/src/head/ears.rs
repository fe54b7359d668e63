//! The ears: a sculpted bowl with a rolled rim, set into the side of the head.

use super::anatomy::{hill, mix, ramp};
use super::builder::{Half, Look};
use super::site::{Part, Site};
use glam::{Mat3, Vec3};
use std::f32::consts::TAU;

const SEGMENTS: usize = 28;
/// Middle of the left ear.
const CENTRE: Vec3 = Vec3::new(67.5, -8.0, -9.0);
const HALF_WIDTH: f32 = 17.0;
const HALF_HEIGHT: f32 = 29.0;

/// Rings from the middle outwards and round the rim to the back: share of the outline, and height in millimetres.
const PROFILE: [(f32, f32); 14] = [
    (0.16, -4.5),
    (0.32, -4.2),
    (0.45, -1.5),
    (0.55, 1.8),
    (0.64, 2.6),
    (0.74, 1.2),
    (0.82, 1.6),
    (0.90, 4.2),
    (0.97, 4.8),
    (1.0, 3.2),
    (0.98, 0.8),
    (0.88, -1.5),
    (0.70, -4.0),
    (0.55, -13.0),
];

/// Adds the left ear.
pub(super) fn add_ear(half: &mut Half) {
    let turn = Mat3::from_rotation_y(-0.42) * Mat3::from_rotation_x(-0.16) * Mat3::from_rotation_z(-0.04);
    let mut vertex = |along: f32, up: f32, out: f32| {
        let position = CENTRE + turn * Vec3::new(out, up, along);
        half.vertex(position, Site::new(Part::Fixed, position))
    };
    let middle = vertex(2.0, -4.0, -4.5);
    let mut rings: Vec<Vec<u32>> = Vec::with_capacity(PROFILE.len());
    for (share, height) in PROFILE {
        let on_ring = |segment: usize| {
            let (up, along) = (segment as f32 / SEGMENTS as f32 * TAU).sin_cos();
            let (along, up, out) = outline(share, height, along, up);
            vertex(along, up, out)
        };
        rings.push((0..SEGMENTS).map(on_ring).collect());
    }
    for segment in 0..SEGMENTS {
        let next = (segment + 1) % SEGMENTS;
        half.quad(Look::Skin, [middle, rings[0][next], rings[0][segment], rings[0][segment]]);
        for pair in rings.windows(2) {
            half.quad(Look::Skin, [pair[0][segment], pair[0][next], pair[1][next], pair[1][segment]]);
        }
    }
}

/// A point of a ring; `along` (forwards) and `up` are the cosine and sine of its angle.
fn outline(share: f32, height: f32, along: f32, up: f32) -> (f32, f32, f32) {
    let lobe = ramp(-0.35, -0.95, up);
    let front = ramp(0.35, 0.95, along);
    let width = HALF_WIDTH * (1.0 + 0.20 * up) * (1.0 - 0.12 * lobe);
    let relief = mix(height, height.min(1.6), 0.75 * lobe);
    let tragus = 4.5 * front * hill((share - 0.55) / 0.3) * hill((up + 0.1) / 0.6);
    let rim_fades = mix(relief, relief.min(0.5), front * ramp(0.4, -0.2, up));
    let bowl = Vec3::new(2.0, -4.0, 0.0) * (1.0 - share);
    (along * width * share + bowl.x, up * HALF_HEIGHT * share + bowl.y, rim_fades + tragus)
}
