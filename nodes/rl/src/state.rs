//! Everything that changes while a policy is tuned.

use crate::alarm::{Check, Fall};
use crate::curves::Row;
use crate::normaliser::Normaliser;
use crate::optimiser::Moments;
use serde::{Deserialize, Serialize};

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// All iterations were done.
    Finished,
    /// The reward was being exploited: the policy is that of the best check before.
    RewardHacking(Fall),
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Finished => write!(f, "all iterations were done"),
            Self::RewardHacking(fall) => {
                write!(f, "stopped for reward hacking and rolled back: the held-out reward rose while {fall}")
            }
        }
    }
}

/// The numbers of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    /// The network.
    pub(crate) numbers: Vec<f32>,
    /// The optimiser.
    pub(crate) moments: Moments,
    /// The network of the best check.
    pub(crate) best: Vec<f32>,
    pub(crate) journal: Journal,
}

/// The story of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Journal {
    /// Iterations done.
    pub(crate) iteration: usize,
    /// Weight of the divergence in the next iteration.
    pub(crate) kl_weight: f64,
    pub(crate) normaliser: Normaliser,
    /// Checks on held-out lines, the first of the starting policy.
    pub(crate) checks: Vec<Check>,
    /// Index of the best of them.
    pub(crate) best_check: usize,
    pub(crate) rows: Vec<Row>,
    /// Set once the run has ended early.
    pub(crate) stopped: Option<Stop>,
}

impl State {
    /// A run that has not begun.
    pub(crate) fn start(numbers: Vec<f32>, kl_weight: f64, check: Check) -> Self {
        Self {
            best: numbers.clone(),
            numbers,
            moments: Moments::default(),
            journal: Journal {
                iteration: 0,
                kl_weight,
                normaliser: Normaliser::default(),
                checks: vec![check],
                best_check: 0,
                rows: Vec::new(),
                stopped: None,
            },
        }
    }
}
