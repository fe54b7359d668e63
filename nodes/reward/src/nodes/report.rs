//! `eval.measure` and `eval.report`: the figures of clips beside those of the truth and of motions that are wrong on
//! purpose, as Markdown with pictures.

use super::files::{folder_digest_of, model_of, parameter_digest, read_folder_of, with_model};
use super::{node_error, wired_audio, wired_emotion};
use crate::phones::{Phone, parse_phones};
use crate::report::{Clip, MEASUREMENTS_EXTENSION, Measurements, measure, report};
use crate::vertices::Face;
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_values::{File, Value};
use std::sync::Arc;

pub(super) fn node_types() -> [NodeType; 2] {
    [
        NodeType::new(measure_schema(), evaluate_measure)
            .with_fingerprint(|context| parameter_digest(context, "model_file")),
        NodeType::new(report_schema(), evaluate_report)
            .with_fingerprint(|context| folder_digest_of(context, "folder", MEASUREMENTS_EXTENSION)),
    ]
}

fn text() -> ParameterKind {
    ParameterKind::Text { default: String::new() }
}

fn measure_schema() -> NodeSchema {
    let schema = NodeSchema::new(
        "eval.measure",
        "Measure a clip",
        "Measures a motion, the truth where there is one, and motions that are wrong on purpose, so that it shows what the figures are worth.",
        Purity::External,
        TimeSupport::Whole,
    )
    .input("motion", PortType::Motion, "The motion to measure.")
    .optional_input("reference", PortType::Motion, "What the motion should have been: the truth.")
    .optional_input("audio", PortType::Audio, "The speech, mono at 16 kHz.")
    .optional_input("emotion", PortType::Emotion, "What the face should feel.")
    .optional_input("phones", PortType::Text, "Phones of the speech, a line each: start and end in seconds and the phone; for the recall of closed lips.")
    .optional_input("rig", PortType::Rig, "A head on whose surface errors against the reference are measured, in millimetres.");
    with_model(schema)
        .parameter("name", text(), "", "Name of the clip in the report; that of the speech when empty.")
        .parameter(
            "seed",
            ParameterKind::integer(0, 0, 1_000_000),
            "",
            "Draws the noise that the reward is asked about.",
        )
        .output(
            "measurements",
            PortType::File,
            "The figures of the clip, for eval.report; those of many clips can be kept in one folder.",
        )
}

fn evaluate_measure(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let model = model_of(context)?;
    let audio = wired_audio(context)?;
    let phones = phones(context)?;
    let face = match context.has_input("rig") {
        true => Some(Face::new(context.rig("rig")?).map_err(|error| NodeError::input("rig", error))?),
        false => None,
    };
    let name = match (context.text("name").trim(), audio) {
        ("", Some(audio)) => audio.name.as_str(),
        ("", None) => "clip",
        (name, _) => name,
    };
    let clip = Clip {
        name,
        motion: context.motion("motion")?,
        reference: if context.has_input("reference") { Some(context.motion("reference")?) } else { None },
        audio,
        emotion: wired_emotion(context)?,
        phones: phones.as_deref(),
        face: face.as_ref(),
        seed: context.integer("seed").cast_unsigned(),
    };
    let measurements = measure(&clip, &model).map_err(node_error)?;
    let bytes = measurements.to_bytes().map_err(node_error)?;
    let file = File { extension: MEASUREMENTS_EXTENSION.to_owned(), bytes, companions: Vec::new() };
    Ok(output("measurements", Value::File(Arc::new(file))))
}

fn phones(context: &NodeContext<'_>) -> Result<Option<Vec<Phone>>, NodeError> {
    if !context.has_input("phones") {
        return Ok(None);
    }
    let phones = parse_phones(context.text_input("phones")?);
    phones.map(Some).map_err(|error| NodeError::input("phones", error))
}

fn report_schema() -> NodeSchema {
    let mut schema = NodeSchema::new(
        "eval.report",
        "Report",
        "Puts the figures of clips together: tables with the controls beside every figure, formulas, masks and units, curves of the lips, bars of the terms, noise against reward.",
        Purity::External,
        TimeSupport::Whole,
    )
    .many_input("measurements", PortType::File, "What eval.measure gives, of one or more clips.")
    .parameter("folder", text(), "", "A folder of .measurements files that are reported on too; relative to the graph. Empty for none.")
    .parameter("title", ParameterKind::Text { default: "Evaluation".to_owned() }, "", "The heading.")
    .output("report", PortType::File, "Markdown, with its pictures (SVG) beside it.")
    .output("table", PortType::Text, "JSON: every figure with unit, formula and mask, and its mean over clips in each column.");
    // A folder alone is enough to report on.
    schema.inputs.iter_mut().for_each(|input| input.required = false);
    schema
}

fn evaluate_report(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let mut clips = Vec::new();
    for (number, value) in context.values("measurements").iter().enumerate() {
        let Value::File(file) = value else {
            return Err(NodeError::input("measurements", "takes files that eval.measure gives"));
        };
        let clip = Measurements::from_bytes(&format!("wired as number {number}"), &file.bytes);
        clips.push(clip.map_err(|error| NodeError::input("measurements", error))?);
    }
    for (name, bytes) in read_folder_of(context, "folder", MEASUREMENTS_EXTENSION)? {
        let clip = Measurements::from_bytes(&name, &bytes);
        clips.push(clip.map_err(|error| NodeError::parameter("folder", error))?);
    }
    if clips.is_empty() {
        let what = "nothing is wired and no folder is named; wire eval.measure or name a folder of its files";
        return Err(NodeError::input("measurements", what));
    }
    clips.sort_by(|a, b| a.name.cmp(&b.name));
    let (file, summary) = report(context.text("title"), &clips).map_err(node_error)?;
    let table = serde_json::to_string(&summary).map_err(NodeError::failed)?;
    Ok(Outputs::from([
        ("report".to_owned(), Value::File(Arc::new(file))),
        ("table".to_owned(), Value::Text(table.into())),
    ]))
}
