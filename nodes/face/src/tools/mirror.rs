//! Left and right swapped, as in a mirror.

use super::track_of;
use esarm_values::{Track, mirrored_name};

/// Swaps the sides of every channel; turning and leaning of head and eyes change their sign, nodding does not.
///
/// A channel whose other side is missing is given the other side's name, so that nothing is lost.
pub fn mirror(motion: &Track) -> Track {
    let find = |name: &str| motion.channel_index(name);
    let mirrors: Vec<String> = motion.channels().iter().map(|name| mirrored_name(name)).collect();
    let plan: Vec<(String, usize, f32)> = motion
        .channels()
        .iter()
        .zip(&mirrors)
        .enumerate()
        .map(|(column, (name, mirror))| {
            let sign = if changes_sign(name) { -1.0 } else { 1.0 };
            match find(mirror) {
                Some(other) => (name.clone(), other, sign),
                None => (mirror.clone(), column, sign),
            }
        })
        .collect();
    let mut values = Vec::with_capacity(motion.values().len());
    for index in 0..motion.frame_count() {
        let frame = motion.frame(index);
        values.extend(plan.iter().map(|(_, column, sign)| frame[*column] * sign));
    }
    let names = plan.into_iter().map(|(name, ..)| name).collect();
    track_of(motion.rate(), motion.start_frame(), names, values)
}

fn changes_sign(name: &str) -> bool {
    let is_rotation = ["headYaw", "headRoll", "leftEyeYaw", "leftEyeRoll", "rightEyeYaw", "rightEyeRoll"];
    is_rotation.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_values::{FrameRate, MOTION_CHANNELS};

    #[test]
    fn sides_swap_and_twice_is_nothing() {
        let names: Vec<String> = MOTION_CHANNELS.iter().map(|name| (*name).to_owned()).collect();
        let values: Vec<f32> = (0..61 * 3).map(|index| index as f32 / 100.0).collect();
        let motion = track_of(FrameRate::whole(60), -2, names, values);
        let turned = mirror(&motion);
        assert_eq!(turned.channels(), motion.channels());
        let at = |track: &Track, name: &str| track.frame(1)[track.channel_index(name).unwrap()];
        assert_eq!(at(&turned, "mouthSmileLeft"), at(&motion, "mouthSmileRight"));
        assert_eq!(at(&turned, "jawOpen"), at(&motion, "jawOpen"));
        assert_eq!(at(&turned, "headYaw"), -at(&motion, "headYaw"));
        assert_eq!(at(&turned, "headPitch"), at(&motion, "headPitch"));
        assert_eq!(at(&turned, "leftEyeRoll"), -at(&motion, "rightEyeRoll"));
        assert_eq!(at(&turned, "rightEyePitch"), at(&motion, "leftEyePitch"));
        assert_eq!(mirror(&turned), motion);
    }

    #[test]
    fn a_lonely_side_moves_over() {
        let names = vec!["eyeBlinkLeft".to_owned(), "jawOpen".to_owned()];
        let turned = mirror(&track_of(FrameRate::whole(60), 0, names, vec![0.5, 0.25]));
        assert_eq!(**turned.channels(), ["eyeBlinkRight".to_owned(), "jawOpen".to_owned()]);
        assert_eq!(turned.values(), [0.5, 0.25]);
    }
}
