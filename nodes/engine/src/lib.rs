//! The engine: plans a graph, evaluates it, caches results by content, reports what happened and why.
//!
//! It knows the document and the values, and no domain: node types are handed to it in a [`Registry`].
//!
//! A run goes through four stages. The plan finds the nodes that the wanted outputs depend on and gives each its key:
//! a digest of all that decides its result. Going backwards from the wanted outputs, kept results are found by key,
//! and the part of the clip is worked out that each missing one must cover. What has to run is divided into tasks: a
//! node each, or a chain of nodes over a long clip that is worked on part by part. The tasks run on several threads,
//! each after those that it takes values from, and results are let go once nobody needs them.
//!
//! What holds throughout:
//! - No key depends on node ids, titles, layout or folders; only seeds depend on ids, see [`RunOptions::seed`].
//! - Results depend on no thread, cache, clock or division into parts.
//! - Values are never changed once a node gave them.
//! - Whatever a node type does wrong becomes that node's error.

mod cache;
mod evaluate;
mod event;
mod execute;
mod history;
mod join;
mod key;
mod needs;
mod node;
mod parts;
mod plan;
mod registry;
mod report;
mod run;
mod schedule;
mod step;
mod tasks;
mod window;

pub use cache::{
    Caches, DecodeError, DiskCache, DiskOptions, FORMAT_VERSION, MemoryCache, decode_outputs, encode_outputs,
};
pub use event::Event;
pub use node::{
    DeviceName, Duration, Evaluate, Fingerprint, NodeContext, NodeError, NodeType, Outputs, Place,
    TimeWindow, convert, output, port_type_of,
};
pub use parts::Parts;
pub use plan::RunError;
pub use registry::{DuplicateNodeType, Registry};
pub use report::{CacheLevel, Change, NodeReport, OutputReport, Report, Skip, State};
pub use run::{Engine, RunOptions, RunResult};
