//! The optimiser, on plain vectors so that a checkpoint holds all of its state.

const FIRST_DECAY: f32 = 0.9;
const SECOND_DECAY: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Adam {
    /// Running means of the gradients of each parameter list.
    pub(crate) means: Vec<Vec<f32>>,
    /// Running means of their squares.
    pub(crate) squares: Vec<Vec<f32>>,
}

/// Sizes of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepSize {
    /// Number of the step, from 0.
    pub(crate) step: usize,
    pub(crate) learning_rate: f32,
    /// Share of a weight that a step of size 1 takes away.
    pub(crate) weight_decay: f32,
}

impl Adam {
    /// An optimiser that has not moved, for parameter lists of these lengths.
    pub(crate) fn new(lengths: impl Iterator<Item = usize> + Clone) -> Self {
        let zeros = || lengths.clone().map(|length| vec![0.0; length]).collect();
        Self { means: zeros(), squares: zeros() }
    }

    /// Moves one parameter list against its gradients.
    pub(crate) fn step(&mut self, list: usize, values: &mut [f32], gradients: &[f32], size: StepSize) {
        let passed = (size.step + 1) as i32;
        let first_scale = 1.0 / (1.0 - FIRST_DECAY.powi(passed));
        let second_scale = 1.0 / (1.0 - SECOND_DECAY.powi(passed));
        let moments = self.means[list].iter_mut().zip(&mut self.squares[list]);
        for ((value, gradient), (mean, square)) in values.iter_mut().zip(gradients).zip(moments) {
            *mean += (1.0 - FIRST_DECAY) * (gradient - *mean);
            *square += (1.0 - SECOND_DECAY) * (gradient * gradient - *square);
            let slope = *mean * first_scale / ((*square * second_scale).sqrt() + EPSILON);
            *value -= size.learning_rate * (slope + size.weight_decay * *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bowl_is_descended_to_its_bottom() {
        let mut adam = Adam::new([2].into_iter());
        let mut values = [3.0, -2.0];
        for step in 0..400 {
            let gradients = values.map(|value: f32| 2.0 * (value - 1.0));
            adam.step(0, &mut values, &gradients, StepSize { step, learning_rate: 0.05, weight_decay: 0.0 });
        }
        assert!(values.iter().all(|value| (value - 1.0).abs() < 1e-2), "{values:?}");
    }
}
