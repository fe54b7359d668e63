//! Writing results: each file whole, and the files of one command all or none.

use crate::claims::folder_of;
use crate::failure::Failure;
use crate::signals::Stop;
use esarm_graph::{PortType, StagedFile};
use esarm_values::{File, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Fails unless values of a type can be written to `path` as they are.
pub(crate) fn check_type(path: &Path, output: &str, port_type: PortType) -> Result<(), Failure> {
    match port_type {
        PortType::File | PortType::Text | PortType::Number => Ok(()),
        other => Err(Failure::file(
            path,
            format!(
                "the output \"{output}\" is {}, which has no file format of its own; wire it to an export node and name that output",
                other.name()
            ),
        )),
    }
}

/// Fails when a file's ending says another format than what is written into it. A name without an ending says nothing.
pub(crate) fn check_ending(path: &Path, output: &str, format: &str) -> Result<(), Failure> {
    let Some(ending) = path.extension() else { return Ok(()) };
    let ending = ending.to_string_lossy().to_lowercase();
    // USD reads its text format under both endings.
    if ending == format || (format, ending.as_str()) == ("usda", "usd") {
        return Ok(());
    }
    Err(Failure::file(
        path,
        format!("the output \"{output}\" is a .{format} file, the name says .{ending}; name it .{format}"),
    ))
}

/// Files that are safe on disk beside their places, and go there together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    staged: Vec<StagedFile>,
    /// Main files of sequences of numbered frames, with the number of the last frame.
    sequences: Vec<(PathBuf, u64)>,
    paths: Vec<PathBuf>,
    taken: BTreeSet<PathBuf>,
}

impl Batch {
    /// Adds a result and the files that belong beside it.
    pub(crate) fn add(&mut self, path: &Path, output: &str, value: &Value) -> Result<(), Failure> {
        self.sequences.extend(last_frame(value).map(|last| (path.to_owned(), last)));
        match value {
            Value::File(file) => {
                check_ending(path, output, &file.extension)?;
                self.stage(path, &with_names_of_companions(path, file))?;
                for (name, bytes) in &file.companions {
                    self.stage(&companion_path(path, name), bytes)?;
                }
                Ok(())
            }
            Value::Text(text) => self.stage(path, text.as_bytes()),
            Value::Number(number) => self.stage(path, number.to_string().as_bytes()),
            other => check_type(path, output, esarm_engine::port_type_of(other)),
        }
    }

    /// Puts all files in their places; gives their paths.
    pub(crate) fn commit(self, stop: &Stop) -> Result<Vec<PathBuf>, Failure> {
        stop.check()?;
        StagedFile::commit_all(self.staged).map_err(Failure::input)?;
        for (path, last) in &self.sequences {
            remove_stale_frames(path, *last)?;
        }
        Ok(self.paths)
    }

    fn stage(&mut self, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        let is_file = std::fs::metadata(path).map_or(true, |data| data.is_file());
        if !self.taken.insert(path.to_owned()) && is_file {
            return Err(Failure::file(path, "two results have this name; give each its own"));
        }
        self.staged.push(StagedFile::with_folder(path, bytes).map_err(Failure::input)?);
        self.paths.push(path.to_owned());
        Ok(())
    }
}

/// Companions name themselves after the main file: `{stem}` in their name stands for its name without the ending.
fn companion_path(path: &Path, name: &str) -> PathBuf {
    let stem: &OsStr = path.file_stem().unwrap_or_default();
    let mut parts = name.split("{stem}");
    let mut file_name = OsString::from(parts.next().unwrap_or_default());
    for part in parts {
        file_name.push(stem);
        file_name.push(part);
    }
    folder_of(path).join(file_name)
}

/// The content of a file. A report in Markdown names its pictures as they are named themselves, so their names become
/// those that they get on disk.
fn with_names_of_companions<'a>(path: &Path, file: &'a File) -> Cow<'a, [u8]> {
    let Ok(text) = std::str::from_utf8(&file.bytes) else { return Cow::Borrowed(&file.bytes) };
    if file.extension != "md" || file.companions.is_empty() {
        return Cow::Borrowed(&file.bytes);
    }
    let named = file.companions.iter().fold(text.to_owned(), |text, (name, _)| {
        let on_disk = companion_path(path, name);
        text.replace(name, &on_disk.file_name().unwrap_or_default().to_string_lossy())
    });
    Cow::Owned(named.into_bytes())
}

/// Removes the numbered frames of an earlier, longer run behind those of a sequence that was written, which a program
/// that reads the sequence would take for its end. Gives the number of files removed.
fn remove_stale_frames(path: &Path, last: u64) -> Result<usize, Failure> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let folder = folder_of(path);
    let mut removed = 0;
    for entry in std::fs::read_dir(folder).map_err(|error| Failure::file(folder, error))?.flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| frame_number(name, &stem));
        if number.is_some_and(|number| number > last) {
            std::fs::remove_file(entry.path()).map_err(|error| Failure::file(&entry.path(), error))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// The number of the last of the frames that come with a file.
fn last_frame(value: &Value) -> Option<u64> {
    let Value::File(file) = value else { return None };
    file.companions.iter().filter_map(|(name, _)| frame_number(name, "{stem}")).max()
}

/// The number of a frame `STEM.000123.png`.
fn frame_number(name: &str, stem: &str) -> Option<u64> {
    let digits = name.strip_prefix(stem)?.strip_prefix('.')?.strip_suffix(".png")?;
    let is_number = digits.len() >= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn file(companions: &[&str]) -> Value {
        let companions = companions.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
        Value::File(Arc::new(File { extension: String::new(), bytes: Vec::new(), companions }))
    }

    #[test]
    fn a_report_names_its_pictures_as_they_lie_beside_it() {
        let report = |extension: &str| File {
            extension: extension.to_owned(),
            bytes: b"![a](<{stem}.a.svg>) and {stem}".to_vec(),
            companions: vec![("{stem}.a.svg".to_owned(), Vec::new())],
        };
        let path = Path::new("out/my line.md");
        let (markdown, other) = (report("md"), report("npy"));
        assert_eq!(&*with_names_of_companions(path, &markdown), b"![a](<my line.a.svg>) and {stem}");
        assert_eq!(&*with_names_of_companions(path, &other), &*other.bytes);
    }

    #[test]
    fn frames_of_an_earlier_run_do_not_stay_behind_a_sequence() {
        let folder = tempfile::tempdir().unwrap();
        let names =
            ["a.000001.png", "a.000002.png", "a.000003.png", "ab.000009.png", "a.note.png", "a.9.png"];
        names.iter().for_each(|name| std::fs::write(folder.path().join(name), "").unwrap());
        let frames = file(&["{stem}.000000.png", "{stem}.000001.png"]);
        let path = folder.path().join("a.png");
        assert_eq!(last_frame(&file(&[])), None);
        assert_eq!(remove_stale_frames(&path, last_frame(&frames).unwrap()).unwrap(), 2);
        let is_left = |name: &&str| folder.path().join(name).exists();
        assert_eq!(names.iter().filter(|name| is_left(name)).count(), 4);
        assert!(folder.path().join("a.000001.png").exists());
    }
}
