//! How a command ends badly: what to print and which exit code to give.

use std::fmt::Display;
use std::path::Path;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Bad usage or bad input: exit 2.
    Input(String),
    /// A node failed: exit 1.
    Node(String),
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
            Self::Node(_) => 1,
        }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Input(message) | Self::Node(message) => f.write_str(message),
        }
    }
}
