//! `reward.rank`: ranked demonstrations of a clip.

use super::files::{parameter_digest, read_parameter};
use super::rank_settings::{rank_settings, with_rank_settings};
use super::{node_error, wired_audio, wired_emotion};
use crate::RewardError;
use crate::demonstrations::{Base, Demonstrations, FILE_EXTENSION, Kind, Order, rank};
use crate::features::{MOTION_COLUMNS, REWARD_RATE};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_values::{ARKIT_SHAPES, File, Take, Takes, Track, Value};
use serde::Serialize;
use std::sync::Arc;

pub(super) fn node_type() -> NodeType {
    NodeType::new(schema(), evaluate).with_fingerprint(|context| parameter_digest(context, "order"))
}

fn schema() -> NodeSchema {
    let schema = NodeSchema::new(
        "reward.rank",
        "Rank demonstrations",
        "Makes takes of a clip worse by degrees in several ways, so that it is known which is better.",
        Purity::External,
        TimeSupport::Whole,
    )
    .optional_input("takes", PortType::Takes, "Takes of the line, or a motion.")
    .optional_input("demonstration", PortType::Motion, "A real demonstration of the line: the best there is.")
    .optional_input("audio", PortType::Audio, "The speech, mono at 16 kHz; without it only the motion itself is varied.")
    .optional_input("emotion", PortType::Emotion, "What the face feels; without it emotions are not varied.")
    .optional_input(
        "hand_order",
        PortType::Text,
        "An order of takes made by hand, as reward.pick gives it of what is kept and vetoed; counts before the file. Empty for none.",
    );
    let schema = with_rank_settings(schema).parameter(
        "order",
        ParameterKind::File { extensions: vec!["json".to_owned(), "csv".to_owned()] },
        "",
        "An order of takes made by hand: a JSON list of names, best first, or CSV with the columns take and rank. It overrides the machine's between the takes that it names.",
    )
    .parameter(
        "order_weight",
        ParameterKind::number(4.0, 0.0, 100.0),
        "",
        "How often pairs of the order made by hand are learnt from, beside one noise family.",
    )
    .output(
        "demonstrations",
        PortType::File,
        "Takes, levels and pairs for reward.train; files of many clips can be kept in one folder.",
    )
    .output("takes", PortType::Takes, "The takes at 30 fps, in the order of the ranking.")
    .output("ranking", PortType::Text, "JSON: every take with level and family, and every pair with its gap.");
    // 2: the input hand_order.
    NodeSchema { version: 2, ..schema }
}

fn evaluate(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let takes: &[Take] = if context.has_input("takes") { context.takes("takes")? } else { &[] };
    let names: Vec<String> = (0..takes.len())
        .map(|number| if takes.len() == 1 { String::new() } else { format!("take {number}") })
        .collect();
    let mut bases = Vec::new();
    if context.has_input("demonstration") {
        let motion = context.motion("demonstration")?;
        let name = if takes.is_empty() { "" } else { "demonstration" };
        bases.push(Base::demonstration(name, motion));
    }
    for (take, name) in takes.iter().zip(&names) {
        bases.push(Base { seed: Some(take.seed), ..Base::take(name, &take.motion) });
    }
    if bases.is_empty() {
        return Err(NodeError::input(
            "takes",
            "nothing is wired here or to demonstration; wire a motion or takes",
        ));
    }
    let audio = wired_audio(context)?;
    let clip = audio.map_or("clip", |audio| audio.name.as_str());
    let settings = rank_settings(context)?;
    let mut ranked = rank(clip, &bases, audio, wired_emotion(context)?, &settings)
        .map_err(|error| at_input(error, takes))?;
    if let Some(order) = hand_order(context)? {
        let weight = context.number("order_weight") as f32;
        let at = |error: RewardError| order.error(error);
        ranked = ranked.ordered(&Order::parse(&order.text).map_err(at)?, weight).map_err(at)?;
    }
    outputs(&ranked)
}

/// The text of an order made by hand, and whether it was wired.
struct HandOrderText {
    text: String,
    is_wired: bool,
}

impl HandOrderText {
    fn error(&self, error: RewardError) -> NodeError {
        if self.is_wired {
            NodeError::input("hand_order", error)
        } else {
            NodeError::parameter("order", error)
        }
    }
}

/// The order that is wired, or in the file; `None` where there is neither.
fn hand_order(context: &NodeContext<'_>) -> Result<Option<HandOrderText>, NodeError> {
    if context.has_input("hand_order") {
        let text = context.text_input("hand_order")?.to_string();
        if !text.trim().is_empty() {
            return Ok(Some(HandOrderText { text, is_wired: true }));
        }
    }
    if context.text("order").is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&read_parameter(context, "order")?).into_owned();
    Ok(Some(HandOrderText { text, is_wired: false }))
}

/// A motion's error belongs to the input that the motion came from.
fn at_input(error: RewardError, takes: &[Take]) -> NodeError {
    let port = if takes.is_empty() { "demonstration" } else { "takes" };
    match error {
        RewardError::Unequal { .. } | RewardError::Motion { .. } => NodeError::input(port, error),
        RewardError::Kernel(_) => NodeError::parameter("levels", error),
        other => node_error(other),
    }
}

/// A take in the ranking.
#[derive(Serialize)]
struct RankedRow<'a> {
    take: &'a str,
    level: f32,
    source: &'static str,
}

/// A pair in the ranking.
#[derive(Serialize)]
struct PairRow<'a> {
    better: &'a str,
    worse: &'a str,
    gap: f32,
    group: &'static str,
    weight: f32,
}

#[derive(Serialize)]
struct Ranking<'a> {
    clip: &'a str,
    takes: Vec<RankedRow<'a>>,
    pairs: Vec<PairRow<'a>>,
}

fn outputs(ranked: &Demonstrations) -> Result<Outputs, NodeError> {
    let mut order: Vec<usize> = (0..ranked.takes.len()).collect();
    order.sort_by(|a, b| ranked.takes[*a].level.total_cmp(&ranked.takes[*b].level));
    let source = |kind: Kind| match kind {
        Kind::Demonstration => "demonstration",
        Kind::Take => "take",
        Kind::Still => "still",
        Kind::Varied(family) => family.name(),
    };
    let row = |index: &usize| {
        let take = &ranked.takes[*index];
        RankedRow { take: &take.name, level: take.level, source: source(take.kind) }
    };
    let pair = |pair: &crate::demonstrations::Pair| PairRow {
        better: &ranked.takes[pair.better].name,
        worse: &ranked.takes[pair.worse].name,
        gap: pair.gap,
        group: pair.group.name(),
        weight: pair.weight,
    };
    let ranking = Ranking {
        clip: &ranked.scene.name,
        takes: order.iter().map(row).collect(),
        pairs: ranked.pairs.iter().map(pair).collect(),
    };
    let json = serde_json::to_string(&ranking).map_err(NodeError::failed)?;
    let takes: Takes =
        order.iter().map(|index| take_of(*index, &ranked.takes[*index].motion)).collect::<Result<_, _>>()?;
    let bytes = ranked.to_bytes().map_err(node_error)?;
    let file = File { extension: FILE_EXTENSION.to_owned(), bytes, companions: Vec::new() };
    Ok(Outputs::from([
        ("demonstrations".to_owned(), Value::File(Arc::new(file))),
        ("takes".to_owned(), Value::Takes(Arc::new(takes))),
        ("ranking".to_owned(), Value::Text(json.into())),
    ]))
}

fn take_of(number: usize, motion: &[f32]) -> Result<Take, NodeError> {
    debug_assert!(motion.len().is_multiple_of(MOTION_COLUMNS));
    let names = ARKIT_SHAPES.map(str::to_owned).to_vec();
    let motion = Track::new(REWARD_RATE, names, motion.to_vec()).map_err(NodeError::failed)?;
    Ok(Take { motion: Arc::new(motion), seed: number as u64, log_probability: None })
}
