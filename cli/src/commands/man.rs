//! `esarm man`: the manual, one page for the program or for one of its commands.

use crate::arguments::{Arguments, EXIT_STATUS, Man};
use crate::failure::Failure;
use crate::terminal::print;
use clap::{Command, CommandFactory as _};
use std::io::{self, Write};

/// Prints the manual page of the program, with every command, or of one command.
pub(crate) fn man(arguments: &Man) -> Result<(), Failure> {
    let mut program = Arguments::command();
    program.build();
    let page = match &arguments.command {
        None => whole_page(&program),
        Some(name) => {
            let known = || program.get_subcommands().map(Command::get_name).collect::<Vec<_>>().join(", ");
            let command = program.find_subcommand(name).ok_or_else(|| {
                Failure::input(format!("there is no command \"{name}\"; there are {}", known()))
            })?;
            command_page(command)
        }
    };
    let page = page.map_err(|error| Failure::Work(error.to_string()))?;
    print(String::from_utf8_lossy(&page).trim_end())
}

fn whole_page(program: &Command) -> io::Result<Vec<u8>> {
    let man = clap_mangen::Man::new(program.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    for command in program.get_subcommands().filter(|it| it.get_name() != "help") {
        let man = clap_mangen::Man::new(command.clone());
        let mut section = Vec::new();
        man.render_synopsis_section(&mut section)?;
        man.render_description_section(&mut section)?;
        man.render_options_section(&mut section)?;
        // Sections of a command's own page are parts of its section here.
        let section = String::from_utf8_lossy(&section).replace(".SH ", ".SS ");
        writeln!(page, ".SH \"ESARM {}\"", command.get_name().to_uppercase())?;
        // The page says once, at its top, what an apostrophe is.
        let lines = section.lines().filter(|line| !line.contains(" Aq "));
        lines.filter(|line| !line.starts_with(".ie")).try_for_each(|line| writeln!(page, "{line}"))?;
    }
    write_exit_status(&mut page)?;
    Ok(page)
}

fn command_page(command: &Command) -> io::Result<Vec<u8>> {
    let man = clap_mangen::Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    write_exit_status(&mut page)?;
    Ok(page)
}

fn write_exit_status(page: &mut impl Write) -> io::Result<()> {
    writeln!(page, ".SH \"EXIT STATUS\"")?;
    EXIT_STATUS.iter().try_for_each(|(code, meaning)| writeln!(page, ".TP\n{code}\n{meaning}"))
}
