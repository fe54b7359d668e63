//! What the two branches of the generator speak of: mouth postures and facial expression.

use esarm_values::{ARKIT_SHAPES, arkit_index};

/// Mouth postures that the content branch drives; both sides of the face move alike.
pub const CONTENT_CHANNELS: [&str; 16] = [
    "jawOpen",
    "jawForward",
    "mouthFunnel",
    "mouthPucker",
    "mouthLowerDown",
    "mouthUpperUp",
    "mouthStretch",
    "mouthSmile",
    "mouthDimple",
    "mouthPress",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "tongueOut",
    "cheekPuff",
];

/// Number of [`CONTENT_CHANNELS`].
pub const CONTENT_COUNT: usize = CONTENT_CHANNELS.len();

/// About how far a unit of each content channel moves the lips apart, relative to `jawOpen`, on a measured head.
const LIP_OPENING: [f32; CONTENT_COUNT] =
    [1.0, 0.0, 0.35, 0.0, 0.2, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];

/// How far apart postures `[CONTENT_COUNT]` move the lips, relative to `jawOpen` 1.
pub fn lip_opening(postures: &[f32]) -> f32 {
    postures.iter().zip(LIP_OPENING).map(|(posture, opens)| posture * opens).sum()
}

/// Shapes that the expression branch offsets, plus `jawGain`, the relative change of the speech's jaw opening.
pub const EXPRESSION_CHANNELS: [&str; 37] = [
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawOpen",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthRight",
    "mouthRollLower",
    "mouthShrugLower",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
    "jawGain",
];

/// Number of [`EXPRESSION_CHANNELS`].
pub const EXPRESSION_COUNT: usize = EXPRESSION_CHANNELS.len();

/// Number of ARKit shapes.
pub const SHAPE_COUNT: usize = ARKIT_SHAPES.len();

/// Column of a content channel by name.
///
/// # Panics
/// When there is no such channel: names are written in this crate only.
pub fn content_index(name: &str) -> usize {
    CONTENT_CHANNELS.iter().position(|channel| *channel == name).expect("a content channel")
}

/// Column of an expression channel by name.
pub fn expression_index(name: &str) -> Option<usize> {
    EXPRESSION_CHANNELS.iter().position(|channel| *channel == name)
}

/// The ARKit shapes that a content channel drives: one, or the left and the right one.
pub fn shapes_of_content(channel: &str) -> Vec<usize> {
    match arkit_index(channel) {
        Some(index) => vec![index],
        None => {
            ["Left", "Right"].iter().filter_map(|side| arkit_index(&format!("{channel}{side}"))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_moves_a_shape() {
        assert!(CONTENT_CHANNELS.iter().all(|channel| !shapes_of_content(channel).is_empty()));
        let unknown: Vec<_> = EXPRESSION_CHANNELS.iter().filter(|name| arkit_index(name).is_none()).collect();
        assert_eq!(unknown, [&"jawGain"]);
    }
}
