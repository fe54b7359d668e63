//! The flattened graph: what is left to execute once groups, bypassed nodes and defaults are worked in.

use crate::{NodeId, ParameterValue, PortAddress};
use std::collections::BTreeMap;

/// A graph without groups and bypassed nodes, with every parameter filled in. Every wire ends at an existing output of
/// a type that its input can take, every required input is wired, and there is no cycle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlatGraph {
    /// Nodes by id; a node inside a group instance has the id `instance/node`.
    pub nodes: BTreeMap<NodeId, FlatNode>,
    /// Named outputs of the document.
    pub outputs: BTreeMap<String, PortAddress>,
    /// Every node after all nodes that it takes values from; nodes that do not depend on each other by their ids.
    pub order: Vec<NodeId>,
}

/// A node of a flattened graph.
#[derive(Clone, Debug, PartialEq)]
pub struct FlatNode {
    /// Id of the node type.
    pub type_id: String,
    /// Version of the node type's schema.
    pub version: u32,
    /// Every declared parameter, within its hard range.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Whether the node keeps its last results.
    pub pinned: bool,
    /// The outputs that each wired input takes its values from, in increasing order; an open input is absent.
    pub inputs: BTreeMap<String, Vec<PortAddress>>,
}
