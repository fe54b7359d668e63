//! Voice activity against hand-made labels of real recordings.

use esarm_audio::{LoadOptions, VoiceActivitySettings, load, voice_activity};
use std::path::{Path, PathBuf};

/// The shared recordings, where they are.
fn data_folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("ESARM_DATA").map_or(beside, PathBuf::from).join("emodb");
    folder.is_dir().then_some(folder)
}

/// Pauses of a label file, in seconds: what lies before the first label, and from each label `.` (pause) or `(`
/// (breath) to the next. A label stands at the start of its sound, as the energies of vowels and closures show.
fn pauses(labels: &str) -> Vec<(f64, f64)> {
    let mut start = Some(0.0);
    let mut pauses = Vec::new();
    for line in labels.lines().skip_while(|line| !line.starts_with('#')).skip(1) {
        let mut fields = line.split_whitespace();
        let Some(secs) = fields.next().and_then(|field| field.parse::<f64>().ok()) else { continue };
        pauses.extend(start.map(|start| (start, secs)));
        start = fields.nth(1).filter(|label| [".", "("].contains(label)).map(|_| secs);
    }
    pauses.extend(start.map(|start| (start, f64::INFINITY)));
    pauses
}

/// Frames of speech and of silence, and how many of each were heard as such.
#[derive(Default)]
struct Counts {
    speech: usize,
    speech_heard: usize,
    silence: usize,
    silence_heard: usize,
}

impl Counts {
    /// Counts a clip, without the frames within 50 ms of where labels change: hands are no more exact.
    fn add(&mut self, speech: &[f32], pauses: &[(f64, f64)]) {
        for (index, value) in speech.iter().enumerate() {
            let secs = index as f64 * 0.01;
            let is_near_edge =
                pauses.iter().any(|(start, end)| (secs - start).abs() < 0.05 || (secs - end).abs() < 0.05);
            let is_pause = pauses.iter().any(|(start, end)| (*start..*end).contains(&secs));
            let heard = *value > 0.5;
            match (is_near_edge, is_pause) {
                (true, _) => {}
                (false, true) => {
                    self.silence += 1;
                    self.silence_heard += usize::from(!heard);
                }
                (false, false) => {
                    self.speech += 1;
                    self.speech_heard += usize::from(heard);
                }
            }
        }
    }
}

#[test]
fn pauses_and_speech_are_told_apart_in_emodb() {
    let Some(folder) = data_folder() else {
        println!("SKIPPED pauses_and_speech_are_told_apart_in_emodb: the folder emodb is not in ESARM_DATA");
        return;
    };
    let mut counts = Counts::default();
    for entry in std::fs::read_dir(folder.join("lablaut")).unwrap() {
        let path = entry.unwrap().path();
        let labels: String = std::fs::read(&path).unwrap().iter().map(|byte| char::from(*byte)).collect();
        // Label files carry two letters more than the audio that they belong to.
        let name = &path.file_name().unwrap().to_string_lossy()[..7];
        let audio =
            load(&folder.join("audio").join(format!("{name}.flac")), &LoadOptions::default()).unwrap();
        let track = voice_activity(&audio, &VoiceActivitySettings::default(), &esarm_kernels::devices::cpu())
            .unwrap();
        counts.add(&track.channel(0).collect::<Vec<f32>>(), &pauses(&labels));
    }
    let share = |part: usize, all: usize| part as f64 / all.max(1) as f64;
    let speech = share(counts.speech_heard, counts.speech);
    let silence = share(counts.silence_heard, counts.silence);
    println!(
        "speech heard {speech:.3} of {}, silence heard {silence:.3} of {}",
        counts.speech, counts.silence
    );
    assert!(counts.speech > 30_000 && counts.silence > 500, "{} {}", counts.speech, counts.silence);
    assert!(speech > 0.95 && silence > 0.88, "speech {speech:.3}, silence {silence:.3}");
}
