//! `reward.pick`: the best of several takes of a line, and why.

use super::files::{model_of, parameter_digest, with_model};
use super::score::Judgement;
use super::{node_error, wired_audio, wired_emotion};
use crate::terms::{TERM_NAMES, Term, take_distances};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, Range, TimeSupport};
use esarm_values::{Take, Takes, Track, Value};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The term that only several takes have.
const DIVERSITY: &str = "diversity";

pub(super) fn node_type() -> NodeType {
    NodeType::new(schema(), pick).with_fingerprint(|context| parameter_digest(context, "model_file"))
}

fn schema() -> NodeSchema {
    let text = || ParameterKind::Text { default: String::new() };
    let schema = NodeSchema::new(
        "reward.pick",
        "Pick the best take",
        "Ranks takes of a line by their reward, says why, and gives the best one.",
        Purity::External,
        TimeSupport::Whole,
    )
    .input("takes", PortType::Takes, "The takes.")
    .optional_input("audio", PortType::Audio, "The speech, mono at 16 kHz.")
    .optional_input("emotion", PortType::Emotion, "What the face should feel.");
    let schema = with_model(schema)
        .parameter("keep", text(), "", "Numbers of takes to keep, from 0, such as 0 3: they come first.")
        .parameter("veto", text(), "", "Numbers of takes to leave out, from 0.")
        .parameter(
            "caution",
            ParameterKind::number(0.0, 0.0, 10.0),
            "",
            "How much of its uncertainty is taken from a take's reward.",
        )
        .parameter(
            "weights",
            ParameterKind::Map { default: 0.0, hard: Range::new(-100.0, 100.0) },
            "",
            "What named terms add to the reward: lip_sync, closures, emotion_agreement, liveliness, smoothness, diversity.",
        )
        .parameter(
            "least",
            ParameterKind::Map { default: 0.0, hard: Range::new(0.0, 1.0) },
            "",
            "Least values of named terms: takes below are left out, unless they are kept.",
        )
        .output("best", PortType::Motion, "The best take's motion.")
        .output("take", PortType::Number, "The best take's number, from 0.")
        .output("ranked", PortType::Takes, "The takes that are not left out, best first.")
        .output("kept", PortType::Takes, "The takes that are kept: demonstrations for reward.rank. The best one when none is.")
        .output(
            "order",
            PortType::Text,
            "What the artist decided, as an order for reward.rank (JSON): kept takes before others before vetoed ones; empty when nothing is kept or vetoed.",
        )
        .output("reasons", PortType::Text, "JSON: every take in order with its score, terms and findings, and why it is left out.");
    // 2: the output order.
    NodeSchema { version: 2, ..schema }
}

/// A take with its judgement.
#[derive(Serialize)]
struct Ranked {
    take: usize,
    seed: u64,
    /// Reward less caution times uncertainty plus weighted terms.
    score: f64,
    reward: f64,
    uncertainty: f64,
    kept: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<String>,
    /// Probability that this take is preferred to the one after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_to_next: Option<f64>,
    terms: Vec<Term>,
}

/// What the artist asks for.
struct Wishes<'a> {
    keep: Vec<usize>,
    veto: Vec<usize>,
    caution: f64,
    weights: &'a BTreeMap<String, f64>,
    least: &'a BTreeMap<String, f64>,
}

fn pick(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let takes = context.takes("takes")?;
    let wishes = Wishes {
        keep: numbers(context, "keep", takes.len())?,
        veto: numbers(context, "veto", takes.len())?,
        caution: context.number("caution"),
        weights: known_terms(context, "weights")?,
        least: known_terms(context, "least")?,
    };
    if let Some(both) = wishes.keep.iter().find(|take| wishes.veto.contains(take)) {
        return Err(NodeError::parameter("veto", format!("take {both} is kept too; choose one")));
    }
    let ranked = ranked(context, takes, &wishes)?;
    let mut outputs = outputs(takes, &ranked)?;
    outputs.insert("order".to_owned(), Value::Text(hand_order(takes.len(), &wishes)?.into()));
    Ok(outputs)
}

/// Kept takes before others before vetoed ones, by the names that reward.rank gives takes; empty where nothing was decided.
fn hand_order(takes: usize, wishes: &Wishes<'_>) -> Result<String, NodeError> {
    let mut places: [Vec<String>; 3] = Default::default();
    for take in 0..takes {
        let place = match (wishes.keep.contains(&take), wishes.veto.contains(&take)) {
            (true, _) => 0,
            (_, true) => 2,
            _ => 1,
        };
        places[place].push(format!("take {take}"));
    }
    let places: Vec<Vec<String>> = places.into_iter().filter(|names| !names.is_empty()).collect();
    // Takes that are all in one place are not told apart.
    if places.len() < 2 {
        return Ok(String::new());
    }
    serde_json::to_string(&places).map_err(NodeError::failed)
}

fn ranked(context: &NodeContext<'_>, takes: &[Take], wishes: &Wishes<'_>) -> Result<Vec<Ranked>, NodeError> {
    let model = model_of(context)?;
    let (audio, emotion) = (wired_audio(context)?, wired_emotion(context)?);
    let motions: Vec<&Track> = takes.iter().map(|take| &*take.motion).collect();
    let distances = take_distances(&motions).map_err(|error| NodeError::input("takes", error))?;
    let mut ranked = Vec::new();
    for (number, take) in takes.iter().enumerate() {
        context.check_cancelled()?;
        (context.report_progress)(number as f64 / takes.len() as f64, "judging takes");
        let judged = Judgement::of(&model, &take.motion, audio, emotion).map_err(node_error)?;
        let mut terms = judged.terms;
        terms.push(diversity_of(number, &distances));
        let (reward, uncertainty) = (judged.rewards.clip_reward(), judged.rewards.clip_uncertainty());
        let weighted =
            |term: &Term| wishes.weights.get(term.name).unwrap_or(&0.0) * term.value.unwrap_or(0.0);
        let score = reward - wishes.caution * uncertainty + terms.iter().map(weighted).sum::<f64>();
        let kept = wishes.keep.contains(&number);
        let left_out = if kept { None } else { why_left_out(number, &terms, wishes) };
        let seed = take.seed;
        let row = Ranked {
            take: number,
            seed,
            score,
            reward,
            uncertainty,
            kept,
            left_out,
            preferred_to_next: None,
            terms,
        };
        ranked.push(row);
    }
    // Kept takes first, those left out last, then by score; of equal ones the first.
    ranked.sort_by(|a, b| {
        let place = |row: &Ranked| (row.left_out.is_some(), !row.kept);
        place(a).cmp(&place(b)).then(b.score.total_cmp(&a.score)).then(a.take.cmp(&b.take))
    });
    for at in 1..ranked.len() {
        ranked[at - 1].preferred_to_next = Some(model.preference(ranked[at - 1].reward, ranked[at].reward));
    }
    Ok(ranked)
}

fn diversity_of(number: usize, distances: &[Vec<f64>]) -> Term {
    let others = distances.len().saturating_sub(1);
    let sum: f64 = distances[number].iter().sum();
    Term {
        name: DIVERSITY,
        value: (others > 0).then(|| sum / others as f64),
        formula: "mean over other takes and frames of ||w - w_other||_2, not squared, in weights",
        finding: format!("compared with {others} other takes"),
        frames: Vec::new(),
    }
}

fn why_left_out(number: usize, terms: &[Term], wishes: &Wishes<'_>) -> Option<String> {
    if wishes.veto.contains(&number) {
        return Some("vetoed".to_owned());
    }
    terms.iter().find_map(|term| {
        let (least, value) = (wishes.least.get(term.name)?, term.value?);
        (value < *least).then(|| format!("{} is {value:.2}, below {least:.2}", term.name))
    })
}

fn outputs(takes: &[Take], ranked: &[Ranked]) -> Result<Outputs, NodeError> {
    let left = ranked.iter().filter(|row| row.left_out.is_none());
    let chosen: Takes = left.clone().map(|row| takes[row.take].clone()).collect();
    let Some(best) = left.clone().next() else {
        let what = if takes.is_empty() {
            "there are no takes"
        } else {
            "every take is left out; keep one or veto fewer"
        };
        return Err(NodeError::input("takes", what));
    };
    let mut kept: Takes = left.filter(|row| row.kept).map(|row| takes[row.take].clone()).collect();
    if kept.is_empty() {
        kept.push(takes[best.take].clone());
    }
    let json = serde_json::to_string(ranked).map_err(NodeError::failed)?;
    Ok(Outputs::from([
        ("best".to_owned(), Value::Motion(takes[best.take].motion.clone())),
        ("take".to_owned(), Value::Number(best.take as f64)),
        ("ranked".to_owned(), Value::Takes(Arc::new(chosen))),
        ("kept".to_owned(), Value::Takes(Arc::new(kept))),
        ("reasons".to_owned(), Value::Text(json.into())),
    ]))
}

/// Numbers of takes in a text.
fn numbers(context: &NodeContext<'_>, parameter: &str, takes: usize) -> Result<Vec<usize>, NodeError> {
    let words = context.text(parameter).split([',', ' ', '\n']).filter(|word| !word.is_empty());
    let number = |word: &str| {
        word.parse::<usize>().ok().filter(|number| *number < takes).ok_or_else(|| {
            let allowed = match takes {
                0 => "there are no takes".to_owned(),
                count => format!("there are takes 0 to {}", count - 1),
            };
            NodeError::parameter(parameter, format!("there is no take \"{word}\"; {allowed}"))
        })
    };
    words.map(number).collect()
}

/// Values by term name; other names are refused.
fn known_terms<'a>(
    context: &'a NodeContext<'_>,
    parameter: &str,
) -> Result<&'a BTreeMap<String, f64>, NodeError> {
    let values = context.map(parameter);
    let is_known = |name: &String| name == DIVERSITY || TERM_NAMES.contains(&name.as_str());
    match values.keys().find(|name| !is_known(name)) {
        None => Ok(values),
        Some(unknown) => {
            let known = TERM_NAMES.join(", ");
            Err(NodeError::parameter(
                parameter,
                format!("there is no term \"{unknown}\"; there are {known}, {DIVERSITY}"),
            ))
        }
    }
}
