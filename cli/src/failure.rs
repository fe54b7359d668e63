//! How a command ends badly: what to print and which exit code to give.

use std::fmt::Display;
use std::path::Path;

/// Why a command failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Bad usage or bad input: exit 2.
    Input(String),
    /// A node failed, or what was found could not be printed: exit 1.
    Work(String),
    /// The reader of standard output has gone away: not worth a word.
    Unread,
    /// A signal asked the command to stop; exits as shells expect it, with 128 and the signal's number.
    Stopped(u8),
}

impl Failure {
    /// Bad usage or bad input.
    pub(crate) fn input(message: impl Display) -> Self {
        Self::Input(message.to_string())
    }

    /// Bad input in a file.
    pub(crate) fn file(path: &Path, message: impl Display) -> Self {
        Self::Input(format!("{}: {message}", path.display()))
    }

    /// The exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) => 2,
            Self::Work(_) => 1,
            Self::Unread => 0,
            Self::Stopped(code) => *code,
        }
    }

    /// What to tell the user, one line a problem; nothing when there is nobody to tell.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Self::Input(message) | Self::Work(message) => Some(message),
            Self::Unread => None,
            Self::Stopped(_) => Some("stopped by a signal; no output was written"),
        }
    }
}
