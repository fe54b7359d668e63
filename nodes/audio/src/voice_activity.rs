//! Voice activity: where somebody speaks.
//!
//! Per frame of 10 ms, on 40 mel bands from 100 Hz to 4 kHz:
//! 1. the noise floor is the lowest, the peak the highest smoothed energy within 1.5 s on both sides;
//! 2. a frame is speech when its energy rises over the floor by nearly half the way to the peak (by 8 to 26 dB), and its
//!    spectrum is not flat like that of steady noise; or when it is voiced and not far below the peak;
//! 3. short bursts are dropped, and speech is kept on a little before and after (hangover), so that soft consonants at
//!    the edges of words belong to it.
//!
//! The floor adapts to the room, so the detector needs no calibration; sound that stays the same for three seconds
//! becomes floor unless it is voiced.

use crate::AudioError;
use crate::features::{MelOptions, frames_of, log_mel, track};
use esarm_kernels::FrameGrid;
use esarm_kernels::devices::Device;
use esarm_kernels::pitch::{Pitch, PitchSettings, PitchTracker};
use esarm_values::{Audio, FrameRate, Track};

/// Seconds of audio on both sides that a frame of [`voice_activity`] depends on.
pub const VOICE_ACTIVITY_REACH_SECS: f64 = 2.5;

const FRAMES_PER_SEC: u32 = 100;
/// Frames on both sides over which floor and peak are looked for.
const CONTEXT_FRAMES: usize = 150;
/// Of the way from floor to peak, in decibels of energy, so much is noise; within the limits that follow.
const RISE_FRACTION: f32 = 0.45;
const RISE_DB: (f32, f32) = (8.0, 26.0);
/// Logarithmic spectral flatness (0 for white noise, lower for speech) above which a frame must rise further.
const FLAT: f32 = -0.35;
/// How much further, in decibels.
const FLAT_RISE_DB: f32 = 6.0;
/// A frame is voiced from this correlation on, and speech if it is also within this distance of the peak and louder
/// than this, in decibels.
const VOICED: f32 = 0.6;
const BELOW_PEAK_DB: f32 = 25.0;
const QUIETEST_VOICE_DB: f32 = -55.0;
/// Bursts shorter than this are no speech, pauses shorter than this are no pauses.
const SHORTEST_SPEECH_FRAMES: usize = 4;
const SHORTEST_PAUSE_FRAMES: usize = 6;
/// Frames that speech is kept on before and after.
const LEAD_FRAMES: usize = 2;
const HANGOVER_FRAMES: usize = 3;

/// How readily a frame counts as speech.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoiceActivitySettings {
    /// Added to the rise that speech needs over the noise, in decibels, -12 to 12: higher hears less.
    pub threshold_db: f64,
}

impl Default for VoiceActivitySettings {
    fn default() -> Self {
        Self { threshold_db: 0.0 }
    }
}

/// What a frame sounds like.
#[derive(Clone, Copy)]
struct Frame {
    energy_db: f32,
    flatness: f32,
}

/// Where somebody speaks: a track of 100 frames a second with the channel `speech`, 0 to 1, which ramps over 50 ms.
pub fn voice_activity(
    audio: &Audio,
    settings: &VoiceActivitySettings,
    device: &Device,
) -> Result<Track, AudioError> {
    let threshold_db = settings.threshold_db;
    AudioError::unless(
        (-12.0..=12.0).contains(&threshold_db),
        "threshold_db",
        threshold_db,
        "between -12 and 12",
    )?;
    let frames = sound_of(audio, device)?;
    let grid = FrameGrid { sample_rate_hz: audio.sample_rate_hz, hop_secs: 1.0 / f64::from(FRAMES_PER_SEC) };
    let pitches = pitch_of(audio, grid, device)?;
    let energies = smoothed(&frames);
    let (floors, peaks) = (extremes(&energies, f32::min), extremes(&energies, f32::max));
    let is_speech = |index: usize| {
        let (energy, floor, peak) = (energies[index], floors[index], peaks[index]);
        let flat = if frames[index].flatness > FLAT { FLAT_RISE_DB } else { 0.0 };
        let rise = (RISE_FRACTION * (peak - floor)).clamp(RISE_DB.0, RISE_DB.1) + flat + threshold_db as f32;
        energy > floor + rise || is_voice(pitches[index], energy, peak)
    };
    let decided = (0..frames.len()).map(is_speech).collect();
    let values = ramped(&held(&without_specks(decided)));
    Ok(track(
        FrameRate::whole(FRAMES_PER_SEC),
        vec!["speech".to_owned()],
        values,
        frames_of(audio, grid).start,
    ))
}

fn is_voice(pitch: Pitch, energy_db: f32, peak_db: f32) -> bool {
    let is_loud = energy_db > QUIETEST_VOICE_DB && energy_db > peak_db - BELOW_PEAK_DB;
    pitch.frequency_hz > 0.0 && pitch.voicing > VOICED && is_loud
}

/// Energy and flatness of each frame.
fn sound_of(audio: &Audio, device: &Device) -> Result<Vec<Frame>, AudioError> {
    let options = MelOptions {
        rate: FrameRate::whole(FRAMES_PER_SEC),
        bands: 40,
        low_hz: 100.0,
        high_hz: (f64::from(audio.sample_rate_hz) / 2.0).min(4000.0),
        floor: 1e-12,
        window_secs: 0.032,
    };
    let bands = log_mel(audio, &options, device)?;
    let frame = |index: usize| {
        let logarithms = bands.frame(index);
        let count = logarithms.len() as f32;
        let mean_power = logarithms.iter().map(|value| value.exp()).sum::<f32>() / count;
        let mean_logarithm = logarithms.iter().sum::<f32>() / count;
        Frame { energy_db: 10.0 * mean_power.log10(), flatness: mean_logarithm - mean_power.ln() }
    };
    Ok((0..bands.frame_count()).map(frame).collect())
}

fn pitch_of(audio: &Audio, grid: FrameGrid, device: &Device) -> Result<Vec<Pitch>, AudioError> {
    let settings = PitchSettings {
        sample_rate_hz: audio.sample_rate_hz,
        hop_secs: grid.hop_secs,
        low_hz: 70.0,
        ..PitchSettings::default()
    };
    let frames = frames_of(audio, grid);
    Ok(PitchTracker::new(&settings)?.frames_on(device, &audio.samples, audio.start_sample, frames)?)
}

/// Mean energy of each frame and its neighbours.
fn smoothed(frames: &[Frame]) -> Vec<f32> {
    let mean = |index: usize| {
        let around = &frames[index.saturating_sub(1)..frames.len().min(index + 2)];
        around.iter().map(|frame| frame.energy_db).sum::<f32>() / around.len() as f32
    };
    (0..frames.len()).map(mean).collect()
}

/// The extreme of the values within [`CONTEXT_FRAMES`] of each.
fn extremes(values: &[f32], pick: fn(f32, f32) -> f32) -> Vec<f32> {
    let at = |index: usize| {
        let around =
            &values[index.saturating_sub(CONTEXT_FRAMES)..values.len().min(index + CONTEXT_FRAMES + 1)];
        around.iter().copied().fold(values[index], pick)
    };
    (0..values.len()).map(at).collect()
}

/// Fills short pauses, then drops short bursts.
fn without_specks(mut speech: Vec<bool>) -> Vec<bool> {
    for (value, shortest) in [(false, SHORTEST_PAUSE_FRAMES), (true, SHORTEST_SPEECH_FRAMES)] {
        let mut first = 0;
        while first < speech.len() {
            let length = speech[first..].iter().take_while(|other| **other == speech[first]).count();
            let is_inside = first > 0 && first + length < speech.len();
            if speech[first] == value && length < shortest && is_inside {
                speech[first..first + length].fill(!value);
            }
            first += length;
        }
    }
    speech
}

/// Keeps speech on before and after.
fn held(speech: &[bool]) -> Vec<bool> {
    let mut held = vec![false; speech.len()];
    for (index, _) in speech.iter().enumerate().filter(|(_, is_speech)| **is_speech) {
        let last = (index + HANGOVER_FRAMES + 1).min(speech.len());
        held[index.saturating_sub(LEAD_FRAMES)..last].fill(true);
    }
    held
}

/// Share of speech in each frame and two neighbours on both sides.
fn ramped(speech: &[bool]) -> Vec<f32> {
    let share = |index: usize| {
        let around = &speech[index.saturating_sub(2)..speech.len().min(index + 3)];
        around.iter().filter(|is_speech| **is_speech).count() as f32 / around.len() as f32
    };
    (0..speech.len()).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_kernels::devices::cpu;
    use esarm_kernels::random::Random;

    fn hiss(index: usize, level: f32) -> f32 {
        level * Random::new(3, 0).normal(index as u64)
    }

    /// A voice from 2 to 3 s and from 4 to 4.5 s, a fricative from 3 to 3.1 s, over hiss.
    fn clip(rate_hz: u32, noise: f32) -> Audio {
        let sample = |n: usize| {
            let secs = n as f64 / f64::from(rate_hz);
            let is_voice = (2.0..3.0).contains(&secs) || (4.0..4.5).contains(&secs);
            let voice: f64 = (1..12)
                .map(|k| (std::f64::consts::TAU * 120.0 * secs * f64::from(k)).sin() / f64::from(k))
                .sum();
            let fricative = if (3.0..3.1).contains(&secs) { 0.05 } else { 0.0 };
            let voice = if is_voice { 0.15 * voice as f32 } else { 0.0 };
            voice + hiss(n, noise + fricative)
        };
        Audio::new("clip", rate_hz, (0..6 * rate_hz as usize).map(sample).collect())
    }

    fn speech_of(audio: &Audio) -> Vec<f32> {
        voice_activity(audio, &VoiceActivitySettings::default(), &cpu()).unwrap().channel(0).collect()
    }

    #[test]
    fn voices_are_found_in_quiet_and_noisy_rooms() {
        for rate_hz in [8000, 16_000, 44_100] {
            for noise in [0.0, 0.0003, 0.01] {
                let speech = speech_of(&clip(rate_hz, noise));
                let all = |range: std::ops::Range<usize>, speaks: bool| {
                    speech[range].iter().all(|value| (*value > 0.5) == speaks)
                };
                assert!(all(203..298, true) && all(403..448, true), "{rate_hz} {noise}: {speech:?}");
                assert!(
                    all(10..193, false) && all(325..392, false) && all(465..590, false),
                    "{rate_hz} {noise}: {speech:?}"
                );
            }
        }
    }

    #[test]
    fn fricatives_belong_to_speech() {
        let speech = speech_of(&clip(16_000, 0.0003));
        assert!(speech[300..308].iter().all(|value| *value > 0.5), "{:?}", &speech[295..320]);
    }

    #[test]
    fn silence_and_steady_noise_are_no_speech() {
        let noise = Audio::new("noise", 16_000, (0..80_000).map(|n| hiss(n, 0.1)).collect());
        let share = |speech: Vec<f32>| speech.iter().sum::<f32>() / speech.len() as f32;
        assert!(share(speech_of(&noise)) < 0.02);
        assert_eq!(share(speech_of(&Audio::new("silence", 16_000, vec![0.0; 80_000]))), 0.0);
    }

    #[test]
    fn windows_give_the_frames_of_the_whole() {
        let audio = clip(16_000, 0.001);
        let activity =
            |audio: &Audio| voice_activity(audio, &VoiceActivitySettings::default(), &cpu()).unwrap();
        let margin = (VOICE_ACTIVITY_REACH_SECS * 16_000.0) as i64;
        let whole = activity(&audio);
        for (first, last) in [(0, 50), (290, 350), (420, 600)] {
            let part = activity(&audio.window(first * 160 - margin, last * 160 + margin));
            assert_eq!(part.window(first, last), whole.window(first, last));
        }
    }

    #[test]
    fn short_clips_work() {
        assert!(speech_of(&Audio::new("", 16_000, vec![])).is_empty());
        assert_eq!(speech_of(&Audio::new("", 16_000, vec![0.5])).len(), 1);
        let error = voice_activity(&clip(8000, 0.0), &VoiceActivitySettings { threshold_db: 90.0 }, &cpu())
            .unwrap_err();
        assert!(error.to_string().contains("threshold_db"));
    }
}
