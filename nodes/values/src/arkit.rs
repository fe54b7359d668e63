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

/// The head's rotation as a unit quaternion x y z w in a rig's space (Y up, the face looks along +Z): roll first, then
/// pitch, then yaw, in radians and with the signs of [`HEAD_CHANNELS`].
pub fn head_rotation(yaw: f32, pitch: f32, roll: f32) -> [f32; 4] {
    let (sin_yaw, cos_yaw) = (-yaw / 2.0).sin_cos();
    let (sin_pitch, cos_pitch) = (pitch / 2.0).sin_cos();
    let (sin_roll, cos_roll) = (roll / 2.0).sin_cos();
    [
        cos_yaw * sin_pitch * cos_roll + sin_yaw * cos_pitch * sin_roll,
        sin_yaw * cos_pitch * cos_roll - cos_yaw * sin_pitch * sin_roll,
        cos_yaw * cos_pitch * sin_roll - sin_yaw * sin_pitch * cos_roll,
        cos_yaw * cos_pitch * cos_roll + sin_yaw * sin_pitch * sin_roll,
    ]
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

    /// Rotates a vector by a unit quaternion: `v + 2 q x (q x v + w v)`.
    fn rotated([x, y, z, w]: [f32; 4], [a, b, c]: [f32; 3]) -> [f32; 3] {
        let [i, j, k] = [y * c - z * b + w * a, z * a - x * c + w * b, x * b - y * a + w * c];
        [a + 2.0 * (y * k - z * j), b + 2.0 * (z * i - x * k), c + 2.0 * (x * j - y * i)]
    }

    #[test]
    fn the_head_turns_the_way_the_channels_say() {
        let quarter = std::f32::consts::FRAC_PI_2;
        let (up, ahead) = ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0]);
        let close = |a: [f32; 3], b: [f32; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(
            close(rotated(head_rotation(quarter, 0.0, 0.0), ahead), [-1.0, 0.0, 0.0]),
            "yaw to the right"
        );
        assert!(close(rotated(head_rotation(0.0, quarter, 0.0), ahead), [0.0, -1.0, 0.0]), "pitch down");
        assert!(close(rotated(head_rotation(0.0, 0.0, quarter), up), [-1.0, 0.0, 0.0]), "roll to the right");
        assert!(
            close(rotated(head_rotation(quarter, quarter, 0.0), ahead), [0.0, -1.0, 0.0]),
            "pitch before yaw"
        );
        assert!(
            close(rotated(head_rotation(quarter, 0.0, quarter), up), [0.0, 0.0, -1.0]),
            "roll before yaw"
        );
    }
}
