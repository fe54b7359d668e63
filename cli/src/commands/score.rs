//! `esarm score`: the emotion heard in the voice, and metrics of a motion.

use crate::arguments::{Device, Progress, Running, Score};
use crate::commands::animate::{embedded, reroute, set};
use crate::commands::run::{absolute, set_input};
use crate::failure::Failure;
use crate::running::{Job, Runner};
use esarm_graph::{Document, SchemaSet};
use esarm_values::Value;
use serde_json::{Map, json};
use std::path::Path;

/// Formats of a motion, by the node of the embedded graph that reads them.
const READERS: [(&str, &str); 3] = [("csv", "live_link_csv"), ("json", "audio2face_json"), ("npy", "npy")];

/// Scores speech and prints what was found.
pub(crate) fn score(arguments: &Score) -> Result<(), Failure> {
    let running = Running { device: Device::Auto, report: None, progress: Progress::None, cache: None };
    let runner = Runner::new(&running)?;
    let document = document(arguments, &runner.registry().schemas())?;
    let mut wanted = vec!["voice_emotion".to_owned()];
    if arguments.motion.is_some() {
        wanted.push("metrics".to_owned());
    }
    let graph_name = arguments.speech.display().to_string();
    let job =
        Job { document: &document, graph_name: &graph_name, base_folder: Path::new(""), wanted, seed: 0 };
    let (values, _) = runner.run(&job)?;
    let mut scores = Map::new();
    scores.insert("esarm_version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
    for (name, value) in values {
        if let Value::Text(text) = value {
            scores.insert(name, serde_json::from_str(&text).map_err(Failure::input)?);
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&scores).map_err(Failure::input)?);
    } else {
        print_table(&scores);
    }
    Ok(())
}

fn document(arguments: &Score, schemas: &SchemaSet) -> Result<Document, Failure> {
    let mut document = embedded(esarm_library::SCORE_GRAPH)?;
    set_input(&mut document, "speech", &arguments.speech, schemas)?;
    for (role, motion) in [("motion", &arguments.motion), ("reference", &arguments.reference)] {
        let port = format!("{role}_live_link_csv.motion");
        match motion {
            Some(path) => {
                let reader = format!("{role}_{}", reader_of(path)?);
                set(&mut document, &format!("{reader}.file"), &absolute(path)?.to_string_lossy(), schemas)?;
                reroute(&mut document, &port, &format!("{reader}.motion"))?;
            }
            None => document.graph.wires.retain(|wire| wire.from.to_string() != port),
        }
    }
    if arguments.motion.is_none() {
        // Without a motion there is nothing to measure, and an open input would keep the graph from running.
        document.graph.wires.retain(|wire| wire.to.node.as_str() != "metrics");
        document.graph.nodes.retain(|id, _| id.as_str() != "metrics");
        document.outputs.remove("metrics");
    }
    Ok(document)
}

fn reader_of(path: &Path) -> Result<&'static str, Failure> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let reader = READERS.into_iter().find(|(known, _)| *known == ending).map(|(_, reader)| reader);
    reader.ok_or_else(|| {
        Failure::file(path, "a motion is a .csv (Live Link Face), .json (Audio2Face) or .npy file")
    })
}

fn print_table(scores: &Map<String, serde_json::Value>) {
    if let Some(serde_json::Value::Object(emotions)) = scores.get("voice_emotion") {
        println!("emotion heard in the voice");
        for (name, probability) in emotions {
            println!("  {name:<32} {:.3}", probability.as_f64().unwrap_or_default());
        }
    }
    if let Some(serde_json::Value::Array(metrics)) = scores.get("metrics") {
        println!("motion");
        for metric in metrics {
            let text = |key: &str| metric[key].as_str().unwrap_or_default();
            let value =
                metric["value"].as_f64().map_or("not defined".to_owned(), |value| format!("{value:.4}"));
            println!("  {:<32} {value:>12} {:<24} {}", text("name"), text("unit"), text("formula"));
        }
    }
}
