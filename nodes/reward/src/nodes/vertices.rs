//! `reward.vertex_metrics`: errors in millimetres of a rig's surface.

use crate::vertices::{Face, FaceError, take_vertex_metrics, vertex_metrics};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, PortType, Purity, TimeSupport};
use esarm_values::{Track, Value};

pub(super) fn node_type() -> NodeType {
    NodeType::new(schema(), evaluate)
}

fn schema() -> NodeSchema {
    NodeSchema::new(
        "reward.vertex_metrics",
        "Vertex metrics",
        "Measures in millimetres of a rig's surface how far a motion is from a reference, and how takes differ.",
        Purity::Pure,
        TimeSupport::Whole,
    )
    .input("rig", PortType::Rig, "The rig; lips and upper face are found by the names of its morph targets.")
    .optional_input("motion", PortType::Motion, "The motion to measure against the reference.")
    .optional_input("reference", PortType::Motion, "What the motion should have been.")
    .optional_input("takes", PortType::Takes, "Two or more takes of one line, whose diversity is measured.")
    .output("metrics", PortType::Text, "A JSON list of metrics with value, unit, formula and mask.")
}

fn evaluate(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let face = Face::new(context.rig("rig")?).map_err(|error| NodeError::input("rig", error))?;
    let reference: Option<&Track> =
        if context.has_input("reference") { Some(context.motion("reference")?) } else { None };
    let mut metrics = Vec::new();
    if context.has_input("motion") {
        let Some(reference) = reference else {
            return Err(NodeError::input(
                "reference",
                "nothing is wired here; a motion is measured against it",
            ));
        };
        metrics.extend(vertex_metrics(context.motion("motion")?, reference, &face).map_err(at_input)?);
    }
    if context.has_input("takes") {
        let takes: Vec<&Track> = context.takes("takes")?.iter().map(|take| &*take.motion).collect();
        metrics.extend(take_vertex_metrics(&takes, reference, &face).map_err(at_input)?);
    }
    if metrics.is_empty() {
        return Err(NodeError::input(
            "motion",
            "nothing is wired here or to takes; wire a motion with a reference, or takes",
        ));
    }
    let json = serde_json::to_string(&metrics).map_err(NodeError::failed)?;
    Ok(output("metrics", Value::Text(json.into())))
}

/// A motion's error belongs to the input that it came from.
fn at_input(error: FaceError) -> NodeError {
    match &error {
        FaceError::Motion { which, .. } if which.starts_with("take") => NodeError::input("takes", error),
        FaceError::Motion { which, .. } => {
            let port = which.clone();
            NodeError::input(&port, error)
        }
        _ => NodeError::failed(error),
    }
}
