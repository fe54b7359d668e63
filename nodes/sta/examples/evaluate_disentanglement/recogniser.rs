//! Which emotion a face shows: the nearest face by action units.
//!
//! The faces are the combinations of action units that EMFACS (Friesen and Ekman, 1983) gives each emotion, as ARKit
//! shapes. The generator is not trained with this recogniser or these numbers; but the rules that taught it how
//! emotions look start from the same action units, so that agreement says that emotions are legible, not that they are
//! what people would show.

use esarm_values::{ARKIT_SHAPES, EMOTIONS, Track, arkit_index};

/// Shapes by action units for each emotion but neutral, in the order of [`EMOTIONS`]; no side stands for both.
const FACES: [&[(&str, f32)]; 7] = [
    &[("cheekSquint", 0.7), ("mouthSmile", 0.8), ("eyeSquint", 0.3), ("mouthDimple", 0.2)],
    &[
        ("browInnerUp", 0.7),
        ("browDown", 0.2),
        ("mouthFrown", 0.6),
        ("mouthShrugLower", 0.4),
        ("eyeBlink", 0.15),
    ],
    &[("browDown", 0.8), ("eyeWide", 0.3), ("eyeSquint", 0.4), ("mouthPress", 0.5), ("noseSneer", 0.3)],
    &[("browInnerUp", 0.7), ("browOuterUp", 0.4), ("eyeWide", 0.7), ("mouthStretch", 0.5)],
    &[("noseSneer", 0.8), ("mouthUpperUp", 0.5), ("browDown", 0.3), ("mouthFrown", 0.3), ("eyeSquint", 0.3)],
    &[("browInnerUp", 0.7), ("browOuterUp", 0.8), ("eyeWide", 0.6)],
    &[("mouthSmileRight", 0.4), ("mouthDimpleRight", 0.6), ("mouthPress", 0.2)],
];

/// Shapes that are looked at: those of the faces, which are not those that speech itself moves most.
const LOOKED_AT: [&str; 24] = [
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "noseSneerLeft",
    "noseSneerRight",
];

/// Length of a mean face under which it shows nothing: neutral.
const NEUTRAL_LENGTH: f32 = 0.35;

/// Index of the emotion that a motion shows, of [`EMOTIONS`].
pub(crate) fn recognise(motion: &Track) -> usize {
    let face = mean_face(motion);
    let length = norm(&face);
    if length < NEUTRAL_LENGTH {
        return 0;
    }
    let likeness = |emotion: usize| {
        let prototype = prototype(emotion);
        let product: f32 = face.iter().zip(&prototype).map(|(a, b)| a * b).sum();
        product / (length * norm(&prototype))
    };
    (1..EMOTIONS.len()).max_by(|a, b| likeness(*a).total_cmp(&likeness(*b))).unwrap_or(0)
}

/// Means of the shapes that are looked at; channels that the motion does not have are at rest.
fn mean_face(motion: &Track) -> Vec<f32> {
    let frames = motion.frame_count().max(1) as f32;
    LOOKED_AT
        .iter()
        .map(|shape| {
            motion.channel_index(shape).map_or(0.0, |column| motion.channel(column).sum::<f32>() / frames)
        })
        .collect()
}

fn prototype(emotion: usize) -> Vec<f32> {
    let strength = |shape: &str| {
        let entry = FACES[emotion - 1].iter().find(|(name, _)| {
            *name == shape || shape.strip_prefix(name).is_some_and(|side| ["Left", "Right"].contains(&side))
        });
        entry.map_or(0.0, |(_, strength)| *strength)
    };
    LOOKED_AT.iter().map(|shape| strength(shape)).collect()
}

fn norm(face: &[f32]) -> f32 {
    face.iter().map(|it| it * it).sum::<f32>().sqrt()
}

/// Mean absolute difference of two motions over the shapes that a predicate names.
pub(crate) fn difference(one: &Track, two: &Track, wanted: impl Fn(&str) -> bool) -> f64 {
    let columns: Vec<usize> =
        ARKIT_SHAPES.iter().filter(|shape| wanted(shape)).filter_map(|shape| arkit_index(shape)).collect();
    let frames = one.frame_count().min(two.frame_count());
    let sum: f64 = (0..frames)
        .flat_map(|frame| columns.iter().map(move |column| (frame, *column)))
        .map(|(frame, column)| f64::from((one.frame(frame)[column] - two.frame(frame)[column]).abs()))
        .sum();
    sum / (frames * columns.len()).max(1) as f64
}

/// Whether a shape belongs to brows, eyes, cheeks and nose.
pub(crate) fn is_upper(shape: &str) -> bool {
    ["brow", "eye", "cheekSquint", "noseSneer"].iter().any(|part| shape.starts_with(part))
}

/// Whether a shape moves the corners of the mouth.
pub(crate) fn is_corner(shape: &str) -> bool {
    ["mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch"].iter().any(|part| shape.starts_with(part))
}
