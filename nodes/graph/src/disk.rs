//! Graph files on disk.

use crate::{
    Document, FileError, Loaded, MAX_FILE_BYTES, SaveError, Upgrades, parse_with, serialize, write_atomically,
};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why a graph file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The operating system does not give it.
    #[error("cannot read {}: {source}; check that the file exists and may be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It is not a graph that can be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<FileError>,
    },
}

/// Opens a graph file and upgrades its nodes.
///
/// # Errors
/// When it cannot be read, or is no graph file of this or an older format.
pub fn load(path: impl AsRef<Path>, upgrades: &Upgrades) -> Result<Loaded, LoadError> {
    let path = path.as_ref();
    let bytes = read(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    parse_with(&bytes, upgrades)
        .map_err(|source| LoadError::File { path: path.to_owned(), source: Box::new(source) })
}

/// Reads no more than it takes to see that a file is too large.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Saves a document, see [`write_atomically`].
///
/// # Errors
/// When the document holds what a file cannot, or as [`write_atomically`]; what was there before stays.
pub fn save(path: impl AsRef<Path>, document: &Document) -> Result<(), SaveError> {
    let path = path.as_ref();
    let text = serialize(document).map_err(|error| SaveError {
        path: path.to_owned(),
        reason: if error.path.is_empty() { error.what } else { format!("{} {}", error.path, error.what) },
        remedy: error.remedy,
        source: None,
    })?;
    write_atomically(path, text.as_bytes())
}
