//! The composition of [`compose`](super::compose) on tensors, differentiable in postures and expression: what training
//! compares is the face, not its parts.

use super::channels::{
    CONTENT_CHANNELS, EXPRESSION_CHANNELS, EXPRESSION_COUNT, SHAPE_COUNT, content_index, expression_index,
    shapes_of_content,
};
use super::compose::{
    CHIN_PER_CLOSE, CLOSING, CLOSING_WHILE_OPEN, EXPRESSION_WHILE_ROUND, JAW_GAIN_RANGE, OPEN_JAW, OPENERS,
    SEAL_PRESS, SPREADING, WIDEST_SEALED_JAW,
};
use burn::tensor::{Device, Tensor, TensorData};
use esarm_values::arkit_index;

/// Matrices and masks of the composition on a device.
#[derive(Clone, Debug)]
pub struct TensorComposer {
    /// `[CONTENT_COUNT, SHAPE_COUNT]`.
    content: Tensor<2>,
    /// `[EXPRESSION_COUNT, SHAPE_COUNT]`.
    expression: Tensor<2>,
    /// Masks over expression channels: `[1, 1, EXPRESSION_COUNT]`.
    spreading: Tensor<3>,
    closing: Tensor<3>,
    /// Masks over shapes: `[1, 1, SHAPE_COUNT]`.
    jaw: Tensor<3>,
    close: Tensor<3>,
    chin: Tensor<3>,
    presses: Tensor<3>,
    /// What fades of each shape under the seal, and the `mouthClose` that each unit of what remains takes:
    /// `[1, 1, SHAPE_COUNT]`.
    fading: Tensor<3>,
    taken_back: Tensor<3>,
}

impl TensorComposer {
    /// The composition on `device`.
    pub fn new(device: &Device) -> Self {
        let row = |entries: &[(usize, f32)], width: usize| {
            let mut values = vec![0.0; width];
            entries.iter().for_each(|(column, value)| values[*column] = *value);
            Tensor::<3>::from_data(TensorData::new(values, [1, 1, width]), device)
        };
        let shape = |name: &str| arkit_index(name).unwrap_or(0);
        let shapes = |entries: &[(&str, f32)]| {
            let entries: Vec<_> = entries.iter().map(|(name, value)| (shape(name), *value)).collect();
            row(&entries, SHAPE_COUNT)
        };
        let offsets = |names: [&str; 4]| {
            let columns = names.iter().filter_map(|name| expression_index(name));
            row(&columns.map(|column| (column, 1.0)).collect::<Vec<_>>(), EXPRESSION_COUNT)
        };
        Self {
            content: matrix(CONTENT_CHANNELS.map(shapes_of_content).to_vec(), device),
            expression: matrix(
                EXPRESSION_CHANNELS.map(|it| arkit_index(it).into_iter().collect()).to_vec(),
                device,
            ),
            spreading: offsets(SPREADING),
            closing: offsets(CLOSING),
            jaw: shapes(&[("jawOpen", 1.0)]),
            close: shapes(&[("mouthClose", 1.0)]),
            chin: shapes(&[("mouthShrugLower", 1.0)]),
            presses: shapes(&[("mouthPressLeft", 1.0), ("mouthPressRight", 1.0)]),
            fading: shapes(&OPENERS.map(|(name, remains, _)| (name, 1.0 - remains))),
            taken_back: shapes(&OPENERS.map(|(name, _, close)| (name, close))),
        }
    }

    /// `content` `[batch, frames, CONTENT_COUNT]`, `expression` `[.., EXPRESSION_COUNT]` and `seal` `[.., 1]` to the
    /// shapes `[.., SHAPE_COUNT]`, as [`Composer::compose`](super::compose::Composer::compose) of every frame.
    pub fn compose(&self, content: &Tensor<3>, expression: &Tensor<3>, seal: &Tensor<3>) -> Tensor<3> {
        let speech = product(content.clone().clamp_min(0.0), &self.content);
        let gain = expression.clone().narrow(2, EXPRESSION_COUNT - 1, 1);
        let gain = gain.clamp(JAW_GAIN_RANGE.0, JAW_GAIN_RANGE.1) * self.jaw.clone() + 1.0;
        let felt = product(expression.clone() * self.shares(content), &self.expression);
        let shapes = (speech * gain + felt).clamp(0.0, 1.0);
        self.seal_lips(shapes, seal.clone().clamp(0.0, 1.0))
    }

    /// How much each offset counts beside speech: `[batch, frames, EXPRESSION_COUNT]`.
    fn shares(&self, content: &Tensor<3>) -> Tensor<3> {
        let posture = |name: &str| content.clone().narrow(2, content_index(name), 1);
        let round = posture("mouthPucker").max_pair(posture("mouthFunnel"));
        let spread_lost = (round * 2.0).clamp(0.0, 1.0) * (1.0 - EXPRESSION_WHILE_ROUND);
        let open = posture("jawOpen") / OPEN_JAW;
        let close_lost = open.clamp(0.0, 1.0) * (1.0 - CLOSING_WHILE_OPEN);
        (spread_lost * self.spreading.clone() + close_lost * self.closing.clone()).neg() + 1.0
    }

    fn seal_lips(&self, shapes: Tensor<3>, seal: Tensor<3>) -> Tensor<3> {
        let shapes = shapes * ((seal.clone() * self.fading.clone()).neg() + 1.0);
        let jaw_limit = seal.clone() * (1.0 - WIDEST_SEALED_JAW);
        let shapes = shapes.min_pair((jaw_limit * self.jaw.clone()).neg() + 1.0);
        let left_open = (shapes.clone() * self.taken_back.clone()).sum_dim(2);
        let wanted = seal.clone() * left_open;
        let jaw = (shapes.clone() * self.jaw.clone()).sum_dim(2);
        let close = wanted.clone().min_pair(jaw);
        let chin = (wanted - close.clone()) * CHIN_PER_CLOSE;
        let shapes = shapes * (self.close.clone().neg() + 1.0) + close * self.close.clone();
        let shapes = shapes.max_pair(chin * self.chin.clone()).clamp_max(1.0);
        shapes.max_pair(seal * self.presses.clone() * SEAL_PRESS)
    }
}

/// A matrix with ones where a row's channel drives a shape.
fn matrix(shapes_of_rows: Vec<Vec<usize>>, device: &Device) -> Tensor<2> {
    let mut values = vec![0.0; shapes_of_rows.len() * SHAPE_COUNT];
    for (row, shapes) in shapes_of_rows.iter().enumerate() {
        shapes.iter().for_each(|shape| values[row * SHAPE_COUNT + shape] = 1.0);
    }
    Tensor::from_data(TensorData::new(values, [shapes_of_rows.len(), SHAPE_COUNT]), device)
}

/// `[batch, frames, rows]` by `[rows, columns]`.
fn product(values: Tensor<3>, matrix: &Tensor<2>) -> Tensor<3> {
    let [batch, frames, rows] = values.dims();
    let columns = matrix.dims()[1];
    values.reshape([batch * frames, rows]).matmul(matrix.clone()).reshape([batch, frames, columns])
}

#[cfg(test)]
mod tests {
    use super::super::channels::CONTENT_COUNT;
    use super::super::compose::Composer;
    use super::*;
    use esarm_kernels::random::Random;

    #[test]
    fn tensors_compose_as_frames_do() {
        let device = Device::flex();
        let (frames, random) = (200, Random::new(4, 0));
        let draw = |stream: u64, width: usize, low: f32, high: f32| -> Vec<f32> {
            let random = random.split(stream);
            (0..frames * width).map(|n| random.between(n as u64, low, high)).collect()
        };
        let content = draw(1, CONTENT_COUNT, -0.2, 0.8);
        let expression = draw(2, EXPRESSION_COUNT, -0.7, 0.9);
        let seal: Vec<f32> = draw(3, 1, -0.3, 1.3);
        let tensor = |values: &[f32], width: usize| {
            Tensor::<3>::from_data(TensorData::new(values.to_vec(), [1, frames, width]), &device)
        };
        let found = TensorComposer::new(&device).compose(
            &tensor(&content, CONTENT_COUNT),
            &tensor(&expression, EXPRESSION_COUNT),
            &tensor(&seal, 1),
        );
        let found: Vec<f32> = found.into_data().iter::<f32>().collect();
        let composer = Composer::new();
        for frame in 0..frames {
            let expected = composer.compose(
                &content[frame * CONTENT_COUNT..(frame + 1) * CONTENT_COUNT],
                &expression[frame * EXPRESSION_COUNT..(frame + 1) * EXPRESSION_COUNT],
                seal[frame],
            );
            for (shape, expected) in expected.iter().enumerate() {
                let found = found[frame * SHAPE_COUNT + shape];
                assert!((found - expected).abs() < 1e-5, "frame {frame}, shape {shape}: {found} {expected}");
            }
        }
    }
}
