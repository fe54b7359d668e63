//! The nodes of this crate.

use crate::generator::{
    EMBEDDED_WEIGHTS, GenerateOptions, Generated, Generator, GeneratorError, RECEPTIVE_SECS_AFTER,
    RECEPTIVE_SECS_BEFORE,
};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_kernels::devices::Device;
use esarm_values::{Emotion, FrameRate, Take, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Every node type of this crate.
pub fn node_types() -> Vec<NodeType> {
    let mut types = vec![
        NodeType::new(generator_schema(), generate).on_run_device(),
        NodeType::new(takes_schema(), generate_takes).on_run_device(),
        NodeType::new(pick_take_schema(), pick_take),
    ];
    types.extend(crate::performance::nodes::node_types());
    types.extend(crate::training::node::node_types());
    types
}

fn schema(type_id: &str, title: &str, help: &str, time_support: TimeSupport) -> NodeSchema {
    NodeSchema::new(type_id, title, help, Purity::Seeded, time_support)
        .input("audio", PortType::Audio, "The speech, mono at 16 kHz.")
        .optional_input("emotion", PortType::Emotion, "What the face feels over time; neutral when nothing is wired.")
        .optional_input(
            "weights",
            PortType::File,
            "What the generator learnt, from sta.weights or a node that trains; what came with the program when nothing is wired.",
        )
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
        "Number of the take; another number gives another take of the same line. Nodes of other names give other takes.",
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
        "Gives several takes of one line, each with its log-probability; sta.pick_take chooses one. A sta.generator node of the same name and seed gives the same takes by their number.",
        TimeSupport::Whole,
    )
    .parameter("count", ParameterKind::integer(4, 1, 256), "takes", "How many takes.")
    .output("takes", PortType::Takes, "The takes.")
}

fn generate(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let take = context.integer("take").cast_unsigned();
    let generator = generator(context)?;
    let generated = generated(context, &generator, take)?;
    Ok(Outputs::from([
        ("motion".to_owned(), Value::Motion(Arc::new(generated.motion))),
        ("content".to_owned(), Value::Features(Arc::new(generated.content))),
    ]))
}

fn generate_takes(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let count = context.integer("count").cast_unsigned();
    let mut takes = Vec::new();
    let generator = generator(context)?;
    for number in 0..count {
        context.check_cancelled()?;
        (context.report_progress)(number as f64 / count as f64, "drawing takes");
        let generated = generated(context, &generator, number)?;
        let seed = seed_of(context, number);
        let log_probability = Some(generated.log_probability);
        takes.push(Take { motion: Arc::new(generated.motion), seed, log_probability });
    }
    Ok(output("takes", Value::Takes(Arc::new(takes))))
}

fn generated(context: &NodeContext<'_>, generator: &Generator, take: u64) -> Result<Generated, NodeError> {
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
    generator.generate(audio, emotion, &options).map_err(|error| match error {
        GeneratorError::SampleRate { .. } => NodeError::input("audio", error),
        other => NodeError::failed(other),
    })
}

fn pick_take_schema() -> NodeSchema {
    NodeSchema::new(
        "sta.pick_take",
        "Pick take",
        "Gives one of several takes: by its number, or the one that the generator finds most probable.",
        Purity::Pure,
        TimeSupport::Whole,
    )
    .input("takes", PortType::Takes, "The takes.")
    .parameter(
        "choose",
        ParameterKind::choice("number", &["number", "most probable"]),
        "",
        "By number, or by the highest log-probability; of equal ones the first.",
    )
    .parameter(
        "take",
        ParameterKind::integer(0, 0, 1_000_000),
        "",
        "Number of the take, from 0; counts when takes are chosen by number.",
    )
    .output("motion", PortType::Motion, "The motion of the chosen take.")
    .output("take", PortType::Number, "Number of the chosen take, from 0.")
}

fn pick_take(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let takes = context.takes("takes")?;
    let number = match context.text("choose") {
        "number" => context.integer("take").cast_unsigned() as usize,
        _ => most_probable(takes)?,
    };
    let take = takes.get(number).ok_or_else(|| {
        let allowed = match takes.len() {
            0 => "there are no takes".to_owned(),
            count => format!("there are takes 0 to {}", count - 1),
        };
        NodeError::parameter("take", format!("there is no take {number}; {allowed}"))
    })?;
    Ok(Outputs::from([
        ("motion".to_owned(), Value::Motion(take.motion.clone())),
        ("take".to_owned(), Value::Number(number as f64)),
    ]))
}

/// Number of the take with the highest log-probability, the first of equal ones.
fn most_probable(takes: &[Take]) -> Result<usize, NodeError> {
    let rated = takes.iter().enumerate().filter_map(|(number, take)| Some((number, take.log_probability?)));
    let best = rated.reduce(|best, other| if other.1 > best.1 { other } else { best });
    best.map(|(number, _)| number).ok_or_else(|| {
        NodeError::parameter("choose", "none of the takes has a log-probability; choose by number")
    })
}

/// Takes of one node differ in their streams of random numbers.
fn seed_of(context: &NodeContext<'_>, take: u64) -> u64 {
    context.seed.wrapping_add(take.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// The device that the run asks for.
pub(crate) fn device(context: &NodeContext<'_>) -> Result<Device, NodeError> {
    esarm_kernels::devices::device(context.device).map_err(NodeError::failed)
}

/// The generator with the weights that are wired, or the one with the project's own, on the run's device.
fn generator(context: &NodeContext<'_>) -> Result<Arc<Generator>, NodeError> {
    if context.has_input("weights") {
        let generator = Generator::from_bytes(&context.file_input("weights")?.bytes, &device(context)?);
        return generator.map(Arc::new).map_err(crate::training::node::refused_weights);
    }
    embedded(context)
}

/// The generator with the project's own weights on the run's device, made once for each.
fn embedded(context: &NodeContext<'_>) -> Result<Arc<Generator>, NodeError> {
    static GENERATORS: Mutex<BTreeMap<String, Arc<Generator>>> = Mutex::new(BTreeMap::new());
    let mut generators = GENERATORS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(generator) = generators.get(context.device) {
        return Ok(generator.clone());
    }
    let made = Generator::from_bytes(EMBEDDED_WEIGHTS, &device(context)?).map_err(NodeError::failed)?;
    let generator = Arc::new(made);
    generators.insert(context.device.to_owned(), generator.clone());
    Ok(generator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_graph::ParameterValue;
    use esarm_values::{Audio, Track};

    fn node(type_id: &str) -> NodeType {
        node_types().into_iter().find(|node| node.schema.type_id == type_id).unwrap()
    }

    fn motion(outputs: &Outputs) -> &Track {
        let Some(Value::Motion(motion)) = outputs.get("motion") else { panic!("no motion in {outputs:?}") };
        motion
    }

    fn pick(takes: &Value, set: &[(&str, ParameterValue)]) -> Result<Outputs, NodeError> {
        node("sta.pick_take").call(set, &[("takes", takes.clone())])
    }

    fn take(log_probability: Option<f64>, value: f32) -> Take {
        let motion = Track::new(FrameRate::whole(60), vec!["jawOpen".to_owned()], vec![value]).unwrap();
        Take { motion: Arc::new(motion), seed: 0, log_probability }
    }

    #[test]
    fn takes_are_picked_by_number_or_probability() {
        let takes = [(None, 0.0), (Some(-9.0), 0.1), (Some(-2.5), 0.2), (Some(-2.5), 0.3)];
        let takes = Value::Takes(Arc::new(takes.map(|(rated, value)| take(rated, value)).to_vec()));
        let number = |number: f64| [("take", ParameterValue::Number(number))];
        assert_eq!(motion(&pick(&takes, &number(3.0)).unwrap()).values(), [0.3]);
        let error = pick(&takes, &number(4.0)).unwrap_err().to_string();
        assert!(error.contains("takes 0 to 3"), "{error}");
        let best = [("choose", ParameterValue::Text("most probable".to_owned()))];
        let outputs = pick(&takes, &best).unwrap();
        assert_eq!((motion(&outputs).values(), &outputs["take"]), ([0.2].as_slice(), &Value::Number(2.0)));
        let unrated = Value::Takes(Arc::new(vec![take(None, 0.5)]));
        assert!(pick(&unrated, &best).unwrap_err().to_string().contains("choose by number"));
    }

    #[test]
    fn a_generator_of_the_same_seed_gives_a_take_again() {
        let samples = (0..8000).map(|n| 0.3 * (n as f32 * 0.05).sin()).collect();
        let audio = [("audio", Value::Audio(Arc::new(Audio::new("tone", 16_000, samples))))];
        let takes = node("sta.takes").call(&[("count", ParameterValue::Number(3.0))], &audio).unwrap();
        let picked = pick(&takes["takes"], &[("take", ParameterValue::Number(2.0))]).unwrap();
        let again = node("sta.generator").call(&[("take", ParameterValue::Number(2.0))], &audio).unwrap();
        assert_eq!(motion(&picked), motion(&again));
    }
}
