//! Bad files: a clear error, never a panic, never memory by what a header claims.

use crate::compressed::fixture;
use crate::wav_bytes::{Coding, chunk, fmt, riff, tone, wav};
use esarm_audio::{AudioError, LoadOptions, load, load_bytes};
use proptest::prelude::*;

fn error_of(bytes: &[u8]) -> AudioError {
    load_bytes(bytes, &LoadOptions::default()).unwrap_err()
}

fn lenient() -> LoadOptions {
    LoadOptions { lenient: true, ..LoadOptions::default() }
}

#[test]
fn empty_and_other_files_are_named() {
    assert!(matches!(error_of(b""), AudioError::Empty));
    assert!(error_of(b"Dear diary, today I spoke.").to_string().contains("not an audio file"));
    assert!(error_of(b"\0\0\0\x20ftypM4A isom").to_string().contains("M4A"));
    assert!(matches!(error_of(b"RIFF\x04\0\0\0WAVE"), AudioError::Header { .. }));
    assert!(matches!(error_of(b"fLaC"), AudioError::Truncated { .. }));
}

#[test]
fn missing_files_and_folders_are_named() {
    let error = load("no/such/speech.wav".as_ref(), &LoadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("speech.wav") && error.contains("cannot be read"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let error = load(folder.path(), &LoadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("a folder"), "{error}");
}

#[test]
fn a_header_without_samples_is_named() {
    assert!(matches!(error_of(&wav(Coding::I16, 1, 16_000, &[])), AudioError::NoSamples));
}

#[test]
fn one_sample_is_a_clip() {
    for sample_rate_hz in [None, Some(48_000)] {
        let options = LoadOptions { sample_rate_hz, ..LoadOptions::default() };
        let audio = load_bytes(&wav(Coding::F32, 1, 16_000, &[0.5]), &options).unwrap();
        assert_eq!(audio.samples.len(), if sample_rate_hz.is_some() { 3 } else { 1 });
    }
}

#[test]
fn samples_that_are_not_numbers_are_placed() {
    for (value, shown) in
        [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf"), (1e30, "1000")]
    {
        let mut samples = tone(16_000, 20_000);
        samples[8000] = value;
        let error = error_of(&wav(Coding::F32, 1, 16_000, &samples)).to_string();
        assert!(error.contains("0.5000 s") && error.contains(shown), "{error}");
    }
}

#[test]
fn truncated_samples_are_counted_or_accepted() {
    let bytes = wav(Coding::I16, 1, 16_000, &tone(16_000, 16_000));
    let cut = &bytes[..44 + 8000 + 1];
    let message = error_of(cut).to_string();
    assert!(message.contains("0.250 s") && message.contains("1.000 s"), "{message}");
    assert_eq!(load_bytes(cut, &lenient()).unwrap().samples.len(), 4000);
}

#[test]
fn headers_that_cannot_be_are_refused() {
    let with = |format: Vec<u8>| riff(&[chunk(b"fmt ", &format), chunk(b"data", &[0; 64])]);
    assert!(error_of(&with(fmt(1, 0, 16_000, 2))).to_string().contains("0 channels"));
    assert!(matches!(error_of(&with(fmt(1, 1, 4000, 2))), AudioError::Rate { found_hz: 4000 }));
    assert!(matches!(error_of(&with(fmt(1, 1, 400_000, 2))), AudioError::Rate { .. }));
    assert!(error_of(&with(fmt(1, 1, 16_000, 5))).to_string().contains("40-bit"));
    assert!(error_of(&with(fmt(3, 1, 16_000, 2))).to_string().contains("16-bit float"));
    assert!(error_of(&with(fmt(7, 1, 16_000, 1))).to_string().contains("mu-law"));
    assert!(error_of(&with(fmt(1, 1, 16_000, 0x2001))).to_string().contains("a frame of 8193 bytes"));
    assert!(error_of(&with(vec![1, 0])).to_string().contains("needs 16"));
    assert!(error_of(&riff(&[chunk(b"data", &[0; 64])])).to_string().contains("fmt"));
}

#[test]
fn lengths_that_headers_claim_are_not_allocated() {
    let samples = tone(16_000, 100);
    let mut bytes = wav(Coding::I16, 1, 16_000, &samples);
    bytes[40..44].copy_from_slice(&0x7000_0000_u32.to_le_bytes());
    assert!(matches!(error_of(&bytes), AudioError::Truncated { .. }));
    assert_eq!(load_bytes(&bytes, &lenient()).unwrap().samples.len(), 100);
    let mut huge_fmt = chunk(b"fmt ", &fmt(1, 1, 16_000, 2));
    huge_fmt[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(error_of(&riff(&[huge_fmt])), AudioError::Header { .. }));
}

/// Whatever comes in: audio that keeps its promises, or an error with words.
fn check(bytes: &[u8], options: &LoadOptions) {
    match load_bytes(bytes, options) {
        Ok(audio) => {
            assert!(!audio.samples.is_empty() || options.start_secs > 0.0 || options.duration_secs.is_some());
            assert!(audio.samples.iter().all(|sample| sample.is_finite()));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn options() -> impl Strategy<Value = LoadOptions> {
    let rate = prop_oneof![Just(None), Just(Some(16_000)), (8000_u32..192_000).prop_map(Some)];
    (rate, any::<bool>(), 0.0..0.3_f64, proptest::option::of(0.0..0.3_f64)).prop_map(
        |(sample_rate_hz, lenient, start_secs, duration_secs)| LoadOptions {
            sample_rate_hz,
            lenient,
            start_secs,
            duration_secs,
            ..LoadOptions::default()
        },
    )
}

fn files() -> Vec<Vec<u8>> {
    let names = [
        "tone.flac",
        "tone_24.flac",
        "tone.mp3",
        "tone_tagged.mp3",
        "tone.ogg",
        "tone_stereo_44k.ogg",
        "tone_opus.ogg",
    ];
    let mut files: Vec<Vec<u8>> = names.iter().map(|name| std::fs::read(fixture(name)).unwrap()).collect();
    files.extend(Coding::ALL.map(|coding| wav(coding, 2, 22_050, &tone(22_050, 900))));
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..2000), start in 0_usize..6) {
        let starts: [&[u8]; 6] = [b"", b"RIFF\0\0\0\0WAVEfmt ", b"fLaC", b"OggS", b"ID3", &[0xFF, 0xFB, 0x90]];
        let mut content = starts[start].to_vec();
        content.append(&mut bytes);
        check(&content, &LoadOptions::default());
    }

    #[test]
    fn mutated_files_never_panic(
        file in 0_usize..13,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        keep in 0.0..=1.0_f64,
        options in options(),
    ) {
        let mut bytes = files().swap_remove(file);
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate((bytes.len() as f64 * keep.sqrt()) as usize);
        check(&bytes, &options);
    }
}
