//! Why a graph file cannot be read or written.

use super::{FORMAT, FORMAT_VERSION, MAX_FILE_BYTES, json};
use std::fmt;

/// Why a graph file cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// What sort of error it is.
    pub kind: FileErrorKind,
    /// Line and column of the place, from 1, where there is one.
    pub position: Option<(usize, usize)>,
    /// Path of the value, such as `nodes.load.version` or `wires[3].from`; empty for the whole file.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// The sorts of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileErrorKind {
    /// The file is too large, too deep or holds too many values.
    TooLarge,
    /// It is not JSON.
    Syntax,
    /// It is JSON, but not a graph.
    NotAGraph,
    /// A newer version of the program wrote it in a newer format.
    NewerFormat,
    /// A value has another form than it must have.
    Shape,
    /// The document holds something that a file cannot.
    CannotWrite,
}

impl FileError {
    pub(super) fn new(kind: FileErrorKind, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind, position: None, path: String::new(), what: what.into(), remedy: remedy.into() }
    }

    pub(super) fn too_large(bytes: usize) -> Self {
        let what = format!("has {bytes} bytes; at most {MAX_FILE_BYTES} are allowed");
        Self::new(FileErrorKind::TooLarge, what, "a graph names its audio and rigs, it does not contain them")
    }

    pub(super) fn not_a_graph() -> Self {
        let what = format!("is no graph file: the member \"format\" does not say \"{FORMAT}\"");
        Self::new(FileErrorKind::NotAGraph, what, "choose a file that ESARM Studio saved")
    }

    pub(super) fn no_json() -> Self {
        let what = "is no graph file: a graph is text in JSON that begins with \"{\"";
        Self::new(FileErrorKind::NotAGraph, what, "choose a file that ESARM Studio saved")
    }

    pub(super) fn newer(version: u64) -> Self {
        let what =
            format!("is of format version {version}; this program reads up to version {FORMAT_VERSION}");
        Self::new(
            FileErrorKind::NewerFormat,
            what,
            "update ESARM Studio, or save the graph for the older version",
        )
    }

    pub(super) fn bad_version() -> Self {
        let what =
            format!("has no version that exists: \"version\" is a whole number from 1 to {FORMAT_VERSION}");
        let error = Self::new(FileErrorKind::Shape, what, "take the file from a backup");
        Self { path: "version".to_owned(), ..error }
    }

    pub(super) fn at_path(self, path: String) -> Self {
        Self { path, ..self }
    }

    /// The same error with the line and column of its path in the file.
    pub(super) fn located(self, bytes: &[u8]) -> Self {
        let position = self.position.or_else(|| json::locate(bytes, &self.path));
        Self { position, ..self }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.position {
            write!(formatter, "line {line}, column {column}: ")?;
        }
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        write!(formatter, "{}; {}", self.what, self.remedy)
    }
}

impl std::error::Error for FileError {}
