//! Prosody: how something is said, without what is said.

use super::features::{MEL_PER_MODEL_FRAME, SAMPLE_RATE_HZ};
use esarm_values::Audio;
use std::ops::Range;

/// Values per frame: energy, energy rise, voicing, pitch movement, pitch slope, energy over the last half second.
pub const PROSODY_COUNT: usize = 6;

/// Audio is averaged down to this rate before the search for a pitch period.
const PITCH_RATE_HZ: u32 = 4000;
const DECIMATION: usize = (SAMPLE_RATE_HZ / PITCH_RATE_HZ) as usize;
/// Period searched, in samples at [`PITCH_RATE_HZ`]: 400 Hz to 65 Hz.
const SHORTEST_PERIOD: usize = 10;
const LONGEST_PERIOD: usize = 61;
/// Samples compared at each candidate period: 40 ms.
const PITCH_WINDOW: usize = 160;
/// Normalised correlation from which a frame counts as voiced.
const VOICED: f32 = 0.55;
/// Model frames over which the speaker's usual pitch is averaged: 2 s.
const PITCH_MEMORY: usize = 100;
/// Model frames of half a second.
const HALF_SECOND: usize = 25;
/// Natural-logarithm units of power that span quiet to loud speech.
const ENERGY_RANGE: f32 = 8.0;

/// Model frames before the first one that prosody looks at.
pub(crate) const PROSODY_FRAMES_BEFORE: i64 = PITCH_MEMORY as i64 + 4;

struct Pitch {
    voicing: f32,
    log_hz: f32,
}

/// Prosody of the model frames `frames`, `[frames, PROSODY_COUNT]`; `levels` and `references` are at log-mel rate from
/// `first_mel` on.
pub(crate) fn extract_prosody(
    audio: &Audio,
    levels: &[f32],
    references: &[f32],
    first_mel: i64,
    frames: Range<i64>,
) -> Vec<f32> {
    let first = frames.start - PROSODY_FRAMES_BEFORE;
    let energy: Vec<f32> = (first..frames.end)
        .map(|frame| {
            let at = (frame * MEL_PER_MODEL_FRAME - first_mel) as usize;
            (1.0 + (levels[at] - references[at]) / ENERGY_RANGE).clamp(0.0, 1.0)
        })
        .collect();
    let pitch = pitch_track(audio, first..frames.end);
    let start = PROSODY_FRAMES_BEFORE as usize;
    (start..energy.len()).flat_map(|at| frame_values(&energy, &pitch, at)).collect()
}

fn frame_values(energy: &[f32], pitch: &[Pitch], at: usize) -> [f32; PROSODY_COUNT] {
    let recent = &energy[at.saturating_sub(HALF_SECOND - 1)..=at];
    let usual = usual_pitch(&pitch[at.saturating_sub(PITCH_MEMORY)..=at]);
    let now = &pitch[at];
    let before = &pitch[at.saturating_sub(3)];
    let movement = usual.filter(|_| now.voicing > VOICED).map_or(0.0, |usual| now.log_hz - usual);
    let slope =
        if now.voicing > VOICED && before.voicing > VOICED { now.log_hz - before.log_hz } else { 0.0 };
    [
        energy[at],
        (energy[at] - energy[at.saturating_sub(4)]).clamp(-1.0, 1.0),
        now.voicing,
        (movement * 2.0).clamp(-1.0, 1.0),
        (slope * 4.0).clamp(-1.0, 1.0),
        recent.iter().sum::<f32>() / recent.len() as f32,
    ]
}

fn usual_pitch(memory: &[Pitch]) -> Option<f32> {
    let voiced = memory.iter().filter(|pitch| pitch.voicing > VOICED);
    let (sum, count) = voiced.fold((0.0, 0), |(sum, count), pitch| (sum + pitch.log_hz, count + 1));
    (count > 4).then(|| sum / count as f32)
}

/// Voicing and pitch of model frames by the highest normalised autocorrelation.
fn pitch_track(audio: &Audio, frames: Range<i64>) -> Vec<Pitch> {
    let hop = (PITCH_RATE_HZ / super::features::MODEL_FRAMES_PER_SEC) as i64;
    let span = (PITCH_WINDOW + LONGEST_PERIOD) as i64;
    let first = frames.start * hop - span;
    let samples = decimate(audio, first..frames.end * hop);
    frames
        .map(|frame| {
            let end = (frame * hop - first) as usize;
            pitch_of(&samples[end - span as usize..end])
        })
        .collect()
}

/// Means of [`DECIMATION`] samples, for indices `range` at [`PITCH_RATE_HZ`]; missing samples are silence.
fn decimate(audio: &Audio, range: Range<i64>) -> Vec<f32> {
    range
        .map(|index| {
            let first = index * DECIMATION as i64 - audio.start_sample;
            let sum: f32 = (first..first + DECIMATION as i64)
                .filter_map(|at| usize::try_from(at).ok().and_then(|at| audio.samples.get(at)))
                .sum();
            sum / DECIMATION as f32
        })
        .collect()
}

fn pitch_of(samples: &[f32]) -> Pitch {
    let now = &samples[LONGEST_PERIOD..];
    let energy: f32 = now.iter().map(|x| x * x).sum();
    let mut past_energy: f32 = samples[..PITCH_WINDOW].iter().map(|x| x * x).sum();
    let mut best = Pitch { voicing: 0.0, log_hz: 0.0 };
    for period in (SHORTEST_PERIOD..=LONGEST_PERIOD).rev() {
        let start = LONGEST_PERIOD - period;
        let past = &samples[start..start + PITCH_WINDOW];
        let product: f32 = now.iter().zip(past).map(|(a, b)| a * b).sum();
        let voicing = product / (energy * past_energy).sqrt().max(1e-6);
        // A shorter period must be as good as a longer one: its multiples always are.
        if voicing > best.voicing - 0.03 && voicing > 0.0 {
            best = Pitch { voicing, log_hz: (PITCH_RATE_HZ as f32 / period as f32).ln() };
        }
        past_energy = (past_energy + samples[start + PITCH_WINDOW].powi(2) - samples[start].powi(2)).max(0.0);
    }
    best
}
