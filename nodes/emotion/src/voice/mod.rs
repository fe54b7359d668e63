//! Emotion heard in a voice.
//!
//! Three regressions judge a stretch of speech: two on hand-made measures of spectrum, pitch, rhythm and modulation
//! ([`features`]), one on the texture that random filters find in the mel spectrum ([`texture`]). Their mean score
//! through a calibrated softmax gives probabilities of the seven classes of EMO-DB (Burkhardt et al. 2005).

mod card;
pub mod emodb;
mod evaluation;
mod expert;
mod features;
mod frames;
mod model;
mod modulation;
mod over_time;
mod store;
mod texture;
mod training;

pub use card::model_card;
pub use evaluation::{Confusion, Evaluation};
pub use model::{CLASSES, Probabilities, VoiceEmotion};
pub use over_time::OverTime;
pub use store::EMBEDDED_WEIGHTS;
pub use training::{TrainingClip, TrainingReport, train};

use esarm_kernels::KernelError;

/// Why a voice could not be judged, or a judge not be made.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// The audio cannot be analysed.
    #[error("the voice cannot be analysed: {0}")]
    Analysis(#[from] KernelError),
    /// The audio holds no speech.
    #[error("no voice was found in \"{0}\": at least 0.12 s of voiced speech is needed")]
    NoVoice(String),
    /// A setting lies outside of what is allowed.
    #[error("setting `{name}` is {found}, but must lie between {low} and {high}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// The value given.
        found: f64,
        /// Lowest allowed value.
        low: f64,
        /// Highest allowed value.
        high: f64,
    },
    /// The weights are damaged or of another kind.
    #[error("the voice-emotion weights cannot be used: {0}")]
    Weights(String),
    /// The caller no longer wants the result.
    #[error("cancelled")]
    Cancelled,
    /// Training cannot go on.
    #[error("the voice-emotion classifier cannot be trained: {0}")]
    Training(String),
}
