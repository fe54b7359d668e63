//! The value baseline: what is expected of a line at each frame before any choice, a linear function of the state
//! fitted by ridge regression. It is fitted anew in every iteration, so it has no state of its own to keep.

use crate::policy::Rows;
use esarm_kernels::linear::solve_symmetric;

/// A fitted baseline.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Critic {
    /// A weight for each column of the state, then the offset.
    weights: Vec<f64>,
}

impl Critic {
    /// Fits `returns`, `[takes, frames]` of each line, by `states`, `[frames, columns]` of each line. `ridge` is the
    /// strength of the penalty on squared weights, per sample; the offset is not penalised.
    pub(crate) fn fit(states: &[Rows], returns: &[Vec<f32>], ridge: f64) -> Self {
        let columns = states.first().map_or(0, |states| states.columns);
        let size = columns + 1;
        let (mut matrix, mut targets, mut samples) = (vec![0.0; size * size], vec![0.0; size], 0.0);
        for (states, returns) in states.iter().zip(returns) {
            let frames = states.frame_count();
            let takes = (returns.len() / frames.max(1)) as f64;
            samples += takes * frames as f64;
            for (frame, state) in states.frames().enumerate() {
                let sum: f64 = returns.iter().skip(frame).step_by(frames).copied().map(f64::from).sum();
                let state: Vec<f64> = with_offset(state).collect();
                for (row, value) in state.iter().enumerate() {
                    targets[row] += value * sum;
                    let products = matrix[row * size..][..size].iter_mut().zip(&state);
                    products.for_each(|(product, other)| *product += takes * value * other);
                }
            }
        }
        for row in 0..size {
            matrix[row * size + row] += ridge * samples * if row < columns { 1.0 } else { 1e-6 };
        }
        // Without samples there is nothing to expect.
        let weights = solve_symmetric(matrix, targets, size, 1).unwrap_or_else(|| vec![0.0; size]);
        Self { weights }
    }

    /// The value of each frame.
    pub(crate) fn values(&self, states: &Rows) -> Vec<f32> {
        let value = |state: &[f32]| with_offset(state).zip(&self.weights).map(|(a, b)| a * b).sum::<f64>();
        states.frames().map(|state| value(state) as f32).collect()
    }
}

/// Share of the variance of returns, `[takes, frames]` of each line, that expected values, `[frames]` of each line,
/// explain; at most 1.
pub(crate) fn explained_variance(expected: &[Vec<f32>], returns: &[Vec<f32>]) -> f64 {
    let all: Vec<f64> = returns.iter().flatten().copied().map(f64::from).collect();
    let mean = all.iter().sum::<f64>() / all.len().max(1) as f64;
    let total: f64 = all.iter().map(|value| (value - mean).powi(2)).sum();
    let pairs = expected.iter().zip(returns).flat_map(|(expected, returns)| {
        returns.iter().enumerate().map(|(n, it)| it - expected[n % expected.len().max(1)])
    });
    let rest: f64 = pairs.map(|apart| f64::from(apart).powi(2)).sum();
    if total > 0.0 { 1.0 - rest / total } else { 0.0 }
}

fn with_offset(state: &[f32]) -> impl Iterator<Item = f64> {
    state.iter().copied().map(f64::from).chain([1.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_value_is_found() {
        let states = Rows { values: (0..40).map(|n| (n as f32 * 0.9).sin()).collect(), columns: 2 };
        let value = |state: &[f32]| 2.0 * state[0] - 0.5 * state[1] + 3.0;
        let one: Vec<f32> = states.frames().map(value).collect();
        let returns =
            [one.iter().map(|it| it + 0.1).chain(one.iter().map(|it| it - 0.1)).collect::<Vec<_>>()];
        let states = [states];
        let critic = Critic::fit(&states, &returns, 1e-6);
        for (found, expected) in critic.values(&states[0]).iter().zip(&one) {
            assert!((found - expected).abs() < 1e-3, "{found} {expected}");
        }
        assert!(explained_variance(&[critic.values(&states[0])], &returns) > 0.98);
    }

    #[test]
    fn nothing_is_expected_of_nothing() {
        let critic = Critic::fit(&[], &[], 1e-3);
        assert_eq!(critic.values(&Rows { values: vec![], columns: 0 }), Vec::<f32>::new());
    }
}
