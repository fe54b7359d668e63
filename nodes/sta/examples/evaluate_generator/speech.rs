//! Lips against hand-made phone labels.

use crate::head::Lips;
use esarm_sta::generator::{GenerateOptions, Generator};
use esarm_sta::training::audio_files::read_audio;
use esarm_sta::training::recordings::LabelledSpeech;
use esarm_values::{Audio, Emotion};
use std::error::Error;
use std::path::Path;

/// Gap under which lips count as closed, and over which as open.
const CLOSED: f32 = 0.08;
const OPEN: f32 = 0.15;
/// Shortest vowel that is judged.
const SHORTEST_VOWEL_SECS: f64 = 0.05;

/// How the time of a label is read.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Reading {
    /// A label starts at its time; bursts (`!p`) are not judged.
    Starts,
    /// A label starts at its time; a burst is a phone of its own.
    StartsWithBursts,
    /// A label ends at its time (which is not how these files sound); closure signs are stripped.
    Ends,
}

/// Hits and cases.
#[derive(Clone, Copy, Default)]
pub(crate) struct Score {
    hits: usize,
    cases: usize,
}

impl Score {
    fn add(&mut self, hit: bool) {
        self.hits += usize::from(hit);
        self.cases += 1;
    }

    /// Share of hits in percent.
    pub(crate) fn percent(self) -> f64 {
        100.0 * self.hits as f64 / self.cases.max(1) as f64
    }
}

/// What the lips did.
#[derive(Default)]
pub(crate) struct LipScores {
    /// p, b, m closed at least once.
    pub closed: Score,
    /// Open vowels open at least once.
    pub open: Score,
    /// Silent frames closed.
    pub silent: Score,
    /// Frames of speech closed, to be read beside the others.
    pub closed_in_speech: Score,
}

/// What is tried with every clip.
#[derive(Clone)]
pub(crate) struct Trial {
    /// The emotion asked for.
    pub(crate) emotion: Emotion,
    /// How to generate.
    pub(crate) options: GenerateOptions,
    /// How the labels are read.
    pub(crate) reading: Reading,
    /// A change made to the sound before it is heard.
    pub(crate) sound: fn(&[f32]) -> Vec<f32>,
    /// A change made to the gaps before they are judged.
    pub(crate) control: fn(Vec<f32>) -> Vec<f32>,
}

/// Generates every clip and judges its lips.
pub(crate) fn judge(
    generator: &Generator,
    lips: &Lips,
    clips: &[LabelledSpeech],
    trial: &Trial,
) -> Result<LipScores, Box<dyn Error>> {
    let mut scores = LipScores::default();
    for clip in clips {
        let audio = Audio::new(clip.name.clone(), 16_000, (trial.sound)(&clip.samples));
        let motion = generator.generate(&audio, &trial.emotion, &trial.options)?.motion;
        let gaps = (trial.control)(lips.gaps(&motion));
        judge_clip(clip, &gaps, trial.options.frame_rate.frames_per_sec(), trial.reading, &mut scores);
    }
    Ok(scores)
}

/// Recordings with machine-made phone alignments: pairs of `NAME.wav` and `NAME.phone.json` in a folder.
pub(crate) fn read_aligned(folder: &Path) -> Result<Vec<LabelledSpeech>, Box<dyn Error>> {
    let mut speech = Vec::new();
    let mut paths: Vec<_> =
        std::fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "wav")) {
        let text = std::fs::read_to_string(path.with_extension("phone.json"))?;
        let aligned: serde_json::Value = serde_json::from_str(&text)?;
        let words = aligned["w"].as_array().into_iter().flatten();
        let phones = words.flat_map(|word| word["w"].as_array().into_iter().flatten());
        let labels = phones
            .filter_map(|phone| {
                let (start, length) = (phone["b"].as_f64()?, phone["d"].as_f64()?);
                let name = phone["t"].as_str()?.to_ascii_lowercase();
                Some((if name == "sil" { ".".to_owned() } else { name }, start, start + length))
            })
            .collect();
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        speech.push(LabelledSpeech { name, samples: read_audio(path)?, phones: Vec::new(), labels });
    }
    Ok(speech)
}

fn judge_clip(
    clip: &LabelledSpeech,
    gaps: &[f32],
    frames_per_sec: f64,
    reading: Reading,
    scores: &mut LipScores,
) {
    for (index, (label, start, end)) in clip.labels.iter().enumerate() {
        let (start, end) = match reading {
            Reading::Ends => (index.checked_sub(1).map_or(0.0, |before| clip.labels[before].1), *start),
            _ => (*start, *end),
        };
        let first = (start * frames_per_sec).ceil() as usize;
        let last = ((end * frames_per_sec).ceil() as usize).min(gaps.len());
        let Some(gaps) = gaps.get(first..last).filter(|gaps| !gaps.is_empty()) else { continue };
        let smallest = gaps.iter().copied().fold(f32::INFINITY, f32::min);
        let largest = gaps.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let name = match reading {
            Reading::Starts => label.as_str(),
            _ => label.trim_start_matches(['!', '_']),
        };
        match name {
            "p" | "b" | "m" => scores.closed.add(smallest < CLOSED),
            "a" | "E" | "aa" | "ae" | "eh" | "ay" | "aw" if end - start > SHORTEST_VOWEL_SECS => {
                scores.open.add(largest > OPEN);
            }
            _ => {}
        }
        let silent = label == "." || label.starts_with(['(', '_']);
        for gap in gaps {
            let score = if silent { &mut scores.silent } else { &mut scores.closed_in_speech };
            score.add(*gap < CLOSED);
        }
    }
}
