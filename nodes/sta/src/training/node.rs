//! The nodes `sta.train` and `sta.weights`.

use super::corpus::{corpus_files, read_corpus};
use super::coupling::{Demonstration, LossWeights};
use super::run::{Progress, Schedule, Stop, Verdict};
use super::{Learned, Lesson, TrainingError, fine_tune, lesson_schedule};
use crate::generator::weights::Weights;
use crate::generator::{EMBEDDED_WEIGHTS, GeneratorError};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_values::{Digest, Emotion, File, Hasher, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The node types of this file.
pub(crate) fn node_types() -> Vec<NodeType> {
    vec![
        // Training computes on the processor whatever the run's device is.
        NodeType::new(train_schema(), train).with_fingerprint(corpus_digest),
        NodeType::new(weights_schema(), load_weights).with_fingerprint(file_digest),
    ]
}

fn train_schema() -> NodeSchema {
    let losses = LossWeights::default();
    let schedule = lesson_schedule();
    let weight = |value: f32| ParameterKind::number(f64::from(value), 0.0, 10_000.0);
    let text = || ParameterKind::Text { default: String::new() };
    NodeSchema::new(
        "sta.train",
        "Train generator",
        "Teaches the generator how the mouth is read and how emotions show: by cross-coupling over a corpus, from takes that were kept, or both. A run with a checkpoint folder can be stopped at any time and goes on where it was.",
        Purity::External,
        TimeSupport::Whole,
    )
    .optional_input("weights", PortType::File, "Weights to start from; those of the program when nothing is wired.")
    .optional_input("takes", PortType::Takes, "Takes to imitate, such as the ones an animator kept; needs their speech.")
    .optional_input("audio", PortType::Audio, "The speech of the takes, mono at 16 kHz.")
    .optional_input("emotion", PortType::Emotion, "What is felt in the takes; neutral when nothing is wired.")
    .optional_input("rig", PortType::Rig, "A rig on whose skin faces are compared beside their weights.")
    .parameter(
        "corpus",
        text(),
        "",
        "Folder of recordings: with a table corpus.csv (audio,phones,content,speaker,emotion), or of EMO-DB; relative to the graph. Empty for none.",
    )
    .parameter(
        "held_out",
        text(),
        "",
        "Speakers of the corpus to measure on instead of learning from, by commas; without any there is no early stop.",
    )
    .parameter(
        "checkpoints",
        text(),
        "",
        "Folder for checkpoints and curves, relative to the graph; an interrupted run goes on from there. Empty keeps nothing.",
    )
    .parameter("seed", ParameterKind::integer(1, 0, 1_000_000), "", "Another seed draws other examples; the same one gives the same weights.")
    .parameter("steps", ParameterKind::integer(schedule.steps as i64, 1, 1_000_000), "", "Steps at most.")
    .parameter(
        "learning_rate",
        ParameterKind::number(schedule.learning_rate, 1e-6, 0.1),
        "",
        "Largest step size; it grows at first and then falls along half a cosine.",
    )
    .parameter(
        "patience",
        ParameterKind::integer(schedule.patience as i64, 0, 1000),
        "",
        "Measurements on held-out speakers, every 20 steps, without a better one before the run stops; 0 never stops early.",
    )
    .parameter("quadruples", ParameterKind::integer(2, 1, 32), "", "Pairs of clips, in two contents and emotions, that each step learns from.")
    .parameter("self_weight", weight(losses.own), "", "How much a clip's own face counts.")
    .parameter("cross_weight", weight(losses.cross), "", "How much faces with another clip's emotion or content count.")
    .parameter("velocity_weight", weight(losses.velocity), "", "How much differences of neighbouring frames count.")
    .parameter("classes_weight", weight(losses.classes), "", "How much it counts that the emotion can be told from the face.")
    .parameter("vertex_weight", weight(losses.vertex), "", "How much a square millimetre on the rig's skin counts.")
    .output("weights", PortType::File, "The new weights (safetensors): for sta.generator and sta.takes.")
    .output("curves", PortType::Text, "Every step's losses, held-out losses, step size and gradient norm, as CSV.")
    .output("report", PortType::Text, "What was learnt from what, and how it went.")
}

fn train(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let lesson = lesson(context)?;
    let (losses, seed) = (lesson.losses, lesson.seed);
    let mut observe = |progress: &Progress<'_>| {
        let row = progress.row;
        let held_out = row.held_out_loss().map_or_else(String::new, |loss| format!(", held out {loss:.3}"));
        let words = format!("step {} of {}, loss {:.3}{held_out}", row.step, progress.steps, row.loss());
        (context.report_progress)(row.step as f64 / progress.steps as f64, &words);
        if context.check_cancelled().is_err() { Verdict::Cancel } else { Verdict::Continue }
    };
    let folder = folder(context, "checkpoints");
    let learned = fine_tune(lesson, folder.as_deref(), &mut observe).map_err(node_error)?;
    if learned.outcome.stop == Stop::Cancelled {
        return Err(NodeError::Cancelled);
    }
    let notes = [("seed", seed.to_string()), ("steps", learned.outcome.steps.to_string())];
    let bytes = learned.weights.to_bytes(&notes).map_err(NodeError::failed)?;
    let report = report(&learned, losses, seed, corpus_digest(context)?);
    Ok(Outputs::from([
        ("weights".to_owned(), weights_file(bytes)),
        ("curves".to_owned(), Value::Text(learned.outcome.curves.into())),
        ("report".to_owned(), Value::Text(report.into())),
    ]))
}

fn lesson(context: &NodeContext<'_>) -> Result<Lesson, NodeError> {
    let weight = |name: &str| context.number(name) as f32;
    let clips = match folder(context, "corpus") {
        Some(folder) => read_corpus(&folder).map_err(node_error)?,
        None => Vec::new(),
    };
    let speakers = context.text("held_out").split(',').map(str::trim).filter(|speaker| !speaker.is_empty());
    let defaults = lesson_schedule();
    Ok(Lesson {
        start: start(context)?,
        clips,
        demonstrations: demonstrations(context)?,
        held_out_speakers: speakers.map(str::to_owned).collect(),
        rig: if context.has_input("rig") { Some(context.rig("rig")?.clone()) } else { None },
        losses: LossWeights {
            own: weight("self_weight"),
            cross: weight("cross_weight"),
            velocity: weight("velocity_weight"),
            classes: weight("classes_weight"),
            vertex: weight("vertex_weight"),
        },
        quadruples: context.integer("quadruples") as usize,
        seed: context.integer("seed").cast_unsigned(),
        schedule: Schedule {
            steps: context.integer("steps") as usize,
            learning_rate: context.number("learning_rate"),
            patience: context.integer("patience") as usize,
            ..defaults
        },
    })
}

fn start(context: &NodeContext<'_>) -> Result<Weights, NodeError> {
    if context.has_input("weights") {
        return Weights::from_bytes(&context.file_input("weights")?.bytes).map_err(refused_weights);
    }
    Weights::from_bytes(EMBEDDED_WEIGHTS).map_err(NodeError::failed)
}

/// The error of a wired file that holds no weights.
pub(crate) fn refused_weights(error: GeneratorError) -> NodeError {
    match error {
        GeneratorError::Weights(what) => NodeError::input(
            "weights",
            format!("{what}; wire weights from sta.weights or a node that trains"),
        ),
        other => NodeError::input("weights", other),
    }
}

fn demonstrations(context: &NodeContext<'_>) -> Result<Vec<Demonstration>, NodeError> {
    if !context.has_input("takes") {
        return Ok(Vec::new());
    }
    let audio = context.audio("audio")?;
    let emotion = if context.has_input("emotion") {
        (**context.emotion("emotion")?).clone()
    } else {
        Emotion::constant(0, 1.0)
    };
    let takes = context.takes("takes")?.iter();
    Ok(takes
        .map(|take| Demonstration {
            audio: (**audio).clone(),
            emotion: emotion.clone(),
            motion: (*take.motion).clone(),
        })
        .collect())
}

/// A folder parameter from the graph's folder; `None` when it is empty.
fn folder(context: &NodeContext<'_>, name: &str) -> Option<PathBuf> {
    Some(context.text(name).trim()).filter(|text| !text.is_empty()).map(|text| context.base_folder.join(text))
}

fn node_error(error: TrainingError) -> NodeError {
    match error {
        TrainingError::Checkpoint { .. } | TrainingError::Unsaved { .. } => {
            NodeError::parameter("checkpoints", error)
        }
        TrainingError::File { .. } | TrainingError::Corpus(_) => NodeError::parameter("corpus", error),
        other => NodeError::failed(other),
    }
}

fn report(learned: &Learned, losses: LossWeights, seed: u64, corpus: Digest) -> String {
    let Learned { outcome, clips: [learnt, coupled, held_out], .. } = learned;
    let ended = match outcome.stop {
        Stop::Finished => "all steps were taken",
        Stop::Early => "held-out speakers got no better",
        Stop::Cancelled => "it was asked to stop",
    };
    let best = match outcome.best {
        Some((step, loss)) => format!("The lowest held-out loss was {loss:.4}, at step {step}."),
        None => "Nothing was held out.".to_owned(),
    };
    let rows = learned
        .held_out
        .iter()
        .map(|(name, before, after)| format!("| {name} | {before:.4} | {after:.4} |\n"));
    let table = match learned.held_out.is_empty() {
        true => String::new(),
        false => {
            "\n| weighted loss on held-out speakers | before | after |\n|---|---|---|\n".to_owned()
                + &rows.collect::<String>()
        }
    };
    let LossWeights { own, cross, velocity, classes, vertex } = losses;
    format!(
        "# Training of the generator\n\n\
         Ended after {} steps: {ended}. {best} The weights are the running mean at step {}.\n\n\
         - learnt from {learnt} recordings and takes, {coupled} of them with a partner that says the same; \
         {held_out} recordings held out\n\
         - seed {seed}, corpus {corpus}\n\
         - loss weights: self {own}, cross {cross}, velocity {velocity}, classes {classes}, vertex {vertex}\n\
         - taken up from a checkpoint at step {}\n{table}",
        outcome.steps, outcome.weights_step, outcome.resumed_at
    )
}

/// Digest of what is read of the corpus; names count without their folder.
fn corpus_digest(context: &NodeContext<'_>) -> Result<Digest, NodeError> {
    let mut hasher = Hasher::new();
    if let Some(folder) = folder(context, "corpus") {
        for path in corpus_files(&folder).map_err(node_error)? {
            context.check_cancelled()?;
            let name = path.strip_prefix(&folder).unwrap_or(&path);
            hasher.text(&name.to_string_lossy()).bytes(&read(&path, "corpus")?);
        }
    }
    Ok(hasher.finish())
}

fn read(path: &Path, parameter: &str) -> Result<Vec<u8>, NodeError> {
    std::fs::read(path).map_err(|error| {
        NodeError::parameter(parameter, format!("{}: {error}; is it there?", path.display()))
    })
}

fn weights_schema() -> NodeSchema {
    NodeSchema::new(
        "sta.weights",
        "Load weights",
        "Reads weights of a generator, such as those that a training gave.",
        Purity::External,
        TimeSupport::Pointwise,
    )
    .parameter("file", ParameterKind::File { extensions: vec!["safetensors".to_owned()] }, "", "The weights.")
    .output("weights", PortType::File, "The weights, for sta.generator, sta.takes and nodes that train.")
}

fn load_weights(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let path = context.file("file")?;
    let bytes = read(&path, "file")?;
    Weights::from_bytes(&bytes).map_err(|error| {
        let what = if let GeneratorError::Weights(what) = error { what } else { error.to_string() };
        NodeError::parameter("file", format!("{}: {what}", path.display()))
    })?;
    Ok(output("weights", weights_file(bytes)))
}

fn weights_file(bytes: Vec<u8>) -> Value {
    Value::File(Arc::new(File { extension: "safetensors".to_owned(), bytes, companions: Vec::new() }))
}

fn file_digest(context: &NodeContext<'_>) -> Result<Digest, NodeError> {
    Ok(Digest::of(&read(&context.file("file")?, "file")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::corpus::tests::small_corpus;
    use esarm_graph::ParameterValue;
    use esarm_values::Audio;

    fn call(
        type_id: &str,
        set: &[(&str, ParameterValue)],
        inputs: &[(&str, Value)],
    ) -> Result<Outputs, NodeError> {
        let node = crate::node_types().into_iter().find(|node| node.schema.type_id == type_id).unwrap();
        node.call(set, inputs)
    }

    fn text(text: impl AsRef<Path>) -> ParameterValue {
        ParameterValue::Text(text.as_ref().display().to_string())
    }

    fn settings(corpus: &Path) -> Vec<(&'static str, ParameterValue)> {
        vec![
            ("corpus", text(corpus)),
            ("held_out", text("ben")),
            ("checkpoints", text(corpus.join("run"))),
            ("steps", ParameterValue::Number(3.0)),
            ("quadruples", ParameterValue::Number(1.0)),
        ]
    }

    fn tone() -> Value {
        let samples = (0..12_000).map(|n| 0.3 * (n as f32 * 0.05).sin()).collect();
        Value::Audio(Arc::new(Audio::new("tone", 16_000, samples)))
    }

    #[test]
    fn trained_weights_drive_the_generator_and_survive_their_file() {
        let corpus = small_corpus("node");
        let trained = call("sta.train", &settings(&corpus), &[]).unwrap();
        let Value::File(file) = &trained["weights"] else { panic!("no file") };
        let Value::Text(curves) = &trained["curves"] else { panic!("no curves") };
        let Value::Text(report) = &trained["report"] else { panic!("no report") };
        assert_eq!((curves.lines().count(), file.extension.as_str()), (4, "safetensors"));
        assert!(report.contains("4 recordings") && report.contains("after 3 steps"), "{report}");

        let path = corpus.join("taught.safetensors");
        std::fs::write(&path, &file.bytes).unwrap();
        let loaded = call("sta.weights", &[("file", text(&path))], &[]).unwrap();
        assert_eq!(loaded["weights"], trained["weights"]);
        let shipped = call("sta.generator", &[], &[("audio", tone())]).unwrap();
        let taught =
            call("sta.generator", &[], &[("audio", tone()), ("weights", loaded["weights"].clone())]).unwrap();
        assert_ne!(shipped["motion"], taught["motion"]);
        let count = [("count", ParameterValue::Number(1.0))];
        let takes =
            call("sta.takes", &count, &[("audio", tone()), ("weights", loaded["weights"].clone())]).unwrap();
        let Value::Takes(takes) = &takes["takes"] else { panic!("no takes") };
        assert_eq!(Value::Motion(takes[0].motion.clone()), taught["motion"]);
        std::fs::remove_dir_all(corpus).unwrap();
    }

    #[test]
    fn takes_can_be_imitated_without_a_corpus() {
        let count = [("count", ParameterValue::Number(2.0))];
        let takes = call("sta.takes", &count, &[("audio", tone())]).unwrap();
        let set = [("steps", ParameterValue::Number(2.0)), ("quadruples", ParameterValue::Number(1.0))];
        let trained =
            call("sta.train", &set, &[("audio", tone()), ("takes", takes["takes"].clone())]).unwrap();
        let Value::Text(report) = &trained["report"] else { panic!("no report") };
        assert!(report.contains("learnt from 2 recordings and takes, 0 of them"), "{report}");
        let told = call("sta.train", &set, &[("takes", takes["takes"].clone())]).unwrap_err().to_string();
        assert!(told.contains("audio"), "{told}");
    }

    #[test]
    fn the_shipped_graph_trains_on_a_small_corpus() {
        use esarm_engine::{Caches, Engine, Registry, RunOptions};
        let bytes = include_bytes!("../../../../assets/graphs/train_generator.esarm");
        let mut document = esarm_graph::parse(bytes).unwrap();
        assert_eq!(esarm_graph::serialize(&document).unwrap().as_bytes(), bytes);
        let mut registry = Registry::new();
        for node in crate::node_types().into_iter().chain(esarm_face::node_types()) {
            registry.register(node).unwrap();
        }
        let corpus = small_corpus("graph");
        let train = document.graph.nodes.get_mut("train").unwrap();
        let set =
            [("corpus", text(&corpus)), ("held_out", text("ben")), ("steps", ParameterValue::Number(2.0))];
        train.parameters.extend(set.map(|(name, value)| (name.to_owned(), value)));
        let graph = document.flatten(&registry.schemas()).unwrap();
        let engine = Engine::new(registry, Caches::in_memory(64 << 20));
        let cancelled = std::sync::atomic::AtomicBool::new(false);
        let result = engine.run(&graph, &RunOptions::default(), &cancelled, &|_| {}).unwrap();
        let report = match result.outputs.get(&"train.report".parse().unwrap()) {
            Some(Value::Text(report)) => report.clone(),
            other => panic!("{other:?}, {:?}", result.report.nodes),
        };
        assert!(report.contains("after 2 steps") && report.contains("| vertex |"), "{report}");
        std::fs::remove_dir_all(corpus).unwrap();
    }

    #[test]
    fn what_cannot_be_trained_on_is_named() {
        let told = |set: &[(&str, ParameterValue)], inputs: &[(&str, Value)]| {
            call("sta.train", set, inputs).unwrap_err().to_string()
        };
        assert!(told(&[], &[]).contains("nothing to learn from"), "{}", told(&[], &[]));
        let nowhere = [("corpus", text("/nowhere/corpus"))];
        assert!(told(&nowhere, &[]).contains("/nowhere/corpus"), "{}", told(&nowhere, &[]));
        let broken = weights_file(b"no weights".to_vec());
        assert!(told(&[], &[("weights", broken.clone())]).contains("weights"));
        let generate = call("sta.generator", &[], &[("audio", tone()), ("weights", broken)]).unwrap_err();
        assert!(generate.to_string().contains("input \"weights\""), "{generate}");
        let missing = call("sta.weights", &[("file", text("/nowhere/w.safetensors"))], &[]).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/w.safetensors"), "{missing}");
    }
}
