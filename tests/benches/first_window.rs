//! The first second of the main graph after a parameter has changed, as a slider move asks for it:
//! `cargo xtask bench first_window`.
//!
//! The peer is the same change on the whole clip.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use esarm_engine::{Caches, Engine, RunOptions, TimeWindow};
use esarm_graph::{Document, FlatGraph, ParameterValue, PortAddress};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

const MOVES: u32 = 12;
const AIM: Duration = Duration::from_millis(30);

fn main() {
    let engine = Engine::new(esarm_library::registry(), Caches::in_memory(256 << 20));
    let (document, schemas) = (document(), engine.registry().schemas());
    let graph = |intensity: f64| -> FlatGraph {
        let mut document = document.clone();
        let node =
            document.graph.nodes.iter_mut().find(|(id, _)| id.as_str() == "emotion").expect("the label").1;
        node.parameters.insert("intensity".to_owned(), ParameterValue::Number(intensity));
        document.flatten(&schemas).expect("the main graph is valid")
    };
    let window = TimeWindow { start_secs: 4.0, end_secs: 5.0 };
    let time = |window: Option<TimeWindow>, intensity: f64| {
        let graph = graph(intensity);
        let wanted: PortAddress = "retarget.motion".parse().expect("an address");
        let options = RunOptions { wanted: vec![wanted], window, ..RunOptions::default() };
        let start = Instant::now();
        let result =
            engine.run(&graph, &options, &AtomicBool::new(false), &|_| {}).expect("the output exists");
        assert_eq!(result.report.failures().count(), 0, "a node failed");
        start.elapsed()
    };
    time(Some(window), 0.0);
    time(None, 0.0);
    let best = |window: Option<TimeWindow>, offset: f64| {
        (0..MOVES).map(|number| time(window, offset + f64::from(number) / 100.0)).min().unwrap_or_default()
    };
    let (first, whole) = (best(Some(window), 0.3), best(None, 0.6));
    println!(
        "first second after a move: {:.1} ms, {:.2}x the aim of 30 ms, {:.2}x the whole clip ({:.1} ms)",
        first.as_secs_f64() * 1e3,
        first.as_secs_f64() / AIM.as_secs_f64(),
        first.as_secs_f64() / whole.as_secs_f64(),
        whole.as_secs_f64() * 1e3
    );
}

/// The main graph on the example speech, with the emotion of the label.
fn document() -> Document {
    let mut document =
        esarm_graph::parse(esarm_library::ANIMATE_GRAPH.as_bytes()).expect("the main graph can be read");
    let speech = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/speech/hello.wav");
    let node = document.graph.nodes.iter_mut().find(|(id, _)| id.as_str() == "speech").expect("the speech").1;
    node.parameters.insert("file".to_owned(), ParameterValue::Text(speech.to_string_lossy().into_owned()));
    let chosen =
        document.graph.nodes.iter_mut().find(|(id, _)| id.as_str() == "emotion").expect("the emotion").1;
    chosen.parameters.insert("emotion".to_owned(), ParameterValue::Text("neutral".to_owned()));
    document.graph.wires.retain(|wire| wire.to.to_string() != "emotion.heard");
    document
}
