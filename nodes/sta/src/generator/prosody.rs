//! Prosody: how something is said, without what is said.

use super::features::{MEL_PER_MODEL_FRAME, MODEL_FRAMES_PER_SEC, SAMPLE_RATE_HZ};
use esarm_kernels::KernelError;
use esarm_kernels::pitch::{Pitch, PitchSettings, PitchTracker};
use std::ops::Range;

/// Values per frame: energy, energy rise, voicing, pitch movement, pitch slope, energy over the last half second.
pub const PROSODY_COUNT: usize = 6;

/// Lowest and highest pitch looked for, in Hz.
const PITCH_RANGE_HZ: [f64; 2] = [65.0, 400.0];
/// Model frames over which the speaker's usual pitch is averaged: 2 s.
const PITCH_MEMORY: usize = 100;
/// Model frames of half a second.
const HALF_SECOND: usize = 25;
/// Natural-logarithm units of power that span quiet to loud speech.
const ENERGY_RANGE: f32 = 8.0;

/// Model frames before the first one that prosody looks at.
pub(crate) const PROSODY_FRAMES_BEFORE: i64 = PITCH_MEMORY as i64 + 4;

/// The tracker of pitch at model frames. It decides from one frame on either side, so that no more of what follows is
/// needed than the spectra need.
pub(super) fn pitch_tracker() -> Result<PitchTracker, KernelError> {
    let [low_hz, high_hz] = PITCH_RANGE_HZ;
    PitchTracker::new(&PitchSettings {
        sample_rate_hz: SAMPLE_RATE_HZ,
        hop_secs: 1.0 / f64::from(MODEL_FRAMES_PER_SEC),
        low_hz,
        high_hz,
        track_secs: 0.0,
        ..PitchSettings::default()
    })
}

/// Prosody of the model frames `frames`, `[frames, PROSODY_COUNT]`; `levels` and `references` are at log-mel rate from
/// `first_mel` on, `pitch` holds a value for each frame from [`PROSODY_FRAMES_BEFORE`] frames earlier on.
pub(super) fn extract_prosody(
    levels: &[f32],
    references: &[f32],
    first_mel: i64,
    pitch: &[Pitch],
    frames: Range<i64>,
) -> Vec<f32> {
    let energy: Vec<f32> = (frames.start - PROSODY_FRAMES_BEFORE..frames.end)
        .map(|frame| {
            let at = (frame * MEL_PER_MODEL_FRAME - first_mel) as usize;
            (1.0 + (levels[at] - references[at]) / ENERGY_RANGE).clamp(0.0, 1.0)
        })
        .collect();
    let start = PROSODY_FRAMES_BEFORE as usize;
    (start..energy.len()).flat_map(|at| frame_values(&energy, pitch, at)).collect()
}

fn frame_values(energy: &[f32], pitch: &[Pitch], at: usize) -> [f32; PROSODY_COUNT] {
    let recent = &energy[at.saturating_sub(HALF_SECOND - 1)..=at];
    let usual = usual_octaves(&pitch[at.saturating_sub(PITCH_MEMORY)..=at]);
    let now = octaves(&pitch[at]);
    let before = octaves(&pitch[at.saturating_sub(3)]);
    let difference = |to: Option<f32>| now.zip(to).map_or(0.0, |(now, to)| now - to);
    [
        energy[at],
        (energy[at] - energy[at.saturating_sub(4)]).clamp(-1.0, 1.0),
        pitch[at].voicing,
        (difference(usual) * 1.4).clamp(-1.0, 1.0),
        (difference(before) * 2.8).clamp(-1.0, 1.0),
        recent.iter().sum::<f32>() / recent.len() as f32,
    ]
}

/// The pitch in octaves above 1 Hz, where there is one.
fn octaves(pitch: &Pitch) -> Option<f32> {
    (pitch.frequency_hz > 0.0).then(|| pitch.frequency_hz.log2())
}

fn usual_octaves(memory: &[Pitch]) -> Option<f32> {
    let (sum, count) = memory.iter().filter_map(octaves).fold((0.0, 0), |(sum, n), it| (sum + it, n + 1));
    (count > 4).then(|| sum / count as f32)
}
