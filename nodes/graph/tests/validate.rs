//! Every sort of problem: that it is found, that it says where, what is allowed and what to do.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{bypassed, chain, listed, schemas};
use esarm_graph::{
    Curve, CurveKey, Document, EmotionKey, Graph, Group, Interpolation, Node, NodeSchema, ParameterValue,
    ProblemKind, Purity, Severity, TimeSupport, validate, validate_for_run,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

fn document(graph: Graph) -> Document {
    Document { graph, ..Document::default() }
}

/// Checks that the document has exactly one problem, of this kind, whose text has these parts.
#[track_caller]
fn only(document: &Document, kind: ProblemKind, parts: &[&str]) {
    let problems = validate_for_run(document, &schemas());
    let text = listed(&problems);
    assert_eq!(problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [kind], "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(document.flatten(&schemas()).is_err());
}

fn with_value(type_id: &str, version: u32, name: &str, value: ParameterValue) -> Document {
    let node = Node::new(type_id, version).with_parameter(name, value);
    let graph = match type_id {
        "audio.load" => chain().with("load", node),
        "sta.generate" => chain().with("generate", node),
        "face.shape" => chain().with("shape", node),
        "export.glb" => chain().with("export", node),
        "audio.gain" => chain().with("x", node).with_wire("load.audio", "x.audio"),
        _ => chain().with("x", node),
    };
    document(graph)
}

fn number(value: f64) -> ParameterValue {
    ParameterValue::Number(value)
}

fn text(value: &str) -> ParameterValue {
    ParameterValue::Text(value.to_owned())
}

fn curve(keys: &[(f64, f64)]) -> ParameterValue {
    let key = |&(time_secs, value): &(f64, f64)| CurveKey {
        time_secs,
        value,
        interpolation: Interpolation::Linear,
    };
    ParameterValue::Curve(Curve { keys: keys.iter().map(key).collect() })
}

fn emotion(keys: &[(f64, &str, f64)]) -> ParameterValue {
    let key = |&(time_secs, name, intensity): &(f64, &str, f64)| EmotionKey {
        time_secs,
        emotion: name.to_owned(),
        intensity,
        interpolation: Interpolation::Smooth,
    };
    ParameterValue::EmotionKeys { emotion_keys: keys.iter().map(key).collect() }
}

#[test]
fn a_good_graph_has_no_problems() {
    let node = Node::new("audio.gain", 1).with_parameter("gain_db", curve(&[(0.0, -60.0), (1.5, 20.0)]));
    let keys = Node::new("emotion.keys", 1)
        .with_parameter("keys", emotion(&[(0.0, "happy", 1.0), (2.0, "Sad", 0.0)]));
    let graph = chain()
        .with("quiet", node)
        .with_wire("load.audio", "quiet.audio")
        .with("mood", keys)
        .with_wire("mood.emotion", "generate.emotion");
    assert_eq!(listed(&validate_for_run(&document(graph), &schemas())), "");
}

#[test]
fn values_must_fit() {
    let at = "node \"generate\", parameter \"fps\": ";
    let fps = |value| with_value("sta.generate", 2, "fps", value);
    only(
        &fps(number(500.0)),
        ProblemKind::OutOfRange,
        &[at, "500 is out of range", "from 1 to 240 fps", "value is 240"],
    );
    only(&fps(number(f64::NAN)), ProblemKind::NotANumber, &[at, "NaN is not a finite number"]);
    only(&fps(number(f64::INFINITY)), ProblemKind::NotANumber, &[at, "from 1 to 240 fps"]);
    only(&fps(text("fast")), ProblemKind::WrongKind, &[at, "is text", "takes a number from 1 to 240 fps"]);
    only(
        &fps(curve(&[(0.0, 30.0)])),
        ProblemKind::NotAnimatable,
        &[at, "is a curve", "write a single number"],
    );
    let takes = |value| with_value("sta.generate", 2, "takes", number(value));
    only(
        &takes(1.5),
        ProblemKind::WrongKind,
        &["1.5 is not a whole number", "from 1 to 64", "the nearest is 2"],
    );
    only(&takes(0.0), ProblemKind::OutOfRange, &["0 is out of range", "the nearest allowed value is 1"]);
    let layout = with_value("export.glb", 1, "layout", text("arkti"));
    only(
        &layout,
        ProblemKind::UnknownChoice,
        &["\"arkti\" is none", "one of arkit, facs, viseme", "did you mean \"arkit\"?"],
    );
    let mirror = with_value("face.shape", 1, "mirror", number(1.0));
    only(&mirror, ProblemKind::WrongKind, &["is a number", "write true or false"]);
    let file = with_value("audio.load", 1, "file", ParameterValue::Toggle(true));
    only(&file, ProblemKind::WrongKind, &["takes the path of a file ending in .wav, .flac"]);
    let gains = ParameterValue::Map(BTreeMap::from([("jawOpen".to_owned(), 3.0)]));
    let gains = with_value("face.shape", 1, "gains", gains);
    only(&gains, ProblemKind::OutOfRange, &["at \"jawOpen\", 3 is out of range", "from 0 to 2"]);
}

#[test]
fn keys_must_go_on_in_time_and_stay_in_range() {
    let gain = |keys: &[(f64, f64)]| with_value("audio.gain", 1, "gain_db", curve(keys));
    only(&gain(&[]), ProblemKind::BadKeys, &["a curve without keys"]);
    only(
        &gain(&[(1.0, 0.0), (1.0, 1.0)]),
        ProblemKind::BadKeys,
        &["key at 1 s comes after the key at 1 s", "increasing"],
    );
    only(&gain(&[(2.0, 0.0), (1.0, 1.0)]), ProblemKind::BadKeys, &["key at 1 s comes after the key at 2 s"]);
    only(&gain(&[(f64::NAN, 0.0)]), ProblemKind::NotANumber, &["a key's time is NaN"]);
    only(
        &gain(&[(0.0, 99.0)]),
        ProblemKind::OutOfRange,
        &["at 0 s, 99 is out of range", "from -60 to 20 dB"],
    );
    let mood = |keys: &[(f64, &str, f64)]| with_value("emotion.keys", 1, "keys", emotion(keys));
    only(
        &mood(&[(0.5, "hapy", 1.0)]),
        ProblemKind::UnknownEmotion,
        &["at 0.5 s, \"hapy\"", "did you mean \"happy\"?", "contempt"],
    );
    only(&mood(&[(0.0, "sad", 1.5)]), ProblemKind::OutOfRange, &["intensity 1.5", "from 0 to 1"]);
    only(&mood(&[(1.0, "sad", 1.0), (0.0, "fear", 1.0)]), ProblemKind::BadKeys, &["comes after"]);
}

#[test]
fn unknown_names_get_the_nearest_known_ones() {
    let unknown = chain().with_node("x", "audio.laod", 1);
    only(
        &document(unknown),
        ProblemKind::UnknownType,
        &["node \"x\": node type \"audio.laod\"", "did you mean \"audio.load\"?"],
    );
    let parameter = with_value("sta.generate", 2, "fp", number(30.0));
    only(
        &parameter,
        ProblemKind::UnknownParameter,
        &["parameter \"fp\"", "\"sta.generate\" has no such", "did you mean \"fps\"?"],
    );
    let port = chain().with_node("mix", "face.mix", 1).with_wire("shape.motoin", "mix.motions");
    only(
        &document(port),
        ProblemKind::UnknownPort,
        &["node \"shape\", output \"motoin\"", "did you mean \"motion\"?"],
    );
    let port = chain().with_wire("load.audio", "generate.sound");
    only(
        &document(port),
        ProblemKind::UnknownPort,
        &["node \"generate\", input \"sound\"", "there is \"audio\", \"emotion\""],
    );
    let dangling = chain().with_wire("gone.emotion", "generate.emotion");
    only(
        &document(dangling),
        ProblemKind::UnknownNode,
        &["node \"gone\": a wire to \"generate.emotion\" leads to this node"],
    );
    let group = chain().with_node("x", "group.talk", 1);
    only(
        &document(group),
        ProblemKind::UnknownGroup,
        &["there is no group \"talk\"", "this document has no groups"],
    );
}

#[test]
fn wires_must_fit() {
    let wrong = chain().with_wire("load.audio", "generate.emotion");
    let at = "node \"generate\", input \"emotion\": takes emotion, and \"load.audio\" gives audio";
    only(&document(wrong), ProblemKind::WrongType, &[at]);
    let twice = chain().with_node("b", "audio.load", 1).with_wire("b.audio", "generate.audio");
    only(
        &document(twice),
        ProblemKind::SeveralWires,
        &["input \"audio\": 2 values arrive: \"b.audio\", \"load.audio\"", "takes one wire"],
    );
    let missing = chain().with_node("alone", "face.shape", 1);
    only(
        &document(missing),
        ProblemKind::MissingInput,
        &[
            "node \"alone\", input \"motion\": nothing is wired here",
            "takes motion or takes",
            "wire \"generate.takes\" or \"shape.motion\" here",
        ],
    );
    let several = chain()
        .with_node("mix", "face.mix", 1)
        .with_wire("shape.motion", "mix.motions")
        .with_wire("generate.takes", "mix.motions");
    assert_eq!(listed(&validate_for_run(&document(several), &schemas())), "");
}

#[test]
fn circles_are_named_in_order() {
    let graph = Graph::default()
        .with_node("c", "face.shape", 1)
        .with_node("a", "face.shape", 1)
        .with_node("b", "face.shape", 1)
        .with_wire("a.motion", "c.motion")
        .with_wire("c.motion", "b.motion")
        .with_wire("b.motion", "a.motion");
    only(&document(graph), ProblemKind::Cycle, &["in a circle: a -> c -> b -> a"]);
    let own = Graph::default().with("a", bypassed("face.shape", 1)).with_wire("a.motion", "a.motion");
    let problems = validate_for_run(&document(own), &schemas());
    assert!(listed(&problems).contains("in a circle: a -> a"), "{}", listed(&problems));
}

#[test]
fn a_node_of_another_version_is_not_run() {
    let newer = document(chain().with_node("shape", "face.shape", 9));
    only(
        &newer,
        ProblemKind::NewerVersion,
        &["saved with version 9 of \"face.shape\", this is version 1", "update ESARM Studio"],
    );
    let older = document(chain().with_node("generate", "sta.generate", 1));
    only(&older, ProblemKind::OlderVersion, &["saved with version 1 of \"sta.generate\", this is version 2"]);
    let odd = Node::new("face.shape", 9).with_parameter("new_one", text("x"));
    let graph = chain().with("shape", odd).with_wire("load.audio", "shape.new_port");
    only(&document(graph), ProblemKind::NewerVersion, &[]);
}

#[test]
fn what_is_unknown_does_not_stop_an_edit() {
    let graph = chain().with_node("x", "plugin.gone", 3).with_node("y", "face.shape", 9).with_node(
        "z",
        "group.gone",
        1,
    );
    let severities = |problems: Vec<esarm_graph::Problem>| {
        problems.iter().map(|problem| problem.severity).collect::<Vec<_>>()
    };
    let graph = document(graph);
    assert_eq!(severities(validate(&graph, &schemas())), [Severity::Warning; 3]);
    assert_eq!(severities(validate_for_run(&graph, &schemas())), [Severity::Error; 3]);
}

fn group_of(graph: Graph) -> Group {
    Group { graph, ..Group::default() }
}

fn with_group(group: Group) -> Document {
    let groups = BTreeMap::from([("talk".to_owned(), group)]);
    Document { groups, ..document(chain()) }
}

#[test]
fn groups_must_not_contain_themselves() {
    let uses = |name: &str| group_of(Graph::default().with_node("x", &format!("group.{name}"), 1));
    let groups = [("a", uses("b")), ("b", uses("c")), ("c", uses("a")), ("d", uses("a"))];
    let groups = groups.into_iter().map(|(name, group)| (name.to_owned(), group)).collect();
    let graph = Document { groups, ..document(chain().with_node("x", "group.d", 1)) };
    only(&graph, ProblemKind::GroupRecursion, &["contains itself", "a -> c -> b -> a"]);
}

#[test]
fn groups_must_not_unfold_without_end() {
    let level = |inner: Option<usize>| {
        let type_id = inner.map_or("audio.load".to_owned(), |inner| format!("group.g{inner}"));
        group_of(
            (0..10).fold(Graph::default(), |graph, index| graph.with_node(&format!("n{index}"), &type_id, 1)),
        )
    };
    let wide = (0..40usize).map(|depth| (format!("g{depth}"), level(depth.checked_sub(1)))).collect();
    let graph = Document { groups: wide, ..document(chain().with_node("x", "group.g39", 1)) };
    let problems = validate_for_run(&graph, &schemas());
    let text = listed(&problems);
    assert!(problems.iter().all(|problem| problem.kind == ProblemKind::TooLarge), "{text}");
    assert!(
        text.contains("at most 200000 are allowed") && text.contains("nested 40 deep; at most 32"),
        "{text}"
    );
}

#[test]
fn exposed_names_must_lead_somewhere() {
    let set = |address: &str| BTreeSet::from([address.parse().unwrap()]);
    let inner = || group_of(Graph::default().with_node("load", "audio.load", 1));
    let mut group = inner();
    group.outputs.insert("out".to_owned(), "load.sound".parse().unwrap());
    only(
        &with_group(group),
        ProblemKind::UnknownPort,
        &["group \"talk\", node \"load\", output \"sound\": the output \"out\""],
    );
    let mut group = inner();
    group.inputs.insert("in".to_owned(), set("gone.audio"));
    only(
        &with_group(group),
        ProblemKind::UnknownNode,
        &["group \"talk\", node \"gone\": the exposed input \"in\""],
    );
    let mut group = inner();
    group.inputs.insert("in".to_owned(), BTreeSet::new());
    only(&with_group(group), ProblemKind::UnknownPort, &["feeds no input"]);
    let mut group = inner();
    group.parameters.insert("path".to_owned(), "load.flie".parse().unwrap());
    only(
        &with_group(group),
        ProblemKind::UnknownParameter,
        &["exposed parameter \"path\" sets it", "did you mean \"file\"?"],
    );
    let mut graph = document(chain());
    graph.inputs.insert("speech".to_owned(), "lod.file".parse().unwrap());
    only(
        &graph,
        ProblemKind::UnknownNode,
        &["the input \"speech\" leads to this node", "did you mean \"load\"?"],
    );
    let mut graph = document(chain());
    graph.outputs.insert("head".to_owned(), "export.glb".parse().unwrap());
    only(&graph, ProblemKind::UnknownPort, &["the output \"head\"", "there is \"file\""]);
}

#[test]
fn names_must_not_clash() {
    let mut graph = document(chain());
    graph.inputs.insert("a".to_owned(), "load.file".parse().unwrap());
    graph.inputs.insert("b".to_owned(), "load.file".parse().unwrap());
    only(&graph, ProblemKind::NameClash, &["input \"b\": sets \"load.file\", which \"a\" sets too"]);
    let mut set = schemas();
    set.insert(NodeSchema::new("group.talk", "", "", Purity::Pure, TimeSupport::Whole));
    let clash = with_group(Group::default());
    assert_eq!(validate(&clash, &set)[0].kind, ProblemKind::NameClash);
    let mut graph = document(chain());
    graph.outputs.insert("a b".to_owned(), "export.file".parse().unwrap());
    only(&graph, ProblemKind::BadName, &["\"a b\" cannot be the name", "choose another name for the output"]);
}

#[test]
fn exposed_inputs_are_of_one_type_and_wired_once() {
    let graph = || Graph::default().with_node("load", "audio.load", 1).with_node("g", "sta.generate", 2);
    let mut group = group_of(graph());
    group.inputs.insert("in".to_owned(), ["g.audio", "g.emotion"].map(|port| port.parse().unwrap()).into());
    only(
        &with_group(group),
        ProblemKind::WrongType,
        &["input \"in\": feeds \"g.audio\", which takes audio, and \"g.emotion\""],
    );
    let mut group = group_of(graph().with_wire("load.audio", "g.audio"));
    group.inputs.insert("in".to_owned(), ["g.audio"].map(|port| port.parse().unwrap()).into());
    only(&with_group(group), ProblemKind::SeveralWires, &["\"load.audio\", the exposed input \"in\""]);
}

#[test]
fn an_instance_is_checked_like_any_node() {
    let mut group = group_of(Graph::default().with_node("g", "sta.generate", 2));
    group.inputs.insert("speech".to_owned(), BTreeSet::from(["g.audio".parse().unwrap()]));
    group.parameters.insert("rate".to_owned(), "g.fps".parse().unwrap());
    let mut graph = with_group(group);
    let node =
        Node::new("group.talk", 1).with_parameter("rate", number(0.0)).with_parameter("rat", number(1.0));
    graph.graph = graph.graph.with("talk", node);
    let text = listed(&validate(&graph, &schemas()));
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(
        text.contains("parameter \"rate\": 0 is out of range; takes a number from 1 to 240 fps"),
        "{text}"
    );
    assert!(
        text.contains("parameter \"rat\": group \"talk\" has no such parameter; did you mean \"rate\"?"),
        "{text}"
    );
    assert!(text.contains("node \"talk\", input \"speech\": nothing is wired here"), "{text}");
}

#[test]
fn every_problem_is_reported_at_once() {
    let graph = chain()
        .with("shape", Node::new("face.shape", 1).with_parameter("mirror", number(1.0)))
        .with_node("x", "audio.laod", 1)
        .with_wire("gone.emotion", "generate.emotion")
        .with_node("a", "face.shape", 1)
        .with_wire("a.motion", "a.motion")
        .with("load", bypassed("audio.load", 1));
    let kinds: BTreeSet<ProblemKind> =
        validate(&document(graph), &schemas()).iter().map(|problem| problem.kind).collect();
    use ProblemKind::{CannotBypass, Cycle, UnknownNode, UnknownType, WrongKind};
    assert_eq!(kinds, BTreeSet::from([UnknownType, WrongKind, UnknownNode, Cycle, CannotBypass]));
}

#[test]
fn a_large_wrong_graph_takes_little_time() {
    let mut graph = Graph::default();
    for index in 0..10_000 {
        graph = graph.with_node(&format!("node_{index}"), "audio.laod", 1);
    }
    for index in 0..9_999 {
        graph = graph.with_wire(&format!("node_{index}.a"), &format!("nod_{}.b", index + 1));
    }
    let start = Instant::now();
    let problems = validate(&document(graph), &schemas());
    assert_eq!(problems.len(), 19_999);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn unknown_members_of_the_file_are_named_with_the_one_that_was_meant() {
    let text = r#"{"format": "esarm-graph", "version": 1, "output": {},
        "nodes": {"load": {"type": "audio.load", "version": 1, "params": {"file": "a.wav"}}},
        "groups": {"talk": {"parameter": {}, "nodes": {"g": {"type": "audio.load", "version": 1, "by_passed": true}}}}}"#;
    let document = esarm_graph::parse(text.as_bytes()).unwrap();
    let problems = validate(&document, &schemas());
    let listed = listed(&problems);
    for words in [
        "graph: unknown member \"output\" is kept but has no effect; did you mean \"outputs\"?",
        "node \"load\": unknown member \"params\" is kept but has no effect; did you mean \"parameters\"?",
        "group \"talk\": unknown member \"parameter\" is kept but has no effect; did you mean \"parameters\"?",
        "group \"talk\", node \"g\": unknown member \"by_passed\" is kept but has no effect; did you mean \"bypassed\"?",
    ] {
        assert!(listed.contains(words), "no {words} in:\n{listed}");
    }
    let warnings = problems.iter().filter(|problem| problem.kind == ProblemKind::UnknownMember);
    assert!(warnings.clone().count() == 4 && warnings.clone().all(|it| it.severity == Severity::Warning));
    assert!(esarm_graph::serialize(&document).unwrap().contains("\"params\""), "saving keeps it");
}

#[test]
fn every_member_that_a_file_has_is_known() {
    let text = include_str!("corpus/format-1.esarm");
    let document = esarm_graph::parse(text.as_bytes()).unwrap();
    let problems = validate(&document, &schemas());
    let unknown = problems.iter().filter(|it| it.kind == ProblemKind::UnknownMember);
    assert!(unknown.clone().all(|it| it.what.contains("future")), "{}", listed(&problems));
    assert!(unknown.count() >= 2);
}

#[test]
fn a_node_that_reaches_no_output_is_warned_of_before_a_run() {
    let graph = chain().with_node("loose", "audio.load", 1).with_node("gain", "audio.gain", 1);
    let mut document = document(graph.with_wire("loose.audio", "gain.audio"));
    assert!(validate_for_run(&document, &schemas()).is_empty(), "no outputs are named yet");
    document.outputs.insert("glb".to_owned(), "export.file".parse().unwrap());
    assert!(validate(&document, &schemas()).is_empty(), "it is being edited");
    let problems = validate_for_run(&document, &schemas());
    assert!(problems.iter().all(|it| (it.kind, it.severity) == (ProblemKind::Unused, Severity::Warning)));
    let text = listed(&problems);
    assert!(text.contains("node \"gain\": reaches no output") && text.contains("node \"loose\""), "{text}");
    assert_eq!(problems.len(), 2, "{text}");
}
