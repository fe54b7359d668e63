//! The motion tools and the rig import as nodes.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use esarm_engine::{NodeType, Outputs, Place};
use esarm_face::node_types;
use esarm_graph::ParameterValue;
use esarm_values::{FrameRate, Mesh, MorphTarget, Rig, Track, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

fn node(type_id: &str) -> NodeType {
    node_types().into_iter().find(|node| node.schema.type_id == type_id).unwrap()
}

fn motion(jaw: &[f32]) -> Value {
    let names = vec!["jawOpen".to_owned(), "browInnerUp".to_owned()];
    let values = jaw.iter().flat_map(|jaw| [*jaw, 1.5]).collect();
    Value::Motion(Arc::new(Track::new(FrameRate::whole(30), names, values).unwrap()))
}

fn values(outputs: &Outputs) -> &[f32] {
    let Some(Value::Motion(motion)) = outputs.get("motion") else { panic!("no motion") };
    motion.values()
}

#[test]
fn with_defaults_every_tool_that_takes_one_motion_changes_nothing_in_time() {
    for type_id in ["face.shape_adjust", "face.mirror", "face.time_shift"] {
        let outputs = node(type_id).call(&[], &[("motion", motion(&[0.25, 0.5]))]).unwrap();
        assert_eq!(values(&outputs), [0.25, 1.5, 0.5, 1.5], "{type_id}");
    }
    let base = ("base", motion(&[0.25, 0.5]));
    assert_eq!(values(&node("face.layers").call(&[], &[base]).unwrap()), [0.25, 1.5, 0.5, 1.5]);
}

#[test]
fn parameters_reach_the_tools() {
    let map = |name: &str, value: f64| ParameterValue::Map(BTreeMap::from([(name.to_owned(), value)]));
    let adjust = node("face.shape_adjust");
    let inputs = [("motion", motion(&[0.25]))];
    let outputs = adjust
        .call(&[("gain", map("jawOpen", 2.0)), ("limit_to_unit", ParameterValue::Toggle(true))], &inputs);
    assert_eq!(values(&outputs.unwrap()), [0.5, 1.0]);
    let error = adjust.call(&[("mute", map("jawOpne", 1.0))], &inputs).unwrap_err().to_string();
    assert!(error.starts_with("parameter \"mute\"") && error.contains("jawOpne"), "{error}");

    let inputs = [("from", motion(&[0.0, 0.0])), ("to", motion(&[1.0, 1.0]))];
    let outputs = node("face.blend").call(&[("weight", ParameterValue::Number(0.25))], &inputs).unwrap();
    assert_eq!(values(&outputs), [0.25, 1.5, 0.25, 1.5]);

    let inputs = [("base", motion(&[0.0])), ("lower", motion(&[0.75]))];
    assert_eq!(values(&node("face.layers").call(&[], &inputs).unwrap()), [0.75, 1.5]);

    let rate = [("frames_per_sec", ParameterValue::Number(59.94))];
    let outputs = node("face.frame_rate").call(&rate, &[("motion", motion(&[0.0, 1.0]))]).unwrap();
    let Some(Value::Motion(converted)) = outputs.get("motion") else { panic!("no motion") };
    assert_eq!((converted.rate(), converted.frame_count()), (FrameRate::new(60_000, 1001).unwrap(), 4));
    let slow = Track::new(FrameRate::whole(1), vec!["jawOpen".to_owned()], vec![0.0, 0.5, 1.0]).unwrap();
    let outputs = node("face.frame_rate").call(&[], &[("motion", Value::Motion(Arc::new(slow)))]).unwrap();
    let Some(Value::Motion(converted)) = outputs.get("motion") else { panic!("no motion") };
    assert_eq!((converted.frame_count(), converted.values()[60]), (180, 0.5));
}

#[test]
fn retargeting_reports_in_words_and_json() {
    let morph = |name: &str| MorphTarget { name: name.to_owned(), ..MorphTarget::default() };
    let mesh = Mesh { morphs: vec![morph("Jaw_Open"), morph("Smile")], ..Mesh::default() };
    let rig = Value::Rig(Arc::new(Rig { meshes: vec![mesh], ..Rig::default() }));
    let outputs = node("face.retarget").call(&[], &[("motion", motion(&[0.5])), ("rig", rig)]).unwrap();
    assert_eq!(values(&outputs), [0.5]);
    let Some(Value::Text(json)) = outputs.get("report_json") else { panic!("no report") };
    let report: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(report["unmapped_channels"], serde_json::json!(["browInnerUp"]));
    assert_eq!(report["unused_morphs"], serde_json::json!(["Smile"]));
}

#[test]
fn a_rig_that_cannot_be_read_names_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head.glb");
    std::fs::write(&path, b"not a rig").unwrap();
    let file = [("file", ParameterValue::Text(path.to_str().unwrap().to_owned()))];
    let error = node("face.rig").call(&file, &[]).unwrap_err().to_string();
    assert!(error.contains("head.glb") && error.contains("not a GLB"), "{error}");
}

#[test]
fn a_rig_without_a_file_is_the_built_in_head() {
    let outputs = node("face.rig").call(&[], &[]).unwrap();
    assert_eq!(outputs, node("face.built_in_head").call(&[], &[]).unwrap());
}

#[test]
fn pictures_belong_to_the_adapter_that_drew_them() {
    use esarm_face::render::{RenderOptions, Renderer, drawing_adapter};
    let render = node("face.render");
    assert_eq!(render.schema.purity, esarm_graph::Purity::External);
    assert!(render.fingerprint.is_some());
    let Ok(renderer) = Renderer::new(RenderOptions::default()) else {
        println!("SKIPPED pictures_belong_to_the_adapter_that_drew_them: no graphics adapter");
        return;
    };
    let name = drawing_adapter().unwrap();
    assert!(
        name.starts_with(renderer.adapter_name()) && name.len() > renderer.adapter_name().len(),
        "{name}"
    );
    let Place::Own(device) = render.place else { panic!("pictures are drawn on a device of their own") };
    assert_eq!(device().as_deref(), Some(name));
}
