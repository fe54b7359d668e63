//! Nodes that say that they compute on the device of the run, and no others, refuse a device that does not exist.

use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, Place};
use esarm_graph::PortType;
use esarm_library::registry;
use esarm_values::{ARKIT_SHAPES, Audio, Emotion, FrameRate, Take, Track, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A value for an input port; `None` for what only a file or a model gives.
fn value_for(port_type: PortType) -> Option<Value> {
    let rate = FrameRate::new(30, 1)?;
    let track = |channels: Vec<String>| Track::zeros(rate, channels, 45).map(Arc::new).ok();
    let motion = || track(ARKIT_SHAPES.map(str::to_owned).to_vec());
    match port_type {
        PortType::Audio => {
            let tone = |at: usize| (at as f32 * 0.06).sin() * if at % 8000 < 5000 { 0.3 } else { 0.001 };
            Some(Value::Audio(Arc::new(Audio::new("tone", 16_000, (0..24_000).map(tone).collect()))))
        }
        PortType::Features => track(vec!["energy".to_owned()]).map(Value::Features),
        PortType::Emotion => Some(Value::Emotion(Arc::new(Emotion::constant(1, 0.5)))),
        PortType::Motion => motion().map(Value::Motion),
        PortType::Takes => {
            let take = Take { motion: motion()?, seed: 1, log_probability: Some(0.0) };
            Some(Value::Takes(Arc::new(vec![take.clone(), take])))
        }
        PortType::Number => Some(Value::Number(0.5)),
        PortType::Text => Some(Value::Text("happy".into())),
        PortType::Rig | PortType::File => None,
    }
}

/// The node's required inputs; `None` when one of them cannot be made here.
fn inputs_of(node_type: &NodeType) -> Option<BTreeMap<String, Vec<Value>>> {
    let required = node_type.schema.inputs.iter().filter(|port| port.required);
    required.map(|port| Some((port.name.clone(), vec![value_for(port.port_type)?]))).collect()
}

fn evaluate_on(device: &str, node_type: &NodeType) -> Option<Result<Outputs, NodeError>> {
    let inputs = inputs_of(node_type)?;
    let declared = &node_type.schema.parameters;
    let parameters: BTreeMap<_, _> =
        declared.iter().map(|it| (it.name.clone(), it.kind.default_value())).collect();
    Some((node_type.evaluate)(&NodeContext {
        parameters: &parameters,
        inputs: &inputs,
        seed: 1,
        window: None,
        device,
        base_folder: Path::new(""),
        cancelled: &AtomicBool::new(false),
        report_progress: &|_, _| {},
    }))
}

#[test]
fn nodes_compute_where_they_say() {
    let registry = registry();
    let mut on_the_device = 0;
    for node_type in registry.types() {
        let type_id = &node_type.schema.type_id;
        let says = matches!(node_type.place, Place::RunDevice);
        let Some(outcome) = evaluate_on("abacus", node_type) else {
            assert!(!says, "{type_id} computes on the device of the run, and nothing here can call it");
            continue;
        };
        let refuses = outcome.is_err_and(|error| error.to_string().contains("abacus"));
        assert_eq!(refuses, says, "{type_id}");
        if says {
            let outcome = evaluate_on("cpu", node_type);
            assert!(matches!(outcome, Some(Ok(_))), "{type_id}: {:?}", outcome.map(|it| it.err()));
            on_the_device += 1;
        }
    }
    assert!(on_the_device > 10, "{on_the_device}");
}
