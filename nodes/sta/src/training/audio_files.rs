//! Reading of training audio: WAV and FLAC, as mono at the generator's rate.

use super::TrainingError;
use crate::generator::features::SAMPLE_RATE_HZ;
use esarm_kernels::KernelError;
use esarm_kernels::resample::{ResampleSettings, resample};
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
    at_rate(&samples, rate_hz).map_err(|error| TrainingError::file(path, error))
}

/// Samples that were taken `rate_hz` times a second, at [`SAMPLE_RATE_HZ`].
pub(super) fn at_rate(samples: &[f32], rate_hz: u32) -> Result<Vec<f32>, KernelError> {
    resample(samples, &ResampleSettings::between(rate_hz, SAMPLE_RATE_HZ))
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
