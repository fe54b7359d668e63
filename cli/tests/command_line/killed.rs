//! Training that is killed at any moment, by the signal that no program can catch, and taken up again: it ends with the
//! bytes of a training that was not.
#![cfg(unix)]

use crate::corpus::{GraphRun, write_corpus};
use crate::{HELLO, folder, workspace};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts a run and kills it after `lines` lines of progress; whether it lived to be killed.
fn killed_after(run: &GraphRun, lines: usize) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_esarm"))
        .args(&run.arguments)
        .args(["--progress", "json"])
        .env_remove("ESARM_CACHE")
        .current_dir(workspace())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let told: Vec<String> = told.take(lines).collect();
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(status.code().is_none_or(|code| code == 0), "{told:?}");
    status.code().is_none()
}

/// Kills runs after more and more progress until one ends by itself, and compares what it gives with a run without
/// checkpoints. `step` lines of progress are added each time.
fn same_bytes(run: &GraphRun, checkpoints: &str, output: &str, folder: &Path, step: usize) {
    let whole = folder.join("whole.safetensors");
    run.clone().output(output, &whole).works();
    let resumed = folder.join("resumed.safetensors");
    std::fs::create_dir(folder.join("run")).unwrap();
    let with_checkpoints = run.clone().set(&[(checkpoints, "run")]).output(output, &resumed);
    let mut killed = 0;
    for attempt in 1.. {
        assert!(attempt < 60, "the run never ends");
        if !killed_after(&with_checkpoints, 1 + attempt * step) {
            break;
        }
        assert!(!resumed.exists(), "half a result");
        killed += 1;
    }
    assert!(killed >= 3, "killed {killed} times only");
    // One that ended between its last line and the signal may not have written its result yet.
    with_checkpoints.works();
    assert!(
        std::fs::read(&resumed).unwrap() == std::fs::read(&whole).unwrap(),
        "other weights after {killed} kills"
    );
}

#[test]
fn a_killed_lesson_of_the_generator_gives_the_same_weights() {
    let folder = folder();
    write_corpus(folder.path());
    let lesson = GraphRun::new("train_generator.esarm", folder.path()).set(&[
        ("train.steps", "45"),
        ("train.quadruples", "1"),
        ("train.held_out", "ben"),
    ]);
    same_bytes(&lesson, "train.checkpoints", "weights", folder.path(), 7);
}

#[test]
fn a_killed_training_of_the_reward_gives_the_same_weights() {
    let folder = folder();
    let demonstrations = GraphRun::new("rank_takes.esarm", folder.path())
        .set(&[("rank.families", "white desync"), ("rank.levels", "0.4 0.9")])
        .input("speech", &workspace().join(HELLO))
        .output("demonstrations", &folder.path().join("demonstrations/hello.demonstrations"));
    demonstrations.works();
    let training = GraphRun::new("train_reward.esarm", folder.path())
        .set(&[("train.steps", "14"), ("train.members", "2"), ("train.pairs", "2")])
        .set(&[("train.validate_every", "2"), ("train.validation_pairs", "4")]);
    same_bytes(&training, "train.checkpoints", "model", folder.path(), 4);
}

#[test]
fn a_killed_tuning_gives_the_same_weights() {
    let folder = folder();
    write_corpus(folder.path());
    let tuning = GraphRun::new("tune_generator.esarm", folder.path())
        .set(&[("tune.iterations", "5"), ("tune.takes_per_line", "2"), ("tune.lines_per_iteration", "3")])
        .set(&[("tune.check_every", "2"), ("tune.held_out", "ben"), ("tune.epochs", "1")]);
    same_bytes(&tuning, "tune.checkpoints", "weights", folder.path(), 4);
}
