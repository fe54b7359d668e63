//! What an engine remembers of each node: what its last result was made of, and the results that are pinned.

use crate::TimeWindow;
use crate::cache::Entry;
use crate::key::{KeyParts, RememberedParts};
use crate::report::Change;
use esarm_graph::NodeId;
use esarm_values::Digest;
use std::collections::HashMap;
use std::sync::Arc;

/// Memory of the last runs, by node id.
#[derive(Default)]
pub(crate) struct History {
    nodes: HashMap<NodeId, LastTime>,
    pins: HashMap<NodeId, Arc<Entry>>,
}

struct LastTime {
    key: Digest,
    parts: RememberedParts,
    window: Option<TimeWindow>,
    finished: bool,
}

impl History {
    /// Why a node has to run now, given that no result is kept.
    pub(crate) fn changes(
        &self,
        id: &NodeId,
        key: &Digest,
        parts: &KeyParts<'_>,
        window: Option<TimeWindow>,
    ) -> Vec<Change> {
        let Some(last) = self.nodes.get(id) else { return vec![Change::FirstRun] };
        if last.key != *key {
            return last.parts.changes(parts);
        }
        vec![match last {
            LastTime { finished: false, .. } => Change::NotFinished,
            last if last.window != window => Change::Window,
            _ => Change::Evicted,
        }]
    }

    /// Remembers what a node was asked for, and whether it has a result.
    pub(crate) fn remember(
        &mut self,
        id: &NodeId,
        key: &Digest,
        parts: &KeyParts<'_>,
        window: Option<TimeWindow>,
        finished: bool,
    ) {
        match self.nodes.get_mut(id) {
            Some(last) if last.key == *key => (last.window, last.finished) = (window, finished),
            _ => {
                let last = LastTime { key: *key, parts: parts.remember(), window, finished };
                self.nodes.insert(id.clone(), last);
            }
        }
    }

    /// The key of the last finished result of a node.
    pub(crate) fn last_key(&self, id: &NodeId) -> Option<Digest> {
        self.nodes.get(id).filter(|last| last.finished).map(|last| last.key)
    }

    /// The result that a node is pinned to.
    pub(crate) fn pinned(&self, id: &NodeId) -> Option<Arc<Entry>> {
        self.pins.get(id).cloned()
    }

    /// Pins a node to a result.
    pub(crate) fn pin(&mut self, id: &NodeId, entry: Arc<Entry>) {
        self.pins.insert(id.clone(), entry);
    }

    /// Lets go of what a node was pinned to.
    pub(crate) fn unpin(&mut self, id: &NodeId) {
        self.pins.remove(id);
    }
}
