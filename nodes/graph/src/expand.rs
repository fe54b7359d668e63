//! Unfolds a document to a flat graph: groups become their nodes, bypassed nodes become wires.

use crate::catalog::{Catalog, Found, passed_through};
use crate::problem::Finding;
use crate::topology::sort;
use crate::{
    Document, FlatGraph, FlatNode, Graph, Group, InputPort, Item, Node, NodeId, Parameter, ParameterValue,
    Place, PortAddress, Problem, ProblemKind, Severity, converts,
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

/// A node of a graph and the name of one of its ports or parameters.
type Spot<'a> = (&'a NodeId, &'a str);

fn spot(address: &PortAddress) -> Spot<'_> {
    (&address.node, &address.port)
}

/// The top graph (the first) or one use of a group.
struct Instance<'a> {
    graph: &'a Graph,
    /// The outputs that are wired to each input.
    sources: BTreeMap<Spot<'a>, Vec<&'a PortAddress>>,
    /// Names under which the group exposes an inner input.
    exposed: BTreeMap<Spot<'a>, Vec<&'a str>>,
    outer: Option<Outer<'a>>,
    /// Flat id of the instance.
    id: Option<NodeId>,
    pinned: bool,
    /// Values that the instance gives to parameters inside.
    overrides: BTreeMap<Spot<'a>, ParameterValue>,
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Point<'a> {
    Input(usize, Spot<'a>),
    Output(usize, Spot<'a>),
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
            .filter_map(|(name, address)| {
                Some(((&address.node, address.parameter.as_str()), around.value(id, node, name)?))
            })
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
            let value = |parameter: &Parameter| {
                around.value(id, node, &parameter.name).unwrap_or_else(|| parameter.kind.default_value())
            };
            let parameters = schema
                .parameters
                .iter()
                .map(|parameter| (parameter.name.clone(), value(parameter)))
                .collect();
            let pinned = around.pinned || node.pinned;
            let flat_node =
                FlatNode { type_id: node.type_id.clone(), version: node.version, parameters, pinned, inputs };
            flat.nodes.insert(around.flat_id(id), flat_node);
        }
    }

    fn add_output(&mut self, name: &str, address: &'a PortAddress, flat: &mut FlatGraph) {
        let feed = self.trace(Point::Output(0, spot(address)));
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
    fn feed(&mut self, instance: usize, node: &'a NodeId, port: &'a InputPort) -> Vec<PortAddress> {
        let feed = self.trace(Point::Input(instance, (node, &port.name)));
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
    fn trace(&mut self, start: Point<'a>) -> Feed {
        let mut feed = Feed::default();
        let mut seen = BTreeSet::from([start]);
        let mut pending = vec![start];
        while let Some(point) = pending.pop() {
            for before in self.step_back(point, &mut feed) {
                if seen.insert(before) {
                    pending.push(before);
                }
            }
        }
        feed
    }

    fn step_back(&mut self, point: Point<'a>, feed: &mut Feed) -> Vec<Point<'a>> {
        match point {
            Point::Input(instance, spot) => self.before_input(instance, spot),
            Point::Output(instance, spot) => self.before_output(instance, spot, feed).into_iter().collect(),
        }
    }

    fn before_input(&self, instance: usize, input: Spot<'a>) -> Vec<Point<'a>> {
        let here = &self.instances[instance];
        let wires = here.sources.get(&input).into_iter().flatten();
        let wires = wires.map(|from| Point::Output(instance, spot(from)));
        let exposed = here.outer.iter().flat_map(|outer| {
            let names = here.exposed.get(&input).into_iter().flatten();
            names.map(|name| Point::Input(outer.instance, (outer.node, *name)))
        });
        wires.chain(exposed).collect()
    }

    fn before_output(&mut self, instance: usize, output: Spot<'a>, feed: &mut Feed) -> Option<Point<'a>> {
        let here = &self.instances[instance];
        let (id, port) = output;
        let node = here.graph.nodes.get(id)?;
        if node.bypassed {
            feed.bypassed = Some(here.flat_id(id));
            return self.before_bypassed(instance, node, output);
        }
        if let Some(&inner) = here.inner.get(id) {
            let group = self.instances[inner].outer.as_ref()?.group;
            return group.outputs.get(port).map(|inside| Point::Output(inner, spot(inside)));
        }
        feed.sources.insert(PortAddress { node: here.flat_id(id), port: port.to_owned() });
        None
    }

    fn before_bypassed(&mut self, instance: usize, node: &Node, output: Spot<'a>) -> Option<Point<'a>> {
        let (id, port) = output;
        let catalog = self.catalog;
        let Found::Yes(output) = catalog.output(node, port) else { return None };
        if let Some(input) = passed_through(catalog.schema(node)?, output.port_type) {
            return Some(Point::Input(instance, (id, &input.name)));
        }
        let id = self.instances[instance].flat_id(id);
        if self.reported.insert(PortAddress { node: id.clone(), port: output.name.clone() }) {
            let what = format!("is bypassed, but none of its inputs can give {}", output.port_type.name());
            let item = Item::Output(output.name.clone());
            self.report(Place { group: None, node: Some(id.clone()), item }, what, &id);
        }
        None
    }

    fn report(&mut self, place: Place, what: String, bypassed: &NodeId) {
        let finding = Finding::new(ProblemKind::CannotBypass, what)
            .remedy(format!("switch \"{bypassed}\" on again, or wire around it"));
        self.problems.push(finding.at(place, Severity::Error));
    }
}

impl<'a> Instance<'a> {
    fn new(graph: &'a Graph, outer: Option<Outer<'a>>) -> Self {
        let mut sources: BTreeMap<Spot<'_>, Vec<&PortAddress>> = BTreeMap::new();
        for wire in &graph.wires {
            sources.entry(spot(&wire.to)).or_default().push(&wire.from);
        }
        let mut exposed: BTreeMap<Spot<'_>, Vec<&str>> = BTreeMap::new();
        for (name, ports) in outer.iter().flat_map(|outer| &outer.group.inputs) {
            ports.iter().for_each(|port| exposed.entry(spot(port)).or_default().push(name));
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
        self.overrides.get(&(id, parameter)).or_else(|| node.parameters.get(parameter)).cloned()
    }
}
