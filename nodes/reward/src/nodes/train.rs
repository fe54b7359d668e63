//! `reward.train`: a reward from ranked demonstrations.

use super::files::{folder_digest, read_folder};
use super::node_error;
use crate::RewardError;
use crate::demonstrations::{Demonstrations, unbundle};
use crate::training::{CurveRow, TrainOptions, Trained, curve_csv, train};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_values::{File, Value};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Name of the checkpoint in its folder.
const CHECKPOINT: &str = "reward.checkpoint";

pub(super) fn node_type() -> NodeType {
    NodeType::new(schema(), evaluate).with_fingerprint(|context| folder_digest(context, "folder"))
}

fn schema() -> NodeSchema {
    let text = || ParameterKind::Text { default: String::new() };
    let options = TrainOptions::default();
    let integer = |default: usize, low: i64, high: i64| ParameterKind::integer(default as i64, low, high);
    let mut schema = NodeSchema::new(
        "reward.train",
        "Train reward",
        "Learns from ranked demonstrations what a good performance is.",
        Purity::External,
        TimeSupport::Whole,
    )
    .many_input("demonstrations", PortType::File, "What reward.rank gives, of one or more clips.")
    .parameter("folder", text(), "", "A folder of .demonstrations files that are learnt from too; empty for none.")
    .parameter(
        "checkpoints",
        text(),
        "",
        "A folder that exists, in which the training keeps its state: one that was stopped goes on from there. Empty for none.",
    )
    .parameter("members", integer(options.members, 1, 16), "", "Networks of the ensemble; their disagreement tells how unsure the reward is.")
    .parameter("steps", integer(options.steps, 1, 1_000_000), "", "Most steps of the optimiser.")
    .parameter("pairs", integer(options.pairs, 1, 4096), "", "Pairs of snippets that each network sees in a step.")
    .parameter("learning_rate", ParameterKind::number(options.learning_rate, 1e-6, 1.0), "", "Highest size of a step.")
    .parameter("weight_decay", ParameterKind::number(options.weight_decay, 0.0, 1.0), "", "Share of a weight that a step of size 1 takes away.")
    .parameter("validate_every", integer(options.validate_every, 1, 1_000_000), "steps", "Steps from one validation, and checkpoint, to the next.")
    .parameter("patience", integer(options.patience, 1, 1_000_000), "", "Validations without gain after which training stops.")
    .parameter("validation_pairs", integer(options.validation_pairs, 1, 100_000), "", "Held-out pairs to validate and calibrate on.")
    .parameter("seed", ParameterKind::integer(1, 0, 1_000_000), "", "The same seed and demonstrations give the same weights.")
    .output("model", PortType::File, "The reward's weights.")
    .output("curve", PortType::Text, "CSV: losses, accuracy and disagreement as training went on.")
    .output("report", PortType::Text, "JSON: steps, and accuracy and calibration on held-out pairs.");
    // A folder alone is enough to learn from.
    schema.inputs.iter_mut().for_each(|input| input.required = false);
    schema
}

#[derive(Serialize)]
struct Report<'a> {
    clips: usize,
    pairs: usize,
    steps: usize,
    kept_step: usize,
    held_out: &'a crate::training::Calibration,
}

fn evaluate(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let sets = demonstrations(context)?;
    let options = options(context);
    let checkpoint = context.folder("checkpoints")?.map(|folder| folder.join(CHECKPOINT));
    let mut report = |step: usize, row: Option<&CurveRow>| {
        if context.cancelled.load(Ordering::Relaxed) {
            return Err(RewardError::Cancelled);
        }
        let words = row.map_or("learning".to_owned(), |row| {
            format!(
                "held-out loss {:.3}, accuracy {:.1} %",
                row.validation_loss,
                100.0 * row.validation_accuracy
            )
        });
        (context.report_progress)(step as f64 / options.steps as f64, &words);
        Ok(())
    };
    let trained = train(&sets, &options, checkpoint.as_deref(), &mut report).map_err(node_error)?;
    outputs(&sets, &trained)
}

fn outputs(sets: &[Demonstrations], trained: &Trained) -> Result<Outputs, NodeError> {
    let report = Report {
        clips: sets.len(),
        pairs: sets.iter().map(|set| set.pairs.len()).sum(),
        steps: trained.steps,
        kept_step: trained.best_step,
        held_out: &trained.calibration,
    };
    let report = serde_json::to_string(&report).map_err(NodeError::failed)?;
    let bytes = trained.weights.to_bytes().map_err(node_error)?;
    let model = File { extension: "safetensors".to_owned(), bytes, companions: Vec::new() };
    Ok(Outputs::from([
        ("model".to_owned(), Value::File(Arc::new(model))),
        ("curve".to_owned(), Value::Text(curve_csv(&trained.curve).into())),
        ("report".to_owned(), Value::Text(report.into())),
    ]))
}

/// What is wired and what lies in the folder.
fn demonstrations(context: &NodeContext<'_>) -> Result<Vec<Demonstrations>, NodeError> {
    let mut sets = Vec::new();
    for (number, value) in context.values("demonstrations").iter().enumerate() {
        let Value::File(file) = value else {
            return Err(NodeError::input("demonstrations", "takes files that reward.rank gives"));
        };
        let name = format!("wired as number {number}");
        let of_clips = unbundle(&name, file);
        sets.extend(of_clips.map_err(|error| NodeError::input("demonstrations", error))?);
    }
    sets.extend(read_folder(context, "folder")?);
    if sets.is_empty() {
        let what = "nothing is wired and no folder is named; wire reward.rank or name a folder of its files";
        return Err(NodeError::input("demonstrations", what));
    }
    Ok(sets)
}

fn options(context: &NodeContext<'_>) -> TrainOptions {
    let count = |name: &str| context.integer(name).cast_unsigned() as usize;
    TrainOptions {
        members: count("members"),
        steps: count("steps"),
        pairs: count("pairs"),
        learning_rate: context.number("learning_rate"),
        weight_decay: context.number("weight_decay"),
        validate_every: count("validate_every"),
        patience: count("patience"),
        validation_pairs: count("validation_pairs"),
        seed: context.integer("seed").cast_unsigned(),
    }
}
