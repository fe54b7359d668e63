//! Running a document: what `animate`, `run` and `score` share.

use crate::arguments::Running;
use crate::failure::Failure;
use crate::mapping;
use crate::progress::Reporter;
use crate::report::GraphRecord;
use crate::signals::Stop;
use crate::terminal::Terminal;
use esarm_engine::{Caches, DiskCache, DiskOptions, Engine, NodeReport, Registry, Report, RunOptions, State};
use esarm_graph::{Document, FlatGraph, ParameterKind, ParameterValue, PortAddress, PortType};
use esarm_values::Value;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Results kept in memory while a command runs.
const MEMORY_CACHE_BYTES: usize = 128 << 20;

/// An engine with every built-in node, and how to run it.
pub(crate) struct Runner<'a> {
    engine: Engine,
    pub(crate) running: &'a Running,
    pub(crate) terminal: Terminal,
    pub(crate) stop: Stop,
    /// The run's device by its adapter; empty for the processor.
    adapter: String,
    /// What is to be said of that device.
    warning: Option<String>,
}

/// What to run, and where it came from.
pub(crate) struct Job<'a> {
    pub(crate) document: &'a Document,
    /// What to call the graph in messages.
    pub(crate) graph_name: &'a str,
    /// What the report says of the graph.
    pub(crate) graph: GraphRecord,
    /// The graph's file, when it has one.
    pub(crate) graph_file: Option<&'a Path>,
    /// Folder that relative file parameters start from.
    pub(crate) base_folder: &'a Path,
    /// Named outputs to make; all when empty.
    pub(crate) wanted: Vec<String>,
    /// What the user set, in the user's words, with the node that it concerns.
    pub(crate) settings: Vec<(String, String)>,
}

/// A job that can run.
pub(crate) struct Prepared<'a> {
    pub(crate) job: &'a Job<'a>,
    flat: FlatGraph,
    pub(crate) wanted: BTreeMap<String, Wanted>,
}

/// A named output.
pub(crate) struct Wanted {
    address: PortAddress,
    pub(crate) port_type: Option<PortType>,
    /// Ending of the files that it gives, where that is known.
    pub(crate) ending: Option<&'static str>,
}

/// What became of a run.
pub(crate) struct Finished {
    /// Values by the names of the wanted outputs, as far as their nodes did not fail.
    pub(crate) values: BTreeMap<String, Value>,
    pub(crate) report: Report,
}

/// The adapter of the device that is asked for, empty for the processor, and a warning when it has no hardware.
fn adapter_of(device: crate::arguments::Device) -> Result<(String, Option<String>), Failure> {
    let opened = device.open()?;
    if device.class() == "cpu" {
        return Ok((String::new(), None));
    }
    let found = esarm_library::devices::describe(&opened);
    let warning = format!(
        "--device {}: {} is a software driver, slower than --device cpu; esarm doctor lists the devices",
        device.class(),
        found.adapter
    );
    Ok((found.adapter, found.software.then_some(warning)))
}

impl<'a> Runner<'a> {
    /// Prepares an engine for the device and cache that were asked for.
    pub(crate) fn new(running: &'a Running) -> Result<Self, Failure> {
        let (adapter, warning) = adapter_of(running.device)?;
        let engine = Engine::new(esarm_library::registry(), caches(running.cache.as_deref()));
        let (terminal, stop) = (Terminal::from(running.progress), Stop::on_signals()?);
        Ok(Self { engine, running, terminal, stop, adapter, warning })
    }

    /// The node types.
    pub(crate) fn registry(&self) -> Arc<Registry> {
        self.engine.registry()
    }

    /// Checks a job: its graph, and that it has the wanted outputs.
    pub(crate) fn prepare(&self, job: &'a Job<'a>) -> Result<Prepared<'a>, Failure> {
        let flat = job.document.flatten(&self.registry().schemas());
        let flat = flat.map_err(|problems| in_graph(job, &problems))?;
        if flat.outputs.is_empty() {
            return Err(in_graph(job, &self.no_outputs(&flat)));
        }
        let names =
            if job.wanted.is_empty() { flat.outputs.keys().cloned().collect() } else { job.wanted.clone() };
        let wanted = names.into_iter().map(|name| self.wanted(job, &flat, name)).collect::<Result<_, _>>()?;
        Ok(Prepared { job, flat, wanted })
    }

    fn wanted(&self, job: &Job<'_>, flat: &FlatGraph, name: String) -> Result<(String, Wanted), Failure> {
        let Some(address) = flat.outputs.get(&name) else {
            let known = flat.outputs.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(in_graph(job, &format!("there is no output \"{name}\"; there are: {known}")));
        };
        let type_id = flat.nodes.get(&address.node).map(|node| node.type_id.as_str()).unwrap_or_default();
        let port_type = self
            .registry()
            .get(type_id)
            .and_then(|node_type| node_type.schema.find_output(&address.port).map(|port| port.port_type));
        let ending = esarm_library::file_ending(type_id).filter(|_| port_type == Some(PortType::File));
        Ok((name, Wanted { address: address.clone(), port_type, ending }))
    }

    /// What to say of a graph that names no outputs, with one that it could name.
    fn no_outputs(&self, flat: &FlatGraph) -> String {
        let registry = self.registry();
        let candidate = flat.order.iter().rev().find_map(|id| {
            let schema = &registry.get(&flat.nodes.get(id)?.type_id)?.schema;
            Some(format!("{id}.{}", schema.outputs.first()?.name))
        });
        let example = candidate.unwrap_or_else(|| "NODE.PORT".to_owned());
        format!(
            "it names no outputs, so there is nothing to make; name one, such as \"outputs\": {{\"result\": \"{example}\"}}"
        )
    }

    /// The files that a job reads, with what reads them.
    pub(crate) fn files_read(&self, prepared: &Prepared<'_>) -> Vec<(PathBuf, String)> {
        let (job, registry) = (prepared.job, self.registry());
        let mut files: Vec<(PathBuf, String)> =
            job.graph_file.iter().map(|path| ((*path).to_owned(), "this command".to_owned())).collect();
        for (id, node) in &prepared.flat.nodes {
            let Some(node_type) = registry.get(&node.type_id) else { continue };
            let declared = &node_type.schema.parameters;
            for parameter in declared.iter().filter(|it| matches!(it.kind, ParameterKind::File { .. })) {
                if let Some(ParameterValue::Text(path)) = node.parameters.get(&parameter.name)
                    && !path.is_empty()
                {
                    files.push((job.base_folder.join(path), format!("node \"{id}\"")));
                }
            }
        }
        files
    }

    /// Runs a job once.
    pub(crate) fn run(&self, prepared: &Prepared<'_>, seed: u64) -> Result<Finished, Failure> {
        let options = RunOptions {
            wanted: prepared.wanted.values().map(|wanted| wanted.address.clone()).collect(),
            seed,
            device: self.running.device.class().to_owned(),
            adapter: self.adapter.clone(),
            base_folder: prepared.job.base_folder.to_owned(),
            digest_outputs: self.running.report.is_some(),
            ..RunOptions::default()
        };
        let reporter = Reporter::new(self.running.progress, prepared.flat.nodes.len());
        let result =
            self.engine.run(&prepared.flat, &options, self.stop.flag(), &|event| reporter.take(event));
        reporter.finish();
        let mut result = result.map_err(|error| in_graph(prepared.job, &error))?;
        result.report.warnings.extend(self.warning.clone());
        let mapping = prepared.wanted.get(mapping::OUTPUT).and_then(|it| result.outputs.get(&it.address));
        result.report.warnings.extend(mapping.and_then(mapping::warning));
        let value = |(name, wanted): (&String, &Wanted)| {
            Some((name.clone(), result.outputs.get(&wanted.address)?.clone()))
        };
        Ok(Finished { values: prepared.wanted.iter().filter_map(value).collect(), report: result.report })
    }

    /// Fails when a run was stopped, a node failed or an output is missing.
    pub(crate) fn check(&self, prepared: &Prepared<'_>, finished: &Finished) -> Result<(), Failure> {
        self.stop.check()?;
        self.fail_on_failures(prepared.job, &finished.report)?;
        match prepared.wanted.keys().find(|name| !finished.values.contains_key(*name)) {
            Some(name) => {
                let message = format!("{}: the output \"{name}\" was not made", prepared.job.graph_name);
                Err(Failure::Work(message))
            }
            None => Ok(()),
        }
    }

    /// All failed nodes as one failure. A node that reads files fails because of bad input.
    fn fail_on_failures(&self, job: &Job<'_>, report: &Report) -> Result<(), Failure> {
        let lines: Vec<String> = report.failures().map(|node| failure_line(job, node)).collect();
        if lines.is_empty() {
            return Ok(());
        }
        let registry = self.registry();
        let reads_files = |node: &NodeReport| {
            let declared = registry.get(&node.type_id).map(|it| &it.schema.parameters);
            declared.is_some_and(|it| it.iter().any(|it| matches!(it.kind, ParameterKind::File { .. })))
        };
        let message = lines.join("\n");
        let all_input = report.failures().all(reads_files);
        Err(if all_input { Failure::Input(message) } else { Failure::Work(message) })
    }
}

/// What went wrong in a node, told of the option that gave its file if there was one, with a remedy when a file of its is not there.
fn failure_line(job: &Job<'_>, node: &NodeReport) -> String {
    let concerned = |(_, set): &&(String, String)| !node.files.is_empty() && node.node.as_str() == set;
    let place = job.settings.iter().find(concerned).map_or(job.graph_name, |(words, _)| words);
    let line = match &node.state {
        State::Failed(message) => {
            format!("{place}: node \"{}\" ({}): {message}", node.node, node.type_id)
        }
        other => format!("{place}: node \"{}\": {other}", node.node),
    };
    let missing = node.files.iter().find(|(_, file)| !job.base_folder.join(file).exists());
    match missing {
        Some((parameter, _)) => {
            let address = format!("{}.{parameter}", node.node);
            let named = job.document.inputs.iter().find(|(_, it)| it.to_string() == address);
            let option =
                named.map_or(format!("--set {address}=FILE"), |(name, _)| format!("--input {name}=FILE"));
            format!("{line}; check the path, or give another file with {option}")
        }
        None => line,
    }
}

/// A problem of a graph: one line each, with the graph's name.
fn in_graph(job: &Job<'_>, problem: &dyn Display) -> Failure {
    let text = problem.to_string();
    let lines: Vec<String> = text.lines().map(|line| format!("{}: {line}", job.graph_name)).collect();
    Failure::Input(lines.join("\n"))
}

fn caches(folder: Option<&Path>) -> Caches {
    let caches = Caches::in_memory(MEMORY_CACHE_BYTES);
    match folder {
        None => caches,
        Some(folder) => caches.with_disk(DiskCache::open(folder, DiskOptions::default())),
    }
}
