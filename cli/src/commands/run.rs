//! `esarm run`: runs a graph file.

use crate::arguments::{Assignment, Run};
use crate::batch::{self, Take, Target, Work};
use crate::failure::Failure;
use crate::report::GraphRecord;
use crate::running::{Job, Runner};
use crate::terminal::{Terminal, print};
use esarm_graph::{Document, ProblemKind, SchemaSet};
use esarm_values::Value;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Runs a graph and writes the outputs that were asked for.
pub(crate) fn run(arguments: &Run) -> Result<(), Failure> {
    let runner = Runner::new(&arguments.running)?;
    let mut document = read_graph(&arguments.graph, runner.terminal)?;
    let graph_name = arguments.graph.display().to_string();
    let saved = esarm_graph::serialize(&document).map_err(Failure::input)?;
    warn_of_unknown_members(&document, &graph_name, &runner);
    let settings = change(&mut document, arguments, &runner.registry().schemas())?;
    let job = Job {
        document: &document,
        graph_name: &graph_name,
        graph: GraphRecord::of(&graph_name, &saved),
        graph_file: Some(&arguments.graph),
        base_folder: arguments.graph.parent().unwrap_or(Path::new("")),
        wanted: arguments.output.iter().map(|output| output.name.clone()).collect(),
        settings,
    };
    let take = Take { seed: arguments.seed, targets: arguments.output.iter().map(target).collect() };
    let made = batch::make(&runner, &[Work { job, takes: std::slice::from_ref(&take) }])?;
    let report = &made.last.report;
    let (count, milliseconds) = (report.nodes.len(), report.milliseconds);
    let ran = report.nodes.iter().filter(|node| node.state.word() == "ran").count();
    runner.terminal.tell(
        "done",
        &format!("{ran} of {count} nodes ran in {milliseconds:.0} ms"),
        json!({"seed": report.seed, "milliseconds": milliseconds, "files": text_of_all(&made.paths)}),
    );
    if arguments.output.is_empty() {
        let mut values = made.last.values.iter();
        return values.try_for_each(|(name, value)| print(&format!("{name}: {}", describe(value))));
    }
    made.paths.iter().try_for_each(|path| print(&path.display().to_string()))
}

/// What nothing reads is most often misspelt, and a run would silently go without it.
fn warn_of_unknown_members(document: &Document, graph_name: &str, runner: &Runner<'_>) {
    let problems = esarm_graph::validate(document, &runner.registry().schemas());
    for problem in problems.iter().filter(|it| it.kind == ProblemKind::UnknownMember) {
        runner.terminal.warn(&format!("{graph_name}: {problem}"));
    }
}

fn target(Assignment { name, value }: &Assignment) -> Target {
    Target { output: name.clone(), path: PathBuf::from(value), asked_by: format!("--output {name}") }
}

/// Makes the settings and gives the inputs that the user asked for; tells which nodes they concern.
fn change(
    document: &mut Document,
    arguments: &Run,
    schemas: &SchemaSet,
) -> Result<Vec<(String, String)>, Failure> {
    let mut settings = Vec::new();
    for Assignment { name, value } in &arguments.set {
        esarm_graph::set_parameter(document, name, value, schemas)
            .map_err(|error| Failure::input(format!("--set {name}={value}: {error}")))?;
        let node = name.rsplit_once('.').map_or(name.as_str(), |(node, _)| node);
        settings.push((format!("--set {name}"), node.to_owned()));
    }
    for Assignment { name, value } in &arguments.input {
        set_input(document, name, Path::new(value), schemas)?;
        let node = document.inputs.get(name).map(|address| address.node.to_string());
        settings.extend(node.map(|node| (format!("--input {name}"), node)));
    }
    Ok(settings)
}

/// Reads a graph file, upgrading what older versions wrote.
pub(crate) fn read_graph(path: &Path, terminal: Terminal) -> Result<Document, Failure> {
    let loaded = esarm_graph::load(path, &esarm_library::upgrades()).map_err(Failure::input)?;
    for node in &loaded.upgraded {
        let (from, to) = (format!("{} {}", node.from.0, node.from.1), format!("{} {}", node.to.0, node.to.1));
        let name = path.display();
        terminal.warn(&match &node.failure {
            Some(failure) => format!("{name}: node \"{}\" ({from}) cannot be upgraded: {failure}", node.node),
            None => format!("{name}: node \"{}\" was upgraded from {from} to {to}", node.node),
        });
    }
    Ok(loaded.document)
}

/// Points a named input at a file. The path is the caller's, not relative to the graph's folder.
fn set_input(document: &mut Document, name: &str, file: &Path, schemas: &SchemaSet) -> Result<(), Failure> {
    let in_option = |message: &dyn std::fmt::Display| Failure::input(format!("--input {name}: {message}"));
    let path = absolute(file).map_err(|failure| in_option(&failure.message().unwrap_or_default()))?;
    esarm_graph::set_input(document, name, &path, schemas).map_err(|error| in_option(&error))
}

/// The absolute path of a file that must exist, as the text that graphs hold.
pub(crate) fn absolute(file: &Path) -> Result<String, Failure> {
    match std::fs::metadata(file) {
        Ok(data) if data.is_dir() => return Err(Failure::file(file, "is a folder; name a file")),
        Ok(_) => {}
        Err(error) => {
            return Err(Failure::file(file, format!("{error}; check that the file exists and may be read")));
        }
    }
    let path = std::path::absolute(file).map_err(|error| Failure::file(file, error))?;
    path.into_os_string().into_string().map_err(|_| {
        Failure::file(
            file,
            "the path is no valid Unicode, which graphs cannot hold; rename the file or folder",
        )
    })
}

/// Paths as text for people and machines.
pub(crate) fn text_of_all(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.display().to_string()).collect()
}

fn describe(value: &Value) -> String {
    match value {
        Value::Audio(audio) => {
            format!("{:.2} s of audio at {} Hz", audio.duration_secs(), audio.sample_rate_hz)
        }
        Value::Features(track) | Value::Motion(track) => describe_track(track),
        Value::Emotion(emotion) => describe_track(emotion.track()),
        Value::Takes(takes) => format!("{} takes", takes.len()),
        Value::Rig(rig) => format!(
            "rig \"{}\", {} vertices, {} shapes",
            rig.name,
            rig.vertex_count(),
            rig.morph_names().len()
        ),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.to_string(),
        Value::File(file) => format!(".{} file, {} bytes", file.extension, file.bytes.len()),
    }
}

fn describe_track(track: &esarm_values::Track) -> String {
    format!(
        "{} frames of {} channels at {} per second",
        track.frame_count(),
        track.channels().len(),
        track.rate()
    )
}
