//! `reward.weights` and `reward.demonstrations`: what earlier runs left on disk.

use super::files::{folder_digest, parameter_digest, read_folder, read_parameter};
use super::node_error;
use crate::demonstrations::bundle;
use crate::model::RewardWeights;
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_values::{File, Value};
use std::sync::Arc;

pub(super) fn node_types() -> [NodeType; 2] {
    [
        NodeType::new(weights_schema(), weights)
            .with_fingerprint(|context| parameter_digest(context, "file")),
        NodeType::new(demonstrations_schema(), demonstrations)
            .with_fingerprint(|context| folder_digest(context, "folder")),
    ]
}

fn weights_schema() -> NodeSchema {
    NodeSchema::new(
        "reward.weights",
        "Load reward",
        "Reads a reward that reward.train gave in an earlier run.",
        Purity::External,
        TimeSupport::Pointwise,
    )
    .parameter(
        "file",
        ParameterKind::File { extensions: vec!["safetensors".to_owned()] },
        "",
        "The reward's weights.",
    )
    .output("model", PortType::File, "The reward, for nodes that judge, tune or compare.")
}

fn weights(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let bytes = read_parameter(context, "file")?;
    RewardWeights::from_bytes(&bytes).map_err(|error| NodeError::parameter("file", error))?;
    let file = File { extension: "safetensors".to_owned(), bytes, companions: Vec::new() };
    Ok(output("model", Value::File(Arc::new(file))))
}

fn demonstrations_schema() -> NodeSchema {
    NodeSchema::new(
        "reward.demonstrations",
        "Load demonstrations",
        "Reads ranked takes of any number of clips from a folder, those of kept takes and hand-made orders among them.",
        Purity::External,
        TimeSupport::Pointwise,
    )
    .parameter(
        "folder",
        ParameterKind::Text { default: String::new() },
        "",
        "A folder of .demonstrations files; relative to the graph.",
    )
    .output("demonstrations", PortType::File, "All of them, for reward.train and rl.tune.")
}

fn demonstrations(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    if context.text("folder").is_empty() {
        return Err(NodeError::parameter(
            "folder",
            "no folder is named; name one that holds .demonstrations files",
        ));
    }
    let file = bundle(&read_folder(context, "folder")?).map_err(node_error)?;
    Ok(output("demonstrations", Value::File(Arc::new(file))))
}
