//! Means with how sure one can be of them.

use esarm_kernels::random::Random;
use serde::{Deserialize, Serialize};

/// Resamples of a bootstrap.
const RESAMPLES: u64 = 2000;
/// Share of resamples outside of the interval, on each side.
const TAIL: f64 = 0.025;

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Estimate {
    /// Whether the interval excludes 0.
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.4} [{:.4}, {:.4}]", self.value, self.low, self.high)
    }
}

/// Mean of several numbers; 0 of none.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Standard deviation of several numbers.
pub(crate) fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len().max(1) as f64).sqrt()
}

/// The mean of figures of takes, grouped by line, with a bootstrap that draws whole lines: takes of one line are alike
/// and do not count as independent (Efron, 1979; Davison and Hinkley, 1997, section 3.8). `None` without figures.
pub fn clustered_mean(lines: &[Vec<f64>], seed: u64) -> Option<Estimate> {
    let sums: Vec<(f64, f64)> = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| (line.iter().sum::<f64>(), line.len() as f64))
        .collect();
    let ratio = |drawn: &mut dyn Iterator<Item = (f64, f64)>| {
        let (sum, count) = drawn.fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
        sum / count
    };
    if sums.is_empty() {
        return None;
    }
    let random = Random::new(seed, 0xB007);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|resample| {
            let random = random.split(resample);
            let count = sums.len() as u32;
            ratio(&mut (0..u64::from(count)).map(|n| sums[random.below(n, count) as usize]))
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((means.len() - 1) as f64 * share).round() as usize];
    Some(Estimate { value: ratio(&mut sums.iter().copied()), low: at(TAIL), high: at(1.0 - TAIL) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_cover_what_they_should() {
        let mut covered = 0;
        for experiment in 0..200 {
            let random = Random::new(experiment, 5);
            let lines: Vec<Vec<f64>> = (0..20)
                .map(|line| {
                    let shared = f64::from(random.normal(line));
                    (0..4).map(|take| shared + f64::from(random.split(line).normal(take))).collect()
                })
                .collect();
            let estimate = clustered_mean(&lines, 1).unwrap();
            covered += i32::from(estimate.low <= 0.0 && estimate.high >= 0.0);
        }
        // 95 % nominal; percentile bootstraps of twenty lines are a little short.
        assert!((176..=198).contains(&covered), "{covered} of 200");
    }

    #[test]
    fn nothing_has_no_mean() {
        assert_eq!(clustered_mean(&[vec![]], 1), None);
        assert!(clustered_mean(&[vec![1.0], vec![1.0]], 1).unwrap().excludes_zero());
        assert_eq!((mean(&[]), deviation(&[])), (0.0, 0.0));
    }
}
