//! The generator's weights as a safetensors file.

use super::GeneratorError;
use super::channels::CONTENT_COUNT;
use super::network::{ContentNetwork, DenseWeights, ExpressionNetwork};
use super::noise::{LATENT_COUNT, NoiseModel};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;

/// The layout of the file; a reader refuses any other.
const LAYOUT: &str = "esarm-generator-1";

/// Everything that is learnt.
pub struct Weights {
    /// Layers of the content network.
    pub content: Vec<DenseWeights>,
    /// Layers of the expression network.
    pub expression: Vec<DenseWeights>,
    /// Share of the recorded mouth in each content channel; the rest is the coarticulation model's.
    pub recorded_share: [f32; CONTENT_COUNT],
    /// How takes vary.
    pub noise: NoiseModel,
}

impl Weights {
    /// Reads a safetensors file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, GeneratorError> {
        let layout = SafeTensors::read_metadata(bytes)
            .map_err(|error| GeneratorError::weights(error.to_string()))?
            .1
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get("layout").cloned());
        if layout.as_deref() != Some(LAYOUT) {
            let found = layout.unwrap_or_else(|| "none".to_owned());
            return Err(GeneratorError::weights(format!("layout is {found}, but must be {LAYOUT}")));
        }
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
    }
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
