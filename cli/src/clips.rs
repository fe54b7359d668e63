//! Which speech goes into which file: files and folders in, one output name a clip.

use crate::failure::Failure;
use std::path::{Path, PathBuf};

/// What stands in an output's name for the name of the speech file without its ending.
pub(crate) const NAME: &str = "{name}";

/// Speech, and where its takes go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clip {
    pub(crate) speech: PathBuf,
    pub(crate) output: PathBuf,
}

/// The clips of a command. A folder stands for the files in it that have one of `endings`, sorted by name.
pub(crate) fn clips(speech: &[PathBuf], output: &Path, endings: &[String]) -> Result<Vec<Clip>, Failure> {
    let mut files = Vec::new();
    for path in speech {
        match path.is_dir() {
            true => files.extend(speech_in(path, endings)?),
            false => files.push(path.clone()),
        }
    }
    if files.len() > 1 && !is_named(output) {
        let ending = output.extension().unwrap_or_default().to_string_lossy();
        let example = output.with_file_name(format!("{NAME}.{ending}"));
        return Err(Failure::input(format!(
            "--output {}: {} speech files cannot share it; write {NAME} where the name of each goes, such as {}",
            output.display(),
            files.len(),
            example.display()
        )));
    }
    let clip = |speech: PathBuf| Clip { output: output_for(output, &speech), speech };
    Ok(files.into_iter().map(clip).collect())
}

fn speech_in(folder: &Path, endings: &[String]) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| Failure::file(folder, error))?;
    let has_ending = |path: &PathBuf| {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        endings.contains(&ending) && path.is_file()
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(has_ending).collect();
    files.sort();
    if files.is_empty() {
        let message = format!("there is no speech in this folder; speech ends in .{}", endings.join(", ."));
        return Err(Failure::file(folder, message));
    }
    Ok(files)
}

fn is_named(output: &Path) -> bool {
    output.to_str().is_some_and(|text| text.contains(NAME))
}

fn output_for(output: &Path, speech: &Path) -> PathBuf {
    let stem = speech.file_stem().unwrap_or_default().to_string_lossy();
    match output.to_str() {
        Some(text) if text.contains(NAME) => PathBuf::from(text.replace(NAME, &stem)),
        _ => output.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clip_gets_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.WAV", "a.flac", "notes.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let endings = ["wav", "flac"].map(str::to_owned);
        let of = |speech: &[&Path], output: &str| {
            let speech: Vec<PathBuf> = speech.iter().map(|path| (*path).to_owned()).collect();
            let outputs = clips(&speech, Path::new(output), &endings)?.into_iter().map(|it| it.output);
            Ok::<Vec<PathBuf>, Failure>(outputs.collect())
        };
        let named = |names: &[&str]| Ok(names.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&[folder.path()], "out/{name}-x.csv"), named(&["out/a-x.csv", "out/b-x.csv"]));
        assert_eq!(of(&[Path::new("x/c.wav")], "{name}.csv"), named(&["c.csv"]));
        assert_eq!(of(&[Path::new("c.wav")], "one.csv"), named(&["one.csv"]));
        let refused = of(&[folder.path()], "out/one.csv").unwrap_err();
        assert!(refused.message().unwrap().ends_with("such as out/{name}.csv"), "{refused:?}");
        let empty = tempfile::tempdir().unwrap();
        assert!(of(&[empty.path()], "{name}.csv").unwrap_err().message().unwrap().contains(".wav, .flac"));
    }
}
