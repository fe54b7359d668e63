//! Node types to build test graphs from.
#![allow(dead_code, reason = "each test binary uses a part")]

use esarm_graph::{
    Graph, Node, NodeSchema, ParameterKind, PortType, Problem, Purity, SchemaSet, TimeSupport,
};

pub(crate) const EMOTIONS: [&str; 8] =
    ["neutral", "happy", "sad", "angry", "fear", "disgust", "surprise", "contempt"];

fn schema(type_id: &str) -> NodeSchema {
    NodeSchema::new(type_id, type_id, "For tests.", Purity::Pure, TimeSupport::Pointwise)
}

/// A small palette: sources, filters with one and several inputs, a mixer, an exporter, and a sampler of parameters.
pub(crate) fn schemas() -> SchemaSet {
    let extensions = || ParameterKind::File { extensions: vec!["wav".to_owned(), "flac".to_owned()] };
    let zero_to_two = esarm_graph::Range::new(0.0, 2.0);
    let load =
        schema("audio.load").parameter("file", extensions(), "", "").output("audio", PortType::Audio, "");
    let gain = schema("audio.gain")
        .input("audio", PortType::Audio, "")
        .parameter("gain_db", ParameterKind::animatable(0.0, -60.0, 20.0), "dB", "")
        .output("audio", PortType::Audio, "");
    let emotion = schema("emotion.keys").parameter("keys", ParameterKind::EmotionKeys, "", "").output(
        "emotion",
        PortType::Emotion,
        "",
    );
    let mut generate = schema("sta.generate")
        .input("audio", PortType::Audio, "")
        .optional_input("emotion", PortType::Emotion, "")
        .parameter("takes", ParameterKind::integer(1, 1, 64), "", "")
        .parameter("fps", ParameterKind::number(60.0, 1.0, 240.0), "fps", "")
        .output("takes", PortType::Takes, "")
        .output("score", PortType::Number, "");
    generate.version = 2;
    let shape = schema("face.shape")
        .input("motion", PortType::Motion, "")
        .parameter("gains", ParameterKind::Map { default: 1.0, hard: zero_to_two }, "", "")
        .parameter("mirror", ParameterKind::Toggle { default: false }, "", "")
        .output("motion", PortType::Motion, "");
    let mix =
        schema("face.mix").many_input("motions", PortType::Motion, "").output("motion", PortType::Motion, "");
    let export = schema("export.glb")
        .input("motion", PortType::Motion, "")
        .parameter("name", ParameterKind::Text { default: "take".to_owned() }, "", "")
        .parameter("layout", ParameterKind::choice("arkit", &["arkit", "facs", "viseme"]), "", "")
        .output("file", PortType::File, "");
    SchemaSet::new([load, gain, emotion, generate, shape, mix, export], &EMOTIONS)
}

/// load -> generate -> shape -> export.
pub(crate) fn chain() -> Graph {
    Graph::default()
        .with_node("load", "audio.load", 1)
        .with_node("generate", "sta.generate", 2)
        .with_node("shape", "face.shape", 1)
        .with_node("export", "export.glb", 1)
        .with_wire("load.audio", "generate.audio")
        .with_wire("generate.takes", "shape.motion")
        .with_wire("shape.motion", "export.motion")
}

/// A node that is left out.
pub(crate) fn bypassed(type_id: &str, version: u32) -> Node {
    Node { bypassed: true, ..Node::new(type_id, version) }
}

/// The problems' texts, one a line.
pub(crate) fn listed(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}
