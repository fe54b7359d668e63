//! What the generator hears: level-normalised log-mel spectra in short stacks, and prosody.
//!
//! Time is counted in model frames: frame `k` lies at clip time `k / MODEL_FRAMES_PER_SEC`. Everything here is a
//! function of a bounded stretch of audio around its frame, so a window of a clip gives what the whole clip gives.

use super::GeneratorError;
use super::prosody::{PROSODY_COUNT, PROSODY_FRAMES_BEFORE, extract_prosody, pitch_tracker};
use esarm_kernels::devices::{self, Device};
use esarm_kernels::log_mel::{LogMel, LogMelSettings};
use esarm_kernels::pitch::PitchTracker;
use esarm_values::Audio;
use std::ops::Range;

/// Sampling rate the generator works at, in Hz.
pub const SAMPLE_RATE_HZ: u32 = 16_000;
/// Model frames per second.
pub const MODEL_FRAMES_PER_SEC: u32 = 50;
/// Bands of the log-mel spectrum.
pub const MEL_COUNT: usize = 40;
/// Log-mel frames per model frame.
pub(crate) const MEL_PER_MODEL_FRAME: i64 = 2;
/// Log-mel frames stacked for a model frame, before and after its own.
const STACK_BEFORE: i64 = 5;
const STACK_AFTER: i64 = 4;
/// Values in the stack of a model frame.
pub const STACK_COUNT: usize = MEL_COUNT * (STACK_BEFORE + STACK_AFTER + 1) as usize;
/// Log-mel frames over which the loudest level is remembered: 2.5 s.
const LEVEL_MEMORY: i64 = 250;
/// Log-mel frames over which a level is averaged: 50 ms, so that a click is not taken for speech.
const LEVEL_SMOOTHING: i64 = 5;
/// Quietest reference level (natural logarithm of mean band power): what is below stays silence. Speech at some 55 dB
/// under full scale.
const LEVEL_FLOOR: f32 = -10.5;
/// Range of a normalised band, in natural-logarithm units below the reference level.
const BAND_RANGE: f32 = 12.0;

/// Model frames of audio that a feature may depend on before and after its frame.
pub const FEATURE_FRAMES_BEFORE: i64 = MEL_BEFORE / MEL_PER_MODEL_FRAME + 2;
/// Log-mel frames before a model frame on which its features depend: the level memory of the oldest energy in use.
const MEL_BEFORE: i64 = LEVEL_MEMORY + LEVEL_SMOOTHING + 60;
/// Seconds of audio after a frame on which its features depend.
pub const FEATURE_SECS_AFTER: f64 = STACK_AFTER as f64 * 0.010 + 0.0125;

/// Features of consecutive model frames.
pub struct Features {
    /// Number of model frames.
    pub frame_count: usize,
    /// Normalised log-mel stacks: `[frames, STACK_COUNT]`.
    pub stacks: Vec<f32>,
    /// Prosody: `[frames, PROSODY_COUNT]`.
    pub prosody: Vec<f32>,
}

/// Prepared feature extraction.
pub struct FeatureExtractor {
    log_mel: LogMel,
    pitch: PitchTracker,
    device: Device,
}

impl FeatureExtractor {
    /// Prepares windows, filters and plans for the processor.
    pub fn new() -> Result<Self, GeneratorError> {
        Self::on(&devices::cpu())
    }

    /// Prepares windows, filters and plans for a device.
    pub fn on(device: &Device) -> Result<Self, GeneratorError> {
        let settings = LogMelSettings {
            sample_rate_hz: SAMPLE_RATE_HZ,
            mel_count: MEL_COUNT,
            ..LogMelSettings::default()
        };
        Ok(Self { log_mel: LogMel::new(&settings)?, pitch: pitch_tracker()?, device: device.clone() })
    }

    /// Features of the model frames `frames` of the clip that `audio` is a part of; what is missing counts as silence.
    pub fn extract(&self, audio: &Audio, frames: Range<i64>) -> Result<Features, GeneratorError> {
        let heard = self.hear(audio, &frames)?;
        let stacks = heard.stacks(frames.clone());
        let with_memory = frames.start - PROSODY_FRAMES_BEFORE..frames.end;
        let pitch = self.pitch.frames_on(&self.device, &audio.samples, audio.start_sample, with_memory)?;
        let prosody = extract_prosody(&heard.levels, &heard.references, heard.first_mel, &pitch, frames);
        debug_assert_eq!(prosody.len() % PROSODY_COUNT, 0);
        Ok(Features { frame_count: stacks.len() / STACK_COUNT, stacks, prosody })
    }

    /// The log-mel stacks of [`FeatureExtractor::extract`] alone.
    pub fn stacks(&self, audio: &Audio, frames: Range<i64>) -> Result<Vec<f32>, GeneratorError> {
        Ok(self.hear(audio, &frames)?.stacks(frames))
    }

    fn hear(&self, audio: &Audio, frames: &Range<i64>) -> Result<Heard, GeneratorError> {
        let first_mel = frames.start * MEL_PER_MODEL_FRAME - MEL_BEFORE;
        let last_mel = frames.end * MEL_PER_MODEL_FRAME + STACK_AFTER;
        let mels = first_mel..last_mel;
        let mel = self.log_mel.frames_on(&self.device, &audio.samples, audio.start_sample, mels)?;
        let levels = smoothed_levels(&mel);
        let references = loudest_recent(&levels);
        Ok(Heard { first_mel, mel, levels, references })
    }
}

/// Log-mel frames from `first_mel` on, and how loud they and their past are.
struct Heard {
    first_mel: i64,
    mel: Vec<f32>,
    levels: Vec<f32>,
    references: Vec<f32>,
}

impl Heard {
    fn stacks(&self, frames: Range<i64>) -> Vec<f32> {
        stack(&normalise(&self.mel, &self.references), self.first_mel, frames)
    }
}

/// Mean band power of each log-mel frame as a natural logarithm, averaged over the last frames.
fn smoothed_levels(mel: &[f32]) -> Vec<f32> {
    let power: Vec<f32> = mel
        .chunks(MEL_COUNT)
        .map(|row| row.iter().map(|band| band.exp()).sum::<f32>() / MEL_COUNT as f32)
        .collect();
    (0..power.len())
        .map(|at| {
            let recent = &power[at.saturating_sub(LEVEL_SMOOTHING as usize - 1)..=at];
            (recent.iter().sum::<f32>() / recent.len() as f32).max(1e-12).ln()
        })
        .collect()
}

/// The loudest level of the last [`LEVEL_MEMORY`] frames, at least [`LEVEL_FLOOR`].
fn loudest_recent(levels: &[f32]) -> Vec<f32> {
    let mut candidates: std::collections::VecDeque<usize> = std::collections::VecDeque::new();
    (0..levels.len())
        .map(|at| {
            while candidates.back().is_some_and(|&last| levels[last] <= levels[at]) {
                candidates.pop_back();
            }
            candidates.push_back(at);
            while candidates.front().is_some_and(|&first| first + (LEVEL_MEMORY as usize) < at) {
                candidates.pop_front();
            }
            candidates.front().map_or(LEVEL_FLOOR, |&first| levels[first].max(LEVEL_FLOOR))
        })
        .collect()
}

/// Bands relative to the reference level, about -1 to 1.
fn normalise(mel: &[f32], references: &[f32]) -> Vec<f32> {
    let relative =
        |band: &f32, reference: &f32| ((band - reference) / (BAND_RANGE / 2.0) + 1.0).clamp(-1.2, 2.0);
    mel.chunks(MEL_COUNT)
        .zip(references)
        .flat_map(|(row, reference)| row.iter().map(move |band| relative(band, reference)))
        .collect()
}

/// Concatenates the log-mel frames around each model frame.
fn stack(normalised: &[f32], first_mel: i64, frames: Range<i64>) -> Vec<f32> {
    let mut stacks = Vec::with_capacity((frames.end - frames.start).max(0) as usize * STACK_COUNT);
    for frame in frames {
        let first = (frame * MEL_PER_MODEL_FRAME - STACK_BEFORE - first_mel) as usize * MEL_COUNT;
        stacks.extend_from_slice(&normalised[first..first + STACK_COUNT]);
    }
    stacks
}
