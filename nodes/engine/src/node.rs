//! The contract between the engine and the nodes it runs.

use esarm_graph::{Curve, EmotionKey, NodeSchema, ParameterValue, PortType};
use esarm_values::{Audio, Emotion, File, Rig, Take, Takes, Track, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A node type: its schema and the function that evaluates it.
pub struct NodeType {
    /// What it declares.
    pub schema: NodeSchema,
    /// Turns inputs and parameters into outputs.
    pub evaluate: Evaluate,
    /// For [`esarm_graph::Purity::External`] types: a digest of what lies outside, such as a file's content.
    pub fingerprint: Option<Fingerprint>,
    /// For sources: how long the clip is that they give, so that long clips are evaluated in parts.
    pub duration: Option<Duration>,
    /// Where it computes.
    pub place: Place,
    /// Identifies the code: results made by another build are not reused.
    pub build: String,
}

/// Evaluates a node. Plain functions and closures over a plugin instance both fit.
pub type Evaluate = Box<dyn Fn(&NodeContext<'_>) -> Result<Outputs, NodeError> + Send + Sync>;

/// Gives the digest of everything outside the graph that an external node reads. It is asked before the inputs are
/// made, so the context holds none. The content must be in it, the folder should not: parameters of kind
/// [`esarm_graph::ParameterKind::File`] count by their file name alone once a fingerprint stands for the content. It is
/// asked again once the node is done: a result made while the digest changed fails and is not kept.
pub type Fingerprint = Box<dyn Fn(&NodeContext<'_>) -> Result<esarm_values::Digest, NodeError> + Send + Sync>;

/// Gives the length in seconds of what a source will give, without reading it whole. The context holds no inputs.
pub type Duration = Box<dyn Fn(&NodeContext<'_>) -> Result<f64, NodeError> + Send + Sync>;

/// Gives the name of a device for the report; `None` when it cannot be told.
pub type DeviceName = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// Where a node computes. Only results of nodes on the run's device depend on that device.
pub enum Place {
    /// On the processor, whatever the run's device is.
    Processor,
    /// On the device of the run, [`NodeContext::device`].
    RunDevice,
    /// On a device of its own, which this names.
    Own(DeviceName),
}

impl NodeType {
    /// A built-in node type that computes on the processor.
    pub fn new(
        schema: NodeSchema,
        evaluate: impl Fn(&NodeContext<'_>) -> Result<Outputs, NodeError> + Send + Sync + 'static,
    ) -> Self {
        let build = format!("esarm {}", env!("CARGO_PKG_VERSION"));
        Self {
            schema,
            evaluate: Box::new(evaluate),
            fingerprint: None,
            duration: None,
            place: Place::Processor,
            build,
        }
    }

    /// The same type with a fingerprint of what it depends on outside the graph.
    #[must_use]
    pub fn with_fingerprint(
        mut self,
        fingerprint: impl Fn(&NodeContext<'_>) -> Result<esarm_values::Digest, NodeError> + Send + Sync + 'static,
    ) -> Self {
        self.fingerprint = Some(Box::new(fingerprint));
        self
    }

    /// The same source with a function that tells its clip's length in seconds.
    #[must_use]
    pub fn with_duration(
        mut self,
        duration: impl Fn(&NodeContext<'_>) -> Result<f64, NodeError> + Send + Sync + 'static,
    ) -> Self {
        self.duration = Some(Box::new(duration));
        self
    }

    /// The same type, computing on the device of the run.
    #[must_use]
    pub fn on_run_device(mut self) -> Self {
        self.place = Place::RunDevice;
        self
    }

    /// The same type, computing on a device of its own that a function names for the report.
    #[must_use]
    pub fn on_own_device(mut self, device: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        self.place = Place::Own(Box::new(device));
        self
    }

    /// The same type, marked as made by another build, such as a plugin's content digest.
    #[must_use]
    pub fn with_build(mut self, build: impl Into<String>) -> Self {
        self.build = build.into();
        self
    }

    /// Evaluates the node by itself, without a graph or an engine: one value per input port, declared defaults for
    /// parameters that are not given, seed 0, the whole clip, files from the current folder, on the CPU.
    pub fn call(
        &self,
        parameters: &[(&str, ParameterValue)],
        inputs: &[(&str, Value)],
    ) -> Result<Outputs, NodeError> {
        let declared = &self.schema.parameters;
        let mut complete: BTreeMap<String, ParameterValue> =
            declared.iter().map(|it| (it.name.clone(), it.kind.default_value())).collect();
        complete.extend(parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let mut wired: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (port, value) in inputs {
            wired.entry((*port).to_owned()).or_default().push(value.clone());
        }
        (self.evaluate)(&NodeContext {
            parameters: &complete,
            inputs: &wired,
            seed: 0,
            window: None,
            device: "cpu",
            base_folder: Path::new(""),
            cancelled: &AtomicBool::new(false),
            report_progress: &|_, _| {},
        })
    }
}

/// The outputs of a node, by port name. Every declared output must be there.
pub type Outputs = BTreeMap<String, Value>;

/// A single output.
pub fn output(port: &str, value: Value) -> Outputs {
    BTreeMap::from([(port.to_owned(), value)])
}

/// Why a node could not do its work; the engine adds which node it was.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NodeError {
    /// A parameter does not work out.
    #[error("parameter \"{parameter}\": {message}")]
    Parameter {
        /// Name of the parameter.
        parameter: String,
        /// What is wrong, what is allowed and what to do.
        message: String,
    },
    /// An input does not work out.
    #[error("input \"{port}\": {message}")]
    Input {
        /// Name of the port.
        port: String,
        /// What is wrong, what is allowed and what to do.
        message: String,
    },
    /// Anything else.
    #[error("{0}")]
    Failed(String),
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl NodeError {
    /// An error about a parameter.
    pub fn parameter(parameter: &str, message: impl std::fmt::Display) -> Self {
        Self::Parameter { parameter: parameter.to_owned(), message: message.to_string() }
    }

    /// An error about an input.
    pub fn input(port: &str, message: impl std::fmt::Display) -> Self {
        Self::Input { port: port.to_owned(), message: message.to_string() }
    }

    /// An error about the node as a whole.
    pub fn failed(message: impl std::fmt::Display) -> Self {
        Self::Failed(message.to_string())
    }
}

/// A part of a clip, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeWindow {
    /// First moment.
    pub start_secs: f64,
    /// Moment after the last.
    pub end_secs: f64,
}

/// Everything a node may see: its parameters, its inputs, the seed, the window asked for, and how to report.
///
/// Parameters are complete (defaults filled in) and within their hard ranges; inputs have the declared types.
pub struct NodeContext<'a> {
    /// Parameters by name.
    pub parameters: &'a BTreeMap<String, ParameterValue>,
    /// Input values by port name; a port with several wires has several values.
    pub inputs: &'a BTreeMap<String, Vec<Value>>,
    /// Seed of the run mixed with the node's id, so that twins give different takes: for
    /// [`esarm_graph::Purity::Seeded`] nodes; 0 for others.
    pub seed: u64,
    /// The part of the clip that is asked for; `None` asks for the whole. A node with time support `Pointwise` or
    /// `Window` may simply process what its inputs hold: the engine widens inputs and crops outputs. Results are placed
    /// in clip time by `start_sample` and `start_frame`; several inputs need not start or end at the same time. A source uses the window to read no more than it must.
    pub window: Option<TimeWindow>,
    /// Class of the device to work on: `cpu`, `gpu` or `cuda`.
    pub device: &'a str,
    /// Folder that relative file parameters start from.
    pub base_folder: &'a Path,
    /// Set when the run is cancelled.
    pub cancelled: &'a AtomicBool,
    /// Takes the fraction done, 0 to 1, and what is being done.
    pub report_progress: &'a (dyn Fn(f64, &str) + Send + Sync),
}

impl NodeContext<'_> {
    /// Fails with [`NodeError::Cancelled`] once the run is cancelled; long loops call it at least every 50 ms.
    pub fn check_cancelled(&self) -> Result<(), NodeError> {
        if self.cancelled.load(Ordering::Relaxed) { Err(NodeError::Cancelled) } else { Ok(()) }
    }

    /// A number parameter; a curve gives its first value.
    pub fn number(&self, name: &str) -> f64 {
        match self.parameters.get(name) {
            Some(ParameterValue::Number(value)) => *value,
            Some(ParameterValue::Curve(curve)) => curve.value_at(0.0),
            _ => undeclared(name),
        }
    }

    /// A whole-number parameter.
    pub fn integer(&self, name: &str) -> i64 {
        self.number(name) as i64
    }

    /// A number parameter at a clip time.
    pub fn number_at(&self, name: &str, time_secs: f64) -> f64 {
        self.curve(name).map_or_else(|| self.number(name), |curve| curve.value_at(time_secs))
    }

    /// The curve of a parameter, when it is one.
    pub fn curve(&self, name: &str) -> Option<&Curve> {
        match self.parameters.get(name) {
            Some(ParameterValue::Curve(curve)) => Some(curve),
            _ => None,
        }
    }

    /// A toggle parameter.
    pub fn toggle(&self, name: &str) -> bool {
        match self.parameters.get(name) {
            Some(ParameterValue::Toggle(value)) => *value,
            _ => undeclared(name),
        }
    }

    /// A text or choice parameter.
    pub fn text(&self, name: &str) -> &str {
        match self.parameters.get(name) {
            Some(ParameterValue::Text(value)) => value,
            _ => undeclared(name),
        }
    }

    /// A file parameter as a path from the graph's folder; an error when none is set.
    pub fn file(&self, name: &str) -> Result<PathBuf, NodeError> {
        match self.text(name) {
            "" => Err(NodeError::parameter(name, "no file is set; choose one")),
            path => Ok(self.base_folder.join(path)),
        }
    }

    /// A text parameter that names a folder, as a path from the graph's folder; `None` when it is empty, an error when
    /// there is no such folder.
    pub fn folder(&self, name: &str) -> Result<Option<PathBuf>, NodeError> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(None);
        }
        let folder = self.base_folder.join(text);
        if folder.is_dir() {
            return Ok(Some(folder));
        }
        let what = format!("{} is no folder; make it or choose another", folder.display());
        Err(NodeError::parameter(name, what))
    }

    /// A map parameter; names that are not listed take the declared default.
    pub fn map(&self, name: &str) -> &BTreeMap<String, f64> {
        match self.parameters.get(name) {
            Some(ParameterValue::Map(values)) => values,
            _ => undeclared(name),
        }
    }

    /// Emotion keyframes, in increasing time.
    pub fn emotion_keys(&self, name: &str) -> &[EmotionKey] {
        match self.parameters.get(name) {
            Some(ParameterValue::EmotionKeys { emotion_keys }) => emotion_keys,
            _ => undeclared(name),
        }
    }

    /// Whether something is wired to an input.
    pub fn has_input(&self, port: &str) -> bool {
        self.inputs.get(port).is_some_and(|values| !values.is_empty())
    }

    /// All values at an input.
    pub fn values(&self, port: &str) -> &[Value] {
        self.inputs.get(port).map_or(&[], Vec::as_slice)
    }

    fn first(&self, port: &str) -> Result<&Value, NodeError> {
        self.values(port)
            .first()
            .ok_or_else(|| NodeError::input(port, "nothing is wired here; connect a value"))
    }
}

/// A schema and its function disagree: a mistake of the node's author, shown as that node's error.
#[expect(clippy::panic, reason = "caught by the engine and turned into the node's error")]
fn undeclared(name: &str) -> ! {
    panic!("the node reads parameter \"{name}\", which its schema does not declare with that kind")
}

fn wrong_type(port: &str, wanted: &str, value: &Value) -> NodeError {
    NodeError::input(port, format!("takes {wanted}, got {:?}", port_type_of(value)))
}

macro_rules! typed_inputs {
    ($($(#[$doc:meta])* $name:ident: $variant:ident($content:ty);)*) => {
        impl NodeContext<'_> {
            $($(#[$doc])*
            pub fn $name(&self, port: &str) -> Result<&$content, NodeError> {
                match self.first(port)? {
                    Value::$variant(content) => Ok(content),
                    other => Err(wrong_type(port, stringify!($name), other)),
                }
            })*
        }
    };
}

typed_inputs! {
    /// The audio at an input.
    audio: Audio(Arc<Audio>);
    /// The features at an input.
    features: Features(Arc<Track>);
    /// The emotion at an input.
    emotion: Emotion(Arc<Emotion>);
    /// The motion at an input.
    motion: Motion(Arc<Track>);
    /// The takes at an input.
    takes: Takes(Arc<Takes>);
    /// The rig at an input.
    rig: Rig(Arc<Rig>);
    /// The number at an input.
    number_input: Number(f64);
    /// The text at an input.
    text_input: Text(Arc<str>);
    /// The file at an input.
    file_input: File(Arc<File>);
}

/// The port type that carries a value.
pub fn port_type_of(value: &Value) -> PortType {
    match value {
        Value::Audio(_) => PortType::Audio,
        Value::Features(_) => PortType::Features,
        Value::Emotion(_) => PortType::Emotion,
        Value::Motion(_) => PortType::Motion,
        Value::Takes(_) => PortType::Takes,
        Value::Rig(_) => PortType::Rig,
        Value::Number(_) => PortType::Number,
        Value::Text(_) => PortType::Text,
        Value::File(_) => PortType::File,
    }
}

/// Converts a value where [`esarm_graph::converts`] says that a wire may carry it.
///
/// A motion becomes the only take of a list; a list of takes gives its first; a number becomes its shortest text;
/// a motion is also a sequence of features.
pub fn convert(value: Value, wanted: PortType) -> Option<Value> {
    match (value, wanted) {
        (value, wanted) if port_type_of(&value) == wanted => Some(value),
        (Value::Motion(motion), PortType::Takes) => {
            Some(Value::Takes(Arc::new(vec![Take { motion, seed: 0, log_probability: None }])))
        }
        (Value::Takes(takes), PortType::Motion) => {
            takes.first().map(|take| Value::Motion(take.motion.clone()))
        }
        (Value::Number(number), PortType::Text) => Some(Value::Text(number.to_string().into())),
        (Value::Motion(track), PortType::Features) => Some(Value::Features(track)),
        _ => None,
    }
}
