//! Telling when a head does not follow all of a motion: `animate` asks for what the retargeting found.

use esarm_values::Value;

/// The output that `animate` adds to its graph for a head of one's own, and the port behind it.
pub(crate) const OUTPUT: &str = "head_mapping";
pub(crate) const PORT: &str = "retarget.report_json";

/// Shapes that a warning names; the report of `face.retarget` names all.
const MOST_NAMES: usize = 5;

/// One line about the shapes that move nothing on the head; `None` when all do.
pub(crate) fn warning(report: &Value) -> Option<String> {
    let Value::Text(json) = report else { return None };
    let report: serde_json::Value = serde_json::from_str(json).ok()?;
    let missing: Vec<&str> =
        report["unmapped_channels"].as_array()?.iter().filter_map(serde_json::Value::as_str).collect();
    if missing.is_empty() {
        return None;
    }
    if missing == ["tongueOut"] {
        // Most heads lack it, and speech hardly shows it: no reason to look at the names again.
        return Some("the head has no tongueOut; everything else is mapped".to_owned());
    }
    let count = missing.len() + report["mapped"].as_array()?.len();
    let named = missing[..missing.len().min(MOST_NAMES)].join(", ");
    let more = missing.len().saturating_sub(MOST_NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!(
        "{} of {count} shapes move nothing on the head: {named}{more}; its morph targets should be named after ARKit's",
        missing.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_moves_nothing_is_named() {
        let said = |unmapped: &[&str]| {
            let json = serde_json::json!({"mapped": [{}, {}], "unmapped_channels": unmapped});
            warning(&Value::Text(json.to_string().into()))
        };
        assert_eq!(said(&[]), None);
        let some = said(&["a", "b", "c", "d", "e", "f", "g"]).unwrap();
        assert!(
            some.starts_with("7 of 9 shapes move nothing on the head: a, b, c, d, e and 2 more"),
            "{some}"
        );
        assert!(said(&["jawOpen"]).unwrap().contains("jawOpen; its"));
        assert_eq!(said(&["tongueOut"]).unwrap(), "the head has no tongueOut; everything else is mapped");
    }
}
