//! The nodes of this crate.

use crate::sphere::{DEFAULT_SHARPNESS, PathKey, Point, path};
use crate::voice::{OverTime, VoiceEmotion, VoiceError};
use crate::{Adjustment, CURVE_RATE, EmotionError, MAX_TRANSITION_SECS};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{Curve, Interpolation, NodeSchema, ParameterKind, PortType, Purity, Range, TimeSupport};
use esarm_kernels::devices::Device;
use esarm_values::{EMOTIONS, Emotion, Value};
use std::sync::Arc;

/// The inputs of a mix.
const MIX_INPUTS: [&str; 4] = ["a", "b", "c", "d"];
/// The parameters that weigh them.
const MIX_WEIGHTS: [&str; 4] = ["weight_a", "weight_b", "weight_c", "weight_d"];
/// The axes of the sphere.
const AXES: [&str; 3] = ["arousal", "valence", "dominance"];

/// Every node type of this crate.
pub fn node_types() -> Vec<NodeType> {
    vec![
        NodeType::new(label_schema(), label),
        NodeType::new(choose_schema(), choose),
        NodeType::new(curve_schema(), curve),
        NodeType::new(from_voice_schema(), from_voice).on_run_device(),
        NodeType::new(voice_report_schema(), voice_report).on_run_device(),
        NodeType::new(mix_schema(), mix),
        NodeType::new(sphere_schema(), sphere),
        NodeType::new(adjust_schema(), adjust),
    ]
}

fn schema(type_id: &str, title: &str, help: &str, time_support: TimeSupport) -> NodeSchema {
    NodeSchema::new(type_id, title, help, Purity::Pure, time_support)
}

fn emotion_output(emotion: Emotion) -> Outputs {
    output("emotion", Value::Emotion(Arc::new(emotion)))
}

/// The clip time to sample curves over: the window asked for, or the span of the keys.
fn span(context: &NodeContext<'_>, key_times_secs: impl Iterator<Item = f64>) -> (f64, f64) {
    let keys = crate::key_span(key_times_secs).unwrap_or_default();
    context.window.map_or(keys, |window| (window.start_secs, window.end_secs))
}

fn label_schema() -> NodeSchema {
    schema("emotion.label", "Emotion", "One emotion at an intensity.", TimeSupport::Pointwise)
        .output("emotion", PortType::Emotion, "The emotion over time.")
        .parameter("emotion", ParameterKind::choice("neutral", &EMOTIONS), "", "Which emotion.")
        .parameter(
            "intensity",
            ParameterKind::animatable(1.0, 0.0, 1.0),
            "",
            "How strong, from neutral to full.",
        )
}

fn label(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    labelled(context, context.text("emotion"))
}

/// The choice of [`choose`] that lets the emotion through that was heard.
const AUTO: &str = "auto";

fn choose_schema() -> NodeSchema {
    let choices: Vec<&str> = [AUTO].into_iter().chain(EMOTIONS).collect();
    let help = "The emotion heard in the voice, or one that is chosen in its stead.";
    schema("emotion.choose", "Choose emotion", help, TimeSupport::Pointwise)
        .optional_input("heard", PortType::Emotion, "What auto lets through.")
        .output("emotion", PortType::Emotion, "The emotion over time.")
        .parameter(
            "emotion",
            ParameterKind::choice(AUTO, &choices),
            "",
            "Which emotion; auto is the one heard.",
        )
        .parameter(
            "intensity",
            ParameterKind::animatable(1.0, 0.0, 1.0),
            "",
            "How strong a chosen emotion is, from neutral to full; auto has its own strength.",
        )
}

fn choose(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    match context.text("emotion") {
        AUTO if context.has_input("heard") => {
            Ok(output("emotion", Value::Emotion(context.emotion("heard")?.clone())))
        }
        AUTO => Err(NodeError::input(
            "heard",
            "auto needs an emotion here; wire emotion.from_voice, or choose another emotion",
        )),
        name => labelled(context, name),
    }
}

/// An emotion at the node's intensity.
fn labelled(context: &NodeContext<'_>, name: &str) -> Result<Outputs, NodeError> {
    let emotion = match context.curve("intensity") {
        None => crate::label(name, context.number("intensity") as f32),
        Some(curve) => {
            let (start, end) = span(context, curve.keys.iter().map(|key| key.time_secs));
            crate::label_over_time(name, curve, start, end)
        }
    };
    Ok(emotion_output(emotion.map_err(|error| NodeError::parameter("emotion", error))?))
}

fn curve_schema() -> NodeSchema {
    let help = "Emotion through keys over time; two emotions cross-fade between their keys.";
    schema("emotion.curve", "Emotion curve", help, TimeSupport::Pointwise)
        .output("emotion", PortType::Emotion, "The emotion over time.")
        .parameter("keys", ParameterKind::EmotionKeys, "", "Emotion and intensity at moments of the clip.")
}

fn curve(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let keys = context.emotion_keys("keys");
    let (start, end) = span(context, keys.iter().map(|key| key.time_secs));
    let emotion = crate::keyframed(keys, start, end).map_err(|error| NodeError::parameter("keys", error))?;
    Ok(emotion_output(emotion))
}

fn from_voice_schema() -> NodeSchema {
    let defaults = OverTime::default();
    let support =
        TimeSupport::Window { before_secs: OverTime::BEFORE_SECS, after_secs: OverTime::AFTER_SECS };
    let help = "The emotion heard in the voice over time; it holds through short silences and fades to neutral in long ones and in doubt. Boredom, which has no face, shows as four fifths neutral and one fifth sad.";
    schema("emotion.from_voice", "Emotion from voice", help, support)
        .input("audio", PortType::Audio, "The speech.")
        .output("emotion", PortType::Emotion, "The emotion over time, 10 frames a second.")
        .parameter(
            "window",
            ParameterKind::number(defaults.window_secs, 0.8, 3.0),
            "s",
            "How much speech each judgement hears: less follows faster and errs more.",
        )
        .parameter(
            "smoothing",
            ParameterKind::number(defaults.smoothing_secs, 0.1, 0.8),
            "s",
            "How far judgements blend into one another.",
        )
        .parameter(
            "certainty",
            ParameterKind::number(defaults.certainty, 0.0, 1.0),
            "",
            "Probability from which the likeliest emotion shows in full; doubt fades towards neutral, 0 never doubts.",
        )
}

fn from_voice(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let settings = OverTime {
        window_secs: context.number("window"),
        smoothing_secs: context.number("smoothing"),
        certainty: context.number("certainty"),
        ..OverTime::default()
    };
    let voice = VoiceEmotion::load_embedded().map_err(NodeError::failed)?;
    let goes_on = || context.check_cancelled().is_ok();
    let emotion = voice.over_time(context.audio("audio")?, &settings, &goes_on, &device(context)?);
    Ok(emotion_output(emotion.map_err(voice_error)?))
}

fn voice_report_schema() -> NodeSchema {
    let help = "The emotion heard in the voice of the whole clip, as probabilities.";
    schema("emotion.voice_report", "Voice emotion report", help, TimeSupport::Whole)
        .input("audio", PortType::Audio, "The speech.")
        .output(
            "probabilities",
            PortType::Text,
            "A JSON object from emotion name to probability; {} without a voice.",
        )
}

fn voice_report(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let voice = VoiceEmotion::load_embedded().map_err(NodeError::failed)?;
    let heard = match voice.classify(context.audio("audio")?, &device(context)?) {
        Ok(probabilities) => probabilities.named().to_vec(),
        Err(VoiceError::NoVoice(_)) => Vec::new(),
        Err(error) => return Err(voice_error(error)),
    };
    let entries = heard.into_iter().map(|(name, probability)| (name.to_owned(), probability.into()));
    let json = serde_json::Value::Object(entries.collect()).to_string();
    Ok(output("probabilities", Value::Text(json.into())))
}

/// The device that the run asks for.
fn device(context: &NodeContext<'_>) -> Result<Device, NodeError> {
    esarm_kernels::devices::device(context.device).map_err(NodeError::failed)
}

fn voice_error(error: VoiceError) -> NodeError {
    match error {
        VoiceError::Cancelled => NodeError::Cancelled,
        VoiceError::Weights(_) | VoiceError::Training(_) => NodeError::failed(error),
        VoiceError::Analysis(_) | VoiceError::NoVoice(_) | VoiceError::Setting { .. } => {
            NodeError::input("audio", error)
        }
    }
}

fn mix_schema() -> NodeSchema {
    let help =
        "Mixes emotions by weight; weights below 1 in all leave the rest neutral, more are shared out.";
    let mut schema = schema("emotion.mix", "Mix emotions", help, TimeSupport::Pointwise);
    for (index, (port, weight)) in MIX_INPUTS.into_iter().zip(MIX_WEIGHTS).enumerate() {
        schema = if index < 2 {
            schema.input(port, PortType::Emotion, "An emotion to mix.")
        } else {
            schema.optional_input(port, PortType::Emotion, "An emotion to mix.")
        };
        let kind = ParameterKind::animatable(0.5, 0.0, 1.0);
        schema = schema.parameter(weight, kind, "", &format!("How much of emotion {port}."));
    }
    schema.output("emotion", PortType::Emotion, "The mix over time.")
}

fn mix(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let wired: Vec<(&str, &Arc<Emotion>)> = MIX_INPUTS
        .into_iter()
        .zip(MIX_WEIGHTS)
        .filter(|(port, _)| context.has_input(port))
        .map(|(port, weight)| Ok((weight, context.emotion(port)?)))
        .collect::<Result<_, NodeError>>()?;
    let emotions: Vec<&Emotion> = wired.iter().map(|(_, emotion)| emotion.as_ref()).collect();
    let curves: Vec<&Curve> = wired.iter().filter_map(|(weight, _)| context.curve(weight)).collect();
    // Constant emotions have no time of their own, so a weight that moves brings its own.
    let (start, end) =
        span(context, curves.iter().flat_map(|curve| curve.keys.iter().map(|key| key.time_secs)));
    let span = (!curves.is_empty()).then_some((CURVE_RATE, start, end));
    let mixed = crate::mix(&emotions, span, |index, time_secs| context.number_at(wired[index].0, time_secs));
    Ok(emotion_output(mixed.map_err(NodeError::failed)?))
}

fn sphere_schema() -> NodeSchema {
    let help = "A point of the sphere of arousal, valence and dominance; the centre is neutral, the rim full intensity.";
    schema("emotion.sphere", "Emotion sphere", help, TimeSupport::Pointwise)
        .output("emotion", PortType::Emotion, "The emotion over time.")
        .parameter("arousal", ParameterKind::animatable(0.0, -1.0, 1.0), "", "From calm to excited.")
        .parameter("valence", ParameterKind::animatable(0.0, -1.0, 1.0), "", "From unpleasant to pleasant.")
        .parameter(
            "dominance",
            ParameterKind::animatable(0.0, -1.0, 1.0),
            "",
            "From giving in to in control.",
        )
        .parameter(
            "sharpness",
            ParameterKind::Number {
                default: DEFAULT_SHARPNESS,
                soft: Range::new(1.0, 12.0),
                hard: Range::new(0.0, 50.0),
                animatable: false,
            },
            "",
            "How clearly a direction picks the nearest emotion.",
        )
}

fn sphere(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let sharpness = context.number("sharpness");
    let keys = path_keys(context);
    if keys.is_empty() {
        let weights = point_at(context, 0.0).weights(sharpness).to_vec();
        return Ok(emotion_output(Emotion::from_frames(esarm_values::FrameRate::whole(1), weights)));
    }
    let (start, end) = span(context, keys.iter().map(|key| key.time_secs));
    let emotion = path(&keys, sharpness, start, end).map_err(NodeError::failed)?;
    Ok(emotion_output(emotion))
}

/// A key wherever one of the axes has one; it goes on as the first of those axes does.
fn path_keys(context: &NodeContext<'_>) -> Vec<PathKey> {
    let mut times: Vec<(f64, Interpolation)> = AXES
        .into_iter()
        .filter_map(|axis| context.curve(axis))
        .flat_map(|curve| curve.keys.iter().map(|key| (key.time_secs, key.interpolation)))
        .collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    times.dedup_by(|later, earlier| later.0 == earlier.0);
    let key = |(time_secs, interpolation)| PathKey {
        time_secs,
        point: point_at(context, time_secs),
        interpolation,
    };
    times.into_iter().map(key).collect()
}

fn point_at(context: &NodeContext<'_>, time_secs: f64) -> Point {
    let [arousal, valence, dominance] = AXES.map(|axis| context.number_at(axis, time_secs));
    Point { arousal, valence, dominance }
}

fn adjust_schema() -> NodeSchema {
    let support = TimeSupport::Window { before_secs: Adjustment::BEFORE_SECS, after_secs: 0.1 };
    let help = "Shapes a heard emotion: fewer emotions, more contrast, slower change, a preferred emotion, strength.";
    schema("emotion.adjust", "Adjust emotion", help, support)
        .input("emotion", PortType::Emotion, "The emotion to shape.")
        .optional_input("preferred", PortType::Emotion, "An emotion to mix in.")
        .output("emotion", PortType::Emotion, "The shaped emotion over time.")
        .parameter(
            "contrast",
            ParameterKind::number(1.0, 0.3, 3.0),
            "",
            "Above 1 the strongest emotion stands out.",
        )
        .parameter("max_emotions", ParameterKind::integer(3, 1, 7), "", "How many emotions may show at once.")
        .parameter(
            "transition",
            ParameterKind::number(0.5, 0.0, MAX_TRANSITION_SECS),
            "s",
            "Time in which 95 % of a change is followed.",
        )
        .parameter(
            "preferred_share",
            ParameterKind::number(0.5, 0.0, 1.0),
            "",
            "How much of the preferred emotion is mixed in, when one is wired.",
        )
        .parameter(
            "strength",
            ParameterKind::number(1.0, 0.0, 2.0),
            "",
            "Factor on every emotion but neutral.",
        )
}

fn adjust(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let preferred =
        if context.has_input("preferred") { Some(context.emotion("preferred")?.as_ref()) } else { None };
    let adjustment = Adjustment {
        contrast: context.number("contrast"),
        max_emotions: usize::try_from(context.integer("max_emotions")).unwrap_or(1),
        transition_secs: context.number("transition"),
        preferred_share: if preferred.is_some() { context.number("preferred_share") } else { 0.0 },
        strength: context.number("strength"),
    };
    let adjusted = crate::adjust(context.emotion("emotion")?, preferred, &adjustment);
    adjusted.map(emotion_output).map_err(|error: EmotionError| NodeError::failed(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_graph::{CurveKey, EmotionKey, ParameterValue};
    use esarm_values::{Audio, emotion_index};

    fn run(
        type_id: &str,
        parameters: &[(&str, ParameterValue)],
        inputs: &[(&str, Value)],
    ) -> Result<Outputs, NodeError> {
        node_types().into_iter().find(|node| node.schema.type_id == type_id).unwrap().call(parameters, inputs)
    }

    fn emotion(outputs: &Outputs) -> Arc<Emotion> {
        match &outputs["emotion"] {
            Value::Emotion(emotion) => emotion.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn ramp(from: f64, to: f64) -> ParameterValue {
        let key = |(time_secs, value)| CurveKey { time_secs, value, interpolation: Interpolation::Linear };
        ParameterValue::Curve(Curve { keys: [(0.0, from), (2.0, to)].map(key).to_vec() })
    }

    fn constant(name: &str) -> Value {
        Value::Emotion(Arc::new(Emotion::constant(emotion_index(name).unwrap(), 1.0)))
    }

    #[test]
    fn a_choice_stands_in_for_what_was_heard() {
        let heard = [("heard", constant("angry"))];
        let text = |text: &str| ParameterValue::Text(text.into());
        let weights = |parameters: &[(&str, ParameterValue)], inputs: &[(&str, Value)]| {
            emotion(&run("emotion.choose", parameters, inputs).unwrap()).weights_at(0.0).to_vec()
        };
        assert_eq!(weights(&[], &heard)[3], 1.0);
        let sad = [("emotion", text("sad")), ("intensity", ParameterValue::Number(0.3))];
        assert_eq!(weights(&sad, &heard)[2], 0.3);
        assert_eq!(weights(&sad, &[])[2], 0.3);
        let error = run("emotion.choose", &[], &[]).unwrap_err().to_string();
        assert!(error.contains("from_voice"), "{error}");
    }

    #[test]
    fn labels_take_a_number_or_a_curve() {
        let angry = ("emotion", ParameterValue::Text("angry".into()));
        let still =
            run("emotion.label", &[angry.clone(), ("intensity", ParameterValue::Number(0.3))], &[]).unwrap();
        assert_eq!(emotion(&still).weights_at(9.0)[3], 0.3);
        let moving = emotion(&run("emotion.label", &[angry, ("intensity", ramp(0.0, 1.0))], &[]).unwrap());
        assert!((moving.weights_at(0.5)[3] - 0.25).abs() < 1e-6 && moving.weights_at(3.0)[3] == 1.0);
    }

    #[test]
    fn keys_make_a_curve_and_bad_ones_an_error() {
        let keys = |emotion: &str| {
            let key = EmotionKey {
                time_secs: 1.0,
                emotion: emotion.to_owned(),
                intensity: 0.8,
                interpolation: Interpolation::Hold,
            };
            [("keys", ParameterValue::EmotionKeys { emotion_keys: vec![key] })]
        };
        assert_eq!(emotion(&run("emotion.curve", &keys("fear"), &[]).unwrap()).weights_at(0.0)[4], 0.8);
        let error = run("emotion.curve", &keys("afraid"), &[]).unwrap_err().to_string();
        assert!(error.contains("keys") && error.contains("afraid"), "{error}");
    }

    #[test]
    fn mixes_follow_their_weights_over_time() {
        let inputs = [("a", constant("happy")), ("b", constant("sad"))];
        let weights = [("weight_a", ramp(1.0, 0.0)), ("weight_b", ramp(0.0, 1.0))];
        let mixed = emotion(&run("emotion.mix", &weights, &inputs).unwrap());
        let [happy, sad] = [1, 2].map(|column| mixed.weights_at(1.5)[column]);
        assert!((happy - 0.25).abs() < 1e-6 && (sad - 0.75).abs() < 1e-6);
    }

    #[test]
    fn the_sphere_gives_points_and_paths() {
        let happy = Point::of_emotion(1, 0.9);
        let values = [("arousal", happy.arousal), ("valence", happy.valence), ("dominance", happy.dominance)];
        let still = values.map(|(axis, value)| (axis, ParameterValue::Number(value)));
        let weights = emotion(&run("emotion.sphere", &still, &[]).unwrap()).weights_at(0.0);
        assert!((weights[0] - 0.1).abs() < 1e-6 && weights[1] > 0.5);
        let moving = values.map(|(axis, value)| (axis, ramp(0.0, value)));
        let path = emotion(&run("emotion.sphere", &moving, &[]).unwrap());
        assert_eq!(path.weights_at(0.0)[0], 1.0);
        assert!((path.weights_at(1.0)[0] - 0.55).abs() < 1e-5);
    }

    #[test]
    fn adjusting_mixes_the_preferred_emotion_only_when_wired() {
        let heard = ("emotion", constant("happy"));
        let alone = emotion(&run("emotion.adjust", &[], std::slice::from_ref(&heard)).unwrap());
        assert!((alone.weights_at(0.0)[1] - 1.0).abs() < 1e-6);
        let both = emotion(&run("emotion.adjust", &[], &[heard, ("preferred", constant("sad"))]).unwrap());
        assert!((both.weights_at(0.0)[1] - 0.5).abs() < 1e-6 && (both.weights_at(0.0)[2] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn voices_give_an_emotion_and_a_report() {
        let quiet = Value::Audio(Arc::new(Audio::new("quiet", 16_000, vec![0.0; 16_000])));
        let heard = emotion(&run("emotion.from_voice", &[], &[("audio", quiet.clone())]).unwrap());
        assert_eq!((heard.track().frame_count(), heard.weights_at(0.5)[0]), (10, 1.0));
        let report = run("emotion.voice_report", &[], &[("audio", quiet)]).unwrap();
        assert_eq!(report["probabilities"], Value::Text("{}".into()));
        let broken = Value::Audio(Arc::new(Audio::new("broken", 16_000, vec![f32::NAN; 16_000])));
        let error = run("emotion.from_voice", &[], &[("audio", broken)]).unwrap_err().to_string();
        assert!(error.contains("audio"), "{error}");
    }
}
