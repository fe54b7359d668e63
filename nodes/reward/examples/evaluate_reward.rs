//! Judges a reward on clips and noise levels that it has not learnt from:
//! `cargo run --release -p esarm-reward --example evaluate_reward -- [WEIGHTS]`.
//! The data folder is `ESARM_DATA` or `../shared/data`.

#![allow(clippy::print_stdout)]

mod corpus;

use corpus::{
    HELD_OUT_FACEGOOD, HELD_OUT_LEVELS, HELD_OUT_SEED, HELD_OUT_SPEAKERS, Shown, data_folder, demonstrations,
    facegood, generated,
};
use esarm_reward::{RankSettings, RewardModel, evaluate};

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
    let recorded = demonstrations(&recorded, &settings, &mut left_out);
    let spoken = demonstrations(&spoken, &settings, &mut left_out);
    println!(
        "## Recorded motion (FACEGOOD {HELD_OUT_FACEGOOD:?})\n\n{}",
        evaluate(&model, &recorded).markdown()
    );
    println!(
        "## Generated motion (EMO-DB speakers {HELD_OUT_SPEAKERS:?})\n\n{}",
        evaluate(&model, &spoken).markdown()
    );
    let all = [recorded, spoken].concat();
    println!("## Both\n\n{}", evaluate(&model, &all).markdown());
    Ok(())
}
