//! Speech and heads that cannot be used: a clear error, exit 2, nothing written.

use crate::{Called, HELLO, esarm, file, files_in, folder, workspace};

/// Animates `bytes` as speech and checks that nothing was written.
fn animate(name: &str, bytes: &[u8]) -> Called {
    let folder = folder();
    let speech = file(folder.path(), name, bytes);
    let output = folder.path().join("out.glb");
    let called = esarm(["animate", speech.to_str().unwrap(), "-o", output.to_str().unwrap()]);
    let expected =
        if called.code == 0 { vec![name.to_owned(), "out.glb".to_owned()] } else { vec![name.to_owned()] };
    let mut written = files_in(folder.path());
    written.sort();
    let mut expected = expected;
    expected.sort();
    assert_eq!(written, expected);
    called
}

fn hello() -> Vec<u8> {
    std::fs::read(workspace().join(HELLO)).unwrap()
}

/// A mono WAV file of 32-bit floats.
fn float_wav(samples: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + data.len() as u32).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend(3_u16.to_le_bytes());
    wav.extend(1_u16.to_le_bytes());
    wav.extend(16_000_u32.to_le_bytes());
    wav.extend(64_000_u32.to_le_bytes());
    wav.extend(4_u16.to_le_bytes());
    wav.extend(32_u16.to_le_bytes());
    wav.extend(b"data");
    wav.extend((data.len() as u32).to_le_bytes());
    wav.extend(data);
    wav
}

#[test]
fn an_empty_file_is_named() {
    animate("empty.wav", b"").expect(2, &["empty"]);
}

#[test]
fn text_is_no_audio() {
    animate("notes.wav", b"these are my notes, and no sound at all").expect(2, &["notes.wav"]);
}

#[test]
fn a_truncated_file_is_named() {
    let whole = hello();
    animate("cut.wav", &whole[..whole.len() / 2]).expect(2, &["cut.wav", "truncated"]);
}

#[test]
fn not_a_number_is_found_and_placed() {
    let mut samples = vec![0.1_f32; 16_000];
    samples[8_000] = f32::NAN;
    animate("nan.wav", &float_wav(&samples)).expect(2, &["nan.wav", "0.5"]);
}

#[test]
fn a_single_sample_is_animated_or_refused_but_never_breaks() {
    let called = animate("one.wav", &float_wav(&[0.5]));
    assert!(called.code == 0 || called.code == 2, "{}", called.err);
    called.expect(called.code, &[]);
}

#[test]
fn a_missing_file_is_named() {
    esarm(["animate", "no-such.wav", "-o", "out.glb"]).expect(2, &["no-such.wav"]);
}

#[test]
fn heads_that_cannot_be_used_are_named() {
    let folder = folder();
    let head = file(folder.path(), "head.glb", b"glTF but not really");
    let output = folder.path().join("out.glb");
    esarm(["animate", HELLO, "--head", head.to_str().unwrap(), "-o", output.to_str().unwrap()])
        .expect(2, &["head.glb"]);
    assert_eq!(files_in(folder.path()), ["head.glb"]);
}
