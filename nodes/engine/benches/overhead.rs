//! What the engine itself costs per node, with the work of the nodes near nothing.
//!
//! The peer is the least that any engine with content keys must do: walk the same nodes in order through a `BTreeMap`
//! and hash each node's type and parameters with BLAKE3.
//!
//! Run with `cargo bench -p esarm-engine`.

#![expect(clippy::print_stdout, reason = "the figures are the purpose")]
#![expect(clippy::unwrap_used, reason = "a broken bench stops")]

use esarm_engine::{Caches, Engine, NodeType, Registry, RunOptions, output};
use esarm_graph::{
    FlatGraph, FlatNode, NodeId, NodeSchema, ParameterKind, ParameterValue, PortAddress, PortType,
};
use esarm_graph::{Purity, TimeSupport};
use esarm_values::{Hasher, Value};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

const NODES: usize = 100;
const PARAMETERS: usize = 5;

fn main() {
    let graph = ladder();
    let cached = engine(64 << 20);
    run(&cached, &graph, 1);
    let cached_ns = nanoseconds_per_node(|| run(&cached, &graph, 1));
    let uncached = engine(0);
    let ran_ns = nanoseconds_per_node(|| run(&uncached, &graph, 1));
    let two_threads_ns = nanoseconds_per_node(|| run(&uncached, &graph, 2));
    let peer_ns = nanoseconds_per_node(|| {
        black_box(walk(&graph));
    });
    println!("graph of {NODES} nodes with {PARAMETERS} parameters and 2 wires each; nanoseconds per node:");
    println!("  peer: ordered walk and one BLAKE3 per node {peer_ns:8.0}");
    for (what, nanoseconds) in [
        ("all cached, last node found, rest looked up", cached_ns),
        ("all run, 1 thread", ran_ns),
        ("all run, 2 threads", two_threads_ns),
    ] {
        println!("  {what:44} {nanoseconds:8.0}  ({:.1} times the peer)", nanoseconds / peer_ns);
    }
}

/// The best of several rounds, since other programs can only slow it down.
fn nanoseconds_per_node(mut work: impl FnMut()) -> f64 {
    let round = |work: &mut dyn FnMut()| {
        const REPEATS: usize = 20;
        let started = Instant::now();
        (0..REPEATS).for_each(|_| work());
        started.elapsed().as_nanos() as f64 / (REPEATS * NODES) as f64
    };
    (0..30).map(|_| round(&mut work)).fold(f64::INFINITY, f64::min)
}

fn engine(memory_bytes: usize) -> Engine {
    let mut schema = NodeSchema::new("bench.node", "Node", "Gives 1.", Purity::Pure, TimeSupport::Whole)
        .output("out", PortType::Number, "1.")
        .many_input("in", PortType::Number, "Numbers.");
    schema.inputs[0].required = false;
    let schema = (0..PARAMETERS).fold(schema, |schema, index| {
        schema.parameter(&format!("parameter_{index}"), ParameterKind::number(0.0, 0.0, 1e9), "", "A number.")
    });
    let mut registry = Registry::new();
    registry.register(NodeType::new(schema, |_| Ok(output("out", Value::Number(1.0))))).unwrap();
    Engine::new(registry, Caches::in_memory(memory_bytes))
}

/// Nodes that each take from the two before.
fn ladder() -> FlatGraph {
    let id = |index: usize| NodeId::new(&format!("node_{index:03}")).unwrap();
    let mut graph = FlatGraph::default();
    for index in 0..NODES {
        let sources: Vec<PortAddress> = (index.saturating_sub(2)..index)
            .map(|source| PortAddress { node: id(source), port: "out".to_owned() })
            .collect();
        let parameter = |number: usize| {
            (format!("parameter_{number}"), ParameterValue::Number((index * PARAMETERS + number) as f64))
        };
        let inputs = if sources.is_empty() { BTreeMap::new() } else { [("in".to_owned(), sources)].into() };
        let node = FlatNode {
            type_id: "bench.node".to_owned(),
            version: 1,
            parameters: (0..PARAMETERS).map(parameter).collect(),
            pinned: false,
            inputs,
        };
        graph.nodes.insert(id(index), node);
        graph.order.push(id(index));
    }
    let last = PortAddress { node: id(NODES - 1), port: "out".to_owned() };
    graph.outputs.insert("result".to_owned(), last);
    graph
}

fn run(engine: &Engine, graph: &FlatGraph, threads: usize) {
    let options = RunOptions { threads, ..RunOptions::default() };
    let result = engine.run(graph, &options, &AtomicBool::new(false), &|_| {}).unwrap();
    assert_eq!((result.outputs.len(), result.report.nodes.len()), (1, NODES));
}

/// The peer.
fn walk(graph: &FlatGraph) -> u64 {
    let mut sum = 0_u64;
    for id in &graph.order {
        let node = &graph.nodes[id];
        let mut hasher = Hasher::new();
        hasher.text(&node.type_id);
        for (name, value) in &node.parameters {
            if let ParameterValue::Number(number) = value {
                hasher.text(name).number(*number);
            }
        }
        sum = sum.wrapping_add(u64::from(hasher.finish().0[0]));
    }
    sum
}
