//! The document that a rig was imported from, with an animation added and everything else kept.

use super::animation::{HeadNode, IDENTITY, MorphNode, normalized, rotate};
use super::binary::Part;
use super::document::Document;
use super::head_pivot;
use crate::{ClipInfo, ColumnReport, ExportError};
use esarm_values::{FrameRate, Rig, SourceDocument};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Opens the source document and finds the nodes to animate.
pub(super) fn open<'a>(
    document: &mut Document<'a>,
    rig: &'a Rig,
    source: &'a SourceDocument,
    turns_head: bool,
    rate: FrameRate,
    info: &ClipInfo,
    report: &mut ColumnReport,
) -> Result<(Vec<MorphNode<'a>>, Option<HeadNode>), ExportError> {
    let broken = |message: String| ExportError::Rig { rig: rig.name.clone(), message };
    document.json = match serde_json::from_slice(&source.json) {
        Ok(Value::Object(json)) => json,
        Ok(_) => return Err(broken("its source document is not a JSON object; import it again".to_owned())),
        Err(error) => {
            return Err(broken(format!("its source document cannot be read ({error}); import it again")));
        }
    };
    document.binary.push(Part::Bytes(&source.binary));
    Document::describe(&mut document.json["asset"], info, rate);
    if let Some(scene) = scene_index(document) {
        Document::describe(&mut document.json["scenes"][scene], info, rate);
    }
    let nodes = morph_nodes(rig, document).map_err(broken)?;
    let head = if turns_head { head_node(document, rig, report) } else { None };
    Ok((nodes, head))
}

/// The index of the scene that is shown, when the document has one.
fn scene_index(document: &Document<'_>) -> Option<usize> {
    let wanted = document.json.get("scene").and_then(Value::as_u64).unwrap_or(0) as usize;
    document.json.get("scenes")?.get(wanted)?.is_object().then_some(wanted)
}

fn morph_nodes<'a>(rig: &'a Rig, document: &Document<'_>) -> Result<Vec<MorphNode<'a>>, String> {
    let count = document.json.get("nodes").and_then(Value::as_array).map_or(0, Vec::len);
    let moving = rig.meshes.iter().filter(|mesh| !mesh.morphs.is_empty());
    moving
        .map(|mesh| match mesh.source_node {
            Some(node) if node < count => Ok(MorphNode::of(mesh, node)),
            _ => Err(format!(
                "mesh \"{}\" has no node in the source document; import the rig again",
                mesh.name
            )),
        })
        .collect()
}

/// The node to turn: a bone or group named `Head`, or a node put above the scene when nothing is skinned.
fn head_node(document: &mut Document<'_>, rig: &Rig, report: &mut ColumnReport) -> Option<HeadNode> {
    if let Some(head) = named_head(document) {
        return Some(head);
    }
    let is_skinned =
        document.json.get("skins").and_then(Value::as_array).is_some_and(|skins| !skins.is_empty());
    if is_skinned {
        report.notes.push(format!(
            "head rotation left out: rig \"{}\" has a skeleton but no bone named Head; rename its head bone",
            rig.name
        ));
        return None;
    }
    let scene = scene_index(document).unwrap_or_else(|| add_scene(document));
    report.notes.push("head rotation: a node named Head was put above the scene".to_owned());
    Some(wrap_scene(document, scene, head_pivot(rig)))
}

/// Gives a document without scenes the one that it stands for: every node that is no child.
fn add_scene(document: &mut Document<'_>) -> usize {
    let nodes = document.json.get("nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let children = nodes.iter().filter_map(|node| node.get("children")?.as_array()).flatten();
    let children: HashSet<u64> = children.filter_map(Value::as_u64).collect();
    let roots: Vec<usize> = (0..nodes.len()).filter(|node| !children.contains(&(*node as u64))).collect();
    let scene = document.push("scenes", json!({ "nodes": roots }));
    document.json.insert("scene".to_owned(), scene.into());
    scene
}

/// Puts two nodes above the scene's roots, so that they turn about `pivot` and keep their own transforms.
fn wrap_scene(document: &mut Document<'_>, scene: usize, pivot: [f32; 3]) -> HeadNode {
    let roots = document.json["scenes"][scene].get("nodes").cloned().unwrap_or_else(|| json!([]));
    let back = pivot.map(|part| -part);
    let inner =
        document.push("nodes", json!({ "name": "Head pivot", "translation": back, "children": roots }));
    let outer = document.push("nodes", json!({ "name": "Head", "translation": pivot, "children": [inner] }));
    document.json["scenes"][scene]["nodes"] = json!([outer]);
    HeadNode::upright(outer)
}

/// A node without a mesh whose name is `Head`, with or without a namespace before a colon.
fn named_head(document: &Document<'_>) -> Option<HeadNode> {
    let nodes = document.json.get("nodes")?.as_array()?;
    let is_head = |node: &Value| {
        let name = node.get("name").and_then(Value::as_str).unwrap_or("");
        let plain = name.rsplit(':').next().unwrap_or(name);
        plain.eq_ignore_ascii_case("head") && node.get("mesh").is_none() && node.get("matrix").is_none()
    };
    let node = nodes.iter().position(is_head)?;
    Some(HeadNode {
        node,
        parent_rotation: world_rotation(nodes, node)?,
        rest_rotation: rotation_of(&nodes[node])?,
    })
}

/// Rotation of a node's parents in the world; none where a parent hides it in a matrix.
fn world_rotation(nodes: &[Value], node: usize) -> Option<[f32; 4]> {
    let mut rotation = IDENTITY;
    let mut current = node;
    // A node has at most as many ancestors as there are nodes, even in a document with a cycle.
    for _ in 0..nodes.len() {
        let Some(parent) = nodes.iter().position(|candidate| has_child(candidate, current)) else { break };
        rotation = rotate(rotation_of(&nodes[parent])?, rotation);
        current = parent;
    }
    Some(normalized(rotation))
}

fn has_child(node: &Value, child: usize) -> bool {
    let children = node.get("children").and_then(Value::as_array);
    children.is_some_and(|children| children.iter().any(|index| index.as_u64() == Some(child as u64)))
}

fn rotation_of(node: &Value) -> Option<[f32; 4]> {
    if node.get("matrix").is_some() {
        return None;
    }
    let Some(parts) = node.get("rotation").and_then(Value::as_array) else { return Some(IDENTITY) };
    let mut rotation = [0.0; 4];
    for (slot, part) in rotation.iter_mut().zip(parts) {
        *slot = part.as_f64()? as f32;
    }
    Some(rotation)
}
