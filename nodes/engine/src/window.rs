//! Parts of clips: which part of an input a part of an output needs, and how values are cut.

use crate::TimeWindow;
use esarm_graph::{PortType, TimeSupport};
use esarm_values::{Audio, Emotion, FrameRate, Take, Track, Value};
use std::sync::Arc;

/// Added around every window that an input must cover, so that rounding of times never costs a frame.
const ROUNDING_SECS: f64 = 1e-6;

/// Emotions are read between their frames at any rate, so a node gets this much more of them on either side: with 10
/// frames per second or more, the neighbours that interpolation needs are there.
const EMOTION_MARGIN_SECS: f64 = 0.1;

impl TimeWindow {
    /// The smallest window that holds both.
    pub(crate) fn hull(self, other: Self) -> Self {
        Self {
            start_secs: self.start_secs.min(other.start_secs),
            end_secs: self.end_secs.max(other.end_secs),
        }
    }

    fn widened(self, before_secs: f64, after_secs: f64) -> Self {
        Self { start_secs: (self.start_secs - before_secs).max(0.0), end_secs: self.end_secs + after_secs }
    }
}

/// The part of an input that a node needs for a part of its output; `None` is the whole clip.
pub(crate) fn needed_input(
    output: Option<TimeWindow>,
    support: TimeSupport,
    port_type: PortType,
) -> Option<TimeWindow> {
    let (before_secs, after_secs) = match support {
        TimeSupport::Whole => return None,
        TimeSupport::Pointwise => (0.0, 0.0),
        TimeSupport::Window { before_secs, after_secs } => (before_secs, after_secs),
    };
    let margin = if port_type == PortType::Emotion { EMOTION_MARGIN_SECS } else { 0.0 } + ROUNDING_SECS;
    output.map(|window| window.widened(before_secs + margin, after_secs + margin))
}

/// The part of a value that lies in a window; values without time are whole in every window.
///
/// A window that starts at 0 also keeps what lies before. A track with nothing inside keeps its nearest frame, since
/// a track holds its ends: a constant emotion is one frame that counts everywhere.
pub(crate) fn crop(value: Value, window: TimeWindow) -> Value {
    match value {
        Value::Audio(audio) => Value::Audio(crop_audio(audio, window)),
        Value::Features(track) => Value::Features(crop_track(track, window)),
        Value::Motion(track) => Value::Motion(crop_track(track, window)),
        Value::Emotion(emotion) => Value::Emotion(crop_emotion(emotion, window)),
        Value::Takes(takes) => {
            let cropped =
                |take: &Take| Take { motion: crop_track(take.motion.clone(), window), ..take.clone() };
            Value::Takes(Arc::new(takes.iter().map(cropped).collect()))
        }
        timeless @ (Value::Rig(_) | Value::Number(_) | Value::Text(_) | Value::File(_)) => timeless,
    }
}

fn crop_audio(audio: Arc<Audio>, window: TimeWindow) -> Arc<Audio> {
    let (first, last) = indices(window, f64::from(audio.sample_rate_hz));
    let covers = first <= audio.start_sample && audio.start_sample + audio.samples.len() as i64 <= last;
    if covers { audio } else { Arc::new(audio.window(first, last)) }
}

fn crop_track(track: Arc<Track>, window: TimeWindow) -> Arc<Track> {
    match frames_inside(&track, window) {
        None => track,
        Some((first, last)) => Arc::new(track.window(first, last)),
    }
}

fn crop_emotion(emotion: Arc<Emotion>, window: TimeWindow) -> Arc<Emotion> {
    match frames_inside(emotion.track(), window) {
        None => emotion,
        Some((first, last)) => Arc::new(emotion.window(first, last)),
    }
}

/// The clip indices of the frames to keep, or `None` when that is all of them.
fn frames_inside(track: &Track, window: TimeWindow) -> Option<(i64, i64)> {
    let (first, last) = indices(window, FrameRate::frames_per_sec(track.rate()));
    let (start, end) = (track.start_frame(), track.end_frame());
    if start == end || (first <= start && end <= last) {
        None
    } else if end <= first {
        Some((end - 1, end))
    } else if last <= start {
        Some((start, start + 1))
    } else if last <= first {
        Some((first, first + 1))
    } else {
        Some((first, last))
    }
}

/// The first index inside a window and the one after the last. Both ends round alike, so windows that meet neither
/// overlap nor leave a gap; frames within a millionth of a boundary count as on it, as in [`FrameRate::frames_in`].
fn indices(window: TimeWindow, per_sec: f64) -> (i64, i64) {
    let index = |secs: f64| (secs * per_sec - 1e-6).ceil() as i64;
    let first = if window.start_secs > 0.0 { index(window.start_secs) } else { i64::MIN };
    (first, index(window.end_secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start_secs: f64, end_secs: f64) -> TimeWindow {
        TimeWindow { start_secs, end_secs }
    }

    fn motion(start_frame: i64, frames: usize) -> Value {
        let values = (0..frames).map(|index| (start_frame + index as i64) as f32).collect();
        let track = Track::new(FrameRate::whole(10), vec!["a".to_owned()], values).unwrap();
        Value::Motion(Arc::new(track.starting_at(start_frame)))
    }

    #[test]
    fn windows_that_meet_share_no_frame_and_lose_none() {
        let parts = [(0.0, 0.35), (0.35, 0.7), (0.7, 2.0)].map(|(a, b)| crop(motion(0, 12), window(a, b)));
        assert_eq!(parts, [motion(0, 4), motion(4, 3), motion(7, 5)]);
    }

    #[test]
    fn tracks_hold_their_ends() {
        assert_eq!(crop(motion(0, 12), window(5.0, 6.0)), motion(11, 1));
        assert_eq!(crop(motion(30, 5), window(1.0, 2.0)), motion(30, 1));
        let calm = Value::Emotion(Arc::new(Emotion::constant(0, 1.0)));
        assert_eq!(crop(calm.clone(), window(100.0, 101.0)), calm);
    }

    #[test]
    fn audio_outside_is_empty() {
        let audio = Value::Audio(Arc::new(Audio::new("a", 8000, vec![0.5; 800])));
        let Value::Audio(cut) = crop(audio, window(5.0, 6.0)) else { panic!("audio stays audio") };
        assert!(cut.samples.is_empty());
    }

    #[test]
    fn inputs_are_widened_by_what_the_node_needs() {
        let support = TimeSupport::Window { before_secs: 0.5, after_secs: 0.25 };
        let needed = needed_input(Some(window(1.0, 2.0)), support, PortType::Audio).unwrap();
        assert!((needed.start_secs - 0.5).abs() < 1e-5 && (needed.end_secs - 2.25).abs() < 1e-5);
        assert_eq!(needed_input(Some(window(1.0, 2.0)), TimeSupport::Whole, PortType::Audio), None);
        assert_eq!(needed_input(Some(window(0.1, 2.0)), support, PortType::Audio).unwrap().start_secs, 0.0);
    }
}
