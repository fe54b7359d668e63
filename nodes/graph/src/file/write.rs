//! From the document to the shape of the file.

use super::error::{FileError, FileErrorKind};
use super::format::{
    FileCanvas, FileComment, FileDocument, FileFrame, FileGroup, FileLock, FileLocked, FileNode,
    FileNodeView, FilePair, FileView, FileWire,
};
use super::value::{FileId, FileParameter, FilePort, FileValue, finite};
use super::{FORMAT, FORMAT_VERSION};
use crate::{
    Canvas, Comment, Document, Frame, Graph, Group, Lock, Locked, Node, NodeId, NodeView, ParameterAddress,
    PortAddress, View,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, FileError>;

/// The JSON of a document's file.
pub(super) fn document(document: &Document) -> Result<Map<String, Value>> {
    let file = FileDocument {
        extras: document.extras.clone(),
        format: FORMAT.to_owned(),
        groups: by_name("groups", &document.groups, group)?,
        inputs: parameters(&document.inputs),
        lock: lock(&document.lock),
        nodes: by_id("nodes", &document.graph.nodes, node)?,
        outputs: ports(&document.outputs),
        version: FORMAT_VERSION,
        view: view(&document.view)?,
        wires: wires(&document.graph),
    };
    match serde_json::to_value(file) {
        Ok(Value::Object(json)) => Ok(json),
        Ok(_) => Err(cannot_write("is no JSON object")),
        Err(error) => Err(cannot_write(&error.to_string())),
    }
}

fn cannot_write(what: &str) -> FileError {
    FileError::new(FileErrorKind::CannotWrite, what, "correct it, then save again")
}

fn not_finite(path: &str) -> FileError {
    cannot_write("holds a number that is infinite or not a number").at_path(path.to_owned())
}

/// Puts where something is before the path of an error in it.
fn inside<T>(outer: &str, result: Result<T>) -> Result<T> {
    result.map_err(|error| {
        let path = format!("{outer}.{}", error.path);
        error.at_path(path)
    })
}

fn by_id<T, U>(
    path: &str,
    table: &BTreeMap<NodeId, T>,
    write: impl Fn(&T) -> Result<U>,
) -> Result<BTreeMap<FileId, U>> {
    table
        .iter()
        .map(|(id, entry)| Ok((FileId(id.clone()), inside(&format!("{path}.{id}"), write(entry))?)))
        .collect()
}

fn by_name<T, U>(
    path: &str,
    table: &BTreeMap<String, T>,
    write: impl Fn(&T) -> Result<U>,
) -> Result<BTreeMap<String, U>> {
    table
        .iter()
        .map(|(name, entry)| Ok((name.clone(), inside(&format!("{path}.{name}"), write(entry))?)))
        .collect()
}

fn parameters(table: &BTreeMap<String, ParameterAddress>) -> BTreeMap<String, FileParameter> {
    table.iter().map(|(name, address)| (name.clone(), FileParameter(address.clone()))).collect()
}

fn ports(table: &BTreeMap<String, PortAddress>) -> BTreeMap<String, FilePort> {
    table.iter().map(|(name, address)| (name.clone(), FilePort(address.clone()))).collect()
}

fn wires(graph: &Graph) -> Vec<FileWire> {
    let write =
        |wire: &crate::Wire| FileWire { from: FilePort(wire.from.clone()), to: FilePort(wire.to.clone()) };
    graph.wires.iter().map(write).collect()
}

fn node(node: &Node) -> Result<FileNode> {
    let unread =
        node.unread_parameters.iter().map(|(name, value)| (name.clone(), FileValue::Unread(value.clone())));
    let mut parameters: BTreeMap<String, FileValue> = unread.collect();
    for (name, value) in &node.parameters {
        let written = FileValue::write(value).ok_or_else(|| not_finite(&format!("parameters.{name}")))?;
        parameters.insert(name.clone(), written);
    }
    Ok(FileNode {
        extras: node.extras.clone(),
        bypassed: node.bypassed,
        parameters,
        pinned: node.pinned,
        title: node.title.clone(),
        type_id: node.type_id.clone(),
        version: node.version,
    })
}

fn group(group: &Group) -> Result<FileGroup> {
    let exposed =
        |ports: &std::collections::BTreeSet<PortAddress>| ports.iter().cloned().map(FilePort).collect();
    Ok(FileGroup {
        extras: group.extras.clone(),
        help: group.help.clone(),
        inputs: group.inputs.iter().map(|(name, ports)| (name.clone(), exposed(ports))).collect(),
        nodes: by_id("nodes", &group.graph.nodes, node)?,
        outputs: ports(&group.outputs),
        parameters: parameters(&group.parameters),
        title: group.title.clone(),
        wires: wires(&group.graph),
    })
}

fn lock(lock: &Lock) -> FileLock {
    let write = |locked: &Locked| FileLocked {
        extras: locked.extras.clone(),
        digest: locked.digest.clone(),
        version: locked.version.clone(),
    };
    let table = |table: &BTreeMap<String, Locked>| {
        table.iter().map(|(name, locked)| (name.clone(), write(locked))).collect()
    };
    FileLock { extras: lock.extras.clone(), models: table(&lock.models), plugins: table(&lock.plugins) }
}

fn view(view: &View) -> Result<FileView> {
    let canvas_file = inside("view", canvas(&view.canvas))?;
    Ok(FileView { canvas: canvas_file, groups: by_name("view.groups", &view.groups, canvas)? })
}

fn canvas(canvas: &Canvas) -> Result<FileCanvas> {
    Ok(FileCanvas {
        extras: canvas.extras.clone(),
        comments: by_name("comments", &canvas.comments, comment)?,
        frames: by_name("frames", &canvas.frames, frame)?,
        nodes: by_id("nodes", &canvas.nodes, node_view)?,
    })
}

fn pair(name: &str, [x, y]: [f64; 2]) -> Result<FilePair> {
    match (finite(x), finite(y)) {
        (Some(x), Some(y)) => Ok([x, y]),
        _ => Err(not_finite(name)),
    }
}

fn node_view(view: &NodeView) -> Result<FileNodeView> {
    Ok(FileNodeView {
        extras: view.extras.clone(),
        collapsed: view.collapsed,
        colour: view.colour.clone(),
        comment: view.comment.clone(),
        position: pair("position", view.position)?,
        size: view.size.map(|size| pair("size", size)).transpose()?,
    })
}

fn comment(comment: &Comment) -> Result<FileComment> {
    Ok(FileComment {
        extras: comment.extras.clone(),
        colour: comment.colour.clone(),
        position: pair("position", comment.position)?,
        size: comment.size.map(|size| pair("size", size)).transpose()?,
        text: comment.text.clone(),
    })
}

fn frame(frame: &Frame) -> Result<FileFrame> {
    Ok(FileFrame {
        extras: frame.extras.clone(),
        colour: frame.colour.clone(),
        position: pair("position", frame.position)?,
        size: pair("size", frame.size)?,
        title: frame.title.clone(),
    })
}
