//! The engine: runs graphs with the node types it was given and keeps their results.

use crate::cache::{Caches, Entry};
use crate::evaluate::Surroundings;
use crate::event::Event;
use crate::execute::{Execution, Outcome, Workshop};
use crate::history::History;
use crate::parts::Parts;
use crate::plan::{Plan, RunError};
use crate::report::{NodeReport, Report, Skip, State};
use crate::window::crop;
use crate::{Place, Registry, TimeWindow};
use esarm_graph::{
    FlatGraph, FlatNode, NodeId, ParameterKind, ParameterValue, PortAddress, Purity, TimeSupport,
};
use esarm_values::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// The class of the processor.
pub(crate) const PROCESSOR: &str = "cpu";

/// Runs graphs. One engine may run several graphs at once from several threads.
pub struct Engine {
    registry: RwLock<Arc<Registry>>,
    caches: Caches,
    history: Mutex<History>,
}

/// What to run and how.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Outputs to make; all named outputs of the graph when empty.
    pub wanted: Vec<PortAddress>,
    /// Seed of the run; every `Seeded` node mixes its id into it.
    pub seed: u64,
    /// Class of the device to work on: `cpu`, `gpu` or `cuda`.
    pub device: String,
    /// Which device of that class it is, by its adapter and driver: results of two that may differ have two names.
    pub adapter: String,
    /// The part of the clip to make; `None` makes the whole. Values from nodes that need the whole clip stay whole.
    pub window: Option<TimeWindow>,
    /// Folder that relative file parameters start from.
    pub base_folder: PathBuf,
    /// Nodes that may work at once; 0 takes one for each core.
    pub threads: usize,
    /// When long clips are worked on in parts, to bound the memory they take.
    pub parts: Parts,
    /// Whether the report holds digests of all results.
    pub digest_outputs: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            wanted: Vec::new(),
            seed: 0,
            device: PROCESSOR.to_owned(),
            adapter: String::new(),
            window: None,
            base_folder: PathBuf::new(),
            threads: 0,
            parts: Parts::default(),
            digest_outputs: false,
        }
    }
}

/// What a run gave.
#[derive(Debug)]
pub struct RunResult {
    /// The wanted outputs, as far as their nodes did not fail.
    pub outputs: BTreeMap<PortAddress, Value>,
    /// What happened.
    pub report: Report,
}

impl Engine {
    /// An engine with these node types and caches.
    pub fn new(registry: Registry, caches: Caches) -> Self {
        Self { registry: RwLock::new(Arc::new(registry)), caches, history: Mutex::default() }
    }

    /// The node types of the next run.
    pub fn registry(&self) -> Arc<Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts other node types in place. Runs that go on keep theirs.
    pub fn set_registry(&self, registry: Registry) {
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
    }

    /// Runs a graph: finds or makes the wanted outputs.
    ///
    /// A node that fails takes down what depends on it and nothing else; the report says which and why. Set
    /// `cancelled` from another thread to stop: nodes that watch it stop within 50 ms, and no other starts. `events`
    /// is called from several threads at once and should return quickly.
    ///
    /// The same graph, seed, device class and files give the same values, whatever the threads and caches.
    ///
    /// # Errors
    /// When a wanted output does not exist. Failures of nodes are no error here.
    pub fn run(
        &self,
        graph: &FlatGraph,
        options: &RunOptions,
        cancelled: &AtomicBool,
        events: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<RunResult, RunError> {
        let started = Instant::now();
        let registry = self.registry();
        let adapter = format!("{} {}", options.device, options.adapter);
        let around = Surroundings {
            seed: options.seed,
            device: &options.device,
            adapter: &adapter,
            base_folder: &options.base_folder,
            cancelled,
            events,
        };
        let pinned = |id: &NodeId| self.pinned(id);
        let plan = Plan::new(graph, &options.wanted, &registry, &around, &pinned)?;
        let shop = Workshop {
            plan: &plan,
            around: &around,
            caches: &self.caches,
            history: &self.history,
            threads: thread_count(options),
            digest_outputs: options.digest_outputs,
            parts: options.parts.checked(),
        };
        let mut wanted: Vec<usize> = plan.wanted.iter().map(|(_, step)| *step).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut execution = Execution::new(&shop, &wanted, options.window);
        execution.run();
        let outputs = wanted_values(&plan, &execution, options.window);
        self.unpin(graph);
        let mut report = Report {
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: options.seed,
            device: options.device.clone(),
            adapter: options.adapter.clone(),
            threads: shop.threads,
            window_secs: options.window.map(|window| [window.start_secs, window.end_secs]),
            milliseconds: 0.0,
            nodes: node_reports(graph, &plan, &registry, &options.device, execution.into_outcomes()),
            warnings: self.caches.take_warnings(),
        };
        report.milliseconds = milliseconds(started.elapsed());
        Ok(RunResult { outputs, report })
    }

    /// What a pinned node is kept at: what it was pinned to before, or else its last result.
    fn pinned(&self, id: &NodeId) -> Option<Arc<Entry>> {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = history.pinned(id) {
            return Some(entry);
        }
        let (entry, _) = self.caches.find(&history.last_key(id)?)?;
        history.pin(id, entry.clone());
        Some(entry)
    }

    fn unpin(&self, graph: &FlatGraph) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        graph.nodes.iter().filter(|(_, node)| !node.pinned).for_each(|(id, _)| history.unpin(id));
    }
}

fn thread_count(options: &RunOptions) -> usize {
    match options.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The wanted values that were made, cut to the window.
fn wanted_values(
    plan: &Plan<'_>,
    execution: &Execution<'_>,
    window: Option<TimeWindow>,
) -> BTreeMap<PortAddress, Value> {
    let value = |(address, step): &(PortAddress, usize)| {
        let value = execution.result(*step)?.outputs.get(&address.port)?.clone();
        let windowed = plan.steps[*step].time_support() != TimeSupport::Whole;
        let value = match window {
            Some(window) if windowed => crop(value, window),
            _ => value,
        };
        Some((address.clone(), value))
    };
    plan.wanted.iter().filter_map(value).collect()
}

/// The files that parameters of a node name.
fn files_of(registry: &Registry, node: &FlatNode) -> BTreeMap<String, String> {
    let declared = registry.get(&node.type_id).map_or(&[][..], |node_type| &node_type.schema.parameters);
    let files = declared.iter().filter(|it| matches!(it.kind, ParameterKind::File { .. }));
    let named = files.filter_map(|it| match node.parameters.get(&it.name) {
        Some(ParameterValue::Text(path)) if !path.is_empty() => Some((it.name.clone(), path.clone())),
        _ => None,
    });
    named.collect()
}

/// Where a node computes. Only nodes that ran are asked for a device of their own: telling may wake a driver.
fn device_of(registry: &Registry, node: &FlatNode, state: &State, run_device: &str) -> String {
    match registry.get(&node.type_id).map(|node_type| &node_type.place) {
        Some(Place::RunDevice) => run_device.to_owned(),
        Some(Place::Own(name)) if matches!(state, State::Ran(_)) => {
            name().unwrap_or_else(|| "unknown".to_owned())
        }
        Some(Place::Own(_)) => "its own".to_owned(),
        Some(Place::Processor) | None => PROCESSOR.to_owned(),
    }
}

/// One report per node of the graph, in its order.
fn node_reports(
    graph: &FlatGraph,
    plan: &Plan<'_>,
    registry: &Registry,
    device: &str,
    outcomes: Vec<Outcome>,
) -> Vec<NodeReport> {
    let report = |id: &NodeId, node: &FlatNode, state: State| NodeReport {
        node: id.clone(),
        type_id: node.type_id.clone(),
        version: node.version,
        device: device_of(registry, node, &state, device),
        seed: None,
        build: registry.get(&node.type_id).map(|node_type| node_type.build.clone()),
        state,
        milliseconds: 0.0,
        key: None,
        files: files_of(registry, node),
        fingerprint: None,
        outputs: BTreeMap::new(),
    };
    let mut planned: BTreeMap<&NodeId, NodeReport> = BTreeMap::new();
    for (step, outcome) in plan.steps.iter().zip(outcomes) {
        let with_outcome = NodeReport {
            milliseconds: milliseconds(outcome.elapsed),
            key: step.key(),
            fingerprint: step.fingerprint(),
            seed: step.node_type.filter(|it| it.schema.purity == Purity::Seeded).map(|_| step.seed),
            outputs: outcome.outputs,
            ..report(step.id, step.node, outcome.state)
        };
        planned.insert(step.id, with_outcome);
    }
    for (id, node) in &plan.not_wanted {
        planned.insert(id, report(id, node, State::Skipped(Skip::NotWanted)));
    }
    graph.order.iter().filter_map(|id| planned.remove(id)).collect()
}
