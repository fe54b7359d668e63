//! What can go wrong on the way out and on the way in.

/// Why a file could not be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExportError {
    /// The motion holds a value that no format can carry.
    #[error(
        "the motion's channel \"{channel}\" is {value} at frame {frame}; weights must be finite numbers, \
         look at the node that made it"
    )]
    NotFinite {
        /// Channel name.
        channel: String,
        /// Index of the frame in the motion.
        frame: usize,
        /// The value.
        value: f32,
    },
    /// The motion has no frames.
    #[error("the motion has no frames; give it at least one")]
    NoFrames,
    /// No channel drives anything in the rig or format.
    #[error("none of the motion's {channels} channels is known to {target}; {remedy}")]
    NothingMapped {
        /// Number of channels in the motion.
        channels: usize,
        /// The rig or format.
        target: String,
        /// What to do.
        remedy: String,
    },
    /// The rig cannot be written.
    #[error("rig \"{rig}\": {message}")]
    Rig {
        /// Name of the rig.
        rig: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// The audio has no samples.
    #[error("the audio has no samples; give it at least one")]
    NoSamples,
    /// A sample is not a number that a file can hold.
    #[error(
        "the audio is {value} at {secs:.4} s; samples must be finite numbers, look at the node that made it"
    )]
    SampleNotFinite {
        /// Where, in seconds from the first sample.
        secs: f64,
        /// The sample.
        value: f32,
    },
    /// The file would be larger than its format allows.
    #[error(
        "the file would take {bytes} bytes and {format} holds at most {limit}; export shorter clips or a lower frame rate"
    )]
    TooLarge {
        /// Bytes needed.
        bytes: u64,
        /// The format.
        format: &'static str,
        /// Bytes allowed.
        limit: u64,
    },
    /// Frames are too close for the format's times.
    #[error("frame {frame} and the one before it fall on the same time in {format}; lower the frame rate")]
    TimesCollide {
        /// Index of the later frame.
        frame: usize,
        /// The format.
        format: &'static str,
    },
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// A place in a text file.
    #[error("line {line}, column {column}: {message}")]
    Place {
        /// Line, from 1.
        line: usize,
        /// Column, from 1: the cell in a table, the character elsewhere.
        column: usize,
        /// What is wrong, what is allowed and what to do.
        message: String,
    },
    /// The file as a whole.
    #[error("{0}")]
    Whole(String),
}

impl ImportError {
    pub(crate) fn at(line: usize, column: usize, message: impl std::fmt::Display) -> Self {
        Self::Place { line, column, message: message.to_string() }
    }

    pub(crate) fn whole(message: impl std::fmt::Display) -> Self {
        Self::Whole(message.to_string())
    }
}
