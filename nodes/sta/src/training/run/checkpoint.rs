//! The state of a run on disk: whole or not at all, with the one before kept beside it.

use super::optimiser::Moments;
use super::parameters::{Parameter, Parameters};
use crate::training::TrainingError;
use esarm_values::Hasher;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The layout of a checkpoint; a reader refuses any other.
const LAYOUT: &str = "esarm-training-1";
/// Names of the newest checkpoint, of the one before it, and of one that is being written.
const NEWEST: &str = "checkpoint.safetensors";
const PREVIOUS: &str = "checkpoint.previous.safetensors";

/// The whole state of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    /// Steps taken.
    pub(super) step: usize,
    pub(super) parameters: Parameters,
    pub(super) moments: Moments,
    /// Running mean of the parameters.
    pub(super) average: Parameters,
    /// The running mean that was best on held-out material, with its step and loss.
    pub(super) best: Option<Best>,
    /// Measurements on held-out material since the best one.
    pub(super) stale: usize,
    /// The curves so far, as CSV without a header.
    pub(super) curves: String,
}

/// The best weights so far.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Best {
    pub(super) step: usize,
    pub(super) loss: f32,
    pub(super) weights: Parameters,
}

/// What a run was asked for, by name, so that a checkpoint of another run can be told by what differs.
pub(super) type Configuration = Vec<(String, String)>;

/// Writes a file under a temporary name, waits until it is on disk and gives it its name. Nothing half written stays.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), TrainingError> {
    let partial = path.with_extension("partial");
    let write = || {
        let mut file = std::fs::File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| {
        // The first failure is the one to tell.
        drop(std::fs::remove_file(&partial));
        TrainingError::unsaved(&partial, format!("cannot be written ({error})"))
    })?;
    std::fs::rename(&partial, path).map_err(|error| TrainingError::unsaved(path, error))
}

/// Saves a state; the last one stays as the previous one until this is whole.
pub(super) fn save(folder: &Path, state: &State, configuration: &Configuration) -> Result<(), TrainingError> {
    let newest = folder.join(NEWEST);
    let bytes = to_bytes(state, configuration).map_err(|what| TrainingError::unsaved(&newest, what))?;
    let whole = folder.join("checkpoint.new.safetensors");
    write_whole(&whole, &bytes)?;
    if newest.exists() {
        let previous = folder.join(PREVIOUS);
        std::fs::rename(&newest, &previous).map_err(|error| TrainingError::unsaved(&previous, error))?;
    }
    std::fs::rename(&whole, &newest).map_err(|error| TrainingError::unsaved(&newest, error))
}

/// The newest whole state in a folder, if there is any; a damaged newest one gives way to the one before.
pub(super) fn load(folder: &Path, configuration: &Configuration) -> Result<Option<State>, TrainingError> {
    let paths = [NEWEST, PREVIOUS].map(|name| folder.join(name));
    let mut damaged: Option<(PathBuf, String)> = None;
    for path in paths.into_iter().filter(|path| path.exists()) {
        let bytes = std::fs::read(&path).map_err(|error| TrainingError::unsaved(&path, error))?;
        match intact(&bytes) {
            Ok(file) => return read(&path, &file, configuration).map(Some),
            Err(what) => damaged = damaged.or(Some((path, what))),
        }
    }
    match damaged {
        None => Ok(None),
        Some((path, what)) => Err(TrainingError::Checkpoint {
            path,
            what: format!("is damaged ({what}), and there is no whole one beside it"),
        }),
    }
}

/// A checkpoint whose content is what was written.
struct Intact<'a> {
    file: SafeTensors<'a>,
    notes: HashMap<String, String>,
}

/// Reads a checkpoint and makes sure that nothing about it changed.
fn intact(bytes: &[u8]) -> Result<Intact<'_>, String> {
    let (start, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let notes = header.metadata().clone().unwrap_or_default();
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    // The header's length comes before it, in eight bytes.
    let content = bytes.get(start + 8..).unwrap_or_default();
    match notes.get(SEAL) {
        Some(digest) if *digest == seal(&notes, content) => Ok(Intact { file, notes }),
        _ => Err("its content is not what was written".to_owned()),
    }
}

/// The note that holds the digest of everything else.
const SEAL: &str = "seal";

fn seal(notes: &HashMap<String, String>, content: &[u8]) -> String {
    let mut others: Vec<_> = notes.iter().filter(|(name, _)| *name != SEAL).collect();
    others.sort();
    let mut hasher = Hasher::new();
    for (name, value) in others {
        hasher.text(name).text(value);
    }
    hasher.bytes(content).finish().to_string()
}

fn read(path: &Path, file: &Intact<'_>, configuration: &Configuration) -> Result<State, TrainingError> {
    let fail = |what: String| TrainingError::Checkpoint { path: path.to_owned(), what };
    let note = |name: &str| file.notes.get(name).map_or("", String::as_str);
    if note("layout") != LAYOUT {
        return Err(fail(format!("has layout {:?}, but this program reads {LAYOUT}", note("layout"))));
    }
    if let Some(difference) = difference(note("configuration"), configuration) {
        return Err(fail(format!("belongs to another run: {difference}")));
    }
    let number = |name: &str| note(name).parse().map_err(|_| fail(format!("has no number of {name}")));
    let names: Vec<&str> = note("parameters").lines().collect();
    let all = |prefix: &str| -> Result<Parameters, TrainingError> {
        names
            .iter()
            .map(|name| array(file, prefix, name).map_err(fail))
            .collect::<Result<_, _>>()
            .map(Parameters)
    };
    let best = match note("best_step") {
        "" => None,
        _ => Some(Best {
            step: number("best_step")?,
            loss: note("best_loss").parse().map_err(|_| fail("has no best loss".to_owned()))?,
            weights: all("best")?,
        }),
    };
    Ok(State {
        step: number("step")?,
        parameters: all("parameter")?,
        moments: Moments { first: all("first")?, second: all("second")? },
        average: all("average")?,
        best,
        stale: number("stale")?,
        curves: note("curves").to_owned(),
    })
}

fn array(file: &Intact<'_>, prefix: &str, name: &str) -> Result<Parameter, String> {
    let key = format!("{prefix}/{name}");
    let tensor = file.file.tensor(&key).map_err(|_| format!("has no tensor {key}"))?;
    let words = tensor.data().chunks_exact(4);
    Ok(Parameter {
        name: name.to_owned(),
        shape: tensor.shape().to_vec(),
        values: words.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect(),
    })
}

/// What the first differing setting was and is.
fn difference(written: &str, configuration: &Configuration) -> Option<String> {
    let was: HashMap<&str, &str> = written.lines().filter_map(|line| line.split_once('=')).collect();
    let changed =
        configuration.iter().find(|(name, now)| was.get(name.as_str()).copied() != Some(now.as_str()));
    changed.map(|(name, now)| {
        let was = was.get(name.as_str()).copied().unwrap_or("not set");
        format!("its {name} was {was} and is now {now}")
    })
}

fn configuration_text(configuration: &Configuration) -> String {
    configuration.iter().map(|(name, value)| format!("{name}={}\n", value.replace('\n', " "))).collect()
}

fn to_bytes(state: &State, configuration: &Configuration) -> Result<Vec<u8>, String> {
    let mut groups = vec![
        ("parameter", &state.parameters),
        ("first", &state.moments.first),
        ("second", &state.moments.second),
        ("average", &state.average),
    ];
    groups.extend(state.best.as_ref().map(|best| ("best", &best.weights)));
    let mut arrays: Vec<(String, Vec<usize>, Vec<u8>)> = groups
        .into_iter()
        .flat_map(|(prefix, parameters)| parameters.0.iter().map(move |parameter| (prefix, parameter)))
        .map(|(prefix, parameter)| {
            let bytes = parameter.values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (format!("{prefix}/{}", parameter.name), parameter.shape.clone(), bytes)
        })
        .collect();
    // The order in which they are written, so that their digest can be told beforehand.
    arrays.sort();
    let content: Vec<u8> = arrays.iter().flat_map(|(_, _, bytes)| bytes.iter().copied()).collect();
    let names: Vec<&str> = state.parameters.0.iter().map(|parameter| parameter.name.as_str()).collect();
    let mut notes = HashMap::from([
        ("layout".to_owned(), LAYOUT.to_owned()),
        ("configuration".to_owned(), configuration_text(configuration)),
        ("step".to_owned(), state.step.to_string()),
        ("stale".to_owned(), state.stale.to_string()),
        ("parameters".to_owned(), names.join("\n")),
        ("curves".to_owned(), state.curves.clone()),
    ]);
    if let Some(best) = &state.best {
        notes.insert("best_step".to_owned(), best.step.to_string());
        notes.insert("best_loss".to_owned(), best.loss.to_string());
    }
    notes.insert(SEAL.to_owned(), seal(&notes, &content));
    let views: Result<Vec<_>, _> = arrays
        .iter()
        .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect();
    views
        .and_then(|views| safetensors::serialize(views, Some(notes)))
        .map_err(|error: safetensors::SafeTensorError| error.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Gives a checkpoint another layout, sealed as if it had been written so.
    pub(in crate::training::run) fn rewrite_layout(path: &Path, layout: &str) {
        let bytes = std::fs::read(path).unwrap();
        let file = intact(&bytes).unwrap();
        let mut notes = file.notes.clone();
        notes.insert("layout".to_owned(), layout.to_owned());
        let (start, _) = SafeTensors::read_metadata(&bytes).unwrap();
        notes.insert(SEAL.to_owned(), seal(&notes, &bytes[start + 8..]));
        std::fs::write(path, safetensors::serialize(file.file.tensors(), Some(notes)).unwrap()).unwrap();
    }
}
