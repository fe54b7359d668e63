//! What a run tells while it goes on.

use crate::report::State;
use esarm_graph::NodeId;

/// Something that happened in a run. Events come from several threads, in order for each node.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A node begins to work. A long clip is worked on in parts, and a node then begins once per part.
    Started {
        /// The node.
        node: &'a NodeId,
    },
    /// A node is at work.
    Progress {
        /// The node.
        node: &'a NodeId,
        /// How much is done, 0 to 1.
        fraction: f64,
        /// What is being done.
        words: &'a str,
    },
    /// It is clear what became of a node: it is done, or its result was kept, or it is skipped.
    Finished {
        /// The node.
        node: &'a NodeId,
        /// What became of it.
        state: &'a State,
    },
}
