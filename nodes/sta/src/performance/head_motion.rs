//! Head motion: slow sway, nods on accents, and the posture of emotions.
//!
//! Heads of talkers move by a few degrees, mostly below 2 Hz, and their nods fall on pitch and loudness accents
//! (Munhall et al. 2004; Busso et al. 2007, who also find more motion in anger and happiness than in sadness). The
//! shipped takes hold no head motion, so these numbers are the literature's.

use super::accents::{ACCENT_REACH_SECS, Accent, accents};
use super::noise::smooth_noise;
use super::settings::{SettingError, within};
use super::{Layer, by_emotion, time_of};
use esarm_kernels::random::Random;
use esarm_values::{EMOTIONS, Emotion, Track};

/// Seconds around a moment of which prosody and emotion can matter to the head.
pub const HEAD_REACH_SECS: f64 = ACCENT_REACH_SECS + NOD_BEFORE_SECS + NOD_AFTER_SECS;
/// Deviations of yaw, pitch and roll while swaying, in degrees.
const SWAY_DEG: [f64; 3] = [2.2, 1.2, 1.0];
/// Periods of the slow and the quick part of the sway, in seconds, and the share of the quick one.
const SWAY_PERIODS_SECS: (f64, f64) = (2.8, 0.9);
const QUICK_SHARE: f64 = 0.25;
/// Depth of a nod on a full accent, in degrees.
const NOD_DEG: f64 = 3.2;
/// How long before its accent a nod starts and after it the head is back, in seconds.
const NOD_BEFORE_SECS: f64 = 0.18;
const NOD_AFTER_SECS: f64 = 0.42;
/// Yaw, pitch and roll in degrees at which emotions hold the head, in the order of [`EMOTIONS`]: pitch is positive
/// downwards, roll towards the right shoulder.
const POSTURE_DEG: [[f64; EMOTIONS.len()]; 3] = [
    [0.0, 0.0, -1.0, 0.0, 1.0, 3.5, 0.0, 2.0],
    [0.0, -1.5, 6.5, 4.5, -2.0, -1.0, -3.5, -3.5],
    [0.0, 1.5, 1.5, 0.0, 0.0, -1.5, 0.0, 4.5],
];
/// How lively heads move in each emotion, relative to neutral.
const LIVELINESS: [f64; EMOTIONS.len()] = [1.0, 1.35, 0.55, 1.4, 1.1, 0.9, 1.1, 0.8];
/// Farthest turn that is added on each axis, in degrees; approached softly.
const LIMIT_DEG: f64 = 14.0;
/// Sets these draws apart.
const STREAM: u64 = 0x6865_6164;

/// How a head moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadMotion {
    /// Factor on the sway, 0 to 3.
    pub sway: f64,
    /// Factor on nods, 0 to 3.
    pub nods: f64,
    /// Factor on the posture of emotions, 0 to 2.
    pub posture: f64,
}

impl Default for HeadMotion {
    fn default() -> Self {
        Self { sway: 1.0, nods: 1.0, posture: 1.0 }
    }
}

/// A nod on an accent.
#[derive(Clone, Copy, Debug)]
struct Nod {
    time_secs: f64,
    /// Yaw, pitch and roll at its deepest, in degrees.
    turn_deg: [f64; 3],
}

/// Adds head rotations in radians to a motion. `prosody` is a track as for [`accents`]; without it the head does not
/// nod.
pub fn add_head_motion(
    motion: &Track,
    settings: &HeadMotion,
    emotion: Option<&Emotion>,
    prosody: Option<&Track>,
    seed: u64,
) -> Result<Track, SettingError> {
    within("sway", settings.sway, 0.0, 3.0)?;
    within("nods", settings.nods, 0.0, 3.0)?;
    within("posture", settings.posture, 0.0, 2.0)?;
    let random = Random::new(seed, STREAM);
    let (start, end) = time_of(motion);
    let heard =
        prosody.map_or(Vec::new(), |prosody| accents(prosody, start - NOD_AFTER_SECS, end + NOD_BEFORE_SECS));
    let nods: Vec<Nod> = heard.iter().map(|accent| nod(random, accent)).collect();
    let layer = Layer::new(motion, &["headYaw", "headPitch", "headRoll"]);
    Ok(layer.each_frame(|time_secs, turns: &mut [f32; 3]| {
        let lively = by_emotion(emotion, time_secs, &LIVELINESS);
        for axis in 0..3 {
            let sway = SWAY_DEG[axis] * sway(random.split(axis as u64), time_secs);
            let moved = lively * (settings.sway * sway + settings.nods * nodded(&nods, axis, time_secs));
            let posture = settings.posture * by_emotion(emotion, time_secs, &POSTURE_DEG[axis]);
            // What the motion brings, such as a captured head, stays as it is.
            turns[axis] += limited(moved + posture).to_radians() as f32;
        }
    }))
}

/// Sway of one axis with a deviation near 1.
fn sway(random: Random, time_secs: f64) -> f64 {
    let (slow, quick) = SWAY_PERIODS_SECS;
    let part = |label: u64, period: f64| smooth_noise(random.split(label), period, time_secs);
    ((1.0 - QUICK_SHARE) * part(0, slow) + QUICK_SHARE * part(1, quick)) / 0.45
}

/// The nod on an accent: mostly down, at times up, with a little turn. Its draws are keyed by its time.
fn nod(random: Random, accent: &Accent) -> Nod {
    let draws = random.split(1000 + (accent.time_secs * 100.0).round().abs() as u64);
    let [depth, yaw, roll, _] = draws.normals(0).map(f64::from);
    let direction = if draws.uniform(1) < 0.82 { 1.0 } else { -0.6 };
    let depth = NOD_DEG * accent.strength * direction * (1.0 + 0.25 * depth).clamp(0.4, 1.7);
    Nod {
        time_secs: accent.time_secs,
        turn_deg: [0.3 * NOD_DEG * accent.strength * yaw, depth, 0.15 * depth * roll],
    }
}

fn nodded(nods: &[Nod], axis: usize, time_secs: f64) -> f64 {
    let first = nods.partition_point(|nod| nod.time_secs < time_secs - NOD_AFTER_SECS);
    let near = nods[first..].iter().take_while(|nod| nod.time_secs <= time_secs + NOD_BEFORE_SECS);
    near.map(|nod| nod.turn_deg[axis] * nod_shape(time_secs - nod.time_secs)).sum()
}

/// Course of a nod: deepest on the accent, slower back than down, still at both ends.
fn nod_shape(since_secs: f64) -> f64 {
    let length = if since_secs < 0.0 { NOD_BEFORE_SECS } else { NOD_AFTER_SECS };
    let rest = 1.0 - since_secs.abs() / length;
    super::smoothstep(rest)
}

/// The same turn for small ones, never beyond [`LIMIT_DEG`].
fn limited(turn_deg: f64) -> f64 {
    LIMIT_DEG * (turn_deg / LIMIT_DEG).tanh()
}

#[cfg(test)]
mod tests {
    use super::super::accents::tests::spoken;
    use super::super::testing::{assert_windows_equal, channel, emotion, still};
    use super::*;

    fn moved(motion: &Track, emotion: Option<&Emotion>, prosody: Option<&Track>) -> Track {
        add_head_motion(motion, &HeadMotion::default(), emotion, prosody, 11).unwrap()
    }

    fn deviation(values: &[f32]) -> f32 {
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        (values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / values.len() as f32)
            .sqrt()
            .to_degrees()
    }

    #[test]
    fn heads_sway_by_a_few_degrees() {
        let head = moved(&still(60, 300.0), None, None);
        for (name, range) in [("headYaw", 1.4..3.2), ("headPitch", 0.8..1.8), ("headRoll", 0.6..1.6)] {
            let values = channel(&head, name);
            assert!(range.contains(&deviation(&values)), "{name} {}", deviation(&values));
            assert!(values.iter().all(|turn| turn.abs().to_degrees() < LIMIT_DEG as f32));
            let fastest = values
                .windows(2)
                .map(|pair| (pair[1] - pair[0]).abs().to_degrees() * 60.0)
                .fold(0.0, f32::max);
            assert!(fastest < 40.0, "{name} turns at {fastest} degrees a second");
        }
    }

    #[test]
    fn nods_fall_on_accents() {
        let settings = HeadMotion { sway: 0.0, ..HeadMotion::default() };
        let prosody = spoken(6.0, &[1.5, 3.5]);
        let head = add_head_motion(&still(60, 6.0), &settings, None, Some(&prosody), 1).unwrap();
        let pitch: Vec<f32> =
            channel(&head, "headPitch").iter().map(|turn| turn.abs().to_degrees()).collect();
        assert!(pitch[60] < 0.2 && pitch[150] < 0.2);
        assert!(pitch[90] > 0.8 && pitch[210] > 0.8, "{} {}", pitch[90], pitch[210]);
    }

    #[test]
    fn postures_tell_emotions_apart() {
        let mean = |name: &str, axis: &str| {
            let head = moved(&still(30, 120.0), Some(&emotion(name)), None);
            channel(&head, axis).iter().sum::<f32>().to_degrees() / 3600.0
        };
        assert!(mean("sad", "headPitch") > 4.0 && mean("angry", "headPitch") > 3.0);
        assert!(mean("contempt", "headRoll") > 3.0 && mean("contempt", "headPitch") < -2.0);
        assert!(mean("neutral", "headPitch").abs() < 1.0);
    }

    #[test]
    fn turns_that_are_there_already_stay() {
        let mut turned = still(60, 1.0);
        turned
            .values_mut()
            .iter_mut()
            .enumerate()
            .for_each(|(index, value)| *value = (index % 61) as f32 / 80.0);
        let nothing = HeadMotion { sway: 0.0, nods: 0.0, posture: 0.0 };
        let same = add_head_motion(&turned, &nothing, Some(&emotion("sad")), None, 3).unwrap();
        assert_eq!(same, turned);
    }

    #[test]
    fn windows_equal_the_whole() {
        let prosody = spoken(130.0, &[3.0, 20.0, 43.3, 44.0, 64.9, 100.0, 129.5]);
        let layer = |motion: &Track| {
            let (start, end) = time_of(motion);
            let reach = |secs: f64| (secs * 100.0) as i64;
            let heard = prosody.window(reach(start - HEAD_REACH_SECS), reach(end + HEAD_REACH_SECS));
            moved(motion, None, Some(&heard))
        };
        assert_windows_equal(&still(60, 130.0), layer, 0.0);
    }

    #[test]
    fn settings_are_checked() {
        let error = add_head_motion(
            &still(60, 1.0),
            &HeadMotion { nods: 9.0, ..HeadMotion::default() },
            None,
            None,
            1,
        );
        assert!(error.unwrap_err().to_string().contains("nods"));
    }
}
