//! Readers that go away and users who change their mind.
#![cfg(unix)]

use crate::{HELLO, files_in, folder, workspace};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esarm"));
    command.env_remove("ESARM_CACHE").current_dir(workspace());
    command
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    for arguments in [&["nodes", "--json"][..], &["nodes"], &["man"], &["completions", "bash"]] {
        // The reading end is closed before the program writes.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = program().args(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_a_failure() {
    for arguments in [&["nodes", "--json"][..], &["score", HELLO], &["man"], &["doctor"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = program().args(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("standard output") && !said.contains("panicked"), "{said}");
    }
}

/// Ten minutes of a buzz that comes and goes like speech.
fn long_clip(path: &Path) {
    const RATE: u32 = 16_000;
    let format = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, format).unwrap();
    for index in 0..RATE * 600 {
        let loudness = if (index / (RATE / 4)).is_multiple_of(2) { 8000 } else { 500 };
        let sample = (index % 128) as i32 - 64;
        writer.write_sample((sample * loudness / 64) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

#[test]
fn a_signal_stops_the_work_and_leaves_a_report_but_no_output() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let folder = folder();
        long_clip(&folder.path().join("clip.wav"));
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let mut child = program()
            .args(["animate", &at("clip.wav"), "-o", &at("out.npy"), "--report", &at("report.json")])
            .args(["--progress", "json", "--takes", "3"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let started = lines.find(|line| line.contains("\"started\"") && line.contains("\"generator\""));
        assert!(started.is_some(), "the generator never started");
        let asked = Instant::now();
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let last = lines.last().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{last}");
        assert!(asked.elapsed() < Duration::from_secs(5), "it took {:?} to stop", asked.elapsed());
        assert!(last.contains("\"error\"") && last.contains("signal"), "{last}");
        assert_eq!(files_in(folder.path()), ["clip.wav", "report.json"]);
        let report: Value = serde_json::from_slice(&std::fs::read(at("report.json")).unwrap()).unwrap();
        let nodes = report["takes"][0]["nodes"].as_array().unwrap();
        assert!(nodes.iter().any(|node| node["state"] == "cancelled"), "{report}");
    }
}
