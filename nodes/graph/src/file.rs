//! The `.esarm` file: JSON that stays the same line by line where the document stays the same.
//!
//! Members and nodes are sorted, a node is a block of lines, numbers are as short as they can be, and what this version
//! does not know is kept. Reading never trusts the file: its size, depth and number of values are limited.

mod error;
mod format;
mod json;
mod pretty;
mod read;
mod value;
mod write;

pub use error::{FileError, FileErrorKind};
pub(crate) use format::{DOCUMENT_MEMBERS, GROUP_MEMBERS, NODE_MEMBERS};

use crate::Document;
use crate::upgrade::{Upgraded, Upgrades, upgrade};
use serde_json::{Map, Value};

/// What the member `format` of a graph file holds.
pub const FORMAT: &str = "esarm-graph";
/// The version of the file format that this program writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;
/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 32 << 20;

/// A document that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The document.
    pub document: Document,
    /// Nodes that were brought up to date, or could not be.
    pub upgraded: Vec<Upgraded>,
}

/// Reads a document as it stands in a file, its nodes in the versions that they were saved in.
///
/// # Errors
/// When the bytes are no graph file, or one of a newer format.
pub fn parse(bytes: &[u8]) -> Result<Document, FileError> {
    parse_with(bytes, &Upgrades::new()).map(|loaded| loaded.document)
}

/// Reads a document from a file and upgrades its nodes.
///
/// # Errors
/// When the bytes are no graph file, or one of a newer format.
pub fn parse_with(bytes: &[u8], upgrades: &Upgrades) -> Result<Loaded, FileError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(FileError::too_large(bytes.len()));
    }
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if !matches!(bytes.trim_ascii_start().first(), None | Some(b'{' | b'[' | b'0'..=b'9')) {
        return Err(FileError::no_json());
    }
    let Value::Object(mut json) = json::read(bytes)? else { return Err(FileError::not_a_graph()) };
    check_header(&json)?;
    let upgraded = upgrade(&mut json, upgrades);
    let document = read::document(json).map_err(|error| error.located(bytes))?;
    Ok(Loaded { document, upgraded })
}

fn check_header(json: &Map<String, Value>) -> Result<(), FileError> {
    if json.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(FileError::not_a_graph());
    }
    match json.get("version").and_then(Value::as_u64) {
        Some(version) if version == u64::from(FORMAT_VERSION) => Ok(()),
        Some(version) if version > u64::from(FORMAT_VERSION) => Err(FileError::newer(version)),
        _ => Err(FileError::bad_version()),
    }
}

/// The text of a document's file. The same document always gives the same text.
///
/// # Errors
/// When a number is infinite or not a number, which JSON cannot hold, or when the file would be too large to be read
/// again.
pub fn serialize(document: &Document) -> Result<String, FileError> {
    let text = pretty::document(&write::document(document)?);
    json::read(text.as_bytes())?;
    if text.len() > MAX_FILE_BYTES {
        return Err(FileError::too_large(text.len()));
    }
    Ok(text)
}
