//! Rigs read from real files, from small hand-made ones, and from damaged ones.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use esarm_face::rig::{RigError, import};
use esarm_values::{ARKIT_SHAPES, Mesh};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::PathBuf;

fn data(test: &str, file: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("ESARM_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join(file);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("SKIPPED {test}: {} is not there; set ESARM_DATA to the shared data", path.display());
    }
    bytes
}

/// A GLB of one triangle with two sparse-free targets; `change` edits its JSON, `data` is its binary chunk.
fn triangle_json() -> Value {
    json!({
        "asset": { "version": "2.0" },
        "scenes": [{ "nodes": [0] }],
        "nodes": [{ "mesh": 0, "name": "face", "translation": [0, 1, 0], "scale": [2, 2, 2] }],
        "meshes": [{
            "primitives": [{ "attributes": { "POSITION": 0 }, "targets": [{ "POSITION": 1 }, { "POSITION": 2 }] }],
            "extras": { "targetNames": ["jawOpen", "smile"] },
        }],
        "accessors": [
            { "bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3" },
            { "bufferView": 1, "componentType": 5126, "count": 3, "type": "VEC3" },
            { "componentType": 5126, "count": 3, "type": "VEC3", "sparse": {
                "count": 1,
                "indices": { "bufferView": 2, "componentType": 5125 },
                "values": { "bufferView": 3 },
            } },
        ],
        "bufferViews": [
            { "buffer": 0, "byteOffset": 0, "byteLength": 36 },
            { "buffer": 0, "byteOffset": 36, "byteLength": 36 },
            { "buffer": 0, "byteOffset": 72, "byteLength": 4 },
            { "buffer": 0, "byteOffset": 76, "byteLength": 12 },
        ],
        "buffers": [{ "byteLength": 88 }],
    })
}

fn triangle_data() -> Vec<u8> {
    let positions = [0.0_f32, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let jaw = [0.0_f32, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0];
    let mut data: Vec<u8> = positions.iter().chain(&jaw).flat_map(|part| part.to_le_bytes()).collect();
    data.extend(2_u32.to_le_bytes());
    data.extend([0.5_f32, 0.0, 0.0].iter().flat_map(|part| part.to_le_bytes()));
    data
}

fn glb(json: &Value, data: &[u8]) -> Vec<u8> {
    let mut text = json.to_string().into_bytes();
    text.resize(text.len().next_multiple_of(4), b' ');
    let mut bytes = b"glTF\x02\0\0\0".to_vec();
    bytes.extend(((28 + text.len() + data.len()) as u32).to_le_bytes());
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(b"JSON");
    bytes.extend(text);
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(b"BIN\0");
    bytes.extend(data);
    bytes
}

fn message(json: &Value) -> String {
    import(&glb(json, &triangle_data()), "test").unwrap_err().to_string()
}

fn assert_sound(mesh: &Mesh) {
    assert_eq!(mesh.positions.len(), mesh.normals.len());
    assert!(mesh.normals.iter().all(|n| (n.iter().map(|part| part * part).sum::<f32>() - 1.0).abs() < 1e-3));
    let corners = mesh.primitives.iter().flat_map(|primitive| primitive.triangles.as_flattened());
    assert!(corners.into_iter().all(|corner| (*corner as usize) < mesh.positions.len()));
    for morph in &mesh.morphs {
        assert!(morph.indices.is_sorted_by(|a, b| a < b));
        assert_eq!(morph.indices.len(), morph.position_offsets.len());
        assert!(morph.indices.last().is_none_or(|last| (*last as usize) < mesh.positions.len()));
    }
}

#[test]
fn the_ict_head_is_read_whole() {
    let Some(bytes) = data("the_ict_head_is_read_whole", "ict_head/ict_head.glb") else { return };
    let rig = import(&bytes, "ICT").unwrap();
    let [mesh] = rig.meshes.as_slice() else { panic!("{} meshes", rig.meshes.len()) };
    assert_sound(mesh);
    assert_eq!((mesh.primitives.len(), mesh.morphs.len(), mesh.source_node), (9, 51, Some(0)));
    assert!(mesh.morphs.iter().all(|morph| ARKIT_SHAPES.contains(&morph.name.as_str())));
    // The values that the file's accessors 0 and 4 state as bounds.
    let lowest = mesh.positions[..9547].iter().map(|position| position[1]).fold(f32::INFINITY, f32::min);
    assert_eq!(lowest, -0.164_741);
    let brow = &mesh.morphs[0];
    let on_face: Vec<f32> = brow
        .indices
        .iter()
        .zip(&brow.position_offsets)
        .filter(|(index, _)| **index < 9547)
        .map(|(_, o)| o[0])
        .collect();
    assert!(on_face.len() <= 3405 && on_face.len() > 3000, "{}", on_face.len());
    assert_eq!(on_face.iter().copied().fold(0.0, f32::min), -0.004_571_2);
    let source = rig.source.as_ref().unwrap();
    assert_eq!(source.json, bytes[20..20 + source.json.len()]);
}

#[test]
fn a_gltf_with_data_uris_is_packed() {
    let Some(bytes) = data("a_gltf_with_data_uris_is_packed", "gltf_morph/MorphStressTest.gltf") else {
        return;
    };
    let rig = import(&bytes, "Stress").unwrap();
    let names: Vec<String> = (1..=8).map(|key| format!("Key {key}")).collect();
    assert!(rig.meshes.iter().filter(|mesh| !mesh.morphs.is_empty()).count() == 1);
    for mesh in &rig.meshes {
        assert_sound(mesh);
        assert!(mesh.morphs.iter().map(|morph| &morph.name).eq(&names));
        assert!(mesh.morphs.iter().any(|morph| !morph.normal_offsets.is_empty()));
    }
    let packed: Value = serde_json::from_slice(&rig.source.as_ref().unwrap().json).unwrap();
    assert_eq!(packed["buffers"], json!([{ "byteLength": rig.source.as_ref().unwrap().binary.len() }]));
    assert!(packed["images"][0].get("uri").is_some() || packed["images"][0].get("bufferView").is_some());
}

#[test]
fn nodes_place_vertices_and_offsets() {
    let rig = import(&glb(&triangle_json(), &triangle_data()), "test").unwrap();
    let mesh = &rig.meshes[0];
    assert_eq!(mesh.positions, [[0.0, 1.0, 0.0], [2.0, 1.0, 0.0], [0.0, 3.0, 0.0]]);
    assert_eq!(mesh.normals, [[0.0, 0.0, 1.0]; 3]);
    assert_eq!(
        (mesh.morphs[0].indices.as_slice(), mesh.morphs[0].position_offsets[0]),
        ([1].as_slice(), [0.0, -2.0, 0.0])
    );
    assert_eq!(
        (mesh.morphs[1].indices.as_slice(), mesh.morphs[1].position_offsets[0]),
        ([2].as_slice(), [1.0, 0.0, 0.0])
    );
    assert_eq!(rig.morph_names(), ["jawOpen", "smile"]);
}

#[test]
fn quantised_vertices_are_read() {
    let mut json = triangle_json();
    json["extensionsRequired"] = json!(["KHR_mesh_quantization"]);
    json["nodes"][0] = json!({ "mesh": 0 });
    json["accessors"][0] =
        json!({ "bufferView": 0, "componentType": 5122, "normalized": true, "count": 3, "type": "VEC3" });
    json["bufferViews"][0]["byteStride"] = 8.into();
    let mut data = triangle_data();
    let corners: [[i16; 4]; 3] = [[32_767, 0, 0, 0], [-32_768, 16_384, 0, 0], [0, 0, 0, 0]];
    for (slot, part) in data.chunks_exact_mut(2).zip(corners.as_flattened()) {
        slot.copy_from_slice(&part.to_le_bytes());
    }
    let mesh = &import(&glb(&json, &data), "test").unwrap().meshes[0];
    assert_eq!(mesh.positions[..2], [[1.0, 0.0, 0.0], [-1.0, 16_384.0 / 32_767.0, 0.0]]);
}

#[test]
fn primitives_that_share_vertices_go_on_sharing_them() {
    let mut json = triangle_json();
    let primitive = json["meshes"][0]["primitives"][0].clone();
    json["meshes"][0]["primitives"] = json!([primitive, primitive]);
    let rig = import(&glb(&json, &triangle_data()), "test").unwrap();
    assert_eq!((rig.meshes[0].positions.len(), rig.meshes[0].primitives.len()), (3, 2));
}

#[test]
fn what_is_not_supported_is_named_with_a_remedy() {
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut json = triangle_json();
        change(&mut json);
        message(&json)
    };
    for extension in ["KHR_draco_mesh_compression", "EXT_meshopt_compression"] {
        let text = changed(&|json| json["extensionsUsed"] = json!([extension]));
        assert!(text.contains(extension) && text.contains("compression turned off"), "{text}");
    }
    assert!(changed(&|json| json["extensionsRequired"] = json!(["ACME_voxels"])).contains("ACME_voxels"));
    let external = changed(&|json| json["buffers"][0]["uri"] = "head.bin".into());
    assert!(external.contains("\"head.bin\"") && external.contains("one GLB file"), "{external}");
    let plain = changed(&|json| json["meshes"][0]["primitives"][0]["targets"] = json!([]));
    assert!(plain.contains("none has morph targets") && plain.contains("jawOpen"), "{plain}");
    let second = changed(&|json| {
        let mut primitive = json["meshes"][0]["primitives"][0].clone();
        primitive["targets"] = json!([{ "POSITION": 1 }]);
        json["meshes"][0]["primitives"].as_array_mut().unwrap().push(primitive);
    });
    assert!(second.contains("meshes[0].primitives[1]: has 1 morph targets"), "{second}");
}

#[test]
fn false_claims_are_refused() {
    let refused = |pointer: &str, value: Value, wanted: &str| {
        let mut json = triangle_json();
        *json.pointer_mut(pointer).unwrap() = value;
        let text = message(&json);
        assert!(text.contains(wanted), "{pointer}: {text}");
    };
    refused("/accessors/0/count", json!(4_000_000_000_u64), "rig can have");
    refused("/accessors/0/count", json!(90_000_000), "beyond its buffer");
    refused("/accessors/2/count", json!(90_000_000), "90000000 elements for 3 vertices");
    refused("/accessors/2/sparse/count", json!(2), "beyond its buffer");
    refused("/bufferViews/1/byteLength", json!(u64::MAX), "beyond its buffer");
    refused("/buffers/0/byteLength", json!(4000), "cut off in buffers[0]");
    refused("/nodes/0/mesh", json!(7), "meshes[7]");
    refused("/scenes/0/nodes", json!([0, 0]), "two parents");
    let huge = json!([1e30, 1e30, 1e30]);
    let nested = json!([{ "children": [1], "scale": huge }, { "mesh": 0, "scale": huge }]);
    refused("/nodes", nested, "nodes[1]: has a transform that is not finite");
    refused("/accessors/1/type", json!("VEC2"), "VEC3 is needed");
    refused("/asset/version", json!("1.0"), "version 1.0");
    assert!(matches!(import(b"", "x"), Err(RigError::NotGltf(_))));
    assert!(matches!(import(b"RIFF....", "x"), Err(RigError::NotGltf(_))));
    assert!(matches!(import(b"{\n\"asset\": 3}", "x"), Err(RigError::Json { line: 2, .. })));
    let whole = glb(&triangle_json(), &triangle_data());
    assert!(matches!(import(&whole[..whole.len() - 9], "x"), Err(RigError::Truncated(_))));
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((0_usize..2000, any::<u8>()), 1..4), cut in 0_usize..3000) {
        let mut bytes = glb(&triangle_json(), &triangle_data());
        let length = bytes.len();
        for (at, byte) in changes {
            bytes[at % length] = byte;
        }
        bytes.truncate(cut.max(40));
        let _ = import(&bytes, "test");
    }

    #[test]
    fn changed_numbers_never_panic(which in 0_usize..60, value in prop_oneof![0_u64..8, any::<u64>()]) {
        let text = triangle_json().to_string();
        let digits: Vec<(usize, usize)> = {
            let mut found = Vec::new();
            let bytes = text.as_bytes();
            let mut at = 0;
            while at < bytes.len() {
                let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                if length > 0 {
                    found.push((at, length));
                }
                at += length.max(1);
            }
            found
        };
        let (at, length) = digits[which % digits.len()];
        let changed = format!("{}{value}{}", &text[..at], &text[at + length..]);
        if let Ok(json) = serde_json::from_str::<Value>(&changed)
            && let Ok(rig) = import(&glb(&json, &triangle_data()), "test")
        {
            rig.meshes.iter().for_each(assert_sound);
        }
    }
}
