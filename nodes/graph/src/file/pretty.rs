//! JSON text that suits version control: sorted members, two spaces a level, one thing a line.
//!
//! What belongs together stays on a line: an array of up to four numbers (a position) and an object of plain values
//! inside an array (a wire, a key of a curve).

use serde_json::{Map, Value};

const INDENT: &str = "  ";
/// Members of the document that come first, so that a reader sees at once what the file is.
const HEAD: [&str; 2] = ["format", "version"];
const MOST_NUMBERS_ON_A_LINE: usize = 4;

/// The text of a document's JSON, ending with a line break.
pub(super) fn document(json: &Map<String, Value>) -> String {
    let mut members = sorted(json);
    members.sort_by_key(|(name, _)| HEAD.iter().position(|head| head == name).unwrap_or(HEAD.len()));
    let mut text = String::new();
    write_members(&mut text, &members, 0);
    text.push('\n');
    text
}

/// Members by name, whatever order the map keeps.
fn sorted(members: &Map<String, Value>) -> Vec<(&str, &Value)> {
    let mut members: Vec<(&str, &Value)> =
        members.iter().map(|(name, value)| (name.as_str(), value)).collect();
    members.sort_by_key(|(name, _)| *name);
    members
}

fn write(text: &mut String, value: &Value, level: usize, in_array: bool) {
    match value {
        Value::Array(items) if items.is_empty() => text.push_str("[]"),
        Value::Array(items)
            if items.len() <= MOST_NUMBERS_ON_A_LINE && items.iter().all(Value::is_number) =>
        {
            text.push('[');
            separated(text, items, |text| text.push_str(", "), |text, item| write(text, item, 0, true));
            text.push(']');
        }
        Value::Array(items) => {
            text.push('[');
            line(text, level + 1);
            let next = |text: &mut String| {
                text.push(',');
                line(text, level + 1);
            };
            separated(text, items, next, |text, item| write(text, item, level + 1, true));
            line(text, level);
            text.push(']');
        }
        Value::Object(members) if members.is_empty() => text.push_str("{}"),
        Value::Object(members) if in_array && members.values().all(is_plain) => {
            text.push('{');
            separated(
                text,
                &sorted(members),
                |text| text.push_str(", "),
                |text, (name, value)| {
                    write_member(text, name, value, 0);
                },
            );
            text.push('}');
        }
        Value::Object(members) => write_members(text, &sorted(members), level),
        plain => text.push_str(&plain.to_string()),
    }
}

fn write_members(text: &mut String, members: &[(&str, &Value)], level: usize) {
    text.push('{');
    line(text, level + 1);
    let next = |text: &mut String| {
        text.push(',');
        line(text, level + 1);
    };
    separated(text, members, next, |text, (name, value)| write_member(text, name, value, level + 1));
    line(text, level);
    text.push('}');
}

fn write_member(text: &mut String, name: &str, value: &Value, level: usize) {
    text.push_str(&Value::from(name).to_string());
    text.push_str(": ");
    write(text, value, level, false);
}

fn separated<T>(
    text: &mut String,
    items: &[T],
    between: impl Fn(&mut String),
    mut write_item: impl FnMut(&mut String, &T),
) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            between(text);
        }
        write_item(text, item);
    }
}

fn line(text: &mut String, level: usize) {
    text.push('\n');
    (0..level).for_each(|_| text.push_str(INDENT));
}

fn is_plain(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_belongs_together_is_on_a_line() {
        let json = json!({
            "wires": [{"to": "b.x", "from": "a.y"}], "version": 1, "format": "f", "a": {"p": [1, 2.5], "e": [], "o": {}},
            "list": ["x", "y"], "many": [1, 2, 3, 4, 5]
        });
        let expected = r#"{
  "format": "f",
  "version": 1,
  "a": {
    "e": [],
    "o": {},
    "p": [1, 2.5]
  },
  "list": [
    "x",
    "y"
  ],
  "many": [
    1,
    2,
    3,
    4,
    5
  ],
  "wires": [
    {"from": "a.y", "to": "b.x"}
  ]
}
"#;
        assert_eq!(document(json.as_object().unwrap()), expected);
    }
}
