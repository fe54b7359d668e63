//! The recordings that the shipped reward learns from and is judged on.

#![allow(dead_code, reason = "each program that shares this reads its part")]

use esarm_kernels::random::Random;
use esarm_reward::{Base, Demonstrations, RankSettings, rank};
use esarm_sta::generator::{GenerateOptions, Generator};
use esarm_sta::training::audio_files::read_audio;
use esarm_sta::training::recordings::read_facegood;
use esarm_values::{ARKIT_SHAPES, Audio, EMOTIONS, Emotion, FrameRate, Track, arkit_index, emotion_index};
use std::error::Error;
use std::path::{Path, PathBuf};

/// Clips that the reward learns from.
pub(crate) const TRAINING_FACEGOOD: [&str; 4] = ["2_01", "2_02", "2_03", "2_04"];
pub(crate) const TRAINING_SPEAKERS: [&str; 4] = ["03", "08", "09", "10"];
/// Clips that it is judged on.
pub(crate) const HELD_OUT_FACEGOOD: [&str; 1] = ["2_05"];
pub(crate) const HELD_OUT_SPEAKERS: [&str; 2] = ["11", "13"];

/// Noise levels that the reward is judged on; it learns from others, see [`RankSettings::default`].
pub(crate) const HELD_OUT_LEVELS: [f32; 5] = [0.2, 0.4, 0.6, 0.8, 1.0];
/// Noise that the reward is judged on comes from another seed.
pub(crate) const HELD_OUT_SEED: u64 = 77;

/// Length of the lines that long recordings are cut into, seconds.
const LINE_SECS: f64 = 8.0;
/// Shortest line, seconds.
const SHORTEST_SECS: f64 = 2.0;
/// Silence before and after a generated line, seconds.
const REST_SECS: f64 = 0.4;
const RATE: FrameRate = FrameRate::whole(30);
const SAMPLE_RATE_HZ: u32 = 16_000;

/// A line with its motion.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) motion: Track,
    pub(crate) audio: Option<Audio>,
    pub(crate) emotion: Option<Emotion>,
    pub(crate) is_recorded: bool,
}

impl Line {
    /// Its ranked demonstrations.
    pub(crate) fn ranked(&self, settings: &RankSettings) -> Result<Demonstrations, Box<dyn Error>> {
        let motion = &self.motion;
        let base = if self.is_recorded { Base::demonstration("", motion) } else { Base::take("", motion) };
        Ok(rank(&self.name, &[base], self.audio.as_ref(), self.emotion.as_ref(), settings)?)
    }
}

/// The data folder: `ESARM_DATA` or `../shared/data`.
pub(crate) fn data_folder() -> PathBuf {
    PathBuf::from(std::env::var("ESARM_DATA").unwrap_or_else(|_| "../shared/data".to_owned()))
}

/// Demonstrations of lines; lines whose face does not move are left out and named.
pub(crate) fn demonstrations(
    lines: &[Line],
    settings: &RankSettings,
    report: &mut dyn FnMut(&str),
) -> Vec<Demonstrations> {
    let mut sets = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let seed = settings.seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
        match line.ranked(&RankSettings { seed, ..settings.clone() }) {
            Ok(set) => sets.push(set),
            Err(error) => report(&format!("left out: {error}")),
        }
    }
    sets
}

/// Lines of FACEGOOD clips: speech with recorded mouth animation, neutral.
pub(crate) fn facegood(data: &Path, clips: &[&str]) -> Result<Vec<Line>, Box<dyn Error>> {
    let mut lines = Vec::new();
    for speech in read_facegood(&data.join("facegood"), clips)? {
        let motion = Track::new(RATE, names(), speech.shapes.concat())?;
        let audio = Audio::new(speech.name.clone(), SAMPLE_RATE_HZ, speech.samples);
        let duration = motion.duration_secs().min(audio.duration_secs());
        for (start, end) in cuts(duration) {
            lines.push(Line {
                name: format!("{} {start:.0} s", speech.name),
                motion: cut_motion(&motion, start, end),
                audio: Some(cut_audio(&audio, start, end)),
                emotion: Some(Emotion::constant(0, 1.0)),
                is_recorded: true,
            });
        }
    }
    Ok(lines)
}

/// Lines of the Live Link Face takes: recorded faces without sound and without a known emotion.
pub(crate) fn live_link(data: &Path) -> Result<Vec<Line>, Box<dyn Error>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(data.join("livelink_csv"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "csv"))
        .collect();
    paths.sort();
    let mut lines = Vec::new();
    for path in paths {
        let motion = read_live_link(&std::fs::read_to_string(&path)?)?;
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        for (start, end) in cuts(motion.duration_secs()) {
            let motion = cut_motion(&motion, start, end);
            let name = format!("{stem} {start:.0} s");
            lines.push(Line { name, motion, audio: None, emotion: None, is_recorded: true });
        }
    }
    Ok(lines)
}

fn read_live_link(text: &str) -> Result<Track, Box<dyn Error>> {
    let mut rows = text.lines();
    let header: Vec<String> =
        rows.next().unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    let columns: Vec<Option<usize>> = ARKIT_SHAPES
        .iter()
        .map(|shape| header.iter().position(|name| *name == shape.to_ascii_lowercase()))
        .collect();
    let mut values = Vec::new();
    for row in rows.filter(|row| !row.trim().is_empty()) {
        let fields: Vec<f32> = row.split(',').map(|field| field.trim().parse().unwrap_or(0.0)).collect();
        values
            .extend(columns.iter().map(|column| column.and_then(|c| fields.get(c)).copied().unwrap_or(0.0)));
    }
    Ok(Track::new(RATE, names(), values)?)
}

/// Which emotion a generated face shows.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shown {
    /// The one that was acted.
    Acted,
    /// Any of the eight: two of them were not acted.
    Any,
}

/// Lines of EMO-DB speakers with faces that the generator gives them.
pub(crate) fn generated(
    data: &Path,
    speakers: &[&str],
    shown: Shown,
    seed: u64,
) -> Result<Vec<Line>, Box<dyn Error>> {
    let generator = Generator::load_embedded()?;
    let mut paths: Vec<PathBuf> = std::fs::read_dir(data.join("emodb/audio"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "flac"))
        .collect();
    paths.sort();
    let random = Random::new(seed, if shown == Shown::Acted { 0xE3 } else { 0xE4 });
    let mut lines = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let intensity = random.between(number as u64, 0.6, 1.0);
        let any = Emotion::constant(number % EMOTIONS.len(), intensity);
        let Some(acted) = acted_emotion(&name, intensity) else { continue };
        let emotion = if shown == Shown::Acted { acted } else { any };
        if !speakers.contains(&&name[..2]) {
            continue;
        }
        let rest = vec![0.0; (REST_SECS * f64::from(SAMPLE_RATE_HZ)) as usize];
        let samples = [rest.clone(), read_audio(path)?, rest].concat();
        let audio = Audio::new(name.clone(), SAMPLE_RATE_HZ, samples);
        let seed = u64::from(random.words(number as u64)[1]);
        let options = GenerateOptions { frame_rate: RATE, seed, ..GenerateOptions::default() };
        let motion = generator.generate(&audio, &emotion, &options)?.motion;
        lines.push(Line { name, motion, audio: Some(audio), emotion: Some(emotion), is_recorded: false });
    }
    Ok(lines)
}

/// The emotion that an EMO-DB file name says was acted; boredom is four fifths neutral and one fifth sad.
fn acted_emotion(name: &str, intensity: f32) -> Option<Emotion> {
    let constant = |emotion: &str| emotion_index(emotion).map(|index| Emotion::constant(index, intensity));
    match name.as_bytes().get(5)? {
        b'W' => constant("angry"),
        b'E' => constant("disgust"),
        b'A' => constant("fear"),
        b'F' => constant("happy"),
        b'T' => constant("sad"),
        b'N' => Some(Emotion::constant(0, 1.0)),
        b'L' => {
            let mut weights = [0.0; EMOTIONS.len()];
            (weights[0], weights[2]) = (0.8, 0.2);
            Some(Emotion::from_frames(FrameRate::whole(1), weights.to_vec()))
        }
        _ => None,
    }
}

fn names() -> Vec<String> {
    debug_assert!(arkit_index(ARKIT_SHAPES[0]) == Some(0));
    ARKIT_SHAPES.map(str::to_owned).to_vec()
}

/// Starts and ends of lines of equal length, in seconds.
fn cuts(duration_secs: f64) -> Vec<(f64, f64)> {
    let count = (duration_secs / LINE_SECS).floor().max(1.0);
    let length = duration_secs / count;
    let lines = (0..count as usize).map(|index| (index as f64 * length, (index + 1) as f64 * length));
    lines.filter(|(start, end)| end - start >= SHORTEST_SECS).collect()
}

fn cut_motion(motion: &Track, start_secs: f64, end_secs: f64) -> Track {
    let at = |secs: f64| (secs * RATE.frames_per_sec()).round() as i64;
    motion.window(at(start_secs), at(end_secs)).starting_at(0)
}

fn cut_audio(audio: &Audio, start_secs: f64, end_secs: f64) -> Audio {
    // Cut where the motion's frames are.
    let at = |secs: f64| {
        let frame = (secs * RATE.frames_per_sec()).round();
        (frame / RATE.frames_per_sec() * f64::from(SAMPLE_RATE_HZ)).round() as i64
    };
    Audio { start_sample: 0, ..audio.window(at(start_secs), at(end_secs)) }
}
