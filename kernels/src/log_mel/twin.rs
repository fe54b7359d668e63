//! Settings, and the transform on plain slices.

use crate::KernelError;
use crate::error::require_finite;
use crate::frames::{FrameGrid, read_frame};
use rayon::prelude::*;
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::ops::Range;
use std::sync::Arc;

/// What to compute.
#[derive(Clone, Debug, PartialEq)]
pub struct LogMelSettings {
    /// Sampling rate of the audio, in Hz.
    pub sample_rate_hz: u32,
    /// Length of the Hann window, in seconds; at most `fft_size` samples.
    pub window_secs: f64,
    /// Time from frame to frame, in seconds; need not be a whole number of samples.
    pub hop_secs: f64,
    /// Samples that enter the Fourier transform; the window is padded with zeros up to it.
    pub fft_size: usize,
    /// Number of mel filters.
    pub mel_count: usize,
    /// Lower edge of the lowest filter, in Hz.
    pub low_hz: f64,
    /// Upper edge of the highest filter, in Hz; at most half the sampling rate.
    pub high_hz: f64,
    /// Smallest filter output; smaller ones count as this before the logarithm.
    pub floor: f32,
}

impl Default for LogMelSettings {
    /// 80 bands up to 8 kHz of audio at 16 kHz, 25 ms windows, 100 frames a second.
    fn default() -> Self {
        Self {
            sample_rate_hz: 16_000,
            window_secs: 0.025,
            hop_secs: 0.010,
            fft_size: 512,
            mel_count: 80,
            low_hz: 0.0,
            high_hz: 8000.0,
            floor: 1e-10,
        }
    }
}

impl LogMelSettings {
    /// Length of the window in samples.
    pub fn window_samples(&self) -> usize {
        (self.window_secs * f64::from(self.sample_rate_hz)).round() as usize
    }

    /// The frames that the settings ask for.
    pub fn grid(&self) -> FrameGrid {
        FrameGrid { sample_rate_hz: self.sample_rate_hz, hop_secs: self.hop_secs }
    }

    /// Clip index of the sample on which a frame is centred.
    pub fn centre_of(&self, frame: i64) -> i64 {
        self.grid().centre_of(frame)
    }

    /// Number of frames of a clip of `sample_count` samples.
    pub fn frame_count(&self, sample_count: usize) -> usize {
        self.grid().frames_on(0..sample_count as i64).end as usize
    }

    /// Refuses settings that cannot be computed.
    pub fn check(&self) -> Result<(), KernelError> {
        let nyquist_hz = f64::from(self.sample_rate_hz) / 2.0;
        let window = self.window_samples();
        KernelError::unless(self.sample_rate_hz > 0, "sample_rate_hz", self.sample_rate_hz, "above 0")?;
        KernelError::unless(
            (2..=1 << 20).contains(&self.fft_size),
            "fft_size",
            self.fft_size,
            "between 2 and 1048576 samples",
        )?;
        KernelError::unless(
            (2..=self.fft_size).contains(&window),
            "window_secs",
            format!("{} ({window} samples)", self.window_secs),
            format!("long enough for 2 samples and short enough for fft_size = {}", self.fft_size),
        )?;
        KernelError::unless(
            self.hop_secs.is_finite() && self.hop_secs * f64::from(self.sample_rate_hz) >= 1.0,
            "hop_secs",
            self.hop_secs,
            "at least one sample",
        )?;
        KernelError::unless(
            self.low_hz >= 0.0 && self.low_hz < self.high_hz,
            "low_hz",
            self.low_hz,
            "at least 0 and below high_hz",
        )?;
        KernelError::unless(
            self.high_hz <= nyquist_hz,
            "high_hz",
            self.high_hz,
            format!("at most half the sampling rate, {nyquist_hz}"),
        )?;
        KernelError::unless(
            self.floor > 0.0 && self.floor.is_finite(),
            "floor",
            self.floor,
            "a finite number above 0",
        )?;
        KernelError::unless(
            (1..=self.fft_size).contains(&self.mel_count),
            "mel_count",
            self.mel_count,
            "between 1 and fft_size",
        )
    }
}

/// The log-mel spectrogram of a whole clip: `[n]` samples to `[frames, mel_count]`, natural logarithm of power.
pub fn log_mel(samples: &[f32], settings: &LogMelSettings) -> Result<Vec<f32>, KernelError> {
    let frames = settings.frame_count(samples.len()) as i64;
    LogMel::new(settings)?.frames(samples, 0, 0..frames)
}

/// A prepared log-mel transform: window, filters and Fourier plan.
pub struct LogMel {
    pub(super) settings: LogMelSettings,
    pub(super) window: Vec<f32>,
    pub(super) filters: Vec<MelFilter>,
    transform: Arc<dyn RealToComplex<f32>>,
}

/// One triangle: its weights from spectrum bin `first_bin` on.
pub(super) struct MelFilter {
    pub(super) first_bin: usize,
    pub(super) weights: Vec<f32>,
}

/// Buffers of one worker.
struct Scratch {
    frame: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    power: Vec<f32>,
    transform: Vec<Complex<f32>>,
}

impl LogMel {
    /// Frames that one worker computes at a stretch.
    const FRAMES_A_BLOCK: usize = 128;

    /// Prepares the transform. Refuses settings whose filters would be narrower than a spectrum bin.
    pub fn new(settings: &LogMelSettings) -> Result<Self, KernelError> {
        settings.check()?;
        let filters = mel_filters(settings);
        if let Some(empty) = filters.iter().position(|filter| filter.weights.is_empty()) {
            return Err(KernelError::Setting {
                name: "mel_count",
                found: format!("{} (filter {empty} covers no spectrum bin)", settings.mel_count),
                allowed: format!("fewer, or fft_size larger than {}", settings.fft_size),
            });
        }
        let transform = RealFftPlanner::new().plan_fft_forward(settings.fft_size);
        Ok(Self {
            window: hann_window(settings.window_samples()),
            settings: settings.clone(),
            filters,
            transform,
        })
    }

    /// The frames `frames` of a clip, `[frames, mel_count]`, of which `samples` holds the part from clip index
    /// `first_sample` on. Samples outside of that part count as zero.
    pub fn frames(
        &self,
        samples: &[f32],
        first_sample: i64,
        frames: Range<i64>,
    ) -> Result<Vec<f32>, KernelError> {
        require_finite("samples", samples)?;
        let count = usize::try_from(frames.end - frames.start).unwrap_or(0);
        let mut output = vec![0.0; count * self.settings.mel_count];
        self.frames_into(samples, first_sample, frames.start, &mut output);
        Ok(output)
    }

    /// Fills `output`, `[frames, mel_count]`, with the frames from `first_frame` on.
    pub(super) fn frames_into(
        &self,
        samples: &[f32],
        first_sample: i64,
        first_frame: i64,
        output: &mut [f32],
    ) {
        let width = self.settings.mel_count;
        output.par_chunks_mut(Self::FRAMES_A_BLOCK * width).enumerate().for_each(|(block, rows)| {
            let mut scratch = self.scratch();
            let first_frame = first_frame + (block * Self::FRAMES_A_BLOCK) as i64;
            for (frame, row) in (first_frame..).zip(rows.chunks_mut(width)) {
                let first = self.window_start(frame) - first_sample;
                self.frame(samples, first, &mut scratch, row);
            }
        });
    }

    /// Clip index of the first sample of a frame's window.
    pub(super) fn window_start(&self, frame: i64) -> i64 {
        self.settings.centre_of(frame) - (self.window.len() / 2) as i64
    }

    fn scratch(&self) -> Scratch {
        Scratch {
            frame: self.transform.make_input_vec(),
            spectrum: self.transform.make_output_vec(),
            power: vec![0.0; self.settings.fft_size / 2 + 1],
            transform: self.transform.make_scratch_vec(),
        }
    }

    /// One frame, whose window begins at index `first` of `samples`.
    fn frame(&self, samples: &[f32], first: i64, scratch: &mut Scratch, row: &mut [f32]) {
        let (windowed, padding) = scratch.frame.split_at_mut(self.window.len());
        read_frame(samples, 0, first, windowed);
        windowed.iter_mut().zip(&self.window).for_each(|(sample, weight)| *sample *= weight);
        padding.fill(0.0);
        self.transform
            .process_with_scratch(&mut scratch.frame, &mut scratch.spectrum, &mut scratch.transform)
            .expect("the buffers were made by this transform");
        for (power, bin) in scratch.power.iter_mut().zip(&scratch.spectrum) {
            *power = bin.norm_sqr();
        }
        for (slot, filter) in row.iter_mut().zip(&self.filters) {
            let bins = &scratch.power[filter.first_bin..];
            let energy: f32 = filter.weights.iter().zip(bins).map(|(weight, power)| weight * power).sum();
            *slot = energy.max(self.settings.floor).ln();
        }
    }
}

/// The periodic Hann window `0.5 - 0.5 cos(2πn / length)`.
pub(crate) fn hann_window(length: usize) -> Vec<f32> {
    let weight = |n: usize| 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / length as f64).cos();
    (0..length).map(|n| weight(n) as f32).collect()
}

/// Slaney's mel scale: linear to 1 kHz at 3 mel per 200 Hz, then 27 mel per factor of 6.4.
pub fn hz_to_mel(hz: f64) -> f64 {
    if hz < 1000.0 { hz * 3.0 / 200.0 } else { 15.0 + (hz / 1000.0).ln() * 27.0 / 6.4_f64.ln() }
}

/// The inverse of [`hz_to_mel`].
pub fn mel_to_hz(mel: f64) -> f64 {
    if mel < 15.0 { mel * 200.0 / 3.0 } else { 1000.0 * ((mel - 15.0) * 6.4_f64.ln() / 27.0).exp() }
}

/// Triangles between `mel_count + 2` equally spaced points on the mel scale, each of unit area over Hz.
fn mel_filters(settings: &LogMelSettings) -> Vec<MelFilter> {
    let (low, high) = (hz_to_mel(settings.low_hz), hz_to_mel(settings.high_hz));
    let step = (high - low) / (settings.mel_count + 1) as f64;
    let edges: Vec<f64> = (0..settings.mel_count + 2).map(|k| mel_to_hz(low + step * k as f64)).collect();
    let bin_hz = f64::from(settings.sample_rate_hz) / settings.fft_size as f64;
    edges.windows(3).map(|edges| mel_filter(edges, bin_hz, settings.fft_size / 2 + 1)).collect()
}

fn mel_filter(edges: &[f64], bin_hz: f64, bin_count: usize) -> MelFilter {
    let (lower, centre, upper) = (edges[0], edges[1], edges[2]);
    let weight = |bin: usize| {
        let hz = bin as f64 * bin_hz;
        let height = ((hz - lower) / (centre - lower)).min((upper - hz) / (upper - centre));
        (height.max(0.0) * 2.0 / (upper - lower)) as f32
    };
    let first_bin = (lower / bin_hz).floor() as usize;
    let mut weights: Vec<f32> = (first_bin..bin_count).map(weight).collect();
    let leading = weights.iter().take_while(|weight| **weight == 0.0).count();
    weights.drain(..leading);
    let used = weights.iter().take_while(|weight| **weight > 0.0).count();
    weights.truncate(used);
    MelFilter { first_bin: first_bin + leading, weights }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gliding tone with harmonics over a little noise; `tests/reference/log_mel.py` computes the same.
    fn test_signal(sample_rate_hz: u32, count: usize) -> Vec<f32> {
        let mut noise = 12_345_u32;
        (0..count)
            .map(|n| {
                let secs = n as f64 / f64::from(sample_rate_hz);
                let turns = 120.0 * secs + 200.0 * secs * secs;
                let tone: f64 = (1..=8)
                    .map(|k| (std::f64::consts::TAU * turns * f64::from(k)).sin() / f64::from(k))
                    .sum();
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let hiss = f64::from(noise) / 4_294_967_296.0 - 0.5;
                (0.2 * tone + 0.01 * hiss) as f32
            })
            .collect()
    }

    fn reference() -> serde_json::Value {
        serde_json::from_str(include_str!("../../tests/reference/log_mel.json")).unwrap()
    }

    #[test]
    fn values_agree_with_librosa() {
        for case in reference()["cases"].as_array().unwrap() {
            let settings = LogMelSettings {
                sample_rate_hz: case["sample_rate_hz"].as_u64().unwrap() as u32,
                fft_size: case["fft_size"].as_u64().unwrap() as usize,
                mel_count: case["mel_count"].as_u64().unwrap() as usize,
                low_hz: case["low_hz"].as_f64().unwrap(),
                high_hz: case["high_hz"].as_f64().unwrap(),
                ..LogMelSettings::default()
            };
            let samples =
                test_signal(settings.sample_rate_hz, case["sample_count"].as_u64().unwrap() as usize);
            let values = log_mel(&samples, &settings).unwrap();
            for frame in case["frames"].as_array().unwrap() {
                let index = frame["index"].as_u64().unwrap() as usize;
                let row = &values[index * settings.mel_count..][..settings.mel_count];
                let expected = frame["values"].as_array().unwrap();
                assert_eq!(expected.len(), row.len());
                for (mel, (value, expected)) in row.iter().zip(expected).enumerate() {
                    let expected = expected.as_f64().unwrap();
                    assert!((f64::from(*value) - expected).abs() < 2e-3, "{index} {mel}: {value} {expected}");
                }
            }
        }
    }

    #[test]
    fn windows_give_the_values_of_the_whole() {
        for sample_rate_hz in [16_000, 22_050] {
            let settings = LogMelSettings { sample_rate_hz, fft_size: 1024, ..LogMelSettings::default() };
            let samples = test_signal(sample_rate_hz, 9001);
            let whole = log_mel(&samples, &settings).unwrap();
            let (first, last) = (17, 31);
            let half = settings.window_samples() as i64;
            let from = (settings.centre_of(first) - half) as usize;
            let to = (settings.centre_of(last) + half) as usize;
            let part =
                LogMel::new(&settings).unwrap().frames(&samples[from..to], from as i64, first..last).unwrap();
            assert_eq!(part, whole[first as usize * 80..last as usize * 80]);
        }
    }

    #[test]
    fn frames_cover_the_clip() {
        let settings = LogMelSettings::default();
        let counts = [0, 1, 160, 161, 320].map(|samples| settings.frame_count(samples));
        assert_eq!(counts, [0, 1, 1, 2, 2]);
        assert_eq!(log_mel(&[], &settings).unwrap(), Vec::<f32>::new());
        assert_eq!(log_mel(&[0.0], &settings).unwrap(), vec![1e-10_f32.ln(); 80]);
    }

    #[test]
    fn mel_scale_is_its_own_inverse() {
        for hz in [0.0, 440.0, 999.0, 1000.0, 4000.0, 20_000.0] {
            assert!((mel_to_hz(hz_to_mel(hz)) - hz).abs() < 1e-9 * (1.0 + hz));
        }
    }

    #[test]
    fn bad_settings_are_named() {
        let fails = |settings: LogMelSettings, name: &str| {
            let message = log_mel(&[0.0; 100], &settings).unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        };
        let good = LogMelSettings::default;
        fails(LogMelSettings { sample_rate_hz: 0, ..good() }, "sample_rate_hz");
        fails(LogMelSettings { sample_rate_hz: 48_000, ..good() }, "window_secs");
        fails(LogMelSettings { hop_secs: 0.0, ..good() }, "hop_secs");
        fails(LogMelSettings { high_hz: 9000.0, ..good() }, "high_hz");
        fails(LogMelSettings { low_hz: 8000.0, ..good() }, "low_hz");
        fails(LogMelSettings { floor: 0.0, ..good() }, "floor");
        fails(LogMelSettings { mel_count: 400, ..good() }, "mel_count");
        fails(LogMelSettings { window_secs: f64::NAN, ..good() }, "window_secs");
    }

    #[test]
    fn samples_that_are_not_numbers_are_refused() {
        let error = log_mel(&[0.0, f32::NAN], &LogMelSettings::default()).unwrap_err();
        assert_eq!(error, KernelError::NotFinite { argument: "samples", index: 1 });
    }
}
