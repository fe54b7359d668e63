//! Which files a command reads and writes: found out before anything runs, so that no result replaces another or
//! what it was made from.

use crate::failure::Failure;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// Endings whose files bring another one along, with what its name ends in behind theirs: an array its channel names.
const COMPANIONS: [(&str, &str); 1] = [("npy", ".json")];

/// The files that a command reads and writes so far.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// Per file in its one true spelling: what writes it, in words.
    written: HashMap<PathBuf, String>,
    /// The same for what is read.
    read: HashMap<PathBuf, String>,
}

impl Claims {
    /// Takes note of a file that is read; `by` says what reads it.
    pub(crate) fn read(&mut self, path: &Path, by: &str) {
        if !is_device(path) {
            self.read.entry(identity(path)).or_insert_with(|| by.to_owned());
        }
    }

    /// Claims a file, and what is known to come with it, for writing; fails when that would destroy something or
    /// cannot work. Comes after all that is read.
    pub(crate) fn write(&mut self, path: &Path, by: &str) -> Result<(), Failure> {
        self.write_one(path, by)?;
        let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
        let companion = COMPANIONS.iter().find(|(main, _)| ending.as_deref().is_some_and(|it| it == *main));
        match companion {
            Some((_, more)) if !is_device(path) => {
                let mut name = path.as_os_str().to_owned();
                name.push(more);
                self.write_one(Path::new(&name), &format!("what comes with {by}"))
            }
            _ => Ok(()),
        }
    }

    /// Claims a single file, such as a report.
    pub(crate) fn write_one(&mut self, path: &Path, by: &str) -> Result<(), Failure> {
        check_writable(path)?;
        if is_device(path) {
            return Ok(());
        }
        let file = identity(path);
        if let Some(reader) = self.read.get(&file) {
            return Err(Failure::file(
                path,
                format!("{by} would overwrite what {reader} reads; write to another file"),
            ));
        }
        if let Some(other) = self.written.insert(file, by.to_owned()) {
            return Err(Failure::file(
                path,
                format!("would be written twice, by {other} and by {by}; give each a name of its own"),
            ));
        }
        Ok(())
    }
}

/// Fails when a file could not be written to `path`.
fn check_writable(path: &Path) -> Result<(), Failure> {
    if path.is_dir() || path.file_name().is_none() {
        return Err(Failure::file(path, "is a folder; name a file"));
    }
    if std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().readonly()) {
        return Err(Failure::file(path, "is write-protected; allow writing to it or choose another name"));
    }
    // What is missing of the way there is made when the results are written.
    for folder in folder_of(path).ancestors() {
        match std::fs::metadata(folder) {
            Ok(data) if data.is_dir() => break,
            Ok(_) => {
                return Err(Failure::file(folder, "is not a folder; the result cannot be written into it"));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            // Below a file: told when the file itself is reached.
            Err(error) if error.kind() == ErrorKind::NotADirectory => {}
            Err(error) => {
                return Err(Failure::file(folder, format!("{error}; choose another folder")));
            }
        }
    }
    Ok(())
}

/// Pipes and devices are written to, not replaced, and may take several files.
fn is_device(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|data| !data.is_file() && !data.is_dir())
}

/// One spelling for a file, whatever links and dots lead to it and whether it exists yet.
fn identity(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| match path.components().next_back() {
        Some(Component::Normal(name)) => identity(folder_of(path)).join(name),
        // Out of a folder that is still to be made.
        Some(Component::ParentDir) => {
            let mut folder = identity(folder_of(path));
            folder.pop();
            folder
        }
        _ => path.to_owned(),
    })
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file's name with something between its stem and its ending; names that are no Unicode stay what they are.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.file_stem().unwrap_or_default().to_owned();
    name.push(suffix);
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_is_known_by_all_its_spellings() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let mut claims = Claims::default();
        std::fs::write(folder.path().join("in.wav"), "").unwrap();
        claims.read(&folder.path().join("sub/../in.wav"), "the speech");
        assert!(claims.write(&folder.path().join("in.wav"), "out").is_err());
        claims.write(&folder.path().join("a.npy"), "a").unwrap();
        assert!(claims.write(&folder.path().join("sub/../a.npy"), "b").is_err());
        let beside = claims.write(&folder.path().join("a.npy.json"), "c");
        assert!(beside.unwrap_err().message().unwrap().contains("what comes with a"));
        claims.write(&folder.path().join("a.json"), "the report").unwrap();
        claims.write(&folder.path().join("new/deep/x.csv"), "x").unwrap();
        assert!(claims.write(&folder.path().join("sub/../new/./deep/../deep/x.csv"), "y").is_err());
        assert!(claims.write(&folder.path().join("in.wav/deep/x.csv"), "below a file").is_err());
        #[cfg(unix)]
        {
            std::fs::write(folder.path().join("real.csv"), "old").unwrap();
            std::os::unix::fs::symlink(folder.path().join("real.csv"), folder.path().join("link.csv"))
                .unwrap();
            claims.write(&folder.path().join("real.csv"), "d").unwrap();
            assert!(claims.write(&folder.path().join("link.csv"), "e").is_err(), "a link to the same file");
        }
    }

    #[test]
    fn suffixes_go_before_the_ending() {
        assert_eq!(with_suffix(Path::new("x/take.glb"), "-2"), Path::new("x/take-2.glb"));
        assert_eq!(with_suffix(Path::new("take"), "-2"), Path::new("take-2"));
    }
}
