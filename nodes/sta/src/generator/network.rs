//! The two networks: speech content to mouth postures, and emotion with prosody to expression.
//!
//! They share nothing. The content network never sees the emotion, the expression network never sees a spectrum, so
//! neither can learn what belongs to the other. All sequences are `[batch, frames, channels]` at
//! [`MODEL_FRAMES_PER_SEC`](super::MODEL_FRAMES_PER_SEC).

use super::channels::{CONTENT_COUNT, EXPRESSION_COUNT};
use super::features::STACK_COUNT;
use super::prosody::PROSODY_COUNT;
use crate::visemes::VISEME_COUNT;
use burn::module::{Module, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData, activation};
use esarm_kernels::random::Random;
use esarm_values::EMOTIONS;

/// Width of the content trunk.
pub const TRUNK_WIDTH: usize = 128;
/// Frames that each residual block of the content trunk looks at, relative to its own.
pub const TRUNK_TAPS: [[i64; 3]; 6] =
    [[-1, 0, 1], [-2, 0, 2], [-8, -4, 0], [-3, 0, 3], [-16, -8, 0], [-1, 0, 1]];
/// Frames that the two layers of the prosody network look at, relative to their own.
pub const PROSODY_TAPS: [[i64; 6]; 2] = [[-8, -5, -3, -1, 1, 3], [-20, -14, -9, -5, -2, 0]];
/// Frames of the trunk and of the stacks that correct the recorded mouth.
const EVIDENCE_TRUNK_TAPS: [i64; 3] = [-10, -5, 0];
const EVIDENCE_STACK_TAPS: [i64; 2] = [-4, 0];
/// Values that correct the recorded mouth.
pub const EVIDENCE_COUNT: usize =
    TRUNK_WIDTH * EVIDENCE_TRUNK_TAPS.len() + STACK_COUNT * EVIDENCE_STACK_TAPS.len();
/// Frames that the correction looks back beyond the trunk.
pub(crate) const EVIDENCE_FRAMES_BEFORE: i64 = -EVIDENCE_TRUNK_TAPS[0];
/// Width of the prosody network.
pub const PROSODY_WIDTH: usize = 32;
/// Dynamics that prosody offers to every emotion.
pub const DYNAMICS_COUNT: usize = 8;
/// Outputs of the content network: two readings of the mouth, viseme scores, closure and silence scores.
pub const READOUT_COUNT: usize = 2 * CONTENT_COUNT + VISEME_COUNT + 2;

/// A fully connected layer.
#[derive(Module, Debug)]
pub struct Dense {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

/// Weights of a [`Dense`] layer: `[inputs, outputs]` and `[outputs]`.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseWeights {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// The matrix, input-major.
    pub weight: Vec<f32>,
    /// The offsets.
    pub bias: Vec<f32>,
}

impl DenseWeights {
    /// Normal numbers of standard deviation `gain / sqrt(inputs)`, without offsets.
    pub fn random(inputs: usize, outputs: usize, gain: f32, random: Random) -> Self {
        let scale = gain / (inputs as f32).sqrt();
        let weight = (0..inputs * outputs).map(|index| random.normal(index as u64) * scale).collect();
        Self { inputs, outputs, weight, bias: vec![0.0; outputs] }
    }
}

impl Dense {
    /// A layer with these weights on `device`.
    pub fn new(weights: DenseWeights, device: &Device) -> Self {
        let shape = [weights.inputs, weights.outputs];
        Self {
            weight: Param::from_data(TensorData::new(weights.weight, shape), device),
            bias: Param::from_data(TensorData::new(weights.bias, [weights.outputs]), device),
        }
    }

    /// The layer's weights.
    pub fn weights(&self) -> DenseWeights {
        let [inputs, outputs] = self.weight.val().dims();
        let values = |data: TensorData| data.iter::<f32>().collect();
        Self::pack(
            inputs,
            outputs,
            values(self.weight.val().into_data()),
            values(self.bias.val().into_data()),
        )
    }

    /// The slopes of the layer's weights, 0 where nothing flowed.
    pub fn slopes(&self, gradients: &Gradients) -> DenseWeights {
        let [inputs, outputs] = self.weight.val().dims();
        let values = |slopes: Option<TensorData>, count: usize| {
            slopes.map_or_else(|| vec![0.0; count], |slopes| slopes.iter::<f32>().collect())
        };
        let weight = self.weight.val().grad(gradients).map(Tensor::into_data);
        let bias = self.bias.val().grad(gradients).map(Tensor::into_data);
        Self::pack(inputs, outputs, values(weight, inputs * outputs), values(bias, outputs))
    }

    fn pack(inputs: usize, outputs: usize, weight: Vec<f32>, bias: Vec<f32>) -> DenseWeights {
        DenseWeights { inputs, outputs, weight, bias }
    }

    /// `[rows, inputs]` to `[rows, outputs]`.
    pub(crate) fn forward(&self, rows: Tensor<2>) -> Tensor<2> {
        rows.matmul(self.weight.val()) + self.bias.val().unsqueeze()
    }
}

/// Puts the values of the frames at `taps` beside one another: `[batch, frames, width]` to
/// `[batch * frames, taps * width]`. What lies outside of the sequence is zero.
fn gather<const TAPS: usize>(sequence: &Tensor<3>, taps: [i64; TAPS]) -> Tensor<2> {
    let [batch, frames, width] = sequence.dims();
    let before = taps.iter().map(|tap| (-tap).max(0)).max().unwrap_or(0) as usize;
    let after = taps.iter().map(|tap| (*tap).max(0)).max().unwrap_or(0) as usize;
    let device = sequence.device();
    let padded = Tensor::cat(
        vec![
            Tensor::zeros([batch, before, width], &device),
            sequence.clone(),
            Tensor::zeros([batch, after, width], &device),
        ],
        1,
    );
    let shifted =
        taps.iter().map(|tap| padded.clone().narrow(1, (before as i64 + tap) as usize, frames)).collect();
    Tensor::cat(shifted, 2).reshape([batch * frames, TAPS * width])
}

/// Speech to mouth postures: a dilated convolutional network.
#[derive(Module, Debug)]
pub struct ContentNetwork {
    stem: Dense,
    inner: Vec<Dense>,
    outer: Vec<Dense>,
    readout: Dense,
    correction: Dense,
}

impl ContentNetwork {
    /// Names of the layers in files, in the order of [`ContentNetwork::layers`].
    pub fn layer_names() -> Vec<String> {
        let blocks =
            |part: &'static str| (0..TRUNK_TAPS.len()).map(move |index| format!("content.{index}.{part}"));
        let stem = std::iter::once("content.stem".to_owned());
        let ends = ["readout", "correction"].map(|name| format!("content.{name}"));
        stem.chain(blocks("inner")).chain(blocks("outer")).chain(ends).collect()
    }

    /// Inputs and outputs of the layers, in the order of [`ContentNetwork::layer_names`].
    pub fn layer_sizes() -> Vec<[usize; 2]> {
        let taps = TRUNK_TAPS[0].len();
        let mut sizes = vec![[STACK_COUNT, TRUNK_WIDTH]];
        sizes.extend(TRUNK_TAPS.map(|_| [taps * TRUNK_WIDTH, TRUNK_WIDTH]));
        sizes.extend(TRUNK_TAPS.map(|_| [TRUNK_WIDTH, TRUNK_WIDTH]));
        sizes.extend([[TRUNK_WIDTH, READOUT_COUNT], [EVIDENCE_COUNT, CONTENT_COUNT]]);
        sizes
    }

    /// A network with these layers, in the order of [`ContentNetwork::layer_names`].
    pub fn from_layers(layers: Vec<DenseWeights>, device: &Device) -> Self {
        let mut layers = layers.into_iter().map(|layer| Dense::new(layer, device));
        let mut take = |count: usize| layers.by_ref().take(count).collect::<Vec<_>>();
        let (mut stem, inner, outer) = (take(1), take(TRUNK_TAPS.len()), take(TRUNK_TAPS.len()));
        let (mut readout, mut correction) = (take(1), take(1));
        Self {
            stem: stem.remove(0),
            inner,
            outer,
            readout: readout.remove(0),
            correction: correction.remove(0),
        }
    }

    /// A network to be trained: residual blocks start almost as the identity, the readout small, without correction.
    pub fn random(seed: u64, device: &Device) -> Self {
        let readout = Self::layer_sizes().len() - 2;
        let layers = Self::layer_sizes().into_iter().enumerate().map(|(index, [inputs, outputs])| {
            let gain = match index {
                0 => 1.4,
                _ if index > readout => 0.0,
                _ if index > TRUNK_TAPS.len() => 0.3,
                _ => 1.4,
            };
            DenseWeights::random(inputs, outputs, gain, Random::new(seed, index as u64))
        });
        Self::from_layers(layers.collect(), device)
    }

    /// The layers, in the order of [`ContentNetwork::layer_names`].
    pub fn layers(&self) -> Vec<DenseWeights> {
        self.in_order().map(Dense::weights).collect()
    }

    /// The slopes of the layers, in the order of [`ContentNetwork::layer_names`].
    pub fn slopes(&self, gradients: &Gradients) -> Vec<DenseWeights> {
        self.in_order().map(|layer| layer.slopes(gradients)).collect()
    }

    fn in_order(&self) -> impl Iterator<Item = &Dense> {
        let ends = [&self.readout, &self.correction];
        std::iter::once(&self.stem).chain(&self.inner).chain(&self.outer).chain(ends)
    }

    /// `[batch, frames, STACK_COUNT]` to `[batch, frames, READOUT_COUNT]`.
    pub fn forward(&self, stacks: &Tensor<3>) -> Tensor<3> {
        let trunk = self.trunk(stacks);
        let [batch, frames, _] = stacks.dims();
        let correction = self.correction.forward(self.evidence(stacks, &trunk));
        let correction = correction.reshape([batch, frames, CONTENT_COUNT]);
        let readout = self.read(trunk);
        let recorded = readout.clone().narrow(2, 0, CONTENT_COUNT) + correction;
        Tensor::cat(vec![recorded, readout.narrow(2, CONTENT_COUNT, READOUT_COUNT - CONTENT_COUNT)], 2)
    }

    /// What the correction of the recorded mouth is made from: the trunk now and before, and the stacks now and
    /// before, `[batch * frames, EVIDENCE_COUNT]`.
    pub fn evidence(&self, stacks: &Tensor<3>, trunk: &Tensor<3>) -> Tensor<2> {
        Tensor::cat(vec![gather(trunk, EVIDENCE_TRUNK_TAPS), gather(stacks, EVIDENCE_STACK_TAPS)], 1)
    }

    /// The readout of the trunk without the correction: `[batch, frames, TRUNK_WIDTH]` to `[.., READOUT_COUNT]`.
    pub fn read(&self, trunk: Tensor<3>) -> Tensor<3> {
        let [batch, frames, width] = trunk.dims();
        self.readout.forward(trunk.reshape([batch * frames, width])).reshape([batch, frames, READOUT_COUNT])
    }

    /// The same network with another correction.
    #[must_use]
    pub fn with_correction(mut self, correction: DenseWeights) -> Self {
        self.correction = Dense::new(correction, &self.readout.weight.val().device());
        self
    }

    /// `[batch, frames, STACK_COUNT]` to `[batch, frames, TRUNK_WIDTH]`.
    pub fn trunk(&self, stacks: &Tensor<3>) -> Tensor<3> {
        let [batch, frames, width] = stacks.dims();
        let stacks = stacks.clone();
        let mut trunk = activation::relu(self.stem.forward(stacks.reshape([batch * frames, width])));
        for ((inner, outer), taps) in self.inner.iter().zip(&self.outer).zip(TRUNK_TAPS) {
            let sequence = trunk.clone().reshape([batch, frames, TRUNK_WIDTH]);
            let hidden = activation::relu(inner.forward(gather(&sequence, taps)));
            trunk = trunk + outer.forward(hidden);
        }
        activation::relu(trunk).reshape([batch, frames, TRUNK_WIDTH])
    }
}

/// Emotion and prosody to offsets of expression channels.
///
/// Prosody becomes a few dynamics; each emotion has its own hold and its own response to each of the dynamics:
/// `offset = sum over emotions of weight * (hold + responses · dynamics)`. The offsets are therefore linear in the
/// emotion's weights: intensity scales them, and a mixture is the mixture of its parts.
#[derive(Module, Debug)]
pub struct ExpressionNetwork {
    first: Dense,
    second: Dense,
    response: Dense,
}

impl ExpressionNetwork {
    /// Names of the layers in files, in the order of [`ExpressionNetwork::layers`].
    pub fn layer_names() -> Vec<String> {
        ["first", "second", "response"].map(|name| format!("expression.{name}")).to_vec()
    }

    /// Inputs and outputs of the layers, in the order of [`ExpressionNetwork::layer_names`].
    pub fn layer_sizes() -> Vec<[usize; 2]> {
        vec![
            [PROSODY_COUNT * PROSODY_TAPS[0].len(), PROSODY_WIDTH],
            [PROSODY_WIDTH * PROSODY_TAPS[1].len(), DYNAMICS_COUNT],
            [EMOTIONS.len() * (DYNAMICS_COUNT + 1), EXPRESSION_COUNT],
        ]
    }

    /// A network with these layers, in the order of [`ExpressionNetwork::layer_names`].
    pub fn from_layers(layers: Vec<DenseWeights>, device: &Device) -> Self {
        let mut layers: Vec<Dense> = layers.into_iter().map(|layer| Dense::new(layer, device)).collect();
        let (response, second, first) = (layers.remove(2), layers.remove(1), layers.remove(0));
        Self { first, second, response }
    }

    /// A network to be trained.
    pub fn random(seed: u64, device: &Device) -> Self {
        let sizes = Self::layer_sizes().into_iter().enumerate();
        let layers = sizes.map(|(index, [inputs, outputs])| {
            DenseWeights::random(inputs, outputs, 1.0, Random::new(seed, 100 + index as u64))
        });
        Self::from_layers(layers.collect(), device)
    }

    /// The layers, in the order of [`ExpressionNetwork::layer_names`].
    pub fn layers(&self) -> Vec<DenseWeights> {
        [&self.first, &self.second, &self.response].map(Dense::weights).into_iter().collect()
    }

    /// The slopes of the layers, in the order of [`ExpressionNetwork::layer_names`].
    pub fn slopes(&self, gradients: &Gradients) -> Vec<DenseWeights> {
        [&self.first, &self.second, &self.response].map(|layer| layer.slopes(gradients)).into_iter().collect()
    }

    /// `[batch, frames, 8]` and `[batch, frames, PROSODY_COUNT]` to `[batch, frames, EXPRESSION_COUNT]`.
    pub fn forward(&self, emotions: Tensor<3>, prosody: &Tensor<3>) -> Tensor<3> {
        let [batch, frames, _] = prosody.dims();
        let hidden = activation::relu(self.first.forward(gather(prosody, PROSODY_TAPS[0])));
        let hidden = hidden.reshape([batch, frames, PROSODY_WIDTH]);
        let dynamics = activation::tanh(self.second.forward(gather(&hidden, PROSODY_TAPS[1])));
        let hold = Tensor::ones([batch * frames, 1], &dynamics.device());
        let dynamics = Tensor::cat(vec![hold, dynamics], 1);
        let columns = EMOTIONS.len() * (DYNAMICS_COUNT + 1);
        let weights: Tensor<3> = emotions.reshape([batch * frames, EMOTIONS.len(), 1]);
        let products = weights * dynamics.unsqueeze_dim(1);
        // No offsets here: without an emotion's weight there is nothing of it.
        let offsets = products.reshape([batch * frames, columns]).matmul(self.response.weight.val());
        offsets.reshape([batch, frames, EXPRESSION_COUNT])
    }
}

/// Frames that a stack of layers looks back, given the taps of each.
pub(crate) const fn reach_before<const TAPS: usize, const LAYERS: usize>(taps: [[i64; TAPS]; LAYERS]) -> i64 {
    let mut sum = 0;
    let mut layer = 0;
    while layer < LAYERS {
        sum -= taps[layer][0];
        layer += 1;
    }
    sum
}

/// Frames that a stack of layers looks ahead, given the taps of each.
pub(crate) const fn reach_after<const TAPS: usize, const LAYERS: usize>(taps: [[i64; TAPS]; LAYERS]) -> i64 {
    let mut sum = 0;
    let mut layer = 0;
    while layer < LAYERS {
        if taps[layer][TAPS - 1] > 0 {
            sum += taps[layer][TAPS - 1];
        }
        layer += 1;
    }
    sum
}
