//! How long a graph of ordinary size takes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::schemas;
use esarm_graph::{Document, Graph, parse, serialize};
use std::time::{Duration, Instant};

fn fastest<T>(mut run: impl FnMut() -> T) -> Duration {
    let once = |_| {
        let start = Instant::now();
        std::hint::black_box(run());
        start.elapsed()
    };
    (0..20).map(once).min().unwrap()
}

/// The bounds are some twenty times what a laptop takes, to catch a wrong order of growth and nothing else.
#[test]
fn a_hundred_nodes_take_milliseconds() {
    let mut graph = Graph::default().with_node("load", "audio.load", 1).with_node("n000", "sta.generate", 2);
    graph = graph
        .with_wire("load.audio", "n000.audio")
        .with_node("n001", "face.shape", 1)
        .with_wire("n000.takes", "n001.motion");
    for index in 2..99 {
        let (before, this) = (format!("n{:03}.motion", index - 1), format!("n{index:03}"));
        graph = graph.with_node(&this, "face.shape", 1).with_wire(&before, &format!("{this}.motion"));
    }
    let (document, schemas) = (Document { graph, ..Document::default() }, schemas());
    let text = serialize(&document).unwrap();
    let flatten = fastest(|| document.flatten(&schemas).unwrap());
    let read = fastest(|| parse(text.as_bytes()).unwrap());
    let write = fastest(|| serialize(&document).unwrap());
    println!("100 nodes: flatten {flatten:?}, read {read:?}, write {write:?}");
    assert!(
        flatten < Duration::from_millis(20)
            && read < Duration::from_millis(20)
            && write < Duration::from_millis(20)
    );
}
