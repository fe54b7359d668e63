//! A training run that survives anything: checkpoints, resuming, early stop, curves.
//!
//! A [`Task`] says what is learnt and gives losses with their slopes; a [`Trainer`] takes the steps. The state of a run
//! is plain numbers: parameters, the optimiser's moments, a running mean of the parameters, the best of these on
//! held-out material, and the curves. What a step does depends on this state and the step's number alone, so a run that
//! was killed and resumed gives the weights, bit for bit, of one that was not.

mod checkpoint;
mod curves;
mod optimiser;
mod parameters;
mod trainer;

pub use curves::Row;
pub use parameters::{Parameter, Parameters};
pub use trainer::{Outcome, Progress, Rate, Schedule, Stop, Task, Trainer, Verdict};

#[cfg(feature = "training")]
pub(crate) use checkpoint::write_whole;

#[cfg(test)]
mod tests;
