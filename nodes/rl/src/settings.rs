//! How a policy is tuned.

use crate::RlError;
use serde::{Deserialize, Serialize};

/// What learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Proximal policy optimisation (Schulman et al., 2017): clipped surrogate, generalised advantages over a value
    /// baseline, frame by frame.
    Ppo,
    /// Group-relative policy optimisation (Shao et al., "DeepSeekMath", 2024): takes of one line against one another.
    Grpo,
    /// Direct preference optimisation (Rafailov et al., 2023): ranked takes of the starting policy, no new takes.
    Dpo,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ppo, Self::Grpo, Self::Dpo];

    /// Name in parameters, files and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ppo => "ppo",
            Self::Grpo => "grpo",
            Self::Dpo => "dpo",
        }
    }

    /// The algorithm of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// How a policy is tuned. Divergences are in nats per action frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TuneSettings {
    /// What learns.
    pub algorithm: Algorithm,
    /// Rounds of drawing takes, judging them and learning from them.
    pub iterations: usize,
    /// Lines in an iteration.
    pub lines_per_iteration: usize,
    /// Takes of each of them: the group of GRPO, the ranking of DPO.
    pub takes_per_line: usize,
    /// Passes over the takes of an iteration.
    pub epochs: usize,
    /// Lines in a step of the optimiser.
    pub lines_per_step: usize,
    /// Step size of AdamW.
    pub learning_rate: f64,
    /// Share of the weights that a step of size 1 takes away.
    pub weight_decay: f64,
    /// Norm to which the slopes of a step are limited.
    pub largest_gradient_norm: f64,
    /// How far probabilities may move before the surrogate stops rewarding it.
    pub clip_range: f64,
    /// Discount of later rewards, per action frame (PPO).
    pub discount: f64,
    /// Decay of the traces of generalised advantages (PPO).
    pub trace: f64,
    /// Strength of the ridge of the value baseline, per sample (PPO).
    pub ridge: f64,
    /// Scale of the implicit reward (DPO): large values stay near the start.
    pub preference_scale: f64,
    /// Largest divergence from the starting policy; a pass that exceeds it is undone.
    pub kl_budget: f64,
    /// Weight of the divergence in the loss at the start; it adapts.
    pub kl_weight: f64,
    /// Weight of the entropy of the actions in the loss.
    pub entropy_weight: f64,
    /// How much of the judge's uncertainty is taken off the reward.
    pub caution: f64,
    /// Weight of the cost of moving less than 0.7 times as far as the demonstrations and the start do, against freezing;
    /// in standard deviations of the reward for each e-fold.
    pub liveliness_weight: f64,
    /// Iterations from one check on held-out lines to the next.
    pub check_every: usize,
    /// Takes of each held-out line in a check.
    pub held_out_takes: usize,
    /// Checks in a row with a risen reward and a fallen proxy after which the run stops and rolls back.
    pub alarm_patience: usize,
    /// Everything random is drawn from it.
    pub seed: u64,
}

impl Default for TuneSettings {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Grpo,
            iterations: 40,
            lines_per_iteration: 16,
            takes_per_line: 8,
            epochs: 3,
            lines_per_step: 4,
            learning_rate: 3e-3,
            weight_decay: 0.0,
            largest_gradient_norm: 1.0,
            clip_range: 0.2,
            discount: 0.95,
            trace: 0.95,
            ridge: 1e-3,
            preference_scale: 0.1,
            kl_budget: 0.3,
            kl_weight: 1.0,
            entropy_weight: 0.0,
            caution: 0.5,
            liveliness_weight: 0.5,
            check_every: 5,
            held_out_takes: 2,
            alarm_patience: 2,
            seed: 1,
        }
    }
}

const AT_LEAST_ONE: &str = "between 1 and 1000000";
const UNIT: &str = "between 0 and 1";
const POSITIVE: &str = "above 0, up to 1000000";
const NOT_NEGATIVE: &str = "between 0 and 1000000";

impl TuneSettings {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// For the first setting that is outside what is allowed.
    pub fn check(&self) -> Result<(), RlError> {
        let counts = [
            ("iterations", self.iterations),
            ("lines_per_iteration", self.lines_per_iteration),
            ("epochs", self.epochs),
            ("lines_per_step", self.lines_per_step),
            ("check_every", self.check_every),
            ("held_out_takes", self.held_out_takes),
            ("alarm_patience", self.alarm_patience),
        ];
        for (name, value) in counts {
            unless((1..=1_000_000).contains(&value), name, value, AT_LEAST_ONE)?;
        }
        let takes = self.takes_per_line;
        unless((2..=1024).contains(&takes), "takes_per_line", takes, "between 2 and 1024")?;
        for (name, value) in [("discount", self.discount), ("trace", self.trace)] {
            unless((0.0..=1.0).contains(&value), name, value, UNIT)?;
        }
        let clip = self.clip_range;
        unless(clip > 0.0 && clip < 1.0, "clip_range", clip, "above 0 and below 1")?;
        let positive = [
            ("learning_rate", self.learning_rate),
            ("largest_gradient_norm", self.largest_gradient_norm),
            ("ridge", self.ridge),
            ("preference_scale", self.preference_scale),
            ("kl_budget", self.kl_budget),
        ];
        for (name, value) in positive {
            unless(value > 0.0 && value <= 1e6, name, value, POSITIVE)?;
        }
        let not_negative = [
            ("weight_decay", self.weight_decay),
            ("kl_weight", self.kl_weight),
            ("entropy_weight", self.entropy_weight),
            ("caution", self.caution),
            ("liveliness_weight", self.liveliness_weight),
        ];
        for (name, value) in not_negative {
            unless((0.0..=1e6).contains(&value), name, value, NOT_NEGATIVE)?;
        }
        Ok(())
    }
}

fn unless(
    holds: bool,
    name: &'static str,
    found: impl std::fmt::Display,
    allowed: &'static str,
) -> Result<(), RlError> {
    if holds { Ok(()) } else { Err(RlError::Setting { name, found: found.to_string(), allowed }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        assert_eq!(TuneSettings::default().check(), Ok(()));
        let cases = [
            (TuneSettings { takes_per_line: 1, ..Default::default() }, "takes_per_line"),
            (TuneSettings { clip_range: 1.0, ..Default::default() }, "clip_range"),
            (TuneSettings { kl_budget: 0.0, ..Default::default() }, "kl_budget"),
            (TuneSettings { caution: f64::NAN, ..Default::default() }, "caution"),
            (TuneSettings { discount: 1.5, ..Default::default() }, "discount"),
            (TuneSettings { iterations: 0, ..Default::default() }, "iterations"),
        ];
        for (settings, name) in cases {
            let error = settings.check().unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("must be"), "{error}");
        }
    }

    #[test]
    fn algorithms_have_names() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        }
        assert_eq!(Algorithm::from_name("sarsa"), None);
    }
}
