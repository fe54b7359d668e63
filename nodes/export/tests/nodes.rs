//! The nodes: schemas that agree with their functions, and files from and to disk.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;

use common::{motion, rig};
use esarm_engine::{NodeError, NodeType, Outputs};
use esarm_graph::ParameterValue;
use esarm_values::{Audio, FrameRate, Value};
use std::path::Path;
use std::sync::Arc;

fn node(type_id: &str) -> NodeType {
    esarm_export::node_types().into_iter().find(|node| node.schema.type_id == type_id).unwrap()
}

fn run(node: &NodeType, set: &[(&str, &Path)], inputs: &[(&str, Value)]) -> Result<Outputs, NodeError> {
    let text = |path: &Path| ParameterValue::Text(path.to_str().unwrap().to_owned());
    let set: Vec<_> = set.iter().map(|(name, path)| (*name, text(path))).collect();
    node.call(&set, inputs)
}

#[test]
fn every_export_gives_what_its_schema_declares_and_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let motion = Arc::new(motion(FrameRate::whole(60), 20));
    for (export, import) in [
        ("export.glb", None),
        ("export.usda", None),
        ("export.live_link_csv", Some("import.live_link_csv")),
        ("export.audio2face_json", Some("import.audio2face_json")),
        ("export.npy", Some("import.npy")),
    ] {
        let exporter = node(export);
        let values = [
            ("motion", Value::Motion(motion.clone())),
            ("rig", Value::Rig(Arc::new(rig()))),
            ("audio", Value::Audio(Arc::new(Audio::new("hello.wav", 16_000, vec![0.0; 160])))),
        ];
        let inputs: Vec<_> =
            values.into_iter().filter(|(port, _)| exporter.schema.find_input(port).is_some()).collect();
        let outputs = run(&exporter, &[], &inputs).unwrap();
        assert!(outputs.keys().eq(["file", "report"]), "{export}");
        let Some(Value::File(file)) = outputs.get("file") else { panic!("{export} gives no file") };
        let Some(import) = import else { continue };
        let name = format!("take.{}", file.extension);
        std::fs::write(folder.path().join(&name), &file.bytes).unwrap();
        for (companion, bytes) in &file.companions {
            std::fs::write(folder.path().join(companion.replace("{stem}", "take")), bytes).unwrap();
        }
        let importer = node(import);
        let outputs = run(&importer, &[("file", &folder.path().join(&name))], &[]).unwrap();
        let Some(Value::Motion(read)) = outputs.get("motion") else { panic!("{import} gives no motion") };
        assert_eq!((read.rate(), read.frame_count()), (motion.rate(), 20));
        let jaw = read.channel(read.channel_index("jawOpen").unwrap());
        assert!(jaw.zip(motion.channel(24)).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}

#[test]
fn companions_of_arrays_are_told_from_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let motion = Arc::new(motion(FrameRate::new(24_000, 1001).unwrap(), 5));
    let outputs = run(&node("export.npy"), &[], &[("motion", Value::Motion(motion.clone()))]).unwrap();
    let Some(Value::File(file)) = outputs.get("file") else { panic!("no file") };
    let (array, write) = (folder.path().join("take.npy"), |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    });
    write("take.npy", &file.bytes);
    let rate = || {
        let outputs = run(&node("import.npy"), &[("file", &array)], &[]).unwrap();
        let Some(Value::Motion(read)) = outputs.get("motion") else { panic!("no motion") };
        read.rate()
    };
    write("take.json", br#"{"exportFps": 30, "facsNames": [], "weightMat": []}"#);
    assert_eq!(rate(), FrameRate::whole(60), "an Audio2Face file is no companion");
    write("take.json", &file.companions[0].1);
    assert_eq!(rate(), motion.rate(), "what older versions wrote is read");
    write(
        "take.npy.json",
        &String::from_utf8_lossy(&file.companions[0].1).replace("24000", "25000").into_bytes(),
    );
    assert_eq!(rate(), FrameRate::new(25_000, 1001).unwrap(), "the new name comes first");
}

#[test]
fn sound_is_written_as_it_is_chosen() {
    let exporter = node("export.wav");
    let audio = || Value::Audio(Arc::new(Audio::new("hello.wav", 16_000, vec![0.25; 160])));
    for (samples, bytes) in [("16-bit", 2), ("float", 4)] {
        let set = [("samples", ParameterValue::Text(samples.to_owned()))];
        let outputs = exporter.call(&set, &[("audio", audio())]).unwrap();
        let Some(Value::File(file)) = outputs.get("file") else { panic!("no file") };
        let size = file.bytes.len();
        assert!(
            file.bytes.starts_with(b"RIFF") && (160 * bytes..160 * bytes + 128).contains(&size),
            "{size}"
        );
    }
}

#[test]
fn errors_name_the_file_and_the_port() {
    let folder = tempfile::tempdir().unwrap();
    let importer = node("import.live_link_csv");
    let missing = run(&importer, &[("file", &folder.path().join("none.csv"))], &[]).unwrap_err().to_string();
    assert!(missing.starts_with("parameter \"file\"") && missing.contains("none.csv"), "{missing}");
    std::fs::write(folder.path().join("bad.csv"), "Timecode,JawOpen\n").unwrap();
    let bad = run(&importer, &[("file", &folder.path().join("bad.csv"))], &[]).unwrap_err().to_string();
    assert!(bad.contains("bad.csv: line 1, column 1: columns are missing: browDownLeft"), "{bad}");
    let empty = Value::Motion(Arc::new(motion(FrameRate::whole(30), 0)));
    let inputs = [("motion", empty), ("rig", Value::Rig(Arc::new(rig())))];
    let error = run(&node("export.glb"), &[], &inputs).unwrap_err().to_string();
    assert!(error.starts_with("input \"motion\"") && error.contains("no frames"), "{error}");
}
