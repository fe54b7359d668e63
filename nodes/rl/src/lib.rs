//! Reinforcement learning of a policy over takes: PPO, GRPO, DPO and best-of-N under a learnt reward, kept near the
//! policy that it starts from, watched by figures that it does not learn from.
//!
//! Algorithms know policies, judges and proxies by the traits of [`policy`] only.

mod advantages;
pub mod alarm;
mod best_of;
mod card;
mod checkpoint;
pub mod compare;
mod critic;
mod curves;
mod error;
pub mod evaluation;
pub mod generator;
mod losses;
mod nodes;
mod normaliser;
mod optimiser;
pub mod parameters;
pub mod policy;
mod preferences;
mod rollout;
mod settings;
mod state;
mod statistics;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod toy;
mod tune;

pub use best_of::{best_of_divergence, perform_best_of};
pub use card::Card;
pub use compare::Comparison;
pub use curves::{Row, curves_csv};
pub use error::RlError;
pub use nodes::node_types;
pub use normaliser::Normaliser;
pub use preferences::HandOrder;
pub use settings::{Algorithm, TuneSettings};
pub use state::Stop;
pub use statistics::{Estimate, clustered_mean};
pub use tune::{Hooks, Outcome, Task, tune};
