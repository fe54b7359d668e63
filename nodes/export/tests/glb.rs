//! GLB files, read back by the `gltf` crate.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;

use common::{motion, rig};
use esarm_export::{ClipInfo, ExportError, glb};
use esarm_values::{FrameRate, Rig, Track, head_rotation};
use gltf::animation::util::ReadOutputs;

fn exported(rig: &Rig, motion: &Track) -> gltf::Gltf {
    let info = ClipInfo { audio_name: Some("hello.wav".to_owned()), seed: Some(7), ..ClipInfo::default() };
    let options = glb::GlbOptions { info, ..glb::GlbOptions::default() };
    let (file, _) = glb::export(rig, motion, &options).unwrap();
    gltf::Gltf::from_slice(&file.bytes).unwrap()
}

/// Weights by target name and then frame, for the node's mesh.
fn weights_of(document: &gltf::Gltf, node: usize) -> Vec<(String, Vec<f32>)> {
    let blob = document.blob.as_deref().unwrap();
    let mesh = document.nodes().nth(node).unwrap().mesh().unwrap();
    let extras: serde_json::Value = serde_json::from_str(mesh.extras().as_ref().unwrap().get()).unwrap();
    let names: Vec<String> = serde_json::from_value(extras["targetNames"].clone()).unwrap();
    let animation = document.animations().next().unwrap();
    let channel = animation.channels().find(|channel| {
        channel.target().node().index() == node
            && channel.target().property() == gltf::animation::Property::MorphTargetWeights
    });
    let reader = channel.as_ref().unwrap().reader(|_| Some(blob));
    let Some(ReadOutputs::MorphTargetWeights(weights)) = reader.read_outputs() else { panic!("no weights") };
    let flat: Vec<f32> = weights.into_f32().collect();
    let columns = names.iter().enumerate();
    columns
        .map(|(column, name)| {
            (name.clone(), flat.iter().skip(column).step_by(names.len()).copied().collect())
        })
        .collect()
}

fn assert_weights(document: &gltf::Gltf, node: usize, motion: &Track) {
    for (name, weights) in weights_of(document, node) {
        let expected: Vec<f32> = match motion.channel_index(&name) {
            Some(column) => motion.channel(column).collect(),
            None => vec![0.0; motion.frame_count()],
        };
        assert_eq!(weights, expected, "{name}");
    }
}

#[test]
fn a_built_rig_keeps_its_shape_and_every_weight() {
    let (rig, motion) = (rig(), motion(FrameRate::whole(60), 90));
    let document = exported(&rig, &motion);
    let blob = document.blob.as_deref().unwrap();
    assert_weights(&document, 1, &motion);
    assert_weights(&document, 2, &motion);
    for (mesh, expected) in document.meshes().zip(&rig.meshes) {
        let primitive = mesh.primitives().next().unwrap();
        let reader = primitive.reader(|_| Some(blob));
        assert_eq!(reader.read_positions().unwrap().collect::<Vec<_>>(), expected.positions);
        let triangles: Vec<u32> = reader.read_indices().unwrap().into_u32().collect();
        assert_eq!(triangles, expected.primitives[0].triangles.as_flattened());
        for ((positions, normals, _), morph) in reader.read_morph_targets().zip(&expected.morphs) {
            let positions: Vec<[f32; 3]> = positions.unwrap().collect();
            let normals: Vec<[f32; 3]> = normals.unwrap().collect();
            for (vertex, (position, normal)) in positions.iter().zip(&normals).enumerate() {
                let moved = morph.indices.binary_search(&(vertex as u32)).ok();
                assert_eq!(*position, moved.map_or([0.0; 3], |at| morph.position_offsets[at]));
                assert_eq!(*normal, moved.map_or([0.0; 3], |at| morph.normal_offsets[at]));
            }
        }
    }
}

#[test]
fn times_are_exact_and_the_head_turns() {
    let motion = motion(FrameRate::new(30_000, 1001).unwrap(), 50);
    let document = exported(&rig(), &motion);
    let blob = document.blob.as_deref().unwrap();
    let animation = document.animations().next().unwrap();
    let rotation = animation
        .channels()
        .find(|channel| channel.target().property() == gltf::animation::Property::Rotation)
        .unwrap();
    assert_eq!(rotation.target().node().name(), Some("Head"));
    let reader = rotation.reader(|_| Some(blob));
    for (frame, time) in reader.read_inputs().unwrap().enumerate() {
        assert_eq!(time, (frame as f64 * 1001.0 / 30_000.0) as f32);
    }
    let Some(ReadOutputs::Rotations(rotations)) = reader.read_outputs() else { panic!("no rotations") };
    for (frame, rotation) in rotations.into_f32().enumerate() {
        let angles = &motion.frame(frame)[52..55];
        let expected = head_rotation(angles[0], angles[1], angles[2]);
        assert!(rotation.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}

#[test]
fn the_file_says_where_it_came_from() {
    let document = exported(&rig(), &motion(FrameRate::whole(30), 2));
    let extras = document.document.as_json().asset.extras.as_ref().unwrap().get();
    let extras: serde_json::Value = serde_json::from_str(extras).unwrap();
    assert_eq!(extras["esarm"]["audio"], "hello.wav");
    assert_eq!(extras["esarm"]["seed"], "7");
    assert_eq!(extras["esarm"]["frames_per_sec"], "30");
}

#[test]
fn an_imported_document_gets_an_animation_and_nothing_else_changes() {
    let bare = motion(FrameRate::whole(30), 3).window(0, 1);
    let (file, _) = glb::export(&rig(), &bare, &glb::GlbOptions::default()).unwrap();
    let source = source_of(&file.bytes);
    let mut rig = rig();
    for (index, mesh) in rig.meshes.iter_mut().enumerate() {
        mesh.source_node = Some(index + 1);
    }
    let before: serde_json::Value = serde_json::from_slice(&source.json).unwrap();
    let binary = source.binary.clone();
    rig.source = Some(std::sync::Arc::new(source));
    let motion = motion(FrameRate::whole(60), 40);
    let document = exported(&rig, &motion);
    assert_eq!(document.animations().count(), 1, "the earlier export's animation is replaced");
    assert_weights(&document, 1, &motion);
    assert_weights(&document, 2, &motion);
    assert_eq!(document.blob.as_deref().unwrap()[..binary.len()], binary);
    let (file, report) = glb::export(&rig, &motion, &glb::GlbOptions::default()).unwrap();
    let after: serde_json::Value = serde_json::from_slice(&source_of(&file.bytes).json).unwrap();
    for kept in ["meshes", "materials", "nodes", "scene"] {
        assert_eq!(before[kept], after[kept], "{kept}");
    }
    assert!(report.left_out.iter().any(|name| name == "jawLeft"), "{report}");
}

/// The test rig as if it had been imported from a file, whose document `change` edits.
fn imported_rig(change: impl FnOnce(&mut serde_json::Value)) -> Rig {
    let still = motion(FrameRate::whole(30), 1);
    let (file, _) = glb::export(&rig(), &still, &glb::GlbOptions::default()).unwrap();
    let mut source = source_of(&file.bytes);
    let mut json: serde_json::Value = serde_json::from_slice(&source.json).unwrap();
    change(&mut json);
    source.json = json.to_string().into_bytes();
    let mut rig = rig();
    for (index, mesh) in rig.meshes.iter_mut().enumerate() {
        mesh.source_node = Some(index + 1);
    }
    rig.source = Some(std::sync::Arc::new(source));
    rig
}

#[test]
fn the_speech_is_the_first_animation_and_the_artists_stay() {
    let rig = imported_rig(|json| {
        let ours = json["animations"][0].clone();
        let mut idle = ours.clone();
        idle["name"] = "Idle".into();
        idle.as_object_mut().unwrap().remove("extras");
        json["animations"] = serde_json::json!([idle, ours]);
    });
    let motion = motion(FrameRate::whole(60), 12);
    let document = exported(&rig, &motion);
    let names: Vec<_> = document.animations().map(|animation| animation.name().map(str::to_owned)).collect();
    assert_eq!(names, [Some("hello.wav".to_owned()), Some("Idle".to_owned())]);
    assert_weights(&document, 1, &motion);
}

#[test]
fn a_document_without_scenes_gets_one_and_its_head_turns() {
    for scenes in [None, Some(serde_json::json!([]))] {
        let rig = imported_rig(|json| {
            json["nodes"][0]["name"] = "group".into();
            let object = json.as_object_mut().unwrap();
            object.remove("scene");
            object.remove("scenes");
            if let Some(scenes) = scenes {
                object.insert("scenes".to_owned(), scenes);
            }
        });
        let motion = motion(FrameRate::whole(60), 12);
        let (_, report) = glb::export(&rig, &motion, &glb::GlbOptions::default()).unwrap();
        assert!(report.to_string().contains("a node named Head was put above"), "{report}");
        let document = exported(&rig, &motion);
        let root = document.default_scene().unwrap().nodes().next().unwrap();
        assert_eq!(root.name(), Some("Head"));
        let turned = document.animations().next().unwrap();
        assert!(turned.channels().any(|channel| channel.target().node().index() == root.index()));
        let group = root.children().next().unwrap().children().next().unwrap();
        assert_eq!(group.name(), Some("group"));
    }
}

fn source_of(glb: &[u8]) -> esarm_values::SourceDocument {
    let length = u32::from_le_bytes(glb[12..16].try_into().unwrap()) as usize;
    esarm_values::SourceDocument { json: glb[20..20 + length].to_vec(), binary: glb[28 + length..].to_vec() }
}

#[test]
fn what_cannot_be_written_is_named() {
    let options = glb::GlbOptions::default();
    let whole = motion(FrameRate::whole(30), 3);
    let mut spoilt = whole.clone();
    spoilt.values_mut()[61 + 24] = f32::NAN;
    let error = glb::export(&rig(), &spoilt, &options).unwrap_err();
    assert!(
        matches!(&error, ExportError::NotFinite { channel, frame: 1, .. } if channel == "jawOpen"),
        "{error}"
    );
    assert_eq!(glb::export(&rig(), &whole.window(9, 9), &options).unwrap_err(), ExportError::NoFrames);
    let strange = Track::new(FrameRate::whole(30), vec!["blink".to_owned()], vec![0.0]).unwrap();
    let error = glb::export(&rig(), &strange, &options).unwrap_err();
    assert!(error.to_string().contains("retarget"), "{error}");
    let names = ["headYaw", "viseme_aa"].map(str::to_owned).to_vec();
    let turning = Track::new(FrameRate::whole(30), names, vec![0.1, 0.2]).unwrap();
    let error = glb::export(&rig(), &turning, &options).unwrap_err();
    assert!(matches!(error, ExportError::NothingMapped { .. }), "{error}");
    assert!(error.to_string().contains("browInnerUp, jawOpen"), "{error}");
    let mut broken = rig();
    broken.meshes[0].morphs[0].indices[0] = 999;
    let error = glb::export(&broken, &whole, &options).unwrap_err();
    assert!(error.to_string().contains("browInnerUp"), "{error}");
}
