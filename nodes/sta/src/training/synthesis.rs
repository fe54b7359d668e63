//! Speech synthesised for training by espeak-ng and flite, with the times of its phones.

use super::TrainingError;
use super::audio_files::read_audio;
use super::phones::{Phone, from_arpabet, from_ipa, spread};
use super::sentences::SENTENCES;
use crate::generator::features::SAMPLE_RATE_HZ;
use crate::visemes::Viseme;
use esarm_kernels::random::Random;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The helper that asks libespeak-ng for sound and phone times.
const ESPEAK_HELPER: &str = include_str!("espeak_phones.py");
/// Variants of espeak-ng's voices: timbres of several speakers.
const ESPEAK_VARIANTS: [&str; 14] =
    ["", "+f1", "+f2", "+f3", "+f4", "+f5", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+m8"];
/// Voices of flite.
const FLITE_VOICES: [&str; 5] = ["kal", "kal16", "awb", "rms", "slt"];

/// A synthesised utterance.
pub(super) struct SyntheticSpeech {
    /// Which of [`SENTENCES`] is said.
    pub sentence: usize,
    /// Who says it.
    pub voice: String,
    /// Samples at the generator's rate.
    pub samples: Vec<f32>,
    /// Phones in order.
    pub phones: Vec<Phone>,
}

/// One utterance to be spoken.
struct Order {
    voice: String,
    words_per_minute: u32,
    pitch: u32,
    text: &'static str,
}

/// Speaks every sentence `variants` times with voices, rates and pitches drawn from `seed`.
pub(super) fn synthesise(
    variants: usize,
    seed: u64,
    folder: &Path,
) -> Result<Vec<SyntheticSpeech>, TrainingError> {
    std::fs::create_dir_all(folder).map_err(|error| TrainingError::file(folder, error))?;
    let mut speech = espeak(variants, seed, folder)?;
    speech.extend(flite(seed, folder)?);
    Ok(speech)
}

fn espeak(variants: usize, seed: u64, folder: &Path) -> Result<Vec<SyntheticSpeech>, TrainingError> {
    let random = Random::new(seed, 0xE5);
    let orders: Vec<Order> = (0..variants)
        .flat_map(|variant| {
            SENTENCES.iter().enumerate().map(move |(index, sentence)| (variant, index, sentence))
        })
        .map(|(variant, index, (voice, text))| {
            let draw = random.words((variant * SENTENCES.len() + index) as u64);
            Order {
                voice: format!("{voice}{}", ESPEAK_VARIANTS[draw[0] as usize % ESPEAK_VARIANTS.len()]),
                words_per_minute: 125 + draw[1] % 90,
                pitch: 30 + draw[2] % 45,
                text,
            }
        })
        .collect();
    run_espeak(&orders, folder)?;
    (0..orders.len())
        .map(|number| {
            let samples = read_audio(&folder.join(format!("{number}.wav")))?;
            let path = folder.join(format!("{number}.phones"));
            let text = std::fs::read_to_string(&path).map_err(|error| TrainingError::file(&path, error))?;
            let phones = espeak_phones(&text, &samples);
            let voice = format!("espeak {}", orders[number].voice);
            Ok(SyntheticSpeech { sentence: number % SENTENCES.len(), voice, samples, phones })
        })
        .collect()
}

fn run_espeak(orders: &[Order], folder: &Path) -> Result<(), TrainingError> {
    let list: Vec<serde_json::Value> = orders
        .iter()
        .map(|order| {
            serde_json::json!({ "voice": order.voice, "words_per_minute": order.words_per_minute,
                "pitch": order.pitch, "text": order.text })
        })
        .collect();
    let list = serde_json::Value::from(list).to_string();
    let noted = folder.join("espeak.json");
    if std::fs::read_to_string(&noted).is_ok_and(|spoken| spoken == list) {
        return Ok(());
    }
    let fail = |error: &dyn std::fmt::Display| TrainingError::Tool {
        tool: "python3 with libespeak-ng",
        package: "python3 and espeak-ng",
        what: error.to_string(),
    };
    let mut child = Command::new("python3")
        .args(["-c", ESPEAK_HELPER])
        .arg(folder)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| fail(&error))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(list.as_bytes()).map_err(|error| fail(&error))?;
    }
    let output = child.wait_with_output().map_err(|error| fail(&error))?;
    if !output.status.success() {
        return Err(fail(&String::from_utf8_lossy(&output.stderr)));
    }
    std::fs::write(&noted, list).map_err(|error| TrainingError::file(&noted, error))
}

/// Phones from lines of start and IPA. espeak-ng reports a plosive at its burst: its closure is the stillness before.
fn espeak_phones(text: &str, samples: &[f32]) -> Vec<Phone> {
    let starts: Vec<(f64, Vec<Viseme>)> = text
        .lines()
        .filter(|line| !line.contains('('))
        .filter_map(|line| {
            let (start, symbol) = line.split_once(' ')?;
            let visemes = from_ipa(symbol.trim());
            let start: f64 = start.parse().ok()?;
            let closure = if is_plosive(symbol) { stillness_before(samples, start) } else { 0.0 };
            (!visemes.is_empty()).then_some((start - closure, visemes))
        })
        .collect();
    let duration = samples.len() as f64 / f64::from(SAMPLE_RATE_HZ);
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([duration]);
    let mut phones: Vec<Phone> = starts
        .iter()
        .zip(ends)
        .filter(|((start, _), end)| end - start > 0.002)
        .flat_map(|((start, visemes), end)| spread(visemes, *start, end))
        .collect();
    open_bursts(&mut phones, samples);
    phones
}

fn is_plosive(symbol: &str) -> bool {
    symbol.starts_with(['p', 'b', 't', 'd', 'k', 'ɡ', 'c'])
}

/// Longest closure looked for before a burst.
const LONGEST_CLOSURE_SECS: f64 = 0.1;
const STEP_SECS: f64 = 0.005;

/// Seconds of near silence that end at `secs`, within [`LONGEST_CLOSURE_SECS`].
fn stillness_before(samples: &[f32], secs: f64) -> f64 {
    let still = |step: usize| level(samples, secs - (step + 1) as f64 * STEP_SECS, STEP_SECS) < 0.01;
    let steps = (LONGEST_CLOSURE_SECS / STEP_SECS) as usize;
    (0..steps).take_while(|step| still(*step)).count() as f64 * STEP_SECS
}

/// Lets the closure of a voiceless plosive end with its stillness, where the burst begins.
fn open_bursts(phones: &mut [Phone], samples: &[f32]) {
    for phone in phones.iter_mut().filter(|phone| phone.closed_share > 0.0) {
        let length = phone.end_secs - phone.start_secs;
        let steps = (length / STEP_SECS) as usize;
        let still = (0..steps)
            .take_while(|step| level(samples, phone.start_secs + *step as f64 * STEP_SECS, STEP_SECS) < 0.01)
            .count() as f64
            * STEP_SECS;
        if still > 0.015 {
            phone.closed_share = ((still + 0.01) / length).min(0.9);
        }
    }
}

/// Root mean square of a stretch.
fn level(samples: &[f32], start_secs: f64, length_secs: f64) -> f32 {
    let index = |secs: f64| ((secs * f64::from(SAMPLE_RATE_HZ)).max(0.0) as usize).min(samples.len());
    let stretch = &samples[index(start_secs)..index(start_secs + length_secs)];
    (stretch.iter().map(|x| x * x).sum::<f32>() / stretch.len().max(1) as f32).sqrt()
}

/// Every English sentence with every voice of flite.
fn flite(seed: u64, folder: &Path) -> Result<Vec<SyntheticSpeech>, TrainingError> {
    let random = Random::new(seed, 0xF1);
    let english = SENTENCES.iter().enumerate().filter(|(_, (voice, _))| voice.starts_with("en"));
    let mut speech = Vec::new();
    for (number, (sentence, (_, text))) in english.enumerate() {
        for voice in FLITE_VOICES {
            let stretch = random.split(speech.len() as u64).between(number as u64, 0.85, 1.25);
            let (samples, phones) = speak_with_flite(voice, stretch, text, &folder.join("flite.wav"))?;
            speech.push(SyntheticSpeech { sentence, voice: format!("flite {voice}"), samples, phones });
        }
    }
    Ok(speech)
}

fn speak_with_flite(
    voice: &str,
    stretch: f32,
    text: &str,
    path: &Path,
) -> Result<(Vec<f32>, Vec<Phone>), TrainingError> {
    let fail = |what: String| TrainingError::Tool { tool: "flite", package: "flite", what };
    let output = Command::new("flite")
        .args(["-voice", voice, "-psdur", "-t", text, "-o"])
        .arg(path)
        .args(["--setf", &format!("duration_stretch={stretch:.3}")])
        .output()
        .map_err(|error| fail(error.to_string()))?;
    if !output.status.success() {
        return Err(fail(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let samples = read_audio(path)?;
    let mut start = 0.0;
    let mut phones = Vec::new();
    for (symbol, end) in
        String::from_utf8_lossy(&output.stdout).split_whitespace().filter_map(|f| f.split_once(':'))
    {
        if let Ok(end) = end.parse::<f64>() {
            phones.extend(spread(&from_arpabet(symbol), start, end));
            start = end;
        }
    }
    open_bursts(&mut phones, &samples);
    Ok((samples, phones))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closures_begin_with_the_stillness() {
        let mut samples = vec![0.3; 16_000];
        samples[8000..9600].fill(0.0);
        let phones = espeak_phones("0.000 a\n0.600 p\n0.650 a\n", &samples);
        let closed = phones.iter().find(|phone| phone.closed_share > 0.0).unwrap();
        assert!((closed.start_secs - 0.5).abs() < 0.011, "{closed:?}");
        assert!((phones[0].end_secs - closed.start_secs).abs() < 1e-9);
    }
}
