//! Cache keys: what decides a result, and what has changed since the last time.
//!
//! A key is the BLAKE3 digest of the node type, its schema version and build, the parameters in canonical form, the
//! keys of the inputs (not their values), the seed for types that are `Seeded`, the device class and the fingerprint of
//! what an `External` type reads. Node ids, titles, positions and the graph's folder have no place in it, so equal
//! sub-graphs share their results. The one exception is on purpose: the seed of a `Seeded` node mixes its id into the
//! seed of the run, since twins side by side must give different takes. Changing a title changes no result.

use crate::report::Change;
use crate::{NodeType, TimeWindow};
use esarm_graph::{FlatNode, Interpolation, NodeId, ParameterKind, ParameterValue};
use esarm_values::{Digest, Hasher};
use std::collections::BTreeMap;
use std::path::Path;

/// Everything that decides the whole result of a node.
pub(crate) struct KeyParts<'a> {
    pub(crate) node_type: &'a NodeType,
    pub(crate) node: &'a FlatNode,
    /// Per wired input: the key of each source and the name of its output.
    pub(crate) inputs: Vec<InputKeys<'a>>,
    /// The node's own seed; 0 for types that are not `Seeded`.
    pub(crate) seed: u64,
    /// Adapter of the run's device for types that compute there, `cpu` for others.
    pub(crate) device: &'a str,
    pub(crate) fingerprint: Option<Digest>,
}

/// The name of an input, and the key and output name of each source wired to it.
pub(crate) type InputKeys<'a> = (&'a str, Vec<(Digest, &'a str)>);

/// The seed of a node: decided by the seed of the run and the node's id.
pub(crate) fn node_seed(run_seed: u64, id: &NodeId) -> u64 {
    let digest =
        Hasher::new().text("seed of a node").integer(run_seed.cast_signed()).text(id.as_str()).finish();
    digest.0.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

/// The key of a part of a result: a part is decided by the whole that it is cut from.
pub(crate) fn window_key(whole: &Digest, window: TimeWindow) -> Digest {
    Hasher::new().bytes(&whole.0).number(window.start_secs).number(window.end_secs).finish()
}

impl KeyParts<'_> {
    pub(crate) fn key(&self) -> Digest {
        let schema = &self.node_type.schema;
        let mut hasher = Hasher::new();
        hasher.text(&schema.type_id).integer(i64::from(schema.version)).text(&self.node_type.build);
        hasher.integer(self.node.parameters.len() as i64);
        for (name, value) in &self.node.parameters {
            hasher.text(name);
            match self.file_name(name, value) {
                Some(file_name) => hasher.integer(FILE_NAME).text(file_name),
                None => hash_parameter(&mut hasher, value),
            };
        }
        hasher.integer(self.inputs.len() as i64);
        for (port, sources) in &self.inputs {
            hasher.text(port).integer(sources.len() as i64);
            for (key, output) in sources {
                hasher.bytes(&key.0).text(output);
            }
        }
        hasher.integer(self.seed.cast_signed()).text(self.device);
        hasher.bytes(self.fingerprint.as_ref().map_or(&[], |digest| &digest.0));
        hasher.finish()
    }

    /// The name without folder of a file whose content the fingerprint stands for: moving a project changes no key.
    fn file_name<'v>(&self, name: &str, value: &'v ParameterValue) -> Option<&'v str> {
        self.fingerprint?;
        match (&self.node_type.schema.find_parameter(name)?.kind, value) {
            (ParameterKind::File { .. }, ParameterValue::Text(path)) => Path::new(path).file_name()?.to_str(),
            _ => None,
        }
    }

    /// A copy that stays when the graph is gone.
    pub(crate) fn remember(&self) -> RememberedParts {
        let owned =
            |sources: &[(Digest, &str)]| sources.iter().map(|(key, out)| (*key, (*out).to_owned())).collect();
        RememberedParts {
            type_id: self.node_type.schema.type_id.clone(),
            version: self.node_type.schema.version,
            build: self.node_type.build.clone(),
            parameters: self.node.parameters.clone(),
            inputs: self.inputs.iter().map(|(port, sources)| ((*port).to_owned(), owned(sources))).collect(),
            seed: self.seed,
            device: self.device.to_owned(),
            fingerprint: self.fingerprint,
        }
    }
}

/// The parts of the key that a node had last time.
pub(crate) struct RememberedParts {
    type_id: String,
    version: u32,
    build: String,
    parameters: BTreeMap<String, ParameterValue>,
    inputs: BTreeMap<String, Vec<(Digest, String)>>,
    seed: u64,
    device: String,
    fingerprint: Option<Digest>,
}

impl RememberedParts {
    /// What is different now; a node of another type is a new one.
    pub(crate) fn changes(&self, now: &KeyParts<'_>) -> Vec<Change> {
        let schema = &now.node_type.schema;
        if self.type_id != schema.type_id {
            return vec![Change::FirstRun];
        }
        let mut changes = Vec::new();
        if self.version != schema.version || self.build != now.node_type.build {
            changes.push(Change::Code);
        }
        changes.extend(changed_names(&self.parameters, &now.node.parameters).map(Change::Parameter));
        let inputs: BTreeMap<String, Vec<(Digest, String)>> = now.remember().inputs;
        changes.extend(changed_names(&self.inputs, &inputs).map(Change::Input));
        if self.seed != now.seed {
            changes.push(Change::Seed);
        }
        if self.device != now.device {
            changes.push(Change::Device);
        }
        if self.fingerprint != now.fingerprint {
            changes.push(Change::File);
        }
        changes
    }
}

/// Names whose values differ, or that only one side has.
fn changed_names<'a, T: PartialEq>(
    before: &'a BTreeMap<String, T>,
    now: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = String> + 'a {
    let changed = now.iter().filter(|(name, value)| before.get(*name) != Some(*value));
    let gone = before.iter().filter(|(name, _)| !now.contains_key(*name));
    changed.chain(gone).map(|(name, _)| name.clone())
}

// Tags that keep values of different kinds apart.
const TOGGLE: i64 = 1;
const NUMBER: i64 = 2;
const TEXT: i64 = 3;
const CURVE: i64 = 4;
const EMOTION_KEYS: i64 = 5;
const MAP: i64 = 6;
const FILE_NAME: i64 = 7;

fn hash_parameter<'h>(hasher: &'h mut Hasher, value: &ParameterValue) -> &'h mut Hasher {
    match value {
        ParameterValue::Toggle(on) => hasher.integer(TOGGLE).integer(i64::from(*on)),
        ParameterValue::Number(number) => hash_number(hasher.integer(NUMBER), *number),
        ParameterValue::Text(text) => hasher.integer(TEXT).text(text),
        ParameterValue::Curve(curve) => {
            hasher.integer(CURVE).integer(curve.keys.len() as i64);
            for key in &curve.keys {
                hash_number(hasher, key.time_secs);
                hash_number(hasher, key.value).integer(interpolation_tag(key.interpolation));
            }
            hasher
        }
        ParameterValue::EmotionKeys { emotion_keys } => {
            hasher.integer(EMOTION_KEYS).integer(emotion_keys.len() as i64);
            for key in emotion_keys {
                hash_number(hasher, key.time_secs).text(&key.emotion);
                hash_number(hasher, key.intensity).integer(interpolation_tag(key.interpolation));
            }
            hasher
        }
        ParameterValue::Map(numbers) => {
            hasher.integer(MAP).integer(numbers.len() as i64);
            for (name, number) in numbers {
                hash_number(hasher.text(name), *number);
            }
            hasher
        }
    }
}

/// Equal numbers hash alike: -0 as 0, and every NaN as the same one.
fn hash_number(hasher: &mut Hasher, number: f64) -> &mut Hasher {
    hasher.number(if number.is_nan() { f64::NAN } else { number + 0.0 })
}

fn interpolation_tag(interpolation: Interpolation) -> i64 {
    match interpolation {
        Interpolation::Hold => 0,
        Interpolation::Linear => 1,
        Interpolation::Smooth => 2,
    }
}
