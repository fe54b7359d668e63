//! The weights of the reward as a safetensors file.

use super::network::{Layer, layer_names, layer_sizes, random_layers};
use crate::RewardError;
use crate::features::MOTION_COLUMNS;
use esarm_kernels::random::Random;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap};

/// The layout of the file; a reader refuses any other.
const LAYOUT: &str = "esarm-reward-1";
/// Most members that are read.
const MOST_MEMBERS: usize = 16;

/// Everything that is learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct RewardWeights {
    /// Layers of each member of the ensemble.
    pub members: Vec<Vec<Layer>>,
    /// Spread of each ARKit weight over the demonstrations, by which networks divide it.
    pub motion_scale: Vec<f32>,
    /// Standard deviation of each ARKit weight over demonstrations and takes without noise: how lively a face is.
    pub liveliness: Vec<f32>,
    /// Difference of rewards that makes a preference of 73 %.
    pub temperature: f32,
    /// What a reader should know, such as seed and calibration.
    pub notes: BTreeMap<String, String>,
}

/// Reads a list of tensors in single precision, checked for shape and for numbers that are finite.
pub(crate) fn read_tensor(file: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
    let tensor = file.tensor(name).map_err(|_| format!("tensor {name} is missing"))?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
        let found = format!("{:?} {:?}", tensor.dtype(), tensor.shape());
        return Err(format!("tensor {name} is {found}, but must be F32 {shape:?}"));
    }
    let values: Vec<f32> =
        tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(format!("tensor {name} is not finite at {at}")),
        None => Ok(values),
    }
}

/// A safetensors file of tensors in single precision, of which the layout is the first word.
pub(crate) fn write_tensors(
    layout: &str,
    tensors: &[(String, Vec<usize>, &[f32])],
    notes: &BTreeMap<String, String>,
) -> Result<Vec<u8>, String> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, shape, _), bytes)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        })
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|error| error.to_string())?;
    // One entry: the order of several in the file would be left to chance.
    let mut about = notes.clone();
    about.insert("layout".to_owned(), layout.to_owned());
    let about = serde_json::to_string(&about).map_err(|error| error.to_string())?;
    let metadata = HashMap::from([("about".to_owned(), about)]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())
}

/// Opens a file that [`write_tensors`] made with this layout, and its notes.
pub(crate) fn open_tensors<'a>(
    layout: &str,
    bytes: &'a [u8],
) -> Result<(SafeTensors<'a>, BTreeMap<String, String>), String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let about = header.metadata().as_ref().and_then(|metadata| metadata.get("about").cloned());
    let mut notes: BTreeMap<String, String> =
        about.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let found = notes.remove("layout").unwrap_or_else(|| "none".to_owned());
    if found != layout {
        return Err(format!("the layout is {found}, but must be {layout}"));
    }
    Ok((SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?, notes))
}

/// The tensors of an ensemble's layers, under `prefix`.
pub(crate) fn layer_tensors<'a>(
    prefix: &str,
    members: &'a [Vec<Layer>],
) -> Vec<(String, Vec<usize>, &'a [f32])> {
    let mut tensors = Vec::new();
    for (number, layers) in members.iter().enumerate() {
        for (name, layer) in layer_names().iter().zip(layers) {
            let full = format!("{prefix}{number}.{name}");
            tensors.push((format!("{full}.weight"), vec![layer.inputs, layer.outputs], &layer.weight[..]));
            tensors.push((format!("{full}.bias"), vec![layer.outputs], &layer.bias[..]));
        }
    }
    tensors
}

/// Reads the layers of `count` members under `prefix`.
pub(crate) fn read_layers(
    file: &SafeTensors<'_>,
    prefix: &str,
    count: usize,
) -> Result<Vec<Vec<Layer>>, String> {
    let layer = |member: usize, name: &String, [inputs, outputs]: [usize; 2]| -> Result<Layer, String> {
        let full = format!("{prefix}{member}.{name}");
        Ok(Layer {
            inputs,
            outputs,
            weight: read_tensor(file, &format!("{full}.weight"), &[inputs, outputs])?,
            bias: read_tensor(file, &format!("{full}.bias"), &[outputs])?,
        })
    };
    let member = |member: usize| {
        layer_names().iter().zip(layer_sizes()).map(|(name, size)| layer(member, name, size)).collect()
    };
    (0..count).map(member).collect()
}

impl RewardWeights {
    /// Weights that have learnt nothing, for tests and for training from scratch.
    pub fn untrained(members: usize, seed: u64) -> Self {
        let member = |member: usize| random_layers(Random::new(seed, member as u64));
        Self {
            members: (0..members).map(member).collect(),
            motion_scale: vec![0.1; MOTION_COLUMNS],
            liveliness: vec![0.0; MOTION_COLUMNS],
            temperature: 1.0,
            notes: BTreeMap::new(),
        }
    }

    /// Reads a safetensors file.
    ///
    /// # Errors
    /// When it is damaged, of another layout, or its tensors have other shapes or numbers that are not finite.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RewardError> {
        Self::read(bytes).map_err(RewardError::Weights)
    }

    fn read(bytes: &[u8]) -> Result<Self, String> {
        let (file, notes) = open_tensors(LAYOUT, bytes)?;
        let marker = format!("{}.bias", layer_names()[0]);
        let is_there = |member: &usize| file.tensor(&format!("member.{member}.{marker}")).is_ok();
        let count = (0..MOST_MEMBERS).take_while(is_there).count();
        if count == 0 {
            return Err("there is no member 0".to_owned());
        }
        let motion_scale = read_tensor(&file, "motion_scale", &[MOTION_COLUMNS])?;
        let temperature = read_tensor(&file, "temperature", &[1])?[0];
        if temperature <= 0.0 || motion_scale.iter().any(|scale| *scale <= 0.0) {
            return Err("temperature and motion_scale must be above 0".to_owned());
        }
        Ok(Self {
            members: read_layers(&file, "member.", count)?,
            motion_scale,
            liveliness: read_tensor(&file, "liveliness", &[MOTION_COLUMNS])?,
            temperature,
            notes,
        })
    }

    /// The weights as a safetensors file; the same weights give the same bytes.
    ///
    /// # Errors
    /// When safetensors cannot describe them.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RewardError> {
        let temperature = [self.temperature];
        let mut tensors = layer_tensors("member.", &self.members);
        tensors.push(("motion_scale".to_owned(), vec![self.motion_scale.len()], &self.motion_scale));
        tensors.push(("liveliness".to_owned(), vec![self.liveliness.len()], &self.liveliness));
        tensors.push(("temperature".to_owned(), vec![1], &temperature));
        write_tensors(LAYOUT, &tensors, &self.notes).map_err(RewardError::Weights)
    }
}
