//! Why nothing was ranked, learnt or scored.

use crate::vertices::FaceError;
use esarm_kernels::KernelError;

/// Why nothing was ranked, learnt or scored.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RewardError {
    /// The audio has another sampling rate.
    #[error("audio \"{name}\" has {found_hz} samples per second, but rewards need 16000: resample it first")]
    SampleRate {
        /// Name of the audio.
        name: String,
        /// Its sampling rate.
        found_hz: u32,
    },
    /// Nothing can be heard.
    #[error(
        "audio \"{name}\" is silent: no frame is louder than -55 dB of full scale; choose a clip with speech"
    )]
    Silent {
        /// Name of the audio.
        name: String,
    },
    /// A motion and its speech do not last equally long.
    #[error(
        "\"{name}\": the motion lasts {motion_secs:.2} s but the audio {audio_secs:.2} s; they may differ by at most \
         0.5 s: check that they belong together"
    )]
    Unequal {
        /// Name of the clip.
        name: String,
        /// Length of the motion.
        motion_secs: f64,
        /// Length of the audio.
        audio_secs: f64,
    },
    /// A motion cannot be used.
    #[error("\"{name}\": the motion {what}")]
    Motion {
        /// Name of the clip or take.
        name: String,
        /// What is wrong and what to do.
        what: String,
    },
    /// A ranking edited by hand does not fit the takes.
    #[error("ranking: {0}")]
    Ranking(String),
    /// Demonstrations cannot be read or learnt from.
    #[error("demonstrations {name}: {what}")]
    Demonstrations {
        /// The file or clip.
        name: String,
        /// What is wrong and what to do.
        what: String,
    },
    /// Measurements cannot be written, read or reported on.
    #[error("measurements {name}: {what}")]
    Measurements {
        /// The file or clip.
        name: String,
        /// What is wrong and what to do.
        what: String,
    },
    /// Errors on a head cannot be measured.
    #[error(transparent)]
    Face(#[from] FaceError),
    /// Weights do not fit this program.
    #[error(
        "reward weights: {0}; train them again with `reward.train` or `cargo xtask train reward`, or restore \
         assets/models/reward.safetensors"
    )]
    Weights(String),
    /// A checkpoint cannot be written or continued.
    #[error("checkpoint {path}: {what}")]
    Checkpoint {
        /// The file.
        path: String,
        /// What is wrong and what to do.
        what: String,
    },
    /// Training ran away.
    #[error(
        "the loss of member {member} at step {step} is {loss}: lower the learning rate or look for extreme values in \
         the demonstrations; {kept}"
    )]
    Diverged {
        /// Which network of the ensemble.
        member: usize,
        /// Optimiser step, from 0.
        step: usize,
        /// The loss.
        loss: f32,
        /// What remains of the work done.
        kept: String,
    },
    /// Training was told to stop.
    #[error("cancelled")]
    Cancelled,
    /// A kernel refused its input.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

impl RewardError {
    pub(crate) fn motion(name: &str, what: impl Into<String>) -> Self {
        Self::Motion { name: name.to_owned(), what: what.into() }
    }

    pub(crate) fn demonstrations(name: &str, what: impl std::fmt::Display) -> Self {
        Self::Demonstrations { name: name.to_owned(), what: what.to_string() }
    }

    pub(crate) fn measurements(name: &str, what: impl std::fmt::Display) -> Self {
        Self::Measurements { name: name.to_owned(), what: what.to_string() }
    }
}
