//! The 52 ARKit blendshapes and the head and eye rotations that travel with them.

/// The ARKit blendshapes in alphabetical order (Apple's `ARFaceAnchor.BlendShapeLocation`).
pub const ARKIT_SHAPES: [&str; 52] = [
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
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
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
];

/// Head and eye rotations in radians, as Live Link Face names them: yaw is positive to the subject's right, pitch
/// is positive downwards, roll is positive towards the subject's right shoulder.
pub const HEAD_CHANNELS: [&str; 9] = [
    "headYaw",
    "headPitch",
    "headRoll",
    "leftEyeYaw",
    "leftEyePitch",
    "leftEyeRoll",
    "rightEyeYaw",
    "rightEyePitch",
    "rightEyeRoll",
];

/// The channels of a full motion: [`ARKIT_SHAPES`] then [`HEAD_CHANNELS`].
pub const MOTION_CHANNELS: [&str; 61] = {
    let mut names = [""; 61];
    let mut index = 0;
    while index < 61 {
        names[index] = if index < 52 { ARKIT_SHAPES[index] } else { HEAD_CHANNELS[index - 52] };
        index += 1;
    }
    names
};

/// Position in [`ARKIT_SHAPES`] by name, ignoring case.
pub fn arkit_index(name: &str) -> Option<usize> {
    ARKIT_SHAPES.iter().position(|shape| shape.eq_ignore_ascii_case(name))
}

/// The name of the same shape on the other side of the face; shapes without a side are their own mirror.
pub fn mirrored_name(name: &str) -> String {
    if let Some(stem) = name.strip_suffix("Left") {
        format!("{stem}Right")
    } else if let Some(stem) = name.strip_suffix("Right") {
        format!("{stem}Left")
    } else if let Some(rest) = name.strip_prefix("leftEye") {
        format!("rightEye{rest}")
    } else if let Some(rest) = name.strip_prefix("rightEye") {
        format!("leftEye{rest}")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_sorted_and_mirrors_are_mutual() {
        assert!(ARKIT_SHAPES.is_sorted());
        for name in MOTION_CHANNELS {
            let mirror = mirrored_name(name);
            assert!(MOTION_CHANNELS.contains(&mirror.as_str()), "{name} mirrors to unknown {mirror}");
            assert_eq!(mirrored_name(&mirror), name);
        }
    }
}
