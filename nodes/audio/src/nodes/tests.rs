//! Every node runs, and says what is wrong.

use super::*;
use esarm_engine::TimeWindow;
use esarm_graph::{Curve, CurveKey, Interpolation, ParameterValue};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Evaluates a node with its defaults, some other parameters and an audio input.
fn evaluate(
    type_id: &str,
    audio: Option<&Audio>,
    set: &[(&str, ParameterValue)],
    window: Option<TimeWindow>,
) -> Result<Outputs, NodeError> {
    let node = node_types().into_iter().find(|node| node.schema.type_id == type_id).unwrap();
    let defaults = node
        .schema
        .parameters
        .iter()
        .map(|parameter| (parameter.name.clone(), parameter.kind.default_value()));
    let mut parameters: BTreeMap<String, ParameterValue> = defaults.collect();
    for (name, value) in set {
        assert!(parameters.insert((*name).to_owned(), value.clone()).is_some(), "{type_id} has no {name}");
    }
    let inputs = audio.map(|audio| ("audio".to_owned(), vec![Value::Audio(Arc::new(audio.clone()))]));
    let context = NodeContext {
        parameters: &parameters,
        inputs: &inputs.into_iter().collect(),
        seed: 0,
        window,
        device: "cpu",
        base_folder: &fixtures(),
        cancelled: &AtomicBool::new(false),
        report_progress: &|_, _| {},
    };
    let outputs = (node.evaluate)(&context)?;
    let declared: Vec<&str> = node.schema.outputs.iter().map(|port| port.name.as_str()).collect();
    let mut given: Vec<&str> = outputs.keys().map(String::as_str).collect();
    given.sort_by_key(|name| declared.iter().position(|port| port == name));
    assert_eq!(given, declared, "{type_id}");
    Ok(outputs)
}

fn text(value: &str) -> ParameterValue {
    ParameterValue::Text(value.to_owned())
}

fn loaded(window: Option<TimeWindow>) -> Audio {
    let outputs = evaluate("audio.load", None, &[("file", text("tone.flac"))], window).unwrap();
    let Value::Audio(audio) = &outputs["audio"] else { panic!("{outputs:?}") };
    (**audio).clone()
}

#[test]
fn every_node_runs_with_its_defaults() {
    let audio = loaded(None);
    assert_eq!((audio.name.as_str(), audio.samples.len()), ("tone.flac", 4000));
    for node in node_types() {
        let schema = &node.schema;
        assert!(schema.type_id.starts_with("audio.") && schema.help.ends_with('.'), "{schema:?}");
        assert_eq!(node.fingerprint.is_some(), schema.purity == Purity::External, "{}", schema.type_id);
        if schema.type_id != "audio.load" {
            evaluate(&schema.type_id, Some(&audio), &[], None).unwrap();
        }
    }
}

#[test]
fn load_reads_the_window_that_is_asked_for() {
    let window = TimeWindow { start_secs: 0.1, end_secs: 0.15 };
    assert_eq!(loaded(Some(window)), loaded(None).window(1600, 2400));
    let beyond = TimeWindow { start_secs: 7.0, end_secs: 8.0 };
    assert_eq!(loaded(Some(beyond)), loaded(None).window(112_000, 128_000));
}

#[test]
fn load_names_the_parameter_and_the_file() {
    let error = evaluate("audio.load", None, &[("file", text("missing.wav"))], None).unwrap_err().to_string();
    assert!(error.contains("\"file\"") && error.contains("missing.wav"), "{error}");
    let error = evaluate("audio.load", None, &[], None).unwrap_err().to_string();
    assert!(error.contains("no file is set"), "{error}");
}

#[test]
fn gain_takes_a_curve() {
    let audio = loaded(None);
    let key = |time_secs, value| CurveKey { time_secs, value, interpolation: Interpolation::Linear };
    let curve = ParameterValue::Curve(Curve { keys: vec![key(0.0, 0.0), key(0.25, -20.0)] });
    let outputs = evaluate("audio.gain", Some(&audio), &[("gain_db", curve)], None).unwrap();
    let Value::Audio(faded) = &outputs["audio"] else { panic!("{outputs:?}") };
    let index = 2000;
    assert!((faded.samples[index] / audio.samples[index] - 10.0_f32.powf(-0.5)).abs() < 1e-4);
}

#[test]
fn settings_that_do_not_work_out_name_their_parameter() {
    let audio = loaded(None);
    let set = [("start_secs", ParameterValue::Number(9.0))];
    let error = evaluate("audio.trim", Some(&audio), &set, None).unwrap_err();
    assert!(matches!(&error, NodeError::Parameter { parameter, .. } if parameter == "start_secs"), "{error}");
}

#[test]
fn log_mel_speaks_of_its_own_parameters() {
    let audio = loaded(None);
    let number = ParameterValue::Number;
    let cases = [
        ("bands", vec![("bands", number(256.0)), ("window_secs", number(0.005))]),
        ("low_hz", vec![("low_hz", number(9000.0))]),
    ];
    for (name, set) in cases {
        let error = evaluate("audio.log_mel", Some(&audio), &set, None).unwrap_err();
        assert!(matches!(&error, NodeError::Parameter { parameter, .. } if parameter == name), "{error}");
        let text = error.to_string();
        assert!(!text.contains("mel_count") && !text.contains("fft_size"), "{text}");
    }
}
