//! A member of the ensemble: a temporal convolutional network that gives each frame a reward.
//!
//! Motion with its deltas, speech and emotion are each coded, joined with their products (what moves against what is
//! heard, what is shown against what should be felt), and read by residual blocks with growing steps in time. A frame
//! depends on [`REACH_FRAMES`] frames on both sides; outside of a clip every layer is zero.

use crate::features::{AUDIO_COLUMNS, EMOTION_COLUMNS, MOTION_COLUMNS};
use burn::tensor::{Device, Gradients, Tensor, TensorData, activation};
use esarm_kernels::random::Random;

/// Width of the codes of motion, speech and emotion.
const CODE_WIDTH: usize = 40;
/// Width of the trunk.
const TRUNK_WIDTH: usize = 48;
/// Frames at which motion and speech are coded, relative to a frame.
const MOTION_TAPS: [i64; 3] = [-1, 0, 1];
const AUDIO_TAPS: [i64; 5] = [-2, -1, 0, 1, 2];
/// Frames at which each block of the trunk looks.
const TRUNK_TAPS: [[i64; 3]; 3] = [[-1, 0, 1], [-3, 0, 3], [-8, 0, 8]];
/// Frames on both sides of a frame on which its reward depends.
pub const REACH_FRAMES: usize = 14;
/// Deltas count this much more than weights, since they are smaller.
const DELTA_GAIN: f32 = 4.0;

/// A fully connected layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// The matrix `[inputs, outputs]`, input-major.
    pub weight: Vec<f32>,
    /// The offsets `[outputs]`.
    pub bias: Vec<f32>,
}

/// Names of a member's layers in files, in order.
pub(crate) fn layer_names() -> Vec<String> {
    let blocks = |part: &'static str| (0..TRUNK_TAPS.len()).map(move |block| format!("{part}.{block}"));
    let codes = ["motion", "audio", "emotion", "mix"].map(str::to_owned);
    codes.into_iter().chain(blocks("inner")).chain(blocks("outer")).chain(["readout".to_owned()]).collect()
}

/// Inputs and outputs of a member's layers, in the order of [`layer_names`].
pub(crate) fn layer_sizes() -> Vec<[usize; 2]> {
    let mut sizes = vec![
        [2 * MOTION_COLUMNS * MOTION_TAPS.len(), CODE_WIDTH],
        [AUDIO_COLUMNS * AUDIO_TAPS.len(), CODE_WIDTH],
        [EMOTION_COLUMNS, CODE_WIDTH],
        [5 * CODE_WIDTH, TRUNK_WIDTH],
    ];
    sizes.extend(TRUNK_TAPS.map(|taps| [taps.len() * TRUNK_WIDTH, TRUNK_WIDTH]));
    sizes.extend(TRUNK_TAPS.map(|_| [TRUNK_WIDTH, TRUNK_WIDTH]));
    sizes.push([TRUNK_WIDTH, 1]);
    sizes
}

/// Layers to be trained: normal numbers whose spread keeps the scale, a small readout.
pub(crate) fn random_layers(random: Random) -> Vec<Layer> {
    let last = layer_sizes().len() - 1;
    let first_outer = last - TRUNK_TAPS.len();
    let layer = |(index, [inputs, outputs]): (usize, [usize; 2])| {
        let gain = match index {
            _ if index == last => 0.3,
            _ if index >= first_outer => 0.5,
            0..=2 => 0.7,
            _ => 1.4,
        };
        let random = random.split(index as u64);
        let scale = gain / (inputs as f32).sqrt();
        let weight = (0..inputs * outputs).map(|at| random.normal(at as u64) * scale).collect();
        Layer { inputs, outputs, weight, bias: vec![0.0; outputs] }
    };
    layer_sizes().into_iter().enumerate().map(layer).collect()
}

/// What a network judges, on its device.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// `[batch, frames, MOTION_COLUMNS]`.
    pub(crate) motion: Tensor<3>,
    /// `[batch, frames, AUDIO_COLUMNS]`.
    pub(crate) audio: Tensor<3>,
    /// `[batch, frames, EMOTION_COLUMNS]`.
    pub(crate) emotion: Tensor<3>,
    /// `[batch, frames, 1]`, 0 for frames that only fill up and lie outside of the clip; all inside when absent.
    pub(crate) inside: Option<Tensor<3>>,
}

/// A member on a device.
pub(crate) struct Network {
    layers: Vec<(Tensor<2>, Tensor<1>)>,
    /// What a motion weight is multiplied with: `[1, 1, MOTION_COLUMNS]`.
    motion_gain: Tensor<3>,
}

impl Network {
    /// A member with these layers. `motion_scale`: the spread of each weight, by which it is divided.
    pub(crate) fn new(layers: &[Layer], motion_scale: &[f32], device: &Device) -> Self {
        let tensors = |layer: &Layer| {
            let shape = [layer.inputs, layer.outputs];
            let weight = Tensor::from_data(TensorData::new(layer.weight.clone(), shape), device);
            (weight, Tensor::from_data(TensorData::new(layer.bias.clone(), [layer.outputs]), device))
        };
        let gains: Vec<f32> = motion_scale.iter().map(|scale| 1.0 / scale).collect();
        let shape = [1, 1, gains.len()];
        Self {
            layers: layers.iter().map(tensors).collect(),
            motion_gain: Tensor::from_data(TensorData::new(gains, shape), device),
        }
    }

    /// The same member, whose layers can be asked for gradients.
    pub(crate) fn tracked(mut self) -> Self {
        let track = |(weight, bias): (Tensor<2>, Tensor<1>)| (weight.require_grad(), bias.require_grad());
        self.layers = self.layers.into_iter().map(track).collect();
        self
    }

    /// The gradients of matrices and offsets, layer by layer; zeros where nothing flowed.
    pub(crate) fn gradients(&self, gradients: &Gradients) -> Vec<Vec<f32>> {
        let mut all = Vec::new();
        for (weight, bias) in &self.layers {
            let count = weight.dims().iter().product();
            all.push(weight.grad(gradients).map_or_else(|| vec![0.0; count], |it| numbers(it.into_data())));
            let count = bias.dims()[0];
            all.push(bias.grad(gradients).map_or_else(|| vec![0.0; count], |it| numbers(it.into_data())));
        }
        all
    }

    /// The reward of every frame: `[batch, frames]`.
    pub(crate) fn forward(&self, judged: &Judged) -> Tensor<2> {
        let [batch, frames, _] = judged.motion.dims();
        let inside = |rows: Tensor<2>, width: usize| {
            let sequence = rows.reshape([batch, frames, width]);
            judged
                .inside
                .as_ref()
                .map_or_else(|| sequence.clone(), |inside| sequence.clone() * inside.clone())
        };
        let scaled = judged.motion.clone() * self.motion_gain.clone();
        let moving = Tensor::cat(vec![scaled.clone(), deltas(scaled) * DELTA_GAIN], 2);
        let moving = inside(moving.reshape([batch * frames, 2 * MOTION_COLUMNS]), 2 * MOTION_COLUMNS);
        let motion = activation::tanh(self.apply(0, gather(&moving, MOTION_TAPS)));
        let audio = activation::tanh(self.apply(1, gather(&judged.audio, AUDIO_TAPS)));
        let emotion = self.apply(2, judged.emotion.clone().reshape([batch * frames, EMOTION_COLUMNS]));
        let emotion = activation::tanh(emotion);
        let products = [motion.clone() * audio.clone(), motion.clone() * emotion.clone()];
        let joined = Tensor::cat([vec![motion, audio, emotion], products.to_vec()].concat(), 1);
        let mut trunk = inside(activation::relu(self.apply(3, joined)), TRUNK_WIDTH);
        for (block, taps) in TRUNK_TAPS.into_iter().enumerate() {
            let inner = activation::relu(self.apply(4 + block, gather(&trunk, taps)));
            trunk = trunk + inside(self.apply(4 + TRUNK_TAPS.len() + block, inner), TRUNK_WIDTH);
        }
        let trunk = activation::relu(trunk).reshape([batch * frames, TRUNK_WIDTH]);
        self.apply(self.layers.len() - 1, trunk).reshape([batch, frames])
    }

    fn apply(&self, layer: usize, rows: Tensor<2>) -> Tensor<2> {
        let (weight, bias) = &self.layers[layer];
        rows.matmul(weight.clone()) + bias.clone().unsqueeze()
    }
}

pub(crate) fn numbers(data: TensorData) -> Vec<f32> {
    data.iter::<f32>().collect()
}

/// What changed since the frame before; nothing in the first frame.
fn deltas(sequence: Tensor<3>) -> Tensor<3> {
    let frames = sequence.dims()[1];
    let first = sequence.clone().narrow(1, 0, 1);
    let before = Tensor::cat(vec![first, sequence.clone().narrow(1, 0, frames - 1)], 1);
    sequence - before
}

/// Puts the values of the frames at `taps` beside one another: `[batch, frames, width]` to
/// `[batch * frames, taps * width]`. What lies outside of the sequence is zero.
fn gather<const TAPS: usize>(sequence: &Tensor<3>, taps: [i64; TAPS]) -> Tensor<2> {
    let [batch, frames, width] = sequence.dims();
    let margin = taps.iter().map(|tap| tap.unsigned_abs() as usize).max().unwrap_or(0);
    let nothing = Tensor::zeros([batch, margin, width], &sequence.device());
    let padded = Tensor::cat(vec![nothing.clone(), sequence.clone(), nothing], 1);
    let shifted =
        taps.iter().map(|tap| padded.clone().narrow(1, (margin as i64 + tap) as usize, frames)).collect();
    Tensor::cat(shifted, 2).reshape([batch * frames, TAPS * width])
}
