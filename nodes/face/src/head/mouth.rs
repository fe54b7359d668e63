//! The inside of the mouth: lining, teeth, gums and tongue.

use super::anatomy::{hill, mix};
use super::builder::{Half, Look};
use super::site::{Part, Site};
use super::skin::SkinEdges;
use glam::{Vec2, Vec3};
use std::f32::consts::{FRAC_PI_2, PI};

/// One row of the lining: height and depth behind the lip line, widening towards the corner, share that follows the
/// lip, and share of the jaw's opening; rows without one belong to the lip.
struct LiningRow {
    height: f32,
    depth: f32,
    widening: f32,
    follow: f32,
    jaw_share: Option<f32>,
}

const fn lining(height: f32, depth: f32, widening: f32, follow: f32, jaw_share: Option<f32>) -> LiningRow {
    LiningRow { height, depth, widening, follow, jaw_share }
}

/// From the upper lip over the roof, back and floor of the mouth to the lower lip.
const LINING: [LiningRow; 12] = [
    lining(0.5, 1.8, 1.0, 1.0, None),
    lining(2.2, 3.8, 1.0, 1.0, None),
    lining(6.5, 4.6, 1.04, 0.7, Some(0.0)),
    lining(13.5, 6.5, 1.14, 0.2, Some(0.0)),
    lining(16.0, 24.0, 1.25, 0.0, Some(0.0)),
    lining(11.0, 50.0, 1.35, 0.0, Some(0.1)),
    lining(-12.0, 54.0, 1.35, 0.0, Some(0.6)),
    lining(-20.0, 24.0, 1.25, 0.0, Some(1.0)),
    lining(-16.5, 8.5, 1.14, 0.2, Some(1.0)),
    lining(-7.0, 4.8, 1.04, 0.7, Some(1.0)),
    lining(-2.2, 3.8, 1.0, 1.0, None),
    lining(-0.5, 1.8, 1.0, 1.0, None),
];

/// Adds the lining from lip to lip.
pub(super) fn add_lining(half: &mut Half, edges: &SkinEdges) {
    let mut rows = vec![edges.upper_lip.clone()];
    for (index, row) in LINING.iter().enumerate() {
        let margin = if index < LINING.len() / 2 { &edges.upper_lip } else { &edges.lower_lip };
        rows.push(lining_row(half, row, margin));
    }
    rows.push(edges.lower_lip.clone());
    let last = rows.len() - 2;
    for (index, pair) in rows.windows(2).enumerate() {
        let near_lips = index < 2 || index + 2 > last;
        half.strip(if near_lips { Look::Lips } else { Look::Mouth }, &pair[0], &pair[1]);
    }
}

fn lining_row(half: &mut Half, row: &LiningRow, margin: &[u32]) -> Vec<u32> {
    let corner = margin[margin.len() - 1];
    let vertex = |&vertex: &u32| {
        if vertex == corner {
            return corner;
        }
        let root = half.positions[vertex as usize];
        let mut site = half.sites[vertex as usize];
        site.follow = row.follow;
        site.lip_height = 0.0;
        site.jaw_share = row.jaw_share;
        let position = root + lining_offset(row, root.x, site.lip_across);
        half.vertex(position, site)
    };
    margin.iter().map(vertex).collect()
}

/// Where a row of the lining lies from its vertex of the lip line. The lips taper to the corner; behind them the
/// cavity keeps its height and grows wider than the teeth, so that the cheeks wrap around the arches.
fn lining_offset(row: &LiningRow, x: f32, across: f32) -> Vec3 {
    if row.jaw_share.is_some() {
        return Vec3::new(x * (row.widening - 1.0) * across, row.height, -row.depth);
    }
    let open = 1.0 - across.powi(3);
    Vec3::new(-0.07 * x * (1.0 - open), row.height * open, -row.depth * (0.4 + 0.6 * open))
}

/// An arch of teeth.
struct Arch {
    part: Part,
    /// Half width and length of the arch, and depth of its open end.
    half_width: f32,
    length: f32,
    depth: f32,
    /// Height of the gum line and of the biting edge at the front.
    gum: f32,
    edge: f32,
}

const UPPER: Arch =
    Arch { part: Part::UpperTeeth, half_width: 25.2, length: 33.0, depth: 53.2, gum: -55.0, edge: -66.8 };
const LOWER: Arch =
    Arch { part: Part::LowerTeeth, half_width: 23.8, length: 31.2, depth: 52.4, gum: -75.0, edge: -65.0 };

/// Exponent of the superellipse that the arches run along: flat behind the lips, as they are, and round at the side.
const ARCH_EXPONENT: f32 = 3.3;

/// Relative widths from the middle incisor to the second molar.
const TOOTH_WIDTHS: [f32; 7] = [8.8, 7.0, 7.8, 7.0, 6.8, 9.5, 9.0];
const COLUMNS_PER_TOOTH: usize = 5;
/// Share of the height from gum to edge, and outward bulge in millimetres, from the gum over the edge to the back.
const TOOTH_PROFILE: [(f32, f32); 8] =
    [(-0.05, 0.0), (0.3, 0.8), (0.65, 0.8), (0.9, 0.3), (1.0, -0.8), (0.92, -2.0), (0.5, -3.2), (0.0, -4.0)];
/// Distance from the gum line towards the root, and outward bulge.
const GUM_PROFILE: [(f32, f32); 5] = [(6.5, -3.0), (5.0, 0.0), (2.8, 1.1), (0.4, 1.3), (-0.6, 0.2)];

/// Adds both rows of teeth with their gums.
pub(super) fn add_teeth(half: &mut Half) {
    for arch in [&UPPER, &LOWER] {
        let line = ArchLine::new(arch);
        let upwards = arch.edge > arch.gum;
        let teeth: Vec<Vec<u32>> =
            TOOTH_PROFILE.iter().map(|profile| tooth_row(half, &line, *profile)).collect();
        stack(half, Look::Teeth, &teeth, upwards);
        let gums: Vec<Vec<u32>> = GUM_PROFILE.iter().map(|profile| gum_row(half, &line, *profile)).collect();
        stack(half, Look::Gums, &gums, upwards);
    }
}

fn stack(half: &mut Half, look: Look, rows: &[Vec<u32>], upwards: bool) {
    for pair in rows.windows(2) {
        let (above, below) = if upwards { (&pair[1], &pair[0]) } else { (&pair[0], &pair[1]) };
        half.strip(look, above, below);
    }
}

/// Positions along the arch: 0 in the middle to 1 at the last molar, and -1 to 1 across each tooth.
fn along_arch() -> impl Iterator<Item = (f32, f32)> {
    let total: f32 = TOOTH_WIDTHS.iter().sum();
    let mut start = 0.0;
    let teeth = TOOTH_WIDTHS.iter().flat_map(move |width| {
        let from = start;
        start += width;
        (0..COLUMNS_PER_TOOTH).map(move |column| {
            let t = column as f32 / COLUMNS_PER_TOOTH as f32;
            ((from + width * t) / total, 2.0 * t - 1.0)
        })
    });
    teeth.chain(std::iter::once((1.0, 1.0)))
}

/// The line that the teeth of an arch stand on, seen from above: x across, y forwards.
struct ArchLine<'a> {
    arch: &'a Arch,
    /// Points from the middle to the open end, and the distance of each along the line.
    points: Vec<(Vec2, f32)>,
}

impl<'a> ArchLine<'a> {
    fn new(arch: &'a Arch) -> Self {
        const STEPS: usize = 96;
        let radii = Vec2::new(arch.half_width, arch.length);
        let mut length = 0.0;
        let mut points: Vec<(Vec2, f32)> = Vec::with_capacity(STEPS + 1);
        for step in 0..=STEPS {
            let (sin, cos) = (step as f32 / STEPS as f32 * FRAC_PI_2).sin_cos();
            let point = radii * Vec2::new(sin, cos.max(0.0)).powf(2.0 / ARCH_EXPONENT);
            length += points.last().map_or(0.0, |(before, _)| before.distance(point));
            points.push((point, length));
        }
        Self { arch, points }
    }

    /// The point a share of the way along the line.
    fn at(&self, along: f32) -> Vec2 {
        let last = self.points.len() - 1;
        let distance = along * self.points[last].1;
        let after = self.points.partition_point(|(_, length)| *length <= distance).clamp(1, last);
        let ((from, start), (to, end)) = (self.points[after - 1], self.points[after]);
        from.lerp(to, ((distance - start) / (end - start)).clamp(0.0, 1.0))
    }

    /// A point of a tooth or gum, `outward` millimetres off the line.
    fn point(&self, along: f32, height: f32, outward: f32) -> Vec3 {
        let arch = self.arch;
        let at = self.at(along);
        let radii = Vec2::new(arch.half_width, arch.length);
        let outwards = ((at / radii).powf(ARCH_EXPONENT - 1.0) / radii).normalize_or(Vec2::Y);
        let at = at + outwards * outward;
        let across = if along == 0.0 { 0.0 } else { at.x };
        Vec3::new(across, height, arch.depth + at.y)
    }
}

fn tooth_row(half: &mut Half, line: &ArchLine<'_>, (share, bulge): (f32, f32)) -> Vec<u32> {
    let arch = line.arch;
    let vertex = |(along, across): (f32, f32)| {
        let rounding = 0.10 * across.powi(6) * share;
        let shorter = 0.06 * (arch.gum - arch.edge) * along;
        let height = mix(arch.gum, arch.edge, share - rounding) + shorter;
        let position = line.point(along, height, bulge - 0.9 * across.powi(4));
        half.vertex(position, Site::new(arch.part, position))
    };
    along_arch().map(vertex).collect()
}

fn gum_row(half: &mut Half, line: &ArchLine<'_>, (above, bulge): (f32, f32)) -> Vec<u32> {
    let arch = line.arch;
    let rootwards = (arch.gum - arch.edge).signum();
    let vertex = |(along, across): (f32, f32)| {
        let scallop = if above < 1.0 { 0.9 * hill(across) - 1.0 } else { 0.0 };
        let position = line.point(along, arch.gum + rootwards * (above + scallop), bulge);
        half.vertex(position, Site::new(arch.part, position))
    };
    along_arch().map(vertex).collect()
}

const TONGUE_ROWS: usize = 14;
const TONGUE_COLUMNS: usize = 9;

/// Adds the tongue: a flattened tongue of flesh from the throat to behind the lower teeth.
pub(super) fn add_tongue(half: &mut Half) {
    let mut rows: Vec<Vec<u32>> = Vec::with_capacity(TONGUE_ROWS);
    for row in 0..TONGUE_ROWS {
        // Rows crowd towards the tip, where the tongue rounds off.
        let along = 1.0 - (1.0 - row as f32 / TONGUE_ROWS as f32).powf(1.7);
        rows.push((0..TONGUE_COLUMNS).map(|column| tongue_vertex(half, along, column)).collect());
    }
    let tip_position = tongue_point(1.0, 0.0);
    let tip = half.vertex(tip_position, tongue_site(tip_position, 1.0));
    rows.push(vec![tip; TONGUE_COLUMNS]);
    for pair in rows.windows(2) {
        half.strip(Look::Tongue, &pair[0], &pair[1]);
    }
}

fn tongue_vertex(half: &mut Half, along: f32, column: usize) -> u32 {
    let mut position = tongue_point(along, column as f32 / (TONGUE_COLUMNS - 1) as f32 * PI);
    if column == 0 || column == TONGUE_COLUMNS - 1 {
        position.x = 0.0;
    }
    half.vertex(position, tongue_site(position, along))
}

fn tongue_site(position: Vec3, along: f32) -> Site {
    let mut site = Site::new(Part::Tongue, position);
    site.along_tongue = along;
    site
}

/// A point of the tongue; `around` runs from the middle of its top to the middle of its underside.
fn tongue_point(along: f32, around: f32) -> Vec3 {
    let taper = (1.0 - along.powi(7)).max(0.0).sqrt();
    let (sin, cos) = around.sin_cos();
    let width = mix(16.0, 18.5, along) * taper;
    let thickness = mix(7.5, 4.5, along) * taper;
    let groove = if cos > 0.0 { 1.4 * hill(sin * width / 6.0) * taper * along } else { 0.0 };
    let back = mix(-69.0, -72.0, along) + 5.0 * hill((along - 0.35) / 0.6);
    Vec3::new(width * sin, back + thickness * cos - groove, mix(24.0, 77.5, along))
}
