//! The skin: rays of the chart shot at the solid bust, with slits at lids and lips.

use super::anatomy::{EYE_CENTRE, EYE_RADIUS, MOUTH_CORNER, curve, ramp};
use super::builder::{Half, Look};
use super::loft::{Band, Column, Feature, INNER_COLUMN, MOUTH_COLUMN, OUTER_COLUMN, Row, bands, columns};
use super::sdf::project;
use super::site::{Part, Site};
use glam::Vec3;
use rayon::prelude::*;

/// Radius that the margins of the lids lie on, about the centre of the eyeball.
pub(super) const MARGIN_RADIUS: f32 = EYE_RADIUS + 1.5;
/// Where the closed lids meet: 0 at the open lower margin, 1 at the open upper.
const CLOSURE: f32 = 0.2;

/// The edges that linings are attached to.
pub(super) struct SkinEdges {
    /// Margin of the upper lid, from the inner to the outer corner.
    pub(super) upper_lid: Vec<u32>,
    /// Margin of the lower lid, from the inner to the outer corner.
    pub(super) lower_lid: Vec<u32>,
    /// Margin of the upper lip, from the middle to the corner.
    pub(super) upper_lip: Vec<u32>,
    /// Margin of the lower lip, from the middle to the corner.
    pub(super) lower_lip: Vec<u32>,
}

/// Adds the skin and lips.
pub(super) fn add_skin(half: &mut Half) -> SkinEdges {
    let columns = columns();
    let [above, middle, below] = bands();
    let above = points(&above, &columns, 1.0);
    let middle = points(&middle, &columns, 1.0);
    let below = points(&below, &columns, -1.0);
    let (above, middle) = fit_lids(above, middle);

    let first = add_rows(half, &above, None);
    let second = add_rows(half, &middle, Some((&first, &(INNER_COLUMN + 1..OUTER_COLUMN))));
    let third = add_rows(half, &below, Some((&second, &(0..MOUTH_COLUMN))));
    close_crown(half, &first[0]);
    for band in [&first, &second, &third] {
        fill(half, band);
    }
    paint_lips(half, &second, &third);
    SkinEdges {
        upper_lid: first[first.len() - 1][INNER_COLUMN..=OUTER_COLUMN].to_vec(),
        lower_lid: second[0][INNER_COLUMN..=OUTER_COLUMN].to_vec(),
        upper_lip: second[second.len() - 1][..=MOUTH_COLUMN].to_vec(),
        lower_lip: third[0][..=MOUTH_COLUMN].to_vec(),
    }
}

type Rows<T> = Vec<Vec<T>>;

/// Positions and sites, row by row.
type Points = Rows<(Vec3, Site)>;

/// Positions and sites of a band, row by row.
fn points(band: &Band, columns: &[Column], lip_side: f32) -> Points {
    let point = |row: &Row, column: &Column| {
        let (origin, guess) = band.ray(row, column);
        let mut position = project(origin, guess) + lip_relief(row, column);
        if column.middle {
            position.x = 0.0;
        }
        let mut site = Site::new(Part::Skin, position);
        place_on_lips(&mut site, row, column, lip_side);
        (position, site)
    };
    band.rows.par_iter().map(|row| columns.iter().map(|column| point(row, column)).collect()).collect()
}

/// How far the lips stand out from the bust.
fn lip_relief(row: &Row, column: &Column) -> Vec3 {
    const UPPER: [(f32, f32); 5] = [(0.0, 1.0), (0.25, 2.9), (0.55, 3.9), (0.85, 2.6), (1.0, 0.3)];
    const LOWER: [(f32, f32); 5] = [(0.0, 0.3), (0.15, 2.8), (0.45, 4.8), (0.75, 3.8), (1.0, 1.2)];
    let across = (column.across / MOUTH_CORNER).min(1.6);
    let fade = (1.0 - across.powi(4)).max(0.0).powf(0.8);
    let forward = match (row.above, row.below) {
        (Feature::Plain, Feature::UpperLipBorder) => {
            row.t * row.t - 0.9 * ramp(4.5, 0.0, column.across) * row.t
        }
        (Feature::UpperLipBorder, Feature::LipLine) => curve(&UPPER, row.t),
        (Feature::LipLine, Feature::LowerLipBorder) => curve(&LOWER, row.t),
        (Feature::LowerLipBorder, Feature::Plain) => curve(&[(0.0, 1.2), (0.5, -1.2), (1.0, -1.0)], row.t),
        (Feature::Plain, Feature::Plain) if row.t < 0.6 && row.is_chin() => -1.0 + row.t / 0.6,
        _ => 0.0,
    };
    let outwards = (across * 0.45).min(0.6);
    Vec3::new(outwards, 0.0, 1.0).normalize() * forward * fade
}

fn place_on_lips(site: &mut Site, row: &Row, column: &Column, lip_side: f32) {
    site.lip_side = lip_side;
    site.lip_across = (column.across / MOUTH_CORNER).min(1.0);
    site.lip_height = match (row.above, row.below) {
        (Feature::UpperLipBorder, Feature::LipLine) => 1.0 - row.t,
        (Feature::LipLine, Feature::LowerLipBorder) => row.t,
        _ => 1.0,
    };
}

/// Lays the lid margins on a sphere around the eye, gives every lid vertex its turn when the eye closes.
fn fit_lids(mut above: Points, mut below: Points) -> (Points, Points) {
    let last = above.len() - 1;
    for column in INNER_COLUMN + 1..OUTER_COLUMN {
        let x = (above[last][column].0.x + below[0][column].0.x) / 2.0 - EYE_CENTRE.x;
        let upper = elevation(above[last][column].0);
        let lower = elevation(below[0][column].0);
        let closed = lower + CLOSURE * (upper - lower);
        above[last][column].0 = on_margin_sphere(x, upper);
        below[0][column].0 = on_margin_sphere(x, lower);
        for (rows_away, row) in (0..6).zip(above.iter_mut().rev()) {
            place_on_lid(&mut row[column], rows_away, 6, upper - closed);
        }
        for (rows_away, row) in (0..5).zip(below.iter_mut()) {
            place_on_lid(&mut row[column], rows_away, 5, lower - closed);
        }
    }
    (above, below)
}

fn place_on_lid((position, site): &mut (Vec3, Site), rows_away: usize, rows: usize, travel: f32) {
    site.anchor = *position;
    site.lid_share = 1.0 - rows_away as f32 / rows as f32;
    site.lid_turn = travel * site.lid_share;
}

/// Angle above the horizontal plane through the eye.
fn elevation(point: Vec3) -> f32 {
    let from_eye = point - EYE_CENTRE;
    from_eye.y.atan2(from_eye.z)
}

fn on_margin_sphere(x: f32, elevation: f32) -> Vec3 {
    let radius = (MARGIN_RADIUS * MARGIN_RADIUS - x * x).max(1.0).sqrt();
    EYE_CENTRE + Vec3::new(x, radius * elevation.sin(), radius * elevation.cos())
}

/// Adds a band's vertices. Its first row shares the last row of the band above, except in the columns of a slit.
fn add_rows(
    half: &mut Half,
    points: &Points,
    above: Option<(&Rows<u32>, &std::ops::Range<usize>)>,
) -> Rows<u32> {
    let mut rows = Vec::with_capacity(points.len());
    for (row, row_points) in points.iter().enumerate() {
        let shared = above.filter(|_| row == 0);
        let vertex = |(column, (position, site)): (usize, &(Vec3, Site))| match shared {
            Some((rows, slit)) if !slit.contains(&column) => rows[rows.len() - 1][column],
            _ => half.vertex(*position, *site),
        };
        rows.push(row_points.iter().enumerate().map(vertex).collect());
    }
    rows
}

fn close_crown(half: &mut Half, ring: &[u32]) {
    let crown = project(Vec3::new(0.0, 40.0, -10.0), Vec3::new(0.0, 124.0, -10.0));
    let top = half.vertex(Vec3::new(0.0, crown.y, crown.z), Site::new(Part::Skin, crown));
    for pair in ring.windows(2) {
        half.quad(Look::Skin, [top, pair[0], pair[1], pair[1]]);
    }
}

fn fill(half: &mut Half, rows: &Rows<u32>) {
    for pair in rows.windows(2) {
        half.strip(Look::Skin, &pair[0], &pair[1]);
    }
}

/// Gives the faces between the borders of the lips their own look.
fn paint_lips(half: &mut Half, upper: &Rows<u32>, lower: &Rows<u32>) {
    let mut red = vec![false; half.positions.len()];
    let rows = upper.iter().rev().take(7).chain(lower.iter().take(7));
    rows.flat_map(|row| &row[..=MOUTH_COLUMN]).for_each(|vertex| red[*vertex as usize] = true);
    for (look, triangle) in &mut half.triangles {
        if triangle.iter().all(|vertex| red[*vertex as usize]) {
            *look = Look::Lips;
        }
    }
}
