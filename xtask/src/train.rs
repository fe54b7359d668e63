//! Trains the shipped models again, after a look whether what they learn from is there.

use crate::process::{Failure, cargo, root, run};
use std::path::{Path, PathBuf};

/// A model: its name, what it reads of the data folder, and the cargo calls that train it, in their order.
struct Model {
    name: &'static str,
    reads: &'static [&'static str],
    calls: &'static [&'static [&'static str]],
}

/// The generator before it is taught by cross-coupling.
const UNCOUPLED: &str = "target/generator-uncoupled.safetensors";

const MODELS: [Model; 3] = [
    Model {
        name: "voice_emotion",
        reads: &["emodb/audio", "emodb/erkennung.txt"],
        calls: &[&["run", "--release", "--package", "esarm-emotion", "--example", "train_voice_emotion"]],
    },
    Model {
        name: "generator",
        reads: &["emodb/audio", "emodb/lablaut", "facegood/facs_to_arkit.csv", "livelink_csv"],
        calls: &[
            &[
                "run",
                "--release",
                "--package",
                "esarm-sta",
                "--features",
                "training",
                "--example",
                "train_generator",
                "--",
                "3000",
                UNCOUPLED,
            ],
            &[
                "run",
                "--release",
                "--package",
                "esarm-sta",
                "--features",
                "training",
                "--example",
                "fine_tune_generator",
                "--",
                UNCOUPLED,
                "assets/models/generator.safetensors",
            ],
        ],
    },
    Model {
        name: "reward",
        reads: &["emodb/audio", "facegood/facs_to_arkit.csv", "livelink_csv"],
        calls: &[&["run", "--release", "--package", "esarm-reward", "--example", "train_reward"]],
    },
];

const HELP: &str = "\
cargo xtask train [MODEL]...

Trains the shipped models again, all when none is named, and replaces their files in assets/models.

  voice-emotion   12 seconds on two cores
  generator       about 10 minutes on two cores; also needs python3, espeak-ng and flite
  reward          about 10 minutes on two cores; learns from takes of the generator, so train it after that

The recordings are read from the folder that ESARM_DATA names, ../shared/data beside the workspace otherwise. The model
cards (assets/models/*.md) say what must lie there and where it can be had. The same data gives the same bytes.";

/// Trains the named models, or all; asks first whether their data is there.
pub(crate) fn train(words: &[&str]) -> Result<(), Failure> {
    if words.iter().any(|word| ["--help", "-h", "help"].contains(word)) {
        println!("{HELP}");
        return Ok(());
    }
    let models = wanted(words)?;
    let data = data_folder(std::env::var_os("ESARM_DATA").map(PathBuf::from));
    models.iter().try_for_each(|model| check_data(model, &data))?;
    for model in models {
        for call in model.calls {
            run(&format!("train {}", model.name), cargo(call).env("ESARM_DATA", &data))?;
        }
    }
    Ok(())
}

/// The models by name, spelt with a hyphen or as their files are.
fn wanted(words: &[&str]) -> Result<Vec<&'static Model>, Failure> {
    let known = |word: &str| MODELS.iter().any(|model| model.name == word.replace('-', "_"));
    if let Some(unknown) = words.iter().find(|word| !known(word)) {
        return Err(Failure(format!(
            "no model \"{unknown}\"; there are voice-emotion, generator and reward"
        )));
    }
    let is_wanted =
        |model: &&Model| words.is_empty() || words.iter().any(|word| word.replace('-', "_") == model.name);
    Ok(MODELS.iter().filter(is_wanted).collect())
}

/// The trainers run in the workspace's folder, so that is where a relative path starts.
fn data_folder(named: Option<PathBuf>) -> PathBuf {
    root().join(named.unwrap_or_else(|| PathBuf::from("../shared/data")))
}

fn check_data(model: &Model, data: &Path) -> Result<(), Failure> {
    let Some(missing) = model.reads.iter().map(|name| data.join(name)).find(|path| !path.exists()) else {
        return Ok(());
    };
    Err(Failure(format!(
        "{name} cannot be trained: {} is not there; set ESARM_DATA to the folder of the recordings, of which assets/models/{name}.md says what they are and where to get them",
        missing.display(),
        name = model.name
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Result<Vec<&'static str>, String> {
        wanted(words).map(|models| models.iter().map(|it| it.name).collect()).map_err(|failure| failure.0)
    }

    #[test]
    fn models_are_known_in_both_spellings() {
        assert_eq!(names(&[]).unwrap(), ["voice_emotion", "generator", "reward"]);
        assert_eq!(names(&["voice-emotion"]).unwrap(), ["voice_emotion"]);
        assert_eq!(names(&["voice_emotion"]).unwrap(), ["voice_emotion"]);
        assert_eq!(names(&["generator"]).unwrap(), ["generator"]);
        assert!(names(&["voice"]).unwrap_err().contains("voice-emotion, generator and reward"));
    }

    #[test]
    fn missing_data_is_named_with_what_to_set() {
        for model in &MODELS {
            let said = check_data(model, Path::new("/no/such/data"))
                .err()
                .map(|failure| failure.0)
                .unwrap_or_default();
            assert!(said.contains("/no/such/data/emodb/audio") && said.contains("ESARM_DATA"), "{said}");
            assert!(root().join(format!("assets/models/{}.md", model.name)).exists());
        }
        assert!(data_folder(None).ends_with("../shared/data"));
        assert_eq!(data_folder(Some(PathBuf::from("/data"))), Path::new("/data"));
    }
}
