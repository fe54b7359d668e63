//! Puts the parts of a long clip together again.

use crate::{NodeError, Outputs};
use esarm_values::{Audio, Emotion, FrameRate, Take, Track, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The outputs of a node so far, made part by part.
#[derive(Default)]
pub(crate) struct JoinedOutputs {
    outputs: BTreeMap<String, Joined>,
}

enum Joined {
    Audio(Audio),
    Features(Frames),
    Motion(Frames),
    Emotion(Frames),
    Takes(Vec<(Take, Frames)>),
    /// A value without time: the same in every part.
    Timeless(Value),
}

/// The frames of a track so far.
struct Frames {
    rate: FrameRate,
    channels: Arc<[String]>,
    start_frame: i64,
    values: Vec<f32>,
}

impl JoinedOutputs {
    /// Adds the outputs of the next part. `parts` is the number of parts there will be, so that memory is taken once.
    pub(crate) fn add(&mut self, part: &Outputs, parts: usize) -> Result<(), NodeError> {
        for (port, value) in part {
            match self.outputs.get_mut(port) {
                None => {
                    self.outputs.insert(port.clone(), Joined::begin(value, parts));
                }
                Some(joined) => joined.add(value).map_err(|problem| {
                    NodeError::failed(format!(
                        "output \"{port}\" was made in parts that do not fit together ({problem}); the node type \
                         must declare that it needs the whole clip"
                    ))
                })?,
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Outputs, NodeError> {
        self.outputs.into_iter().map(|(port, joined)| Ok((port, joined.finish()?))).collect()
    }
}

impl Joined {
    fn begin(value: &Value, parts: usize) -> Self {
        match value {
            Value::Audio(audio) => {
                let mut joined = Audio { samples: Vec::new(), ..audio_without_samples(audio) };
                reserve(&mut joined.samples, audio.samples.len(), parts);
                joined.samples.extend_from_slice(&audio.samples);
                Self::Audio(joined)
            }
            Value::Features(track) => Self::Features(Frames::begin(track, parts)),
            Value::Motion(track) => Self::Motion(Frames::begin(track, parts)),
            Value::Emotion(emotion) => Self::Emotion(Frames::begin(emotion.track(), parts)),
            Value::Takes(takes) => Self::Takes(
                takes.iter().map(|take| (take.clone(), Frames::begin(&take.motion, parts))).collect(),
            ),
            Value::Rig(_) | Value::Number(_) | Value::Text(_) | Value::File(_) => {
                Self::Timeless(value.clone())
            }
        }
    }

    fn add(&mut self, value: &Value) -> Result<(), &'static str> {
        match (self, value) {
            (Self::Audio(joined), Value::Audio(audio)) => add_audio(joined, audio),
            (Self::Features(joined), Value::Features(track)) => joined.add(track),
            (Self::Motion(joined), Value::Motion(track)) => joined.add(track),
            (Self::Emotion(joined), Value::Emotion(emotion)) => joined.add(emotion.track()),
            (Self::Takes(joined), Value::Takes(takes)) => add_takes(joined, takes),
            (Self::Timeless(joined), value) if joined == value => Ok(()),
            _ => Err("a value without time is not the same in all of them"),
        }
    }

    fn finish(self) -> Result<Value, NodeError> {
        Ok(match self {
            Self::Audio(audio) => Value::Audio(Arc::new(audio)),
            Self::Features(frames) => Value::Features(Arc::new(frames.finish()?)),
            Self::Motion(frames) => Value::Motion(Arc::new(frames.finish()?)),
            Self::Emotion(frames) => {
                let no_emotion = |_| NodeError::failed("the parts of an emotion do not join to an emotion");
                Value::Emotion(Arc::new(Emotion::from_track(frames.finish()?).map_err(no_emotion)?))
            }
            Self::Takes(takes) => {
                let take =
                    |(take, frames): (Take, Frames)| Ok(Take { motion: Arc::new(frames.finish()?), ..take });
                Value::Takes(Arc::new(takes.into_iter().map(take).collect::<Result<_, NodeError>>()?))
            }
            Self::Timeless(value) => value,
        })
    }
}

/// Takes the memory for all parts at once. When that is too much, which a file with a wrong length can cause, memory is
/// taken as the parts come.
fn reserve(values: &mut Vec<f32>, part: usize, parts: usize) {
    let _ = values.try_reserve_exact(part.saturating_mul(parts));
}

fn audio_without_samples(audio: &Audio) -> Audio {
    Audio {
        name: audio.name.clone(),
        sample_rate_hz: audio.sample_rate_hz,
        start_sample: audio.start_sample,
        samples: Vec::new(),
    }
}

fn add_audio(joined: &mut Audio, audio: &Audio) -> Result<(), &'static str> {
    if (&joined.name, joined.sample_rate_hz) != (&audio.name, audio.sample_rate_hz) {
        return Err("name or sample rate differ");
    }
    if joined.samples.is_empty() {
        joined.start_sample = audio.start_sample;
    }
    let end = joined.start_sample + joined.samples.len() as i64;
    let known =
        continuation(end, audio.start_sample, audio.samples.len(), "samples are missing between them")?;
    joined.samples.extend_from_slice(&audio.samples[known..]);
    Ok(())
}

fn add_takes(joined: &mut [(Take, Frames)], takes: &[Take]) -> Result<(), &'static str> {
    if joined.len() != takes.len() {
        return Err("the number of takes differs");
    }
    for ((first, frames), take) in joined.iter_mut().zip(takes) {
        if (first.seed, first.log_probability) != (take.seed, take.log_probability) {
            return Err("seeds or log-probabilities of takes differ");
        }
        frames.add(&take.motion)?;
    }
    Ok(())
}

/// How many items at the start of a part are there already, when a part of `count` items starts at `start` and what
/// there is ends at `end`. Parts may overlap, as the held end of a track does; they may not leave a gap.
fn continuation(end: i64, start: i64, count: usize, gap: &'static str) -> Result<usize, &'static str> {
    if count > 0 && start > end {
        return Err(gap);
    }
    Ok(usize::try_from(end - start).unwrap_or(0).min(count))
}

impl Frames {
    fn begin(track: &Track, parts: usize) -> Self {
        let mut values = Vec::new();
        reserve(&mut values, track.values().len(), parts);
        values.extend_from_slice(track.values());
        Self {
            rate: track.rate(),
            channels: track.channels().clone(),
            start_frame: track.start_frame(),
            values,
        }
    }

    fn add(&mut self, track: &Track) -> Result<(), &'static str> {
        if (self.rate, &self.channels) != (track.rate(), track.channels()) {
            return Err("frame rate or channels differ");
        }
        if self.values.is_empty() {
            self.start_frame = track.start_frame();
        }
        let width = self.channels.len().max(1);
        let end = self.start_frame + (self.values.len() / width) as i64;
        let gap = "frames are missing between them";
        let known = continuation(end, track.start_frame(), track.frame_count(), gap)?;
        self.values.extend_from_slice(&track.values()[known * self.channels.len()..]);
        Ok(())
    }

    fn finish(self) -> Result<Track, NodeError> {
        let track = Track::new(self.rate, self.channels, self.values).map_err(NodeError::failed)?;
        Ok(track.starting_at(self.start_frame))
    }
}
