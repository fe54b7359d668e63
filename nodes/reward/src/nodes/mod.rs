//! The nodes of this crate.

mod files;
mod load;
mod metrics;
mod pick;
mod rank;
mod rank_settings;
mod report;
mod score;
mod train;
mod vertices;

pub use rank_settings::{rank_settings, with_rank_settings};

use crate::RewardError;
use crate::vertices::FaceError;
use esarm_engine::{NodeContext, NodeError, NodeType};
use esarm_values::{Audio, Emotion};

/// Every node type of this crate.
pub fn node_types() -> Vec<NodeType> {
    let mut types = vec![metrics::node_type(), rank::node_type(), train::node_type()];
    types.extend(score::node_types());
    types.extend([pick::node_type(), vertices::node_type()]);
    types.extend(load::node_types());
    types.extend(report::node_types());
    // Judging a take costs less than waking a GPU: these nodes stay on the processor whatever the run's device is.
    types
}

/// The audio, where something is wired.
fn wired_audio<'a>(context: &'a NodeContext<'_>) -> Result<Option<&'a Audio>, NodeError> {
    if context.has_input("audio") { Ok(Some(context.audio("audio")?)) } else { Ok(None) }
}

/// The emotion, where something is wired.
fn wired_emotion<'a>(context: &'a NodeContext<'_>) -> Result<Option<&'a Emotion>, NodeError> {
    if context.has_input("emotion") { Ok(Some(context.emotion("emotion")?)) } else { Ok(None) }
}

/// The error of a node, at the input that it is about.
fn node_error(error: RewardError) -> NodeError {
    match error {
        RewardError::SampleRate { .. } | RewardError::Silent { .. } => NodeError::input("audio", error),
        RewardError::Unequal { .. } | RewardError::Motion { .. } => NodeError::input("motion", error),
        RewardError::Face(FaceError::Motion { ref which, .. }) => NodeError::input(&which.clone(), error),
        RewardError::Checkpoint { .. } => NodeError::parameter("checkpoints", error),
        RewardError::Cancelled => NodeError::Cancelled,
        other => NodeError::failed(other),
    }
}

#[cfg(test)]
mod tests;
