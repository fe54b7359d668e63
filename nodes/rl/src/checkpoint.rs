//! The state of a run on disk, whole or not at all, so that a run that was killed goes on where it was.

use crate::RlError;
use crate::optimiser::Moments;
use crate::state::{Journal, State};
use esarm_values::Hasher;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The layout of the file; a reader refuses any other.
const LAYOUT: &str = "esarm-tuning-1";
/// The only entry of the file's metadata: a digest in a line of its own, then JSON. Several entries would be in any
/// order.
const ABOUT: &str = "about";

/// What a run was asked for, by name, so that a checkpoint of another run can be told by what differs.
pub(crate) type Identity = BTreeMap<String, String>;

#[derive(Serialize, Deserialize)]
struct About {
    layout: String,
    identity: Identity,
    /// Shapes of the network's tensors.
    shapes: Vec<Vec<usize>>,
    /// Steps of the optimiser.
    time: usize,
    journal: Journal,
}

/// The part of [`About`] that every layout has.
#[derive(Deserialize)]
struct Layout {
    layout: String,
}

/// Writes a checkpoint; what was there before stays until the new one is whole.
pub(crate) fn save(
    path: &Path,
    identity: &Identity,
    shapes: &[Vec<usize>],
    state: &State,
) -> Result<(), RlError> {
    let about = About {
        layout: LAYOUT.to_owned(),
        identity: identity.clone(),
        shapes: shapes.to_vec(),
        time: state.moments.time,
        journal: state.journal.clone(),
    };
    let about = serde_json::to_string(&about).map_err(|error| RlError::checkpoint(path, error))?;
    let lists = [
        ("numbers", &state.numbers),
        ("first_moments", &state.moments.first),
        ("second_moments", &state.moments.second),
        ("best", &state.best),
    ];
    let bytes: BTreeMap<&str, Vec<u8>> = lists
        .iter()
        .map(|(name, values)| (*name, values.iter().flat_map(|value| value.to_le_bytes()).collect()))
        .collect();
    let seal = seal(&about, bytes.values().map(Vec::as_slice));
    let views = bytes.iter().map(|(name, bytes)| {
        TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes).map(|view| (*name, view))
    });
    let file = views.collect::<Result<Vec<_>, _>>().and_then(|views| {
        safetensors::serialize(views, Some(HashMap::from([(ABOUT.to_owned(), format!("{seal}\n{about}"))])))
    });
    let file = file.map_err(|error| RlError::checkpoint(path, error))?;
    esarm_graph::write_atomically(path, &file).map_err(|error| {
        RlError::checkpoint(
            path,
            format!("{error}; what was saved before stays, and the same run goes on from it"),
        )
    })
}

/// The state that a file keeps of the same run; `None` where there is no file.
///
/// # Errors
/// When it is damaged, of another layout, another network or another run.
pub(crate) fn load(
    path: &Path,
    identity: &Identity,
    shapes: &[Vec<usize>],
) -> Result<Option<State>, RlError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RlError::checkpoint(path, error)),
    };
    let state = read(&bytes, identity, shapes).map_err(|what| {
        RlError::checkpoint(path, format!("{what}; choose another file, or remove this one to begin anew"))
    });
    state.map(Some)
}

fn read(bytes: &[u8], identity: &Identity, shapes: &[Vec<usize>]) -> Result<State, String> {
    let damaged = |error: &dyn std::fmt::Display| format!("it is damaged: {error}");
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| damaged(&error))?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(&error))?;
    let about = header.metadata().as_ref().and_then(|metadata| metadata.get(ABOUT));
    let (seal, about) = about
        .and_then(|about| about.split_once('\n'))
        .ok_or("it is no checkpoint of a tuning; choose one that rl.tune has written")?;
    let layout: Layout = serde_json::from_str(about).map_err(|error| damaged(&error))?;
    if layout.layout != LAYOUT {
        return Err(format!("it has layout {}, but this program reads {LAYOUT}", layout.layout));
    }
    let mut tensors = file.tensors();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    if seal != self::seal(about, tensors.iter().map(|(_, tensor)| tensor.data())) {
        return Err(damaged(&"its content is not what was written"));
    }
    let about: About = serde_json::from_str(about).map_err(|error| damaged(&error))?;
    if about.shapes != shapes {
        return Err(format!("its network has the shapes {:?}, but this policy has {shapes:?}", about.shapes));
    }
    if let Some(difference) = difference(&about.identity, identity) {
        return Err(format!("it belongs to another run: {difference}"));
    }
    let values = |name: &str| -> Result<Vec<f32>, String> {
        let tensor = file.tensor(name).map_err(|error| damaged(&error))?;
        Ok(tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    };
    let moments =
        Moments { time: about.time, first: values("first_moments")?, second: values("second_moments")? };
    Ok(State { numbers: values("numbers")?, moments, best: values("best")?, journal: about.journal })
}

/// What differs first.
fn difference(was: &Identity, now: &Identity) -> Option<String> {
    let names = now.keys().chain(was.keys());
    let name = names.into_iter().find(|name| was.get(*name) != now.get(*name))?;
    let text = |identity: &Identity| identity.get(name).map_or("not there", String::as_str).to_owned();
    Some(format!("{name} was {} and is now {}", text(was), text(now)))
}

fn seal<'a>(about: &str, contents: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hasher = Hasher::new();
    hasher.text(about);
    contents.for_each(|content| {
        hasher.bytes(content);
    });
    hasher.finish().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::Check;

    fn state() -> State {
        let check = Check { iteration: 0, reward: 1.0 / 3.0, proxies: vec![Some(0.1), None], kl: 0.0 };
        let mut state = State::start(vec![1.0, -2.5e-7, 3.0], 0.1, check);
        state.moments = Moments { time: 4, first: vec![0.1; 3], second: vec![0.2; 3] };
        state.journal.iteration = 4;
        state
    }

    fn identity() -> Identity {
        Identity::from([("seed".to_owned(), "1".to_owned()), ("clip_range".to_owned(), "0.2".to_owned())])
    }

    const SHAPES: [usize; 2] = [1, 3];

    fn error_of(bytes: &[u8], identity: &Identity, shape: [usize; 2]) -> String {
        read(bytes, identity, &[shape.to_vec()]).unwrap_err()
    }

    #[test]
    fn a_checkpoint_gives_back_every_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.safetensors");
        let shapes = [SHAPES.to_vec()];
        assert_eq!(load(&path, &identity(), &shapes).unwrap(), None);
        save(&path, &identity(), &shapes, &state()).unwrap();
        assert_eq!(load(&path, &identity(), &shapes).unwrap(), Some(state()));
        let bytes = std::fs::read(&path).unwrap();
        save(&path, &identity(), &shapes, &state()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn what_does_not_belong_here_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.safetensors");
        save(&path, &identity(), &[SHAPES.to_vec()], &state()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(error_of(&bytes, &identity(), [3, 1]).contains("shapes"));
        let mut other = identity();
        other.insert("seed".to_owned(), "2".to_owned());
        assert!(error_of(&bytes, &other, SHAPES).contains("seed was 1 and is now 2"));
        let at = bytes.windows(LAYOUT.len()).position(|part| part == LAYOUT.as_bytes()).unwrap();
        let mut newer = bytes.clone();
        newer[at + LAYOUT.len() - 1] = b'2';
        assert!(error_of(&newer, &identity(), SHAPES).contains("esarm-tuning-2"));
        let mut flipped = bytes.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert!(error_of(&flipped, &identity(), SHAPES).contains("damaged"));
        assert!(error_of(&bytes[..bytes.len() / 2], &identity(), SHAPES).contains("damaged"));
        assert!(error_of(b"not a checkpoint at all", &identity(), SHAPES).contains("damaged"));
    }

    #[test]
    fn what_cannot_be_written_says_so_and_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("run.safetensors");
        let error = save(&path, &identity(), &[SHAPES.to_vec()], &state()).unwrap_err().to_string();
        assert!(error.contains("run.safetensors") && error.contains("stays"), "{error}");
    }
}
