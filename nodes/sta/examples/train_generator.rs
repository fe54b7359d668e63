//! Trains the generator: `cargo run -p esarm-sta --features training --example train_generator -- [STEPS] [OUTPUT]`.
//! The data folder is `ESARM_DATA` or `../shared/data`.

#![allow(clippy::print_stdout)]

use esarm_sta::training::{TrainingOptions, train};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let data = std::env::var("ESARM_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    let steps = arguments.next().map(|steps| steps.parse()).transpose()?;
    let output = arguments.next().unwrap_or_else(|| "assets/models/generator.safetensors".to_owned());
    let mut options = TrainingOptions::new(data, output);
    options.content.steps = steps.unwrap_or(options.content.steps);
    let start = std::time::Instant::now();
    let report = train(&options, &mut |line| println!("{:7.1} s  {line}", start.elapsed().as_secs_f64()))?;
    println!("{report:#?}\n{:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}
