//! FLAC, MP3 and Ogg Vorbis: the fixtures, and what the programs at hand make.

use crate::wav_bytes::{Coding, wav};
use esarm_audio::{AudioError, LoadOptions, clip_secs, load, load_bytes};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The tone of `fixtures/make.py`.
fn tone(rate_hz: u32, count: usize) -> Vec<f32> {
    let sample = |n: usize| {
        let (secs, length_secs) = (n as f64 / f64::from(rate_hz), 0.25);
        let fade = (std::f64::consts::PI * secs / length_secs).sin();
        0.5 * fade * (std::f64::consts::TAU * (300.0 * secs + 2000.0 * secs * secs)).sin()
    };
    (0..count).map(|n| sample(n) as f32).collect()
}

/// Difference in decibels of the tone.
fn error_db(found: &[f32], expected: &[f32]) -> f64 {
    let power =
        |values: &mut dyn Iterator<Item = f32>| values.map(|value| f64::from(value).powi(2)).sum::<f64>();
    let difference = power(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    10.0 * (difference / power(&mut expected.iter().copied())).log10()
}

#[test]
fn fixtures_hold_the_tone_without_a_shift() {
    let cases = [
        ("tone.flac", -80.0),
        ("tone_24.flac", -80.0),
        ("tone.mp3", -20.0),
        ("tone_tagged.mp3", -20.0),
        ("tone.ogg", -20.0),
    ];
    for (name, allowed_db) in cases {
        let audio = load(&fixture(name), &LoadOptions::default()).unwrap();
        assert_eq!((audio.name.as_str(), audio.sample_rate_hz), (name, 16_000));
        assert_eq!(audio.samples.len(), 4000, "{name}");
        assert_eq!(clip_secs(&fixture(name), false).unwrap(), 0.25, "{name}");
        let error = error_db(&audio.samples, &tone(16_000, 4000));
        assert!(error < allowed_db, "{name}: {error:.1} dB");
    }
}

#[test]
fn stereo_is_mixed_and_resampled() {
    let options = LoadOptions { sample_rate_hz: Some(16_000), ..LoadOptions::default() };
    let audio = load(&fixture("tone_stereo_44k.ogg"), &options).unwrap();
    assert_eq!(audio.sample_rate_hz, 16_000);
    let error = error_db(&audio.samples[..3900], &tone(16_000, 3900));
    assert!(error < -20.0, "{error:.1} dB");
}

#[test]
fn opus_is_named_as_unsupported() {
    let error = load(&fixture("tone_opus.ogg"), &LoadOptions::default()).unwrap_err();
    let AudioError::In { error, .. } = error else { panic!("{error}") };
    assert!(matches!(*error, AudioError::Unsupported { format: "Ogg", .. }), "{error}");
}

#[test]
fn cut_files_are_truncated_unless_that_is_allowed() {
    for (name, keep) in [("tone.flac", 0.9), ("tone.ogg", 0.92), ("tone.mp3", 0.3)] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let cut = &bytes[..(bytes.len() as f64 * keep) as usize];
        let error = load_bytes(cut, &LoadOptions::default()).unwrap_err();
        let is_named = matches!(
            error,
            AudioError::Truncated { .. } | AudioError::NoSamples | AudioError::Damaged { .. }
        );
        assert!(is_named, "{name}: {error}");
        match load_bytes(cut, &LoadOptions { lenient: true, ..LoadOptions::default() }) {
            Ok(audio) => assert!(audio.samples.len() < 4000, "{name}"),
            Err(error) => assert!(matches!(error, AudioError::NoSamples), "{name}: {error}"),
        }
    }
}

#[test]
fn what_ffmpeg_writes_is_read() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        println!("SKIPPED what_ffmpeg_writes_is_read: ffmpeg is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.wav");
    std::fs::write(&input, wav(Coding::I24, 1, 48_000, &tone(48_000, 12_000))).unwrap();
    let cases = [
        ("16.flac", "flac", "8000", -25.0),
        ("96.flac", "flac", "96000", -50.0),
        ("192.flac", "flac", "192000", -50.0),
        ("44.mp3", "libmp3lame", "44100", -15.0),
        ("8.mp3", "libmp3lame", "8000", -10.0),
        ("22.ogg", "libvorbis", "22050", -15.0),
        ("48.ogg", "libvorbis", "48000", -15.0),
        ("24.wav", "pcm_s24le", "44100", -50.0),
        ("float.wav", "pcm_f32le", "32000", -50.0),
    ];
    for (name, codec, rate_hz, allowed_db) in cases {
        let output = folder.path().join(name);
        let status = Command::new("ffmpeg")
            .args(["-loglevel", "error", "-y", "-i"])
            .arg(&input)
            .args(["-ar", rate_hz, "-af", "pan=stereo|c0=c0|c1=c0", "-c:a", codec])
            .arg(&output)
            .status()
            .unwrap();
        assert!(status.success(), "{name}");
        let options = LoadOptions { sample_rate_hz: Some(16_000), ..LoadOptions::default() };
        let audio = load(&output, &options).unwrap();
        let expected = tone(16_000, 4000);
        let error = error_db(&audio.samples[..3900], &expected[..3900]);
        assert!(error < allowed_db, "{name}: {error:.1} dB");
    }
}
