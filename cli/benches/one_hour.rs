//! An hour of speech: time and memory, against ten minutes of it: `cargo xtask bench one_hour`.
//!
//! Linear time shows as a ratio near 6. Memory is the largest resident size that the system saw (Linux only).
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const AIM_BYTES: f64 = 500e6;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    println!("{:<12} {:>9} {:>14} {:>10} {:>12}", "clip", "time", "of real time", "memory", "of the aim");
    let times: Vec<f64> = [10_u32, 60]
        .into_iter()
        .map(|minutes| {
            let speech = folder.path().join(format!("{minutes}.wav"));
            write_minutes(&speech, minutes);
            let (time, memory_bytes) = animate(&speech, &folder.path().join("take.glb"));
            println!(
                "{:<12} {:>7.1} s {:>13.4}x {:>7.0} MB {:>11.2}x",
                format!("{minutes} min"),
                time.as_secs_f64(),
                time.as_secs_f64() / f64::from(minutes * 60),
                memory_bytes / 1e6,
                memory_bytes / AIM_BYTES
            );
            time.as_secs_f64()
        })
        .collect();
    println!("an hour takes {:.2} times as long as ten minutes; linear is 6", times[1] / times[0]);
}

/// Runs the main job and watches its memory.
fn animate(speech: &Path, output: &Path) -> (Duration, f64) {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_esarm"))
        .args(["animate", "--emotion", "happy", "-o"])
        .args([output, speech])
        .env_remove("ESARM_CACHE")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("esarm starts");
    let mut peak_bytes = 0.0_f64;
    let status = loop {
        peak_bytes = peak_bytes.max(peak_memory_bytes(child.id()));
        if let Some(status) = child.try_wait().expect("esarm can be waited for") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success(), "esarm failed");
    (start.elapsed(), peak_bytes)
}

fn peak_memory_bytes(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok()).unwrap_or(0.0) * 1024.0
}

/// The example speech, repeated.
fn write_minutes(path: &Path, minutes: u32) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/speech/hello.wav");
    let mut reader = hound::WavReader::open(example).expect("the example speech");
    let spec = reader.spec();
    let samples: Vec<i16> = reader.samples::<i16>().map(|sample| sample.expect("a sample")).collect();
    let mut writer = hound::WavWriter::create(path, spec).expect("a file");
    for sample in samples.iter().cycle().take((spec.sample_rate * minutes * 60) as usize) {
        writer.write_sample(*sample).expect("a sample is written");
    }
    writer.finalize().expect("the file is whole");
}
