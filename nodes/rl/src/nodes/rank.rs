//! `rl.rank`: ranked demonstrations of every line of a corpus, from takes of a generator.

use super::corpus::{HELD_OUT, corpus_digest, lines, split};
use super::{generator_bytes, node_error, optional_file, policy_of, with_lines};
use crate::generator::{GeneratorPolicy, SpeechLine};
use crate::policy::{Policy, Sampling};
use crate::rollout::seeds;
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_kernels::random::Random;
use esarm_reward::features::REWARD_RATE;
use esarm_reward::{Base, Demonstrations, RankSettings, bundle, rank, rank_settings, with_rank_settings};
use esarm_values::{ARKIT_SHAPES, Track, Value};
use std::sync::Arc;

const TAKES_STREAM: u64 = 0x526B;

pub(super) fn node_type() -> NodeType {
    NodeType::new(schema(), evaluate).with_fingerprint(corpus_digest)
}

fn schema() -> NodeSchema {
    let schema = NodeSchema::new(
        "rl.rank",
        "Rank a corpus",
        "Draws takes of every line of a corpus and makes them worse by degrees, so that it is known which is better.",
        Purity::External,
        TimeSupport::Whole,
    );
    let schema = optional_file(
        schema,
        "weights",
        "Weights of the generator that draws the takes; those of the program when nothing is wired.",
    );
    let schema = with_lines(schema)
        .parameter(
            HELD_OUT,
            ParameterKind::Text { default: String::new() },
            "",
            "Speakers of the corpus to leave out, by commas; every fourth line when empty, as rl.tune holds them out.",
        )
        .parameter("takes", ParameterKind::integer(1, 1, 64), "takes", "Takes of each line.");
    with_rank_settings(schema)
        .output(
            "demonstrations",
            PortType::File,
            "Takes, levels and pairs of every line, for reward.train and rl.tune.",
        )
        .output(
            "table",
            PortType::Text,
            "CSV: the takes and pairs of each line, and lines that were left out with the reason.",
        )
}

fn evaluate(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let settings = rank_settings(context)?;
    let policy = policy_of(context, "weights", generator_bytes(context, "weights")?, false)?;
    let lines = lines(context, split(context)?.0, &policy, "preparing lines")?;
    let count = context.integer("takes").cast_unsigned() as usize;
    let mut table = "line,takes,pairs,left_out\n".to_owned();
    let mut sets = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        context.check_cancelled()?;
        (context.report_progress)(number as f64 / lines.len() as f64, &format!("ranking {}", line.name));
        match ranked(&policy, line, number, count, &settings)? {
            Ok(set) => {
                table += &format!("{},{},{},\n", line.name, set.takes.len(), set.pairs.len());
                sets.push(set);
            }
            Err(reason) => table += &format!("{},0,0,\"{}\"\n", line.name, reason.replace('"', "'")),
        }
    }
    if sets.is_empty() {
        let what = format!("none of its {} lines can be ranked: {table}", lines.len());
        return Err(NodeError::parameter("corpus", what));
    }
    let file = bundle(&sets).map_err(NodeError::failed)?;
    Ok(Outputs::from([
        ("demonstrations".to_owned(), Value::File(Arc::new(file))),
        ("table".to_owned(), Value::Text(table.into())),
    ]))
}

/// Ranked takes of a line, or why it has none: a face that does not move, or a silent recording.
fn ranked(
    policy: &GeneratorPolicy,
    line: &SpeechLine,
    number: usize,
    count: usize,
    settings: &RankSettings,
) -> Result<Result<Demonstrations, String>, NodeError> {
    let random = Random::new(settings.seed, TAKES_STREAM).split(number as u64);
    let seeds = seeds(random, count);
    let drawn = policy.sample(line, &seeds, Sampling::Performing).map_err(node_error)?;
    let mut motions = Vec::with_capacity(count);
    for actions in &drawn {
        let rows = policy.motion(line, actions).map_err(node_error)?;
        let names = ARKIT_SHAPES.map(str::to_owned).to_vec();
        motions.push(Track::new(REWARD_RATE, names, rows.values).map_err(NodeError::failed)?);
    }
    let names: Vec<String> =
        (0..count).map(|take| if count == 1 { String::new() } else { format!("take {take}") }).collect();
    let base = |take: usize| Base { seed: Some(seeds[take]), ..Base::take(&names[take], &motions[take]) };
    let bases: Vec<Base<'_>> = (0..count).map(base).collect();
    let settings = RankSettings {
        seed: settings.seed.wrapping_mul(1_000_003).wrapping_add(number as u64),
        ..settings.clone()
    };
    let ranked = rank(&line.name, &bases, Some(&line.audio), Some(&line.emotion), &settings);
    Ok(ranked.map_err(|error| error.to_string()))
}
