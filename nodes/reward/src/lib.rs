//! Scores of a motion: metrics with their formula, mask and unit.

mod metrics;
mod nodes;
mod signal;

pub use metrics::{Metric, motion_metrics, reference_metrics};
pub use nodes::node_types;
