//! What training changes: both networks and a classifier of faces, as a module and as plain parameters.

use crate::generator::channels::SHAPE_COUNT;
use crate::generator::network::{ContentNetwork, Dense, DenseWeights, ExpressionNetwork};
use crate::training::run::Parameters;
use burn::tensor::{Device, Gradients, Tensor};
use esarm_values::EMOTIONS;

/// The name of the classifier's layer.
const CLASSIFIER: &str = "classifier";

/// The networks on a device.
pub struct CoupledModel {
    /// Speech to postures.
    pub content: ContentNetwork,
    /// Emotion and prosody to offsets.
    pub expression: ExpressionNetwork,
    /// A mean face `[rows, SHAPE_COUNT]` to scores of the emotions.
    classifier: Dense,
}

/// Names and sizes of all layers: content, expression, classifier.
fn layers() -> Vec<(String, [usize; 2])> {
    let names = ContentNetwork::layer_names().into_iter().chain(ExpressionNetwork::layer_names());
    let sizes = ContentNetwork::layer_sizes().into_iter().chain(ExpressionNetwork::layer_sizes());
    let classifier = (CLASSIFIER.to_owned(), [SHAPE_COUNT, EMOTIONS.len()]);
    names.zip(sizes).chain([classifier]).collect()
}

impl CoupledModel {
    /// The parameters of these networks, with a classifier that knows nothing.
    pub fn parameters_of(content: &[DenseWeights], expression: &[DenseWeights]) -> Parameters {
        let mut parameters = Parameters::default();
        for ((name, _), layer) in layers().iter().zip(content.iter().chain(expression)) {
            push(&mut parameters, name, layer);
        }
        let classifier = DenseWeights {
            inputs: SHAPE_COUNT,
            outputs: EMOTIONS.len(),
            weight: vec![0.0; SHAPE_COUNT * EMOTIONS.len()],
            bias: vec![0.0; EMOTIONS.len()],
        };
        push(&mut parameters, CLASSIFIER, &classifier);
        parameters
    }

    /// The networks of parameters from [`CoupledModel::parameters_of`].
    pub fn new(parameters: &Parameters, device: &Device) -> Self {
        let (content, expression, mut rest) = split(parameters);
        Self {
            content: ContentNetwork::from_layers(content, device),
            expression: ExpressionNetwork::from_layers(expression, device),
            classifier: Dense::new(rest.remove(0), device),
        }
    }

    /// The layers of the content and the expression network in parameters.
    pub fn layers_of(parameters: &Parameters) -> (Vec<DenseWeights>, Vec<DenseWeights>) {
        let (content, expression, _) = split(parameters);
        (content, expression)
    }

    /// Scores of the emotions for mean faces: `[rows, SHAPE_COUNT]` to `[rows, 8]`.
    pub fn classify(&self, faces: Tensor<2>) -> Tensor<2> {
        self.classifier.forward(faces)
    }

    /// The slopes of everything, 0 where nothing flowed.
    pub fn slopes(&self, gradients: &Gradients) -> Parameters {
        let mut parameters = Parameters::default();
        let content = self.content.slopes(gradients);
        let expression = self.expression.slopes(gradients);
        let all = content.into_iter().chain(expression).chain([self.classifier.slopes(gradients)]);
        for ((name, _), layer) in layers().iter().zip(all) {
            push(&mut parameters, name, &layer);
        }
        parameters
    }
}

fn push(parameters: &mut Parameters, name: &str, layer: &DenseWeights) {
    parameters.push(format!("{name}.weight"), &[layer.inputs, layer.outputs], layer.weight.clone());
    parameters.push(format!("{name}.bias"), &[layer.outputs], layer.bias.clone());
}

/// Layers of content, expression and the classifier; each is two arrays in order.
fn split(parameters: &Parameters) -> (Vec<DenseWeights>, Vec<DenseWeights>, Vec<DenseWeights>) {
    let mut all: Vec<DenseWeights> = layers()
        .iter()
        .zip(parameters.0.chunks_exact(2))
        .map(|((_, [inputs, outputs]), arrays)| DenseWeights {
            inputs: *inputs,
            outputs: *outputs,
            weight: arrays[0].values.clone(),
            bias: arrays[1].values.clone(),
        })
        .collect();
    let rest = all.split_off(ContentNetwork::layer_names().len() + ExpressionNetwork::layer_names().len());
    let expression = all.split_off(ContentNetwork::layer_names().len());
    (all, expression, rest)
}
