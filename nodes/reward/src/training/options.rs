//! How a reward is trained.

use crate::RewardError;

/// How a reward is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainOptions {
    /// Networks in the ensemble, 1 to 16.
    pub members: usize,
    /// Most optimiser steps.
    pub steps: usize,
    /// Pairs of snippets that each member sees in a step.
    pub pairs: usize,
    /// Highest learning rate, reached after a warm-up and then lowered along half a cosine.
    pub learning_rate: f64,
    /// Share of a weight that a step of size 1 takes away.
    pub weight_decay: f64,
    /// Steps from one validation, and checkpoint, to the next.
    pub validate_every: usize,
    /// Validations without gain after which training stops.
    pub patience: usize,
    /// Held-out pairs to validate on.
    pub validation_pairs: usize,
    /// Everything random is drawn from it.
    pub seed: u64,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            members: 3,
            steps: 1500,
            pairs: 16,
            learning_rate: 2e-3,
            weight_decay: 0.02,
            validate_every: 100,
            patience: 6,
            validation_pairs: 256,
            seed: 1,
        }
    }
}

impl TrainOptions {
    /// Refuses options that cannot be.
    pub(super) fn check(&self) -> Result<(), RewardError> {
        let ranges = [
            ("members", self.members, 1..=16),
            ("steps", self.steps, 1..=1_000_000),
            ("pairs", self.pairs, 1..=4096),
            ("validate_every", self.validate_every, 1..=1_000_000),
            ("patience", self.patience, 1..=1_000_000),
            ("validation_pairs", self.validation_pairs, 1..=100_000),
        ];
        for (name, value, allowed) in ranges {
            if !allowed.contains(&value) {
                let (low, high) = (allowed.start(), allowed.end());
                let what = format!("setting {name} is {value}, but must be between {low} and {high}");
                return Err(RewardError::demonstrations("", what));
            }
        }
        Ok(())
    }
}
