//! Features over time, as tracks, computed on a device. Frame `k` describes the clip time `k / rate`.

use crate::AudioError;
use esarm_kernels::FrameGrid;
use esarm_kernels::devices::Device;
use esarm_kernels::log_mel::{LogMel, LogMelSettings};
use esarm_kernels::onsets::{
    BeatSettings, PeakSettings, estimate_tempo, onset_strength, pick_peaks, track_beats,
};
use esarm_kernels::pitch::PitchSettings;
use esarm_kernels::prosody::{PROSODY_CHANNELS, Prosody};
use esarm_values::{Audio, FrameRate, Track};
use std::ops::Range;

/// Seconds of audio on both sides that a frame of [`log_mel`] depends on.
pub const LOG_MEL_REACH_SECS: f64 = 0.05;
/// Seconds of audio on both sides that a frame of [`prosody`] depends on.
pub const PROSODY_REACH_SECS: f64 = Prosody::REACH_SECS;
/// Seconds of audio on both sides that a frame of [`onsets`] depends on.
pub const ONSETS_REACH_SECS: f64 = 0.25;

/// Frames per second of [`onsets`] and [`beats`].
const ONSET_RATE: FrameRate = FrameRate::whole(100);
/// Mel bands of [`onsets`] and [`beats`].
const ONSET_BANDS: usize = 40;

/// Which log-mel features to compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MelOptions {
    /// Frames per second.
    pub rate: FrameRate,
    /// Number of bands, 1 to 256.
    pub bands: usize,
    /// Length of the window in seconds, up to 0.1.
    pub window_secs: f64,
    /// Lower edge of the lowest band, in Hz.
    pub low_hz: f64,
    /// Upper edge of the highest band, in Hz; at most half the sampling rate.
    pub high_hz: f64,
    /// Smallest power of a band that is told apart.
    pub floor: f32,
}

impl Default for MelOptions {
    /// 80 bands up to 8 kHz, 100 frames a second, windows of 25 ms.
    fn default() -> Self {
        Self {
            rate: FrameRate::whole(100),
            bands: 80,
            window_secs: 0.025,
            low_hz: 0.0,
            high_hz: 8000.0,
            floor: 1e-10,
        }
    }
}

impl MelOptions {
    fn settings(&self, sample_rate_hz: u32) -> Result<LogMelSettings, AudioError> {
        let window_is_fine = self.window_secs > 0.0 && self.window_secs <= 0.1;
        AudioError::unless(window_is_fine, "window_secs", self.window_secs, "above 0 and at most 0.1")?;
        let window_samples = (self.window_secs * f64::from(sample_rate_hz)).round() as usize;
        let fft_size = window_samples.max(2).next_power_of_two();
        let allowed = format!(
            "between 1 and {fft_size} with a window of {} s at {sample_rate_hz} Hz; a longer window_secs allows more",
            self.window_secs
        );
        AudioError::unless((1..=fft_size).contains(&self.bands), "bands", self.bands, allowed)?;
        Ok(LogMelSettings {
            sample_rate_hz,
            window_secs: self.window_secs,
            hop_secs: 1.0 / self.rate.frames_per_sec(),
            fft_size,
            mel_count: self.bands,
            low_hz: self.low_hz,
            high_hz: self.high_hz,
            floor: self.floor,
        })
    }
}

/// Natural logarithm of mel-band power, channels `mel_00`, `mel_01` ... ([`esarm_kernels::log_mel`]).
pub fn log_mel(audio: &Audio, options: &MelOptions, device: &Device) -> Result<Track, AudioError> {
    let settings = options.settings(audio.sample_rate_hz)?;
    let transform = LogMel::new(&settings)?;
    let frames = frames_of(audio, settings.grid());
    let values = transform.frames_on(device, &audio.samples, audio.start_sample, frames.clone())?;
    let names = (0..options.bands).map(|band| format!("mel_{band:02}")).collect();
    Ok(track(options.rate, names, values, frames.start))
}

/// Pitch, voicing, energy, timbre and speaking rate, channels [`PROSODY_CHANNELS`] ([`esarm_kernels::prosody`]).
///
/// Pitch is looked for from `low_hz` to `high_hz`.
pub fn prosody(
    audio: &Audio,
    rate: FrameRate,
    low_hz: f64,
    high_hz: f64,
    device: &Device,
) -> Result<Track, AudioError> {
    let settings = PitchSettings {
        sample_rate_hz: audio.sample_rate_hz,
        hop_secs: 1.0 / rate.frames_per_sec(),
        low_hz,
        high_hz,
        ..PitchSettings::default()
    };
    let analysis = Prosody::new(&settings)?;
    let frames = frames_of(audio, settings.grid());
    let values = analysis.frames_on(device, &audio.samples, audio.start_sample, frames.clone())?;
    let names = PROSODY_CHANNELS.iter().map(|name| (*name).to_owned()).collect();
    Ok(track(rate, names, values, frames.start))
}

/// Beginnings of sounds at 100 frames a second: `strength`, in decibels of rise, and `onset`, 1 in the frame of an
/// onset that stands out by `delta_db` and 0 elsewhere ([`esarm_kernels::onsets`]).
pub fn onsets(audio: &Audio, delta_db: f64, device: &Device) -> Result<Track, AudioError> {
    AudioError::unless((0.0..=100.0).contains(&delta_db), "delta_db", delta_db, "between 0 and 100")?;
    let (frames, strength) = strength_of(audio, device)?;
    let settings = PeakSettings { delta: delta_db as f32, ..PeakSettings::default() };
    let marks = marks_at(&pick_peaks(&strength, &settings)?, strength.len());
    let values = strength.iter().zip(marks).flat_map(|(strength, mark)| [*strength, mark]).collect();
    Ok(track(ONSET_RATE, vec!["strength".to_owned(), "onset".to_owned()], values, frames.start))
}

/// The pulse of a clip at 100 frames a second: `beat`, 1 in the frame of a beat and 0 elsewhere, and the tempo in
/// beats per minute, `None` when nothing repeats. Depends on the whole clip ([`esarm_kernels::onsets`]).
pub fn beats(
    audio: &Audio,
    tempo_bpm: Option<f64>,
    device: &Device,
) -> Result<(Track, Option<f64>), AudioError> {
    let (frames, strength) = strength_of(audio, device)?;
    let frames_per_sec = ONSET_RATE.frames_per_sec();
    let tempo_bpm = match tempo_bpm {
        Some(bpm) => Some(bpm),
        None => estimate_tempo(&strength, frames_per_sec)?,
    };
    let found = match tempo_bpm {
        Some(_) => {
            track_beats(&strength, &BeatSettings { frames_per_sec, tempo_bpm, ..BeatSettings::default() })?
        }
        None => Vec::new(),
    };
    let values = marks_at(&found, strength.len());
    Ok((track(ONSET_RATE, vec!["beat".to_owned()], values, frames.start), tempo_bpm))
}

/// Onset strength of the frames of a clip.
fn strength_of(audio: &Audio, device: &Device) -> Result<(Range<i64>, Vec<f32>), AudioError> {
    let high_hz = (f64::from(audio.sample_rate_hz) / 2.0).min(8000.0);
    let options =
        MelOptions { rate: ONSET_RATE, bands: ONSET_BANDS, high_hz, floor: 1e-7, ..MelOptions::default() };
    let settings = options.settings(audio.sample_rate_hz)?;
    let frames = frames_of(audio, settings.grid());
    // One frame more in front: the first frame of a clip rises from silence like any other.
    let with_first = frames.start - 1..frames.end;
    let bands = LogMel::new(&settings)?.frames_on(device, &audio.samples, audio.start_sample, with_first)?;
    let strength = onset_strength(&bands, ONSET_BANDS)?;
    Ok((frames, strength[1..].to_vec()))
}

fn marks_at(indices: &[usize], count: usize) -> Vec<f32> {
    let mut marks = vec![0.0; count];
    indices.iter().for_each(|index| marks[*index] = 1.0);
    marks
}

/// The frames whose times lie on a clip or a window of one.
pub(crate) fn frames_of(audio: &Audio, grid: FrameGrid) -> Range<i64> {
    grid.frames_on(audio.start_sample..audio.start_sample + audio.samples.len() as i64)
}

pub(crate) fn track(rate: FrameRate, channels: Vec<String>, values: Vec<f32>, start_frame: i64) -> Track {
    Track::new(rate, channels, values)
        .expect("values fill frames of distinct channels")
        .starting_at(start_frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_kernels::devices::cpu;
    use esarm_kernels::random::Random;

    /// A voice that starts every 0.4 s and fades, over faint hiss.
    fn clip(rate_hz: u32, secs: f64) -> Audio {
        let random = Random::new(6, 0);
        let sample = |n: usize| {
            let secs = n as f64 / f64::from(rate_hz);
            let envelope = 0.3 * (1.0 - (secs % 0.4) / 0.3).max(0.0);
            let voice: f64 = (1..9)
                .map(|k| (std::f64::consts::TAU * 140.0 * secs * f64::from(k)).sin() / f64::from(k))
                .sum();
            (envelope * voice) as f32 + 0.001 * random.normal(n as u64)
        };
        Audio::new("clip", rate_hz, (0..(secs * f64::from(rate_hz)) as usize).map(sample).collect())
    }

    /// Checks that a window with its margin has the frames of the whole.
    fn check_window(feature: impl Fn(&Audio) -> Track, reach_secs: f64) {
        for rate_hz in [16_000, 44_100] {
            let audio = clip(rate_hz, 6.0);
            let whole = feature(&audio);
            assert_eq!((whole.start_frame(), whole.frame_count()), (0, 600));
            let at = |secs: f64| (secs * f64::from(rate_hz)).round() as i64;
            let part = feature(&audio.window(at(2.9 - reach_secs), at(3.3 + reach_secs)));
            assert_eq!(part.window(290, 330), whole.window(290, 330), "{rate_hz}");
        }
    }

    #[test]
    fn windows_give_the_frames_of_the_whole() {
        check_window(|audio| log_mel(audio, &MelOptions::default(), &cpu()).unwrap(), LOG_MEL_REACH_SECS);
        check_window(
            |audio| prosody(audio, FrameRate::whole(100), 60.0, 500.0, &cpu()).unwrap(),
            PROSODY_REACH_SECS,
        );
        check_window(|audio| onsets(audio, 3.0, &cpu()).unwrap(), ONSETS_REACH_SECS);
    }

    #[test]
    fn bursts_are_onsets_and_beats() {
        let track = onsets(&clip(16_000, 6.0), 3.0, &cpu()).unwrap();
        let marks: Vec<usize> =
            track.channel(1).enumerate().filter(|(_, mark)| *mark > 0.5).map(|(index, _)| index).collect();
        let is_near_burst = |mark: &usize| (mark + 3) % 40 <= 6;
        assert!(marks.iter().filter(|mark| is_near_burst(mark)).count() >= 14, "{marks:?}");
        assert!(marks.iter().filter(|mark| !is_near_burst(mark)).count() <= 1, "{marks:?}");
        let (track, tempo) = beats(&clip(16_000, 10.0), None, &cpu()).unwrap();
        assert!((tempo.unwrap() - 150.0).abs() < 3.0, "{tempo:?}");
        assert!(track.channel(0).filter(|beat| *beat > 0.5).count() >= 22);
        let (track, tempo) = beats(&Audio::new("", 16_000, vec![0.0; 32_000]), None, &cpu()).unwrap();
        assert_eq!((tempo, track.channel(0).sum::<f32>()), (None, 0.0));
    }

    #[test]
    fn rates_need_not_divide_samples() {
        let audio = clip(22_050, 1.0);
        let rate = FrameRate::from_decimal(29.97).unwrap();
        let track = log_mel(&audio, &MelOptions { rate, ..MelOptions::default() }, &cpu()).unwrap();
        assert_eq!((track.frame_count(), track.rate()), (30, rate));
        assert_eq!(track.channels()[79], "mel_79");
    }

    #[test]
    fn short_clips_work_and_bad_settings_are_named() {
        let one = Audio::new("", 16_000, vec![0.5]);
        assert_eq!(log_mel(&one, &MelOptions::default(), &cpu()).unwrap().frame_count(), 1);
        assert_eq!(prosody(&one, FrameRate::whole(100), 60.0, 500.0, &cpu()).unwrap().frame_count(), 1);
        assert_eq!(onsets(&one, 3.0, &cpu()).unwrap().frame_count(), 1);
        let none = Audio::new("", 16_000, vec![]);
        assert_eq!(onsets(&none, 3.0, &cpu()).unwrap().frame_count(), 0);
        let wide = MelOptions { window_secs: 9.0, ..MelOptions::default() };
        assert!(log_mel(&one, &wide, &cpu()).unwrap_err().to_string().contains("window_secs"));
        let high = MelOptions { high_hz: 9000.0, ..MelOptions::default() };
        assert!(log_mel(&one, &high, &cpu()).unwrap_err().to_string().contains("high_hz"));
        assert!(onsets(&one, -1.0, &cpu()).unwrap_err().to_string().contains("delta_db"));
    }
}
