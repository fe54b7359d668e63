//! Test nodes and a short way to write graphs of them.

use esarm_engine::{
    Caches, Engine, NodeContext, NodeError, NodeType, Outputs, Registry, RunOptions, RunResult, output,
};
use esarm_graph::{
    FlatGraph, FlatNode, NodeId, NodeSchema, ParameterKind, ParameterValue, PortAddress, PortType, Purity,
    TimeSupport,
};
use esarm_values::{Digest, Value};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub(crate) type Context<'a> = NodeContext<'a>;

/// A graph under construction; nodes are added in the order of execution.
#[derive(Clone)]
pub(crate) struct Sketch {
    registry: Registry,
    pub(crate) graph: FlatGraph,
}

pub(crate) fn id(text: &str) -> NodeId {
    NodeId::new(text).unwrap()
}

impl Sketch {
    pub(crate) fn new() -> Self {
        Self::of(&registry())
    }

    pub(crate) fn of(registry: &Registry) -> Self {
        Self { registry: registry.clone(), graph: FlatGraph::default() }
    }

    /// Adds a node with wires into it, written `port<source.output`.
    pub(crate) fn node(mut self, name: &str, type_id: &str, wires: &[&str]) -> Self {
        let schema = self.registry.get(type_id).map(|it| it.schema.clone());
        let mut inputs: BTreeMap<String, Vec<PortAddress>> = BTreeMap::new();
        for wire in wires {
            let (port, source) = wire.split_once('<').unwrap();
            inputs.entry(port.to_owned()).or_default().push(source.parse().unwrap());
        }
        inputs.values_mut().for_each(|sources| sources.sort());
        let parameters = schema.iter().flat_map(|schema| &schema.parameters);
        let node = FlatNode {
            type_id: type_id.to_owned(),
            version: schema.as_ref().map_or(1, |schema| schema.version),
            parameters: parameters.map(|it| (it.name.clone(), it.kind.default_value())).collect(),
            pinned: false,
            inputs,
        };
        self.graph.nodes.insert(id(name), node);
        self.graph.order.push(id(name));
        self
    }

    pub(crate) fn set(mut self, name: &str, parameter: &str, value: f64) -> Self {
        self.change(name, parameter, ParameterValue::Number(value));
        self
    }

    pub(crate) fn change(&mut self, name: &str, parameter: &str, value: ParameterValue) {
        let node = self.graph.nodes.get_mut(&id(name)).unwrap();
        assert!(node.parameters.insert(parameter.to_owned(), value).is_some(), "{name} has no {parameter}");
    }

    pub(crate) fn pin(&mut self, name: &str, pinned: bool) {
        self.graph.nodes.get_mut(&id(name)).unwrap().pinned = pinned;
    }

    /// Names an output `node.port`, which runs make when nothing else is asked for.
    pub(crate) fn out(mut self, address: &str) -> Self {
        self.graph.outputs.insert(address.to_owned(), address.parse().unwrap());
        self
    }
}

pub(crate) fn engine() -> Engine {
    Engine::new(registry(), Caches::in_memory(64 << 20))
}

pub(crate) fn run(engine: &Engine, sketch: &Sketch) -> RunResult {
    run_with(engine, sketch, &RunOptions::default())
}

pub(crate) fn run_with(engine: &Engine, sketch: &Sketch, options: &RunOptions) -> RunResult {
    engine.run(&sketch.graph, options, &AtomicBool::new(false), &|_| {}).unwrap()
}

/// The states of all nodes, `node: state (reason)`.
pub(crate) fn states(result: &RunResult) -> Vec<String> {
    result.report.nodes.iter().map(|it| format!("{}: {}", it.node, it.state)).collect()
}

pub(crate) fn number(result: &RunResult, address: &str) -> f64 {
    match result.outputs.get(&address.parse().unwrap()) {
        Some(Value::Number(number)) => *number,
        other => panic!("{address} is {other:?}"),
    }
}

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    for node_type in [
        constant(),
        add(),
        wait(),
        noise(),
        text_file(),
        faulty("test.panic", |_| panic!("a wheel came off")),
        faulty("test.fail", |_| Err(NodeError::parameter("depth", "is too deep; choose less"))),
        faulty("test.silent", |_| Ok(Outputs::new())),
        faulty("test.wrong", |_| Ok(output("out", Value::Text("one".into())))),
        faulty("test.extra", |_| {
            Ok([("out".to_owned(), Value::Number(1.0)), ("more".to_owned(), Value::Number(2.0))].into())
        }),
    ] {
        registry.register(node_type).unwrap();
    }
    registry
}

fn schema(type_id: &str, purity: Purity) -> NodeSchema {
    NodeSchema::new(type_id, "Test", "A test.", purity, TimeSupport::Whole)
}

/// A number.
fn constant() -> NodeType {
    let schema = schema("test.constant", Purity::Pure)
        .parameter("value", ParameterKind::number(1.0, -1e9, 1e9), "", "The number.")
        .output("out", PortType::Number, "The number.");
    NodeType::new(schema, |context| Ok(output("out", Value::Number(context.number("value")))))
}

/// The sum of numbers and of an offset.
fn add() -> NodeType {
    let schema = schema("test.add", Purity::Pure)
        .many_input("in", PortType::Number, "Numbers.")
        .parameter("offset", ParameterKind::number(0.0, -1e9, 1e9), "", "Added, too.")
        .output("out", PortType::Number, "The sum.");
    NodeType::new(schema, |context| {
        let numbers = context.values("in").iter().map(|value| match value {
            Value::Number(number) => *number,
            other => panic!("not a number: {other:?}"),
        });
        Ok(output("out", Value::Number(numbers.sum::<f64>() + context.number("offset"))))
    })
}

/// The number that arrives, after some time in which it watches for cancellation.
fn wait() -> NodeType {
    let schema = schema("test.wait", Purity::Pure)
        .optional_input("in", PortType::Number, "A number.")
        .parameter("milliseconds", ParameterKind::number(30.0, 0.0, 1e9), "ms", "How long.")
        .output("out", PortType::Number, "The same number.");
    NodeType::new(schema, |context| {
        let steps = context.integer("milliseconds") / 5;
        for step in 0..steps {
            context.check_cancelled()?;
            (context.report_progress)(step as f64 / steps as f64, "waiting");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(output("out", Value::Number(context.number_input("in").copied().unwrap_or(0.0))))
    })
}

/// A number that depends on the seed alone.
fn noise() -> NodeType {
    let schema = schema("test.noise", Purity::Seeded).output("out", PortType::Number, "A number.");
    NodeType::new(schema, |context| Ok(output("out", Value::Number((context.seed >> 12) as f64))))
}

/// The length of a file.
fn text_file() -> NodeType {
    let extensions = vec!["txt".to_owned()];
    let schema = schema("test.file", Purity::External)
        .parameter("file", ParameterKind::File { extensions }, "", "The file.")
        .output("out", PortType::Number, "Its length.");
    let read = |context: &Context<'_>| {
        let path = context.file("file")?;
        std::fs::read(&path).map_err(|error| {
            NodeError::parameter("file", format!("{} cannot be read: {error}", path.display()))
        })
    };
    NodeType::new(schema, move |context| Ok(output("out", Value::Number(read(context)?.len() as f64))))
        .with_fingerprint(move |context| Ok(Digest::of(&read(context)?)))
}

/// A node that takes a number and misbehaves.
fn faulty(
    type_id: &str,
    evaluate: impl Fn(&Context<'_>) -> Result<Outputs, NodeError> + Send + Sync + 'static,
) -> NodeType {
    let schema = schema(type_id, Purity::Pure).optional_input("in", PortType::Number, "A number.").output(
        "out",
        PortType::Number,
        "A number.",
    );
    NodeType::new(schema, evaluate)
}
