//! The nodes of this crate.

use crate::generator::{
    GenerateOptions, Generated, Generator, GeneratorError, RECEPTIVE_SECS_AFTER, RECEPTIVE_SECS_BEFORE,
};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_values::{Emotion, FrameRate, Take, Value};
use std::sync::{Arc, OnceLock};

/// Every node type of this crate.
pub fn node_types() -> Vec<NodeType> {
    let mut types =
        vec![NodeType::new(generator_schema(), generate), NodeType::new(takes_schema(), generate_takes)];
    types.extend(crate::performance::nodes::node_types());
    types
}

fn schema(type_id: &str, title: &str, help: &str, time_support: TimeSupport) -> NodeSchema {
    NodeSchema::new(type_id, title, help, Purity::Seeded, time_support)
        .input("audio", PortType::Audio, "The speech, mono at 16 kHz.")
        .optional_input("emotion", PortType::Emotion, "What the face feels over time; neutral when nothing is wired.")
        .parameter(
            "frame_rate",
            ParameterKind::number(60.0, 1.0, 240.0),
            "fps",
            "Frames per second of the motion; 23.976, 29.97 and 59.94 are taken as the exact broadcast rates.",
        )
        .parameter(
            "temperature",
            ParameterKind::number(f64::from(crate::generator::DEFAULT_TEMPERATURE), 0.0, 2.0),
            "",
            "How far takes stray from the mean: 0 gives the mean itself, 1 the spread that was learnt.",
        )
}

fn generator_schema() -> NodeSchema {
    let window = TimeSupport::Window { before_secs: RECEPTIVE_SECS_BEFORE, after_secs: RECEPTIVE_SECS_AFTER };
    schema(
        "sta.generator",
        "Speech to animation",
        "Moves a face as it says the speech with the emotion.",
        window,
    )
    .parameter(
        "take",
        ParameterKind::integer(0, 0, 1_000_000),
        "",
        "Number of the take; another number gives another take of the same line.",
    )
    .output("motion", PortType::Motion, "Weights of the 52 ARKit shapes.")
    .output(
        "content",
        PortType::Features,
        "What was heard: lip closure and the probability of each viseme.",
    )
}

fn takes_schema() -> NodeSchema {
    schema(
        "sta.takes",
        "Takes",
        "Gives several takes of one line, each with its log-probability.",
        TimeSupport::Whole,
    )
    .parameter("count", ParameterKind::integer(4, 1, 256), "takes", "How many takes.")
    .output("takes", PortType::Takes, "The takes.")
}

fn generate(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let take = context.integer("take").cast_unsigned();
    let generated = generated(context, take)?;
    Ok(Outputs::from([
        ("motion".to_owned(), Value::Motion(Arc::new(generated.motion))),
        ("content".to_owned(), Value::Features(Arc::new(generated.content))),
    ]))
}

fn generate_takes(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let count = context.integer("count").cast_unsigned();
    let mut takes = Vec::new();
    for number in 0..count {
        context.check_cancelled()?;
        (context.report_progress)(number as f64 / count as f64, "drawing takes");
        let generated = generated(context, number)?;
        let seed = seed_of(context, number);
        let log_probability = Some(generated.log_probability);
        takes.push(Take { motion: Arc::new(generated.motion), seed, log_probability });
    }
    Ok(output("takes", Value::Takes(Arc::new(takes))))
}

fn generated(context: &NodeContext<'_>, take: u64) -> Result<Generated, NodeError> {
    let audio = context.audio("audio")?;
    let neutral;
    let emotion: &Emotion = if context.has_input("emotion") {
        context.emotion("emotion")?
    } else {
        neutral = Emotion::constant(0, 1.0);
        &neutral
    };
    let rate = context.number("frame_rate");
    let frame_rate = FrameRate::from_decimal(rate).ok_or_else(|| {
        NodeError::parameter("frame_rate", format!("{rate} is no frame rate; use 1 to 240"))
    })?;
    let options = GenerateOptions {
        frame_rate,
        seed: seed_of(context, take),
        temperature: context.number("temperature") as f32,
        frames: None,
    };
    embedded()?.generate(audio, emotion, &options).map_err(|error| match error {
        GeneratorError::SampleRate { .. } => NodeError::input("audio", error),
        other => NodeError::failed(other),
    })
}

/// Takes of one node differ in their streams of random numbers.
fn seed_of(context: &NodeContext<'_>, take: u64) -> u64 {
    context.seed.wrapping_add(take.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// The generator with the project's own weights, made once.
fn embedded() -> Result<&'static Generator, NodeError> {
    static GENERATOR: OnceLock<Result<Generator, GeneratorError>> = OnceLock::new();
    GENERATOR.get_or_init(Generator::load_embedded).as_ref().map_err(NodeError::failed)
}
