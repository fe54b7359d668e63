//! Checks of wires and inputs, and the search for circles.

use super::checker::{Checker, Scope};
use crate::address::shortened;
use crate::catalog::Found;
use crate::problem::Finding;
use crate::topology::sort;
use crate::{
    InputPort, Item, Node, NodeId, OutputPort, Place, PortAddress, PortType, ProblemKind, Wire, converts,
};
use std::collections::{BTreeMap, BTreeSet};

/// Outputs that a message names as fitting.
const MOST_OFFERED: usize = 3;
/// Nodes of a circle that a message names.
const MOST_OF_A_CIRCLE: usize = 20;

/// What ends at each input of a graph.
type Arrivals<'a> = BTreeMap<(&'a NodeId, &'a str), Vec<Arrival<'a>>>;

/// A wire by its source, or the name under which a group exposes the input.
enum Arrival<'a> {
    Wire(&'a PortAddress),
    Exposed(&'a str),
}

impl std::fmt::Display for Arrival<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wire(from) => write!(formatter, "\"{from}\""),
            Self::Exposed(name) => write!(formatter, "the exposed input \"{name}\""),
        }
    }
}

impl<'a> Checker<'a> {
    pub(crate) fn check_wires(&mut self, scope: Scope<'a>) {
        let mut arrivals = Arrivals::new();
        for wire in &scope.graph.wires {
            self.check_wire(scope, wire);
            arrivals.entry((&wire.to.node, &wire.to.port)).or_default().push(Arrival::Wire(&wire.from));
        }
        let group = scope.group.and_then(|name| self.document.groups.get(name));
        for (name, ports) in group.iter().flat_map(|group| &group.inputs) {
            for port in ports {
                arrivals.entry((&port.node, &port.port)).or_default().push(Arrival::Exposed(name));
            }
        }
        self.check_single_inputs(scope, &arrivals);
        self.check_required_inputs(scope, &arrivals);
        self.check_cycles(scope);
    }

    fn check_wire(&mut self, scope: Scope<'a>, wire: &Wire) {
        let from = self.find_output(scope, &wire.from, &|| format!("a wire to \"{}\"", wire.to));
        let to = self.find_input(scope, &wire.to, &|| format!("a wire from \"{}\"", wire.from));
        let (Some(from), Some(to)) = (from, to) else { return };
        if converts(from.port_type, to.port_type) {
            return;
        }
        let (given, taken) = (from.port_type, to.port_type);
        let what = format!("takes {}, and \"{}\" gives {}", taken.name(), wire.from, given.name());
        let place = scope.place(Some(&wire.to.node), Item::Input(shortened(&wire.to.port)));
        let finding = Finding::new(ProblemKind::WrongType, what)
            .allowed(taken_types(taken))
            .remedy(self.offer(scope, taken, &wire.to.node, "remove the wire"));
        self.error(place, finding);
    }

    /// Looks up the output at an address; reports when there is none. `user` is who refers to it.
    pub(crate) fn find_output(
        &mut self,
        scope: Scope<'a>,
        at: &PortAddress,
        user: &dyn Fn() -> String,
    ) -> Option<&'a OutputPort> {
        let node = self.find_node(scope, &at.node, user)?;
        let catalog = self.catalog;
        match catalog.output(node, &at.port) {
            Found::Yes(port) => return Some(port),
            Found::Unclear => return None,
            Found::No => {}
        }
        let names = catalog.schema(node).into_iter().flat_map(|schema| &schema.outputs);
        let names = names.map(|port| port.name.as_str());
        let finding = Finding::new(
            ProblemKind::UnknownPort,
            format!("{} starts here, and there is no such output", user()),
        )
        .allowed(self.suggest(&at.port, names, "the node has no outputs"))
        .remedy("correct the name, or remove it");
        self.error(scope.place(Some(&at.node), Item::Output(shortened(&at.port))), finding);
        None
    }

    /// Looks up the input at an address; reports when there is none. `user` is who refers to it.
    pub(crate) fn find_input(
        &mut self,
        scope: Scope<'a>,
        at: &PortAddress,
        user: &dyn Fn() -> String,
    ) -> Option<&'a InputPort> {
        let node = self.find_node(scope, &at.node, user)?;
        let catalog = self.catalog;
        match catalog.input(node, &at.port) {
            Found::Yes(port) => return Some(port),
            Found::Unclear => return None,
            Found::No => {}
        }
        let names = catalog.schema(node).into_iter().flat_map(|schema| &schema.inputs);
        let names = names.map(|port| port.name.as_str());
        let finding = Finding::new(
            ProblemKind::UnknownPort,
            format!("{} ends here, and there is no such input", user()),
        )
        .allowed(self.suggest(&at.port, names, "the node has no inputs"))
        .remedy("correct the name, or remove it");
        self.error(scope.place(Some(&at.node), Item::Input(shortened(&at.port))), finding);
        None
    }

    /// Looks up a node; reports when there is none. `user` is who refers to it.
    pub(crate) fn find_node(
        &mut self,
        scope: Scope<'a>,
        id: &NodeId,
        user: &dyn Fn() -> String,
    ) -> Option<&'a Node> {
        let found = scope.graph.nodes.get(id);
        if found.is_none() {
            let names = scope.graph.nodes.keys().map(NodeId::as_str);
            let finding = Finding::new(
                ProblemKind::UnknownNode,
                format!("{} leads to this node, which does not exist", user()),
            )
            .allowed(self.suggest(id.as_str(), names, "there are no nodes"))
            .remedy("correct the id, add the node, or remove it");
            self.error(scope.place(Some(id), Item::Whole), finding);
        }
        found
    }

    fn check_single_inputs(&mut self, scope: Scope<'a>, arrivals: &Arrivals<'_>) {
        for (&(id, name), sources) in arrivals.iter().filter(|(_, sources)| sources.len() > 1) {
            let node = scope.graph.nodes.get(id);
            let port = node.and_then(|node| self.catalog.input(node, name).yes());
            if port.is_some_and(|port| !port.many) {
                let listed =
                    sources.iter().take(MOST_OFFERED).map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let what = format!(
                    "{} values arrive: {listed}{}",
                    sources.len(),
                    if sources.len() > MOST_OFFERED { ", ..." } else { "" }
                );
                let finding = Finding::new(ProblemKind::SeveralWires, what)
                    .allowed("takes one wire")
                    .remedy("keep one of them");
                self.error(scope.place(Some(id), Item::Input(name.to_owned())), finding);
            }
        }
    }

    fn check_required_inputs(&mut self, scope: Scope<'a>, arrivals: &Arrivals<'_>) {
        for (id, node) in scope.graph.nodes.iter().filter(|(_, node)| !node.bypassed) {
            let catalog = self.catalog;
            let inputs = catalog.schema(node).into_iter().flat_map(|schema| &schema.inputs);
            for port in inputs.filter(|port| port.required) {
                if !arrivals.contains_key(&(id, port.name.as_str())) {
                    let finding = Finding::new(
                        ProblemKind::MissingInput,
                        "nothing is wired here, and the node needs it",
                    )
                    .allowed(taken_types(port.port_type))
                    .remedy(self.offer(
                        scope,
                        port.port_type,
                        id,
                        "add a node that gives it and wire it here",
                    ));
                    self.error(scope.place(Some(id), Item::Input(port.name.clone())), finding);
                }
            }
        }
    }

    /// Names outputs of the graph that fit an input.
    fn offer(&self, scope: Scope<'_>, wanted: PortType, except: &NodeId, otherwise: &str) -> String {
        let fitting = scope.graph.nodes.iter().filter(|(id, _)| *id != except).flat_map(|(id, node)| {
            let outputs = self.catalog.schema(node).into_iter().flat_map(|schema| &schema.outputs);
            outputs
                .filter(|port| converts(port.port_type, wanted))
                .map(move |port| format!("\"{id}.{}\"", port.name))
        });
        let offered: Vec<String> = fitting.take(MOST_OFFERED).collect();
        if offered.is_empty() { otherwise.to_owned() } else { format!("wire {} here", offered.join(" or ")) }
    }

    fn check_cycles(&mut self, scope: Scope<'_>) {
        let mut needed: BTreeMap<&NodeId, BTreeSet<&NodeId>> =
            scope.graph.nodes.keys().map(|id| (id, BTreeSet::new())).collect();
        for wire in &scope.graph.wires {
            if let Some(sources) = needed.get_mut(&wire.to.node) {
                sources.insert(&wire.from.node);
            }
        }
        for cycle in sort(&needed).cycles {
            let finding = Finding::new(
                ProblemKind::Cycle,
                format!("the nodes feed each other in a circle: {}", circle(&cycle)),
            )
            .allowed("values flow one way")
            .remedy("remove one of these wires");
            self.error(
                Place { item: Item::Whole, ..scope.place(cycle.first().copied(), Item::Whole) },
                finding,
            );
        }
    }
}

/// The nodes of a circle in the direction of flow, the first again at the end.
fn circle(nodes: &[&NodeId]) -> String {
    let shown = nodes.len().min(MOST_OF_A_CIRCLE);
    let mut names: Vec<String> = nodes[..shown].iter().map(ToString::to_string).collect();
    if shown < nodes.len() {
        names.push(format!("... ({} more)", nodes.len() - shown));
    }
    names.extend(nodes.first().map(ToString::to_string));
    names.join(" -> ")
}

/// The types that may be wired to an input.
fn taken_types(wanted: PortType) -> String {
    let names: Vec<&str> =
        PortType::ALL.into_iter().filter(|from| converts(*from, wanted)).map(PortType::name).collect();
    format!("takes {}", names.join(" or "))
}
