//! Judges a reward on clips and noise levels that it has not learnt from:
//! `cargo run --release -p esarm-reward --example evaluate_reward -- [WEIGHTS]`.
//! The data folder is `ESARM_DATA` or `../shared/data`.

#![allow(clippy::print_stdout)]

mod corpus;

use corpus::Line;
use corpus::{
    HELD_OUT_FACEGOOD, HELD_OUT_LEVELS, HELD_OUT_SEED, HELD_OUT_SPEAKERS, Shown, data_folder, demonstrations,
    facegood, generated,
};
use esarm_reward::{Demonstrations, Performance, RankSettings, RewardModel, TERM_NAMES, controls, evaluate};
use esarm_values::{ARKIT_SHAPES, Emotion, FrameRate, Track};
use std::collections::BTreeMap;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = match std::env::args().nth(1) {
        Some(path) => RewardModel::from_bytes(&std::fs::read(path)?)?,
        None => RewardModel::load_embedded()?,
    };
    let data = data_folder();
    let settings =
        RankSettings { levels: HELD_OUT_LEVELS.to_vec(), seed: HELD_OUT_SEED, ..Default::default() };
    let recorded = facegood(&data, &HELD_OUT_FACEGOOD)?;
    let spoken = generated(&data, &HELD_OUT_SPEAKERS, Shown::Acted, HELD_OUT_SEED)?;
    let mut left_out = |line: &str| println!("{line}");
    let recorded_sets = demonstrations(&recorded, &settings, &mut left_out);
    let spoken_sets = demonstrations(&spoken, &settings, &mut left_out);
    println!(
        "## Recorded motion (FACEGOOD {HELD_OUT_FACEGOOD:?})\n\n{}",
        evaluate(&model, &recorded_sets).markdown()
    );
    println!(
        "## Generated motion (EMO-DB speakers {HELD_OUT_SPEAKERS:?})\n\n{}",
        evaluate(&model, &spoken_sets).markdown()
    );
    let all = [recorded_sets, spoken_sets].concat();
    let lines: Vec<Line> = recorded.into_iter().chain(spoken).collect();
    println!("## Both\n\n{}", evaluate(&model, &all).markdown());
    println!("## Named terms\n\n{}", terms_table(&model, &lines, &all)?);
    Ok(())
}

/// Mean of each named term over lines, of the truth and of its controls.
fn terms_table(
    model: &RewardModel,
    lines: &[Line],
    sets: &[Demonstrations],
) -> Result<String, Box<dyn std::error::Error>> {
    let mut sums: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for set in sets {
        let Some(line) = lines.iter().find(|line| line.name == set.scene.name) else { continue };
        let truth = &set.takes[0].motion;
        let mut judge = |name: &str, motion: &[f32], emotion: &[f32]| {
            let rate = FrameRate::whole(30);
            let motion = Track::new(rate, ARKIT_SHAPES.map(str::to_owned).to_vec(), motion.to_vec())?;
            let emotion = Emotion::from_frames(rate, emotion.to_vec());
            let terms = Performance::new(&motion, line.audio.as_ref(), Some(&emotion))?;
            let row = sums.entry(name.to_owned()).or_insert_with(|| vec![(0.0, 0.0); TERM_NAMES.len()]);
            for (sum, term) in row.iter_mut().zip(terms.terms(&model.weights().liveliness)) {
                if let Some(value) = term.value {
                    *sum = (sum.0 + value, sum.1 + 1.0);
                }
            }
            Ok::<(), Box<dyn std::error::Error>>(())
        };
        judge(" truth", truth, &set.scene.emotion)?;
        for control in controls(&set.scene, truth) {
            judge(control.control.name(), &control.motion, &control.emotion)?;
        }
        for take in set.takes.iter().filter(|take| take.level == 1.0) {
            let emotion = take.emotion.as_ref().unwrap_or(&set.scene.emotion);
            judge(&take.name, &take.motion, emotion)?;
        }
    }
    let mut table =
        format!("| motion | {} |\n|---|{}\n", TERM_NAMES.join(" | "), "---|".repeat(TERM_NAMES.len()));
    for (name, row) in sums {
        let mean = |(sum, count): &(f64, f64)| {
            if *count > 0.0 { format!("{:.2}", sum / count) } else { "-".to_owned() }
        };
        let means: Vec<String> = row.iter().map(mean).collect();
        table.push_str(&format!("| {} | {} |\n", name.trim(), means.join(" | ")));
    }
    Ok(table)
}
