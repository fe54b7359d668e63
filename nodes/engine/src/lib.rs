//! The engine: plans a graph, evaluates it, caches results by content, reports what happened and why.
//!
//! It knows the document and the values, and no domain: node types are handed to it.

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
    Duration, Evaluate, Fingerprint, NodeContext, NodeError, NodeType, Outputs, TimeWindow, convert, output,
    port_type_of,
};
pub use parts::Parts;
pub use plan::RunError;
pub use registry::{DuplicateNodeType, Registry};
pub use report::{CacheLevel, Change, NodeReport, OutputReport, Report, Skip, State};
pub use run::{Engine, RunOptions, RunResult};
