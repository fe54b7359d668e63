//! The engine: plans a graph, evaluates it, caches results by content, reports what happened and why.
//!
//! It knows the document and the values, and no domain: node types are handed to it.

mod node;

pub use node::{
    Evaluate, Fingerprint, NodeContext, NodeError, NodeType, Outputs, TimeWindow, convert, output,
    port_type_of,
};
