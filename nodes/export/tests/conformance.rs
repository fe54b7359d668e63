//! Exports read by the clients that people use: `tests/conformance/run.py` compares every weight.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;

use common::{motion, rig_with};
use esarm_export::{ClipInfo, audio2face, glb, live_link_csv, npy, usda};
use esarm_values::{ARKIT_SHAPES, File, FrameRate, Rig, Track};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Writes a file and what belongs beside it as `name` with the given ending.
fn write(folder: &Path, name: &str, ending: &str, file: &File) {
    std::fs::write(folder.join(format!("{name}.{ending}")), &file.bytes).unwrap();
    for (companion, bytes) in &file.companions {
        std::fs::write(folder.join(companion.replace("{stem}", name)), bytes).unwrap();
    }
}

fn write_case(folder: &Path, name: &str, rig: &Rig, motion: &Track) {
    let info = ClipInfo { audio_name: Some("hello.wav".to_owned()), seed: Some(3), ..ClipInfo::default() };
    let options = glb::GlbOptions { info: info.clone(), ..glb::GlbOptions::default() };
    write(folder, name, "npy", &npy::export(motion, &info).unwrap());
    write(folder, name, "glb", &glb::export(rig, motion, &options).unwrap().0);
    write(folder, name, "usda", &usda::export(rig, motion, &info).unwrap().0);
    write(folder, name, "csv", &live_link_csv::export(motion).unwrap().0);
    write(folder, name, "a2f.json", &audio2face::export(motion, &info).unwrap().0);
}

/// The rig of a GLB of ours, given as an imported one: the same meshes with their document.
fn as_imported(rig: &Rig) -> Rig {
    let still = motion(FrameRate::whole(30), 1);
    let bytes = glb::export(rig, &still, &glb::GlbOptions::default()).unwrap().0.bytes;
    let length = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let source = esarm_values::SourceDocument {
        json: bytes[20..20 + length].to_vec(),
        binary: bytes[28 + length..].to_vec(),
    };
    let mut imported = Rig { source: Some(std::sync::Arc::new(source)), ..rig.clone() };
    for (index, mesh) in imported.meshes.iter_mut().enumerate() {
        mesh.source_node = Some(index + 1);
    }
    imported
}

#[test]
fn real_clients_read_the_same_weights() {
    let test = "real_clients_read_the_same_weights";
    let tools = std::env::var_os("ESARM_TOOLS").map(PathBuf::from);
    let python = tools.map(|tools| tools.join("python/bin/python")).filter(|python| python.exists());
    let Some(python) = python else {
        println!("SKIPPED {test}: no Python environment in ESARM_TOOLS; `cargo xtask test` makes one");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let rig = rig_with(&ARKIT_SHAPES);
    write_case(folder.path(), "built_60", &rig, &motion(FrameRate::whole(60), 45));
    write_case(folder.path(), "built_ntsc", &rig, &motion(FrameRate::new(30_000, 1001).unwrap(), 31));
    write_case(folder.path(), "imported", &as_imported(&rig), &motion(FrameRate::whole(30), 40));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/run.py");
    let result = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    let report = String::from_utf8_lossy(&result.stdout);
    report.lines().filter(|line| line.starts_with("SKIPPED")).for_each(|line| println!("{line}"));
    assert!(result.status.success(), "{report}{}", String::from_utf8_lossy(&result.stderr));
    println!("{report}");
}
