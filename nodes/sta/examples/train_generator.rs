//! Trains the generator: `cargo run -p esarm-sta --features training --example train_generator -- [STEPS] [OUTPUT]
//! [CHECKPOINTS] [QUADRUPLES]`. With a checkpoint folder an interrupted run goes on where it was. With quadruples each
//! step also exchanges emotion and content between so many pairs of clips; their faces are compared on the built-in head. The data folder is `ESARM_DATA` or `../shared/data`.

#![allow(clippy::print_stdout)]

use esarm_sta::training::run::{Progress, Verdict};
use esarm_sta::training::{TrainingOptions, train};

/// Steps between lines of progress.
const REPORT_EVERY: usize = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let data = std::env::var("ESARM_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    let steps = arguments.next().map(|steps| steps.parse()).transpose()?;
    let output = arguments.next().unwrap_or_else(|| "assets/models/generator.safetensors".to_owned());
    let mut options = TrainingOptions::new(data, output);
    options.schedule.steps = steps.unwrap_or(options.schedule.steps);
    options.checkpoints = arguments.next().map(Into::into);
    options.quadruples =
        arguments.next().map(|count| count.parse()).transpose()?.unwrap_or(options.quadruples);
    options.rig = Some(esarm_face::head::built_in());
    let start = std::time::Instant::now();
    let report = &mut |line: &str| println!("{:7.1} s  {line}", start.elapsed().as_secs_f64());
    let observe = &mut |progress: &Progress<'_>| {
        let row = progress.row;
        if row.step.is_multiple_of(REPORT_EVERY) {
            let terms: Vec<String> = row.losses.iter().map(|loss| format!("{loss:.4}")).collect();
            let held_out =
                row.held_out_loss().map_or_else(String::new, |loss| format!(", held out {loss:.4}"));
            println!(
                "{:7.1} s  step {}: {} (norm {:.2}){held_out}",
                start.elapsed().as_secs_f64(),
                row.step,
                terms.join(" "),
                row.gradient_norm
            );
        }
        Verdict::Continue
    };
    let trained = train(&options, report, observe)?;
    println!("{:?}, {} bytes, {:.0} s", trained.ended, trained.bytes, start.elapsed().as_secs_f64());
    Ok(())
}
