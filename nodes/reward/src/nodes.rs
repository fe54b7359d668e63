//! The nodes of this crate.

use crate::metrics::{motion_metrics, reference_metrics};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, PortType, Purity, TimeSupport};
use esarm_values::Value;

/// Every node type of this crate.
pub fn node_types() -> Vec<NodeType> {
    vec![NodeType::new(metrics_schema(), metrics)]
}

fn metrics_schema() -> NodeSchema {
    NodeSchema::new(
        "reward.metrics",
        "Metrics",
        "Measures a motion against its speech and, where there is one, against a reference motion.",
        Purity::Pure,
        TimeSupport::Whole,
    )
    .input("audio", PortType::Audio, "The speech.")
    .input("motion", PortType::Motion, "The motion to measure.")
    .optional_input("reference", PortType::Motion, "What the motion should have been.")
    .output("metrics", PortType::Text, "A JSON list of metrics with value, unit, formula and mask.")
}

fn metrics(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let motion = context.motion("motion")?;
    let mut metrics = motion_metrics(context.audio("audio")?, motion);
    if context.has_input("reference") {
        metrics.extend(reference_metrics(motion, context.motion("reference")?));
    }
    let json = serde_json::to_string(&metrics).map_err(NodeError::failed)?;
    Ok(output("metrics", Value::Text(json.into())))
}
