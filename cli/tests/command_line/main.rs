//! The command line as scripts see it: arguments, files, exit codes and messages of the real program.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod animate;
mod bad_input;
mod conformance;
mod corpus;
mod damage;
mod devices;
mod files;
mod graphs;
mod information;
mod killed;
mod learning;
mod reports;
mod stopping;
mod tuning;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a call of the program gave.
pub(crate) struct Called {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Called {
    /// Checks the exit code and that standard error holds every one of `words`.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, words: &[&str]) -> &Self {
        assert_eq!(self.code, code, "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        for word in words {
            assert!(self.err.contains(word), "no \"{word}\" in:\n{}", self.err);
        }
        assert!(!self.err.contains("panicked"), "a panic:\n{}", self.err);
        self
    }
}

/// Calls the program in the workspace's folder.
pub(crate) fn esarm<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Called {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esarm"));
    let Output { status, stdout, stderr } = command
        .args(arguments)
        .env_remove("ESARM_CACHE")
        .current_dir(workspace())
        .output()
        .expect("esarm starts");
    Called {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's folder")
}

/// A folder that is removed with the test.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Names of all files in a folder, sorted.
pub(crate) fn files_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub(crate) const HELLO: &str = "assets/speech/hello.wav";

/// Writes a file and gives its path.
pub(crate) fn file(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("the file is written");
    path
}
