//! What a node of a document offers: the schema of its type, or one derived from the group that it is an instance of.

use crate::topology::{Sorted, sort};
use crate::{
    Document, GROUP_PREFIX, Graph, Group, InputPort, Node, NodeSchema, OutputPort, Parameter,
    ParameterAddress, ParameterValue, PortAddress, PortType, Purity, SchemaSet, TimeSupport,
};
use std::collections::{BTreeMap, BTreeSet};

/// Deepest nesting of groups.
pub(crate) const MAX_GROUP_DEPTH: usize = 32;
/// Most nodes, wires, exposed names and values that a document may unfold to: a small file with groups in groups must
/// not fill the memory.
pub(crate) const MAX_SIZE: usize = 200_000;

/// The node types of one document.
pub(crate) struct Catalog<'a> {
    pub(crate) schemas: &'a SchemaSet,
    groups: BTreeMap<&'a str, GroupType>,
    /// Groups that contain each other, in the direction from the contained to the container.
    pub(crate) recursive_groups: Vec<Vec<&'a str>>,
}

/// A group seen as a node type.
struct GroupType {
    schema: NodeSchema,
    /// Exposed names that lead to nodes of unknown type or to nowhere: nothing can be said about them.
    unclear: BTreeSet<String>,
    /// What an instance unfolds to, see [`MAX_SIZE`].
    size: usize,
    /// Nesting below an instance, 1 for a group without groups.
    depth: usize,
}

/// The outcome of looking up a port or parameter of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Found<T> {
    /// It exists.
    Yes(T),
    /// The node has none of that name.
    No,
    /// The node's type is not known.
    Unclear,
}

impl<T> Found<T> {
    pub(crate) fn yes(self) -> Option<T> {
        match self {
            Self::Yes(found) => Some(found),
            Self::No | Self::Unclear => None,
        }
    }
}

impl<'a> Catalog<'a> {
    /// Derives the types of the document's groups, innermost first.
    pub(crate) fn new(document: &'a Document, schemas: &'a SchemaSet) -> Self {
        let uses =
            document.groups.iter().map(|(name, group)| (name.as_str(), contained_groups(group))).collect();
        let Sorted { order, cycles } = sort(&uses);
        let mut catalog = Self { schemas, groups: BTreeMap::new(), recursive_groups: cycles };
        for name in order {
            let derived = catalog.derive(name, &document.groups[name]);
            catalog.groups.insert(name, derived);
        }
        catalog
    }

    /// The schema of a node, if it is known: for an instance of a group it is derived from what the group exposes; a
    /// node saved by a newer version of its type counts as unknown.
    pub(crate) fn schema(&self, node: &Node) -> Option<&NodeSchema> {
        match node.group_name() {
            Some(group) => self.groups.get(group).map(|group| &group.schema),
            None => self.schemas.get(&node.type_id).filter(|schema| node.version <= schema.version),
        }
    }

    pub(crate) fn input<'s>(&'s self, node: &Node, name: &str) -> Found<&'s InputPort> {
        self.find(node, name, NodeSchema::find_input)
    }

    pub(crate) fn output<'s>(&'s self, node: &Node, name: &str) -> Found<&'s OutputPort> {
        self.find(node, name, NodeSchema::find_output)
    }

    pub(crate) fn parameter<'s>(&'s self, node: &Node, name: &str) -> Found<&'s Parameter> {
        self.find(node, name, NodeSchema::find_parameter)
    }

    fn find<'s, T>(
        &'s self,
        node: &Node,
        name: &str,
        look_up: impl Fn(&'s NodeSchema, &str) -> Option<&'s T>,
    ) -> Found<&'s T> {
        let unclear = |group| self.groups.get(group).is_some_and(|group| group.unclear.contains(name));
        match self.schema(node).map(|schema| look_up(schema, name)) {
            Some(Some(found)) => Found::Yes(found),
            Some(None) if !node.group_name().is_some_and(unclear) => Found::No,
            _ => Found::Unclear,
        }
    }

    /// What a graph unfolds to, see [`MAX_SIZE`].
    pub(crate) fn size(&self, graph: &Graph) -> usize {
        let inside = |node: &Node| node.group_name().and_then(|group| self.groups.get(group));
        let sizes = graph.nodes.values().map(|node| {
            let values = node.parameters.values().map(value_size).fold(1, usize::saturating_add);
            inside(node).map_or(values, |group| group.size.saturating_add(values))
        });
        sizes.fold(graph.wires.len(), usize::saturating_add)
    }

    /// Nesting of groups below a node; 0 for a plain node.
    pub(crate) fn depth(&self, node: &Node) -> usize {
        node.group_name().and_then(|group| self.groups.get(group)).map_or(0, |group| group.depth)
    }

    fn derive(&self, name: &str, group: &Group) -> GroupType {
        let type_id = format!("{GROUP_PREFIX}{name}");
        let schema =
            NodeSchema::new(&type_id, &group.title, &group.help, Purity::Pure, TimeSupport::Pointwise);
        let exposed_ports = group.inputs.values().map(BTreeSet::len).sum::<usize>();
        let exposed = exposed_ports + group.inputs.len() + group.outputs.len() + group.parameters.len();
        let mut derived = GroupType {
            schema,
            unclear: BTreeSet::new(),
            size: self.size(&group.graph).saturating_add(exposed),
            depth: 1 + group.graph.nodes.values().map(|node| self.depth(node)).max().unwrap_or(0),
        };
        for (name, ports) in &group.inputs {
            derived.add(name, self.exposed_input(group, name, ports), |schema| &mut schema.inputs);
        }
        for (name, port) in &group.outputs {
            derived.add(name, self.exposed_output(group, name, port), |schema| &mut schema.outputs);
        }
        for (name, address) in &group.parameters {
            derived.add(name, self.exposed_parameter(group, name, address), |schema| &mut schema.parameters);
        }
        derived
    }

    /// An exposed input takes what its first inner input takes, must be wired when one of them must be, and takes
    /// several wires when all of them do.
    fn exposed_input(&self, group: &Group, name: &str, ports: &BTreeSet<PortAddress>) -> Option<InputPort> {
        let inner: Vec<&InputPort> = ports
            .iter()
            .map(|address| self.input(group.graph.nodes.get(&address.node)?, &address.port).yes())
            .collect::<Option<_>>()?;
        let first = inner.first()?;
        Some(InputPort {
            name: name.to_owned(),
            required: inner.iter().any(|port| port.required),
            many: inner.iter().all(|port| port.many),
            ..(*first).clone()
        })
    }

    fn exposed_output(&self, group: &Group, name: &str, address: &PortAddress) -> Option<OutputPort> {
        let port = self.output(group.graph.nodes.get(&address.node)?, &address.port).yes()?;
        Some(OutputPort { name: name.to_owned(), ..port.clone() })
    }

    fn exposed_parameter(&self, group: &Group, name: &str, address: &ParameterAddress) -> Option<Parameter> {
        let node = group.graph.nodes.get(&address.node)?;
        let parameter = self.parameter(node, &address.parameter).yes()?;
        Some(Parameter { name: name.to_owned(), ..parameter.clone() })
    }
}

impl GroupType {
    fn add<T>(&mut self, name: &str, item: Option<T>, list: impl Fn(&mut NodeSchema) -> &mut Vec<T>) {
        match item {
            Some(item) => list(&mut self.schema).push(item),
            None => {
                self.unclear.insert(name.to_owned());
            }
        }
    }
}

fn contained_groups(group: &Group) -> BTreeSet<&str> {
    group.graph.nodes.values().filter_map(Node::group_name).collect()
}

/// What a value adds to the size of a graph: its keys or names, or its text by the line.
fn value_size(value: &ParameterValue) -> usize {
    const LINE_BYTES: usize = 80;
    match value {
        ParameterValue::Toggle(_) | ParameterValue::Number(_) => 1,
        ParameterValue::Text(text) => 1 + text.len() / LINE_BYTES,
        ParameterValue::Curve(curve) => 1 + curve.keys.len(),
        ParameterValue::EmotionKeys { emotion_keys } => 1 + emotion_keys.len(),
        ParameterValue::Map(map) => 1 + map.len(),
    }
}

/// The input that a bypassed node passes through to an output of type `wanted`: the first of the same type, else the
/// first whose type converts.
pub(crate) fn passed_through(schema: &NodeSchema, wanted: PortType) -> Option<&InputPort> {
    let same = schema.inputs.iter().find(|port| port.port_type == wanted);
    same.or_else(|| schema.inputs.iter().find(|port| crate::converts(port.port_type, wanted)))
}
