//! The whole state of a training on disk, so that a killed one goes on as if nothing had happened.

use super::State;
use super::curve::CurveRow;
use crate::RewardError;
use crate::model::network::layer_sizes;
use crate::model::weights::{layer_tensors, open_tensors, read_layers, read_tensor, write_tensors};
use crate::training::adam::Adam;
use esarm_graph::write_atomically;
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::path::Path;

/// The layout of the file; a reader refuses any other.
const LAYOUT: &str = "esarm-reward-checkpoint-1";

/// What a checkpoint says besides its tensors.
#[derive(serde::Serialize, serde::Deserialize)]
struct Header {
    /// Digest of the demonstrations and the options.
    identity: String,
    members: usize,
    step: usize,
    best_step: usize,
    /// Bits of the best loss: JSON has no infinity.
    best_loss_bits: u64,
    without_gain: usize,
    curve: Vec<CurveRow>,
}

/// Writes the state whole or not at all: whatever was there before stays when it fails.
pub(super) fn save(path: &Path, identity: &str, state: &State) -> Result<(), RewardError> {
    let fail = |what: String| RewardError::Checkpoint { path: path.display().to_string(), what };
    let header = Header {
        identity: identity.to_owned(),
        members: state.members.len(),
        step: state.step,
        best_step: state.best_step,
        best_loss_bits: state.best_loss.to_bits(),
        without_gain: state.without_gain,
        curve: state.curve.clone(),
    };
    let header = serde_json::to_string(&header).map_err(|error| fail(error.to_string()))?;
    let mut tensors = layer_tensors("member.", &state.members);
    tensors.extend(layer_tensors("best.", &state.best));
    for (member, adam) in state.optimisers.iter().enumerate() {
        let lists = [("mean", &adam.means), ("square", &adam.squares)];
        for (kind, lists) in lists {
            for (list, values) in lists.iter().enumerate() {
                tensors.push((format!("adam.{member}.{kind}.{list}"), vec![values.len()], values));
            }
        }
    }
    let notes = BTreeMap::from([("state".to_owned(), header)]);
    let bytes = write_tensors(LAYOUT, &tensors, &notes).map_err(fail)?;
    write_atomically(path, &bytes).map_err(|error| fail(error.to_string()))
}

/// Reads a state; `None` when there is no file.
pub(super) fn load(path: &Path, identity: &str) -> Result<Option<State>, RewardError> {
    let fail = |what: String| RewardError::Checkpoint {
        path: path.display().to_string(),
        what: format!("{what}; delete it to begin anew, or choose another folder"),
    };
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error.to_string())),
    };
    let (file, notes) = open_tensors(LAYOUT, &bytes).map_err(fail)?;
    let text = notes.get("state").map_or("", String::as_str);
    let header: Header = serde_json::from_str(text).map_err(|error| fail(error.to_string()))?;
    if header.identity != identity {
        let what = "it belongs to a training with other demonstrations or settings";
        return Err(fail(what.to_owned()));
    }
    let optimisers = (0..header.members).map(|member| read_adam(&file, member)).collect::<Result<_, _>>();
    Ok(Some(State {
        members: read_layers(&file, "member.", header.members).map_err(fail)?,
        best: read_layers(&file, "best.", header.members).map_err(fail)?,
        optimisers: optimisers.map_err(fail)?,
        step: header.step,
        best_step: header.best_step,
        best_loss: f64::from_bits(header.best_loss_bits),
        without_gain: header.without_gain,
        curve: header.curve,
    }))
}

fn read_adam(file: &SafeTensors<'_>, member: usize) -> Result<Adam, String> {
    let lists = |kind: &str| -> Result<Vec<Vec<f32>>, String> {
        parameter_lengths()
            .enumerate()
            .map(|(list, length)| read_tensor(file, &format!("adam.{member}.{kind}.{list}"), &[length]))
            .collect()
    };
    Ok(Adam { means: lists("mean")?, squares: lists("square")? })
}

/// Lengths of a member's parameter lists: matrix and offsets of each layer.
pub(super) fn parameter_lengths() -> impl Iterator<Item = usize> + Clone {
    layer_sizes().into_iter().flat_map(|[inputs, outputs]| [inputs * outputs, outputs])
}
