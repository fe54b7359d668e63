//! Calls into node types: what a node sees, and what becomes of panics and wrong outputs.

use crate::event::Event;
use crate::plan::Step;
use crate::{NodeContext, NodeError, NodeType, Outputs, TimeWindow, port_type_of};
use esarm_graph::{NodeId, NodeSchema};
use esarm_values::{Digest, Value};
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is the same for all nodes of a run.
pub(crate) struct Surroundings<'a> {
    pub(crate) seed: u64,
    pub(crate) device: &'a str,
    /// Class and adapter of that device.
    pub(crate) adapter: &'a str,
    pub(crate) base_folder: &'a Path,
    pub(crate) cancelled: &'a AtomicBool,
    pub(crate) events: &'a (dyn Fn(Event<'_>) + Sync),
}

/// The values that arrive at a node, by input port.
pub(crate) type Inputs = BTreeMap<String, Vec<Value>>;

impl Surroundings<'_> {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Evaluates a step and checks what it gives.
    pub(crate) fn evaluate(
        &self,
        step: &Step<'_>,
        node_type: &NodeType,
        inputs: &Inputs,
        window: Option<TimeWindow>,
    ) -> Result<Outputs, NodeError> {
        let outputs = self.call(step, inputs, window, &node_type.evaluate)?;
        check_outputs(&node_type.schema, &outputs)?;
        Ok(outputs)
    }

    /// The digest of what an external step depends on; `None` for types that have none.
    pub(crate) fn fingerprint(
        &self,
        step: &Step<'_>,
        node_type: &NodeType,
    ) -> Result<Option<Digest>, NodeError> {
        let fingerprint = node_type.fingerprint.as_ref();
        fingerprint.map(|fingerprint| self.call(step, &Inputs::new(), None, fingerprint)).transpose()
    }

    /// The length of what a source gives; `None` for types that do not tell. A source that fails here fails when it
    /// is evaluated, which is when it matters.
    pub(crate) fn duration_secs(&self, step: &Step<'_>, node_type: &NodeType) -> Option<f64> {
        /// Eleven days: what claims to be longer is a damaged file.
        const LONGEST_SECS: f64 = 1e6;
        let secs = self.call(step, &Inputs::new(), None, node_type.duration.as_ref()?);
        secs.ok().filter(|secs| (0.0..=LONGEST_SECS).contains(secs))
    }

    fn call<T>(
        &self,
        step: &Step<'_>,
        inputs: &Inputs,
        window: Option<TimeWindow>,
        function: &dyn Fn(&NodeContext<'_>) -> Result<T, NodeError>,
    ) -> Result<T, NodeError> {
        let report_progress = |fraction: f64, words: &str| self.report_progress(step.id, fraction, words);
        let context = NodeContext {
            parameters: &step.node.parameters,
            inputs,
            seed: step.seed,
            window,
            device: self.device,
            base_folder: self.base_folder,
            cancelled: self.cancelled,
            report_progress: &report_progress,
        };
        catch_unwind(AssertUnwindSafe(|| function(&context))).unwrap_or_else(|panic| {
            let (type_id, message) = (&step.node.type_id, message_of(panic.as_ref()));
            Err(NodeError::failed(format!(
                "node type \"{type_id}\" has a fault, please report it: {message}"
            )))
        })
    }

    /// Whatever a node reports, the fraction that is passed on lies within 0 to 1.
    fn report_progress(&self, node: &NodeId, fraction: f64, words: &str) {
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        (self.events)(Event::Progress { node, fraction, words });
    }
}

fn message_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it panicked without words")
}

/// Fails unless a node gave exactly what its schema declares.
pub(crate) fn check_outputs(schema: &NodeSchema, outputs: &Outputs) -> Result<(), NodeError> {
    let fault = |message: String| {
        Err(NodeError::failed(format!(
            "node type \"{}\" has a fault, please report it: {message}",
            schema.type_id
        )))
    };
    for port in &schema.outputs {
        match outputs.get(&port.name).map(port_type_of) {
            Some(given) if given == port.port_type => {}
            Some(given) => {
                return fault(format!(
                    "output \"{}\" is {given:?}, declared is {:?}",
                    port.name, port.port_type
                ));
            }
            None => return fault(format!("output \"{}\" is declared but was not given", port.name)),
        }
    }
    match outputs.keys().find(|name| schema.find_output(name).is_none()) {
        Some(name) => fault(format!("output \"{name}\" was given but is not declared")),
        None => Ok(()),
    }
}
