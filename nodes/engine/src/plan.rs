//! The plan of a run: the nodes that wanted outputs depend on, in order, with their keys.

use crate::cache::Entry;
use crate::evaluate::{Surroundings, check_outputs};
use crate::key::{InputKeys, KeyParts, node_seed};
use crate::run::PROCESSOR;
use crate::{NodeError, NodeType, Place, Registry};
use esarm_graph::{FlatGraph, FlatNode, NodeId, PortAddress, PortType, Purity, TimeSupport};
use esarm_values::Digest;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Steps in an order in which each comes after those that it takes values from.
pub(crate) struct Plan<'a> {
    pub(crate) steps: Vec<Step<'a>>,
    /// The wanted outputs and the steps that give them.
    pub(crate) wanted: Vec<(PortAddress, usize)>,
    /// Nodes that no wanted output depends on.
    pub(crate) not_wanted: Vec<(&'a NodeId, &'a FlatNode)>,
}

/// One node of a plan.
pub(crate) struct Step<'a> {
    pub(crate) id: &'a NodeId,
    pub(crate) node: &'a FlatNode,
    /// The type, when it is installed.
    pub(crate) node_type: Option<&'a NodeType>,
    pub(crate) inputs: Vec<Input<'a>>,
    /// The steps that it takes values from, each once.
    pub(crate) sources: Vec<usize>,
    pub(crate) seed: u64,
    pub(crate) readiness: Readiness<'a>,
}

/// Whether a step can run.
pub(crate) enum Readiness<'a> {
    /// It can: the key of its whole result, and what the key is made of.
    Ready { key: Digest, parts: KeyParts<'a> },
    /// Its last result is kept.
    Pinned(Arc<Entry>),
    /// It cannot, by itself.
    Broken(NodeError),
    /// Something before it cannot.
    Waiting,
}

/// A wired input of a step.
pub(crate) struct Input<'a> {
    pub(crate) port: &'a str,
    /// Type that the node takes there; `None` when the node type has no such input.
    pub(crate) port_type: Option<PortType>,
    pub(crate) sources: Vec<Source<'a>>,
}

/// An output that an input takes a value from.
pub(crate) struct Source<'a> {
    pub(crate) step: usize,
    pub(crate) output: &'a str,
}

/// Why a run could not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// An output is asked for that no node of the graph has.
    #[error("the graph has no output {address}; it has {available}")]
    UnknownOutput {
        /// What was asked for.
        address: PortAddress,
        /// What could be asked for.
        available: String,
    },
    /// The graph's order leaves out a node or puts it before one that it takes values from.
    #[error("node {0} is not placed after the nodes that it takes values from; validate the graph first")]
    Order(NodeId),
}

impl Step<'_> {
    /// The key of its whole result.
    pub(crate) fn key(&self) -> Option<Digest> {
        match &self.readiness {
            Readiness::Ready { key, .. } => Some(*key),
            Readiness::Pinned(entry) => Some(entry.key),
            Readiness::Broken(_) | Readiness::Waiting => None,
        }
    }

    pub(crate) fn fingerprint(&self) -> Option<Digest> {
        match &self.readiness {
            Readiness::Ready { parts, .. } => parts.fingerprint,
            _ => None,
        }
    }

    pub(crate) fn time_support(&self) -> TimeSupport {
        self.node_type.map_or(TimeSupport::Whole, |node_type| node_type.schema.time_support)
    }
}

impl<'a> Plan<'a> {
    /// Plans the `wanted` outputs, or all named outputs of the graph when none are listed. `pinned` gives the last
    /// result of a pinned node.
    pub(crate) fn new(
        graph: &'a FlatGraph,
        wanted: &[PortAddress],
        registry: &'a Registry,
        around: &'a Surroundings<'a>,
        pinned: &dyn Fn(&NodeId) -> Option<Arc<Entry>>,
    ) -> Result<Self, RunError> {
        let wanted: Vec<PortAddress> =
            if wanted.is_empty() { graph.outputs.values().cloned().collect() } else { wanted.to_vec() };
        wanted.iter().try_for_each(|address| check_output(graph, registry, address))?;
        let needed = needed_nodes(graph, &wanted);
        let mut planner = Planner { registry, around, pinned, steps: Vec::new(), by_id: HashMap::new() };
        let mut not_wanted = Vec::new();
        for id in &graph.order {
            match graph.nodes.get_key_value(id) {
                Some((id, node)) if needed.contains(id) => planner.add(id, node)?,
                Some((id, node)) => not_wanted.push((id, node)),
                None => {}
            }
        }
        let Planner { steps, by_id, .. } = planner;
        let step_of = |address: PortAddress| match by_id.get(&address.node) {
            Some(step) => Ok((address, *step)),
            None => Err(RunError::Order(address.node)),
        };
        let wanted = wanted.into_iter().map(step_of).collect::<Result<_, _>>()?;
        Ok(Self { steps, wanted, not_wanted })
    }
}

/// Fails unless the graph has such an output. A node whose type is not installed may have any: it fails by itself.
fn check_output(graph: &FlatGraph, registry: &Registry, address: &PortAddress) -> Result<(), RunError> {
    let node = graph.nodes.get(&address.node);
    let schema = node.and_then(|node| registry.get(&node.type_id)).map(|node_type| &node_type.schema);
    let exists = node.is_some() && schema.is_none_or(|schema| schema.find_output(&address.port).is_some());
    if exists {
        return Ok(());
    }
    let names: Vec<String> = match schema {
        Some(schema) => schema.outputs.iter().map(|port| format!("{}.{}", address.node, port.name)).collect(),
        None => graph.outputs.values().map(PortAddress::to_string).collect(),
    };
    Err(RunError::UnknownOutput { address: address.clone(), available: names.join(", ") })
}

/// The nodes of the wanted outputs and all nodes before them.
fn needed_nodes<'a>(graph: &'a FlatGraph, wanted: &'a [PortAddress]) -> HashSet<&'a NodeId> {
    let mut needed = HashSet::new();
    let mut open: Vec<&NodeId> = wanted.iter().map(|address| &address.node).collect();
    while let Some(id) = open.pop() {
        if needed.insert(id)
            && let Some(node) = graph.nodes.get(id)
        {
            open.extend(node.inputs.values().flatten().map(|address| &address.node));
        }
    }
    needed
}

struct Planner<'a, 'p> {
    registry: &'a Registry,
    around: &'a Surroundings<'a>,
    pinned: &'p dyn Fn(&NodeId) -> Option<Arc<Entry>>,
    steps: Vec<Step<'a>>,
    by_id: HashMap<&'a NodeId, usize>,
}

impl<'a> Planner<'a, '_> {
    fn add(&mut self, id: &'a NodeId, node: &'a FlatNode) -> Result<(), RunError> {
        let node_type = self.registry.get(&node.type_id).map(Arc::as_ref);
        let seeded = node_type.is_some_and(|node_type| node_type.schema.purity == Purity::Seeded);
        let inputs = self.inputs(id, node, node_type)?;
        let mut sources: Vec<usize> =
            inputs.iter().flat_map(|input| &input.sources).map(|source| source.step).collect();
        sources.sort_unstable();
        sources.dedup();
        let mut step = Step {
            id,
            node,
            node_type,
            inputs,
            sources,
            seed: if seeded { node_seed(self.around.seed, id) } else { 0 },
            readiness: Readiness::Waiting,
        };
        step.readiness = self.readiness(&step);
        self.by_id.insert(id, self.steps.len());
        self.steps.push(step);
        Ok(())
    }

    /// An input that the type does not declare gets no values; [`Self::usable_type`] refuses it.
    fn inputs(
        &self,
        id: &NodeId,
        node: &'a FlatNode,
        node_type: Option<&NodeType>,
    ) -> Result<Vec<Input<'a>>, RunError> {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for (port, addresses) in &node.inputs {
            let find = |address: &'a PortAddress| match self.by_id.get(&address.node) {
                Some(step) => Ok(Source { step: *step, output: &address.port }),
                None => Err(RunError::Order(id.clone())),
            };
            let sources = addresses.iter().map(find).collect::<Result<_, _>>()?;
            let declared = node_type.and_then(|node_type| node_type.schema.find_input(port));
            inputs.push(Input { port, port_type: declared.map(|it| it.port_type), sources });
        }
        Ok(inputs)
    }

    fn readiness(&self, step: &Step<'a>) -> Readiness<'a> {
        if step.node.pinned
            && let Some(entry) = (self.pinned)(step.id)
            && step.node_type.is_none_or(|it| check_outputs(&it.schema, &entry.outputs).is_ok())
        {
            return Readiness::Pinned(entry);
        }
        let node_type = match self.usable_type(step) {
            Ok(node_type) => node_type,
            Err(problem) => return Readiness::Broken(problem),
        };
        let Some(inputs) = self.input_keys(step) else { return Readiness::Waiting };
        let fingerprint = match self.around.fingerprint(step, node_type) {
            Ok(fingerprint) => fingerprint,
            Err(problem) => return Readiness::Broken(problem),
        };
        let parts = KeyParts {
            node_type,
            node: step.node,
            inputs,
            seed: step.seed,
            device: device_in_key(node_type, self.around),
            fingerprint,
        };
        Readiness::Ready { key: parts.key(), parts }
    }

    /// The type of a step, when it is installed and takes and gives what the wires expect.
    fn usable_type(&self, step: &Step<'a>) -> Result<&'a NodeType, NodeError> {
        let type_id = &step.node.type_id;
        let node_type = step.node_type.ok_or_else(|| {
            NodeError::failed(format!("node type \"{type_id}\" is not installed; add the plugin that has it"))
        })?;
        let schema = &node_type.schema;
        if schema.version != step.node.version {
            return Err(NodeError::failed(format!(
                "the graph has version {} of node type \"{type_id}\", installed is {}; upgrade the graph or the type",
                step.node.version, schema.version
            )));
        }
        let missing = |port: &&esarm_graph::InputPort| {
            port.required && step.node.inputs.get(&port.name).is_none_or(Vec::is_empty)
        };
        if let Some(port) = schema.inputs.iter().find(missing) {
            return Err(NodeError::input(&port.name, "nothing is wired here; connect a value"));
        }
        for input in &step.inputs {
            if input.port_type.is_none() {
                return Err(NodeError::input(input.port, "the node type has no such input; remove the wire"));
            }
            for source in &input.sources {
                let from = &self.steps[source.step];
                if from.node_type.is_some_and(|it| it.schema.find_output(source.output).is_none()) {
                    let message = format!("node {} has no output \"{}\"; rewire it", from.id, source.output);
                    return Err(NodeError::input(input.port, message));
                }
            }
        }
        Ok(node_type)
    }

    /// The keys of everything that arrives, or `None` when something before cannot run.
    fn input_keys(&self, step: &Step<'a>) -> Option<Vec<InputKeys<'a>>> {
        let key = |source: &Source<'a>| Some((self.steps[source.step].key()?, source.output));
        step.inputs
            .iter()
            .map(|input| Some((input.port, input.sources.iter().map(key).collect::<Option<_>>()?)))
            .collect()
    }
}

/// Only what computes on the run's device depends on which one that is.
fn device_in_key<'a>(node_type: &NodeType, around: &Surroundings<'a>) -> &'a str {
    if matches!(node_type.place, Place::RunDevice) { around.adapter } else { PROCESSOR }
}
