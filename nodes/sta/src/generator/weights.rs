//! The generator's weights as a safetensors file.

use super::GeneratorError;
use super::channels::CONTENT_COUNT;
use super::network::{ContentNetwork, DenseWeights, ExpressionNetwork};
use super::noise::{LATENT_COUNT, NoiseModel};
use super::policy::{POLICY_INPUT_COUNT, POLICY_WIDTH, PolicyWeights};
use esarm_values::EMOTIONS;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap};

/// The layout that is written; a reader refuses any but the layouts here.
const LAYOUT: &str = "esarm-generator-2";
/// The first layout: without a policy. Its files are read as untuned.
const LAYOUT_WITHOUT_POLICY: &str = "esarm-generator-1";
/// Draws the hidden layer of a policy that a file does not have.
const UNTUNED_SEED: u64 = 1;

/// Everything that is learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Layers of the content network.
    pub content: Vec<DenseWeights>,
    /// Layers of the expression network.
    pub expression: Vec<DenseWeights>,
    /// Share of the recorded mouth in each content channel; the rest is the coarticulation model's.
    pub recorded_share: [f32; CONTENT_COUNT],
    /// How takes vary.
    pub noise: NoiseModel,
    /// What reinforcement learning changed about it.
    pub policy: PolicyWeights,
}

impl Weights {
    /// Reads a safetensors file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, GeneratorError> {
        let layout = layout(bytes)?;
        let file =
            SafeTensors::deserialize(bytes).map_err(|error| GeneratorError::weights(error.to_string()))?;
        let layers = |names: Vec<String>, sizes: Vec<[usize; 2]>| {
            names
                .iter()
                .zip(sizes)
                .map(|(name, size)| read_layer(&file, name, size))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            content: layers(ContentNetwork::layer_names(), ContentNetwork::layer_sizes())?,
            expression: layers(ExpressionNetwork::layer_names(), ExpressionNetwork::layer_sizes())?,
            recorded_share: array(&read(&file, "content.recorded_share", &[CONTENT_COUNT])?),
            noise: NoiseModel {
                log_sigma: array(&read(&file, "noise.log_sigma", &[LATENT_COUNT])?),
                correlation: array(&read(&file, "noise.correlation", &[LATENT_COUNT])?),
            },
            policy: match layout {
                LAYOUT_WITHOUT_POLICY => PolicyWeights::untuned(UNTUNED_SEED),
                _ => read_policy(&file)?,
            },
        })
    }

    /// Writes a safetensors file; `notes` become its metadata.
    pub fn to_bytes(&self, notes: &[(&str, String)]) -> Result<Vec<u8>, GeneratorError> {
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        let mut add = |name: String, shape: Vec<usize>, values: &[f32]| {
            tensors.push((name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect()));
        };
        let names = ContentNetwork::layer_names().into_iter().chain(ExpressionNetwork::layer_names());
        for (name, layer) in names.zip(self.content.iter().chain(&self.expression)) {
            add(format!("{name}.weight"), vec![layer.inputs, layer.outputs], &layer.weight);
            add(format!("{name}.bias"), vec![layer.outputs], &layer.bias);
        }
        add("content.recorded_share".to_owned(), vec![CONTENT_COUNT], &self.recorded_share);
        for (name, layer) in [("policy.first", &self.policy.first), ("policy.shift", &self.policy.shift)] {
            add(format!("{name}.weight"), vec![layer.inputs, layer.outputs], &layer.weight);
            add(format!("{name}.bias"), vec![layer.outputs], &layer.bias);
        }
        let offsets = &self.policy.log_sigma_offsets;
        add("policy.log_sigma_offsets".to_owned(), vec![EMOTIONS.len(), LATENT_COUNT], offsets);
        add("noise.log_sigma".to_owned(), vec![LATENT_COUNT], &self.noise.log_sigma);
        add("noise.correlation".to_owned(), vec![LATENT_COUNT], &self.noise.correlation);
        let views = tensors
            .iter()
            .map(|(name, shape, bytes)| {
                Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?))
            })
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
        let mut metadata: HashMap<String, String> =
            notes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        metadata.insert("layout".to_owned(), LAYOUT.to_owned());
        views
            .and_then(|views| safetensors::serialize(views, Some(metadata)))
            .map_err(|error| GeneratorError::weights(error.to_string()))
            .and_then(|bytes| with_sorted_header(&bytes))
    }
}

/// The same file with its header in alphabetical order: the library writes notes in a random one, but the same weights
/// must be the same bytes.
fn with_sorted_header(bytes: &[u8]) -> Result<Vec<u8>, GeneratorError> {
    let refused = |what: String| GeneratorError::weights(what);
    let (length, _) = SafeTensors::read_metadata(bytes).map_err(|error| refused(error.to_string()))?;
    let (header, content) = bytes[8..].split_at(length);
    let header: BTreeMap<String, BTreeMap<String, serde_json::Value>> =
        serde_json::from_slice(header).map_err(|error| refused(error.to_string()))?;
    let mut sorted = serde_json::to_vec(&header).map_err(|error| refused(error.to_string()))?;
    sorted.resize(sorted.len().next_multiple_of(8), b' ');
    let length = (sorted.len() as u64).to_le_bytes();
    Ok([&length, sorted.as_slice(), content].concat())
}

/// The layout that a file names.
fn layout(bytes: &[u8]) -> Result<&'static str, GeneratorError> {
    let (_, header) =
        SafeTensors::read_metadata(bytes).map_err(|error| GeneratorError::weights(error.to_string()))?;
    let found = header.metadata().as_ref().and_then(|metadata| metadata.get("layout"));
    let known = [LAYOUT, LAYOUT_WITHOUT_POLICY].into_iter().find(|known| found.is_some_and(|it| it == known));
    known.ok_or_else(|| {
        let found = found.map_or("none", String::as_str);
        GeneratorError::weights(format!("layout is {found}, but must be {LAYOUT_WITHOUT_POLICY} or {LAYOUT}"))
    })
}

fn read_policy(file: &SafeTensors<'_>) -> Result<PolicyWeights, GeneratorError> {
    Ok(PolicyWeights {
        first: read_layer(file, "policy.first", [POLICY_INPUT_COUNT, POLICY_WIDTH])?,
        shift: read_layer(file, "policy.shift", [POLICY_WIDTH, LATENT_COUNT])?,
        log_sigma_offsets: read(file, "policy.log_sigma_offsets", &[EMOTIONS.len(), LATENT_COUNT])?,
    })
}

fn read_layer(
    file: &SafeTensors<'_>,
    name: &str,
    [inputs, outputs]: [usize; 2],
) -> Result<DenseWeights, GeneratorError> {
    Ok(DenseWeights {
        inputs,
        outputs,
        weight: read(file, &format!("{name}.weight"), &[inputs, outputs])?,
        bias: read(file, &format!("{name}.bias"), &[outputs])?,
    })
}

fn read(file: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, GeneratorError> {
    let tensor =
        file.tensor(name).map_err(|_| GeneratorError::weights(format!("tensor {name} is missing")))?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
        let found = format!("{:?} {:?}", tensor.dtype(), tensor.shape());
        return Err(GeneratorError::weights(format!("tensor {name} is {found}, but must be F32 {shape:?}")));
    }
    let values: Vec<f32> = tensor
        .data()
        .chunks_exact(4)
        .map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        .collect();
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(GeneratorError::weights(format!("tensor {name} is not finite at {index}"))),
        None => Ok(values),
    }
}

/// The values as an array; the length was checked when they were read.
fn array<const COUNT: usize>(values: &[f32]) -> [f32; COUNT] {
    std::array::from_fn(|index| values[index])
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::generator::EMBEDDED_WEIGHTS;

    /// A file of the layout that had no policy.
    pub(crate) fn without_policy(weights: &Weights) -> Vec<u8> {
        file_without_policy(weights, LAYOUT_WITHOUT_POLICY)
    }

    fn file_without_policy(weights: &Weights, layout: &str) -> Vec<u8> {
        let bytes = weights.to_bytes(&[]).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let kept = file.tensors().into_iter().filter(|(name, _)| !name.starts_with("policy."));
        let metadata = HashMap::from([("layout".to_owned(), layout.to_owned())]);
        safetensors::serialize(kept, Some(metadata)).unwrap()
    }

    #[test]
    fn weights_survive_their_file_and_are_always_the_same_bytes() {
        let weights = Weights::from_bytes(EMBEDDED_WEIGHTS).unwrap();
        let notes = ["a", "b", "c", "d"].map(|name| (name, "note".to_owned()));
        let bytes = weights.to_bytes(&notes).unwrap();
        assert!((0..5).all(|_| weights.to_bytes(&notes).unwrap() == bytes));
        assert_eq!(Weights::from_bytes(&bytes), Ok(weights));
    }

    #[test]
    fn other_layouts_and_missing_tensors_are_named() {
        let weights = Weights::from_bytes(EMBEDDED_WEIGHTS).unwrap();
        let error = |layout: &str| {
            Weights::from_bytes(&file_without_policy(&weights, layout)).unwrap_err().to_string()
        };
        assert!(error("esarm-generator-9").contains("esarm-generator-1 or esarm-generator-2"));
        assert!(error(LAYOUT).contains("policy.first.weight is missing"), "{}", error(LAYOUT));
    }
}
