//! Training and its honest evaluation: every speaker is judged by a classifier that never heard that speaker.

use super::VoiceError;
use super::evaluation::{Confusion, Evaluation};
use super::expert::{Expert, ExpertSettings, Kernel, Sample};
use super::frames::FINE_BANDS;
use super::model::{CLASSES, Features, Probabilities, Stretches, VoiceEmotion};
use esarm_kernels::devices::cpu;
use esarm_kernels::random::Random;
use esarm_values::Audio;
use std::collections::BTreeSet;

/// The experts on measures (Gaussian, linear) and on textures.
const SETTINGS: [ExpertSettings; 3] = [
    ExpertSettings { kernel: Kernel::Gaussian { sharpness: 0.3 }, ridge: 1.0, speaker_penalty: 5.0 },
    ExpertSettings { kernel: Kernel::Linear, ridge: 2.0, speaker_penalty: 5.0 },
    ExpertSettings { kernel: Kernel::Gaussian { sharpness: 0.3 }, ridge: 1.0, speaker_penalty: 5.0 },
];
/// Length of the windows that are judged beside whole clips, in seconds: what following a voice over time uses.
const WINDOW_SECS: f64 = 1.8;
/// Time from window to window, in seconds.
const WINDOW_HOP_SECS: f64 = 0.6;

/// Deviation of the colour of recordings, in dB.
const COLOUR_DB: f32 = 4.0;
/// Sets the draws of colours apart.
const COLOUR_STREAM: u64 = 0x636f_6c6f;

/// A labelled clip.
pub struct TrainingClip {
    /// Who speaks.
    pub speaker: String,
    /// Column of [`CLASSES`].
    pub class: usize,
    /// The speech.
    pub audio: Audio,
}

/// What training found.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingReport {
    /// Clips trained on.
    pub clips: usize,
    /// Speakers, in order.
    pub speakers: Vec<String>,
    /// Judgements with the speaker kept out.
    pub evaluation: Evaluation,
    /// The temperature that calibrates the kept-out scores.
    pub temperature: f32,
}

/// A clip as features.
struct Example {
    speaker: usize,
    class: usize,
    whole: Features,
    /// The whole clip as two other recordings would give it: one to train on, one to judge.
    coloured: [Features; 2],
    windows: Vec<Features>,
}

/// Trains a classifier on all clips. Its quality is measured beforehand by keeping each speaker out in turn; these
/// scores also set the temperature. Training is a closed form: the same clips give the same weights.
pub fn train(clips: &[TrainingClip]) -> Result<(VoiceEmotion, TrainingReport), VoiceError> {
    let speakers: Vec<String> =
        clips.iter().map(|clip| clip.speaker.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    if speakers.len() < 2 {
        return Err(VoiceError::Training(format!(
            "{} speakers are too few: at least 2 are needed",
            speakers.len()
        )));
    }
    let examples: Vec<Example> =
        (0..).zip(clips).map(|(number, clip)| example(number, clip, &speakers)).collect::<Result<_, _>>()?;
    let mut evaluation = Evaluation::default();
    let mut kept_out = Vec::with_capacity(examples.len());
    for (speaker, name) in speakers.iter().enumerate() {
        let judge = fit(examples.iter().filter(|example| example.speaker != speaker))?;
        let mut confusion = Confusion::default();
        for example in examples.iter().filter(|example| example.speaker == speaker) {
            let scores = judge.scores(&example.whole);
            confusion.add(example.class, judge.judge(&example.whole).likeliest());
            evaluation.clips.add(example.class, judge.judge(&example.whole).likeliest());
            evaluation.coloured.add(example.class, judge.judge(&example.coloured[1]).likeliest());
            for window in &example.windows {
                evaluation.windows.add(example.class, judge.judge(window).likeliest());
            }
            kept_out.push((example.class, scores));
        }
        evaluation.speakers.push((name.clone(), confusion));
    }
    let temperature = calibrate(&kept_out);
    let confidences = kept_out.iter().map(|(_, scores)| {
        let probabilities = Probabilities::from_scores(scores, temperature);
        f64::from(probabilities.0[probabilities.likeliest()])
    });
    evaluation.confidence = confidences.sum::<f64>() / kept_out.len() as f64;
    let judge = VoiceEmotion { temperature, ..fit(examples.iter())? };
    Ok((judge, TrainingReport { clips: clips.len(), speakers, evaluation, temperature }))
}

fn example(number: u64, clip: &TrainingClip, speakers: &[String]) -> Result<Example, VoiceError> {
    if clip.class >= CLASSES.len() {
        let message =
            format!("\"{}\" has class {}, but there are {}", clip.audio.name, clip.class, CLASSES.len());
        return Err(VoiceError::Training(message));
    }
    let duration = clip.audio.duration_secs();
    let stretches = Stretches::around(&clip.audio, 0.0, duration, &cpu())?;
    let no_voice = || VoiceError::NoVoice(clip.audio.name.clone());
    let recoloured = |number| {
        let stretches = Stretches::coloured(&clip.audio, 0.0, duration, &colour(number), &cpu())?;
        stretches.features(0.0, duration).ok_or_else(no_voice)
    };
    let starts = (0..)
        .map(|index| f64::from(index) * WINDOW_HOP_SECS)
        .take_while(|start| start + WINDOW_SECS <= duration);
    Ok(Example {
        speaker: speakers.iter().position(|speaker| *speaker == clip.speaker).unwrap_or_default(),
        class: clip.class,
        whole: stretches.features(0.0, duration).ok_or_else(no_voice)?,
        coloured: [recoloured(2 * number)?, recoloured(2 * number + 1)?],
        windows: starts.filter_map(|start| stretches.features(start, start + WINDOW_SECS)).collect(),
    })
}

/// What another microphone and room add to each band, in dB: random values at six places of the mel scale, joined
/// by straight lines.
fn colour(number: u64) -> [f32; FINE_BANDS] {
    let random = Random::new(COLOUR_STREAM, number);
    let places = 5.0;
    std::array::from_fn(|band| {
        let position = places * band as f32 / (FINE_BANDS - 1) as f32;
        let before = position.floor().min(places - 1.0);
        let value = |place: f32| COLOUR_DB * random.normal(place as u64);
        value(before) + (value(before + 1.0) - value(before)) * (position - before)
    })
}

/// A classifier with temperature 1, from the clips and their coloured twins.
fn fit<'a>(examples: impl Iterator<Item = &'a Example> + Clone) -> Result<VoiceEmotion, VoiceError> {
    let fit = |settings: &ExpertSettings, values: fn(&Features) -> &[f32]| {
        let twins =
            examples.clone().flat_map(|example| [(example, &example.whole), (example, &example.coloured[0])]);
        let sample = |(example, features): (&Example, &'a Features)| Sample {
            features: values(features),
            class: example.class,
            speaker: example.speaker,
        };
        let samples: Vec<Sample<'a>> = twins.map(sample).collect();
        Expert::fit(&samples, CLASSES.len(), settings)
    };
    Ok(VoiceEmotion {
        measures: [fit(&SETTINGS[0], |it| &it.measures)?, fit(&SETTINGS[1], |it| &it.measures)?],
        textures: fit(&SETTINGS[2], |it| &it.textures)?,
        temperature: 1.0,
    })
}

/// The temperature with the lowest mean surprise, by golden-section search over its logarithm (Guo et al. 2017).
fn calibrate(judged: &[(usize, [f32; CLASSES.len()])]) -> f32 {
    let surprise = |log_temperature: f64| -> f64 {
        let temperature = log_temperature.exp() as f32;
        let probability = |(class, scores): &(usize, [f32; CLASSES.len()])| {
            f64::from(Probabilities::from_scores(scores, temperature).0[*class]).max(1e-9)
        };
        judged.iter().map(|judgement| -probability(judgement).ln()).sum()
    };
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.01_f64.ln(), 10.0_f64.ln());
    for _ in 0..60 {
        let (left, right) = (high - ratio * (high - low), low + ratio * (high - low));
        if surprise(left) < surprise(right) { high = right } else { low = left }
    }
    (0.5 * (low + high)).exp() as f32
}
