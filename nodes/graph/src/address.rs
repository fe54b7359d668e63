//! Names and addresses: which node, which port, which parameter.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// Longest id or name, in bytes.
pub const MAX_NAME_LENGTH: usize = 100;

/// Id of a node, unique in its graph: ASCII letters, digits, `_` and `-`.
///
/// In a flattened graph the id of a node inside a group starts with the ids of the instances around it: `outer/inner`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(String);

/// Text that is no name, or no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A name with a character that names cannot have, an empty one, or one that is too long.
    #[error(
        "{0:?} cannot be a name; a name has 1 to {MAX_NAME_LENGTH} of the characters a-z, A-Z, 0-9, \"_\" and \"-\""
    )]
    Name(String),
    /// An address without a dot, or with nothing on one side of it.
    #[error("{0:?} is no address; write the node's id, a dot and the name, as in \"load.audio\"")]
    Address(String),
}

/// Whether a text can name a node, a group, or an exposed input, output or parameter.
pub fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_NAME_LENGTH).contains(&text.len()) && text.bytes().all(allowed)
}

impl NodeId {
    /// An id of these characters.
    ///
    /// # Errors
    /// When `text` is no name, see [`is_name`].
    pub fn new(text: &str) -> Result<Self, AddressError> {
        if is_name(text) { Ok(Self(text.to_owned())) } else { Err(AddressError::Name(shortened(text))) }
    }

    /// Id of the node `inner` inside the group instance `self`, in a flattened graph.
    #[must_use]
    pub fn inside(&self, inner: &Self) -> Self {
        Self(format!("{}/{}", self.0, inner.0))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Borrow<str> for NodeId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeId {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::new(text)
    }
}

/// A port of a node, written `node.port`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortAddress {
    /// The node.
    pub node: NodeId,
    /// Name of the port.
    pub port: String,
}

/// A parameter of a node, written `node.parameter`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterAddress {
    /// The node.
    pub node: NodeId,
    /// Name of the parameter.
    pub parameter: String,
}

impl fmt::Display for PortAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.node, self.port)
    }
}

impl fmt::Display for ParameterAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.node, self.parameter)
    }
}

impl FromStr for PortAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        split(text).map(|(node, port)| Self { node, port })
    }
}

impl FromStr for ParameterAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        split(text).map(|(node, parameter)| Self { node, parameter })
    }
}

/// Splits at the first dot: an id has none, a port of a plugin may.
fn split(text: &str) -> Result<(NodeId, String), AddressError> {
    match text.split_once('.') {
        Some((node, name)) if !name.is_empty() => Ok((NodeId::new(node)?, name.to_owned())),
        _ => Err(AddressError::Address(shortened(text))),
    }
}

/// The text itself or its beginning: a message must stay readable whatever a file holds.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_letters_digits_underscores_and_hyphens() {
        assert!(["a", "A_1-b", "0", &"x".repeat(MAX_NAME_LENGTH)].into_iter().all(is_name));
        assert!(!["", "a.b", "a b", "é", "a/b", &"x".repeat(MAX_NAME_LENGTH + 1)].into_iter().any(is_name));
    }

    #[test]
    fn an_address_splits_at_the_first_dot() {
        let address: PortAddress = "load.audio.left".parse().unwrap();
        assert_eq!((address.node.as_str(), address.port.as_str()), ("load", "audio.left"));
        assert_eq!(address.to_string(), "load.audio.left");
        for wrong in ["load", "load.", ".audio", "", "lo ad.audio"] {
            assert!(wrong.parse::<PortAddress>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_long_text_is_shortened_at_a_character() {
        assert_eq!(shortened(&"é".repeat(100)).chars().count(), 63);
        assert_eq!(shortened("short"), "short");
    }
}
