//! Writing results, whole or not at all.

use crate::failure::Failure;
use esarm_values::{File, Value};
use std::path::{Path, PathBuf};

/// Fails early, before anything is computed, when a file could not be written to `path`.
pub(crate) fn check_writable(path: &Path) -> Result<(), Failure> {
    let folder = folder_of(path);
    if path.is_dir() {
        return Err(Failure::file(path, "is a folder; name a file"));
    }
    match std::fs::metadata(folder) {
        Ok(data) if data.is_dir() => Ok(()),
        Ok(_) => Err(Failure::file(folder, "is not a folder; the result cannot be written into it")),
        Err(error) => Err(Failure::file(folder, format!("{error}; create the folder or choose another"))),
    }
}

/// Refuses, before any of them is written, paths of which two are one file: of two outputs, or of an output and what
/// belongs beside another.
pub(crate) fn check_distinct(paths: impl IntoIterator<Item = PathBuf>) -> Result<(), Failure> {
    let mut places = std::collections::HashSet::new();
    for path in paths {
        let place = place_of(&path);
        // Devices such as /dev/null take any number of results.
        let is_special = std::fs::metadata(&place).is_ok_and(|data| !data.is_file());
        if !is_special && !places.insert(place) {
            return Err(Failure::file(
                &path,
                "would be written twice; give every output and the report a name of its own",
            ));
        }
    }
    Ok(())
}

/// Every path that a result is written to: its own, and those of the files that belong beside it.
pub(crate) fn paths_of(path: &Path, value: &Value) -> Vec<PathBuf> {
    let companions = match value {
        Value::File(file) => file.companions.as_slice(),
        _ => &[],
    };
    let companions = companions.iter().map(|(name, _)| companion_path(path, name));
    std::iter::once(path.to_owned()).chain(companions).collect()
}

/// The same path for every way to write it: of the file when it is there, of its folder and its name otherwise.
fn place_of(path: &Path) -> PathBuf {
    let folder = || std::fs::canonicalize(folder_of(path)).unwrap_or_else(|_| folder_of(path).to_owned());
    std::fs::canonicalize(path).unwrap_or_else(|_| folder().join(path.file_name().unwrap_or_default()))
}

/// Removes the numbered frames of an earlier, longer run behind those of a sequence that was written, which a program
/// that reads the sequence would take for its end. Gives the number of files removed.
pub(crate) fn remove_stale_frames(path: &Path, value: &Value) -> Result<usize, Failure> {
    let Value::File(file) = value else { return Ok(0) };
    let numbers = file.companions.iter().filter_map(|(name, _)| frame_number(name, "{stem}"));
    let Some(last) = numbers.max() else { return Ok(0) };
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

/// The number of a frame `STEM.000123.png`.
fn frame_number(name: &str, stem: &str) -> Option<u64> {
    let digits = name.strip_prefix(stem)?.strip_prefix('.')?.strip_suffix(".png")?;
    let is_number = digits.len() >= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// Writes a result and the files that belong beside it; gives every path written.
pub(crate) fn write(path: &Path, value: &Value) -> Result<Vec<PathBuf>, Failure> {
    match value {
        Value::File(file) => write_file(path, file),
        Value::Text(text) => {
            write_bytes(path, text.as_bytes())?;
            Ok(vec![path.to_owned()])
        }
        Value::Number(number) => {
            write_bytes(path, number.to_string().as_bytes())?;
            Ok(vec![path.to_owned()])
        }
        other => Err(Failure::file(
            path,
            format!(
                "the output is {:?}, which has no file format of its own; wire it to an export node and name that output",
                esarm_engine::port_type_of(other)
            ),
        )),
    }
}

/// Companions first: once the main file is there, so is everything it needs.
fn write_file(path: &Path, file: &File) -> Result<Vec<PathBuf>, Failure> {
    let mut written = Vec::new();
    for (name, bytes) in &file.companions {
        let companion = companion_path(path, name);
        write_bytes(&companion, bytes)?;
        written.push(companion);
    }
    write_bytes(path, &file.bytes)?;
    written.insert(0, path.to_owned());
    Ok(written)
}

/// Companions name themselves after the main file: `{stem}` in their name stands for its name without the ending.
fn companion_path(path: &Path, name: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    folder_of(path).join(name.replace("{stem}", &stem))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    esarm_graph::write_atomically(path, bytes).map_err(Failure::input)
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
    fn no_result_overwrites_another() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (plain, array) = (file(&[]), file(&["{stem}.npy.json"]));
        let check = |first: (&str, &Value), second: (&str, &Value)| {
            check_distinct([first, second].into_iter().flat_map(|(name, value)| paths_of(&at(name), value)))
        };
        check(("a.npy", &array), ("a.json", &plain)).unwrap();
        let error = check(("a.npy", &array), ("a.npy.json", &plain)).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("a.npy.json: would be written twice"), "{error}");
        assert!(check(("a.csv", &plain), ("./a.csv", &plain)).is_err());
        #[cfg(unix)]
        {
            std::fs::write(at("real.csv"), "old").unwrap();
            std::os::unix::fs::symlink(at("real.csv"), at("link.csv")).unwrap();
            assert!(check(("real.csv", &plain), ("link.csv", &plain)).is_err());
        }
    }

    #[test]
    fn frames_of_an_earlier_run_do_not_stay_behind_a_sequence() {
        let folder = tempfile::tempdir().unwrap();
        let names =
            ["a.000001.png", "a.000002.png", "a.000003.png", "ab.000009.png", "a.note.png", "a.9.png"];
        names.iter().for_each(|name| std::fs::write(folder.path().join(name), "").unwrap());
        let frames = file(&["{stem}.000000.png", "{stem}.000001.png"]);
        let path = folder.path().join("a.png");
        assert_eq!(remove_stale_frames(&path, &file(&[])).unwrap(), 0);
        assert_eq!(remove_stale_frames(&path, &frames).unwrap(), 2);
        let is_left = |name: &&str| folder.path().join(name).exists();
        assert_eq!(names.iter().filter(|name| is_left(name)).count(), 4);
        assert!(folder.path().join("a.000001.png").exists());
    }
}
