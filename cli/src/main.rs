//! `esarm`: emotional speech animation from the command line.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program speaks on its terminal"
)]

mod arguments;
mod commands;
mod failure;
mod mapping;
mod outputs;
mod progress;
mod running;

use arguments::{Arguments, Command};
use clap::{CommandFactory as _, Parser as _};
use failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    match execute(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("esarm: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::Animate(arguments) => commands::animate::animate(&arguments),
        Command::Run(arguments) => commands::run::run(&arguments),
        Command::Check(arguments) => commands::check::check(&arguments),
        Command::Nodes(arguments) => commands::nodes::nodes(&arguments),
        Command::Score(arguments) => commands::score::score(&arguments),
        Command::Doctor(arguments) => commands::doctor::doctor(&arguments),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "esarm", &mut std::io::stdout());
            Ok(())
        }
        Command::Man => {
            let page = clap_mangen::Man::new(Arguments::command());
            page.render(&mut std::io::stdout())
                .map_err(|error| Failure::input(format!("standard output: {error}")))
        }
    }
}
