//! Gaze: fixations and saccades around a point of interest, and eyes that stay on it while the head moves.
//!
//! Saccades follow the main sequence: their duration grows linearly with their size, 21 ms plus 2.2 ms per degree
//! (Bahill, Clark and Stark 1975). While talking, the eyes rest mostly on the listener and look away now and then
//! (Lee, Badler and Badler 2002). Shapes and rotations are written together; their ratio is what face captures show.

use super::events::{Event, Intervals};
use super::noise::smooth_noise;
use super::settings::{SettingError, within};
use super::{Layer, by_emotion, time_of};
use esarm_kernels::random::Random;
use esarm_values::{EMOTIONS, Emotion, Track};
use std::f64::consts::TAU;

/// How long fixations last: median and deviation of the logarithm, shortest and longest, in seconds.
const FIXATIONS: Intervals =
    Intervals { median_secs: 0.75, log_deviation: 0.65, shortest_secs: 0.2, longest_secs: 6.0 };
/// Share of fixations on the point of interest, and of those that look away far.
const SHARES: (f32, f32) = (0.62, 0.13);
/// Deviation on the point of interest, and range of short and far looks, in degrees.
const ON_POINT_DEG: f64 = 0.6;
const NEAR_DEG: (f32, f32) = (1.2, 4.0);
const FAR_DEG: (f32, f32) = (5.0, 11.0);
/// How far looks go in each emotion, relative to neutral, in the order of [`EMOTIONS`].
const SIZE_BY_EMOTION: [f64; EMOTIONS.len()] = [1.0, 1.0, 0.8, 0.55, 1.45, 1.1, 0.8, 0.9];
/// Where eyes rest in each emotion, in degrees downwards.
const PITCH_BY_EMOTION: [f64; EMOTIONS.len()] = [0.0, 0.0, 5.0, 0.0, 0.0, 2.0, -0.5, 1.0];
/// Drift during fixations, in degrees, and its period in seconds.
const DRIFT_DEG: f64 = 0.12;
const DRIFT_PERIOD_SECS: f64 = 0.35;
/// Shape weight per radian of rotation, measured on real captures, where it is the same for all of them.
const WEIGHT_DOWN: f32 = 1.64;
const WEIGHT_UP: f32 = 2.35;
const WEIGHT_IN: f32 = 1.65;
const WEIGHT_OUT: f32 = 1.72;
/// Farthest rotation that the shapes can show, in radians.
const MAX_TURN: f64 = 0.42;
/// Sets these draws apart.
const STREAM: u64 = 0x6761_7a65;
/// The channels that are read and written, see [`add_gaze`].
const CHANNELS: [&str; 14] = [
    "eyeLookDownLeft",
    "eyeLookUpLeft",
    "eyeLookInLeft",
    "eyeLookOutLeft",
    "eyeLookDownRight",
    "eyeLookUpRight",
    "eyeLookInRight",
    "eyeLookOutRight",
    "leftEyeYaw",
    "leftEyePitch",
    "rightEyeYaw",
    "rightEyePitch",
    "headYaw",
    "headPitch",
];

/// How somebody looks around.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaze {
    /// Factor on how far looks go, 0 to 3; 0 leaves only the turn against the head.
    pub amount: f64,
    /// How much of the head's turn the eyes undo, so that they stay on the point of interest, 0 to 1.
    pub stabilise: f64,
}

impl Default for Gaze {
    fn default() -> Self {
        Self { amount: 1.0, stabilise: 0.8 }
    }
}

/// A direction of the eyes in radians: yaw to the subject's right, pitch downwards.
#[derive(Clone, Copy, Debug, Default)]
struct Direction {
    yaw: f64,
    pitch: f64,
}

/// Adds gaze to a motion: the `eyeLook` shapes and the eye rotations turn together by the same angle from where they
/// stand; head rotations are read.
pub fn add_gaze(
    motion: &Track,
    settings: &Gaze,
    emotion: Option<&Emotion>,
    seed: u64,
) -> Result<Track, SettingError> {
    within("amount", settings.amount, 0.0, 3.0)?;
    within("stabilise", settings.stabilise, 0.0, 1.0)?;
    let (start, end) = time_of(motion);
    let random = Random::new(seed, STREAM);
    let looks: Vec<(f64, Direction)> = FIXATIONS
        .events(random, start - 2.5 * FIXATIONS.longest_secs, end)
        .iter()
        .map(|event| (event.time_secs, look(event)))
        .collect();
    Ok(Layer::new(motion, &CHANNELS).each_frame(|time_secs, values: &mut [f32; CHANNELS.len()]| {
        let size = settings.amount * by_emotion(emotion, time_secs, &SIZE_BY_EMOTION);
        let look = look_at(&looks, time_secs);
        let drift = |label: u64| DRIFT_DEG * smooth_noise(random.split(label), DRIFT_PERIOD_SECS, time_secs);
        let rest = settings.amount.min(1.0) * by_emotion(emotion, time_secs, &PITCH_BY_EMOTION);
        let head = [values[12], values[13]].map(|turn| settings.stabilise * f64::from(turn));
        turn_eyes(
            values,
            Direction {
                yaw: (size * (look.yaw + drift(1))).to_radians() - head[0],
                pitch: (size * (look.pitch + drift(2)) + rest).to_radians() - head[1],
            },
        );
    }))
}

/// Where an event sends the eyes, in degrees.
fn look(event: &Event) -> Direction {
    let [choice, angle, size, _] = event.random.uniforms(0);
    let (on_point, far) = SHARES;
    if choice < on_point {
        let [yaw, pitch, ..] = event.random.normals(1).map(f64::from);
        return Direction { yaw: ON_POINT_DEG * yaw, pitch: ON_POINT_DEG * pitch };
    }
    let (low, high) = if choice > 1.0 - far { FAR_DEG } else { NEAR_DEG };
    let radius = f64::from(low + (high - low) * size);
    // People look aside more than up or down.
    let (sine, cosine) = (TAU * f64::from(angle)).sin_cos();
    Direction { yaw: radius * cosine, pitch: 0.6 * radius * sine }
}

/// The direction in degrees at a clip time: of the last look, or on the way to it.
fn look_at(looks: &[(f64, Direction)], time_secs: f64) -> Direction {
    let next = looks.partition_point(|(start_secs, _)| *start_secs <= time_secs);
    let Some((start_secs, to)) = next.checked_sub(1).map(|index| looks[index]) else {
        return Direction::default();
    };
    let from = next.checked_sub(2).map_or(Direction::default(), |index| looks[index].1);
    let size = (to.yaw - from.yaw).hypot(to.pitch - from.pitch);
    let duration = 0.021 + 0.0022 * size;
    let done = ((time_secs - start_secs) / duration).min(1.0);
    // A minimum-jerk course.
    let share = done * done * done * (10.0 + done * (6.0 * done - 15.0));
    Direction {
        yaw: from.yaw + (to.yaw - from.yaw) * share,
        pitch: from.pitch + (to.pitch - from.pitch) * share,
    }
}

/// Turns both eyes by `turn` from where their shapes say they stand.
fn turn_eyes(values: &mut [f32; CHANNELS.len()], turn: Direction) {
    for (eye, right) in [(0, false), (4, true)] {
        let shapes = &values[eye..eye + 4];
        let inward = f64::from(shapes[2] / WEIGHT_IN - shapes[3] / WEIGHT_OUT);
        let pitch = f64::from(shapes[0] / WEIGHT_DOWN - shapes[1] / WEIGHT_UP) + turn.pitch;
        // The left eye turns in towards the subject's right, which is positive yaw; the right eye the other way.
        let sign = if right { -1.0 } else { 1.0 };
        let (yaw, pitch) =
            ((sign * inward + turn.yaw).clamp(-MAX_TURN, MAX_TURN), pitch.clamp(-MAX_TURN, MAX_TURN));
        let (inward, down) = ((sign * yaw) as f32, pitch as f32);
        values[eye] = (WEIGHT_DOWN * down).max(0.0);
        values[eye + 1] = (-WEIGHT_UP * down).clamp(0.0, 1.0);
        values[eye + 2] = (WEIGHT_IN * inward).max(0.0);
        values[eye + 3] = (-WEIGHT_OUT * inward).max(0.0);
        let rotation = if right { 10 } else { 8 };
        values[rotation] = yaw as f32;
        values[rotation + 1] = pitch as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_windows_equal, channel, emotion, still};
    use super::*;

    fn gaze(motion: &Track, seed: u64) -> Track {
        add_gaze(motion, &Gaze::default(), None, seed).unwrap()
    }

    #[test]
    fn shapes_and_rotations_agree() {
        let moved = gaze(&still(60, 120.0), 2);
        let [down, up, pitch, inward, outward, yaw] = [
            "eyeLookDownLeft",
            "eyeLookUpLeft",
            "leftEyePitch",
            "eyeLookInLeft",
            "eyeLookOutLeft",
            "leftEyeYaw",
        ]
        .map(|name| channel(&moved, name));
        for frame in 0..down.len() {
            assert!((down[frame] / WEIGHT_DOWN - up[frame] / WEIGHT_UP - pitch[frame]).abs() < 1e-5);
            assert!((inward[frame] / WEIGHT_IN - outward[frame] / WEIGHT_OUT - yaw[frame]).abs() < 1e-5);
            assert!(down[frame] == 0.0 || up[frame] == 0.0);
        }
        assert!(yaw.iter().any(|yaw| *yaw > 0.05) && yaw.iter().any(|yaw| *yaw < -0.05));
        let resting = yaw.iter().filter(|yaw| yaw.abs() < 0.035).count() as f64 / yaw.len() as f64;
        assert!((0.5..0.95).contains(&resting), "{resting}");
    }

    #[test]
    fn both_eyes_look_the_same_way() {
        let moved = gaze(&still(60, 20.0), 5);
        assert_eq!(channel(&moved, "leftEyeYaw"), channel(&moved, "rightEyeYaw"));
        assert_eq!(channel(&moved, "leftEyePitch"), channel(&moved, "rightEyePitch"));
    }

    #[test]
    fn saccades_are_fast_and_fixations_still() {
        let moved = gaze(&still(240, 60.0), 8);
        let yaw = channel(&moved, "leftEyeYaw");
        let speeds: Vec<f32> =
            yaw.windows(2).map(|pair| (pair[1] - pair[0]).abs().to_degrees() * 240.0).collect();
        let still = speeds.iter().filter(|speed| **speed < 5.0).count() as f64 / speeds.len() as f64;
        assert!(still > 0.9, "{still}");
        let fastest = speeds.iter().copied().fold(0.0, f32::max);
        assert!((60.0..600.0).contains(&fastest), "{fastest}");
    }

    #[test]
    fn eyes_stay_on_the_point_while_the_head_turns() {
        let mut motion = still(60, 1.0);
        let head = motion.channel_index("headYaw").unwrap();
        motion.values_mut().chunks_exact_mut(61).for_each(|frame| frame[head] = 0.2);
        let moved = add_gaze(&motion, &Gaze { amount: 0.0, stabilise: 1.0 }, None, 1).unwrap();
        assert!(channel(&moved, "leftEyeYaw").iter().all(|yaw| (yaw + 0.2).abs() < 1e-6));
        assert_eq!(channel(&moved, "headYaw"), channel(&motion, "headYaw"));
    }

    #[test]
    fn sadness_looks_down() {
        let pitch = |emotion: Option<&Emotion>| -> f32 {
            let moved = add_gaze(&still(30, 60.0), &Gaze::default(), emotion, 1).unwrap();
            channel(&moved, "leftEyePitch").iter().sum::<f32>() / 1800.0
        };
        assert!(pitch(Some(&emotion("sad"))) > pitch(None) + 0.05);
    }

    #[test]
    fn windows_equal_the_whole() {
        assert_windows_equal(&still(60, 130.0), |motion| gaze(motion, 3), 0.0);
        assert_ne!(gaze(&still(60, 10.0), 1), gaze(&still(60, 10.0), 2));
        assert!(add_gaze(&still(60, 1.0), &Gaze { amount: f64::NAN, ..Gaze::default() }, None, 0).is_err());
    }
}
