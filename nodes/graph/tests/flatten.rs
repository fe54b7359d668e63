//! Groups, bypassed nodes and defaults, worked into the flat graph.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{bypassed, chain, listed, schemas};
use esarm_graph::{Document, FlatGraph, Graph, Group, Node, ParameterValue, ProblemKind};
use std::collections::{BTreeMap, BTreeSet};

fn flat(document: &Document) -> FlatGraph {
    document.flatten(&schemas()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn order(graph: &FlatGraph) -> Vec<&str> {
    graph.order.iter().map(|id| id.as_str()).collect()
}

fn sources(graph: &FlatGraph, node: &str, port: &str) -> Vec<String> {
    graph.nodes[node].inputs.get(port).into_iter().flatten().map(ToString::to_string).collect()
}

fn number(value: f64) -> ParameterValue {
    ParameterValue::Number(value)
}

/// audio in -> gain -> generate -> takes out, with the gain and the frame rate exposed.
fn talk_group() -> Group {
    Group {
        title: "Talk".to_owned(),
        graph: Graph::default()
            .with("gain", Node::new("audio.gain", 1).with_parameter("gain_db", number(-3.0)))
            .with_node("generate", "sta.generate", 2)
            .with_wire("gain.audio", "generate.audio"),
        inputs: BTreeMap::from([
            ("speech".to_owned(), BTreeSet::from(["gain.audio".parse().unwrap()])),
            ("mood".to_owned(), BTreeSet::from(["generate.emotion".parse().unwrap()])),
        ]),
        outputs: BTreeMap::from([("takes".to_owned(), "generate.takes".parse().unwrap())]),
        parameters: BTreeMap::from([
            ("loudness".to_owned(), "gain.gain_db".parse().unwrap()),
            ("rate".to_owned(), "generate.fps".parse().unwrap()),
        ]),
        ..Group::default()
    }
}

fn grouped() -> Document {
    let talk = Node::new("group.talk", 1).with_parameter("rate", number(30.0));
    let graph = Graph::default()
        .with_node("load", "audio.load", 1)
        .with("talk", talk)
        .with_node("export", "export.glb", 1)
        .with_wire("load.audio", "talk.speech")
        .with_wire("talk.takes", "export.motion");
    let outputs = BTreeMap::from([("take".to_owned(), "talk.takes".parse().unwrap())]);
    let groups = BTreeMap::from([("talk".to_owned(), talk_group())]);
    Document { graph, groups, outputs, ..Document::default() }
}

#[test]
fn a_plain_graph_gets_its_defaults_and_an_order() {
    let graph = flat(&Document { graph: chain(), ..Document::default() });
    assert_eq!(order(&graph), ["load", "generate", "shape", "export"]);
    assert_eq!(sources(&graph, "shape", "motion"), ["generate.takes"]);
    assert_eq!(graph.nodes["generate"].parameters["fps"], number(60.0));
    assert_eq!(graph.nodes["generate"].version, 2);
    assert!(!graph.nodes["generate"].inputs.contains_key("emotion"), "an open input is absent");
}

#[test]
fn a_group_becomes_its_nodes() {
    let graph = flat(&grouped());
    assert_eq!(order(&graph), ["load", "talk/gain", "talk/generate", "export"]);
    assert_eq!(sources(&graph, "talk/gain", "audio"), ["load.audio"]);
    assert_eq!(sources(&graph, "export", "motion"), ["talk/generate.takes"]);
    assert_eq!(graph.outputs["take"].to_string(), "talk/generate.takes");
    assert_eq!(graph.nodes["talk/generate"].parameters["fps"], number(30.0), "set at the instance");
    assert_eq!(graph.nodes["talk/gain"].parameters["gain_db"], number(-3.0), "set inside the group");
}

#[test]
fn instances_are_independent_and_nest() {
    let mut document = grouped();
    let twice = Group {
        graph: Graph::default()
            .with("a", Node::new("group.talk", 1).with_parameter("rate", number(24.0)))
            .with_node("b", "group.talk", 1)
            .with_node("mix", "face.mix", 1)
            .with_wire("a.takes", "mix.motions")
            .with_wire("b.takes", "mix.motions"),
        inputs: BTreeMap::from([(
            "speech".to_owned(),
            BTreeSet::from(["a.speech".parse().unwrap(), "b.speech".parse().unwrap()]),
        )]),
        outputs: BTreeMap::from([("motion".to_owned(), "mix.motion".parse().unwrap())]),
        parameters: BTreeMap::from([("loudness".to_owned(), "b.loudness".parse().unwrap())]),
        ..Group::default()
    };
    document.groups.insert("twice".to_owned(), twice);
    let node = Node { pinned: true, ..Node::new("group.twice", 1) }.with_parameter("loudness", number(6.0));
    document.graph = document.graph.with("duo", node).with_wire("load.audio", "duo.speech");
    let graph = flat(&document);
    assert_eq!(sources(&graph, "duo/mix", "motions"), ["duo/a/generate.takes", "duo/b/generate.takes"]);
    assert_eq!(sources(&graph, "duo/a/gain", "audio"), ["load.audio"]);
    assert_eq!(sources(&graph, "duo/b/gain", "audio"), ["load.audio"]);
    assert_eq!(graph.nodes["duo/a/generate"].parameters["fps"], number(24.0));
    assert_eq!(graph.nodes["duo/a/gain"].parameters["gain_db"], number(-3.0));
    assert_eq!(graph.nodes["duo/b/gain"].parameters["gain_db"], number(6.0), "through two levels");
    assert!(graph.nodes["duo/b/gain"].pinned && !graph.nodes["talk/gain"].pinned);
}

#[test]
fn a_bypassed_node_passes_its_input_through() {
    let graph = chain().with("shape", bypassed("face.shape", 1));
    let outputs = BTreeMap::from([("motion".to_owned(), "shape.motion".parse().unwrap())]);
    let graph = flat(&Document { graph, outputs, ..Document::default() });
    assert_eq!(order(&graph), ["load", "generate", "export"]);
    assert_eq!(sources(&graph, "export", "motion"), ["generate.takes"]);
    assert_eq!(graph.outputs["motion"].to_string(), "generate.takes");
}

#[test]
fn bypassing_works_through_chains_and_groups() {
    let mut document = grouped();
    let inner = &mut document.groups.get_mut("talk").unwrap().graph;
    inner.nodes.get_mut("gain").unwrap().bypassed = true;
    document.graph = document
        .graph
        .with("soft", bypassed("audio.gain", 1))
        .with("softer", bypassed("audio.gain", 1))
        .with_wire("load.audio", "soft.audio")
        .with_wire("soft.audio", "softer.audio")
        .with_wire("softer.audio", "talk.speech");
    document
        .graph
        .wires
        .retain(|wire| !(wire.from.node.as_str() == "load" && wire.to.node.as_str() == "talk"));
    assert_eq!(sources(&flat(&document), "talk/generate", "audio"), ["load.audio"]);
}

#[test]
fn a_node_without_a_fitting_input_cannot_be_bypassed() {
    let document = Document { graph: chain().with("load", bypassed("audio.load", 1)), ..Document::default() };
    let problems = document.flatten(&schemas()).unwrap_err().0;
    let text = listed(&problems);
    assert!(problems.iter().all(|problem| problem.kind == ProblemKind::CannotBypass), "{text}");
    assert!(
        text.contains("node \"load\", output \"audio\": is bypassed, but none of its inputs can give audio"),
        "{text}"
    );
    assert!(text.contains("node \"generate\", input \"audio\": nothing arrives"), "{text}");
    assert!(text.contains("switch \"load\" on again"), "{text}");
}

#[test]
fn a_bypassed_node_that_feeds_nothing_is_no_problem() {
    let graph = chain().with("spare", bypassed("audio.load", 1)).with("odd", bypassed("plugin.unknown", 7));
    assert_eq!(flat(&Document { graph, ..Document::default() }).nodes.len(), 4);
}

#[test]
fn a_bypassed_mixer_may_pass_too_much_through() {
    let graph = chain()
        .with_node("other", "face.shape", 1)
        .with_wire("generate.takes", "other.motion")
        .with("mix", bypassed("face.mix", 1))
        .with_wire("shape.motion", "mix.motions")
        .with_wire("other.motion", "mix.motions")
        .with_node("last", "export.glb", 1)
        .with_wire("mix.motion", "last.motion");
    let problems = Document { graph, ..Document::default() }.flatten(&schemas()).unwrap_err().0;
    assert_eq!(problems.len(), 1, "{}", listed(&problems));
    assert!(
        listed(&problems).contains("bypassed node \"mix\" passes 2 values through"),
        "{}",
        listed(&problems)
    );
}

#[test]
fn a_document_with_an_error_does_not_flatten() {
    let graph = chain().with("shape", Node::new("face.shape", 1).with_parameter("mirror", number(1.0)));
    let problems = Document { graph, ..Document::default() }.flatten(&schemas()).unwrap_err().0;
    assert_eq!(problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [ProblemKind::WrongKind]);
}

#[test]
fn a_bypassed_lattice_takes_no_exponential_time() {
    let mut graph = Graph::default().with_node("load", "audio.load", 1).with_node("g0", "sta.generate", 2);
    graph = graph.with_wire("load.audio", "g0.audio").with_node("end", "face.mix", 1);
    let mut before = vec!["g0.takes".to_owned()];
    for level in 0..40 {
        let names = [format!("a{level}"), format!("b{level}")];
        for name in &names {
            graph = graph.with(name, bypassed("face.mix", 1));
            for source in &before {
                graph = graph.with_wire(source, &format!("{name}.motions"));
            }
        }
        before = names.iter().map(|name| format!("{name}.motion")).collect();
    }
    for source in &before {
        graph = graph.with_wire(source, "end.motions");
    }
    let graph = flat(&Document { graph, ..Document::default() });
    assert_eq!(sources(&graph, "end", "motions"), ["g0.takes"]);
}
