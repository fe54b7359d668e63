//! The performance layers as nodes.

use super::{
    ACCENT_REACH_SECS, BLINK_REACH_SECS, Blinks, CloseInSilence, Gaze, HEAD_REACH_SECS, HeadMotion,
    OneEuroSmoothing, PolynomialSmoothing, SILENCE_REACH_SECS, SettingError, add_blinks, add_gaze,
    add_head_motion, close_in_silence, smooth, smooth_one_euro,
};
use crate::nodes::device;
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_values::{Emotion, HEAD_CHANNELS, Track, Value};
use std::sync::Arc;

/// The parts of a face that smoothing can be limited to.
const REGIONS: [&str; 5] = ["everything", "mouth", "brows and cheeks", "eyes", "head"];
/// Longest window of the polynomial smoothing, in seconds.
const LONGEST_SMOOTHING_SECS: f64 = 0.5;

/// Every node type of the performance layers.
pub fn node_types() -> Vec<NodeType> {
    vec![
        NodeType::new(blinks_schema(), blinks),
        NodeType::new(gaze_schema(), gaze),
        NodeType::new(head_motion_schema(), head_motion),
        NodeType::new(close_in_silence_schema(), close_mouth),
        NodeType::new(smooth_schema(), smooth_polynomial).on_run_device(),
        NodeType::new(one_euro_schema(), smooth_adaptive).on_run_device(),
    ]
}

fn layer(type_id: &str, title: &str, help: &str, purity: Purity, support: TimeSupport) -> NodeSchema {
    NodeSchema::new(type_id, title, help, purity, support)
        .input("motion", PortType::Motion, "The motion to add to.")
        .output("motion", PortType::Motion, "The motion with the layer.")
}

fn around(reach_secs: f64) -> TimeSupport {
    TimeSupport::Window { before_secs: reach_secs, after_secs: reach_secs }
}

fn motion_output(motion: Track) -> Outputs {
    output("motion", Value::Motion(Arc::new(motion)))
}

fn optional_emotion<'a>(context: &'a NodeContext<'_>) -> Result<Option<&'a Emotion>, NodeError> {
    Ok(if context.has_input("emotion") { Some(context.emotion("emotion")?.as_ref()) } else { None })
}

fn optional_features<'a>(context: &'a NodeContext<'_>, port: &str) -> Result<Option<&'a Track>, NodeError> {
    Ok(if context.has_input(port) { Some(context.features(port)?.as_ref()) } else { None })
}

/// The error of a setting, whose name without its unit is the parameter's.
fn setting_error(error: SettingError) -> NodeError {
    NodeError::parameter(error.name.trim_end_matches("_secs").trim_end_matches("_per_min"), error)
}

fn blinks_schema() -> NodeSchema {
    let defaults = Blinks::default();
    let help =
        "Adds blinks at the intervals people keep, more of them in pauses, fewer in fear and surprise.";
    layer("sta.blinks", "Blinks", help, Purity::Seeded, around(BLINK_REACH_SECS))
        .optional_input("emotion", PortType::Emotion, "What the face feels; neutral when nothing is wired.")
        .optional_input("voice", PortType::Features, "Voice activity: blinks gather in pauses.")
        .parameter(
            "rate",
            ParameterKind::number(defaults.rate_per_min, 0.0, 60.0),
            "per min",
            "Blinks at rest.",
        )
        .parameter(
            "closure",
            ParameterKind::number(defaults.closure, 0.0, 1.0),
            "",
            "How far the lids close.",
        )
        .parameter(
            "slowness",
            ParameterKind::number(defaults.slowness, 0.5, 2.0),
            "",
            "Factor on the length of a blink.",
        )
}

fn blinks(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let settings = Blinks {
        rate_per_min: context.number("rate"),
        closure: context.number("closure"),
        slowness: context.number("slowness"),
    };
    let voice = optional_features(context, "voice")?;
    add_blinks(context.motion("motion")?, &settings, optional_emotion(context)?, voice, context.seed)
        .map(motion_output)
        .map_err(setting_error)
}

fn gaze_schema() -> NodeSchema {
    let defaults = Gaze::default();
    let help = "Adds fixations and saccades to the eyes, which stay on the listener while the head moves.";
    layer("sta.gaze", "Gaze", help, Purity::Seeded, TimeSupport::Pointwise)
        .optional_input("emotion", PortType::Emotion, "What the face feels; neutral when nothing is wired.")
        .parameter(
            "amount",
            ParameterKind::number(defaults.amount, 0.0, 3.0),
            "",
            "Factor on how far the eyes wander.",
        )
        .parameter(
            "stabilise",
            ParameterKind::number(defaults.stabilise, 0.0, 1.0),
            "",
            "How much of the head's turn the eyes undo; wire the head motion before this node.",
        )
}

fn gaze(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let settings = Gaze { amount: context.number("amount"), stabilise: context.number("stabilise") };
    add_gaze(context.motion("motion")?, &settings, optional_emotion(context)?, context.seed)
        .map(motion_output)
        .map_err(setting_error)
}

fn head_motion_schema() -> NodeSchema {
    let defaults = HeadMotion::default();
    let help = "Adds sway, nods on the accents of speech and the posture of emotions to the head.";
    layer(
        "sta.head_motion",
        "Head motion",
        help,
        Purity::Seeded,
        around(HEAD_REACH_SECS.max(ACCENT_REACH_SECS)),
    )
    .optional_input("emotion", PortType::Emotion, "What the face feels; neutral when nothing is wired.")
    .optional_input(
        "prosody",
        PortType::Features,
        "Prosody with `energy_db` and `f0_hz`: the head nods on accents.",
    )
    .parameter("sway", ParameterKind::number(defaults.sway, 0.0, 3.0), "", "Factor on the slow sway.")
    .parameter("nods", ParameterKind::number(defaults.nods, 0.0, 3.0), "", "Factor on nods.")
    .parameter(
        "posture",
        ParameterKind::number(defaults.posture, 0.0, 2.0),
        "",
        "Factor on the posture of emotions.",
    )
}

fn head_motion(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let settings = HeadMotion {
        sway: context.number("sway"),
        nods: context.number("nods"),
        posture: context.number("posture"),
    };
    let prosody = optional_features(context, "prosody")?;
    add_head_motion(context.motion("motion")?, &settings, optional_emotion(context)?, prosody, context.seed)
        .map(motion_output)
        .map_err(setting_error)
}

fn close_in_silence_schema() -> NodeSchema {
    let defaults = CloseInSilence::default();
    let help = "Closes the mouth where nobody speaks; corners, brows and cheeks keep their expression.";
    layer("sta.close_in_silence", "Close in silence", help, Purity::Pure, around(SILENCE_REACH_SECS))
        .input("voice", PortType::Features, "Voice activity: the first channel is above a half in speech.")
        .parameter(
            "attack",
            ParameterKind::number(defaults.attack_secs, 0.0, 1.0),
            "s",
            "Time before speech in which the mouth may open.",
        )
        .parameter(
            "release",
            ParameterKind::number(defaults.release_secs, 0.0, 1.0),
            "s",
            "Time after speech in which the mouth closes.",
        )
        .parameter(
            "shortest_pause",
            ParameterKind::number(defaults.shortest_pause_secs, 0.0, 1.0),
            "s",
            "Pauses shorter than this leave the mouth alone.",
        )
        .parameter(
            "strength",
            ParameterKind::number(defaults.strength, 0.0, 1.0),
            "",
            "How far the mouth closes.",
        )
}

fn close_mouth(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let settings = CloseInSilence {
        attack_secs: context.number("attack"),
        release_secs: context.number("release"),
        shortest_pause_secs: context.number("shortest_pause"),
        strength: context.number("strength"),
    };
    close_in_silence(context.motion("motion")?, context.features("voice")?, &settings)
        .map(motion_output)
        .map_err(setting_error)
}

fn smooth_schema() -> NodeSchema {
    let help = "Smooths a motion by the polynomial that fits the frames around each best (Savitzky-Golay).";
    layer("sta.smooth", "Smooth", help, Purity::Pure, around(LONGEST_SMOOTHING_SECS))
        .parameter(
            "window",
            ParameterKind::number(0.1, 0.0, LONGEST_SMOOTHING_SECS),
            "s",
            "How long a stretch the polynomial fits; longer is smoother.",
        )
        .parameter(
            "order",
            ParameterKind::integer(2, 0, 5),
            "",
            "Degree of the polynomial; higher keeps more detail.",
        )
        .parameter("region", ParameterKind::choice(REGIONS[0], &REGIONS), "", "Which part of the face.")
}

fn smooth_polynomial(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let order = usize::try_from(context.integer("order")).unwrap_or_default();
    let settings = PolynomialSmoothing { window_secs: context.number("window"), order };
    let region = context.text("region");
    smooth(context.motion("motion")?, &settings, |name| in_region(name, region), &device(context)?)
        .map(motion_output)
        .map_err(NodeError::failed)
}

fn one_euro_schema() -> NodeSchema {
    let help = "Smooths a motion at rest and follows it when it moves fast (one-euro filter).";
    layer("sta.smooth_one_euro", "Smooth (one-euro)", help, Purity::Pure, TimeSupport::Whole)
        .parameter(
            "min_cutoff",
            ParameterKind::number(3.0, 0.05, 60.0),
            "Hz",
            "Cutoff at rest; lower is calmer.",
        )
        .parameter(
            "beta",
            ParameterKind::number(1.0, 0.0, 20.0),
            "",
            "Rise of the cutoff with speed; higher lags less.",
        )
        .parameter("region", ParameterKind::choice(REGIONS[0], &REGIONS), "", "Which part of the face.")
}

fn smooth_adaptive(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let settings =
        OneEuroSmoothing { min_cutoff_hz: context.number("min_cutoff"), beta: context.number("beta") };
    let region = context.text("region");
    smooth_one_euro(context.motion("motion")?, &settings, |name| in_region(name, region), &device(context)?)
        .map(motion_output)
        .map_err(NodeError::failed)
}

/// Whether a channel belongs to a part of the face, by the start of its name.
fn in_region(name: &str, region: &str) -> bool {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let is_rotation = HEAD_CHANNELS.contains(&name);
    match region {
        "mouth" => starts(&["mouth", "jaw", "tongue"]),
        "brows and cheeks" => starts(&["brow", "cheek", "nose"]),
        "eyes" => starts(&["eye"]) || is_rotation && !starts(&["head"]),
        "head" => starts(&["head"]),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{channel, still};
    use super::*;
    use esarm_graph::ParameterValue;

    fn run(
        type_id: &str,
        parameters: &[(&str, ParameterValue)],
        inputs: &[(&str, Value)],
    ) -> Result<Track, NodeError> {
        let node = node_types().into_iter().find(|node| node.schema.type_id == type_id).unwrap();
        let outputs = node.call(parameters, inputs)?;
        match &outputs["motion"] {
            Value::Motion(motion) => Ok(motion.as_ref().clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_layer_runs_on_its_defaults() {
        let motion = || Value::Motion(Arc::new(still(30, 20.0)));
        let rate = esarm_values::FrameRate::whole(100);
        let voice = Track::new(rate, vec!["speech".to_owned()], vec![0.0; 2000]).unwrap();
        for node in node_types() {
            let schema = &node.schema;
            let mut inputs = vec![("motion", motion())];
            if schema.find_input("voice").is_some() {
                inputs.push(("voice", Value::Features(Arc::new(voice.clone()))));
            }
            let moved = run(&schema.type_id, &[], &inputs).unwrap();
            assert_eq!(moved.frame_count(), 600, "{}", schema.type_id);
            assert!(schema.type_id.starts_with("sta.") && schema.help.ends_with('.'));
        }
    }

    #[test]
    fn parameters_reach_the_layers() {
        let motion = [("motion", Value::Motion(Arc::new(still(60, 60.0))))];
        let never = run("sta.blinks", &[("rate", ParameterValue::Number(0.0))], &motion).unwrap();
        assert!(channel(&never, "eyeBlinkLeft").iter().all(|weight| *weight == 0.0));
        let often = run("sta.blinks", &[("rate", ParameterValue::Number(60.0))], &motion).unwrap();
        assert!(channel(&often, "eyeBlinkLeft").iter().any(|weight| *weight > 0.9));
    }

    #[test]
    fn regions_part_the_channels() {
        for name in esarm_values::MOTION_CHANNELS {
            let parts = REGIONS[1..].iter().filter(|region| in_region(name, region)).count();
            assert_eq!(parts, 1, "{name}");
            assert!(in_region(name, "everything"));
        }
    }
}
