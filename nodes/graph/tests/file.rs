//! The file: the corpus, what changes when a document changes, and files that are wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{chain, schemas};
use esarm_graph::{
    Document, FileErrorKind, MAX_FILE_BYTES, Node, NodeId, NodeView, ParameterValue, parse, serialize,
    validate,
};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn corpus() -> Vec<(PathBuf, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "esarm"))
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect();
    files.sort();
    assert!(files.len() >= 2);
    files
}

fn full() -> Document {
    let (_, text) = corpus().into_iter().find(|(path, _)| path.ends_with("format-1.esarm")).unwrap();
    parse(text.as_bytes()).unwrap()
}

#[test]
fn loading_and_saving_gives_the_same_bytes() {
    for (path, text) in corpus() {
        let document = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(serialize(&document).unwrap(), text, "{}", path.display());
    }
}

#[test]
fn every_member_is_read() {
    let document = full();
    assert_eq!(document.inputs["speech"].to_string(), "load.file");
    assert_eq!(document.groups["talk"].parameters["rate"].to_string(), "generate.fps");
    assert_eq!(document.lock.models["generator"].version.as_deref(), Some("1.0"));
    assert_eq!(document.view.canvas.nodes["talk"].position, [240.0, 0.0]);
    assert_eq!(document.view.canvas.frames["in"].size, [200.0, 120.5]);
    assert!(document.view.groups["talk"].nodes.contains_key("gain"));
    assert!(document.graph.nodes["load"].pinned && document.graph.nodes["shape"].bypassed);
    assert_eq!(document.graph.nodes["export"].title.as_deref(), Some("To the engine"));
    let ParameterValue::Curve(curve) = &document.groups["talk"].graph.nodes["gain"].parameters["gain_db"]
    else {
        panic!("a curve")
    };
    assert_eq!((curve.keys[1].time_secs, curve.keys[1].value), (1.5, 0.1));
    assert_eq!(document.extras["future_member"]["kept"][1], 2.5);
}

#[test]
fn an_unknown_node_keeps_values_and_wires() {
    let document = full();
    let node = &document.graph.nodes["wobble"];
    assert_eq!(node.parameters["amount"], ParameterValue::Number(1e300));
    assert_eq!(node.unread_parameters["seed"], u64::MAX, "kept to the last digit");
    assert_eq!(node.extras["future_key"], "kept");
    let problems = validate(&document, &schemas());
    assert!(
        problems
            .iter()
            .any(|problem| problem.to_string().contains("node type \"wobble.jelly\" is not known"))
    );
    assert!(document.graph.wires.iter().any(|wire| wire.to.to_string() == "wobble.in"));
}

#[test]
fn other_formatting_means_the_same() {
    let text = corpus()[1].1.clone();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let dense = format!("\u{feff}{value}");
    assert_eq!(parse(dense.as_bytes()).unwrap(), parse(text.as_bytes()).unwrap());
}

/// Lines that were added and removed, when removing keeps the longest common subsequence.
fn changed_lines(old: &str, new: &str) -> (usize, usize) {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut common = vec![vec![0usize; new.len() + 1]; old.len() + 1];
    for (row, before) in old.iter().enumerate() {
        for (column, after) in new.iter().enumerate() {
            common[row + 1][column + 1] = if before == after {
                common[row][column] + 1
            } else {
                common[row][column + 1].max(common[row + 1][column])
            };
        }
    }
    let kept = common[old.len()][new.len()];
    (new.len() - kept, old.len() - kept)
}

#[test]
fn a_change_touches_its_own_lines_only() {
    let document = full();
    let before = serialize(&document).unwrap();
    let changes = |edit: &dyn Fn(&mut Document)| {
        let mut edited = document.clone();
        edit(&mut edited);
        changed_lines(&before, &serialize(&edited).unwrap())
    };
    for id in ["aaa", "middle", "zzz"] {
        let added = changes(&|document| {
            document.graph.nodes.insert(NodeId::new(id).unwrap(), Node::new("audio.load", 1));
        });
        assert_eq!(added, (4, 0), "a node named {id}");
    }
    let set = |document: &mut Document, value| {
        let node = document.graph.nodes.get_mut("talk").unwrap();
        node.parameters.insert("rate".to_owned(), ParameterValue::Number(value));
    };
    assert_eq!(changes(&|document| set(document, 24.0)), (1, 1), "a value");
    assert_eq!(
        changes(&|document| document.graph = document.graph.clone().with_wire("load.audio", "wobble.in")),
        (1, 0),
        "a wire"
    );
    let moved =
        changes(&|document| document.view.canvas.nodes.get_mut("talk").unwrap().position = [300.0, 10.0]);
    assert_eq!(moved, (1, 1), "a moved node");
}

#[test]
fn the_view_is_apart_from_what_is_executed() {
    let mut document = Document { graph: chain(), ..Document::default() };
    let before = document.flatten(&schemas()).unwrap();
    let view = NodeView { position: [1.0, 2.0], comment: Some("here".to_owned()), ..NodeView::default() };
    document.view.canvas.nodes.insert(NodeId::new("load").unwrap(), view);
    document.graph.nodes.get_mut("load").unwrap().title = Some("Speech".to_owned());
    assert_eq!(document.flatten(&schemas()).unwrap(), before);
}

fn error(text: &str) -> String {
    parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_file_of_a_newer_format_names_the_remedy() {
    let text = r#"{"format": "esarm-graph", "version": 2, "nodes": 5}"#;
    let error = parse(text.as_bytes()).unwrap_err();
    assert_eq!(error.kind, FileErrorKind::NewerFormat);
    assert!(
        error
            .to_string()
            .contains("format version 2; this program reads up to version 1; update ESARM Studio")
    );
}

#[test]
fn what_is_no_graph_is_told_apart_from_broken_json() {
    for text in
        ["[]", "{}", "5", "RIFF\0\0", "hello", r#"{"nodes": {}}"#, r#"{"format": "gltf", "version": 1}"#]
    {
        assert_eq!(parse(text.as_bytes()).unwrap_err().kind, FileErrorKind::NotAGraph, "{text}");
    }
    for text in ["", "{", "{\"format\": \"esarm-graph\",}"] {
        assert_eq!(parse(text.as_bytes()).unwrap_err().kind, FileErrorKind::Syntax, "{text}");
    }
    for version in ["0", "-1", "1.5", "\"1\"", "null", "1e30"] {
        let text = format!(r#"{{"format": "esarm-graph", "version": {version}}}"#);
        assert_eq!(parse(text.as_bytes()).unwrap_err().kind, FileErrorKind::Shape, "{version}");
    }
}

#[test]
fn wrong_values_are_found_by_line_and_path() {
    let document = |nodes: &str, wires: &str| {
        format!(
            "{{\n\"format\": \"esarm-graph\",\n\"version\": 1,\n\"nodes\": {nodes},\n\"wires\": {wires}\n}}"
        )
    };
    let cases = [
        (
            document("{\"a\": {\"type\": \"x.y\", \"version\": \"1\"}}", "[]"),
            "line 4",
            "nodes.a.version: invalid type: string",
        ),
        (document("{\"a\": {\"version\": 1}}", "[]"), "line 4", "nodes.a: missing field `type`"),
        (
            document("{\"a b\": {\"type\": \"x.y\", \"version\": 1}}", "[]"),
            "line 4",
            "\"a b\" cannot be a name",
        ),
        (document("[]", "[]"), "line 4", "nodes: invalid type: sequence"),
        (
            document("{}", "[{\"from\": \"a.b\", \"to\": \"c\"}]"),
            "line 5",
            "wires[0].to: \"c\" is no address",
        ),
        (document("{}", "[{\"from\": \"a.b\", \"to\": \"c.d\", \"mute\": true}]"), "line 5", "wires[0]"),
        (
            document("{\"a\": {\"type\": \"x\", \"type\": \"y\"}}", "[]"),
            "line 4",
            "nodes.a.type: is there twice",
        ),
        (
            document("{\"a\": {\"parameters\": 5, \"type\": \"x.y\", \"version\": 1}}", "[]"),
            "line 4",
            "nodes.a.parameters: invalid",
        ),
    ];
    for (text, line, message) in cases {
        let error = error(&text);
        assert!(error.starts_with(line) && error.contains(message), "{error}\nfor {text}");
    }
}

#[test]
fn hostile_files_are_refused() {
    let kind = |bytes: &[u8]| parse(bytes).unwrap_err().kind;
    assert_eq!(kind(&vec![b' '; MAX_FILE_BYTES + 1]), FileErrorKind::TooLarge);
    assert_eq!(kind("{\"a\":".repeat(200_000).as_bytes()), FileErrorKind::TooLarge);
    assert_eq!(kind(format!("[{}1]", "1,".repeat(2_000_000)).as_bytes()), FileErrorKind::TooLarge);
    assert_eq!(kind(b"{\"format\": \"esarm-graph\xff\"}"), FileErrorKind::Syntax);
}

#[test]
fn a_number_that_json_cannot_hold_is_named() {
    let node = Node::new("audio.gain", 1).with_parameter("gain_db", ParameterValue::Number(f64::NAN));
    let document = Document { graph: chain().with("gain", node), ..Document::default() };
    let error = serialize(&document).unwrap_err();
    assert_eq!(
        (error.kind, error.path.as_str()),
        (FileErrorKind::CannotWrite, "nodes.gain.parameters.gain_db")
    );
    let mut document = Document::default();
    let view = NodeView { position: [f64::INFINITY, 0.0], ..NodeView::default() };
    document.view.canvas.nodes.insert(NodeId::new("a").unwrap(), view);
    assert_eq!(serialize(&document).unwrap_err().path, "view.nodes.a.position");
}

#[test]
fn numbers_are_short_and_exact() {
    let cases = [
        (1.0, "1"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (1e21, "1e+21"),
        (2e-7, "2e-7"),
        (9007199254740991.0, "9007199254740991"),
    ];
    for (value, written) in cases {
        let parameters = BTreeMap::from([("x".to_owned(), ParameterValue::Number(value))]);
        let mut document = Document::default();
        document.graph.nodes.insert(NodeId::new("a").unwrap(), Node { parameters, ..Node::new("t.t", 1) });
        let text = serialize(&document).unwrap();
        assert!(text.contains(&format!("\"x\": {written}\n")), "{text}");
        let ParameterValue::Number(read) = parse(text.as_bytes()).unwrap().graph.nodes["a"].parameters["x"]
        else {
            panic!("a number")
        };
        assert_eq!(read.to_bits(), value.to_bits());
    }
}

#[test]
fn saving_replaces_the_file_or_leaves_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("talk.esarm");
    let mut document = full();
    esarm_graph::save(&path, &document).unwrap();
    let loaded = esarm_graph::load(&path, &esarm_graph::Upgrades::new()).unwrap();
    assert_eq!(loaded.document, document);
    document.view.canvas.nodes.get_mut("load").unwrap().position = [f64::NAN, 0.0];
    let message = esarm_graph::save(&path, &document).unwrap_err().to_string();
    assert!(
        message.contains("talk.esarm: view.nodes.load.position holds a number that is infinite"),
        "{message}"
    );
    assert_eq!(esarm_graph::load(&path, &esarm_graph::Upgrades::new()).unwrap(), loaded);
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        esarm_graph::load(folder.path().join(name), &esarm_graph::Upgrades::new()).unwrap_err().to_string()
    };
    std::fs::write(folder.path().join("bad.esarm"), "{").unwrap();
    assert!(open("none.esarm").contains("none.esarm"));
    assert!(open("bad.esarm").contains("bad.esarm: line 1, column"), "{}", open("bad.esarm"));
    assert!(open("").contains("cannot read"));
}
