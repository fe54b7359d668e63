//! Why nothing was tuned or compared.

use esarm_kernels::KernelError;
use esarm_reward::RewardError;
use esarm_sta::generator::GeneratorError;

/// Why nothing was tuned or compared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RlError {
    /// A setting is outside what is allowed.
    #[error("setting `{name}` is {found}, but must be {allowed}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// The value given.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The lines cannot be used.
    #[error("lines: {0}")]
    Lines(String),
    /// A judge or proxy gave something that cannot be learnt from.
    #[error("{judge} says {what} of line \"{line}\"; look at this line and at the judge's weights")]
    Judgement {
        /// Which judge or proxy.
        judge: String,
        /// Name of the line.
        line: String,
        /// What it said.
        what: String,
    },
    /// Tuning ran away.
    #[error(
        "iteration {iteration}: {what}; lower the learning rate or the weights of the reward's terms; {kept}"
    )]
    Diverged {
        /// The iteration, from 1.
        iteration: usize,
        /// What is not finite.
        what: String,
        /// What remains of the work done.
        kept: String,
    },
    /// A checkpoint cannot be written or continued.
    #[error("checkpoint {path}: {what}")]
    Checkpoint {
        /// The file.
        path: String,
        /// What is wrong and what to do.
        what: String,
    },
    /// Tuning was told to stop; with a checkpoint the same call goes on from the last iteration.
    #[error("cancelled")]
    Cancelled,
    /// A kernel refused its input.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The generator refused a clip or its weights.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// The reward refused a clip or its weights.
    #[error(transparent)]
    Reward(#[from] RewardError),
}

impl RlError {
    pub(crate) fn checkpoint(path: &std::path::Path, what: impl std::fmt::Display) -> Self {
        Self::Checkpoint { path: path.display().to_string(), what: what.to_string() }
    }
}
