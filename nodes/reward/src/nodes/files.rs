//! Files that nodes read, and the model that they judge by.

use crate::RewardError;
use crate::demonstrations::{Demonstrations, FILE_EXTENSION};
use crate::model::RewardModel;
use esarm_engine::{NodeContext, NodeError};
use esarm_graph::{NodeSchema, ParameterKind, PortType};
use esarm_values::{Digest, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Adds the model to a schema: an input, a file, or the shipped weights.
pub(super) fn with_model(schema: NodeSchema) -> NodeSchema {
    schema
        .optional_input(
            "model",
            PortType::File,
            "A reward that reward.train made; counts before the file. The shipped one when neither is there.",
        )
        .parameter(
            "model_file",
            ParameterKind::File { extensions: vec!["safetensors".to_owned()] },
            "",
            "A file of reward weights. The shipped weights when empty.",
        )
}

/// The model that is wired, or in the file, or shipped.
pub(super) fn model_of(context: &NodeContext<'_>) -> Result<Arc<RewardModel>, NodeError> {
    if context.has_input("model") {
        let bytes = &context.file_input("model")?.bytes;
        return RewardModel::from_bytes(bytes)
            .map(Arc::new)
            .map_err(|error| NodeError::input("model", error));
    }
    if context.text("model_file").is_empty() {
        return embedded();
    }
    let bytes = read_parameter(context, "model_file")?;
    RewardModel::from_bytes(&bytes).map(Arc::new).map_err(|error| NodeError::parameter("model_file", error))
}

/// The shipped model, made once.
fn embedded() -> Result<Arc<RewardModel>, NodeError> {
    static MODEL: OnceLock<Result<Arc<RewardModel>, RewardError>> = OnceLock::new();
    let model = MODEL.get_or_init(|| RewardModel::load_embedded().map(Arc::new));
    model.clone().map_err(NodeError::failed)
}

/// The content of the file that a parameter names.
pub(super) fn read_parameter(context: &NodeContext<'_>, parameter: &str) -> Result<Vec<u8>, NodeError> {
    let path = context.file(parameter)?;
    std::fs::read(&path).map_err(|error| NodeError::parameter(parameter, unreadable(&path, &error)))
}

/// Digest of the file that a parameter names; of nothing when it names none.
pub(super) fn parameter_digest(context: &NodeContext<'_>, parameter: &str) -> Result<Digest, NodeError> {
    if context.text(parameter).is_empty() {
        return Ok(Digest::of(&[]));
    }
    Ok(Digest::of(&read_parameter(context, parameter)?))
}

/// Files of an ending in a folder, sorted by name; none when no folder is named.
fn files_in_folder(
    context: &NodeContext<'_>,
    parameter: &str,
    ending: &str,
) -> Result<Vec<PathBuf>, NodeError> {
    let name = context.text(parameter);
    if name.is_empty() {
        return Ok(Vec::new());
    }
    let folder = context.base_folder.join(name);
    let entries = std::fs::read_dir(&folder)
        .map_err(|error| NodeError::parameter(parameter, unreadable(&folder, &error)))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_wanted = |path: &PathBuf| path.extension().is_some_and(|found| found == ending);
    let mut paths: Vec<PathBuf> = paths.filter(is_wanted).collect();
    paths.sort();
    if paths.is_empty() {
        let maker = if ending == FILE_EXTENSION { "reward.rank" } else { "eval.measure" };
        let what = format!("{} holds no .{ending} file; keep what {maker} gives there", folder.display());
        return Err(NodeError::parameter(parameter, what));
    }
    Ok(paths)
}

/// Digest of names and contents of the demonstrations in a folder.
pub(super) fn folder_digest(context: &NodeContext<'_>, parameter: &str) -> Result<Digest, NodeError> {
    folder_digest_of(context, parameter, FILE_EXTENSION)
}

/// Digest of names and contents of the files of an ending in a folder.
pub(super) fn folder_digest_of(
    context: &NodeContext<'_>,
    parameter: &str,
    ending: &str,
) -> Result<Digest, NodeError> {
    let mut hasher = Hasher::new();
    for path in files_in_folder(context, parameter, ending)? {
        hasher.text(&name_of(&path)).bytes(&Digest::of(&read(&path, parameter)?).0);
    }
    Ok(hasher.finish())
}

/// Names and contents of the files of an ending in a folder.
pub(super) fn read_folder_of(
    context: &NodeContext<'_>,
    parameter: &str,
    ending: &str,
) -> Result<Vec<(String, Vec<u8>)>, NodeError> {
    let paths = files_in_folder(context, parameter, ending)?;
    paths.into_iter().map(|path| Ok((name_of(&path), read(&path, parameter)?))).collect()
}

/// The demonstrations in a folder.
pub(super) fn read_folder(
    context: &NodeContext<'_>,
    parameter: &str,
) -> Result<Vec<Demonstrations>, NodeError> {
    let read_one = |(name, bytes): (String, Vec<u8>)| {
        Demonstrations::from_bytes(&name, &bytes).map_err(|error| NodeError::parameter(parameter, error))
    };
    read_folder_of(context, parameter, FILE_EXTENSION)?.into_iter().map(read_one).collect()
}

fn read(path: &Path, parameter: &str) -> Result<Vec<u8>, NodeError> {
    std::fs::read(path).map_err(|error| NodeError::parameter(parameter, unreadable(path, &error)))
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be read: {error}; check the path", path.display())
}
