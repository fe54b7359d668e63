//! Runs the tests and counts what they skipped.

use crate::process::{Failure, cargo, python_environment, root, run};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: BTreeSet<String>,
}

/// The kernels run on a GPU or its software stand-in as well as on the processor.
pub(crate) const GPU: &str = "esarm-cli/gpu,esarm-kernels/gpu";

/// Runs every test of the workspace, or those that match `filters`, and prints a closing line.
///
/// A test that cannot run prints `SKIPPED name: reason`; those lines are counted and printed again at the end.
pub(crate) fn test(filters: &[&str]) -> Result<(), Failure> {
    // The release profile: it shares its dependencies with the program itself, so a clean clone builds them once.
    let mut command = cargo(&["test", "--release", "--workspace", "--features", GPU, "--no-fail-fast", "--"]);
    command.args(filters).arg("--nocapture").stdout(Stdio::piped());
    let mut child = python_environment(&mut command)
        .spawn()
        .map_err(|error| Failure(format!("cargo did not start: {error}")))?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            count(&line, &mut tally);
            println!("{line}");
        }
    }
    let status = child.wait().map_err(|error| Failure(format!("cargo was lost: {error}")))?;
    println!("\nskipped tests, each with its reason:");
    tally.skipped.iter().for_each(|line| println!("  {line}"));
    println!("\n{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped.len());
    if status.success() { Ok(()) } else { Err(Failure("tests failed".to_owned())) }
}

/// An edited kernel must never run as it was compiled before: two builds of one kernel with another body, one after
/// the other with the same caches.
pub(crate) fn kernel_cache() -> Result<(), Failure> {
    // With the features of the tests, so that nothing is built twice.
    let build = ["build", "--release", "--workspace", "--features", GPU, "--example", "kernel_cache"];
    let answer = |edit: Option<&str>| {
        run("kernel cache", cargo(&build).envs(edit.map(|edit| ("ESARM_KERNEL_EDIT", edit))))?;
        let program = root().join("target/release/examples/kernel_cache");
        let output = Command::new(&program)
            .output()
            .map_err(|error| Failure(format!("{}: {error}", program.display())))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(Failure(format!("kernel cache: {}", String::from_utf8_lossy(&output.stderr))))
        }
    };
    let answers = [answer(None)?, answer(Some("1"))?];
    println!("a kernel and its edit, one after the other: {}", answers.join(", "));
    if answers == ["2", "3"] || answers.iter().any(|answer| answer.starts_with("SKIPPED")) {
        return Ok(());
    }
    Err(Failure(format!("an edited kernel ran as it was before: {answers:?}, expected 2, 3")))
}

/// Reads libtest's closing line and the declared skips. Output of parallel tests may share a line.
fn count(line: &str, tally: &mut Tally) {
    if let Some(at) = line.find("SKIPPED ") {
        tally.skipped.insert(line[at + "SKIPPED ".len()..].to_owned());
    }
    if !line.starts_with("test result:") {
        return;
    }
    let number_before = |word: &str| -> usize {
        let words: Vec<&str> = line.split([' ', ';']).filter(|part| !part.is_empty()).collect();
        let at = words.iter().position(|part| part.trim_end_matches(';') == word);
        at.and_then(|at| words.get(at.wrapping_sub(1))).and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    tally.passed += number_before("passed");
    tally.failed += number_before("failed");
}

/// The first command of the README, as a newcomer types it.
pub(crate) fn first_use() -> Result<(), Failure> {
    let folder = root().join("target/first-use");
    std::fs::create_dir_all(&folder).map_err(|error| Failure(format!("{}: {error}", folder.display())))?;
    let output = folder.join("hello.glb");
    let mut command: Command =
        cargo(&["run", "--release", "--", "animate", "assets/speech/hello.wav", "--emotion", "happy", "-o"]);
    run("first use", command.arg(&output))?;
    let size_bytes = std::fs::metadata(&output).map(|data| data.len()).unwrap_or(0);
    println!("== first use: wrote {} ({size_bytes} bytes)", output.display());
    if size_bytes > 100_000 {
        Ok(())
    } else {
        Err(Failure("the first README command wrote no head".to_owned()))
    }
}
