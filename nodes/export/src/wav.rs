//! WAV: mono audio as 16-bit integers or 32-bit floats (Multimedia Programming Interface and Data Specifications 1.0).

use crate::{ColumnReport, ExportError};
use esarm_values::{Audio, File};
use hound::{SampleFormat, WavSpec, WavWriter};
use std::io::Cursor;

/// How samples are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Samples {
    /// 16-bit integers; what is louder than full scale is limited to it and reported.
    #[default]
    Int16,
    /// 32-bit floats, bit for bit.
    Float,
}

impl Samples {
    fn bits(self) -> u16 {
        match self {
            Self::Int16 => 16,
            Self::Float => 32,
        }
    }
}

/// Bytes of everything before the samples, at most.
const HEADER_BYTES: u64 = 128;

/// Writes the samples of a clip, from its first one on.
///
/// # Errors
/// When there are no samples, one is not finite, or the file would exceed 4 GiB.
pub fn export(audio: &Audio, samples: Samples) -> Result<(File, ColumnReport), ExportError> {
    check(audio, samples)?;
    let (bits_per_sample, sample_format) = match samples {
        Samples::Int16 => (samples.bits(), SampleFormat::Int),
        Samples::Float => (samples.bits(), SampleFormat::Float),
    };
    let spec = WavSpec { channels: 1, sample_rate: audio.sample_rate_hz, bits_per_sample, sample_format };
    let mut bytes = Vec::new();
    let limited = write(&mut bytes, spec, &audio.samples).map_err(|_| too_large(audio, samples))?;
    let mut report = ColumnReport::default();
    if limited > 0 {
        report.notes.push(format!(
            "{limited} samples are louder than full scale and were limited; lower the gain or write floats"
        ));
    }
    Ok((File { extension: "wav".to_owned(), bytes, companions: Vec::new() }, report))
}

fn check(audio: &Audio, samples: Samples) -> Result<(), ExportError> {
    if audio.samples.is_empty() {
        return Err(ExportError::NoSamples);
    }
    if let Some(index) = audio.samples.iter().position(|sample| !sample.is_finite()) {
        let secs = index as f64 / f64::from(audio.sample_rate_hz);
        return Err(ExportError::SampleNotFinite { secs, value: audio.samples[index] });
    }
    if size_bytes(audio, samples) > u64::from(u32::MAX) { Err(too_large(audio, samples)) } else { Ok(()) }
}

fn size_bytes(audio: &Audio, samples: Samples) -> u64 {
    HEADER_BYTES + audio.samples.len() as u64 * u64::from(samples.bits() / 8)
}

fn too_large(audio: &Audio, samples: Samples) -> ExportError {
    ExportError::TooLarge { bytes: size_bytes(audio, samples), format: "WAV", limit: u64::from(u32::MAX) }
}

/// Writes the samples and gives how many were limited to full scale.
fn write(bytes: &mut Vec<u8>, spec: WavSpec, samples: &[f32]) -> Result<usize, hound::Error> {
    let mut writer = WavWriter::new(Cursor::new(bytes), spec)?;
    let mut limited = 0;
    for sample in samples {
        match spec.sample_format {
            SampleFormat::Float => writer.write_sample(*sample)?,
            SampleFormat::Int => {
                let wanted = (sample * 32_768.0).round();
                // Full scale itself has no positive code and is no fault.
                limited += usize::from(!(-32_768.0..=32_768.0).contains(&wanted));
                // The cast saturates.
                writer.write_sample(wanted as i16)?;
            }
        }
    }
    writer.finalize()?;
    Ok(limited)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<S: hound::Sample>(file: &File) -> (WavSpec, Vec<S>) {
        let mut reader = hound::WavReader::new(file.bytes.as_slice()).unwrap();
        (reader.spec(), reader.samples().map(Result::unwrap).collect())
    }

    #[test]
    fn samples_come_back_in_both_codings() {
        let audio = Audio::new("clip", 22_050, vec![0.0, 0.5, -1.0, 1.0, 1e-6, -0.25]);
        let (file, report) = export(&audio, Samples::Float).unwrap();
        let (spec, samples) = read::<f32>(&file);
        assert_eq!((spec.channels, spec.sample_rate, samples), (1, 22_050, audio.samples.clone()));
        assert_eq!(report, ColumnReport::default());
        let (file, report) = export(&audio, Samples::Int16).unwrap();
        assert_eq!(read::<i16>(&file).1, [0, 16_384, -32_768, 32_767, 0, -8192]);
        assert_eq!(report, ColumnReport::default());
    }

    #[test]
    fn what_is_too_loud_or_no_number_is_said() {
        let loud = Audio::new("loud", 16_000, vec![1.5, 0.0, -2.0]);
        let (file, report) = export(&loud, Samples::Int16).unwrap();
        assert_eq!(read::<i16>(&file).1, [32_767, 0, -32_768]);
        assert!(report.to_string().contains("2 samples"), "{report}");
        let broken = Audio::new("broken", 16_000, vec![0.0, f32::NAN]);
        assert!(export(&broken, Samples::Float).unwrap_err().to_string().contains("0.0001 s"));
        assert_eq!(
            export(&Audio::new("", 16_000, vec![]), Samples::Int16).unwrap_err(),
            ExportError::NoSamples
        );
    }
}
