//! What happened in a run, and why. Times are measured for the report alone; no result depends on them.

use esarm_graph::NodeId;
use esarm_values::Digest;
use serde::ser::Serializer;
use serde::{Serialize, ser::SerializeMap};
use std::collections::BTreeMap;
use std::fmt;

/// The record of a run, written as JSON by `--report`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Version of the engine.
    pub engine_version: String,
    /// Seed of the run.
    pub seed: u64,
    /// Class of the device that nodes on the run's device computed on.
    pub device: String,
    /// Which device of that class, by its adapter; absent for the processor.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub adapter: String,
    /// Worker threads that the engine used.
    pub threads: usize,
    /// The part of the clip that was asked for, `[start, end]` in seconds; the whole when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_secs: Option<[f64; 2]>,
    /// Length of the run.
    pub milliseconds: f64,
    /// Every node of the graph, in the order of execution.
    pub nodes: Vec<NodeReport>,
    /// What went wrong without stopping the run, such as a cache folder that cannot be written.
    pub warnings: Vec<String>,
}

/// What happened to a node.
#[derive(Clone, Debug, Serialize)]
pub struct NodeReport {
    /// Id of the node.
    #[serde(serialize_with = "as_text")]
    pub node: NodeId,
    /// Id of its type.
    pub type_id: String,
    /// Version of the type's schema that the graph holds.
    pub version: u32,
    /// Build of its code; absent when the type is not installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// What became of it, and why.
    #[serde(flatten)]
    pub state: State,
    /// Where it computes: the class of the run's device, `cpu`, or the name of a device of its own.
    pub device: String,
    /// Seed of a seeded node: that of the run, mixed with the node's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Time spent in the node itself.
    pub milliseconds: f64,
    /// Key of the result; absent when something before it failed.
    #[serde(serialize_with = "as_optional_text", skip_serializing_if = "Option::is_none")]
    pub key: Option<Digest>,
    /// Files that its parameters name, by parameter.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Digest of the files and other things outside the graph that it read.
    #[serde(serialize_with = "as_optional_text", skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Digest>,
    /// Outputs by port name, when the node has results.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, OutputReport>,
}

/// An output of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutputReport {
    /// Size in memory, about.
    pub bytes: usize,
    /// Digest of the content, when the run was asked for digests.
    #[serde(serialize_with = "as_optional_text", skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// What became of a node in a run.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It was evaluated.
    Ran(Vec<Change>),
    /// Its result was there already.
    Cached(CacheLevel),
    /// Its last result was kept, whatever has changed.
    Pinned,
    /// It was not evaluated.
    Skipped(Skip),
    /// It could not do its work; says what was wrong and what to do.
    Failed(String),
    /// The run was cancelled before it was done.
    Cancelled,
}

/// Why a node had to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This engine has not run the node before.
    FirstRun,
    /// The parameter of that name changed.
    Parameter(String),
    /// What arrives at that input changed.
    Input(String),
    /// The seed changed.
    Seed,
    /// The device changed.
    Device,
    /// The content of a file, or something else outside the graph, changed.
    File,
    /// The code of the node changed.
    Code,
    /// Another part of the clip is asked for.
    Window,
    /// The last run of the node failed or was cancelled.
    NotFinished,
    /// Nothing changed, but the result is no longer kept.
    Evicted,
}

/// Where a result was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheLevel {
    /// In memory.
    Memory,
    /// On disk.
    Disk,
}

/// Why a node was not evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skip {
    /// A node before it failed; names the first such node.
    After(NodeId),
    /// No wanted output depends on it.
    NotWanted,
    /// What depends on it was kept from an earlier run.
    NotNeeded,
}

impl State {
    /// The state in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ran(_) => "ran",
            Self::Cached(_) => "cached",
            Self::Pinned => "pinned",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The reason in a few words; empty where the state says it all.
    pub fn reason(&self) -> String {
        match self {
            Self::Ran(changes) => changes.iter().map(Change::to_string).collect::<Vec<_>>().join(", "),
            Self::Cached(CacheLevel::Memory) => "memory".to_owned(),
            Self::Cached(CacheLevel::Disk) => "disk".to_owned(),
            Self::Skipped(skip) => skip.to_string(),
            Self::Failed(message) => message.clone(),
            Self::Pinned | Self::Cancelled => String::new(),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            reason if reason.is_empty() => formatter.write_str(self.word()),
            reason => write!(formatter, "{} ({reason})", self.word()),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstRun => formatter.write_str("first run"),
            Self::Parameter(name) => write!(formatter, "parameter {name} changed"),
            Self::Input(port) => write!(formatter, "input {port} changed"),
            Self::Seed => formatter.write_str("seed changed"),
            Self::Device => formatter.write_str("device changed"),
            Self::File => formatter.write_str("file changed"),
            Self::Code => formatter.write_str("code changed"),
            Self::Window => formatter.write_str("another part of the clip"),
            Self::NotFinished => formatter.write_str("not finished last time"),
            Self::Evicted => formatter.write_str("evicted"),
        }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(node) => write!(formatter, "because {node} failed"),
            Self::NotWanted => formatter.write_str("not asked for"),
            Self::NotNeeded => formatter.write_str("not needed, later results are kept"),
        }
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("state", self.word())?;
        map.serialize_entry("reason", &self.reason())?;
        map.end()
    }
}

impl Report {
    /// What happened to a node.
    pub fn node(&self, id: &str) -> Option<&NodeReport> {
        self.nodes.iter().find(|report| report.node.as_str() == id)
    }

    /// The nodes that failed, in the order of execution.
    pub fn failures(&self) -> impl Iterator<Item = &NodeReport> {
        self.nodes.iter().filter(|report| matches!(report.state, State::Failed(_)))
    }
}

fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[expect(clippy::ref_option, reason = "the form that serde calls it with")]
fn as_optional_text<S: Serializer>(
    value: &Option<impl fmt::Display>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}
