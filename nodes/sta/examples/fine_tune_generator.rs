//! Teaches a generator by cross-coupling over EMO-DB's training speakers, of whom one is held out to stop on:
//! `cargo run --release -p esarm-sta --features training --example fine_tune_generator -- START OUTPUT [CHECKPOINTS]`.
//! Faces are compared on the built-in head too. The data folder is `ESARM_DATA` or `../shared/data`.

#![allow(clippy::print_stdout)]

use esarm_sta::generator::weights::Weights;
use esarm_sta::training::corpus::read_corpus;
use esarm_sta::training::coupling::LossWeights;
use esarm_sta::training::run::{Progress, Verdict};
use esarm_sta::training::{Lesson, TRAINING_SPEAKERS, fine_tune, lesson_schedule};
use std::path::PathBuf;

/// The training speaker on whom the run stops.
const JUDGE: &str = "10";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let data = PathBuf::from(std::env::var("ESARM_DATA").unwrap_or_else(|_| "../shared/data".to_owned()));
    let start = arguments.next().ok_or("name the file of the weights to start from")?;
    let output = arguments.next().ok_or("name the file to write the weights to")?;
    let checkpoints = arguments.next().map(PathBuf::from);
    let mut clips = read_corpus(&data.join("emodb"))?;
    clips.retain(|clip| TRAINING_SPEAKERS.contains(&clip.speaker.as_str()));
    let lesson = Lesson {
        start: Weights::from_bytes(&std::fs::read(start)?)?,
        clips,
        demonstrations: Vec::new(),
        held_out_speakers: vec![JUDGE.to_owned()],
        rig: Some(esarm_face::head::built_in()),
        losses: LossWeights::default(),
        quadruples: 2,
        seed: 1,
        schedule: lesson_schedule(),
    };
    let start = std::time::Instant::now();
    let observe = &mut |progress: &Progress<'_>| {
        let row = progress.row;
        if let Some(held_out) = &row.held_out {
            let secs = start.elapsed().as_secs_f64();
            println!("{secs:7.1} s  step {}: {:.4?}, held out {held_out:.4?}", row.step, row.losses);
        }
        Verdict::Continue
    };
    let learned = fine_tune(lesson, checkpoints.as_deref(), observe)?;
    let outcome = &learned.outcome;
    println!("{:?} after {} steps, weights of step {}", outcome.stop, outcome.steps, outcome.weights_step);
    let notes = [("fine-tuned", "cross-coupling".to_owned()), ("licence", "MIT OR Apache-2.0".to_owned())];
    std::fs::write(output, learned.weights.to_bytes(&notes)?)?;
    Ok(())
}
