//! Measures the generator on speech and animation kept out of its training:
//! `cargo run --release -p esarm-sta --features training --example evaluate_generator -- [WEIGHTS]`.
//! The data folder is `ESARM_DATA` or `../shared/data`.

#![allow(clippy::print_stdout)]

mod head;
mod recorded;
mod speech;

use esarm_kernels::random::Random;
use esarm_sta::generator::{GenerateOptions, Generated, Generator};
use esarm_sta::training::recordings::{LabelledSpeech, read_emodb, read_facegood};
use esarm_sta::training::{HELD_OUT_CLIP, HELD_OUT_SPEAKERS};
use esarm_values::{ARKIT_SHAPES, Audio, EMOTIONS, Emotion};
use head::Lips;
use speech::{Reading, Trial, judge};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let data = PathBuf::from(std::env::var("ESARM_DATA").unwrap_or_else(|_| "../shared/data".to_owned()));
    let start = Instant::now();
    let generator = match std::env::args().nth(1) {
        Some(path) => Generator::from_bytes(&std::fs::read(path)?, &esarm_kernels::devices::cpu())?,
        None => Generator::load_embedded()?,
    };
    println!("load {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let lips = Lips::read(&data.join("ict_head"))?;
    speed(&generator)?;
    recordings(&generator, &lips, &data)?;
    labelled_speech(&generator, &lips, &data)?;
    Ok(())
}

fn speed(generator: &Generator) -> Result<(), Box<dyn Error>> {
    let samples = (0..160_000).map(|n| (n as f32 * 0.05).sin() * 0.1).collect();
    let audio = Audio::new("tone", 16_000, samples);
    let emotion = Emotion::constant(1, 0.5);
    let mut fastest = f64::INFINITY;
    let mut first = None;
    for _ in 0..8 {
        let start = Instant::now();
        generator.generate(&audio, &emotion, &GenerateOptions::default())?;
        let taken = start.elapsed().as_secs_f64() * 1e3;
        first.get_or_insert(taken);
        fastest = fastest.min(taken);
    }
    println!("10 s of audio: first {:.1} ms, fastest {fastest:.1} ms", first.unwrap_or_default());
    Ok(())
}

fn recordings(generator: &Generator, lips: &Lips, data: &Path) -> Result<(), Box<dyn Error>> {
    println!("\nFACEGOOD: correlation with the recorded animation");
    for clip in read_facegood(&data.join("facegood"), &["2_01", "2_02", "2_03", "2_04", HELD_OUT_CLIP])? {
        let found = recorded::correlate(generator, lips, &clip)?;
        println!(
            "{}{}: gap {:.3} (reversed {:.3}, 200 ms late {:.3}), mean of {} moving shapes {:.3}",
            clip.name,
            if clip.name.ends_with(HELD_OUT_CLIP) { " (held out)" } else { "" },
            found.gap,
            found.reversed,
            found.shifted,
            found.shapes.len(),
            found.mean()
        );
        for (shape, correlation, recorded, generated) in &found.shapes {
            println!(
                "    {:22} {correlation:6.3}   deviation {recorded:.3} -> {generated:.3}",
                ARKIT_SHAPES[*shape]
            );
        }
    }
    Ok(())
}

fn labelled_speech(generator: &Generator, lips: &Lips, data: &Path) -> Result<(), Box<dyn Error>> {
    let clips = read_emodb(&data.join("emodb"), &HELD_OUT_SPEAKERS)?;
    println!("\nEMO-DB speakers 11 and 13, {} clips, percent", clips.len());
    println!("{:34} closed pbm  open a E  silent closed  (speech closed)", "");
    let row = |name: &str, clips: &[LabelledSpeech], trial: &Trial| -> Result<(), Box<dyn Error>> {
        let scores = judge(generator, lips, clips, trial)?;
        println!(
            "{name:34} {:10.1} {:9.1} {:14.1} {:16.1}",
            scores.closed.percent(),
            scores.open.percent(),
            scores.silent.percent(),
            scores.closed_in_speech.percent()
        );
        Ok(())
    };
    let mean = Trial {
        emotion: Emotion::constant(0, 1.0),
        options: GenerateOptions { temperature: 0.0, ..GenerateOptions::default() },
        reading: Reading::Starts,
        sound: <[f32]>::to_vec,
        control: |gaps| gaps,
    };
    row("neutral, mean", &clips, &mean)?;
    row("  bursts judged too", &clips, &Trial { reading: Reading::StartsWithBursts, ..mean.clone() })?;
    row("  labels read as ends", &clips, &Trial { reading: Reading::Ends, ..mean.clone() })?;
    row("  sound 30 dB softer", &clips, &Trial { sound: softer, ..mean.clone() })?;
    row("  sound with noise 20 dB below", &clips, &Trial { sound: noisy, ..mean.clone() })?;
    row("  sound muffled", &clips, &Trial { sound: muffled, ..mean.clone() })?;
    row("  control: static", &clips, &Trial { control: |gaps| vec![0.03; gaps.len()], ..mean.clone() })?;
    row(
        "  control: reversed",
        &clips,
        &Trial { control: |gaps| gaps.into_iter().rev().collect(), ..mean.clone() },
    )?;
    row("  control: 200 ms late", &clips, &Trial { control: late, ..mean.clone() })?;
    let take = |emotion: usize, seed: u64| Trial {
        emotion: Emotion::constant(emotion, 1.0),
        options: GenerateOptions { seed, ..GenerateOptions::default() },
        ..mean.clone()
    };
    for seed in 1..=3 {
        row(&format!("neutral, seed {seed}"), &clips, &take(0, seed))?;
    }
    for (index, name) in EMOTIONS.iter().enumerate().skip(1) {
        row(&format!("{name}, seed 7"), &clips, &take(index, 7))?;
    }
    let read = speech::read_aligned(&data.join("librivox_aligned"))?;
    println!("\nEnglish read speech with machine alignments, {} clips", read.len());
    row("neutral, mean", &read, &mean)?;
    let audio = Audio::new("take", 16_000, clips[0].samples.clone());
    let take = |seed| {
        let options = GenerateOptions { seed, ..GenerateOptions::default() };
        generator.generate(&audio, &Emotion::constant(0, 1.0), &options)
    };
    let (one, two) = (take(1)?, take(2)?);
    println!(
        "\nseeds 1 and 2 differ by {:.4} (mean over weights that differ), log-probabilities {:.1} and {:.1}",
        difference(&one, &two),
        one.log_probability,
        two.log_probability
    );
    Ok(())
}

fn softer(samples: &[f32]) -> Vec<f32> {
    samples.iter().map(|sample| sample * 0.032).collect()
}

fn noisy(samples: &[f32]) -> Vec<f32> {
    let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
    let random = Random::new(5, 0);
    samples
        .iter()
        .zip(0..)
        .map(|(sample, index)| sample + 0.1 * power.sqrt() * random.normal(index))
        .collect()
}

fn muffled(samples: &[f32]) -> Vec<f32> {
    let mut state = [0.0; 4];
    let smooth = |sample: &f32| {
        let mut value = *sample;
        for state in &mut state {
            *state += 0.69 * (value - *state);
            value = *state;
        }
        value
    };
    samples.iter().map(smooth).collect()
}

fn late(mut gaps: Vec<f32>) -> Vec<f32> {
    let shift = 12.min(gaps.len());
    gaps.rotate_right(shift);
    let first = gaps.get(shift).copied().unwrap_or_default();
    gaps[..shift].fill(first);
    gaps
}

fn difference(one: &Generated, two: &Generated) -> f64 {
    let pairs = one.motion.values().iter().zip(two.motion.values());
    let differing: Vec<f64> = pairs.map(|(a, b)| f64::from((a - b).abs())).filter(|d| *d > 1e-5).collect();
    differing.iter().sum::<f64>() / differing.len().max(1) as f64
}
