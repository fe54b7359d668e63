//! Old versions of node types, brought up to date on load.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{listed, schemas};
use esarm_graph::{ParameterValue, ProblemKind, Upgraded, Upgrades, parse, parse_with, serialize, validate};

const OLD: &str = include_str!("corpus/old-nodes.esarm");

/// `sta.generate` 1 -> 2 measured the rate as seconds per frame and called its input `voice`; `face.bend` became
/// `face.shape`, whose gains were percent in version 0 of that type.
fn upgrades() -> Upgrades {
    Upgrades::new()
        .with("sta.generate", 1, |node| {
            node.rename_parameter("frame_secs", "fps");
            node.rename_input("voice", "audio");
            node.rename_output("motions", "takes");
            if let Some(value) = node.parameters().get_mut("fps") {
                let secs = value.as_f64().filter(|secs| *secs > 0.0);
                *value = (1.0 / secs.ok_or("frame_secs must be above 0")?).into();
            }
            Ok(())
        })
        .with("face.bend", 3, |node| {
            node.become_type("face.shape", 0);
            Ok(())
        })
        .with("face.shape", 0, |node| {
            if let Some(gains) = node.parameters().get_mut("gains").and_then(|gains| gains.as_object_mut()) {
                for (_, gain) in gains {
                    *gain = gain.as_f64().map_or(gain.clone(), |percent| (percent / 100.0).into());
                }
            }
            Ok(())
        })
}

#[test]
fn an_old_file_is_valid_after_its_upgrade() {
    let loaded = parse_with(OLD.as_bytes(), &upgrades()).unwrap();
    let document = &loaded.document;
    let problems = validate(document, &schemas());
    assert!(problems.is_empty(), "{}", listed(&problems));
    let generate = &document.graph.nodes["generate"];
    assert_eq!((generate.version, &generate.parameters["fps"]), (2, &ParameterValue::Number(50.0)));
    let shape = &document.graph.nodes["shape"];
    assert_eq!((shape.type_id.as_str(), shape.version), ("face.shape", 1));
    let ParameterValue::Map(gains) = &shape.parameters["gains"] else { panic!("a map") };
    assert_eq!(gains["jawOpen"], 1.5);
}

#[test]
fn addresses_follow_renamed_ports_and_parameters() {
    let document = parse_with(OLD.as_bytes(), &upgrades()).unwrap().document;
    let wires: Vec<String> =
        document.graph.wires.iter().map(|wire| format!("{} {}", wire.from, wire.to)).collect();
    assert_eq!(wires, ["generate.takes shape.motion", "load.audio generate.audio"]);
    assert_eq!(document.inputs["rate"].to_string(), "generate.fps");
    assert_eq!(document.outputs["takes"].to_string(), "generate.takes");
    let group = &document.groups["talk"];
    assert_eq!(group.inputs["speech"].first().unwrap().to_string(), "inner.audio");
    assert_eq!(group.outputs["takes"].to_string(), "inner.takes");
    assert_eq!(group.parameters["rate"].to_string(), "inner.fps");
}

#[test]
fn what_was_upgraded_is_told_and_stays_upgraded() {
    let loaded = parse_with(OLD.as_bytes(), &upgrades()).unwrap();
    let at = |type_id: &str, version| (type_id.to_owned(), version);
    let upgraded = |group: Option<&str>, node: &str, from, to| Upgraded {
        group: group.map(str::to_owned),
        node: node.to_owned(),
        from,
        to,
        failure: None,
    };
    assert_eq!(
        loaded.upgraded,
        [
            upgraded(Some("talk"), "inner", at("sta.generate", 1), at("sta.generate", 2)),
            upgraded(None, "generate", at("sta.generate", 1), at("sta.generate", 2)),
            upgraded(None, "shape", at("face.bend", 3), at("face.shape", 1)),
        ]
    );
    let again = parse_with(serialize(&loaded.document).unwrap().as_bytes(), &upgrades()).unwrap();
    assert_eq!((again.document, again.upgraded), (loaded.document, Vec::new()));
}

#[test]
fn without_upgrades_an_old_node_is_kept_and_reported() {
    let document = parse(OLD.as_bytes()).unwrap();
    assert_eq!(serialize(&document).unwrap(), OLD);
    let kinds: Vec<ProblemKind> =
        validate(&document, &schemas()).iter().map(|problem| problem.kind).collect();
    assert!(
        kinds.contains(&ProblemKind::OlderVersion) && kinds.contains(&ProblemKind::UnknownType),
        "{kinds:?}"
    );
}

#[test]
fn a_step_that_fails_leaves_the_node_as_it_was() {
    let text = OLD.replace("0.02", "-1");
    let loaded = parse_with(text.as_bytes(), &upgrades()).unwrap();
    let failed = loaded.upgraded.iter().find(|upgraded| upgraded.failure.is_some()).unwrap();
    assert_eq!(
        (failed.node.as_str(), failed.failure.as_deref()),
        ("generate", Some("frame_secs must be above 0"))
    );
    let node = &loaded.document.graph.nodes["generate"];
    assert_eq!((node.version, &node.parameters["frame_secs"]), (1, &ParameterValue::Number(-1.0)));
    assert!(loaded.document.graph.wires.iter().any(|wire| wire.to.to_string() == "generate.voice"));
}

#[test]
fn types_that_become_each_other_come_to_an_end() {
    let swap = |to: &'static str| {
        move |node: &mut esarm_graph::OldNode| {
            node.become_type(to, 3);
            Ok(())
        }
    };
    let upgrades =
        Upgrades::new().with("face.bend", 3, swap("face.twist")).with("face.twist", 3, swap("face.bend"));
    let loaded = parse_with(OLD.as_bytes(), &upgrades).unwrap();
    assert!(loaded.document.graph.nodes.contains_key("shape"));
}
