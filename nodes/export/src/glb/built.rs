//! A document made from a rig's own meshes, with sparse morph targets.

use super::animation::{HeadNode, MorphNode};
use super::binary::Part;
use super::document::{Document, FLOAT, UNSIGNED_INT, UNSIGNED_SHORT, ViewUse, bounds};
use super::{GlbOptions, head_pivot};
use crate::ClipInfo;
use esarm_values::{FrameRate, Material, Mesh, MorphTarget, Rig};
use serde_json::{Value, json};

/// Writes the rig: a `Head` node at the neck that carries one node for each mesh.
pub(super) fn build<'a>(
    document: &mut Document<'a>,
    rig: &'a Rig,
    rate: FrameRate,
    options: &GlbOptions,
) -> (Vec<MorphNode<'a>>, HeadNode) {
    let mut asset = json!({ "version": "2.0", "generator": ClipInfo::GENERATOR });
    Document::describe(&mut asset, &options.info, rate);
    document.json.insert("asset".to_owned(), asset);
    for material in &rig.materials {
        document.push("materials", material_json(material));
    }
    let pivot = head_pivot(rig);
    let head = document.push("nodes", json!({ "name": "Head", "translation": pivot }));
    let mut nodes = Vec::new();
    for mesh in &rig.meshes {
        let index = add_mesh(document, mesh, options.morph_normals);
        let back = pivot.map(|part| -part);
        let node = document.push("nodes", json!({ "name": mesh.name, "mesh": index, "translation": back }));
        nodes.push(MorphNode::of(mesh, node));
    }
    let children: Vec<usize> = nodes.iter().map(|morph_node| morph_node.node).collect();
    document.json["nodes"][head]["children"] = json!(children);
    let mut scene = json!({ "name": rig.name, "nodes": [head] });
    Document::describe(&mut scene, &options.info, rate);
    document.push("scenes", scene);
    document.json.insert("scene".to_owned(), 0.into());
    nodes.retain(|node| !node.targets.is_empty());
    (nodes, HeadNode::upright(head))
}

fn material_json(material: &Material) -> Value {
    let mut value = json!({
        "name": material.name,
        "doubleSided": material.double_sided,
        "pbrMetallicRoughness": {
            "baseColorFactor": material.base_color,
            "metallicFactor": material.metallic,
            "roughnessFactor": material.roughness,
        },
    });
    if material.base_color[3] < 1.0 {
        value["alphaMode"] = "BLEND".into();
    }
    value
}

fn add_mesh<'a>(document: &mut Document<'a>, mesh: &'a Mesh, morph_normals: bool) -> usize {
    let positions = document.vectors(&mesh.positions, true);
    let normals = document.vectors(&mesh.normals, false);
    let narrow = mesh.positions.len() <= usize::from(u16::MAX);
    // A reader takes the base normals for a target without normals when another target has some: all or none.
    let morph_normals = morph_normals && mesh.morphs.iter().any(|morph| !morph.normal_offsets.is_empty());
    let targets: Vec<Value> = mesh
        .morphs
        .iter()
        .map(|morph| add_target(document, morph, mesh.positions.len(), narrow, morph_normals))
        .collect();
    let mut primitives = Vec::new();
    for primitive in mesh.primitives.iter().filter(|primitive| !primitive.triangles.is_empty()) {
        let corners = primitive.triangles.as_flattened();
        let part = if narrow { Part::Narrow(corners) } else { Part::Wide(corners) };
        let view = document.view(part, ViewUse::Indices);
        let component = if narrow { UNSIGNED_SHORT } else { UNSIGNED_INT };
        let indices = document.push(
            "accessors",
            json!({ "bufferView": view, "componentType": component, "count": corners.len(), "type": "SCALAR" }),
        );
        let mut value = json!({
            "attributes": { "POSITION": positions, "NORMAL": normals },
            "indices": indices,
            "material": primitive.material,
        });
        if !targets.is_empty() {
            value["targets"] = targets.clone().into();
        }
        primitives.push(value);
    }
    let mut value = json!({ "name": mesh.name, "primitives": primitives });
    if !mesh.morphs.is_empty() {
        let names: Vec<&str> = mesh.morphs.iter().map(|morph| morph.name.as_str()).collect();
        value["extras"] = json!({ "targetNames": names });
        value["weights"] = json!(vec![0.0; names.len()]);
    }
    document.push("meshes", value)
}

/// Adds a morph target as sparse accessors that share their indices.
fn add_target<'a>(
    document: &mut Document<'a>,
    morph: &'a MorphTarget,
    vertices: usize,
    narrow: bool,
    with_normals: bool,
) -> Value {
    let indices = (!morph.indices.is_empty()).then(|| {
        let part = if narrow { Part::Narrow(&morph.indices) } else { Part::Wide(&morph.indices) };
        let component = if narrow { UNSIGNED_SHORT } else { UNSIGNED_INT };
        json!({ "bufferView": document.view(part, ViewUse::Other), "componentType": component })
    });
    let mut target =
        json!({ "POSITION": add_offsets(document, &morph.position_offsets, indices.as_ref(), vertices) });
    if with_normals {
        target["NORMAL"] = add_offsets(document, &morph.normal_offsets, indices.as_ref(), vertices).into();
    }
    target
}

/// Adds one sparse accessor; without offsets or indices it is all zeros and takes no data.
fn add_offsets<'a>(
    document: &mut Document<'a>,
    offsets: &'a [[f32; 3]],
    indices: Option<&Value>,
    vertices: usize,
) -> usize {
    let (mut low, mut high) = bounds(offsets);
    if offsets.len() < vertices {
        low = low.map(|part| part.min(0.0));
        high = high.map(|part| part.max(0.0));
    }
    let mut accessor =
        json!({ "componentType": FLOAT, "count": vertices, "type": "VEC3", "min": low, "max": high });
    if let (Some(indices), false) = (indices, offsets.is_empty()) {
        let values = document.view(Part::Vectors(offsets), ViewUse::Other);
        accessor["sparse"] =
            json!({ "count": offsets.len(), "indices": indices, "values": { "bufferView": values } });
    }
    document.push("accessors", accessor)
}
