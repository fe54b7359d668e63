//! Speaking: results on standard output, everything else on standard error, in words or as JSON lines.

use crate::arguments::Progress;
use crate::failure::Failure;
use serde_json::{Value, json};
use std::io::{ErrorKind, Write as _};

/// Writes a result to standard output, with a line end.
///
/// A reader that closes its end early, as `head` does, ends the command quietly; what cannot be written otherwise is a
/// failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n"));
    written.and_then(|()| out.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::Unread,
        _ => Failure::Work(format!("standard output cannot be written: {error}")),
    })
}

/// As [`print()`], for values as JSON.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(value).map_err(|error| Failure::Work(error.to_string()))?)
}

/// How to speak on standard error. A reader that has gone away there is no reason to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Terminal {
    /// Words for people.
    Words,
    /// One JSON object a line, and nothing else.
    Json,
}

impl From<Progress> for Terminal {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Json => Self::Json,
            Progress::Auto | Progress::None => Self::Words,
        }
    }
}

impl Terminal {
    /// Tells of something that does not stop the command.
    pub(crate) fn warn(self, message: &str) {
        match self {
            Self::Words => words(&format!("warning: {message}")),
            Self::Json => event(&json!({"event": "warning", "message": message})),
        }
    }

    /// Tells why the command ends.
    pub(crate) fn fail(self, failure: &Failure) {
        let Some(message) = failure.message() else { return };
        match self {
            Self::Words => words(message),
            Self::Json => {
                event(&json!({"event": "error", "message": message, "exit_code": failure.exit_code()}));
            }
        }
    }

    /// Tells what the command found or did: `in_words` for people, `facts` under the name of the event for machines.
    pub(crate) fn tell(self, name: &str, in_words: &str, mut facts: Value) {
        match self {
            Self::Words => words(in_words),
            Self::Json => {
                facts["event"] = json!(name);
                event(&facts);
            }
        }
    }
}

/// Writes an event as one line in one go, so that lines of several threads never mix.
pub(crate) fn event(object: &Value) {
    let _ = std::io::stderr().lock().write_all(format!("{object}\n").as_bytes());
}

fn words(message: &str) {
    let lines: String = message.lines().map(|line| format!("esarm: {line}\n")).collect();
    let _ = std::io::stderr().lock().write_all(lines.as_bytes());
}
