//! Adam with decoupled decay (Loshchilov and Hutter, 2019) on plain numbers, so that its whole state can be written and
//! read.

use super::parameters::Parameters;

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-7;

/// Running means of the slopes and of their squares.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moments {
    pub(super) first: Parameters,
    pub(super) second: Parameters,
}

/// How one array is optimised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Step size; 0 leaves the array as it is.
    pub learning_rate: f64,
    /// Share of the weights that decays, times the step size.
    pub decay: f64,
}

impl Moments {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self { first: parameters.zeros_like(), second: parameters.zeros_like() }
    }

    /// Takes step number `step`, from 0. `slopes` have the arrays of `parameters`, `rate` is asked by their names.
    pub(super) fn step(
        &mut self,
        step: usize,
        parameters: &mut Parameters,
        slopes: &Parameters,
        rate: impl Fn(&str) -> Rate,
    ) {
        let time = i32::try_from(step + 1).unwrap_or(i32::MAX);
        let (left_1, left_2) = (1.0 - BETA_1.powi(time), 1.0 - BETA_2.powi(time));
        let moments = self.first.0.iter_mut().zip(&mut self.second.0);
        for ((parameter, slopes), (first, second)) in parameters.0.iter_mut().zip(&slopes.0).zip(moments) {
            let rate = rate(&parameter.name);
            if rate.learning_rate == 0.0 {
                continue;
            }
            let (size, kept) = (rate.learning_rate as f32, (1.0 - rate.learning_rate * rate.decay) as f32);
            let moments = first.values.iter_mut().zip(&mut second.values);
            for ((value, slope), (first, second)) in
                parameter.values.iter_mut().zip(&slopes.values).zip(moments)
            {
                *first = BETA_1 * *first + (1.0 - BETA_1) * slope;
                *second = BETA_2 * *second + (1.0 - BETA_2) * slope * slope;
                let direction = (*first / left_1) / ((*second / left_2).sqrt() + EPSILON);
                *value = *value * kept - size * direction;
            }
        }
    }
}
