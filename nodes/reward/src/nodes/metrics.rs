//! `reward.metrics`: figures with formula, mask and unit.

use crate::metrics::{motion_metrics, reference_metrics};
use crate::phones::{closure_recall, parse_phones};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, PortType, Purity, TimeSupport};
use esarm_values::Value;

pub(super) fn node_type() -> NodeType {
    NodeType::new(metrics_schema(), metrics)
}

fn metrics_schema() -> NodeSchema {
    let schema = NodeSchema::new(
        "reward.metrics",
        "Metrics",
        "Measures a motion against its speech and, where there is one, against a reference motion.",
        Purity::Pure,
        TimeSupport::Whole,
    )
    .input("audio", PortType::Audio, "The speech.")
    .input("motion", PortType::Motion, "The motion to measure.")
    .optional_input("reference", PortType::Motion, "What the motion should have been.")
    .optional_input("phones", PortType::Text, "Phones of the speech, a line each: start and end in seconds and the phone; for the recall of closed lips.")
    .output("metrics", PortType::Text, "A JSON list of metrics with value, unit, formula and mask.");
    // 2: the input phones.
    NodeSchema { version: 2, ..schema }
}

fn metrics(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let motion = context.motion("motion")?;
    let mut metrics = motion_metrics(context.audio("audio")?, motion);
    if context.has_input("reference") {
        metrics.extend(reference_metrics(motion, context.motion("reference")?));
    }
    if context.has_input("phones") {
        let phones =
            parse_phones(context.text_input("phones")?).map_err(|error| NodeError::input("phones", error))?;
        metrics.push(closure_recall(motion, &phones));
    }
    let json = serde_json::to_string(&metrics).map_err(NodeError::failed)?;
    Ok(output("metrics", Value::Text(json.into())))
}
