//! The document as it is edited: nodes, wires, groups, named inputs and outputs, the view and the lock.
//!
//! Nothing here is written to a file as it stands: the file has types of its own.

use crate::validate::flatten;
use crate::{FlatGraph, NodeId, ParameterAddress, ParameterValue, PortAddress, Problems, SchemaSet, View};
use std::collections::{BTreeMap, BTreeSet};

/// JSON members that this version does not know, kept so that saving loses nothing.
pub type Extras = BTreeMap<String, serde_json::Value>;

/// Start of the type id of a node that is an instance of a group of the document: `group.NAME`.
pub const GROUP_PREFIX: &str = "group.";

/// An open document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The nodes and wires at the top.
    pub graph: Graph,
    /// Reusable graphs by name; a node of type `group.NAME` is an instance of one.
    pub groups: BTreeMap<String, Group>,
    /// Parameters that can be set by name from outside, such as the speech file of a headless run.
    pub inputs: BTreeMap<String, ParameterAddress>,
    /// Results that can be asked for by name from outside.
    pub outputs: BTreeMap<String, PortAddress>,
    /// How the document looks; never executed.
    pub view: View,
    /// What the document was made with.
    pub lock: Lock,
    /// Unknown members of the file.
    pub extras: Extras,
}

/// Nodes and the wires between them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Nodes by id.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Wires between the nodes.
    pub wires: BTreeSet<Wire>,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Id of the node type, `domain.name` or `group.NAME`.
    pub type_id: String,
    /// Version of the schema that the parameters were written for; of no meaning for an instance of a group.
    pub version: u32,
    /// The parameters that were set; the others have their defaults.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Parameters whose value has a form that this version does not know, kept as they are.
    pub unread_parameters: Extras,
    /// Name shown instead of the type's title.
    pub title: Option<String>,
    /// Whether the node is left out and passes its input through.
    pub bypassed: bool,
    /// Whether the node keeps its last results whatever changes before it.
    pub pinned: bool,
    /// Unknown members of the node in the file.
    pub extras: Extras,
}

/// A wire from an output to an input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wire {
    /// The output it starts at.
    pub from: PortAddress,
    /// The input it ends at.
    pub to: PortAddress,
}

/// A reusable graph with the ports and parameters that it shows outside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Name shown to the user.
    pub title: String,
    /// What the group does, in one sentence.
    pub help: String,
    /// What is inside.
    pub graph: Graph,
    /// Exposed inputs by name: the inner inputs that each of them feeds, all of one type.
    pub inputs: BTreeMap<String, BTreeSet<PortAddress>>,
    /// Exposed outputs by name.
    pub outputs: BTreeMap<String, PortAddress>,
    /// Exposed parameters by name.
    pub parameters: BTreeMap<String, ParameterAddress>,
    /// Unknown members of the group in the file.
    pub extras: Extras,
}

/// Exact versions of what lies outside the document and decides its results.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    /// Plugins by name.
    pub plugins: BTreeMap<String, Locked>,
    /// Models by name.
    pub models: BTreeMap<String, Locked>,
    /// Unknown members of the lock in the file.
    pub extras: Extras,
}

/// One locked plugin or model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Locked {
    /// Version that its maker gave it, when it has one.
    pub version: Option<String>,
    /// BLAKE3 digest of its file, in hexadecimal.
    pub digest: String,
    /// Unknown members of the entry in the file.
    pub extras: Extras,
}

impl Document {
    /// The document without groups, bypassed nodes and unset parameters, ready to plan and run.
    ///
    /// # Errors
    /// Every problem of the document, when one of them keeps it from running.
    pub fn flatten(&self, schemas: &SchemaSet) -> Result<FlatGraph, Problems> {
        flatten(self, schemas)
    }

    /// The top graph, or the graph inside a group.
    pub fn graph_of(&self, group: Option<&str>) -> Option<&Graph> {
        match group {
            None => Some(&self.graph),
            Some(name) => self.groups.get(name).map(|group| &group.graph),
        }
    }
}

impl Graph {
    /// The same graph with a node added at its defaults; replaces a node of that id. For graphs written in code.
    ///
    /// # Panics
    /// When `id` is no valid node id.
    #[must_use]
    pub fn with_node(self, id: &str, type_id: &str, version: u32) -> Self {
        self.with(id, Node { type_id: type_id.to_owned(), version, ..Node::default() })
    }

    /// The same graph with a node added; replaces a node of that id. For graphs written in code.
    ///
    /// # Panics
    /// When `id` is no valid node id.
    #[must_use]
    pub fn with(mut self, id: &str, node: Node) -> Self {
        self.nodes.insert(NodeId::new(id).expect("a valid node id"), node);
        self
    }

    /// The same graph with a wire between two addresses `node.port`. For graphs written in code.
    ///
    /// # Panics
    /// When an address cannot be read.
    #[must_use]
    pub fn with_wire(mut self, from: &str, to: &str) -> Self {
        let read = |text: &str| text.parse().expect("an address node.port");
        self.wires.insert(Wire { from: read(from), to: read(to) });
        self
    }

    /// The wires that end at an input, in the order of their sources.
    pub fn wires_into<'a>(&'a self, node: &'a NodeId, port: &'a str) -> impl Iterator<Item = &'a Wire> {
        self.wires.iter().filter(move |wire| &wire.to.node == node && wire.to.port == port)
    }
}

impl Node {
    /// A node at its defaults.
    pub fn new(type_id: &str, version: u32) -> Self {
        Self { type_id: type_id.to_owned(), version, ..Self::default() }
    }

    /// The same node with a parameter set.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: ParameterValue) -> Self {
        self.parameters.insert(name.to_owned(), value);
        self
    }

    /// Name of the group that the node is an instance of.
    pub fn group_name(&self) -> Option<&str> {
        self.type_id.strip_prefix(GROUP_PREFIX)
    }
}
