//! `esarm check`: validates a graph; nothing runs.

use crate::arguments::Check;
use crate::commands::run::read_graph;
use crate::failure::Failure;
use esarm_graph::{Problem, Severity};
use serde_json::json;

/// Prints every problem of a graph at once.
pub(crate) fn check(arguments: &Check) -> Result<(), Failure> {
    let schemas = esarm_library::registry().schemas();
    let document = read_graph(&arguments.graph, &schemas)?;
    let problems = esarm_graph::validate_for_run(&document, &schemas);
    if arguments.json {
        let list: Vec<_> = problems.iter().map(as_json).collect();
        println!("{}", serde_json::to_string_pretty(&list).map_err(Failure::input)?);
    } else {
        problems
            .iter()
            .for_each(|problem| println!("{}: {}: {problem}", arguments.graph.display(), word(problem)));
    }
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    match errors {
        0 if arguments.json => Ok(()),
        0 => {
            println!("{}: {} nodes, no errors", arguments.graph.display(), document.graph.nodes.len());
            Ok(())
        }
        1 => Err(Failure::file(&arguments.graph, "1 error")),
        count => Err(Failure::file(&arguments.graph, format!("{count} errors"))),
    }
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
