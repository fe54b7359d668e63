//! From the shape of the file to the document.

use super::error::{FileError, FileErrorKind};
use super::format::{
    FileCanvas, FileComment, FileDocument, FileFrame, FileGroup, FileLock, FileLocked, FileNode,
    FileNodeView, FilePair, FileView, FileWire,
};
use super::value::{FileId, FileParameter, FilePort};
use crate::{
    Canvas, Comment, Document, Extras, Frame, Graph, Group, Lock, Locked, Node, NodeId, NodeView,
    ParameterAddress, PortAddress, View, Wire,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The document that a file's JSON describes.
pub(super) fn document(json: Map<String, Value>) -> Result<Document, FileError> {
    let file: FileDocument = serde_path_to_error::deserialize(Value::Object(json)).map_err(|error| {
        let remedy = "correct it, or take the file from a backup";
        FileError::new(FileErrorKind::Shape, error.inner().to_string(), remedy)
            .at_path(error.path().to_string())
    })?;
    Ok(Document {
        graph: graph(file.nodes, file.wires),
        groups: file.groups.into_iter().map(|(name, file)| (name, group(file))).collect(),
        inputs: parameters(file.inputs),
        outputs: ports(file.outputs),
        view: view(file.view),
        lock: lock(file.lock),
        extras: file.extras,
    })
}

fn graph(nodes: BTreeMap<FileId, FileNode>, wires: Vec<FileWire>) -> Graph {
    Graph {
        nodes: by_id(nodes, node),
        wires: wires.into_iter().map(|wire| Wire { from: wire.from.0, to: wire.to.0 }).collect(),
    }
}

fn by_id<T, U>(table: BTreeMap<FileId, T>, read: impl Fn(T) -> U) -> BTreeMap<NodeId, U> {
    table.into_iter().map(|(FileId(id), entry)| (id, read(entry))).collect()
}

fn by_name<T, U>(table: BTreeMap<String, T>, read: impl Fn(T) -> U) -> BTreeMap<String, U> {
    table.into_iter().map(|(name, entry)| (name, read(entry))).collect()
}

fn parameters(table: BTreeMap<String, FileParameter>) -> BTreeMap<String, ParameterAddress> {
    by_name(table, |FileParameter(address)| address)
}

fn ports(table: BTreeMap<String, FilePort>) -> BTreeMap<String, PortAddress> {
    by_name(table, |FilePort(address)| address)
}

fn node(file: FileNode) -> Node {
    let (mut parameters, mut unread_parameters) = (BTreeMap::new(), Extras::new());
    for (name, value) in file.parameters {
        match value.read() {
            Ok(value) => drop(parameters.insert(name, value)),
            Err(unread) => drop(unread_parameters.insert(name, unread)),
        }
    }
    Node {
        type_id: file.type_id,
        version: file.version,
        parameters,
        unread_parameters,
        title: file.title,
        bypassed: file.bypassed,
        pinned: file.pinned,
        extras: file.extras,
    }
}

fn group(file: FileGroup) -> Group {
    Group {
        title: file.title,
        help: file.help,
        graph: graph(file.nodes, file.wires),
        inputs: by_name(file.inputs, |ports| ports.into_iter().map(|FilePort(address)| address).collect()),
        outputs: ports(file.outputs),
        parameters: parameters(file.parameters),
        extras: file.extras,
    }
}

fn lock(file: FileLock) -> Lock {
    let locked =
        |file: FileLocked| Locked { version: file.version, digest: file.digest, extras: file.extras };
    Lock { plugins: by_name(file.plugins, locked), models: by_name(file.models, locked), extras: file.extras }
}

fn view(file: FileView) -> View {
    View { canvas: canvas(file.canvas), groups: by_name(file.groups, canvas) }
}

fn canvas(file: FileCanvas) -> Canvas {
    Canvas {
        nodes: by_id(file.nodes, node_view),
        comments: by_name(file.comments, comment),
        frames: by_name(file.frames, frame),
        extras: file.extras,
    }
}

fn pair(file: FilePair) -> [f64; 2] {
    file.map(|number| number.0)
}

fn node_view(file: FileNodeView) -> NodeView {
    NodeView {
        position: pair(file.position),
        size: file.size.map(pair),
        colour: file.colour,
        comment: file.comment,
        collapsed: file.collapsed,
        extras: file.extras,
    }
}

fn comment(file: FileComment) -> Comment {
    Comment {
        text: file.text,
        position: pair(file.position),
        size: file.size.map(pair),
        colour: file.colour,
        extras: file.extras,
    }
}

fn frame(file: FileFrame) -> Frame {
    Frame {
        title: file.title,
        position: pair(file.position),
        size: pair(file.size),
        colour: file.colour,
        extras: file.extras,
    }
}
