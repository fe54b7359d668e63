//! Running a document: what `animate`, `run` and `score` share.

use crate::arguments::{Device, Running};
use crate::failure::Failure;
use crate::mapping;
use crate::progress::Reporter;
use esarm_engine::{
    Caches, DiskCache, DiskOptions, Engine, NodeReport, Registry, Report, RunOptions, RunResult, State,
};
use esarm_graph::{Document, PortAddress, Purity};
use esarm_values::Value;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Results kept in memory while a command runs.
const MEMORY_CACHE_BYTES: usize = 128 << 20;

/// An engine with every built-in node, and how to run it.
pub(crate) struct Runner<'a> {
    engine: Engine,
    running: &'a Running,
    device: &'static str,
}

/// What to run, and where it came from.
pub(crate) struct Job<'a> {
    pub(crate) document: &'a Document,
    /// What to call the graph in messages.
    pub(crate) graph_name: &'a str,
    /// Folder that relative file parameters start from.
    pub(crate) base_folder: &'a Path,
    /// Named outputs to make; all when empty.
    pub(crate) wanted: Vec<String>,
    pub(crate) seed: u64,
}

impl<'a> Runner<'a> {
    /// Prepares an engine for the device and cache that were asked for.
    pub(crate) fn new(running: &'a Running) -> Result<Self, Failure> {
        let device = device_class(running.device)?;
        let caches = caches(running.cache.as_deref())?;
        Ok(Self { engine: Engine::new(esarm_library::registry(), caches), running, device })
    }

    /// The node types.
    pub(crate) fn registry(&self) -> std::sync::Arc<Registry> {
        self.engine.registry()
    }

    /// Runs a document; the values of the wanted outputs come in the order of their names.
    pub(crate) fn run(&self, job: &Job<'_>) -> Result<(Vec<(String, Value)>, Report), Failure> {
        let in_graph =
            |problem: &dyn std::fmt::Display| Failure::input(prefix_lines(job.graph_name, problem));
        let flat =
            job.document.flatten(&self.registry().schemas()).map_err(|problems| in_graph(&problems))?;
        let names: Vec<&String> =
            if job.wanted.is_empty() { flat.outputs.keys().collect() } else { job.wanted.iter().collect() };
        let address = |name: &String| -> Result<(String, PortAddress), Failure> {
            let known = || flat.outputs.keys().cloned().collect::<Vec<_>>().join(", ");
            let address = flat.outputs.get(name);
            let address = address
                .ok_or_else(|| in_graph(&format!("there is no output \"{name}\"; there are: {}", known())))?;
            Ok((name.clone(), address.clone()))
        };
        let wanted = names.into_iter().map(address).collect::<Result<Vec<_>, _>>()?;
        if wanted.is_empty() {
            return Err(in_graph(&"it has no named outputs; name one under \"outputs\""));
        }
        let options = RunOptions {
            wanted: wanted.iter().map(|(_, address)| address.clone()).collect(),
            seed: job.seed,
            device: self.device.to_owned(),
            base_folder: job.base_folder.to_owned(),
            digest_outputs: self.running.report.is_some(),
            ..RunOptions::default()
        };
        let reporter = Reporter::new(self.running.progress, flat.nodes.len());
        let result = self.engine.run(&flat, &options, &AtomicBool::new(false), &|event| reporter.take(event));
        reporter.finish();
        let RunResult { mut outputs, mut report } = result.map_err(|error| in_graph(&error))?;
        let mapping = wanted.iter().find(|(name, _)| name == mapping::OUTPUT);
        let mapping = mapping.and_then(|(_, address)| mapping::warning(outputs.get(address)?));
        report.warnings.extend(mapping);
        report.warnings.iter().for_each(|warning| eprintln!("esarm: {warning}"));
        if let Some(path) = &self.running.report {
            write_report(path, &report)?;
        }
        self.fail_on_failures(job.graph_name, &report)?;
        let value = |(name, address)| outputs.remove(&address).map(|value| (name, value));
        Ok((wanted.into_iter().filter_map(value).collect(), report))
    }

    /// All failed nodes as one failure. A node that reads from outside the graph fails because of bad input.
    fn fail_on_failures(&self, graph_name: &str, report: &Report) -> Result<(), Failure> {
        let registry = self.registry();
        let reads_outside = |node: &NodeReport| {
            registry.get(&node.type_id).is_some_and(|node_type| node_type.schema.purity == Purity::External)
        };
        let lines: Vec<String> = report
            .failures()
            .map(|node| match &node.state {
                State::Failed(message) => {
                    format!("{graph_name}: node \"{}\" ({}): {message}", node.node, node.type_id)
                }
                other => format!("{graph_name}: node \"{}\": {other}", node.node),
            })
            .collect();
        if lines.is_empty() {
            return Ok(());
        }
        let message = lines.join("\nesarm: ");
        if report.failures().all(reads_outside) {
            Err(Failure::Input(message))
        } else {
            Err(Failure::Node(message))
        }
    }
}

fn prefix_lines(name: &str, problem: &dyn std::fmt::Display) -> String {
    let text = problem.to_string();
    text.lines().map(|line| format!("{name}: {line}")).collect::<Vec<_>>().join("\nesarm: ")
}

/// The class of device whose results may be reused for one another.
fn device_class(device: Device) -> Result<&'static str, Failure> {
    match device {
        Device::Auto | Device::Cpu => Ok("cpu"),
        Device::Gpu | Device::Cuda => Err(Failure::input(
            "--device: this build computes on the processor only; use --device cpu or auto",
        )),
    }
}

fn caches(folder: Option<&Path>) -> Result<Caches, Failure> {
    let caches = Caches::in_memory(MEMORY_CACHE_BYTES);
    match folder {
        None => Ok(caches),
        Some(folder) => Ok(caches.with_disk(DiskCache::open(folder, DiskOptions::default()))),
    }
}

fn write_report(path: &PathBuf, report: &Report) -> Result<(), Failure> {
    let mut json = serde_json::to_string_pretty(report).map_err(|error| Failure::file(path, error))?;
    json.push('\n');
    esarm_graph::write_atomically(path, json.as_bytes()).map_err(Failure::input)
}
