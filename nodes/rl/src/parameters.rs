//! A network as one list of numbers: what checkpoints hold, optimisers change and updates can be undone on.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor, TensorData};

/// All numbers of a network, in the order in which it is visited.
pub fn numbers_of(network: &impl Module) -> Vec<f32> {
    let mut reader = Reader { numbers: Vec::new(), shapes: Vec::new() };
    network.visit(&mut reader);
    reader.numbers
}

/// The shapes of a network's tensors, in the order in which it is visited.
pub fn shapes_of(network: &impl Module) -> Vec<Vec<usize>> {
    let mut reader = Reader { numbers: Vec::new(), shapes: Vec::new() };
    network.visit(&mut reader);
    reader.shapes
}

/// The network with other numbers, of which there must be as many as [`numbers_of`] gives.
#[must_use]
pub fn with_numbers<N: Module>(network: &N, numbers: &[f32]) -> N {
    network.clone().map(&mut Writer { rest: numbers })
}

/// The slopes of a loss in all numbers of a network, 0 where the loss does not depend on one.
pub fn slopes_of(network: &impl Module, gradients: Gradients) -> Vec<f32> {
    let mut collector = Collector { gradients, slopes: Vec::new() };
    network.visit(&mut collector);
    collector.slopes
}

/// Square root of the sum of squares.
pub(crate) fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

fn numbers(data: TensorData) -> impl Iterator<Item = f32> {
    data.iter::<f32>().collect::<Vec<_>>().into_iter()
}

struct Reader {
    numbers: Vec<f32>,
    shapes: Vec<Vec<usize>>,
}

impl ModuleVisitor for Reader {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.shapes.push(param.val().dims().to_vec());
        self.numbers.extend(numbers(param.val().into_data()));
    }
}

struct Writer<'a> {
    rest: &'a [f32],
}

impl ModuleMapper for Writer<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let shape = tensor.dims();
            let (own, rest) = self.rest.split_at(shape.iter().product::<usize>().min(self.rest.len()));
            self.rest = rest;
            Tensor::from_data(TensorData::new(own.to_vec(), shape), &tensor.device()).require_grad()
        })
    }
}

struct Collector {
    gradients: Gradients,
    slopes: Vec<f32>,
}

impl ModuleVisitor for Collector {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        match tensor.grad_remove(&mut self.gradients) {
            Some(slopes) => self.slopes.extend(numbers(slopes.into_data())),
            None => self.slopes.extend(std::iter::repeat_n(0.0, tensor.dims().iter().product())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::ToyNetwork;
    use burn::tensor::Device;

    #[test]
    fn numbers_go_in_and_out_and_slopes_line_up() {
        let network = ToyNetwork::zeros(&Device::flex().autodiff());
        let count = numbers_of(&network).len();
        assert_eq!(
            shapes_of(&network).iter().map(|shape| shape.iter().product::<usize>()).sum::<usize>(),
            count
        );
        let values: Vec<f32> = (0..count).map(|n| n as f32 * 0.1).collect();
        let network = with_numbers(&network, &values);
        assert_eq!(numbers_of(&network), values);
        // Half the sum of squares has the numbers themselves as slopes.
        let squares = (network.shift.val().square().sum() + network.log_sigma.val().square().sum()) * 0.5;
        assert_eq!(slopes_of(&network, squares.backward()), values);
        let of_one = network.shift.val().sum();
        let slopes = slopes_of(&network, of_one.backward());
        let shift = network.shift.val().dims().iter().product::<usize>();
        assert!(slopes[..shift].iter().all(|slope| *slope == 1.0));
        assert!(slopes[shift..].iter().all(|slope| *slope == 0.0));
    }
}
