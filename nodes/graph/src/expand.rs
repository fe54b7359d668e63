//! Unfolds a document to a flat graph: groups become their nodes, bypassed nodes become wires.

use crate::catalog::{Catalog, Found, passed_through, value_or_default};
use crate::problem::Finding;
use crate::topology::sort;
use crate::{
    Document, FlatGraph, FlatNode, Graph, Group, InputPort, Item, Node, NodeId, ParameterAddress,
    ParameterValue, Place, PortAddress, Problem, ProblemKind, Severity, converts,
};
use std::collections::{BTreeMap, BTreeSet};

/// Unfolds as far as the document allows and tells what bypassed nodes make impossible. The caller has made sure that
/// no group contains itself and that the result is not too large; other mistakes leave gaps in the result.
pub(crate) fn expand(document: &Document, catalog: &Catalog<'_>) -> (FlatGraph, Vec<Problem>) {
    let mut expansion = Expansion {
        document,
        catalog,
        instances: Vec::new(),
        problems: Vec::new(),
        reported: BTreeSet::new(),
    };
    expansion.unfold();
    let mut flat = FlatGraph::default();
    for instance in 0..expansion.instances.len() {
        expansion.add_nodes(instance, &mut flat);
    }
    for (name, address) in &document.outputs {
        expansion.add_output(name, address, &mut flat);
    }
    flat.order = order(&flat);
    (flat, expansion.problems)
}

fn order(flat: &FlatGraph) -> Vec<NodeId> {
    let needed = flat.nodes.iter().map(|(id, node)| (id, sources(node))).collect();
    sort(&needed).order.into_iter().cloned().collect()
}

fn sources(node: &FlatNode) -> BTreeSet<&NodeId> {
    node.inputs.values().flatten().map(|from| &from.node).collect()
}

struct Expansion<'a> {
    document: &'a Document,
    catalog: &'a Catalog<'a>,
    instances: Vec<Instance<'a>>,
    problems: Vec<Problem>,
    /// Outputs of bypassed nodes that were reported once already.
    reported: BTreeSet<PortAddress>,
}

/// The top graph (the first) or one use of a group.
struct Instance<'a> {
    graph: &'a Graph,
    sources: BTreeMap<&'a PortAddress, Vec<&'a PortAddress>>,
    /// Names under which the group exposes an inner input.
    exposed: BTreeMap<&'a PortAddress, Vec<&'a str>>,
    outer: Option<Outer<'a>>,
    /// Flat id of the instance.
    id: Option<NodeId>,
    pinned: bool,
    /// Values that the instance gives to parameters inside.
    overrides: BTreeMap<&'a ParameterAddress, ParameterValue>,
    /// Instances inside, by node.
    inner: BTreeMap<&'a NodeId, usize>,
}

/// What an instance is inside its surroundings.
struct Outer<'a> {
    instance: usize,
    node: &'a NodeId,
    group: &'a Group,
}

/// A point on the way from an input back to the nodes that feed it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Point {
    Input(usize, PortAddress),
    Output(usize, PortAddress),
}

/// What feeds an input, and the last bypassed node on the way.
#[derive(Default)]
struct Feed {
    sources: BTreeSet<PortAddress>,
    bypassed: Option<NodeId>,
}

impl<'a> Expansion<'a> {
    /// Makes an instance of every use of a group, outer before inner.
    fn unfold(&mut self) {
        self.instances.push(Instance::new(&self.document.graph, None));
        let mut next = 0;
        while next < self.instances.len() {
            let graph = self.instances[next].graph;
            for (id, node) in graph.nodes.iter().filter(|(_, node)| !node.bypassed) {
                let group = node.group_name().and_then(|name| self.document.groups.get(name));
                if let Some(group) = group {
                    let inner = self.instance_of(group, next, id, node);
                    let index = self.instances.len();
                    self.instances.push(inner);
                    self.instances[next].inner.insert(id, index);
                }
            }
            next += 1;
        }
    }

    fn instance_of(&self, group: &'a Group, outer: usize, id: &'a NodeId, node: &'a Node) -> Instance<'a> {
        let around = &self.instances[outer];
        let overrides = group
            .parameters
            .iter()
            .filter_map(|(name, address)| Some((address, around.value(id, node, name)?)))
            .collect();
        Instance {
            id: Some(around.flat_id(id)),
            pinned: around.pinned || node.pinned,
            overrides,
            ..Instance::new(&group.graph, Some(Outer { instance: outer, node: id, group }))
        }
    }

    fn add_nodes(&mut self, instance: usize, flat: &mut FlatGraph) {
        for (id, node) in &self.instances[instance].graph.nodes {
            let runs = !node.bypassed && node.group_name().is_none();
            let Some(schema) = self.catalog.schema(node).filter(|_| runs) else { continue };
            let mut inputs = BTreeMap::new();
            for port in &schema.inputs {
                let sources = self.feed(instance, id, port);
                if !sources.is_empty() {
                    inputs.insert(port.name.clone(), sources);
                }
            }
            let around = &self.instances[instance];
            let value = |name| around.value(id, node, name);
            let parameters = schema
                .parameters
                .iter()
                .map(|kind| {
                    (kind.name.clone(), value(&kind.name).unwrap_or_else(|| value_or_default(node, kind)))
                })
                .collect();
            let pinned = around.pinned || node.pinned;
            let flat_node =
                FlatNode { type_id: node.type_id.clone(), version: node.version, parameters, pinned, inputs };
            flat.nodes.insert(around.flat_id(id), flat_node);
        }
    }

    fn add_output(&mut self, name: &str, address: &PortAddress, flat: &mut FlatGraph) {
        let feed = self.trace(Point::Output(0, address.clone()));
        let count = feed.sources.len();
        match (feed.sources.into_iter().next(), feed.bypassed) {
            (Some(source), _) if count == 1 => {
                flat.outputs.insert(name.to_owned(), source);
            }
            (_, Some(bypassed)) => {
                let what = format!("bypassed node \"{bypassed}\" passes {count} values through to it");
                self.report(
                    Place { item: Item::Output(name.to_owned()), ..Place::default() },
                    what,
                    &bypassed,
                );
            }
            _ => {}
        }
    }

    /// What an input is fed by; reports what a bypassed node on the way spoils.
    fn feed(&mut self, instance: usize, node: &NodeId, port: &InputPort) -> Vec<PortAddress> {
        let address = PortAddress { node: node.clone(), port: port.name.clone() };
        let feed = self.trace(Point::Input(instance, address));
        if let Some(bypassed) = &feed.bypassed
            && let Some(what) = self.spoilt(port, &feed.sources, bypassed)
        {
            let id = self.instances[instance].flat_id(node);
            let place = Place { group: None, node: Some(id), item: Item::Input(port.name.clone()) };
            self.report(place, what, bypassed);
        }
        feed.sources.into_iter().collect()
    }

    fn spoilt(&self, port: &InputPort, sources: &BTreeSet<PortAddress>, bypassed: &NodeId) -> Option<String> {
        if sources.is_empty() {
            return port.required.then(|| {
                format!("nothing arrives, because nothing is wired to the input that bypassed node \"{bypassed}\" passes through")
            });
        }
        if sources.len() > 1 && !port.many {
            return Some(format!(
                "bypassed node \"{bypassed}\" passes {} values through, and this input takes one",
                sources.len()
            ));
        }
        let given = sources.iter().filter_map(|source| self.source_type(source));
        let wrong = given.into_iter().find(|given| !converts(*given, port.port_type))?;
        Some(format!(
            "takes {} and gets {} through bypassed node \"{bypassed}\"",
            port.port_type.name(),
            wrong.name()
        ))
    }

    fn source_type(&self, source: &PortAddress) -> Option<crate::PortType> {
        let mut graph = &self.document.graph;
        let mut steps = source.node.as_str().split('/').peekable();
        while let Some(step) = steps.next() {
            let node = graph.nodes.get(step)?;
            match node.group_name() {
                Some(group) if steps.peek().is_some() => graph = &self.document.groups.get(group)?.graph,
                _ => return self.catalog.output(node, &source.port).yes().map(|port| port.port_type),
            }
        }
        None
    }

    /// Walks from a port back through exposed ports and bypassed nodes to the nodes that run.
    fn trace(&mut self, start: Point) -> Feed {
        let mut feed = Feed::default();
        let mut seen = BTreeSet::from([start.clone()]);
        let mut pending = vec![start];
        while let Some(point) = pending.pop() {
            for before in self.step_back(&point, &mut feed) {
                if seen.insert(before.clone()) {
                    pending.push(before);
                }
            }
        }
        feed
    }

    fn step_back(&mut self, point: &Point, feed: &mut Feed) -> Vec<Point> {
        match point {
            Point::Input(instance, address) => self.before_input(*instance, address),
            Point::Output(instance, address) => self.before_output(*instance, address, feed),
        }
    }

    fn before_input(&self, instance: usize, address: &PortAddress) -> Vec<Point> {
        let here = &self.instances[instance];
        let wires = here.sources.get(address).into_iter().flatten();
        let wires = wires.map(|from| Point::Output(instance, (*from).clone()));
        let exposed = here.outer.iter().flat_map(|outer| {
            let names = here.exposed.get(address).into_iter().flatten();
            names.map(|name| {
                let port = (*name).to_owned();
                Point::Input(outer.instance, PortAddress { node: outer.node.clone(), port })
            })
        });
        wires.chain(exposed).collect()
    }

    fn before_output(&mut self, instance: usize, address: &PortAddress, feed: &mut Feed) -> Vec<Point> {
        let here = &self.instances[instance];
        let Some(node) = here.graph.nodes.get(&address.node) else { return Vec::new() };
        if node.bypassed {
            feed.bypassed = Some(here.flat_id(&address.node));
            return self.before_bypassed(instance, node, address).into_iter().collect();
        }
        if let Some(&inner) = here.inner.get(&address.node) {
            let group = self.instances[inner].outer.as_ref().map(|outer| outer.group);
            let exposed = group.and_then(|group| group.outputs.get(&address.port));
            return exposed.map(|inside| Point::Output(inner, inside.clone())).into_iter().collect();
        }
        feed.sources.insert(PortAddress { node: here.flat_id(&address.node), port: address.port.clone() });
        Vec::new()
    }

    fn before_bypassed(&mut self, instance: usize, node: &Node, address: &PortAddress) -> Option<Point> {
        let Found::Yes(output) = self.catalog.output(node, &address.port) else { return None };
        match self.catalog.schema(node).and_then(|schema| passed_through(schema, output.port_type)) {
            Some(input) => {
                let inside = PortAddress { node: address.node.clone(), port: input.name.clone() };
                Some(Point::Input(instance, inside))
            }
            None => {
                let id = self.instances[instance].flat_id(&address.node);
                let what =
                    format!("is bypassed, but none of its inputs can give {}", output.port_type.name());
                let item = Item::Output(output.name.clone());
                if self.reported.insert(PortAddress { node: id.clone(), port: output.name.clone() }) {
                    self.report(Place { group: None, node: Some(id.clone()), item }, what, &id);
                }
                None
            }
        }
    }

    fn report(&mut self, place: Place, what: String, bypassed: &NodeId) {
        let finding = Finding::new(ProblemKind::CannotBypass, what)
            .remedy(format!("switch \"{bypassed}\" on again, or wire around it"));
        self.problems.push(finding.at(place, Severity::Error));
    }
}

impl<'a> Instance<'a> {
    fn new(graph: &'a Graph, outer: Option<Outer<'a>>) -> Self {
        let mut sources: BTreeMap<&PortAddress, Vec<&PortAddress>> = BTreeMap::new();
        for wire in &graph.wires {
            sources.entry(&wire.to).or_default().push(&wire.from);
        }
        let mut exposed: BTreeMap<&PortAddress, Vec<&str>> = BTreeMap::new();
        for (name, ports) in outer.iter().flat_map(|outer| &outer.group.inputs) {
            ports.iter().for_each(|port| exposed.entry(port).or_default().push(name));
        }
        let (overrides, inner) = (BTreeMap::new(), BTreeMap::new());
        Self { graph, sources, exposed, outer, id: None, pinned: false, overrides, inner }
    }

    fn flat_id(&self, node: &NodeId) -> NodeId {
        self.id.as_ref().map_or_else(|| node.clone(), |outer| outer.inside(node))
    }

    /// What a node's parameter is set to: from outside if the group exposes it and the instance sets it, else at the
    /// node.
    fn value(&self, id: &NodeId, node: &Node, parameter: &str) -> Option<ParameterValue> {
        let at_node = || node.parameters.get(parameter).cloned();
        if self.overrides.is_empty() {
            return at_node();
        }
        let address = ParameterAddress { node: id.clone(), parameter: parameter.to_owned() };
        self.overrides.get(&address).cloned().or_else(at_node)
    }
}
