//! `esarm check`: validates a graph; nothing runs.

use crate::arguments::Check;
use crate::commands::run::read_graph;
use crate::failure::Failure;
use crate::terminal::{Terminal, print, print_json};
use esarm_graph::{Document, Problem, Severity};
use serde_json::json;

/// Prints every problem of a graph at once.
pub(crate) fn check(arguments: &Check) -> Result<(), Failure> {
    let schemas = esarm_library::registry().schemas();
    let document = read_graph(&arguments.graph, Terminal::Words)?;
    let problems = esarm_graph::validate_for_run(&document, &schemas);
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let no_outputs = document.outputs.is_empty();
    if arguments.json {
        let list: Vec<_> = problems.iter().map(as_json).chain(no_outputs.then(no_outputs_as_json)).collect();
        print_json(&list)?;
    } else {
        print_lines(arguments, &document, &problems, errors)?;
    }
    match errors {
        0 => Ok(()),
        1 => Err(Failure::file(&arguments.graph, "1 error")),
        count => Err(Failure::file(&arguments.graph, format!("{count} errors"))),
    }
}

fn print_lines(
    arguments: &Check,
    document: &Document,
    problems: &[Problem],
    errors: usize,
) -> Result<(), Failure> {
    let name = arguments.graph.display();
    problems.iter().try_for_each(|problem| print(&format!("{name}: {}: {problem}", word(problem))))?;
    if document.outputs.is_empty() {
        print(&format!("{name}: warning: {NO_OUTPUTS}; {NO_OUTPUTS_REMEDY}"))?;
    }
    match errors {
        0 => print(&format!("{name}: {} nodes, no errors", document.graph.nodes.len())),
        _ => Ok(()),
    }
}

/// A graph under construction may name no outputs; one that is to run must.
const NO_OUTPUTS: &str = "the graph names no outputs, so it cannot be run";
const NO_OUTPUTS_REMEDY: &str = "name what it makes under \"outputs\", as \"NAME\": \"NODE.PORT\"";

fn no_outputs_as_json() -> serde_json::Value {
    json!({
        "severity": "warning",
        "place": "outputs",
        "what": NO_OUTPUTS,
        "allowed": "",
        "remedy": NO_OUTPUTS_REMEDY,
    })
}

fn word(problem: &Problem) -> &'static str {
    match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn as_json(problem: &Problem) -> serde_json::Value {
    json!({
        "severity": word(problem),
        "place": problem.place.to_string(),
        "what": problem.what,
        "allowed": problem.allowed,
        "remedy": problem.remedy,
    })
}
