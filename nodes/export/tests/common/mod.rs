//! A small rig and a motion that tests share.
#![allow(dead_code)]

use esarm_values::{FrameRate, MOTION_CHANNELS, Material, Mesh, MorphTarget, Primitive, Rig, Track};
use std::path::PathBuf;

/// Two meshes: a skin of a 6 x 6 grid that four shapes move, and teeth that `jawOpen` moves.
pub(crate) fn rig() -> Rig {
    rig_with(&["browInnerUp", "jawOpen", "mouthSmileLeft", "tongueOut"])
}

/// A head whose skin has these shapes and whose teeth have the second of them.
pub(crate) fn rig_with(morphs: &[&str]) -> Rig {
    Rig {
        name: "Test head".to_owned(),
        meshes: vec![grid_mesh("Skin", 0.1, morphs), grid_mesh("Teeth", 0.04, &morphs[1..2])],
        materials: ["Skin", "Teeth"].iter().map(|name| material(name)).collect(),
        source: None,
    }
}

fn material(name: &str) -> Material {
    Material {
        name: name.to_owned(),
        base_color: [0.8, 0.6, 0.5, 1.0],
        metallic: 0.0,
        roughness: 0.6,
        double_sided: false,
    }
}

fn grid_mesh(name: &str, half_width: f32, morphs: &[&str]) -> Mesh {
    let side = 6_u32;
    let at = |step: u32| (step as f32 / (side - 1) as f32 * 2.0 - 1.0) * half_width;
    let positions = (0..side * side).map(|vertex| [at(vertex % side), at(vertex / side), 0.0]).collect();
    let squares = (0..side - 1).flat_map(|row| (0..side - 1).map(move |column| row * side + column));
    let mut triangles: Vec<[u32; 3]> =
        squares.flat_map(|low| [[low, low + 1, low + side], [low + 1, low + side + 1, low + side]]).collect();
    // The skin wears both materials.
    let rest = if name == "Skin" { triangles.split_off(20) } else { Vec::new() };
    let moved = |index: usize| -> MorphTarget {
        let indices: Vec<u32> =
            (0..side * side).filter(|vertex| (*vertex as usize).is_multiple_of(index + 2)).collect();
        let offset = |vertex: &u32| [0.0, 0.001 * *vertex as f32, 0.01 * (index + 1) as f32];
        MorphTarget {
            name: morphs[index].to_owned(),
            position_offsets: indices.iter().map(offset).collect(),
            normal_offsets: indices.iter().map(|_| [0.1, 0.0, -0.01]).collect(),
            indices,
        }
    };
    let material = usize::from(name == "Teeth");
    let mut primitives = vec![Primitive { material, triangles }];
    if !rest.is_empty() {
        primitives.push(Primitive { material: 1, triangles: rest });
    }
    Mesh {
        name: name.to_owned(),
        positions,
        normals: vec![[0.0, 0.0, 1.0]; (side * side) as usize],
        primitives,
        morphs: (0..morphs.len()).map(moved).collect(),
        source_node: None,
    }
}

/// Every channel of a full motion on its own slow wave; the shapes within 0..1, the rotations within ±0.3.
pub(crate) fn motion(rate: FrameRate, frames: usize) -> Track {
    let channels: Vec<String> = MOTION_CHANNELS.iter().map(|name| (*name).to_owned()).collect();
    let width = channels.len();
    let value = |index: usize| {
        let (frame, channel) = (index / width, index % width);
        let wave = (frame as f32 * (0.05 + 0.003 * channel as f32) + channel as f32).sin();
        if channel < 52 { 0.5 + 0.5 * wave } else { 0.3 * wave }
    };
    Track::new(rate, channels, (0..frames * width).map(value).collect()).unwrap()
}

/// Shared test data, or a declared skip.
pub(crate) fn data(test: &str, file: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ESARM_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join(file);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED {test}: {} is not there; set ESARM_DATA to the shared data", path.display());
    None
}
