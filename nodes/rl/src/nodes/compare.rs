//! `rl.compare`: two generators side by side on lines that neither has learnt from.

use super::corpus::{check_speakers, corpus_digest, is_every_fourth, lines, names, recordings};
use super::{generator_bytes, go_on, judge_of, node_error, optional_file, policy_of, with_lines};
use crate::compare::{Measures, divergence_between};
use crate::evaluation::perform;
use crate::generator::{SpeechLine, columns, proxies};
use crate::policy::{Judge, Proxy};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_values::Value;

pub(super) fn node_type() -> NodeType {
    NodeType::new(schema(), evaluate).with_fingerprint(corpus_digest)
}

fn schema() -> NodeSchema {
    let schema = NodeSchema::new(
        "rl.compare",
        "Compare generators",
        "Compares a generator with another, usually the one before tuning, on held-out lines: reward, an independent critic, closures, movement, diversity.",
        Purity::External,
        TimeSupport::Whole,
    )
    .input("after", PortType::File, "Weights of the generator that is to be better.");
    let schema = optional_file(
        schema,
        "before",
        "Weights of the other generator; those of the program when nothing is wired.",
    );
    let schema = optional_file(
        schema,
        "reward",
        "The reward that was raised; the one of the program when nothing is wired.",
    );
    let schema = optional_file(
        schema,
        "critic",
        "An independent reward, learnt from other material and seeds; without it there is no win rate.",
    );
    let schema = with_lines(schema)
        .parameter(
            "speakers",
            ParameterKind::Text { default: String::new() },
            "",
            "Speakers of the corpus to compare on, by commas; all when empty.",
        )
        .parameter(
            "every_fourth",
            ParameterKind::Toggle { default: false },
            "",
            "When no speaker is named, only every fourth line: those that rl.rank and rl.tune hold out when no speaker is named to them.",
        )
        .parameter("takes", ParameterKind::integer(4, 1, 1024), "takes", "Takes of each line.")
        .parameter(
            "seed",
            ParameterKind::integer(1, 0, 1_000_000),
            "",
            "Draws takes and intervals; both generators get the same.",
        );
    let schema = schema
        .output("table", PortType::Text, "JSON: the figures with their 95 % intervals.")
        .output("report", PortType::Text, "The same as Markdown.");
    // 2: the parameter every_fourth.
    NodeSchema { version: 2, ..schema }
}

fn evaluate(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let policy = |port: &str| policy_of(context, port, generator_bytes(context, port)?, false);
    let (before, after) = (policy("before")?, policy("after")?);
    let (judge, _) = judge_of(context, "reward")?;
    let critic = if context.has_input("critic") { Some(judge_of(context, "critic")?.0) } else { None };
    let mut clips = recordings(context)?;
    let speakers = names(context, "speakers");
    check_speakers("speakers", &speakers, &clips)?;
    let mut number = 0;
    clips.retain(|clip| {
        number += 1;
        match speakers.is_empty() {
            true => !context.toggle("every_fourth") || is_every_fourth(number - 1),
            false => speakers.contains(&clip.speaker),
        }
    });
    let before_lines = lines(context, clips.clone(), &before, "preparing lines")?;
    // Generators may differ in more than what tuning changes: each prepares its own lines.
    let after_lines = lines(context, clips, &after, "preparing lines")?;
    let seeds: Vec<u64> = (0..context.integer("takes")).map(|take| seed_of(context, take)).collect();
    let proceed = || go_on(context);
    (context.report_progress)(0.2, "drawing takes");
    let takes_before = perform(&before, &before_lines, &seeds, &proceed).map_err(node_error)?;
    let takes_after = perform(&after, &after_lines, &seeds, &proceed).map_err(node_error)?;
    (context.report_progress)(0.5, "judging takes");
    let proxies = proxies(&judge, 0.0);
    let proxies: Vec<&dyn Proxy<SpeechLine>> = proxies.iter().map(AsRef::as_ref).collect();
    let measures = Measures {
        policy: &before,
        lines: &before_lines,
        judge: &judge,
        critic: critic.as_ref().map(|critic| critic as &dyn Judge<SpeechLine>),
        proxies: &proxies,
        columns: columns(),
        demonstration_spread: &[],
        seed: context.integer("seed").cast_unsigned(),
    };
    let mut comparison = measures.compare(&takes_before, &takes_after).map_err(node_error)?;
    comparison.kl = divergence_between(&after, &before, &after_lines, &seeds).map_err(node_error)?;
    let json = serde_json::to_string_pretty(&comparison).map_err(NodeError::failed)?;
    Ok(Outputs::from([
        ("table".to_owned(), Value::Text(json.into())),
        ("report".to_owned(), Value::Text(comparison.markdown().into())),
    ]))
}

/// Seeds of takes, apart from those that tuning draws.
fn seed_of(context: &NodeContext<'_>, take: i64) -> u64 {
    let seed = context.integer("seed").cast_unsigned();
    seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(take.cast_unsigned())
}
