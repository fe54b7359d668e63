//! Reading of training audio: WAV and FLAC, as mono at the generator's rate.

use super::TrainingError;
use crate::generator::features::SAMPLE_RATE_HZ;
use std::path::Path;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

/// The samples of a WAV or FLAC file, mono, resampled to [`SAMPLE_RATE_HZ`].
pub fn read_audio(path: &Path) -> Result<Vec<f32>, TrainingError> {
    let (samples, rate_hz) = match path.extension().and_then(|ending| ending.to_str()) {
        Some("flac") => read_flac(path)?,
        _ => read_wav(path)?,
    };
    Ok(resample(&samples, f64::from(rate_hz) / f64::from(SAMPLE_RATE_HZ)))
}

fn read_wav(path: &Path) -> Result<(Vec<f32>, u32), TrainingError> {
    let fail = |error: hound::Error| TrainingError::file(path, error);
    let mut reader = hound::WavReader::open(path).map_err(fail)?;
    let format = reader.spec();
    let scale = 1.0 / (1_i64 << (format.bits_per_sample - 1)) as f32;
    let samples: Result<Vec<f32>, _> = match format.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect(),
        hound::SampleFormat::Int => reader.samples::<i32>().map(|s| s.map(|s| s as f32 * scale)).collect(),
    };
    Ok((to_mono(&samples.map_err(fail)?, usize::from(format.channels)), format.sample_rate))
}

fn read_flac(path: &Path) -> Result<(Vec<f32>, u32), TrainingError> {
    let file = std::fs::File::open(path).map_err(|error| TrainingError::file(path, error))?;
    let fail = |error: symphonia::core::errors::Error| TrainingError::file(path, error);
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let mut hint = Hint::new();
    hint.with_extension("flac");
    let mut format = symphonia::default::get_probe()
        .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(fail)?;
    let missing = || TrainingError::file(path, "holds no audio");
    let parameters = format
        .default_track(TrackType::Audio)
        .and_then(|track| track.codec_params.as_ref())
        .and_then(|parameters| parameters.audio().cloned())
        .ok_or_else(missing)?;
    let rate_hz = parameters.sample_rate.ok_or_else(missing)?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(&parameters, &AudioDecoderOptions::default())
        .map_err(fail)?;
    let mut samples = Vec::new();
    let mut block: Vec<f32> = Vec::new();
    while let Some(packet) = format.next_packet().map_err(fail)? {
        let buffer = decoder.decode(&packet).map_err(fail)?;
        let channels = buffer.spec().channels().count();
        block.resize(buffer.samples_interleaved(), 0.0);
        buffer.copy_to_slice_interleaved(&mut block);
        samples.extend(to_mono(&block, channels));
    }
    Ok((samples, rate_hz))
}

fn to_mono(samples: &[f32], channels: usize) -> Vec<f32> {
    samples.chunks(channels.max(1)).map(|frame| frame.iter().sum::<f32>() / frame.len() as f32).collect()
}

/// Samples taken every `step` samples of the input, by windowed-sinc interpolation; above 1 the band is narrowed so
/// that nothing folds back.
pub fn resample(samples: &[f32], step: f64) -> Vec<f32> {
    const REACH: i64 = 12;
    if (step - 1.0).abs() < 1e-9 {
        return samples.to_vec();
    }
    let cutoff = (1.0 / step).min(1.0) * 0.97;
    let reach = (REACH as f64 / cutoff).ceil() as i64;
    let count = (samples.len() as f64 / step) as usize;
    let kernel = SincTable::new(cutoff, reach);
    (0..count)
        .map(|index| {
            let at = index as f64 * step;
            let centre = at.floor() as i64;
            let taps = (centre - reach + 1).max(0)..=(centre + reach).min(samples.len() as i64 - 1);
            taps.map(|tap| samples[tap as usize] * kernel.at(tap as f64 - at)).sum()
        })
        .collect()
}

/// A Hann-windowed sinc, tabulated.
struct SincTable {
    values: Vec<f32>,
    per_sample: f64,
}

impl SincTable {
    fn new(cutoff: f64, reach: i64) -> Self {
        let per_sample = 64.0;
        let count = (reach as f64 * per_sample) as usize + 2;
        let value = |index: usize| {
            let x = index as f64 / per_sample;
            let angle = std::f64::consts::PI * x * cutoff;
            let sinc = if angle < 1e-9 { 1.0 } else { angle.sin() / angle };
            let window =
                0.5 + 0.5 * (std::f64::consts::PI * x / reach as f64).min(std::f64::consts::PI).cos();
            (cutoff * sinc * window) as f32
        };
        Self { values: (0..count).map(value).collect(), per_sample }
    }

    fn at(&self, distance: f64) -> f32 {
        let index = (distance.abs() * self.per_sample + 0.5) as usize;
        self.values.get(index).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_keeps_its_shape_at_another_rate() {
        let tone = |rate: f64, count: usize| -> Vec<f32> {
            (0..count).map(|n| (n as f64 / rate * 440.0 * std::f64::consts::TAU).sin() as f32).collect()
        };
        let resampled = resample(&tone(22_050.0, 22_050), 22_050.0 / 16_000.0);
        let expected = tone(16_000.0, 16_000);
        let worst = (100..15_900).map(|n| (resampled[n] - expected[n]).abs()).fold(0.0, f32::max);
        assert!(worst < 0.02, "{worst}");
    }
}
