//! Trains the shipped reward: `cargo run --release -p esarm-reward --example train_reward -- [STEPS] [OUTPUT]`.
//! The data folder is `ESARM_DATA` or `../shared/data`.

#![allow(clippy::print_stdout)]

mod corpus;

use corpus::{
    Shown, TRAINING_FACEGOOD, TRAINING_SPEAKERS, data_folder, demonstrations, facegood, generated, live_link,
};
use esarm_reward::{RankSettings, TrainOptions, curve_csv, train};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut options = TrainOptions::default();
    if let Some(steps) = arguments.next() {
        options.steps = steps.parse()?;
    }
    let output = arguments.next().unwrap_or_else(|| "assets/models/reward.safetensors".to_owned());
    let start = Instant::now();
    let say = |line: &str| println!("{:7.1} s  {line}", start.elapsed().as_secs_f64());
    let data = data_folder();
    let mut lines = facegood(&data, &TRAINING_FACEGOOD)?;
    lines.extend(live_link(&data)?);
    lines.extend(generated(&data, &TRAINING_SPEAKERS, Shown::Acted, options.seed)?);
    lines.extend(generated(&data, &TRAINING_SPEAKERS, Shown::Any, options.seed)?);
    let settings = RankSettings { seed: options.seed, ..RankSettings::default() };
    let sets = demonstrations(&lines, &settings, &mut |line| say(line));
    let pairs: usize = sets.iter().map(|set| set.pairs.len()).sum();
    say(&format!("{} clips with {pairs} pairs", sets.len()));
    let checkpoint = std::env::var("ESARM_CHECKPOINT").ok().map(std::path::PathBuf::from);
    let trained = train(&sets, &options, checkpoint.as_deref(), &mut |step, row| {
        if let Some(row) = row {
            say(&format!(
                "step {step}: training {:.4}, held out {:.4}, accuracy {:.3}",
                row.training_loss, row.validation_loss, row.validation_accuracy
            ));
        }
        Ok(())
    })?;
    esarm_graph::write_atomically(&output, &trained.weights.to_bytes()?)?;
    println!("{}", curve_csv(&trained.curve));
    say(&format!("{:#?}, kept step {} of {}", trained.calibration, trained.best_step, trained.steps));
    Ok(())
}
