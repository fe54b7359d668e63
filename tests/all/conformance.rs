//! Exports of real heads in motion, read by the clients that people use: `conformance/run.py` compares every weight.

use esarm_engine::Registry;
use esarm_graph::ParameterValue;
use esarm_values::{File, FrameRate, MOTION_CHANNELS, Rig, Track, Value};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

/// One node after the other, without a graph.
struct Nodes(Registry);

impl Nodes {
    fn call(&self, type_id: &str, file: Option<&Path>, inputs: &[(&str, Value)], port: &str) -> Value {
        let node = self.0.get(type_id).unwrap();
        let text = |path: &Path| ParameterValue::Text(path.to_str().unwrap().to_owned());
        let parameters: Vec<_> = file.map(|path| ("file", text(path))).into_iter().collect();
        let outputs = node.call(&parameters, inputs).unwrap_or_else(|error| panic!("{type_id}: {error}"));
        outputs[port].clone()
    }

    fn rig(&self, file: &Path) -> Arc<Rig> {
        let Value::Rig(rig) = self.call("face.rig", Some(file), &[], "rig") else { panic!("no rig") };
        rig
    }

    /// Writes every export of a motion on a rig; the motion is given the rig's names first.
    fn write_case(&self, folder: &Path, name: &str, rig: &Arc<Rig>, motion: Track) {
        let rig = ("rig", Value::Rig(rig.clone()));
        let motion = ("motion", Value::Motion(Arc::new(motion)));
        let named = self.call("face.retarget", None, &[motion, rig.clone()], "motion");
        let motion = ("motion", named);
        let with_rig = [motion.clone(), rig];
        for (type_id, ending, inputs) in [
            ("export.npy", "npy", &with_rig[..1]),
            ("export.glb", "glb", &with_rig),
            ("export.usda", "usda", &with_rig),
            ("export.live_link_csv", "csv", &with_rig[..1]),
            ("export.audio2face_json", "a2f.json", &with_rig[..1]),
        ] {
            let Value::File(file) = self.call(type_id, None, inputs, "file") else { panic!("no file") };
            write(folder, name, ending, &file);
        }
    }
}

fn write(folder: &Path, name: &str, ending: &str, file: &File) {
    std::fs::write(folder.join(format!("{name}.{ending}")), &file.bytes).unwrap();
    for (companion, bytes) in &file.companions {
        std::fs::write(folder.join(companion.replace("{stem}", name)), bytes).unwrap();
    }
}

/// Every channel on a slow wave of its own.
fn waves(rate: FrameRate, frames: usize) -> Track {
    let channels: Vec<String> = MOTION_CHANNELS.iter().map(|name| (*name).to_owned()).collect();
    let value = |index: usize| {
        let (frame, channel) = (index / channels.len(), index % channels.len());
        let wave = (frame as f32 * (0.07 + 0.002 * channel as f32) + channel as f32).sin();
        if channel < 52 { 0.5 + 0.5 * wave } else { 0.3 * wave }
    };
    let values = (0..frames * channels.len()).map(value).collect();
    Track::new(rate, channels.clone(), values).unwrap()
}

fn data(test: &str, file: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ESARM_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from);
    let path = root.join(file);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED {test}: {} is not there; set ESARM_DATA to the shared data", path.display());
    None
}

/// The Python of the test tools, or a declared skip.
fn python(test: &str) -> Option<PathBuf> {
    let tools = std::env::var_os("ESARM_TOOLS").map(PathBuf::from);
    let python = tools.map(|tools| tools.join("python/bin/python")).filter(|python| python.exists());
    if python.is_none() {
        println!("SKIPPED {test}: no Python environment in ESARM_TOOLS; `cargo xtask test` makes one");
    }
    python
}

fn compare(python: &Path, folder: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/run.py");
    Command::new(python).arg(script).arg(folder).output().unwrap()
}

/// The comparison itself must fail when a file has lost a moving channel.
#[test]
fn a_lost_channel_is_found() {
    let Some(python) = python("a_lost_channel_is_found") else { return };
    let (nodes, folder) = (Nodes(esarm_library::registry()), tempfile::tempdir().unwrap());
    let names = vec!["jawOpen".to_owned(), "mouthClose".to_owned()];
    let motion = Track::new(FrameRate::whole(30), names, vec![0.5, 0.25, 1.0, 0.75]).unwrap();
    let motion = [("motion", Value::Motion(Arc::new(motion)))];
    let Value::File(array) = nodes.call("export.npy", None, &motion, "file") else { panic!("no file") };
    write(folder.path(), "case", "npy", &array);
    let poses = |names: &str, weights: &str, count: usize| {
        let text = format!(
            r#"{{"exportFps": 30, "numFrames": 2, "numPoses": {count}, "facsNames": {names}, "weightMat": {weights}}}"#
        );
        std::fs::write(folder.path().join("case.a2f.json"), text).unwrap();
        let result = compare(&python, folder.path());
        (result.status.success(), String::from_utf8_lossy(&result.stdout).into_owned())
    };
    let (whole, said) = poses(r#"["jawOpen", "mouthClose"]"#, "[[0.5, 0.25], [1.0, 0.75]]", 2);
    assert!(whole, "{said}");
    let (whole, said) = poses(r#"["jawOpen"]"#, "[[0.5], [1.0]]", 1);
    assert!(!whole && said.contains("1 moving channels did not come back: ['mouthclose']"), "{said}");
}

#[test]
fn real_clients_read_heads_in_motion() {
    let test = "real_clients_read_heads_in_motion";
    let Some(python) = python(test) else { return };
    let (nodes, folder) = (Nodes(esarm_library::registry()), tempfile::tempdir().unwrap());
    let folder = std::env::var_os("ESARM_KEEP").map_or_else(|| folder.path().to_owned(), PathBuf::from);
    let Value::Rig(built_in) = nodes.call("face.built_in_head", None, &[], "rig") else { panic!("no rig") };
    nodes.write_case(&folder, "built_in_waves", &built_in, waves(FrameRate::whole(60), 60));
    let ict = data(test, "ict_head/ict_head.glb").map(|path| nodes.rig(&path));
    if let Some(ict) = &ict {
        nodes.write_case(&folder, "ict_waves", ict, waves(FrameRate::new(30_000, 1001).unwrap(), 40));
    }
    if let Some(take) = data(test, "livelink_csv/alexdjulin_apfel.csv") {
        let Value::Motion(take) = nodes.call("import.live_link_csv", Some(&take), &[], "motion") else {
            panic!("no motion")
        };
        nodes.write_case(&folder, "built_in_take", &built_in, take.window(600, 720).starting_at(0));
        if let Some(ict) = &ict {
            nodes.write_case(&folder, "ict_take", ict, take.window(200, 320).starting_at(0));
        }
    }
    let result = compare(&python, &folder);
    let report = String::from_utf8_lossy(&result.stdout);
    report.lines().filter(|line| line.starts_with("SKIPPED")).for_each(|line| println!("{line}"));
    assert!(result.status.success(), "{report}{}", String::from_utf8_lossy(&result.stderr));
    println!("{report}");
}
