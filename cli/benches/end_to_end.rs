//! The main job from process start to written file, in ratios: `cargo xtask bench end_to_end`.
//!
//! Peers measured in the same run, best of several calls each: starting the program and doing nothing
//! (`esarm --version`), and copying a file of the result's size with `cp`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CALLS: usize = 9;
const CLIP_SECS: f64 = 10.0;
const AIM: Duration = Duration::from_millis(150);

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let speech = folder.path().join("ten_seconds.wav");
    write_ten_seconds(&speech);
    let glb = folder.path().join("take.glb");
    let (speech, glb) = (speech.to_string_lossy().into_owned(), glb.to_string_lossy().into_owned());
    let copy = format!("{glb}.copy");

    let start = best(|| esarm(&["--version"]));
    let happy = best(|| esarm(&["animate", &speech, "--emotion", "happy", "-o", &glb]));
    let auto = best(|| esarm(&["animate", &speech, "--emotion", "auto", "-o", &glb]));
    let copied = best(|| run(Command::new("cp").args([&glb, &copy])));

    println!("{:<44} {:>9} {:>12} {:>14} {:>10}", "best of 9", "time", "of the aim", "of real time", "of cp");
    for (name, time) in [
        ("esarm --version (process start alone)", start),
        ("animate 10 s, --emotion happy, to GLB", happy),
        ("animate 10 s, --emotion auto, to GLB", auto),
        ("cp of the GLB", copied),
    ] {
        let ratio = |peer: Duration| time.as_secs_f64() / peer.as_secs_f64();
        println!(
            "{name:<44} {:>6.1} ms {:>11.2}x {:>13.4}x {:>9.1}x",
            time.as_secs_f64() * 1e3,
            ratio(AIM),
            ratio(Duration::from_secs_f64(CLIP_SECS)),
            ratio(copied)
        );
    }
}

fn esarm(arguments: &[&str]) {
    run(Command::new(env!("CARGO_BIN_EXE_esarm")).args(arguments).env_remove("ESARM_CACHE"));
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("the program starts");
    assert!(status.success(), "{command:?} failed");
}

fn best(call: impl Fn()) -> Duration {
    let time = || {
        let start = Instant::now();
        call();
        start.elapsed()
    };
    (0..CALLS).map(|_| time()).min().unwrap_or_default()
}

/// The example speech, repeated and cut to ten seconds.
fn write_ten_seconds(path: &Path) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/speech/hello.wav");
    let mut reader = hound::WavReader::open(example).expect("the example speech");
    let spec = reader.spec();
    let samples: Vec<i16> = reader.samples::<i16>().map(|sample| sample.expect("a sample")).collect();
    let mut writer = hound::WavWriter::create(path, spec).expect("a file");
    let count = (f64::from(spec.sample_rate) * CLIP_SECS) as usize;
    for sample in samples.iter().cycle().take(count) {
        writer.write_sample(*sample).expect("a sample is written");
    }
    writer.finalize().expect("the file is whole");
}
