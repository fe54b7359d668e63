//! Which part of each result a run needs, and how long clips are.

use crate::TimeWindow;
use crate::plan::Step;
use crate::window::needed_input;
use esarm_graph::TimeSupport;
use esarm_values::{Track, Value};

/// What is needed of a result.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Need {
    #[default]
    Nothing,
    Part(TimeWindow),
    Whole,
}

impl Need {
    /// Both this and the part `window`, where `None` is the whole clip.
    pub(crate) fn and(self, window: Option<TimeWindow>) -> Self {
        match (self, window) {
            (Self::Whole, _) | (_, None) => Self::Whole,
            (Self::Nothing, Some(part)) => Self::Part(part),
            (Self::Part(first), Some(second)) => Self::Part(first.hull(second)),
        }
    }

    /// The part to make of a step's result: a step that needs the whole clip gives it, too, and whoever takes it cuts
    /// out a part. `Some(None)` is the whole, `None` is nothing.
    pub(crate) fn part_to_make(self, step: &Step<'_>) -> Option<Option<TimeWindow>> {
        match self {
            Self::Nothing => None,
            Self::Part(window) if step.time_support() != TimeSupport::Whole => Some(Some(window)),
            Self::Part(_) | Self::Whole => Some(None),
        }
    }
}

/// Adds what a step needs to make the part `window` of its result.
pub(crate) fn add_needs(needs: &mut [Need], step: &Step<'_>, window: Option<TimeWindow>) {
    for input in &step.inputs {
        let needed = input.port_type.and_then(|it| needed_input(window, step.time_support(), it));
        for source in &input.sources {
            needs[source.step] = needs[source.step].and(needed);
        }
    }
}

/// Clip time at which a value ends, in seconds; 0 for values without time.
pub(crate) fn end_secs(value: &Value) -> f64 {
    let track_end = |track: &Track| track.rate().secs_of(track.end_frame());
    match value {
        Value::Audio(audio) => audio.start_secs() + audio.duration_secs(),
        Value::Features(track) | Value::Motion(track) => track_end(track),
        Value::Emotion(emotion) => track_end(emotion.track()),
        Value::Takes(takes) => takes.iter().map(|take| track_end(&take.motion)).fold(0.0, f64::max),
        Value::Rig(_) | Value::Number(_) | Value::Text(_) | Value::File(_) => 0.0,
    }
}
