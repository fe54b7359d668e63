//! USD text: structure and numbers. `usd-core` reads the same files in the conformance tests.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;

use common::{motion, rig};
use esarm_export::{ClipInfo, usda};
use esarm_values::FrameRate;

#[test]
fn every_weight_is_written_at_its_frame() {
    let motion = motion(FrameRate::whole(30), 12);
    let info = ClipInfo { audio_name: Some("a \"b\".wav".to_owned()), ..ClipInfo::default() };
    let (file, report) = usda::export(&rig(), &motion, &info).unwrap();
    let text = String::from_utf8(file.bytes).unwrap();
    assert!(text.contains("endTimeCode = 11") && text.contains("timeCodesPerSecond = 30"));
    assert!(text.contains(r#"string audio = "a \"b\".wav""#));
    let samples = text.split("blendShapeWeights.timeSamples = {").nth(1).unwrap();
    let columns = ["browInnerUp", "jawOpen", "mouthSmileLeft", "tongueOut"]
        .map(|name| motion.channel_index(name).unwrap());
    for (frame, line) in samples.lines().skip(1).take(12).enumerate() {
        let (time, values) = line.trim().trim_end_matches(',').split_once(": ").unwrap();
        assert_eq!(time, frame.to_string());
        let values: Vec<f32> =
            values.trim_matches(['[', ']']).split(", ").map(|value| value.parse().unwrap()).collect();
        assert_eq!(values, columns.map(|column| motion.frame(frame)[column]));
    }
    assert!(report.left_out.contains(&"jawLeft".to_owned()) && report.at_rest.is_empty());
    assert_eq!(text.matches('{').count(), text.matches('}').count());
}
