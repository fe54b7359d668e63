//! Eyeballs, the edges of the lids and the lashes.

use super::anatomy::{EYE_CENTRE, EYE_RADIUS, hill, mix};
use super::builder::{Half, Look};
use super::site::{Part, Site};
use super::skin::SkinEdges;
use glam::Vec3;
use std::f32::consts::{PI, TAU};

/// Rings of the eyeball from the front pole: degrees off the line of sight, and the look up to there.
const RINGS: [(f32, Look); 21] = [
    (5.0, Look::Pupil),
    (10.0, Look::Pupil),
    (13.0, Look::Iris),
    (17.0, Look::Iris),
    (20.5, Look::Iris),
    (23.0, Look::IrisRim),
    (25.0, Look::IrisRim),
    (29.0, Look::Sclera),
    (34.0, Look::Sclera),
    (40.0, Look::Sclera),
    (46.0, Look::Sclera),
    (52.0, Look::Sclera),
    (58.0, Look::Sclera),
    (64.0, Look::Sclera),
    (70.0, Look::Sclera),
    (77.0, Look::Sclera),
    (85.0, Look::Sclera),
    (95.0, Look::Sclera),
    (107.0, Look::Sclera),
    (125.0, Look::Sclera),
    (150.0, Look::Sclera),
];
const SEGMENTS: usize = 32;

/// Adds the left eyeball.
pub(super) fn add_eyeball(half: &mut Half) {
    let mut point = |direction: Vec3| {
        let position = EYE_CENTRE + direction * EYE_RADIUS;
        half.vertex(position, Site::new(Part::Eye, position))
    };
    let front = point(Vec3::Z);
    let back = point(Vec3::NEG_Z);
    let mut rings: Vec<Vec<u32>> = Vec::with_capacity(RINGS.len());
    for (degrees, _) in RINGS {
        let (across, ahead) = degrees.to_radians().sin_cos();
        let on_ring = |segment: usize| {
            let (sin, cos) = (segment as f32 / SEGMENTS as f32 * TAU).sin_cos();
            point(Vec3::new(across * sin, across * cos, ahead))
        };
        rings.push((0..SEGMENTS).map(on_ring).collect());
    }
    for segment in 0..SEGMENTS {
        let next = (segment + 1) % SEGMENTS;
        half.quad(RINGS[0].1, [front, rings[0][next], rings[0][segment], rings[0][segment]]);
        for (pair, (_, look)) in rings.windows(2).zip(&RINGS[1..]) {
            half.quad(*look, [pair[0][segment], pair[0][next], pair[1][next], pair[1][segment]]);
        }
        let last = &rings[RINGS.len() - 1];
        half.quad(Look::Sclera, [back, last[segment], last[next], last[next]]);
    }
}

/// Adds the thickness of the lids and a fold behind their margins that closes the gap to the eyeball.
pub(super) fn add_lid_edges(half: &mut Half, edges: &SkinEdges) {
    let upper = [
        edges.upper_lid.clone(),
        lid_row(half, &edges.upper_lid, 0.3, 0.0),
        lid_row(half, &edges.upper_lid, 0.2, 0.45),
    ];
    let lower = [
        edges.lower_lid.clone(),
        lid_row(half, &edges.lower_lid, 0.3, 0.0),
        lid_row(half, &edges.lower_lid, 0.2, -0.45),
    ];
    for row in 0..2 {
        half.strip(Look::Skin, &upper[row], &upper[row + 1]);
        half.strip(Look::Skin, &lower[row + 1], &lower[row]);
    }
}

/// A copy of a lid margin at a height above the eyeball, turned up about the eye by an angle in radians.
fn lid_row(half: &mut Half, margin: &[u32], height: f32, turn: f32) -> Vec<u32> {
    let row = |&vertex: &u32| {
        let site = half.sites[vertex as usize];
        let from_eye = half.positions[vertex as usize] - EYE_CENTRE;
        let radius = ((EYE_RADIUS + height).powi(2) - from_eye.x * from_eye.x).max(1.0).sqrt();
        let elevation = from_eye.y.atan2(from_eye.z) + turn;
        let position = EYE_CENTRE + Vec3::new(from_eye.x, radius * elevation.sin(), radius * elevation.cos());
        half.vertex(position, site)
    };
    margin.iter().map(row).collect()
}

/// Adds lashes: a curved fan along the upper lid, longer towards the outer corner, and a short one below that fades
/// before the corner.
pub(super) fn add_lashes(half: &mut Half, edges: &SkinEdges) {
    lash_fan(half, &edges.upper_lid, 4.4, 0.35, 0.25);
    lash_fan(half, &edges.lower_lid, 1.1, -0.25, 0.95);
}

/// Millimetres that the roots of the lashes stand off the margin of the lid, so that the skin does not cover them, and
/// how much more at the outer corner, where the skin rises off the eyeball.
const LASH_ROOT: f32 = 0.25;
const LASH_ROOT_OUTER: f32 = 0.8;

fn lash_fan(half: &mut Half, margin: &[u32], length: f32, lift: f32, fade: f32) {
    let count = margin.len() - 1;
    let mut rows: [Vec<u32>; 4] = Default::default();
    for (index, &vertex) in margin.iter().enumerate() {
        let along = index as f32 / count as f32;
        let reach = length * mix(0.35, 1.0, along.powf(0.7)) * hill((along - 0.62) / 0.75).sqrt();
        let reach = reach * (1.0 - fade * along.powi(6));
        let root = half.positions[vertex as usize];
        let site = half.sites[vertex as usize];
        let away = (root - EYE_CENTRE).normalize_or(Vec3::Z);
        let sweep = Vec3::new(mix(-0.15, 0.75, along), lift.signum() * 0.3, 0.0);
        for (step, row) in rows.iter_mut().enumerate() {
            let t = step as f32 / 3.0;
            let direction = (away + sweep * t + Vec3::Y * lift * (t * 3.2 - 0.6)).normalize_or(Vec3::Z);
            let position =
                root + away * (LASH_ROOT + LASH_ROOT_OUTER * along.powi(6)) + direction * (reach * t);
            row.push(half.vertex(position, site));
        }
    }
    let upwards = lift > 0.0;
    for pair in rows.windows(2) {
        let (above, below) = if upwards { (&pair[1], &pair[0]) } else { (&pair[0], &pair[1]) };
        half.strip(Look::Lashes, above, below);
    }
}

/// A turn about the horizontal axis through an eye's centre; positive moves the front down.
pub(super) fn turned(from_eye: Vec3, radians: f32) -> Vec3 {
    let (sin, cos) = radians.clamp(-PI, PI).sin_cos();
    Vec3::new(from_eye.x, from_eye.y * cos - from_eye.z * sin, from_eye.y * sin + from_eye.z * cos)
}
