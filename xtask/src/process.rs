//! Running other programs and saying what failed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Why a step failed.
pub(crate) struct Failure(pub(crate) String);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The folder where test tools are installed: outside version control, kept between runs.
pub(crate) fn tools() -> PathBuf {
    root().join("target").join("tools")
}

/// A cargo call in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    // `cargo +nightly` needs the rustup proxy, which the variable CARGO bypasses.
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(root());
    command
}

/// Tells a test process where the Python and Node tools are.
pub(crate) fn python_environment(command: &mut Command) -> &mut Command {
    command.env("ESARM_TOOLS", tools())
}

/// Runs a step, printing its name and time; fails when the program does.
pub(crate) fn run(step: &str, command: &mut Command) -> Result<(), Failure> {
    println!("== {step}: {command:?}");
    let start = Instant::now();
    let status =
        command.status().map_err(|error| Failure(format!("{step}: {command:?} did not start: {error}")))?;
    println!("== {step}: {:.0} s", start.elapsed().as_secs_f64());
    if status.success() { Ok(()) } else { Err(Failure(format!("{step} failed ({status})"))) }
}
