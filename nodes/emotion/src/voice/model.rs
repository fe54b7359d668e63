//! The classifier: audio in, probabilities out.

use super::VoiceError;
use super::expert::Expert;
use super::features::FeatureReader;
use super::frames::{FINE_BANDS, FRAMES_PER_SEC, REACH_SECS, VoiceFrames};
use esarm_kernels::devices::Device;
use esarm_values::{Audio, EMOTIONS};
use std::ops::Range;

/// The classes, in column order: the emotions of EMO-DB.
pub const CLASSES: [&str; 7] = ["anger", "boredom", "disgust", "fear", "happiness", "sadness", "neutral"];
/// Column of "neutral" in [`CLASSES`].
const NEUTRAL: usize = 6;
/// How each class maps to weights of [`EMOTIONS`]. Boredom has no face of its own: mostly neutral, a little sad.
const CLASS_EMOTIONS: [[f32; EMOTIONS.len()]; CLASSES.len()] = [
    [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
    [0.8, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
];
/// Clips longer than this are judged in pieces, in seconds.
const LONGEST_WHOLE_SECS: f64 = 12.0;
/// Length of those pieces, in seconds.
const PIECE_SECS: f64 = 6.0;

/// Probabilities of [`CLASSES`]; they sum to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probabilities(pub [f32; CLASSES.len()]);

impl Probabilities {
    /// Certainly neutral.
    pub const NEUTRAL: Self = {
        let mut values = [0.0; CLASSES.len()];
        values[NEUTRAL] = 1.0;
        Self(values)
    };

    /// Probability by name, in the project's words: `angry`, `boredom`, `disgust`, `fear`, `happy`, `sad`, `neutral`.
    pub fn named(&self) -> [(&'static str, f32); CLASSES.len()] {
        let names = ["angry", "boredom", "disgust", "fear", "happy", "sad", "neutral"];
        std::array::from_fn(|class| (names[class], self.0[class]))
    }

    /// Column of the likeliest class.
    pub fn likeliest(&self) -> usize {
        (1..CLASSES.len()).fold(0, |best, class| if self.0[class] > self.0[best] { class } else { best })
    }

    /// Weights in the order of [`EMOTIONS`]; they sum to 1, surprise and contempt are always 0.
    pub fn emotions(&self) -> [f32; EMOTIONS.len()] {
        let mut weights = [0.0; EMOTIONS.len()];
        for (probability, row) in self.0.iter().zip(&CLASS_EMOTIONS) {
            weights.iter_mut().zip(row).for_each(|(weight, share)| *weight += probability * share);
        }
        weights
    }

    /// `exp(score / temperature)`, normalised.
    pub(crate) fn from_scores(scores: &[f32; CLASSES.len()], temperature: f32) -> Self {
        let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers = scores.map(|score| ((score - highest) / temperature).exp());
        let sum: f32 = powers.iter().sum();
        Self(powers.map(|power| power / sum))
    }
}

/// What a stretch of speech is judged by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Features {
    /// Hand-made measures.
    pub(crate) measures: Vec<f32>,
    /// Pooled responses of random filters.
    pub(crate) textures: Vec<f32>,
    /// Voiced frames behind them.
    pub(crate) voiced_frames: usize,
}

/// Hears emotion in voices.
#[derive(Clone, Debug, PartialEq)]
pub struct VoiceEmotion {
    /// Judge by the measures, with a Gaussian kernel and a linear one.
    pub(crate) measures: [Expert; 2],
    /// Judges by the textures.
    pub(crate) textures: Expert,
    /// Divides the mean score before the softmax.
    pub(crate) temperature: f32,
}

impl VoiceEmotion {
    /// The emotion of a clip's voice, at any gain and any sampling rate from 8 to 192 kHz. Clips above
    /// 12 s are judged in pieces, which count by how much voice they hold. Spectra and pitch are computed on `device`.
    pub fn classify(&self, audio: &Audio, device: &Device) -> Result<Probabilities, VoiceError> {
        let mut sums = [0.0; CLASSES.len()];
        let mut total = 0.0;
        for (start_secs, end_secs) in pieces(audio) {
            let stretch = Stretches::around(audio, start_secs, end_secs, device)?;
            if let Some(features) = stretch.features(start_secs, end_secs) {
                let weight = features.voiced_frames as f32;
                let judged = self.judge(&features);
                sums.iter_mut().zip(judged.0).for_each(|(sum, probability)| *sum += weight * probability);
                total += weight;
            }
        }
        if total == 0.0 {
            return Err(VoiceError::NoVoice(audio.name.clone()));
        }
        Ok(Probabilities(sums.map(|sum| sum / total)))
    }

    /// The probabilities for the features of a stretch.
    pub(crate) fn judge(&self, features: &Features) -> Probabilities {
        Probabilities::from_scores(&self.scores(features), self.temperature)
    }

    /// Mean score of the judges.
    pub(crate) fn scores(&self, features: &Features) -> [f32; CLASSES.len()] {
        let mut mean = [0.0; CLASSES.len()];
        let inputs = [&features.measures, &features.measures, &features.textures];
        for (expert, input) in self.measures.iter().chain([&self.textures]).zip(inputs) {
            mean.iter_mut().zip(expert.scores(input)).for_each(|(mean, score)| *mean += score / 3.0);
        }
        mean
    }
}

/// The clip, or its pieces where it is long: start and end in seconds of clip time.
fn pieces(audio: &Audio) -> Vec<(f64, f64)> {
    let (start, end) = (audio.start_secs(), audio.start_secs() + audio.duration_secs());
    if audio.duration_secs() <= LONGEST_WHOLE_SECS {
        return vec![(start, end)];
    }
    let count = (audio.duration_secs() / PIECE_SECS).ceil() as usize;
    let length = audio.duration_secs() / count as f64;
    (0..count).map(|piece| start + piece as f64 * length).map(|from| (from, from + length)).collect()
}

/// Analysed audio, of which stretches can be described.
pub(crate) struct Stretches(FeatureReader);

impl Stretches {
    /// Analyses the part of `audio` that describes stretches between two clip times.
    pub(crate) fn around(
        audio: &Audio,
        start_secs: f64,
        end_secs: f64,
        device: &Device,
    ) -> Result<Self, VoiceError> {
        Self::coloured(audio, start_secs, end_secs, &[0.0; FINE_BANDS], device)
    }

    /// The same through a channel that adds `colour_db` to the fine bands.
    pub(crate) fn coloured(
        audio: &Audio,
        start_secs: f64,
        end_secs: f64,
        colour_db: &[f32; FINE_BANDS],
        device: &Device,
    ) -> Result<Self, VoiceError> {
        let sample = |secs: f64| (secs * f64::from(audio.sample_rate_hz)).round() as i64;
        let part = audio.window(sample(start_secs - REACH_SECS), sample(end_secs + REACH_SECS));
        Ok(Self(FeatureReader::new(VoiceFrames::of(&part, colour_db, device)?)))
    }

    /// The features of a stretch between two clip times; `None` where there is too little voice.
    pub(crate) fn features(&self, start_secs: f64, end_secs: f64) -> Option<Features> {
        let frame = |secs: f64| (secs * FRAMES_PER_SEC).round() as i64;
        self.0.stretch(frame(start_secs)..frame(end_secs))
    }
}

/// Whole clip frames as far as they are among `count` frames from `first_frame` on.
pub(crate) fn local(range: &Range<i64>, first_frame: i64, count: usize) -> Range<usize> {
    let at = |frame: i64| (frame - first_frame).clamp(0, count as i64) as usize;
    at(range.start)..at(range.end)
}
