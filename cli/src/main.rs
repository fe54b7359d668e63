//! `esarm`: emotional speech animation from the command line.

mod arguments;
mod batch;
mod claims;
mod clips;
mod commands;
mod failure;
mod heard;
mod mapping;
mod outputs;
mod progress;
mod report;
mod restart;
mod running;
mod signals;
mod terminal;

use arguments::{Arguments, Command, Progress};
use clap::{CommandFactory as _, Parser as _};
use failure::Failure;
use std::process::ExitCode;
use terminal::Terminal;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    restart::without_display_complaints(&arguments.command);
    let terminal = terminal_of(&arguments.command);
    match execute(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal.fail(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Prints the help that was asked for, or what is wrong with the arguments.
fn refuse(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && wants_json_lines(std::env::args_os()) {
        let failure = Failure::input(error.to_string().trim_end());
        Terminal::Json.fail(&failure);
        return ExitCode::from(failure.exit_code());
    }
    // Nobody reads it when it cannot be printed, and the exit code says the rest.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Whether arguments that cannot be parsed ask for JSON lines.
fn wants_json_lines(arguments: impl Iterator<Item = std::ffi::OsString>) -> bool {
    let arguments: Vec<_> = arguments.collect();
    let pair = arguments.windows(2).any(|pair| pair[0] == "--progress" && pair[1] == "json");
    pair || arguments.iter().any(|argument| argument == "--progress=json")
}

fn terminal_of(command: &Command) -> Terminal {
    Terminal::from(match command {
        Command::Animate(arguments) => arguments.running.progress,
        Command::Run(arguments) => arguments.running.progress,
        _ => Progress::Auto,
    })
}

fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::Animate(arguments) => commands::animate::animate(&arguments),
        Command::Run(arguments) => commands::run::run(&arguments),
        Command::Check(arguments) => commands::check::check(&arguments),
        Command::Nodes(arguments) => commands::nodes::nodes(&arguments),
        Command::Score(arguments) => commands::score::score(&arguments),
        Command::Doctor(arguments) => commands::doctor::doctor(&arguments),
        Command::Man(arguments) => commands::man::man(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "esarm", &mut script);
            terminal::print(String::from_utf8_lossy(&script).trim_end())
        }
    }
}
