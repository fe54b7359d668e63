//! `esarm run`: runs a graph file.

use crate::arguments::{Assignment, Run};
use crate::failure::Failure;
use crate::outputs;
use crate::running::{Job, Runner};
use esarm_graph::{Document, SchemaSet};
use esarm_values::Value;
use std::path::{Path, PathBuf};

/// Runs a graph and writes the outputs that were asked for.
pub(crate) fn run(arguments: &Run) -> Result<(), Failure> {
    let runner = Runner::new(&arguments.running)?;
    let schemas = runner.registry().schemas();
    let mut document = read_graph(&arguments.graph, &schemas)?;
    for Assignment { name, value } in &arguments.set {
        esarm_graph::set_parameter(&mut document, name, value, &schemas)
            .map_err(|error| Failure::input(format!("--set {name}={value}: {error}")))?;
    }
    for Assignment { name, value } in &arguments.input {
        set_input(&mut document, name, Path::new(value), &schemas)?;
    }
    for Assignment { value, .. } in &arguments.output {
        outputs::check_writable(Path::new(value))?;
    }
    let job = Job {
        document: &document,
        graph_name: &arguments.graph.display().to_string(),
        base_folder: arguments.graph.parent().unwrap_or(Path::new("")),
        wanted: arguments.output.iter().map(|output| output.name.clone()).collect(),
        seed: arguments.seed,
    };
    let (values, report) = runner.run(&job)?;
    if arguments.output.is_empty() {
        values.iter().for_each(|(name, value)| println!("{name}: {}", describe(value)));
    }
    let results = arguments.output.iter().map(|output| Path::new(&output.value)).zip(&values);
    let paths = results.flat_map(|(path, (_, value))| outputs::paths_of(path, value));
    outputs::check_distinct(paths.chain(arguments.running.report.clone()))?;
    for (Assignment { value: path, .. }, (_, value)) in arguments.output.iter().zip(&values) {
        for written in outputs::write(Path::new(path), value)? {
            println!("{}", written.display());
        }
        outputs::remove_stale_frames(Path::new(path), value)?;
    }
    let evaluated = report.nodes.iter().filter(|node| node.state.word() == "ran").count();
    eprintln!("esarm: {evaluated} of {} nodes ran in {:.0} ms", report.nodes.len(), report.milliseconds);
    Ok(())
}

/// Reads a graph file, upgrading what older versions wrote.
pub(crate) fn read_graph(path: &Path, schemas: &SchemaSet) -> Result<Document, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file(path, error))?;
    let _ = schemas;
    esarm_graph::parse(&bytes).map_err(|error| Failure::file(path, error))
}

/// Points a named input at a file. The path is the caller's, not relative to the graph's folder.
pub(crate) fn set_input(
    document: &mut Document,
    name: &str,
    file: &Path,
    schemas: &SchemaSet,
) -> Result<(), Failure> {
    let path = absolute(file)?;
    esarm_graph::set_input(document, name, &path.to_string_lossy(), schemas)
        .map_err(|error| Failure::input(format!("--input {name}: {error}")))
}

/// The absolute path of a file that must exist.
pub(crate) fn absolute(file: &Path) -> Result<PathBuf, Failure> {
    match std::fs::metadata(file) {
        Ok(data) if data.is_dir() => Err(Failure::file(file, "is a folder; name a file")),
        Ok(_) => std::path::absolute(file).map_err(|error| Failure::file(file, error)),
        Err(error) => Err(Failure::file(file, error)),
    }
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
