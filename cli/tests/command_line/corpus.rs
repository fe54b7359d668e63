//! A small corpus of recordings that tests make themselves, so that what trains runs without any other data.

use crate::{esarm, workspace};
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

const SAMPLE_RATE_HZ: u32 = 16_000;
/// Silence before and after the phones, seconds.
const REST_SECS: f64 = 0.2;
/// Speaker, pitch, emotion and length of a phone in seconds.
const VOICES: [(&str, f64, &str, f64); 4] = [
    ("anna", 210.0, "happy", 0.14),
    ("anna", 190.0, "sad", 0.2),
    ("ben", 120.0, "angry", 0.16),
    ("ben", 105.0, "fear", 0.18),
];
const CONTENTS: [(&str, [&str; 6]); 2] =
    [("one", ["m", "a", "p", "u", "l", "a"]), ("two", ["b", "i", "f", "a", "m", "o"])];

/// Writes a corpus of eight recordings, named `CONTENT_VOICE.wav`, into `FOLDER/corpus`: two speakers, four emotions,
/// two contents.
pub(crate) fn write_corpus(folder: &Path) -> PathBuf {
    let corpus = folder.join("corpus");
    std::fs::create_dir_all(&corpus).unwrap();
    let mut table = "audio,phones,content,speaker,emotion\n".to_owned();
    for (content, phones) in CONTENTS {
        for (voice, (speaker, pitch_hz, emotion, phone_secs)) in VOICES.into_iter().enumerate() {
            let stem = format!("{content}_{voice}");
            std::fs::write(corpus.join(format!("{stem}.txt")), labels(phones, phone_secs)).unwrap();
            write_speech(&corpus.join(format!("{stem}.wav")), pitch_hz, phones.len() as f64 * phone_secs);
            table += &format!("{stem}.wav,{stem}.txt,{content},{speaker},{emotion}\n");
        }
    }
    std::fs::write(corpus.join("corpus.csv"), table).unwrap();
    corpus
}

fn labels(phones: [&str; 6], phone_secs: f64) -> String {
    let end_secs = REST_SECS + phones.len() as f64 * phone_secs;
    let spoken = phones.into_iter().enumerate().map(|(position, phone)| {
        let start_secs = REST_SECS + position as f64 * phone_secs;
        format!("{start_secs:.3} {:.3} {phone}\n", start_secs + phone_secs)
    });
    let spoken: String = spoken.collect();
    format!("0 {REST_SECS} sil\n{spoken}{end_secs:.3} {:.3} sil\n", end_secs + REST_SECS)
}

/// A buzz that swells five times a second between two silences.
fn write_speech(path: &Path, pitch_hz: f64, spoken_secs: f64) {
    let format = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, format).unwrap();
    for n in 0..((2.0 * REST_SECS + spoken_secs) * f64::from(SAMPLE_RATE_HZ)) as usize {
        let secs = n as f64 / f64::from(SAMPLE_RATE_HZ);
        let speaks = (REST_SECS..REST_SECS + spoken_secs).contains(&secs);
        let buzz: f64 = (1..12).map(|k| (TAU * pitch_hz * f64::from(k) * secs).sin()).sum();
        let swell = (TAU * 2.5 * (secs - REST_SECS)).sin().abs();
        file.write_sample(if speaks { (1500.0 * swell * buzz) as i16 } else { 0 }).unwrap();
    }
    file.finalize().unwrap();
}

/// A copy of a shipped graph in a folder of the test, where its relative folders lie.
pub(crate) fn copied(graph: &str, folder: &Path) -> String {
    let copy = folder.join(graph);
    std::fs::copy(workspace().join("assets/graphs").join(graph), &copy).unwrap();
    copy.to_str().unwrap().to_owned()
}

/// A run of a graph, in the words of the command line.
#[derive(Clone)]
pub(crate) struct GraphRun {
    pub(crate) arguments: Vec<String>,
}

impl GraphRun {
    /// A run of a copy of a shipped graph in `folder`.
    pub(crate) fn new(graph: &str, folder: &Path) -> Self {
        Self { arguments: vec!["run".to_owned(), copied(graph, folder)] }
    }

    pub(crate) fn set(mut self, settings: &[(&str, &str)]) -> Self {
        for (name, value) in settings {
            self.arguments.extend(["--set".to_owned(), format!("{name}={value}")]);
        }
        self
    }

    pub(crate) fn input(mut self, name: &str, file: &Path) -> Self {
        self.arguments.extend(["--input".to_owned(), format!("{name}={}", file.display())]);
        self
    }

    pub(crate) fn output(mut self, name: &str, file: &Path) -> Self {
        self.arguments.extend(["--output".to_owned(), format!("{name}={}", file.display())]);
        self
    }

    pub(crate) fn call(&self) -> crate::Called {
        esarm(&self.arguments)
    }

    /// Runs it and expects that everything works.
    #[track_caller]
    pub(crate) fn works(&self) {
        self.call().expect(0, &[]);
    }
}
