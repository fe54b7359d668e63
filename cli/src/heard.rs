//! Telling what was heard in the voice when the emotion follows it: `animate` asks its graph for it.

use esarm_graph::{Document, PortAddress};
use esarm_values::Value;
use serde_json::{Map, Value as Json, json};

/// The output that `animate` adds to its graph, and the node behind it.
pub(crate) const OUTPUT: &str = "heard";
const NODE: &str = "heard";

/// The likeliest emotion is named as unsure below this probability.
const SURE: f64 = 0.7;
/// Emotions below this probability are not named.
const LEAST: f64 = 0.1;
/// At most as many are named.
const MOST_NAMES: usize = 3;

/// Adds what tells the emotion heard in the audio of a port.
pub(crate) fn add_to(document: &mut Document, audio: &str) -> Result<(), crate::failure::Failure> {
    let graph = std::mem::take(&mut document.graph);
    let graph = graph.with_node(NODE, "emotion.voice_report", 1);
    document.graph = graph.with_wire(audio, &format!("{NODE}.audio"));
    let port = format!("{NODE}.probabilities").parse::<PortAddress>();
    document.outputs.insert(OUTPUT.to_owned(), port.map_err(crate::failure::Failure::input)?);
    Ok(())
}

/// One line for people, and the facts for machines; `None` when the value is no report.
pub(crate) fn told(report: &Value, speech: &str) -> Option<(String, Json)> {
    let Value::Text(text) = report else { return None };
    let probabilities: Map<String, Json> = serde_json::from_str(text).ok()?;
    let facts = json!({"file": speech, "voice_emotion": probabilities});
    Some((words(&probabilities), facts))
}

fn words(probabilities: &Map<String, Json>) -> String {
    let mut heard: Vec<(&str, f64)> =
        probabilities.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_f64()?))).collect();
    heard.sort_by(|a, b| b.1.total_cmp(&a.1));
    let Some(&(likeliest, probability)) = heard.first() else {
        return "heard: no voice, so the face stays neutral".to_owned();
    };
    let named = heard.iter().filter(|(_, probability)| *probability >= LEAST).take(MOST_NAMES);
    let named: Vec<String> = named.map(|(name, probability)| format!("{name} {probability:.2}")).collect();
    let mut remarks = Vec::new();
    if likeliest == "boredom" {
        remarks.push("shown as mostly neutral, a little sad");
    }
    if probability < SURE {
        remarks.push("unsure, so shown milder; choose with --emotion");
    }
    let remarks = if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join("; ")) };
    format!("heard: {}{remarks}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_come_first_and_doubt_is_said() {
        let said = |json: Json| told(&Value::Text(json.to_string().into()), "a.wav").unwrap().0;
        assert_eq!(
            said(json!({"boredom": 0.23, "disgust": 0.49, "fear": 0.05, "sad": 0.02})),
            "heard: disgust 0.49, boredom 0.23 (unsure, so shown milder; choose with --emotion)"
        );
        assert_eq!(said(json!({"angry": 0.95, "happy": 0.05})), "heard: angry 0.95");
        assert_eq!(
            said(json!({"boredom": 0.9, "sad": 0.1})),
            "heard: boredom 0.90, sad 0.10 (shown as mostly neutral, a little sad)"
        );
        assert!(said(json!({})).contains("no voice"));
        assert!(told(&Value::Number(1.0), "a.wav").is_none());
    }
}
