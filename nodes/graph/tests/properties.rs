//! What holds for any document and any bytes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::schemas;
use esarm_graph::{
    Canvas, Comment, Curve, CurveKey, Document, EmotionKey, Extras, Frame, Graph, Group, Interpolation, Lock,
    Locked, Node, NodeId, NodeView, ParameterAddress, ParameterValue, PortAddress, View, Wire, parse,
    serialize, set_parameter, validate, validate_for_run,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use serde_json::Value;

/// Few enough names that wires often meet nodes.
fn id() -> impl Strategy<Value = NodeId> {
    prop_oneof![4 => "[a-d]", 1 => "[A-Za-z0-9_-]{1,8}"].prop_map(|text| NodeId::new(&text).unwrap())
}

fn port() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(vec!["audio", "emotion", "motion", "motions", "takes", "file", "fps", "gains", "keys"])
            .prop_map(str::to_owned),
        1 => ".{1,6}",
    ]
}

fn type_id() -> impl Strategy<Value = String> {
    let known =
        ["audio.load", "audio.gain", "emotion.keys", "sta.generate", "face.shape", "face.mix", "export.glb"];
    prop_oneof![
        6 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        2 => "[a-c]".prop_map(|name| format!("group.{name}")),
        1 => ".{0,8}",
    ]
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |value| value.is_finite()),
        (-100i32..100).prop_map(f64::from),
        Just(-0.0),
    ]
}

fn interpolation() -> impl Strategy<Value = Interpolation> {
    proptest::sample::select(vec![Interpolation::Hold, Interpolation::Linear, Interpolation::Smooth])
}

fn value() -> impl Strategy<Value = ParameterValue> {
    let key = (finite(), finite(), interpolation()).prop_map(|(time_secs, value, interpolation)| CurveKey {
        time_secs,
        value,
        interpolation,
    });
    let emotion = (finite(), "happy|sad|joy", finite(), interpolation()).prop_map(
        |(time_secs, emotion, intensity, interpolation)| EmotionKey {
            time_secs,
            emotion,
            intensity,
            interpolation,
        },
    );
    prop_oneof![
        any::<bool>().prop_map(ParameterValue::Toggle),
        finite().prop_map(ParameterValue::Number),
        ".{0,10}".prop_map(ParameterValue::Text),
        vec(key, 0..4).prop_map(|keys| ParameterValue::Curve(Curve { keys })),
        vec(emotion, 0..3).prop_map(|emotion_keys| ParameterValue::EmotionKeys { emotion_keys }),
        btree_map("keys|jawOpen|.{0,4}", finite(), 0..4).prop_map(ParameterValue::Map),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        finite().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    plain.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(".{0,4}", inner, 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn extras() -> impl Strategy<Value = Extras> {
    btree_map("x_[a-z]{1,3}", json(), 0..2)
}

fn node() -> impl Strategy<Value = Node> {
    let unread = btree_map("u_[a-z]", json().prop_map(|value| Value::Array(vec![value])), 0..2);
    let flags = (any::<bool>(), any::<bool>());
    (
        type_id(),
        0u32..4,
        btree_map(port(), value(), 0..3),
        unread,
        proptest::option::of(".{0,5}"),
        flags,
        extras(),
    )
        .prop_map(
            |(type_id, version, parameters, unread_parameters, title, (bypassed, pinned), extras)| Node {
                type_id,
                version,
                parameters,
                unread_parameters,
                title,
                bypassed,
                pinned,
                extras,
            },
        )
}

fn port_address() -> impl Strategy<Value = PortAddress> {
    (id(), port()).prop_map(|(node, port)| PortAddress { node, port })
}

fn parameter_address() -> impl Strategy<Value = ParameterAddress> {
    (id(), port()).prop_map(|(node, parameter)| ParameterAddress { node, parameter })
}

fn graph() -> impl Strategy<Value = Graph> {
    let wire = (port_address(), port_address()).prop_map(|(from, to)| Wire { from, to });
    (btree_map(id(), node(), 0..6), btree_set(wire, 0..6)).prop_map(|(nodes, wires)| Graph { nodes, wires })
}

fn group() -> impl Strategy<Value = Group> {
    let inputs = btree_map("in|.{1,3}", btree_set(port_address(), 0..3), 0..2);
    let outputs = btree_map("out|.{1,3}", port_address(), 0..2);
    let parameters = btree_map("p|.{1,3}", parameter_address(), 0..2);
    (".{0,5}", ".{0,5}", graph(), inputs, outputs, parameters, extras()).prop_map(
        |(title, help, graph, inputs, outputs, parameters, extras)| Group {
            title,
            help,
            graph,
            inputs,
            outputs,
            parameters,
            extras,
        },
    )
}

fn canvas() -> impl Strategy<Value = Canvas> {
    let pair = || [finite(), finite()];
    let optional = || proptest::option::of("#[0-9a-f]{6}");
    let node = (pair(), proptest::option::of(pair()), optional(), optional(), any::<bool>(), extras())
        .prop_map(|(position, size, colour, comment, collapsed, extras)| NodeView {
            position,
            size,
            colour,
            comment,
            collapsed,
            extras,
        });
    let comment = (".{0,9}", pair(), proptest::option::of(pair()), optional(), extras())
        .prop_map(|(text, position, size, colour, extras)| Comment { text, position, size, colour, extras });
    let frame = (".{0,9}", pair(), pair(), optional(), extras())
        .prop_map(|(title, position, size, colour, extras)| Frame { title, position, size, colour, extras });
    (
        btree_map(id(), node, 0..3),
        btree_map(".{0,3}", comment, 0..2),
        btree_map(".{0,3}", frame, 0..2),
        extras(),
    )
        .prop_map(|(nodes, comments, frames, extras)| Canvas { nodes, comments, frames, extras })
}

fn lock() -> impl Strategy<Value = Lock> {
    let locked = || {
        (proptest::option::of(".{0,4}"), "[0-9a-f]{0,8}", extras())
            .prop_map(|(version, digest, extras)| Locked { version, digest, extras })
    };
    (btree_map(".{0,3}", locked(), 0..2), btree_map(".{0,3}", locked(), 0..2), extras())
        .prop_map(|(plugins, models, extras)| Lock { plugins, models, extras })
}

fn document() -> impl Strategy<Value = Document> {
    let view =
        (canvas(), btree_map("[a-c]", canvas(), 0..2)).prop_map(|(canvas, groups)| View { canvas, groups });
    let names = (btree_map(".{0,4}", parameter_address(), 0..2), btree_map(".{0,4}", port_address(), 0..2));
    (graph(), btree_map("[a-c]|.{1,3}", group(), 0..3), names, view, lock(), extras()).prop_map(
        |(graph, groups, (inputs, outputs), view, lock, extras)| Document {
            graph,
            groups,
            inputs,
            outputs,
            view,
            lock,
            extras,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_comes_back_and_its_file_stays_the_same(document in document()) {
        let text = serialize(&document).unwrap();
        let loaded = parse(text.as_bytes()).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&loaded, &document);
        prop_assert_eq!(serialize(&loaded).unwrap(), text);
    }

    #[test]
    fn validation_never_panics_and_what_flattens_is_whole(document in document()) {
        let schemas = schemas();
        let problems = validate(&document, &schemas);
        prop_assert!(problems.len() <= validate_for_run(&document, &schemas).len());
        prop_assert!(problems.iter().all(|problem| !problem.to_string().is_empty()));
        if let Ok(flat) = document.flatten(&schemas) {
            prop_assert_eq!(flat.order.len(), flat.nodes.len());
            for (position, id) in flat.order.iter().enumerate() {
                let node = &flat.nodes[id];
                let schema = schemas.get(&node.type_id).unwrap();
                prop_assert_eq!(node.parameters.len(), schema.parameters.len());
                for from in node.inputs.values().flatten() {
                    prop_assert!(flat.order[..position].contains(&from.node));
                }
                for port in schema.inputs.iter().filter(|port| port.required) {
                    prop_assert!(node.inputs.contains_key(&port.name));
                }
            }
        }
    }

    #[test]
    fn damaged_files_give_a_document_or_an_error(
        document in document(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        let mut bytes = serialize(&document).unwrap().into_bytes();
        for (index, byte, how) in damage {
            let at = index.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, b"{}[]\",:0-e.\\"[usize::from(byte) % 12]),
            }
        }
        match parse(&bytes) {
            Ok(document) => drop(serialize(&document).unwrap()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn any_bytes_give_an_error_or_a_document(bytes in vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn any_text_sets_a_parameter_or_tells_why_not(
        mut document in document(),
        address in "[a-d]\\.(fps|takes|gains|keys|mirror|gain_db|file)|.{0,8}",
        text in "[0-9a-z:=,. -]{0,16}|.{0,8}",
    ) {
        let before = document.clone();
        if let Err(problems) = set_parameter(&mut document, &address, &text, &schemas()) {
            prop_assert!(!problems.0.is_empty());
            prop_assert_eq!(document, before);
        }
    }
}
