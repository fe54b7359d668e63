//! The nodes of this crate.

mod compare;
mod corpus;
mod demonstrations;
mod rank;
#[cfg(test)]
mod tests;
mod tune;

use crate::RlError;
use crate::generator::{GeneratorPolicy, RewardJudge};
use esarm_engine::{NodeContext, NodeError, NodeType};
use esarm_graph::{NodeSchema, ParameterKind, PortType};
use esarm_reward::RewardWeights;
use esarm_sta::generator::EMBEDDED_WEIGHTS;
use esarm_values::Digest;
use std::sync::atomic::Ordering;

/// Every node type of this crate.
pub fn node_types() -> Vec<NodeType> {
    // Tuning computes on the processor whatever the run's device is.
    vec![tune::node_type(), compare::node_type(), rank::node_type()]
}

/// The bytes of generator weights at an input, or of those that come with the program.
fn generator_bytes<'a>(context: &'a NodeContext<'_>, port: &str) -> Result<&'a [u8], NodeError> {
    if context.has_input(port) { Ok(&context.file_input(port)?.bytes) } else { Ok(EMBEDDED_WEIGHTS) }
}

/// The policy of generator weights.
fn policy_of(
    context: &NodeContext<'_>,
    port: &str,
    bytes: &[u8],
    lip_lock: bool,
) -> Result<GeneratorPolicy, NodeError> {
    let temperature = context.number("temperature") as f32;
    GeneratorPolicy::from_bytes(bytes, temperature, lip_lock).map_err(|error| match error {
        RlError::Generator(error) => NodeError::input(port, error),
        other => node_error(other),
    })
}

/// The reward at an input, or the one that comes with the program, with the digest of its weights.
fn judge_of(context: &NodeContext<'_>, port: &str) -> Result<(RewardJudge, Digest), NodeError> {
    let shipped = esarm_reward::EMBEDDED_WEIGHTS;
    let bytes = if context.has_input(port) { &context.file_input(port)?.bytes } else { shipped };
    let weights = RewardWeights::from_bytes(bytes).map_err(|error| NodeError::input(port, error))?;
    Ok((RewardJudge::new(weights), Digest::of(bytes)))
}

/// Asked between lines; an error stops the work.
fn go_on(context: &NodeContext<'_>) -> Result<(), RlError> {
    if context.cancelled.load(Ordering::Relaxed) { Err(RlError::Cancelled) } else { Ok(()) }
}

fn node_error(error: RlError) -> NodeError {
    match error {
        RlError::Cancelled => NodeError::Cancelled,
        RlError::Checkpoint { .. } => NodeError::parameter("checkpoints", error),
        RlError::Lines(_) => NodeError::parameter("corpus", error),
        RlError::Setting { name, .. } => NodeError::parameter(name, error),
        other => NodeError::failed(other),
    }
}

/// Adds what both nodes ask about lines.
fn with_lines(schema: NodeSchema) -> NodeSchema {
    schema
        .parameter(
            "corpus",
            ParameterKind::Text { default: String::new() },
            "",
            "Folder of recordings: with a table corpus.csv (audio,phones,content,speaker,emotion), or of EMO-DB; relative to the graph.",
        )
        .parameter(
            "most_lines",
            ParameterKind::integer(0, 0, 1_000_000),
            "lines",
            "Most lines that are used, spread over the corpus; 0 for all.",
        )
        .parameter(
            "temperature",
            ParameterKind::number(f64::from(esarm_sta::generator::DEFAULT_TEMPERATURE), 0.01, 2.0),
            "",
            "How far takes stray from the mean, as in the generator: tune at the temperature that takes are drawn at.",
        )
}

fn optional_file(schema: NodeSchema, name: &str, help: &str) -> NodeSchema {
    schema.optional_input(name, PortType::File, help)
}
