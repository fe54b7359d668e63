//! The shape of a graph file of format version 1. Members come sorted; what a struct does not name stays in `extras`.

use super::value::{FileId, FileNumber, FileParameter, FilePort, FileValue, is_default};
use crate::Extras;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The members of a file, as the structs below read them.
pub(crate) const DOCUMENT_MEMBERS: [&str; 9] =
    ["format", "groups", "inputs", "lock", "nodes", "outputs", "version", "view", "wires"];
/// The members of a node.
pub(crate) const NODE_MEMBERS: [&str; 6] = ["bypassed", "parameters", "pinned", "title", "type", "version"];
/// The members of a group.
pub(crate) const GROUP_MEMBERS: [&str; 7] =
    ["help", "inputs", "nodes", "outputs", "parameters", "title", "wires"];

#[derive(Default, Serialize, Deserialize)]
pub(super) struct FileDocument {
    #[serde(flatten)]
    pub(super) extras: Extras,
    pub(super) format: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) groups: BTreeMap<String, FileGroup>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) inputs: BTreeMap<String, FileParameter>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) lock: FileLock,
    #[serde(default)]
    pub(super) nodes: BTreeMap<FileId, FileNode>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) outputs: BTreeMap<String, FilePort>,
    pub(super) version: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) view: FileView,
    #[serde(default)]
    pub(super) wires: Vec<FileWire>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FileNode {
    #[serde(flatten)]
    pub(super) extras: Extras,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) bypassed: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) parameters: BTreeMap<String, FileValue>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) pinned: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) title: Option<String>,
    #[serde(rename = "type")]
    pub(super) type_id: String,
    pub(super) version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, FilePort>")]
pub(super) struct FileWire {
    pub(super) from: FilePort,
    pub(super) to: FilePort,
}

impl TryFrom<BTreeMap<String, FilePort>> for FileWire {
    type Error = &'static str;

    fn try_from(mut ends: BTreeMap<String, FilePort>) -> Result<Self, Self::Error> {
        match (ends.remove("from"), ends.remove("to"), ends.is_empty()) {
            (Some(from), Some(to), true) => Ok(Self { from, to }),
            _ => Err("a wire has the members \"from\" and \"to\" and no others, each \"NODE.PORT\""),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct FileGroup {
    #[serde(flatten)]
    pub(super) extras: Extras,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) help: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) inputs: BTreeMap<String, Vec<FilePort>>,
    #[serde(default)]
    pub(super) nodes: BTreeMap<FileId, FileNode>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) outputs: BTreeMap<String, FilePort>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) parameters: BTreeMap<String, FileParameter>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) title: String,
    #[serde(default)]
    pub(super) wires: Vec<FileWire>,
}

#[derive(Default, PartialEq, Serialize, Deserialize)]
pub(super) struct FileLock {
    #[serde(flatten)]
    pub(super) extras: Extras,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) models: BTreeMap<String, FileLocked>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) plugins: BTreeMap<String, FileLocked>,
}

#[derive(PartialEq, Serialize, Deserialize)]
pub(super) struct FileLocked {
    #[serde(flatten)]
    pub(super) extras: Extras,
    #[serde(rename = "blake3")]
    pub(super) digest: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) version: Option<String>,
}

#[derive(Default, PartialEq, Serialize, Deserialize)]
pub(super) struct FileView {
    #[serde(flatten)]
    pub(super) canvas: FileCanvas,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) groups: BTreeMap<String, FileCanvas>,
}

#[derive(Default, PartialEq, Serialize, Deserialize)]
pub(super) struct FileCanvas {
    #[serde(flatten)]
    pub(super) extras: Extras,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) comments: BTreeMap<String, FileComment>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) frames: BTreeMap<String, FileFrame>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) nodes: BTreeMap<FileId, FileNodeView>,
}

/// A point or a size.
pub(super) type FilePair = [FileNumber; 2];

#[derive(PartialEq, Serialize, Deserialize)]
pub(super) struct FileNodeView {
    #[serde(flatten)]
    pub(super) extras: Extras,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) collapsed: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) colour: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) comment: Option<String>,
    pub(super) position: FilePair,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) size: Option<FilePair>,
}

#[derive(PartialEq, Serialize, Deserialize)]
pub(super) struct FileComment {
    #[serde(flatten)]
    pub(super) extras: Extras,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) colour: Option<String>,
    pub(super) position: FilePair,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) size: Option<FilePair>,
    pub(super) text: String,
}

#[derive(PartialEq, Serialize, Deserialize)]
pub(super) struct FileFrame {
    #[serde(flatten)]
    pub(super) extras: Extras,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) colour: Option<String>,
    pub(super) position: FilePair,
    pub(super) size: FilePair,
    pub(super) title: String,
}
