//! Parts of clips have the samples of the whole clip.

use crate::compressed::fixture;
use crate::wav_bytes::{Coding, wav};
use esarm_audio::{LoadOptions, load_bytes};
use esarm_kernels::random::Random;

fn noise(count: usize) -> Vec<f32> {
    (0..count as u64).map(|n| Random::new(1, 2).between(n, -0.7, 0.7)).collect()
}

#[test]
fn parts_of_any_file_are_parts_of_the_whole() {
    let wav_44k = wav(Coding::I16, 2, 44_100, &noise(88_200));
    let files = ["tone.flac", "tone.mp3", "tone.ogg", "tone_stereo_44k.ogg"]
        .map(|name| std::fs::read(fixture(name)).unwrap());
    for (index, bytes) in files.iter().chain([&wav_44k]).enumerate() {
        for sample_rate_hz in [None, Some(16_000), Some(22_050)] {
            let whole = load_bytes(bytes, &LoadOptions { sample_rate_hz, ..LoadOptions::default() }).unwrap();
            for (start_secs, duration_secs) in [(0.0, 0.1), (0.071, 0.05), (0.15, 10.0)] {
                let options = LoadOptions {
                    sample_rate_hz,
                    start_secs,
                    duration_secs: Some(duration_secs),
                    ..LoadOptions::default()
                };
                let part = load_bytes(bytes, &options).unwrap();
                let rate_hz = f64::from(whole.sample_rate_hz);
                let first = (start_secs * rate_hz - 1e-6).ceil() as i64;
                let last = ((start_secs + duration_secs) * rate_hz - 1e-6).ceil() as i64;
                assert_eq!(part.start_sample, first);
                assert_eq!(
                    part,
                    whole.window(first, last),
                    "file {index} at {sample_rate_hz:?} from {start_secs}"
                );
            }
        }
    }
}

#[test]
fn parts_beyond_the_end_are_empty_and_impossible_ones_refused() {
    let bytes = wav(Coding::I16, 1, 16_000, &noise(16_000));
    for (sample_rate_hz, end) in [(None, 16_000), (Some(48_000), 48_000)] {
        for start_secs in [1.0, 1.02, 5.0] {
            let options = LoadOptions { start_secs, sample_rate_hz, ..LoadOptions::default() };
            let audio = load_bytes(&bytes, &options).unwrap();
            assert_eq!((audio.start_sample, audio.samples.len()), (end, 0), "{start_secs}");
        }
    }
    for options in [
        LoadOptions { start_secs: -1.0, ..LoadOptions::default() },
        LoadOptions { start_secs: f64::NAN, ..LoadOptions::default() },
        LoadOptions { duration_secs: Some(f64::INFINITY), ..LoadOptions::default() },
        LoadOptions { sample_rate_hz: Some(7), ..LoadOptions::default() },
    ] {
        assert!(load_bytes(&bytes, &options).is_err(), "{options:?}");
    }
}
