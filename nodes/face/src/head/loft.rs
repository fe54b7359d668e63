//! The chart of the skin: rows that follow the features of the face, columns around the head.
//!
//! Rows hang between feature curves (brow, lid crease, lid margins, lips, jaw ...), so edge loops run along the lids
//! and lips and deform smoothly. A chart point gives a ray that is then shot at the solid bust.

use super::anatomy::{EYE_INNER, EYE_OUTER, LIP_LINE, MOUTH_CORNER, curve, hill, mix, ramp};
use glam::Vec3;
use std::f32::consts::PI;

/// Chart coordinate per unit of the sine of the azimuth: about millimetres across the face.
const CHART_RADIUS: f32 = 70.0;

/// A feature curve that rows hang from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    Plain,
    Brow,
    LidCrease,
    UpperLid,
    LowerLid,
    LowerCrease,
    UpperLipBorder,
    LipLine,
    LowerLipBorder,
}

/// A closed curve around the head, before its feature bends it.
struct Ring {
    feature: Feature,
    /// Rows from here to the next ring.
    rows: usize,
    /// Height and depth in front, height and half width at the side, height and depth behind.
    front: (f32, f32),
    side: (f32, f32),
    back: (f32, f32),
    /// Height on the head's axis that rays start from.
    origin: f32,
}

const fn ring(
    feature: Feature,
    rows: usize,
    front: (f32, f32),
    side: (f32, f32),
    back: (f32, f32),
    origin: f32,
) -> Ring {
    Ring { feature, rows, front, side, back, origin }
}

/// From the crown to the lid slit.
const ABOVE_EYES: [Ring; 6] = [
    ring(Feature::Plain, 3, (116.0, 25.0), (116.0, 30.0), (116.0, -45.0), 40.0),
    ring(Feature::Plain, 4, (90.0, 66.0), (92.0, 56.0), (90.0, -84.0), 40.0),
    ring(Feature::Plain, 6, (55.0, 84.0), (60.0, 70.0), (55.0, -100.0), 35.0),
    ring(Feature::Brow, 6, (24.0, 88.0), (30.0, 74.0), (25.0, -103.0), 12.0),
    ring(Feature::LidCrease, 6, (11.0, 86.0), (18.0, 74.0), (12.0, -102.0), 6.0),
    ring(Feature::UpperLid, 0, (0.0, 86.0), (8.0, 73.0), (0.0, -100.0), 0.0),
];

/// From the lid slit to the lip line.
const EYES_TO_MOUTH: [Ring; 5] = [
    ring(Feature::LowerLid, 5, (0.0, 86.0), (8.0, 73.0), (0.0, -100.0), 0.0),
    ring(Feature::LowerCrease, 12, (-14.0, 85.0), (-6.0, 72.0), (-12.0, -96.0), -5.0),
    ring(Feature::Plain, 4, (-46.0, 90.0), (-36.0, 68.0), (-40.0, -84.0), -14.0),
    ring(Feature::UpperLipBorder, 6, (-55.0, 90.0), (-44.0, 66.0), (-48.0, -80.0), -34.0),
    ring(Feature::LipLine, 0, (-62.0, 90.0), (-50.0, 65.0), (-54.0, -76.0), -42.0),
];

/// From the lip line to the foot of the bust.
const BELOW_MOUTH: [Ring; 8] = [
    ring(Feature::LipLine, 6, (-62.0, 90.0), (-50.0, 65.0), (-54.0, -76.0), -42.0),
    ring(Feature::LowerLipBorder, 4, (-71.0, 90.0), (-55.0, 63.0), (-60.0, -72.0), -46.0),
    ring(Feature::Plain, 8, (-81.0, 86.0), (-61.0, 60.0), (-66.0, -70.0), -50.0),
    ring(Feature::Plain, 4, (-112.0, 80.0), (-76.0, 56.0), (-78.0, -66.0), -56.0),
    ring(Feature::Plain, 4, (-120.0, 58.0), (-88.0, 52.0), (-86.0, -64.0), -62.0),
    ring(Feature::Plain, 5, (-128.0, 34.0), (-102.0, 48.0), (-100.0, -62.0), -84.0),
    ring(Feature::Plain, 6, (-155.0, 27.0), (-150.0, 48.0), (-150.0, -70.0), -150.0),
    ring(Feature::Plain, 0, (-192.0, 34.0), (-192.0, 90.0), (-192.0, -80.0), -192.0),
];

/// One row of a band: where it lies between two feature curves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The feature curve above.
    pub(super) above: Feature,
    /// The feature curve below.
    pub(super) below: Feature,
    /// 0 on the curve above, 1 on the curve below.
    pub(super) t: f32,
    ring: usize,
    on_lower_band: bool,
}

impl Row {
    /// Whether the row lies on the front of the chin, under the lower lip.
    pub(super) fn is_chin(&self) -> bool {
        self.above == Feature::Plain && self.ring == 2 && self.on_lower_band
    }
}

/// Rows between two slits of the skin.
pub(super) struct Band {
    rings: &'static [Ring],
    pub(super) rows: Vec<Row>,
}

impl Band {
    fn new(rings: &'static [Ring]) -> Self {
        let on_lower_band = rings[0].feature == Feature::LipLine;
        let mut rows = Vec::new();
        for (index, pair) in rings.windows(2).enumerate() {
            let last = index + 2 == rings.len();
            for step in 0..pair[0].rows + usize::from(last) {
                let t = step as f32 / pair[0].rows as f32;
                rows.push(Row {
                    above: pair[0].feature,
                    below: pair[1].feature,
                    t,
                    ring: index,
                    on_lower_band,
                });
            }
        }
        Self { rings, rows }
    }

    /// The ray of a chart point: its origin on the head's axis and a guess of the surface.
    pub(super) fn ray(&self, row: &Row, column: &Column) -> (Vec3, Vec3) {
        let (above, below) = (&self.rings[row.ring], &self.rings[row.ring + 1]);
        let guess = above.point(column).lerp(below.point(column), row.t);
        let origin = Vec3::new(0.0, mix(above.origin, below.origin, row.t), -10.0);
        (origin, guess)
    }
}

/// The three bands of the skin, from the crown down.
pub(super) fn bands() -> [Band; 3] {
    [Band::new(&ABOVE_EYES), Band::new(&EYES_TO_MOUTH), Band::new(&BELOW_MOUTH)]
}

/// A column of the chart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    azimuth: f32,
    /// Millimetres across the face, about.
    pub(super) across: f32,
    /// Whether the column lies in the middle plane, in front or behind.
    pub(super) middle: bool,
}

/// Index of the column of the inner corner of the eye.
pub(super) const INNER_COLUMN: usize = 8;
/// Index of the column of the corner of the mouth.
pub(super) const MOUTH_COLUMN: usize = 12;
/// Index of the column of the outer corner of the eye.
pub(super) const OUTER_COLUMN: usize = 22;

/// The columns of the left half, from the middle of the face to the middle of the back.
pub(super) fn columns() -> Vec<Column> {
    const BEHIND: usize = 20;
    let between =
        |from: f32, to: f32, count: usize| (0..count).map(move |i| mix(from, to, i as f32 / count as f32));
    let face = between(0.0, EYE_INNER, INNER_COLUMN)
        .chain(between(EYE_INNER, MOUTH_CORNER, MOUTH_COLUMN - INNER_COLUMN))
        .chain(between(MOUTH_CORNER, EYE_OUTER, OUTER_COLUMN - MOUTH_COLUMN));
    let start = (EYE_OUTER / CHART_RADIUS).asin();
    let front = face.map(|across| ((across / CHART_RADIUS).asin(), across));
    let around = (0..=BEHIND).map(|i| {
        let t = i as f32 / BEHIND as f32;
        let azimuth = start + (PI - start) * (0.45 * t + 0.55 * t * t);
        (azimuth, EYE_OUTER + (azimuth - start) * CHART_RADIUS)
    });
    let all: Vec<(f32, f32)> = front.chain(around).collect();
    let last = all.len() - 1;
    let column = |(index, &(azimuth, across)): (usize, &(f32, f32))| Column {
        azimuth,
        across,
        middle: index == 0 || index == last,
    };
    all.iter().enumerate().map(column).collect()
}

impl Ring {
    fn point(&self, column: &Column) -> Vec3 {
        let (sin, cos) = column.azimuth.sin_cos();
        let (end_height, end_depth) = if cos > 0.0 { self.front } else { self.back };
        let height = mix(self.side.0, end_height, cos * cos);
        let middle_depth = (self.front.1 + self.back.1) / 2.0;
        let depth = middle_depth + cos.abs() * (end_depth - middle_depth);
        let height = if cos > 0.0 { self.feature.height(column.across, height) } else { height };
        Vec3::new(self.side.1 * sin, height, depth)
    }
}

impl Feature {
    /// Height of the feature `across` millimetres from the middle, where the plain ring has `plain`.
    fn height(self, across: f32, plain: f32) -> f32 {
        let (own, share) = match self {
            Self::Plain => return plain,
            Self::Brow => (22.0 + 5.0 * hill((across - 38.0) / 34.0), eye_window(across)),
            Self::LidCrease => (lid_crease(across), eye_window(across)),
            Self::UpperLid => (slit(across) + upper_lid(across), eye_window(across)),
            Self::LowerLid => (slit(across) - lower_lid(across), eye_window(across)),
            Self::LowerCrease => (slit(across) - lower_lid(across) - 6.5, eye_window(across)),
            Self::UpperLipBorder => (lip_line(across) + upper_red(across), mouth_window(across)),
            Self::LipLine => (lip_line(across), mouth_window(across)),
            Self::LowerLipBorder => (lip_line(across) - lower_red(across), mouth_window(across)),
        };
        mix(plain, own, share)
    }
}

/// -1 at the inner corner of the eye, 1 at the outer.
fn eye_across(across: f32) -> f32 {
    (across - (EYE_INNER + EYE_OUTER) / 2.0) / ((EYE_OUTER - EYE_INNER) / 2.0)
}

fn eye_window(across: f32) -> f32 {
    ramp(2.0, EYE_INNER - 2.0, across) * ramp(80.0, EYE_OUTER + 4.0, across)
}

fn mouth_window(across: f32) -> f32 {
    ramp(62.0, MOUTH_CORNER + 2.0, across)
}

/// The line from corner to corner of the eye, the outer slightly higher.
fn slit(across: f32) -> f32 {
    -1.2 + 1.6 * eye_across(across).clamp(-1.3, 1.3)
}

fn upper_lid(across: f32) -> f32 {
    let u = eye_across(across);
    let inside = (1.0 - u.abs().powf(2.3)).max(0.0);
    8.0 * inside.powf(0.85) * (1.0 - 0.08 * u)
}

fn lower_lid(across: f32) -> f32 {
    let u = eye_across(across);
    let inside = (1.0 - u.abs().powf(2.2)).max(0.0);
    6.2 * inside.powf(0.9) * (1.0 + 0.10 * u)
}

fn lid_crease(across: f32) -> f32 {
    slit(across) + upper_lid(across) + 4.2 + 1.2 * hill(eye_across(across) / 1.5)
}

/// The lip line: a soft bow with slightly raised corners.
fn lip_line(across: f32) -> f32 {
    let u = across / MOUTH_CORNER;
    LIP_LINE - 0.9 * hill(across / 9.0) + 0.5 * hill((across - 13.0) / 11.0) + 1.9 * (u * u).min(1.6)
}

/// Height of the red of the upper lip, with the dip of Cupid's bow.
fn upper_red(across: f32) -> f32 {
    let u = (across / MOUTH_CORNER).min(1.0);
    mix(8.2 * (1.0 - u * u).powf(0.75), 0.0, u.powi(4)) - 1.5 * hill(across / 6.5) + corner_gap(across)
}

/// Height of the red of the lower lip.
fn lower_red(across: f32) -> f32 {
    let u = (across / MOUTH_CORNER).min(1.0);
    9.0 * (1.0 - u * u * u).powf(0.75) + corner_gap(across)
}

/// Keeps rows apart at the corner of the mouth and spreads them beyond it.
fn corner_gap(across: f32) -> f32 {
    curve(&[(10.0, 0.0), (MOUTH_CORNER, 1.1), (MOUTH_CORNER + 16.0, 7.0)], across)
}
