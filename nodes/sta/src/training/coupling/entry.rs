//! A recording or a demonstration of the grid, and what its face should do.

use super::grid::COUPLED_FRAMES;
use crate::generator::Generator;
use crate::generator::channels::{CONTENT_COUNT, SHAPE_COUNT};
use crate::generator::features::{FeatureExtractor, MODEL_FRAMES_PER_SEC, SAMPLE_RATE_HZ};
use crate::generator::prosody::PROSODY_COUNT;
use crate::training::TrainingError;
use crate::training::coarticulation::{SpeechTargets, TARGET_FRAMES_PER_SEC, speech_targets};
use crate::training::corpus::GridClip;
use crate::training::dataset::vowel_loudness;
use crate::training::expression::{LINE_MARGIN, Line};
use crate::training::phones::Phone;
use esarm_values::{ARKIT_SHAPES, Audio, Emotion, Track};

/// Frames at the start and the end of an example that are not judged: there the networks see beyond it.
pub(super) const UNJUDGED_BEFORE: usize = 36;
pub(super) const UNJUDGED_AFTER: usize = 8;

/// A motion that is to be imitated, such as a take that an animator kept.
#[derive(Clone, Debug)]
pub struct Demonstration {
    /// The speech, mono at 16 kHz.
    pub audio: Audio,
    /// What is felt.
    pub emotion: Emotion,
    /// The face; channels are read by name and missing ones are at rest.
    pub motion: Track,
}

/// What is known of a recording.
pub(super) enum Truth {
    /// Postures and seal by the coarticulation model, and the emotion of the voice.
    Speech { clip: GridClip, targets: SpeechTargets },
    /// The face itself, by model frame, with the emotion and the seal that is heard.
    Face { emotion: Emotion, shapes: Vec<[f32; SHAPE_COUNT]>, seal: Vec<f32> },
}

pub(super) struct Entry {
    pub(super) name: String,
    pub(super) audio: Audio,
    line: Line,
    pub(super) truth: Truth,
    /// Entries that say the same in another voice or emotion.
    pub(super) partners: Vec<usize>,
}

impl Entry {
    pub(super) fn of_speech(clip: GridClip, extractor: &FeatureExtractor) -> Result<Self, TrainingError> {
        let duration_secs = clip.samples.len() as f64 / f64::from(SAMPLE_RATE_HZ);
        let loudness = vowel_loudness(&clip.samples, &clip.phones);
        let targets = speech_targets(&clip.phones, duration_secs, &loudness);
        Ok(Self {
            name: clip.name.clone(),
            audio: Audio::new(clip.name.clone(), SAMPLE_RATE_HZ, clip.samples.clone()),
            line: Line::new(extractor, &clip.samples)?,
            truth: Truth::Speech { clip, targets },
            partners: Vec::new(),
        })
    }

    pub(super) fn of_demonstration(
        number: usize,
        demonstration: Demonstration,
        extractor: &FeatureExtractor,
        heard: &Generator,
    ) -> Result<Self, TrainingError> {
        let Demonstration { audio, emotion, motion } = demonstration;
        let name = format!("take {number} of {}", audio.name);
        let fail = |what: String| Err(TrainingError::Corpus(format!("{name}: {what}")));
        let (sound_secs, motion_secs) = (audio.duration_secs(), motion.duration_secs());
        if (sound_secs - motion_secs).abs() > 0.1 {
            return fail(format!(
                "the sound lasts {sound_secs:.2} s, but the motion {motion_secs:.2} s; wire takes of this sound"
            ));
        }
        if !ARKIT_SHAPES.iter().any(|shape| motion.channel_index(shape).is_some()) {
            return fail("the motion has none of the 52 ARKit shapes".to_owned());
        }
        let frames = ((sound_secs * f64::from(MODEL_FRAMES_PER_SEC)) as usize).max(1);
        let columns = ARKIT_SHAPES.map(|shape| motion.channel_index(shape));
        let shapes = (0..frames).map(|frame| {
            let row = motion.sample(frame as f64 / f64::from(MODEL_FRAMES_PER_SEC));
            columns.map(|column| column.map_or(0.0, |column| row[column].clamp(0.0, 1.0)))
        });
        let means = heard.means(&audio, &emotion, 0..frames as i64)?;
        let heard_count = means.heard.len() / frames;
        Ok(Self {
            line: Line::new(extractor, &audio.samples)?,
            truth: Truth::Face {
                shapes: shapes.collect(),
                seal: means.heard.chunks(heard_count).map(|row| row[0]).collect(),
                emotion,
            },
            name,
            audio,
            partners: Vec::new(),
        })
    }

    pub(super) fn phones(&self) -> Option<&[Phone]> {
        match &self.truth {
            Truth::Speech { clip, .. } => Some(&clip.phones),
            Truth::Face { .. } => None,
        }
    }

    pub(super) fn frame_count(&self) -> i64 {
        (self.audio.duration_secs() * f64::from(MODEL_FRAMES_PER_SEC)) as i64
    }

    fn row_of_line(&self, frame: i64) -> usize {
        ((frame + LINE_MARGIN).max(0) as usize).min(self.line.dynamics.len() - 1)
    }

    pub(super) fn prosody_at(&self, frame: i64) -> &[f32] {
        let row = self.row_of_line(frame);
        &self.line.prosody[row * PROSODY_COUNT..(row + 1) * PROSODY_COUNT]
    }

    pub(super) fn dynamics_at(&self, frame: i64) -> [f32; 2] {
        self.line.dynamics[self.row_of_line(frame)]
    }

    /// Whether a frame is well inside of the example and within the recording.
    pub(super) fn is_judged(&self, frame: i64, first: i64) -> bool {
        let row = frame - first;
        let inside = UNJUDGED_BEFORE as i64..(COUPLED_FRAMES - UNJUDGED_AFTER) as i64;
        inside.contains(&row) && (0..self.frame_count()).contains(&frame)
    }
}

/// Postures and seal of labelled speech at a model frame; outside of the clip the mouth rests.
pub(super) fn truth_at(targets: &SpeechTargets, frame: i64) -> ([f32; CONTENT_COUNT], f32) {
    let at = frame as f64 * TARGET_FRAMES_PER_SEC / f64::from(MODEL_FRAMES_PER_SEC);
    match usize::try_from(at as i64).ok().filter(|at| frame >= 0 && *at < targets.viseme.len()) {
        Some(at) => (targets.content[at], targets.closure[at].max(targets.silence[at])),
        None => ([0.0; CONTENT_COUNT], 1.0),
    }
}
