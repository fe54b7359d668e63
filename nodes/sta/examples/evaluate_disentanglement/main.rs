//! Measures whether emotion and content are apart, on speakers kept out of training:
//! `cargo run --release -p esarm-sta --features training --example evaluate_disentanglement -- [WEIGHTS]`.
//! The data folder is `ESARM_DATA` or `../shared/data`.

#![allow(clippy::print_stdout)]

#[path = "../evaluate_generator/head.rs"]
mod head;
mod recogniser;
#[allow(dead_code, reason = "the other measurement reads more of it")]
#[path = "../evaluate_generator/speech.rs"]
mod speech;

use esarm_sta::generator::{GenerateOptions, Generator};
use esarm_sta::training::corpus::{GridClip, of_emodb};
use esarm_sta::training::recordings::{LabelledSpeech, read_emodb};
use esarm_sta::training::{HELD_OUT_SPEAKERS, coupled_errors};
use esarm_values::{Audio, EMOTIONS, Emotion, FrameRate, Track, emotion_index};
use head::Lips;
use recogniser::{difference, is_corner, is_upper, recognise};
use speech::{Reading, Trial, judge};
use std::error::Error;
use std::path::{Path, PathBuf};

/// Seed of every take.
const SEED: u64 = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let data = PathBuf::from(std::env::var("ESARM_DATA").unwrap_or_else(|_| "../shared/data".to_owned()));
    let generator = match std::env::args().nth(1) {
        Some(path) => Generator::from_bytes(&std::fs::read(path)?, &esarm_kernels::devices::cpu())?,
        None => Generator::load_embedded()?,
    };
    let lips = Lips::read(&data.join("ict_head"))?;
    captured_faces(&data.join("neurosync"))?;
    let speech = read_emodb(&data.join("emodb"), &HELD_OUT_SPEAKERS)?;
    let clips: Vec<GridClip> = speech.iter().cloned().map(of_emodb).collect();
    println!("EMO-DB speakers 11 and 13, {} clips, takes at temperature 0.5, seed {SEED}", clips.len());
    swap_emotions(&generator, &lips, &clips)?;
    closures(&generator, &lips, &speech)?;
    swap_contents(&generator, &lips, &clips)?;
    let head = esarm_face::head::built_in();
    let errors = coupled_errors(&generator.weights(), clips, Some(&head), SEED)?;
    println!("\nCoupled faces against the rules and the coarticulation model: {errors:.4?}");
    Ok(())
}

/// What the recogniser says of captured faces, whose emotion their maker named.
fn captured_faces(folder: &Path) -> Result<(), Box<dyn Error>> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        println!("SKIPPED captured faces: {} is not there\n", folder.display());
        return Ok(());
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    println!("Captured faces (file: recognised)");
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "csv")) {
        let motion = read_capture(&std::fs::read_to_string(path)?)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        println!("    {name}: {}", EMOTIONS[recognise(&motion)]);
    }
    println!();
    Ok(())
}

/// A Live Link Face table; columns are read by name, ignoring case.
fn read_capture(text: &str) -> Result<Track, Box<dyn Error>> {
    let mut lines = text.lines();
    let header: Vec<String> =
        lines.next().unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    let columns = esarm_values::ARKIT_SHAPES
        .map(|shape| header.iter().position(|it| *it == shape.to_ascii_lowercase()));
    let rows = lines.flat_map(|line| {
        let fields: Vec<f32> = line.split(',').map(|field| field.trim().parse().unwrap_or(0.0)).collect();
        columns.map(|column| column.and_then(|column| fields.get(column).copied()).unwrap_or(0.0))
    });
    let names = esarm_values::ARKIT_SHAPES.map(str::to_owned).to_vec();
    Ok(Track::new(FrameRate::whole(60), names, rows.collect())?)
}

fn take(generator: &Generator, clip: &GridClip, emotion: usize) -> Result<Track, Box<dyn Error>> {
    let audio = Audio::new(clip.name.clone(), 16_000, clip.samples.clone());
    let options = GenerateOptions { seed: SEED, ..GenerateOptions::default() };
    Ok(generator.generate(&audio, &Emotion::constant(emotion, 1.0), &options)?.motion)
}

/// Sums over takes of one kind.
#[derive(Clone, Copy, Default)]
struct Tally {
    takes: usize,
    recognised: usize,
    upper: f64,
    corners: f64,
    lip_correlation: f64,
    lips_kept: usize,
}

impl Tally {
    fn add(&mut self, recognised: bool, before: &Track, after: &Track, lips: &Lips) {
        let correlation = correlation(&lips.gaps(before), &lips.gaps(after));
        self.takes += 1;
        self.recognised += usize::from(recognised);
        self.upper += difference(before, after, is_upper);
        self.corners += difference(before, after, is_corner);
        self.lip_correlation += correlation;
        self.lips_kept += usize::from(correlation >= 0.9);
    }

    fn merge(self, other: Self) -> Self {
        Self {
            takes: self.takes + other.takes,
            recognised: self.recognised + other.recognised,
            upper: self.upper + other.upper,
            corners: self.corners + other.corners,
            lip_correlation: self.lip_correlation + other.lip_correlation,
            lips_kept: self.lips_kept + other.lips_kept,
        }
    }

    fn print(self, name: &str) {
        let takes = self.takes.max(1) as f64;
        println!(
            "{name:22} {:6} {:12.1} {:12.3} {:8.3} {:10.3} {:18.1}",
            self.takes,
            100.0 * self.recognised as f64 / takes,
            self.upper / takes,
            self.corners / takes,
            self.lip_correlation / takes,
            100.0 * self.lips_kept as f64 / takes
        );
    }
}

fn header(title: &str) {
    println!("\n{title}");
    println!(
        "{:22} {:>6} {:>12} {:>12} {:>8} {:>10} {:>18}",
        "", "takes", "recognised %", "upper face", "corners", "lip gap r", "lip gap r >= 0.9 %"
    );
}

/// Every clip in the emotion of its voice, then in each of the others.
fn swap_emotions(generator: &Generator, lips: &Lips, clips: &[GridClip]) -> Result<(), Box<dyn Error>> {
    header(
        "Emotion swapped, content kept: the target is recognised, upper face and corners change, lips stay",
    );
    let mut own = Tally::default();
    let mut by_target = [Tally::default(); EMOTIONS.len()];
    for clip in clips {
        let emotion = clip.emotion.unwrap_or(0);
        let before = take(generator, clip, emotion)?;
        own.add(recognise(&before) == emotion, &before, &before, lips);
        for target in (0..EMOTIONS.len()).filter(|target| *target != emotion) {
            let after = take(generator, clip, target)?;
            by_target[target].add(recognise(&after) == target, &before, &after, lips);
        }
    }
    own.print("not swapped");
    for (name, tally) in EMOTIONS.iter().zip(by_target) {
        tally.print(&format!("to {name}"));
    }
    by_target.into_iter().fold(Tally::default(), Tally::merge).print("all swaps");
    Ok(())
}

/// Every clip with the words of another, in the emotion of the first.
fn swap_contents(generator: &Generator, lips: &Lips, clips: &[GridClip]) -> Result<(), Box<dyn Error>> {
    header("Content swapped, emotion kept: the emotion is still recognised, lips change");
    let mut all = Tally::default();
    for (index, clip) in clips.iter().enumerate() {
        let emotion = clip.emotion.unwrap_or(0);
        let before = take(generator, clip, emotion)?;
        // The next clip that says something else.
        let others = clips.iter().cycle().skip(index + 1);
        let other = others.take(clips.len()).find(|other| other.content != clip.content);
        let other = other.ok_or("all clips say the same")?;
        let after = take(generator, other, emotion)?;
        all.add(recognise(&after) == emotion, &before, &after, lips);
    }
    all.print("all swaps");
    Ok(())
}

/// Lips against phone labels when the voice's emotion is swapped for each of the others.
fn closures(generator: &Generator, lips: &Lips, speech: &[LabelledSpeech]) -> Result<(), Box<dyn Error>> {
    println!("\nLips of swapped takes, percent");
    println!("{:22} closed pbm  open a E  silent closed", "");
    for (index, name) in EMOTIONS.iter().enumerate() {
        let others: Vec<LabelledSpeech> = speech
            .iter()
            .filter(|it| of_emodb((*it).clone()).emotion.unwrap_or(0) != index)
            .cloned()
            .collect();
        let trial = Trial {
            emotion: Emotion::constant(emotion_index(name).unwrap_or(0), 1.0),
            options: GenerateOptions { seed: SEED, ..GenerateOptions::default() },
            reading: Reading::Starts,
            sound: <[f32]>::to_vec,
            control: |gaps| gaps,
        };
        let scores = judge(generator, lips, &others, &trial)?;
        println!(
            "to {name:19} {:10.1} {:9.1} {:14.1}",
            scores.closed.percent(),
            scores.open.percent(),
            scores.silent.percent()
        );
    }
    Ok(())
}

/// Pearson's correlation over the frames that both have; 0 when either is constant.
fn correlation(one: &[f32], two: &[f32]) -> f64 {
    let pairs: Vec<(f64, f64)> = one.iter().zip(two).map(|(a, b)| (f64::from(*a), f64::from(*b))).collect();
    let count = pairs.len().max(1) as f64;
    let (mean_a, mean_b) =
        pairs.iter().fold((0.0, 0.0), |(a, b), pair| (a + pair.0 / count, b + pair.1 / count));
    let (mut product, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        product += (a - mean_a) * (b - mean_b);
        square_a += (a - mean_a).powi(2);
        square_b += (b - mean_b).powi(2);
    }
    let spread = (square_a * square_b).sqrt();
    if spread > 0.0 { product / spread } else { 0.0 }
}
