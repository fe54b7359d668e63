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
