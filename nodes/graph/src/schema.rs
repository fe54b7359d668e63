//! Node schemas: what a node type is called, takes, gives and promises. A schema is data; it makes the user
//! interface, the documentation, `esarm nodes`, validation and a plugin's self-description.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The declaration of a node type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeSchema {
    /// Stable id `domain.name`; never changes meaning.
    pub type_id: String,
    /// Schema version, from 1. It rises when a parameter or port changes; an upgrade function then joins the old to the new.
    pub version: u32,
    /// Name shown to the user.
    pub title: String,
    /// What the node does, in one sentence.
    pub help: String,
    /// Input ports, in display order.
    pub inputs: Vec<InputPort>,
    /// Output ports, in display order.
    pub outputs: Vec<OutputPort>,
    /// Parameters, in display order.
    pub parameters: Vec<Parameter>,
    /// What decides whether the node must run again.
    pub purity: Purity,
    /// How much of its input a moment of output needs.
    pub time_support: TimeSupport,
}

/// An input port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputPort {
    /// Stable name.
    pub name: String,
    /// Type of value it takes.
    pub port_type: PortType,
    /// Whether the node cannot run without it.
    pub required: bool,
    /// Whether several wires may end here; the node then receives the values in the order of the wires' source ids.
    pub many: bool,
    /// One line of help.
    pub help: String,
}

/// An output port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputPort {
    /// Stable name.
    pub name: String,
    /// Type of value it gives.
    pub port_type: PortType,
    /// One line of help.
    pub help: String,
}

/// The type of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortType {
    /// Speech audio.
    Audio,
    /// Features over time, `[frames, channels]`.
    Features,
    /// Emotion over time.
    Emotion,
    /// Blendshape weights over time, `[frames, channels]`.
    Motion,
    /// Takes of one clip.
    Takes,
    /// A rig.
    Rig,
    /// A number.
    Number,
    /// Text.
    Text,
    /// A finished file.
    File,
}

impl PortType {
    /// Every port type.
    pub const ALL: [Self; 9] = [
        Self::Audio,
        Self::Features,
        Self::Emotion,
        Self::Motion,
        Self::Takes,
        Self::Rig,
        Self::Number,
        Self::Text,
        Self::File,
    ];

    /// Name shown to the user; the same as in a schema's JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Features => "features",
            Self::Emotion => "emotion",
            Self::Motion => "motion",
            Self::Takes => "takes",
            Self::Rig => "rig",
            Self::Number => "number",
            Self::Text => "text",
            Self::File => "file",
        }
    }
}

/// Whether a wire may carry a value of type `from` to a port of type `to`: the same type, or a conversion that a user
/// expects (a motion is a list of one take, a list of takes gives its first, a number can be read as text).
pub fn converts(from: PortType, to: PortType) -> bool {
    use PortType::{Features, Motion, Number, Takes, Text};
    from == to || matches!((from, to), (Motion, Takes | Features) | (Takes, Motion) | (Number, Text))
}

/// A parameter: a value that the artist sets on the node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Stable name.
    pub name: String,
    /// What it holds, with default and bounds.
    pub kind: ParameterKind,
    /// Unit shown behind the value, such as `s`, `dB` or `fps`; empty for none.
    pub unit: String,
    /// One line of help.
    pub help: String,
}

/// What a parameter holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ParameterKind {
    /// A real number.
    Number {
        /// Value when not set.
        default: f64,
        /// Range of the slider.
        soft: Range,
        /// Range that is enforced.
        hard: Range,
        /// Whether a curve over time may stand in for the value.
        animatable: bool,
    },
    /// A whole number.
    Integer {
        /// Value when not set.
        default: i64,
        /// Range of the slider.
        soft: Range,
        /// Range that is enforced; within -2^53..2^53, so that JSON keeps it exact.
        hard: Range,
    },
    /// On or off.
    Toggle {
        /// Value when not set.
        default: bool,
    },
    /// One of a few names.
    Choice {
        /// Value when not set.
        default: String,
        /// What may be chosen.
        options: Vec<String>,
    },
    /// Free text.
    Text {
        /// Value when not set.
        default: String,
    },
    /// A file to read; relative paths start at the graph's folder. Empty means none.
    File {
        /// Accepted endings without dots, for the file dialog.
        extensions: Vec<String>,
    },
    /// Numbers by name, such as a gain per blendshape; names that are not listed take `default`.
    Map {
        /// Value of a name that is not listed.
        default: f64,
        /// Range that is enforced on each number.
        hard: Range,
    },
    /// Emotion keyframes over time.
    EmotionKeys,
}

/// An inclusive range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// Lowest allowed value.
    pub low: f64,
    /// Highest allowed value.
    pub high: f64,
}

impl Range {
    /// The range from `low` to `high`, both included.
    pub const fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// Whether `value` lies within; never for NaN.
    pub fn contains(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// What decides whether a node must run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purity {
    /// Same parameters and inputs, same outputs.
    Pure,
    /// Pure in its parameters, inputs and the seed of the run.
    Seeded,
    /// Depends on something outside, whose fingerprint the node type gives (a file's digest).
    External,
}

/// How much of its input a moment of output needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeSupport {
    /// Each moment by itself.
    Pointwise,
    /// A window around each moment.
    Window {
        /// Seconds needed before.
        before_secs: f64,
        /// Seconds needed after: the node's latency when live.
        after_secs: f64,
    },
    /// The whole clip.
    Whole,
}

/// The value of a parameter as it stands in a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParameterValue {
    /// On or off.
    Toggle(bool),
    /// A number, whole or real.
    Number(f64),
    /// A choice, text or a file's path.
    Text(String),
    /// A number over time.
    Curve(Curve),
    /// Emotion keyframes.
    EmotionKeys {
        /// The keys, in strictly increasing time.
        emotion_keys: Vec<EmotionKey>,
    },
    /// Numbers by name.
    Map(BTreeMap<String, f64>),
}

/// A number over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The keys, in strictly increasing time; at least one.
    pub keys: Vec<CurveKey>,
}

/// A key of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveKey {
    /// Clip time in seconds.
    pub time_secs: f64,
    /// Value at that time.
    pub value: f64,
    /// How the curve goes on to the next key.
    #[serde(default)]
    pub interpolation: Interpolation,
}

/// A key of an emotion over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmotionKey {
    /// Clip time in seconds.
    pub time_secs: f64,
    /// Emotion name.
    pub emotion: String,
    /// Intensity, 0 to 1.
    pub intensity: f64,
    /// How it goes on to the next key.
    #[serde(default)]
    pub interpolation: Interpolation,
}

/// How a curve goes from one key to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// Stays until the next key.
    Hold,
    /// A straight line.
    Linear,
    /// Eases out of this key and into the next.
    #[default]
    Smooth,
}

impl Interpolation {
    /// Maps the fraction of the way to the next key, 0..1, to the fraction of the change.
    pub fn ease(self, fraction: f64) -> f64 {
        match self {
            Self::Hold => 0.0,
            Self::Linear => fraction,
            Self::Smooth => fraction * fraction * (3.0 - 2.0 * fraction),
        }
    }
}

impl Curve {
    /// The value at a clip time; before the first and after the last key it is theirs. An empty curve gives 0.
    pub fn value_at(&self, time_secs: f64) -> f64 {
        let next = self.keys.partition_point(|key| key.time_secs <= time_secs);
        match (next.checked_sub(1).and_then(|index| self.keys.get(index)), self.keys.get(next)) {
            (Some(from), Some(to)) => {
                let fraction = (time_secs - from.time_secs) / (to.time_secs - from.time_secs);
                from.value + (to.value - from.value) * from.interpolation.ease(fraction)
            }
            (Some(key), None) | (None, Some(key)) => key.value,
            (None, None) => 0.0,
        }
    }
}

/// Builders, so that a schema reads like a table.
impl NodeSchema {
    /// A schema at version 1 with no ports or parameters.
    pub fn new(type_id: &str, title: &str, help: &str, purity: Purity, time_support: TimeSupport) -> Self {
        Self {
            type_id: type_id.to_owned(),
            version: 1,
            title: title.to_owned(),
            help: help.to_owned(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            parameters: Vec::new(),
            purity,
            time_support,
        }
    }

    /// Adds an input that must be wired.
    #[must_use]
    pub fn input(self, name: &str, port_type: PortType, help: &str) -> Self {
        self.with_input(name, port_type, true, false, help)
    }

    /// Adds an input that may stay open.
    #[must_use]
    pub fn optional_input(self, name: &str, port_type: PortType, help: &str) -> Self {
        self.with_input(name, port_type, false, false, help)
    }

    /// Adds an input that takes one or more wires.
    #[must_use]
    pub fn many_input(self, name: &str, port_type: PortType, help: &str) -> Self {
        self.with_input(name, port_type, true, true, help)
    }

    fn with_input(mut self, name: &str, port_type: PortType, required: bool, many: bool, help: &str) -> Self {
        self.inputs.push(InputPort {
            name: name.to_owned(),
            port_type,
            required,
            many,
            help: help.to_owned(),
        });
        self
    }

    /// Adds an output.
    #[must_use]
    pub fn output(mut self, name: &str, port_type: PortType, help: &str) -> Self {
        self.outputs.push(OutputPort { name: name.to_owned(), port_type, help: help.to_owned() });
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn parameter(mut self, name: &str, kind: ParameterKind, unit: &str, help: &str) -> Self {
        self.parameters.push(Parameter {
            name: name.to_owned(),
            kind,
            unit: unit.to_owned(),
            help: help.to_owned(),
        });
        self
    }

    /// The input of that name.
    pub fn find_input(&self, name: &str) -> Option<&InputPort> {
        self.inputs.iter().find(|port| port.name == name)
    }

    /// The output of that name.
    pub fn find_output(&self, name: &str) -> Option<&OutputPort> {
        self.outputs.iter().find(|port| port.name == name)
    }

    /// The parameter of that name.
    pub fn find_parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

impl ParameterKind {
    /// A number with a slider range that is also enforced.
    pub const fn number(default: f64, low: f64, high: f64) -> Self {
        let range = Range::new(low, high);
        Self::Number { default, soft: range, hard: range, animatable: false }
    }

    /// A number that may be a curve over time, with a slider range that is also enforced.
    pub const fn animatable(default: f64, low: f64, high: f64) -> Self {
        let range = Range::new(low, high);
        Self::Number { default, soft: range, hard: range, animatable: true }
    }

    /// A whole number with a slider range that is also enforced.
    pub const fn integer(default: i64, low: i64, high: i64) -> Self {
        let range = Range::new(low as f64, high as f64);
        Self::Integer { default, soft: range, hard: range }
    }

    /// One of `options`.
    pub fn choice(default: &str, options: &[&str]) -> Self {
        Self::Choice {
            default: default.to_owned(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
        }
    }

    /// The value when the document sets none.
    pub fn default_value(&self) -> ParameterValue {
        match self {
            Self::Number { default, .. } => ParameterValue::Number(*default),
            Self::Integer { default, .. } => ParameterValue::Number(*default as f64),
            Self::Toggle { default } => ParameterValue::Toggle(*default),
            Self::Choice { default, .. } | Self::Text { default } => ParameterValue::Text(default.clone()),
            Self::File { .. } => ParameterValue::Text(String::new()),
            Self::Map { .. } => ParameterValue::Map(BTreeMap::new()),
            Self::EmotionKeys => ParameterValue::EmotionKeys { emotion_keys: Vec::new() },
        }
    }
}
