//! Pieces of USD text.

use std::fmt::Write as _;

/// A prim or property name: letters, digits and underscores, not beginning with a digit.
pub(super) fn identifier(name: &str) -> String {
    let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    let mut text: String = name.chars().map(plain).collect();
    if text.is_empty() || text.starts_with(|first: char| first.is_ascii_digit()) {
        text.insert(0, '_');
    }
    text
}

/// Identifiers of siblings: names that fall together are numbered.
pub(super) fn identifiers<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = std::collections::BTreeSet::new();
    names
        .map(|name| {
            let first = identifier(name);
            let numbered = (2..).map(|number| format!("{first}_{number}"));
            let free = std::iter::once(first.clone()).chain(numbered).find(|text| !taken.contains(text));
            let text = free.unwrap_or(first);
            taken.insert(text.clone());
            text
        })
        .collect()
}

/// A string or token.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// `[a, b, c]`.
pub(super) fn numbers<T: std::fmt::Display>(out: &mut String, values: &[T]) {
    out.push('[');
    for (index, value) in values.iter().enumerate() {
        let _ = write!(out, "{}{value}", if index == 0 { "" } else { ", " });
    }
    out.push(']');
}

/// `(x, y, z)`.
pub(super) fn vector(out: &mut String, [x, y, z]: [f32; 3]) {
    let _ = write!(out, "({x}, {y}, {z})");
}

/// `[(x, y, z), ...]`.
pub(super) fn vectors(out: &mut String, values: &[[f32; 3]]) {
    out.push('[');
    for (index, value) in values.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        vector(out, *value);
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_distinct_identifiers() {
        let names = ["Eye Blink.L", "Eye_Blink_L", "2nd", "", "Brauenhöhe"];
        let texts = identifiers(names.into_iter());
        assert_eq!(texts, ["Eye_Blink_L", "Eye_Blink_L_2", "_2nd", "_", "Brauenh_he"]);
    }

    #[test]
    fn quotes_are_escaped() {
        assert_eq!(quoted("a \"b\" \\ c\nd"), r#""a \"b\" \\ c\nd""#);
    }
}
