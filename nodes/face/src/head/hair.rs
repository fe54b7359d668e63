//! Brows, and hair swept back from the forehead in sculpted strands.

use super::anatomy::{curve, hill, mix, ramp};
use super::builder::{Half, Look};
use super::sdf::{bust, project};
use super::site::{Part, Site};
use glam::Vec3;
use rayon::prelude::*;

/// Point inside the skull that strands lie around: their planes contain the axis through it along Z.
const SKULL_CENTRE: Vec3 = Vec3::new(0.0, 28.0, -10.0);
/// Columns from the parting plane down the side, rows from the forehead back to the crown of the strands.
const COLUMNS: usize = 50;
const ROWS: usize = 24;
/// Angles in radians: the lowest strand from the top, and the first and last point of a strand from the front.
const LOWEST: f32 = 2.72;
const FIRST: f32 = 0.36;
const LAST: f32 = 3.02;

/// Height of the hairline by azimuth in degrees: forehead, temple, sideburn, over the ear, nape.
const HAIRLINE: [(f32, f32); 11] = [
    (0.0, 71.0),
    (22.0, 73.0),
    (42.0, 66.0),
    (56.0, 44.0),
    (64.0, 20.0),
    (72.0, -12.0),
    (82.0, -10.0),
    (92.0, 14.0),
    (104.0, 8.0),
    (122.0, -44.0),
    (150.0, -60.0),
];

/// Adds the hair of the left half.
pub(super) fn add_hair(half: &mut Half) {
    let points: Vec<Vec<(Vec3, f32)>> = (0..=ROWS)
        .into_par_iter()
        .map(|row| (0..=COLUMNS).map(|column| strand_point(row, column)).collect())
        .collect();
    let mut placed: Vec<Vec<Option<u32>>> = vec![vec![None; COLUMNS + 1]; ROWS + 1];
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            let corners = [(row, column), (row + 1, column), (row + 1, column + 1), (row, column + 1)];
            if corners.iter().all(|(row, column)| points[*row][*column].1 < -1.0) {
                continue;
            }
            let mut vertex = |(row, column): (usize, usize)| {
                let position = points[row][column].0;
                *placed[row][column]
                    .get_or_insert_with(|| half.vertex(position, Site::new(Part::Fixed, position)))
            };
            let [a, b, c, d] = corners.map(&mut vertex);
            half.quad(Look::Hair, [a, d, c, b]);
        }
    }
}

/// A point of a strand and its height over the skin, which is negative outside the hairline.
fn strand_point(row: usize, column: usize) -> (Vec3, f32) {
    let around = column as f32 / COLUMNS as f32 * LOWEST;
    let along = mix(FIRST, LAST, row as f32 / ROWS as f32);
    let (sin_around, cos_around) = around.sin_cos();
    let (sin_along, cos_along) = along.sin_cos();
    let direction = Vec3::new(sin_around * sin_along, cos_around * sin_along, cos_along);
    let skin = project(SKULL_CENTRE, SKULL_CENTRE + direction * 90.0);
    let height = hair_height(skin, around, along);
    let lift = Vec3::new(0.0, 0.25, 0.0);
    let mut position = skin + (direction + lift * ramp(0.0, 8.0, height)).normalize_or(Vec3::Y) * height;
    if column == 0 {
        position.x = 0.0;
    }
    (position, height)
}

fn hair_height(skin: Vec3, around: f32, along: f32) -> f32 {
    let azimuth = skin.x.atan2(skin.z + 10.0).to_degrees();
    let above_line = skin.y - curve(&HAIRLINE, azimuth);
    let top = ramp(30.0, 105.0, skin.y);
    let quiff = 8.0 * top * hill((along - 1.1) / 0.9);
    let body = mix(5.5, 9.5, top) + quiff + 2.5 * ramp(-40.0, -95.0, skin.z) * ramp(-45.0, 10.0, skin.y);
    let root = ramp(-2.0, mix(7.0, 16.0, top), above_line);
    let strands =
        1.5 * (around * 11.0 + along * 0.8).sin().abs().powf(0.8) + 0.7 * (around * 27.0).sin().abs();
    -3.0 + (body + 1.8 + strands * root) * root
}

const BROW_COLUMNS: usize = 20;
const BROW_ROWS: usize = 6;

/// Adds the left brow: a soft ridge of hair that rides on the skin under it.
pub(super) fn add_brow(half: &mut Half) {
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); BROW_ROWS + 1];
    for column in 0..=BROW_COLUMNS {
        let t = column as f32 / BROW_COLUMNS as f32;
        for (row, vertices) in rows.iter_mut().enumerate() {
            let up = 1.0 - 2.0 * row as f32 / BROW_ROWS as f32;
            vertices.push(brow_vertex(half, t, up));
        }
    }
    for pair in rows.windows(2) {
        half.strip(Look::Brows, &pair[0], &pair[1]);
    }
}

/// A vertex of the brow: `t` from the inner to the outer end, `up` from -1 at the lower edge to 1 at the upper.
fn brow_vertex(half: &mut Half, t: f32, up: f32) -> u32 {
    const HEIGHT: [(f32, f32); 4] = [(0.0, 22.5), (0.35, 25.2), (0.62, 26.6), (1.0, 20.0)];
    let taper = curve(&[(0.0, 0.6), (0.14, 1.0), (0.5, 0.9), (1.0, 0.15)], t);
    let x = mix(12.5, 57.0, t) + up * 1.2 * (1.0 - t);
    let y = curve(&HEIGHT, t) + up * 3.7 * taper;
    let skin = project(Vec3::new(0.0, 12.0, -10.0), Vec3::new(x, y, mix(88.0, 62.0, t * t)));
    let ends = ramp(0.0, 0.08, t) * ramp(1.0, 0.9, t);
    let height = -0.8 + 3.0 * (1.0 - up * up).sqrt() * mix(0.4, 1.0, ends);
    let position = skin + outwards(skin) * height;
    half.vertex(position, Site::new(Part::Brow, skin))
}

/// Unit normal of the bust at a point of its surface.
fn outwards(point: Vec3) -> Vec3 {
    const STEP: f32 = 0.5;
    let slope = |axis: Vec3| bust(point + axis * STEP) - bust(point - axis * STEP);
    Vec3::new(slope(Vec3::X), slope(Vec3::Y), slope(Vec3::Z)).normalize_or(Vec3::Z)
}
