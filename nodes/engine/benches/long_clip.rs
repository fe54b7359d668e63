//! Time and memory of a chain of filters over speech of 10 and 60 minutes at 48 kHz, in parts and at once.
//!
//! Each measurement runs in a process of its own, since the peak of a process never falls. Time per minute of speech
//! shows whether it is linear. The peer is the same chain at once, with every value at full length.
//!
//! Run with `cargo bench -p esarm-engine --bench long_clip`.

#![expect(clippy::print_stdout, reason = "the figures are the purpose")]
#![expect(clippy::unwrap_used, reason = "a broken bench stops")]

use esarm_engine::{
    Caches, Engine, NodeContext, NodeError, NodeType, Outputs, Parts, Registry, RunOptions, TimeWindow,
    output,
};
use esarm_graph::{
    FlatGraph, FlatNode, NodeId, NodeSchema, ParameterKind, ParameterValue, PortAddress, PortType,
};
use esarm_graph::{Purity, TimeSupport};
use esarm_values::{Audio, FrameRate, MOTION_CHANNELS, Track, Value};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

const RATE_HZ: u32 = 48_000;
const MEMORY_CACHE_BYTES: usize = 64 << 20;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "measure") {
        measure(arguments[at + 1].parse().unwrap(), arguments[at + 2] == "parts");
        return;
    }
    println!("source, 2 filters, envelope to 61 channels, smoothing, sum; 48 kHz, 60 fps:");
    for (minutes, way) in [(10, "parts"), (60, "parts"), (10, "once")] {
        let this = std::env::current_exe().unwrap();
        let arguments = ["measure".to_owned(), minutes.to_string(), way.to_owned()];
        let told = Command::new(this).args(arguments).output().unwrap();
        print!("{}", String::from_utf8_lossy(&told.stdout));
    }
}

fn measure(minutes: u32, in_parts: bool) {
    let engine = Engine::new(registry(), Caches::in_memory(MEMORY_CACHE_BYTES));
    let graph = chain(f64::from(minutes) * 60.0);
    let parts =
        if in_parts { Parts::default() } else { Parts { above_secs: f64::INFINITY, ..Parts::default() } };
    let options = RunOptions { parts, ..RunOptions::default() };
    let started = Instant::now();
    let result = engine.run(&graph, &options, &AtomicBool::new(false), &|_| {}).unwrap();
    let secs = started.elapsed().as_secs_f64();
    assert_eq!(result.outputs.len(), 2, "{:?}", result.report);
    let way = if in_parts { "in parts" } else { "at once" };
    let milliseconds = secs * 1000.0 / f64::from(minutes);
    println!(
        "  {minutes:3} min {way:9} {secs:7.2} s  {milliseconds:6.1} ms per minute  peak {}",
        peak_memory()
    );
}

/// Most memory that this process had, where the system tells.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "not known on this system".to_owned(), |value| value.trim().to_owned())
}

fn chain(seconds: f64) -> FlatGraph {
    let mut graph = FlatGraph::default();
    let id = |name: &str| NodeId::new(name).unwrap();
    let wires = [
        ("load", "bench.source", None),
        ("first", "bench.filter", Some(("in", "load"))),
        ("second", "bench.filter", Some(("in", "first"))),
        ("face", "bench.face", Some(("in", "second"))),
        ("steady", "bench.steady", Some(("in", "face"))),
        ("sum", "bench.sum", Some(("in", "steady"))),
    ];
    for (name, type_id, wire) in wires {
        let source = |(port, node): (&str, &str)| {
            (port.to_owned(), vec![PortAddress { node: id(node), port: "out".to_owned() }])
        };
        let seconds = ("seconds".to_owned(), ParameterValue::Number(seconds));
        let node = FlatNode {
            type_id: type_id.to_owned(),
            version: 1,
            parameters: (name == "load").then_some(seconds).into_iter().collect(),
            pinned: false,
            inputs: wire.map(source).into_iter().collect(),
        };
        graph.nodes.insert(id(name), node);
        graph.order.push(id(name));
    }
    for name in ["steady", "sum"] {
        graph.outputs.insert(name.to_owned(), PortAddress { node: id(name), port: "out".to_owned() });
    }
    graph
}

fn registry() -> Registry {
    let mut registry = Registry::new();
    for node_type in [source(), filter(), face(), steady(), sum()] {
        registry.register(node_type).unwrap();
    }
    registry
}

fn schema(type_id: &str, time_support: TimeSupport) -> NodeSchema {
    NodeSchema::new(type_id, "Bench", "A bench.", Purity::Pure, time_support)
}

/// A saw wave, as long as its parameter says.
fn source() -> NodeType {
    let schema = schema("bench.source", TimeSupport::Pointwise)
        .parameter("seconds", ParameterKind::number(1.0, 0.0, 1e5), "s", "Length.")
        .output("out", PortType::Audio, "Audio.");
    let evaluate = |context: &NodeContext<'_>| {
        let rate = f64::from(RATE_HZ);
        let length = (context.number("seconds") * rate) as i64;
        let window = context.window.unwrap_or(TimeWindow { start_secs: 0.0, end_secs: f64::INFINITY });
        let first = ((window.start_secs * rate) as i64).clamp(0, length);
        let last = ((window.end_secs * rate).ceil() as i64).clamp(first, length);
        let samples = (first..last).map(|index| (index % 400) as f32 / 400.0).collect();
        let name = "saw".to_owned();
        Ok(output(
            "out",
            Value::Audio(Arc::new(Audio { name, sample_rate_hz: RATE_HZ, start_sample: first, samples })),
        ))
    };
    NodeType::new(schema, evaluate).with_duration(|context| Ok(context.number("seconds")))
}

/// The mean of three samples.
fn filter() -> NodeType {
    let around = 2.0 / f64::from(RATE_HZ);
    let schema = schema("bench.filter", TimeSupport::Window { before_secs: around, after_secs: around })
        .input("in", PortType::Audio, "Audio.")
        .output("out", PortType::Audio, "Audio.");
    NodeType::new(schema, |context| {
        let audio = context.audio("in")?;
        let at = |index: usize| audio.samples.get(index).copied().unwrap_or(0.0);
        let mean = |index: usize| (at(index.wrapping_sub(1)) + at(index) + at(index + 1)) / 3.0;
        let samples = (0..audio.samples.len()).map(mean).collect();
        Ok(output("out", Value::Audio(Arc::new(Audio { samples, ..Audio::clone(audio) }))))
    })
}

/// Loudness on 61 channels, 60 frames per second.
fn face() -> NodeType {
    let schema = schema("bench.face", TimeSupport::Window { before_secs: 0.0, after_secs: 1.0 / 60.0 })
        .input("in", PortType::Audio, "Audio.")
        .output("out", PortType::Motion, "Motion.");
    NodeType::new(schema, |context| {
        let audio = context.audio("in")?;
        let step = i64::from(RATE_HZ / 60);
        let first = (audio.start_sample + step - 1) / step;
        let last = (audio.start_sample + audio.samples.len() as i64 + step - 1) / step;
        let mut values = Vec::new();
        for frame in first..last {
            let start = (frame * step - audio.start_sample) as usize;
            let part = &audio.samples[start..(start + step as usize).min(audio.samples.len())];
            let loudness = part.iter().map(|sample| sample.abs()).sum::<f32>() / step as f32;
            values.extend((0..MOTION_CHANNELS.len()).map(|channel| loudness * channel as f32));
        }
        motion(values, first)
    })
}

fn motion(values: Vec<f32>, start_frame: i64) -> Result<Outputs, NodeError> {
    let channels: Vec<String> = MOTION_CHANNELS.iter().map(|name| (*name).to_owned()).collect();
    let track = Track::new(FrameRate::whole(60), channels, values).map_err(NodeError::failed)?;
    Ok(output("out", Value::Motion(Arc::new(track.starting_at(start_frame)))))
}

/// The mean with the frame before.
fn steady() -> NodeType {
    let schema = schema("bench.steady", TimeSupport::Window { before_secs: 1.0 / 60.0, after_secs: 0.0 })
        .input("in", PortType::Motion, "Motion.")
        .output("out", PortType::Motion, "Motion.");
    NodeType::new(schema, |context| {
        let track = context.motion("in")?;
        let (values, width) = (track.values(), track.channels().len());
        let before = |index: usize| index.checked_sub(width).map_or(values[index], |before| values[before]);
        let means = (0..values.len()).map(|index| (values[index] + before(index)) / 2.0).collect();
        motion(means, track.start_frame())
    })
}

/// The sum over the whole clip.
fn sum() -> NodeType {
    let schema = schema("bench.sum", TimeSupport::Whole).input("in", PortType::Motion, "Motion.").output(
        "out",
        PortType::Number,
        "Sum.",
    );
    NodeType::new(schema, |context| {
        let sum = context.motion("in")?.values().iter().map(|value| f64::from(*value)).sum();
        Ok(output("out", Value::Number(sum)))
    })
}
