//! AdamW (Loshchilov and Hutter, 2019) as Burn has it, on one list of numbers, so that its whole state can be kept.

use burn::optim::{AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer};
use burn::tensor::{Device, Tensor, TensorData};

/// Added to the root of the second moment.
const EPSILON: f32 = 1e-7;

/// What AdamW remembers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Moments {
    /// Steps taken.
    pub(crate) time: usize,
    /// Running means of the slopes; empty before the first step.
    pub(crate) first: Vec<f32>,
    /// Running means of the squared slopes; empty before the first step.
    pub(crate) second: Vec<f32>,
}

/// How large steps are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StepSize {
    pub(crate) learning_rate: f64,
    pub(crate) weight_decay: f64,
}

impl Moments {
    /// Changes `numbers` by one step against `slopes`.
    pub(crate) fn step(&mut self, size: StepSize, numbers: &mut Vec<f32>, slopes: Vec<f32>) {
        let tensor = |values: Vec<f32>| {
            let count = values.len();
            Tensor::<1>::from_data(TensorData::new(values, [count]), &Device::flex())
        };
        let values = |tensor: Tensor<1>| tensor.into_data().iter::<f32>().collect::<Vec<_>>();
        let optimiser =
            AdamWConfig::new().with_weight_decay(size.weight_decay as f32).with_epsilon(EPSILON).build();
        let state = (self.time > 0).then(|| AdamWState {
            momentum: AdaptiveMomentumState {
                time: self.time,
                moment_1: tensor(std::mem::take(&mut self.first)),
                moment_2: tensor(std::mem::take(&mut self.second)),
                max_moment_2: None,
            },
        });
        let before = tensor(std::mem::take(numbers));
        let (after, state) = optimiser.step(size.learning_rate, before, tensor(slopes), state);
        *numbers = values(after);
        if let Some(AdamWState { momentum }) = state {
            self.time = momentum.time;
            self.first = values(momentum.moment_1);
            self.second = values(momentum.moment_2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_down_a_bowl_and_can_be_taken_up_anywhere() {
        let size = StepSize { learning_rate: 0.05, weight_decay: 0.0 };
        let mut moments = Moments::default();
        let mut numbers = vec![1.0, -2.0];
        let mut kept = None;
        for step in 0..200 {
            if step == 100 {
                kept = Some((moments.clone(), numbers.clone()));
            }
            let slopes = numbers.iter().map(|value| value - 0.5).collect();
            moments.step(size, &mut numbers, slopes);
        }
        assert!(numbers.iter().all(|value| (value - 0.5).abs() < 0.05), "{numbers:?}");
        let (mut moments, mut again) = kept.unwrap();
        for _ in 100..200 {
            let slopes = again.iter().map(|value| value - 0.5).collect();
            moments.step(size, &mut again, slopes);
        }
        assert_eq!(again, numbers);
    }
}
