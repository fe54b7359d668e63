//! Closing the mouth where nobody speaks.

use super::settings::{SettingError, within};
use super::{Layer, smoothstep};
use esarm_values::Track;

/// Seconds around a moment of which the voice can matter, at the longest settings.
pub const SILENCE_REACH_SECS: f64 = 2.0;
/// The shapes that open or part the lips, then those that lift the upper lip a little and stay, then what takes that
/// back. Corners, brows, cheeks and nose keep their expression.
const SHAPES: [&str; 18] = [
    "jawOpen",
    "jawForward",
    "jawLeft",
    "jawRight",
    "mouthFunnel",
    "mouthPucker",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugUpper",
    "mouthClose",
    "tongueOut",
    "noseSneerLeft",
    "noseSneerRight",
    "mouthShrugLower",
];
/// `mouthShrugLower` for each unit of a sneer: what it takes for the inner lips to meet on a measured head.
const CHIN_PER_SNEER: f32 = 0.36;

/// How the mouth closes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CloseInSilence {
    /// Time before speech in which the mouth may open, in seconds, 0 to 1.
    pub attack_secs: f64,
    /// Time after speech in which the mouth closes, in seconds, 0 to 1.
    pub release_secs: f64,
    /// Pauses shorter than this leave the mouth alone, in seconds, 0 to 1.
    pub shortest_pause_secs: f64,
    /// How far the mouth closes, 0 to 1.
    pub strength: f64,
}

impl Default for CloseInSilence {
    fn default() -> Self {
        Self { attack_secs: 0.12, release_secs: 0.18, shortest_pause_secs: 0.2, strength: 1.0 }
    }
}

/// Takes the shapes that part the lips back to 0 where `voice`, a track whose first channel is above a half where
/// somebody speaks, is silent: down within the release after speech, up within the attack before speech. A voice
/// without frames counts as silence.
pub fn close_in_silence(
    motion: &Track,
    voice: &Track,
    settings: &CloseInSilence,
) -> Result<Track, SettingError> {
    within("attack_secs", settings.attack_secs, 0.0, 1.0)?;
    within("release_secs", settings.release_secs, 0.0, 1.0)?;
    within("shortest_pause_secs", settings.shortest_pause_secs, 0.0, 1.0)?;
    within("strength", settings.strength, 0.0, 1.0)?;
    let speech = Speech::of(voice);
    if SHAPES.iter().all(|shape| motion.channel_index(shape).is_none()) {
        return Ok(motion.clone());
    }
    let layer = Layer::new(motion, &SHAPES);
    let closed = layer.each_frame(|time_secs, shapes: &mut [f32; SHAPES.len()]| {
        let open = 1.0 - (settings.strength * (1.0 - speech.openness(time_secs, settings))) as f32;
        let [openers @ .., left_sneer, right_sneer, chin] = shapes;
        openers.iter_mut().for_each(|weight| *weight *= open);
        *chin = chin.max(CHIN_PER_SNEER * (*left_sneer + *right_sneer) * (1.0 - open));
    });
    Ok(closed)
}

/// Where speech starts and ends, in seconds of clip time.
struct Speech(Vec<(f64, f64)>);

impl Speech {
    fn of(voice: &Track) -> Self {
        let mut runs: Vec<(f64, f64)> = Vec::new();
        if voice.channels().is_empty() {
            return Self(runs);
        }
        for (index, value) in (voice.start_frame()..).zip(voice.channel(0)) {
            let (time, next) = (voice.rate().secs_of(index), voice.rate().secs_of(index + 1));
            match runs.last_mut() {
                Some((_, end)) if value > 0.5 && (*end - time).abs() < 1e-9 => *end = next,
                _ if value > 0.5 => runs.push((time, next)),
                _ => {}
            }
        }
        Self(runs)
    }

    /// How open the mouth may be at a clip time, 0 to 1.
    fn openness(&self, time_secs: f64, settings: &CloseInSilence) -> f64 {
        let next = self.0.partition_point(|(start, _)| *start <= time_secs);
        let since = next.checked_sub(1).map_or(f64::INFINITY, |index| time_secs - self.0[index].1);
        let until = self.0.get(next).map_or(f64::INFINITY, |(start, _)| start - time_secs);
        if since <= 0.0 || since + until < settings.shortest_pause_secs {
            return 1.0;
        }
        let ramp =
            |distance: f64, length: f64| if length > 0.0 { smoothstep(1.0 - distance / length) } else { 0.0 };
        ramp(since, settings.release_secs).max(ramp(until, settings.attack_secs))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_windows_equal, channel, still};
    use super::super::time_of;
    use super::*;
    use esarm_values::FrameRate;

    /// Speech from 1 to 2 s, from 2.1 to 3 s and from 5 to 6 s of 8.
    fn voice() -> Track {
        let speaks = |frame: i32| {
            (100..200).contains(&frame) || (210..300).contains(&frame) || (500..600).contains(&frame)
        };
        let values = (0..800).map(|frame| f32::from(u8::from(speaks(frame)))).collect();
        Track::new(FrameRate::whole(100), vec!["speech".to_owned()], values).unwrap()
    }

    fn open_mouth() -> Track {
        let mut motion = still(60, 8.0);
        motion.values_mut().fill(0.5);
        motion
    }

    #[test]
    fn the_mouth_is_sealed_in_silence_and_free_in_speech() {
        let closed = close_in_silence(&open_mouth(), &voice(), &CloseInSilence::default()).unwrap();
        let jaw = channel(&closed, "jawOpen");
        let at = |secs: f64| jaw[(secs * 60.0) as usize];
        assert_eq!((at(0.5), at(4.0), at(7.5)), (0.0, 0.0, 0.0));
        assert_eq!((at(1.5), at(2.05), at(2.5), at(5.5)), (0.5, 0.5, 0.5, 0.5));
        assert!(at(3.1) > 0.0 && at(3.1) < 0.5 && at(4.95) > 0.0);
        assert_eq!(channel(&closed, "mouthLowerDownLeft"), jaw);
        assert!(channel(&closed, "mouthSmileLeft").iter().all(|weight| *weight == 0.5));
        let jumps = jaw.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(jumps < 0.12, "{jumps}");
    }

    #[test]
    fn a_sneer_does_not_part_silent_lips() {
        let closed = close_in_silence(&open_mouth(), &voice(), &CloseInSilence::default()).unwrap();
        let (sneer, close) = (channel(&closed, "noseSneerLeft"), channel(&closed, "mouthClose"));
        assert_eq!((sneer[30], close[30], close[90]), (0.5, 0.0, 0.5));
        let sneers = ["noseSneerLeft", "noseSneerRight"].map(str::to_owned).to_vec();
        let sneering = Track::new(FrameRate::whole(60), sneers, vec![0.5; 2 * 480]).unwrap();
        let closed = close_in_silence(&sneering, &voice(), &CloseInSilence::default()).unwrap();
        let chin = channel(&closed, "mouthShrugLower");
        assert_eq!((chin[30], chin[90]), (CHIN_PER_SNEER, 0.0));
    }

    #[test]
    fn half_strength_closes_half() {
        let settings = CloseInSilence { strength: 0.5, ..CloseInSilence::default() };
        let closed = close_in_silence(&open_mouth(), &voice(), &settings).unwrap();
        assert_eq!(channel(&closed, "jawOpen")[0], 0.25);
    }

    #[test]
    fn windows_equal_the_whole() {
        let layer = |motion: &Track| {
            let (start, end) = time_of(motion);
            let frame = |secs: f64| (secs * 100.0).round() as i64;
            let heard = voice().window(frame(start - SILENCE_REACH_SECS), frame(end + SILENCE_REACH_SECS));
            close_in_silence(motion, &heard, &CloseInSilence::default()).unwrap()
        };
        assert_windows_equal(&open_mouth(), layer, 0.0);
    }

    #[test]
    fn odd_inputs_are_fine() {
        let empty = Track::new(FrameRate::whole(100), Vec::new(), Vec::new()).unwrap();
        let closed = close_in_silence(&open_mouth(), &empty, &CloseInSilence::default()).unwrap();
        assert!(channel(&closed, "jawOpen").iter().all(|weight| *weight == 0.0));
        let brows = Track::new(FrameRate::whole(30), vec!["browInnerUp".to_owned()], vec![0.3; 9]).unwrap();
        assert_eq!(close_in_silence(&brows, &voice(), &CloseInSilence::default()).unwrap(), brows);
        let bad = CloseInSilence { release_secs: -1.0, ..CloseInSilence::default() };
        assert!(close_in_silence(&brows, &voice(), &bad).unwrap_err().to_string().contains("release_secs"));
    }
}
