//! `esarm score`: the emotion heard in the voice, and the reward and metrics of a motion.

use crate::arguments::{Device, Progress, Running, Score};
use crate::claims::Claims;
use crate::commands::animate::{embedded, set_file};
use crate::commands::run::text_of_all;
use crate::failure::Failure;
use crate::outputs::{Batch, check_ending};
use crate::report::GraphRecord;
use crate::running::{Job, Runner};
use crate::terminal::{print, print_json};
use esarm_graph::{Document, SchemaSet};
use esarm_values::Value;
use serde_json::{Map, json};
use std::path::Path;

/// The output that is a report, and its node; and where the files of one are listed.
const REPORT: &str = "report";
const FILES: &str = "report_files";
/// Formats of a motion, and the node types that read them; all give it at a port of the same name.
const READERS: [(&str, &str); 3] =
    [("csv", "import.live_link_csv"), ("json", "import.audio2face_json"), ("npy", "import.npy")];

/// Scores speech and prints what was found.
pub(crate) fn score(arguments: &Score) -> Result<(), Failure> {
    let running = Running { device: Device::Auto, report: None, progress: Progress::None, cache: None };
    let runner = Runner::new(&running)?;
    check_report(arguments)?;
    let document = document(arguments, &runner.registry().schemas())?;
    let mut wanted = vec!["voice_emotion".to_owned()];
    wanted
        .extend(["metrics", "reward"].into_iter().filter(|_| arguments.motion.is_some()).map(str::to_owned));
    wanted.extend(arguments.reference.is_some().then(|| "vertex_metrics".to_owned()));
    wanted.extend(arguments.report.is_some().then(|| REPORT.to_owned()));
    let graph_name = arguments.speech.display().to_string();
    let job = Job {
        document: &document,
        graph_name: &graph_name,
        graph: GraphRecord::of("esarm score", esarm_library::SCORE_GRAPH),
        graph_file: None,
        base_folder: Path::new(""),
        wanted,
        settings: Vec::new(),
    };
    let prepared = runner.prepare(&job)?;
    let finished = runner.run(&prepared, 0)?;
    runner.check(&prepared, &finished)?;
    let mut scores = Map::new();
    scores.insert("esarm_version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
    for (name, value) in &finished.values {
        if let Value::Text(text) = value {
            scores.insert(name.clone(), serde_json::from_str(text).map_err(Failure::input)?);
        }
    }
    if let (Some(path), Some(report)) = (&arguments.report, finished.values.get(REPORT)) {
        let mut batch = Batch::default();
        batch.add(path, REPORT, report)?;
        scores.insert(FILES.to_owned(), json!(text_of_all(&batch.commit(&runner.stop)?)));
    }
    if arguments.json { print_json(&scores) } else { print(&table(&scores)) }
}

/// Every way in which writing the report could fail that can be known before anything runs.
fn check_report(arguments: &Score) -> Result<(), Failure> {
    let Some(path) = &arguments.report else { return Ok(()) };
    let mut claims = Claims::default();
    let read = [Some(&arguments.speech), arguments.motion.as_ref(), arguments.reference.as_ref()];
    read.into_iter().flatten().for_each(|path| claims.read(path, "this command"));
    claims.write(path, "--report")?;
    check_ending(path, REPORT, "md")
}

fn document(arguments: &Score, schemas: &SchemaSet) -> Result<Document, Failure> {
    let mut document = embedded(esarm_library::SCORE_GRAPH)?;
    set_file(&mut document, "speech.file", &arguments.speech, schemas)?;
    for (role, motion) in [("motion", &arguments.motion), ("reference", &arguments.reference)] {
        match motion {
            Some(path) => {
                let reader = reader_of(path)?;
                let nodes = document.graph.nodes.iter_mut().find(|(id, _)| id.as_str() == role);
                nodes.into_iter().for_each(|(_, node)| reader.clone_into(&mut node.type_id));
                set_file(&mut document, &format!("{role}.file"), path, schemas)?;
            }
            None => document.graph.wires.retain(|wire| wire.from.node.as_str() != role),
        }
    }
    // What is not given cannot be measured, and an open input would keep the graph from running.
    if arguments.motion.is_none() {
        remove(&mut document, "metrics");
        remove(&mut document, "judge");
        remove(&mut document, "clip");
        remove(&mut document, REPORT);
    }
    if arguments.reference.is_none() {
        remove(&mut document, "vertices");
    }
    Ok(document)
}

/// Takes a node out, with its wires and outputs.
fn remove(document: &mut Document, node: &str) {
    document.graph.wires.retain(|wire| wire.to.node.as_str() != node);
    document.graph.nodes.retain(|id, _| id.as_str() != node);
    document.outputs.retain(|_, address| address.node.as_str() != node);
}

fn reader_of(path: &Path) -> Result<&'static str, Failure> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let reader = READERS.into_iter().find(|(known, _)| *known == ending).map(|(_, reader)| reader);
    reader.ok_or_else(|| {
        Failure::file(path, "a motion is a .csv (Live Link Face), .json (Audio2Face) or .npy file")
    })
}

fn table(scores: &Map<String, serde_json::Value>) -> String {
    let mut lines = Vec::new();
    if let Some(serde_json::Value::Object(emotions)) = scores.get("voice_emotion") {
        lines.push("emotion heard in the voice".to_owned());
        for (name, probability) in emotions {
            lines.push(format!("  {name:<32} {:.3}", probability.as_f64().unwrap_or_default()));
        }
    }
    if let Some(reward) = scores.get("reward") {
        lines.push("performance".to_owned());
        lines.push(row("reward", &reward["reward"], &reward["reward_unit"], ""));
        lines.push(row("uncertainty", &reward["uncertainty"], &reward["uncertainty_unit"], ""));
        let terms = reward["terms"].as_array().into_iter().flatten();
        lines.extend(
            terms.map(|term| {
                row(text(&term["name"]), &term["value"], &json!("0 to 1"), text(&term["finding"]))
            }),
        );
    }
    for (title, list) in [("motion", "metrics"), ("on the built-in head", "vertex_metrics")] {
        if let Some(serde_json::Value::Array(metrics)) = scores.get(list) {
            lines.push(title.to_owned());
            let metric = |it: &serde_json::Value| {
                row(text(&it["name"]), &it["value"], &it["unit"], text(&it["formula"]))
            };
            lines.extend(metrics.iter().map(metric));
        }
    }
    if let Some(serde_json::Value::Array(files)) = scores.get(FILES) {
        lines.push("report".to_owned());
        lines.extend(files.iter().map(|file| format!("  {}", text(file))));
    }
    lines.join("\n")
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn row(name: &str, value: &serde_json::Value, unit: &serde_json::Value, words: &str) -> String {
    let value = value.as_f64().map_or("not defined".to_owned(), |value| format!("{value:.4}"));
    format!("  {name:<32} {value:>12} {:<24} {words}", text(unit)).trim_end().to_owned()
}
