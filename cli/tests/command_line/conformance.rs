//! Every recording of the shared speech in all eight emotions, written in every format and read back by the clients
//! that people use.

use crate::{esarm, folder, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

const EMOTIONS: [&str; 8] = ["neutral", "happy", "sad", "angry", "fear", "disgust", "surprise", "contempt"];

/// What the test needs, or the reason why it is skipped.
fn needed() -> Result<(PathBuf, Vec<PathBuf>), String> {
    let data =
        std::env::var_os("ESARM_DATA").map_or_else(|| workspace().join("../shared/data"), PathBuf::from);
    let speech = data.join("speech");
    let files = std::fs::read_dir(&speech)
        .map_err(|_| format!("{} is not there; set ESARM_DATA", speech.display()))?;
    let mut files: Vec<PathBuf> = files.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "wav"));
    files.sort();
    let tools = std::env::var_os("ESARM_TOOLS").map(PathBuf::from);
    let python = tools.map(|tools| tools.join("python/bin/python")).filter(|python| python.exists());
    let python = python.ok_or("no Python environment in ESARM_TOOLS; `cargo xtask test` makes one")?;
    Ok((python, files))
}

#[test]
fn real_clients_read_every_recording_in_every_emotion() {
    let (python, recordings) = match needed() {
        Ok(needed) => needed,
        Err(reason) => {
            println!("SKIPPED real_clients_read_every_recording_in_every_emotion: {reason}");
            return;
        }
    };
    assert!(!recordings.is_empty(), "the speech folder holds no recordings");
    let folder = folder();
    for recording in &recordings {
        for emotion in EMOTIONS {
            write_all(recording, emotion, folder.path());
        }
    }
    let script = workspace().join("tests/conformance/run.py");
    let result = Command::new(python).arg(script).arg(folder.path()).output().expect("Python starts");
    let report = String::from_utf8_lossy(&result.stdout);
    report.lines().filter(|line| line.starts_with("SKIPPED")).for_each(|line| println!("{line}"));
    assert!(result.status.success(), "{report}{}", String::from_utf8_lossy(&result.stderr));
    println!(
        "{} recordings, {} emotions: {}",
        recordings.len(),
        EMOTIONS.len(),
        report.lines().last().unwrap_or_default()
    );
}

/// Writes one take in every format under one name.
fn write_all(recording: &Path, emotion: &str, folder: &Path) {
    let stem = recording.file_stem().expect("a name").to_string_lossy().replace('.', "_");
    for ending in ["npy", "glb", "csv", "usda", "json"] {
        let name = if ending == "json" {
            format!("{stem}_{emotion}.a2f.json")
        } else {
            format!("{stem}_{emotion}.{ending}")
        };
        let output = folder.join(name);
        esarm([
            "animate",
            &recording.to_string_lossy(),
            "--emotion",
            emotion,
            "--fps",
            "30",
            "-o",
            &output.to_string_lossy(),
        ])
        .expect(0, &[]);
    }
}
