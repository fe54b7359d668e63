//! Small speech for tests.

use esarm_sta::training::corpus::GridClip;
use esarm_sta::training::phones::Phone;
use esarm_sta::visemes::Viseme;
use std::path::Path;

const SAMPLE_RATE_HZ: u32 = 16_000;
const SECS: f64 = 1.2;

/// A buzz between two silences.
fn samples(pitch_hz: f64) -> Vec<f32> {
    let sample = |n: u32| {
        let secs = f64::from(n) / f64::from(SAMPLE_RATE_HZ);
        let buzz: f64 = (1..12).map(|k| (std::f64::consts::TAU * pitch_hz * f64::from(k) * secs).sin()).sum();
        let swell = (std::f64::consts::TAU * 3.0 * secs).sin().powi(2);
        if (0.2..1.0).contains(&secs) { (0.05 * buzz * swell) as f32 } else { 0.0 }
    };
    (0..(SECS * f64::from(SAMPLE_RATE_HZ)) as u32).map(sample).collect()
}

/// Recordings of two speakers, in emotions by turns.
pub(crate) fn recordings(count: usize) -> Vec<GridClip> {
    let recording = |number: usize| GridClip {
        name: format!("line_{number}.wav"),
        content: "one".to_owned(),
        speaker: if number.is_multiple_of(2) { "anna" } else { "ben" }.to_owned(),
        emotion: Some(1 + number % 4),
        samples: samples(110.0 + 15.0 * number as f64),
        phones: vec![
            Phone::new(Viseme::Silence, 0.0, 0.2),
            Phone::new(Viseme::Bilabial, 0.2, 0.3),
            Phone::new(Viseme::Open, 0.3, 1.0),
            Phone::new(Viseme::Silence, 1.0, SECS),
        ],
    };
    (0..count).map(recording).collect()
}

/// Writes the recordings as a corpus.
pub(crate) fn write_corpus(folder: &Path, count: usize) {
    let mut table = "audio,phones,content,speaker,emotion\n".to_owned();
    std::fs::write(folder.join("phones.txt"), "0 0.2 sil\n0.2 0.3 m\n0.3 1.0 a\n1.0 1.2 sil\n").unwrap();
    for clip in recordings(count) {
        let emotion = esarm_values::EMOTIONS[clip.emotion.unwrap()];
        table += &format!("{},phones.txt,{},{},{emotion}\n", clip.name, clip.content, clip.speaker);
        std::fs::write(folder.join(&clip.name), wav(&clip.samples)).unwrap();
    }
    std::fs::write(folder.join("corpus.csv"), table).unwrap();
}

/// A WAV file of 16 bits, mono.
fn wav(samples: &[f32]) -> Vec<u8> {
    let bytes = samples.len() as u32 * 2;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend([1_u16, 1].into_iter().flat_map(u16::to_le_bytes));
    file.extend([SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * 2].into_iter().flat_map(u32::to_le_bytes));
    file.extend([2_u16, 16].into_iter().flat_map(u16::to_le_bytes));
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes()));
    file
}
