//! What can be wrong with audio.

use esarm_kernels::KernelError;

/// Why audio could not be read or processed.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// The error of a named file.
    #[error("{file}: {error}")]
    In {
        /// The file.
        file: String,
        /// What is wrong with it.
        error: Box<AudioError>,
    },
    /// The file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// There are no bytes.
    #[error("is empty; choose a WAV, FLAC, MP3 or Ogg Vorbis file")]
    Empty,
    /// The bytes are no audio that can be read.
    #[error("is {found}; choose a WAV, FLAC, MP3 or Ogg Vorbis file, or convert it to one")]
    NotAudio {
        /// What it looks like.
        found: String,
    },
    /// The format is known, this kind of it is not supported.
    #[error("{format} with {feature} is not supported; convert it to 16-bit PCM WAV or FLAC")]
    Unsupported {
        /// Name of the format.
        format: &'static str,
        /// What is not supported.
        feature: String,
    },
    /// The content breaks the rules of its format.
    #[error(
        "is damaged {secs:.3} s into the audio: {what}; export it again, or allow damaged files to hear silence there"
    )]
    Damaged {
        /// Where, in seconds from the start of the audio.
        secs: f64,
        /// What is wrong.
        what: String,
    },
    /// The header is broken.
    #[error("has a broken {format} header: {what}; export it again")]
    Header {
        /// Name of the format.
        format: &'static str,
        /// What is wrong.
        what: String,
    },
    /// The file ends before its audio does.
    #[error(
        "is truncated: {found_secs:.3} s of audio are there, {promised}; copy or export it again, or allow damaged files to use what is there"
    )]
    Truncated {
        /// Seconds that are there.
        found_secs: f64,
        /// How much there should be, in words.
        promised: String,
    },
    /// There is a header but no audio.
    #[error("holds no samples; record or export it again")]
    NoSamples,
    /// The sampling rate is out of range.
    #[error(
        "the sampling rate {found_hz} Hz is not supported; it must be between {MIN_RATE_HZ} and {MAX_RATE_HZ} Hz"
    )]
    Rate {
        /// The rate found.
        found_hz: u32,
    },
    /// A sample is no number, or so large that it cannot be sound.
    #[error(
        "the sample {secs:.4} s into the audio is {value}; samples must be finite and below {MAX_SAMPLE} in magnitude: export the file again, for example as 16-bit PCM"
    )]
    Sample {
        /// Where, in seconds from the start of the audio.
        secs: f64,
        /// The sample.
        value: f32,
    },
    /// A setting is out of range.
    #[error("setting `{name}` is {found}, but must be {allowed}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// The value given.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// A kernel refused its arguments.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// Whoever asked for the audio no longer wants it.
    #[error("cancelled")]
    Cancelled,
}

/// Lowest sampling rate, in Hz.
pub const MIN_RATE_HZ: u32 = 8000;
/// Highest sampling rate, in Hz.
pub const MAX_RATE_HZ: u32 = 192_000;
/// Largest magnitude of a sample: room for files whose samples run to 32 768 instead of 1.
pub const MAX_SAMPLE: f32 = 65_536.0;

impl AudioError {
    /// The same error with the name of the file it is about.
    #[must_use]
    pub fn in_file(self, file: &std::path::Path) -> Self {
        Self::In { file: file.display().to_string(), error: Box::new(self) }
    }

    /// Refuses the setting `name`, unless it is `fine`.
    pub(crate) fn unless(
        fine: bool,
        name: &'static str,
        found: impl std::fmt::Display,
        allowed: impl Into<String>,
    ) -> Result<(), Self> {
        if fine {
            Ok(())
        } else {
            Err(Self::Setting { name, found: found.to_string(), allowed: allowed.into() })
        }
    }

    /// Refuses sampling rates out of range.
    pub(crate) fn check_rate(rate_hz: u32) -> Result<(), Self> {
        if (MIN_RATE_HZ..=MAX_RATE_HZ).contains(&rate_hz) {
            Ok(())
        } else {
            Err(Self::Rate { found_hz: rate_hz })
        }
    }
}
