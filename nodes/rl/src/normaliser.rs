//! Running normalisation of rewards: their scale acts like a step size, so learning sees them with mean 0 and standard
//! deviation 1 over everything judged so far, as imitation-learning libraries do.

use serde::{Deserialize, Serialize};

/// Farthest that a normalised reward lies from 0.
const REACH: f64 = 10.0;
/// Added to the variance.
const EPSILON: f64 = 1e-8;

/// Mean and variance of all rewards so far (Welford, 1962; merged as by Chan et al., 1979).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Normaliser {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Normaliser {
    /// Takes more rewards into account.
    pub fn observe(&mut self, rewards: &[f32]) {
        let count = rewards.len() as f64;
        if rewards.is_empty() {
            return;
        }
        let mean = rewards.iter().copied().map(f64::from).sum::<f64>() / count;
        let squares = rewards.iter().map(|reward| (f64::from(*reward) - mean).powi(2)).sum::<f64>();
        let total = self.count + count;
        let apart = mean - self.mean;
        self.squares += squares + apart * apart * self.count * count / total;
        self.mean += apart * count / total;
        self.count = total;
    }

    /// A reward in standard deviations from the mean.
    pub fn normalise(&self, reward: f32) -> f32 {
        ((f64::from(reward) - self.mean) / (self.variance() + EPSILON).sqrt()).clamp(-REACH, REACH) as f32
    }

    /// Mean of the rewards so far.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Standard deviation of the rewards so far.
    pub fn deviation(&self) -> f64 {
        self.variance().sqrt()
    }

    fn variance(&self) -> f64 {
        self.squares / self.count.max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_give_what_the_whole_gives() {
        let rewards: Vec<f32> = (0..100).map(|n| (n as f32 * 0.7).sin() * 3.0 + 5.0).collect();
        let mut whole = Normaliser::default();
        whole.observe(&rewards);
        let mut parts = Normaliser::default();
        rewards.chunks(7).for_each(|part| parts.observe(part));
        parts.observe(&[]);
        assert!((whole.mean() - parts.mean()).abs() < 1e-12);
        assert!((whole.deviation() - parts.deviation()).abs() < 1e-12);
        let normalised: Vec<f64> = rewards.iter().map(|r| f64::from(whole.normalise(*r))).collect();
        let square = normalised.iter().map(|r| r * r).sum::<f64>() / 100.0;
        assert!(normalised.iter().sum::<f64>().abs() < 1e-3 && (square - 1.0).abs() < 1e-3);
    }

    #[test]
    fn equal_rewards_become_zero_and_extremes_stay_bounded() {
        let mut normaliser = Normaliser::default();
        normaliser.observe(&[2.0; 10]);
        assert_eq!(normaliser.normalise(2.0), 0.0);
        assert_eq!(normaliser.normalise(1e9), 10.0);
    }
}
