//! Long files: memory stays bounded by the result.

use crate::wav_bytes::{chunk, fmt};
use esarm_audio::{AudioError, LoadOptions, clip_secs, load, load_with_progress};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// A stereo file of silence at 48 kHz that takes no room on a disk that knows holes, with one click.
fn write_silence(path: &Path, secs: u64, click_secs: u64) {
    let mut file = std::fs::File::create(path).unwrap();
    let length = secs * 48_000 * 4;
    file.write_all(b"RIFF").unwrap();
    file.write_all(&(length as u32 + 36).to_le_bytes()).unwrap();
    file.write_all(b"WAVE").unwrap();
    file.write_all(&chunk(b"fmt ", &fmt(1, 2, 48_000, 2))).unwrap();
    file.write_all(b"data").unwrap();
    file.write_all(&(length as u32).to_le_bytes()).unwrap();
    file.seek(SeekFrom::Start(44 + click_secs * 48_000 * 4)).unwrap();
    file.write_all(&[0xFF, 0x3F, 0xFF, 0x3F]).unwrap();
    file.set_len(44 + length).unwrap();
}

/// The most memory this process has held, in bytes.
#[cfg(target_os = "linux")]
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn an_hour_is_loaded_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hour.wav");
    write_silence(&path, 3600, 3000);
    let options = LoadOptions { sample_rate_hz: Some(16_000), ..LoadOptions::default() };
    let audio = load(&path, &options).unwrap();
    assert_eq!(audio.samples.len(), 3600 * 16_000);
    let highest = (0..audio.samples.len()).max_by(|&a, &b| audio.samples[a].total_cmp(&audio.samples[b]));
    assert_eq!(highest, Some(3000 * 16_000));
    #[cfg(target_os = "linux")]
    {
        let peak = peak_memory();
        println!("peak memory {} MB", peak / 1_000_000);
        assert!(peak < 400_000_000, "{peak} bytes");
    }
}

#[test]
fn a_moment_of_three_hours_is_read_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("three_hours.wav");
    write_silence(&path, 3 * 3600, 10_000);
    let options = LoadOptions {
        sample_rate_hz: Some(16_000),
        start_secs: 9999.0,
        duration_secs: Some(2.0),
        ..LoadOptions::default()
    };
    assert_eq!(clip_secs(&path, false).unwrap(), 3.0 * 3600.0);
    let audio = load(&path, &options).unwrap();
    assert_eq!((audio.start_sample, audio.samples.len()), (9999 * 16_000, 32_000));
    let highest = (0..audio.samples.len()).max_by(|&a, &b| audio.samples[a].total_cmp(&audio.samples[b]));
    assert_eq!(highest, Some(16_000));
}

#[test]
fn a_load_that_is_not_wanted_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("minute.wav");
    write_silence(&path, 60, 1);
    let mut seen = Vec::new();
    let result = load_with_progress(&path, &LoadOptions::default(), &mut |fraction| {
        seen.push(fraction);
        seen.len() < 5
    });
    assert!(matches!(result, Err(AudioError::Cancelled)));
    assert!(seen.len() == 5 && seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
}
