//! What emotions look like on a face.

use crate::features::MOTION_COLUMNS;
use esarm_values::ARKIT_SHAPES;

/// Expression of a face, as length of its weights, that is no longer neutral.
const EXPRESSIVE: f64 = 1.2;
/// Share of emotions other than neutral below which only neutrality is asked for.
const LEAST_EMOTION: f64 = 0.05;

/// Action units of the emotions as ARKit shapes: EMFACS (Friesen and Ekman 1983), translated. A name without a side
/// stands for both.
const SIGNATURES: [(usize, &[(&str, f64)]); 7] = [
    (1, &[("mouthSmile", 0.8), ("cheekSquint", 0.7), ("eyeSquint", 0.3), ("mouthDimple", 0.2)]),
    (2, &[("browInnerUp", 0.7), ("mouthFrown", 0.6), ("mouthShrugLower", 0.4), ("browDown", 0.2)]),
    (3, &[("browDown", 0.8), ("mouthPress", 0.4), ("eyeSquint", 0.4), ("eyeWide", 0.3), ("noseSneer", 0.3)]),
    (4, &[("browInnerUp", 0.7), ("eyeWide", 0.7), ("mouthStretch", 0.5), ("browOuterUp", 0.4)]),
    (
        5,
        &[
            ("noseSneer", 0.8),
            ("mouthUpperUp", 0.5),
            ("browDown", 0.3),
            ("mouthFrown", 0.3),
            ("eyeSquint", 0.3),
        ],
    ),
    (6, &[("browOuterUp", 0.8), ("browInnerUp", 0.7), ("eyeWide", 0.6)]),
    (7, &[("mouthDimpleRight", 0.6), ("mouthSmileRight", 0.4), ("mouthPress", 0.2)]),
];

/// What emotions look like.
pub(super) struct Shown {
    /// For each emotion from 1 on, unit vectors of ARKit weights.
    faces: Vec<Vec<f64>>,
    /// Channels that any of them uses.
    expressive: Vec<bool>,
}

impl Shown {
    pub(super) fn new() -> Self {
        let face = |shapes: &[(&str, f64)]| {
            let mut row = vec![0.0; MOTION_COLUMNS];
            for (column, shape) in ARKIT_SHAPES.iter().enumerate() {
                let bare = shape.trim_end_matches("Left").trim_end_matches("Right");
                let named = shapes.iter().find(|(name, _)| name == shape || *name == bare);
                row[column] = named.map_or(0.0, |(_, weight)| *weight);
            }
            let length = length(&row);
            row.iter().map(|weight| weight / length).collect::<Vec<f64>>()
        };
        let faces: Vec<Vec<f64>> = SIGNATURES.iter().map(|(_, shapes)| face(shapes)).collect();
        let expressive =
            (0..MOTION_COLUMNS).map(|column| faces.iter().any(|face| face[column] > 0.0)).collect();
        Self { faces, expressive }
    }

    /// How well a face fits weights of emotions, 0 to 1.
    pub(super) fn agreement(&self, face: &[f64], emotion: &[f64]) -> f64 {
        let expression = self.expression(face);
        let neutral = (1.0 - length(&expression) / EXPRESSIVE).clamp(0.0, 1.0);
        let felt: f64 = emotion[1..].iter().sum();
        if felt < LEAST_EMOTION {
            return neutral;
        }
        let fits: Vec<f64> = self.faces.iter().map(|face| cosine(&expression, face)).collect();
        let mut target = vec![0.0; MOTION_COLUMNS];
        for (face, weight) in self.faces.iter().zip(&emotion[1..]) {
            target.iter_mut().zip(face).for_each(|(sum, value)| *sum += weight * value);
        }
        let asked = |index: usize| emotion[1 + index] > 0.2 * felt;
        let other =
            (0..fits.len()).filter(|index| !asked(*index)).map(|index| fits[index]).fold(0.0, f64::max);
        let shown = (0.5 + 0.5 * (cosine(&expression, &target) - other)).clamp(0.0, 1.0);
        let felt = felt.min(1.0);
        felt * shown + (1.0 - felt) * shown.max(neutral)
    }

    pub(super) fn likeliest(&self, face: &[f64]) -> &'static str {
        let expression = self.expression(face);
        if length(&expression) < 0.25 {
            return "neutral";
        }
        let best = SIGNATURES
            .iter()
            .zip(&self.faces)
            .max_by(|(_, a), (_, b)| cosine(&expression, a).total_cmp(&cosine(&expression, b)));
        best.map_or("neutral", |((index, _), _)| esarm_values::EMOTIONS[*index])
    }

    fn expression(&self, face: &[f64]) -> Vec<f64> {
        face.iter()
            .zip(&self.expressive)
            .map(|(weight, counts)| if *counts { *weight } else { 0.0 })
            .collect()
    }
}

fn length(row: &[f64]) -> f64 {
    row.iter().map(|value| value * value).sum::<f64>().sqrt()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let scale = length(a) * length(b);
    if scale > 1e-9 { a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / scale } else { 0.0 }
}
