//! Reads JSON from a file that is not trusted: limited in depth and number of values, without members of the same
//! name, and with the path of what is wrong.

use super::error::{FileError, FileErrorKind};
use crate::address::shortened;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Deepest nesting.
const MAX_DEPTH: usize = 64;
/// Most values in a file.
const MAX_VALUES: usize = 1_000_000;

/// Reads the JSON text of a file.
pub(super) fn read(bytes: &[u8]) -> Result<Value, FileError> {
    let mut reader = Reader { path: Vec::new(), left: MAX_VALUES, target: None };
    reader.read(bytes).map_err(|error| {
        let remedy = "correct the text at this place, or take the file from a backup";
        let kind = if reader.within_limits() { FileErrorKind::Syntax } else { FileErrorKind::TooLarge };
        let position = (error.line() > 0).then_some((error.line(), error.column()));
        let path = written(&reader.path);
        FileError { position, ..FileError::new(kind, without_position(&error), remedy).at_path(path) }
    })
}

/// Line and column of the value at a path, as [`written`] gives it.
pub(super) fn locate(bytes: &[u8], path: &str) -> Option<(usize, usize)> {
    let mut reader = Reader { path: Vec::new(), left: MAX_VALUES, target: Some(path) };
    let error = reader.read(bytes).err()?;
    (error.line() > 0).then_some((error.line(), error.column()))
}

/// `serde_json` ends its messages with the position, which is given apart.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned()
}

enum Step {
    Member(String),
    Item(usize),
}

fn written(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Member(name) if text.is_empty() => text.push_str(&shortened(name)),
            Step::Member(name) => text.extend([".", &shortened(name)]),
            Step::Item(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

struct Reader<'a> {
    /// Path of the value that is being read; after an error, of the value that is wrong.
    path: Vec<Step>,
    left: usize,
    /// Stops with an error at the value of this path.
    target: Option<&'a str>,
}

impl Reader<'_> {
    fn read(&mut self, bytes: &[u8]) -> Result<Value, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let value = Seed(self).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }

    fn within_limits(&self) -> bool {
        self.left > 0 && self.path.len() <= MAX_DEPTH
    }

    fn enter<E: Error>(&mut self) -> Result<(), E> {
        if self.path.len() > MAX_DEPTH {
            return Err(E::custom(format_args!("is nested deeper than {MAX_DEPTH} levels")));
        }
        if self.left == 0 {
            return Err(E::custom(format_args!("the file holds more than {MAX_VALUES} values")));
        }
        self.left -= 1;
        match self.target {
            Some(target) if written(&self.path) == target => Err(E::custom("here")),
            _ => Ok(()),
        }
    }
}

struct Seed<'r, 'a>(&'r mut Reader<'a>);

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.0.enter()?;
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.0.enter()?;
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.0.enter()?;
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.0.enter()?;
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.0.enter()?;
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("is not a finite number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.0.enter()?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.0.enter()?;
        let mut items = Vec::new();
        loop {
            self.0.path.push(Step::Item(items.len()));
            let Some(item) = access.next_element_seed(Seed(self.0))? else { break };
            items.push(item);
            self.0.path.pop();
        }
        self.0.path.pop();
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.0.enter()?;
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            self.0.path.push(Step::Member(name.clone()));
            if members.contains_key(&name) {
                return Err(A::Error::custom("is there twice"));
            }
            let value = access.next_value_seed(Seed(self.0))?;
            members.insert(name, value);
            self.0.path.pop();
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn errors_have_place_and_path() {
        let broken = message("{\n  \"a\": [1, {\"b\": tru}]\n}");
        assert!(
            broken.starts_with("line 2, column 2") && broken.contains(": a[1].b: expected ident"),
            "{broken}"
        );
        assert!(message("{\"a\": 1, \"a\": 2}").contains("a: is there twice"));
        assert!(message("").contains("EOF while parsing a value"));
        assert!(message("{} x").contains("trailing characters"));
        assert!(message("[1e999]").contains("number out of range"));
        assert!(message("[\"\\ud800\"]").contains("[0]: "));
    }

    #[test]
    fn depth_and_count_are_limited() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(read(nested(MAX_DEPTH + 2).as_bytes()).unwrap_err().kind, FileErrorKind::TooLarge);
        assert_eq!(read(nested(1_000_000).as_bytes()).unwrap_err().kind, FileErrorKind::TooLarge);
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert_eq!(read(many.as_bytes()).unwrap_err().kind, FileErrorKind::TooLarge);
    }

    #[test]
    fn a_path_is_found_again() {
        let text = "{\n  \"a\": [\n    1,\n    {\"b\": true}\n  ],\n  \"c\": 2\n}";
        let line = |path: &str| locate(text.as_bytes(), path).map(|(line, _)| line);
        assert_eq!(line("a[0]"), Some(3));
        assert_eq!(line("a[1].b"), Some(4));
        assert_eq!(line("c"), Some(6));
        assert_eq!(line("d"), None);
    }
}
