//! What each emotion does to a face: peak weights of shapes at intensity 1, and how it lives with the voice.
//!
//! The rows start from the action units of EMFACS (Friesen and Ekman, 1983), translated to ARKit shapes. They are the
//! targets from which the expression network is trained and can be used as static poses.

/// One emotion's face.
#[derive(Clone, Copy, Debug)]
pub struct EmotionPreset {
    /// Name, as in [`esarm_values::EMOTIONS`].
    pub name: &'static str,
    /// Shapes held as long as the emotion lasts, with their peak weights. A name without a side stands for both.
    pub held: &'static [(&'static str, f32)],
    /// Shapes that flash on accents of the voice, with their weights at the strongest accent.
    pub accents: &'static [(&'static str, f32)],
    /// Relative change of the jaw's opening in speech.
    pub jaw_gain: f32,
    /// Share of the held weights that stays when the voice rests; the rest follows the voice's energy.
    pub rest_share: f32,
}

/// One row per emotion, in the order of [`esarm_values::EMOTIONS`].
pub const PRESETS: [EmotionPreset; 8] = [
    EmotionPreset {
        name: "neutral",
        held: &[],
        accents: &[("browInnerUp", 0.14), ("browOuterUp", 0.12)],
        jaw_gain: 0.0,
        rest_share: 1.0,
    },
    EmotionPreset {
        name: "happy",
        held: &[
            ("mouthSmile", 0.68),
            ("cheekSquint", 0.62),
            ("eyeSquint", 0.3),
            ("mouthDimple", 0.16),
            ("mouthUpperUp", 0.1),
            ("browOuterUp", 0.12),
        ],
        accents: &[("browInnerUp", 0.2), ("browOuterUp", 0.3), ("mouthSmile", 0.12)],
        jaw_gain: 0.1,
        rest_share: 0.82,
    },
    EmotionPreset {
        name: "sad",
        held: &[
            ("browInnerUp", 0.85),
            ("browDown", 0.16),
            ("mouthFrown", 0.68),
            ("mouthShrugLower", 0.34),
            ("eyeBlink", 0.3),
            ("eyeSquint", 0.12),
            ("mouthStretch", 0.08),
        ],
        accents: &[("browInnerUp", 0.12)],
        jaw_gain: -0.12,
        rest_share: 0.92,
    },
    EmotionPreset {
        name: "angry",
        held: &[
            ("browDown", 0.95),
            ("eyeSquint", 0.5),
            ("eyeWide", 0.3),
            ("noseSneer", 0.3),
            ("mouthPress", 0.42),
            ("mouthFrown", 0.24),
            ("jawForward", 0.18),
            ("mouthRollLower", 0.12),
            ("mouthLowerDown", 0.12),
        ],
        accents: &[("browDown", 0.1), ("noseSneer", 0.2), ("mouthLowerDown", 0.15), ("mouthUpperUp", 0.1)],
        jaw_gain: 0.12,
        rest_share: 0.85,
    },
    EmotionPreset {
        name: "fear",
        held: &[
            ("browInnerUp", 0.9),
            ("browOuterUp", 0.3),
            ("browDown", 0.3),
            ("eyeWide", 0.85),
            ("mouthStretch", 0.6),
            ("mouthFrown", 0.2),
            ("jawOpen", 0.06),
            ("mouthLowerDown", 0.12),
        ],
        accents: &[("eyeWide", 0.12), ("mouthStretch", 0.15)],
        jaw_gain: -0.05,
        rest_share: 0.9,
    },
    EmotionPreset {
        name: "disgust",
        held: &[
            ("noseSneer", 0.9),
            ("mouthUpperUp", 0.4),
            ("browDown", 0.42),
            ("mouthFrown", 0.38),
            ("eyeSquint", 0.42),
            ("cheekSquint", 0.38),
            ("mouthShrugLower", 0.22),
        ],
        accents: &[("noseSneer", 0.1), ("mouthUpperUp", 0.15)],
        jaw_gain: -0.08,
        rest_share: 0.85,
    },
    EmotionPreset {
        name: "surprise",
        held: &[
            ("browInnerUp", 0.75),
            ("browOuterUp", 0.95),
            ("eyeWide", 0.72),
            ("jawOpen", 0.14),
            ("mouthFunnel", 0.06),
        ],
        accents: &[("browOuterUp", 0.1), ("eyeWide", 0.15), ("jawOpen", 0.06)],
        jaw_gain: 0.25,
        rest_share: 0.78,
    },
    EmotionPreset {
        name: "contempt",
        held: &[
            ("mouthSmileRight", 0.46),
            ("mouthDimpleRight", 0.72),
            ("mouthPressRight", 0.3),
            ("mouthRight", 0.16),
            ("eyeSquint", 0.22),
            ("eyeBlink", 0.12),
            ("browOuterUpLeft", 0.42),
            ("browDownRight", 0.25),
            ("noseSneerRight", 0.14),
        ],
        accents: &[("browOuterUpLeft", 0.2), ("mouthDimpleRight", 0.15)],
        jaw_gain: -0.06,
        rest_share: 0.9,
    },
];

/// The ARKit names behind a name of a preset: itself, or its left and right shape.
pub fn sided_names(name: &str) -> Vec<String> {
    if esarm_values::arkit_index(name).is_some() {
        vec![name.to_owned()]
    } else {
        vec![format!("{name}Left"), format!("{name}Right")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::channels::expression_index;

    #[test]
    fn every_name_is_an_expression_channel() {
        for (preset, emotion) in PRESETS.iter().zip(esarm_values::EMOTIONS) {
            assert_eq!(preset.name, emotion);
            for (name, weight) in preset.held.iter().chain(preset.accents) {
                assert!((0.0..=1.0).contains(weight));
                for sided in sided_names(name) {
                    assert!(expression_index(&sided).is_some(), "{}: {sided}", preset.name);
                }
            }
        }
    }
}
