//! Parameters set in words.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{chain, schemas};
use esarm_graph::{
    Curve, CurveKey, Document, EmotionKey, Interpolation, ParameterValue, set_input, set_parameter,
};
use std::collections::BTreeMap;

fn graph() -> Document {
    let graph = chain()
        .with_node("gain", "audio.gain", 1)
        .with_wire("load.audio", "gain.audio")
        .with_node("mood", "emotion.keys", 1)
        .with_node("odd", "plugin.gone", 1);
    let inputs = BTreeMap::from([("speech".to_owned(), "load.file".parse().unwrap())]);
    Document { graph, inputs, ..Document::default() }
}

fn set(address: &str, text: &str) -> ParameterValue {
    let mut document = graph();
    set_parameter(&mut document, address, text, &schemas()).unwrap_or_else(|error| panic!("{error}"));
    let (node, name) = address.split_once('.').unwrap();
    document.graph.nodes[node].parameters[name].clone()
}

fn error(address: &str, text: &str) -> String {
    let mut document = graph();
    let error = set_parameter(&mut document, address, text, &schemas()).unwrap_err().to_string();
    assert_eq!(document, graph(), "unchanged");
    error
}

#[test]
fn every_kind_is_read() {
    assert_eq!(set("generate.fps", "29.97"), ParameterValue::Number(29.97));
    assert_eq!(set("generate.fps", "30 fps"), ParameterValue::Number(30.0));
    assert_eq!(set("generate.takes", "8"), ParameterValue::Number(8.0));
    assert_eq!(set("shape.mirror", "on"), ParameterValue::Toggle(true));
    assert_eq!(set("shape.mirror", "False"), ParameterValue::Toggle(false));
    assert_eq!(set("export.layout", "facs"), ParameterValue::Text("facs".to_owned()));
    assert_eq!(set("export.name", "a=b, c:d"), ParameterValue::Text("a=b, c:d".to_owned()));
    assert_eq!(set("load.file", "../a b.wav"), ParameterValue::Text("../a b.wav".to_owned()));
    let gains = BTreeMap::from([("jawOpen".to_owned(), 1.2), ("mouthPucker".to_owned(), 0.8)]);
    assert_eq!(set("shape.gains", "jawOpen=1.2, mouthPucker=0.8"), ParameterValue::Map(gains));
    assert_eq!(set("shape.gains", ""), ParameterValue::Map(BTreeMap::new()));
}

#[test]
fn curves_and_keyframes_are_read() {
    let key = |time_secs, value, interpolation| CurveKey { time_secs, value, interpolation };
    let keys = vec![key(0.0, 0.2, Interpolation::Hold), key(1.5, -12.0, Interpolation::Smooth)];
    assert_eq!(set("gain.gain_db", "0:0.2:hold,1.5s:-12"), ParameterValue::Curve(Curve { keys }));
    let key = |time_secs, emotion: &str, intensity, interpolation| EmotionKey {
        time_secs,
        emotion: emotion.to_owned(),
        intensity,
        interpolation,
    };
    let emotion_keys = vec![
        key(0.0, "happy", 0.8, Interpolation::Smooth),
        key(2.0, "sad", 1.0, Interpolation::Smooth),
        key(3.0, "fear", 1.0, Interpolation::Hold),
        key(4.0, "angry", 0.5, Interpolation::Linear),
    ];
    let text = "0:happy:0.8, 2:sad, 3:fear:hold, 4:angry:0.5:linear";
    assert_eq!(set("mood.keys", text), ParameterValue::EmotionKeys { emotion_keys });
}

#[test]
fn errors_say_what_is_allowed() {
    let cases = [
        ("fps", "30", "\"fps\" is no address; write the node's id, a dot and the name"),
        (
            "generat.fps",
            "30",
            "node \"generat\": \"generat.fps\" leads to this node, which does not exist; did you mean \"generate\"?",
        ),
        (
            "generate.fsp",
            "30",
            "parameter \"fsp\": \"sta.generate\" has no such parameter; did you mean \"fps\"?",
        ),
        (
            "generate.fps",
            "fast",
            "parameter \"fps\": \"fast\" cannot be read; takes a number from 1 to 240 fps; write it as a number such as 60",
        ),
        (
            "generate.fps",
            "0",
            "0 is out of range; takes a number from 1 to 240 fps; the nearest allowed value is 1",
        ),
        ("generate.fps", "nan", "NaN is not a finite number"),
        ("generate.fps", "0:30", "is a curve, and this parameter does not change over time"),
        ("generate.takes", "two", "takes a whole number from 1 to 64"),
        ("generate.takes", "1.5", "1.5 is not a whole number"),
        ("shape.mirror", "maybe", "write it as true or false"),
        ("export.layout", "ARKit", "takes one of arkit, facs, viseme; did you mean \"arkit\"?"),
        ("shape.gains", "jawOpen", "write it as name=number,name=number"),
        ("shape.gains", "a=1,a=2", "cannot be read"),
        ("shape.gains", "a=1,", "cannot be read"),
        ("gain.gain_db", "0:1:2:3", "seconds:value"),
        ("gain.gain_db", "1:0,0:0", "the key at 0 s comes after the key at 1 s"),
        ("mood.keys", "0:joy:1", "\"joy\" is no known emotion; takes one of neutral, happy"),
        ("mood.keys", "happy", "seconds:emotion:intensity"),
        ("odd.x", "1", "node type \"plugin.gone\" is not known"),
    ];
    for (address, text, message) in cases {
        let error = error(address, text);
        assert!(error.contains(message), "{error}\nshould say {message}");
    }
}

#[test]
fn a_named_input_stands_for_its_parameter() {
    let mut document = graph();
    set_input(&mut document, "speech", "a.wav", &schemas()).unwrap();
    assert_eq!(document.graph.nodes["load"].parameters["file"], ParameterValue::Text("a.wav".to_owned()));
    let error = set_input(&mut document, "voice", "a.wav", &schemas()).unwrap_err().to_string();
    assert!(error.contains("input \"voice\": the graph has no such input; there is \"speech\""), "{error}");
}
