//! `rl.tune`: a generator tuned by a reward.

use super::corpus::{HELD_OUT, corpus_digest, digest, lines, split};
use super::demonstrations::{by_hand, spread, wired};
use super::{generator_bytes, go_on, judge_of, node_error, optional_file, policy_of, with_lines};
use crate::card::Card;
use crate::compare::{Measures, divergence_between};
use crate::curves::{Row, curves_csv};
use crate::evaluation::perform;
use crate::generator::{GeneratorPolicy, RewardJudge, SpeechLine, columns, proxies};
use crate::policy::Proxy;
use crate::settings::{Algorithm, TuneSettings};
use crate::tune::{Hooks, Outcome, Task, tune};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_values::{Digest, File, Value};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Name of the checkpoint in its folder.
const CHECKPOINT: &str = "tuning.safetensors";
/// Seeds of the takes that before and after are compared by; checks draw others.
const COMPARED_SEEDS: [u64; 4] = [9001, 9002, 9003, 9004];

pub(super) fn node_type() -> NodeType {
    NodeType::new(schema(), evaluate).with_fingerprint(corpus_digest)
}

fn schema() -> NodeSchema {
    let schema = NodeSchema::new(
        "rl.tune",
        "Tune by reward",
        "Tunes the generator by reinforcement learning on a reward, near where it started, and stops when the reward is being exploited.",
        Purity::External,
        TimeSupport::Whole,
    );
    let schema = optional_file(
        schema,
        "weights",
        "Weights of the generator to start from; those of the program when nothing is wired.",
    );
    let schema = optional_file(
        schema,
        "reward",
        "The reward, from reward.train; the one of the program when nothing is wired.",
    );
    let mut schema = schema.many_input(
        "demonstrations",
        PortType::File,
        "What reward.rank gave, of one or more clips: takes that move less than theirs cost reward; without any, less than the start moves. DPO also learns from their orders made by hand, where the corpus has the recording and these weights drew the takes.",
    );
    // Nothing needs to be wired.
    schema.inputs.iter_mut().for_each(|input| input.required = false);
    with_settings(with_lines(schema))
        .output(
            "weights",
            PortType::File,
            "The tuned weights (safetensors): for sta.generator and sta.takes.",
        )
        .output("curves", PortType::Text, "CSV: what every iteration measured.")
        .output("card", PortType::Text, "JSON: configuration, digests, curves, before and after.")
        .output("report", PortType::Text, "The card as Markdown.")
}

fn with_settings(schema: NodeSchema) -> NodeSchema {
    let defaults = TuneSettings::default();
    let text = || ParameterKind::Text { default: String::new() };
    let integer = |default: usize, low: i64, high: i64| ParameterKind::integer(default as i64, low, high);
    let algorithms = Algorithm::ALL.map(Algorithm::name);
    schema
        .parameter(HELD_OUT, text(), "", "Speakers of the corpus to check on instead of learning from, by commas; every fourth line when empty.")
        .parameter("checkpoints", text(), "", "A folder that exists, in which the run keeps its state: one that was stopped goes on from there. Empty keeps nothing.")
        .parameter("algorithm", ParameterKind::choice(defaults.algorithm.name(), &algorithms), "", "What learns: PPO, GRPO over the takes of a line, or DPO from takes of the start ranked by the reward.")
        .parameter("iterations", integer(defaults.iterations, 1, 100_000), "", "Rounds of drawing takes, judging them and learning from them.")
        .parameter("lines_per_iteration", integer(defaults.lines_per_iteration, 1, 10_000), "lines", "Lines in an iteration.")
        .parameter("takes_per_line", integer(defaults.takes_per_line, 2, 1024), "takes", "Takes of each line: the group of GRPO, the ranking of DPO.")
        .parameter("epochs", integer(defaults.epochs, 1, 1000), "", "Passes over the takes of an iteration.")
        .parameter("learning_rate", ParameterKind::number(defaults.learning_rate, 1e-6, 1.0), "", "Step size of AdamW.")
        .parameter("clip_range", ParameterKind::number(defaults.clip_range, 0.001, 0.99), "", "How far probabilities may move before the surrogate stops rewarding it.")
        .parameter("kl_budget", ParameterKind::number(defaults.kl_budget, 1e-6, 1000.0), "nats per frame", "Largest divergence from the start, at 50 frames per second; what exceeds it is undone.")
        .parameter("kl_weight", ParameterKind::number(defaults.kl_weight, 0.0, 1000.0), "", "Weight of the divergence at the start; it adapts to the budget.")
        .parameter("entropy_weight", ParameterKind::number(defaults.entropy_weight, 0.0, 1000.0), "", "Weight of the entropy of the takes.")
        .parameter("caution", ParameterKind::number(defaults.caution, 0.0, 100.0), "", "How much of the reward's uncertainty is taken off it.")
        .parameter("liveliness_weight", ParameterKind::number(defaults.liveliness_weight, 0.0, 100.0), "", "Cost of moving less than the demonstrations, against freezing.")
        .parameter("lip_lock", ParameterKind::Toggle { default: true }, "", "Postures that part or close the lips neither explore nor learn.")
        .parameter("check_every", integer(defaults.check_every, 1, 100_000), "iterations", "Iterations from one check on held-out lines to the next.")
        .parameter("proxy_margin", ParameterKind::number(0.05, 0.0, 1.0), "", "How far lip sync, closures, emotion, liveliness and smoothness, each 0 to 1, may fall on held-out lines.")
        .parameter("alarm_patience", integer(defaults.alarm_patience, 1, 1000), "checks", "Checks in a row with a risen reward and a fallen figure after which the run stops and rolls back.")
        .parameter("seed", ParameterKind::integer(1, 0, 1_000_000), "", "The same seed and data give the same weights.")
}

fn evaluate(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let settings = settings(context)?;
    let bytes = generator_bytes(context, "weights")?;
    let policy = policy_of(context, "weights", bytes, context.toggle("lip_lock"))?;
    let (judge, reward_digest) = judge_of(context, "reward")?;
    let (clips, held_out) = split(context)?;
    let mut learnt = lines(context, clips.clone(), &policy, "preparing lines to learn from")?;
    let held_out = lines(context, held_out, &policy, "preparing held-out lines")?;
    let sets = wired(context)?;
    let spread = spread(context, &sets, &policy, &learnt, &COMPARED_SEEDS[..2])?;
    // Only DPO can learn from takes that were drawn before.
    let sets = if settings.algorithm == Algorithm::Dpo { &*sets } else { &[] };
    let by_hand = by_hand(sets, &clips, &policy, learnt.len())?;
    learnt.extend(by_hand.lines);
    let proxies = proxies(&judge, context.number("proxy_margin"));
    let proxies: Vec<&dyn Proxy<SpeechLine>> = proxies.iter().map(AsRef::as_ref).collect();
    let mut data = vec![
        ("generator weights".to_owned(), Digest::of(bytes).to_string()),
        ("reward weights".to_owned(), reward_digest.to_string()),
        ("speech learnt from".to_owned(), digest(&learnt).to_string()),
        ("speech held out".to_owned(), digest(&held_out).to_string()),
        ("temperature".to_owned(), context.number("temperature").to_string()),
        ("lip lock".to_owned(), context.toggle("lip_lock").to_string()),
        ("proxy margin".to_owned(), context.number("proxy_margin").to_string()),
    ];
    if !by_hand.orders.is_empty() {
        let takes: usize = by_hand.orders.iter().map(|order| order.seeds.len()).sum();
        let told = format!("{} lines, {takes} takes", by_hand.orders.len());
        data.push(("in an order made by hand".to_owned(), told));
    }
    let task = Task {
        start: &policy,
        lines: &learnt,
        held_out: &held_out,
        judge: &judge,
        proxies: &proxies,
        demonstration_spread: &spread,
        hand_orders: &by_hand.orders,
        data: data.clone(),
    };
    let checkpoint = context.folder("checkpoints")?.map(|folder| folder.join(CHECKPOINT));
    let outcome = run(context, &task, &settings, checkpoint.as_ref())?;
    let names: Vec<String> = proxies.iter().map(|proxy| proxy.name().to_owned()).collect();
    let comparison = compare(context, &task, &judge, &outcome)?;
    outputs(&outcome, &Card::new(&settings, &data, names, &outcome, comparison))
}

fn run(
    context: &NodeContext<'_>,
    task: &Task<'_, GeneratorPolicy>,
    settings: &TuneSettings,
    checkpoint: Option<&PathBuf>,
) -> Result<Outcome<GeneratorPolicy>, NodeError> {
    let mut row = |row: &Row| {
        let held_out =
            row.held_out.as_ref().map_or_else(String::new, |it| format!(", held out {:.3}", it.reward));
        let words = format!(
            "iteration {} of {}: reward {:.3} ± {:.3}{held_out}, KL {:.4}, {:.0} % without signal, clip {:.2}",
            row.iteration,
            settings.iterations,
            row.reward_mean,
            row.reward_std,
            row.kl,
            100.0 * row.groups_without_signal,
            row.clip_ratio.unwrap_or_default()
        );
        (context.report_progress)(row.iteration as f64 / settings.iterations as f64, &words);
    };
    let mut hooks = Hooks {
        cancelled: &|| context.cancelled.load(Ordering::Relaxed),
        working: &|fraction, words| (context.report_progress)(fraction, words),
        row: &mut row,
    };
    tune(task, settings, checkpoint.map(PathBuf::as_path), &mut hooks).map_err(node_error)
}

fn compare(
    context: &NodeContext<'_>,
    task: &Task<'_, GeneratorPolicy>,
    judge: &RewardJudge,
    outcome: &Outcome<GeneratorPolicy>,
) -> Result<crate::Comparison, NodeError> {
    (context.report_progress)(1.0, "comparing before and after");
    let proceed = || go_on(context);
    let takes = |policy| perform(policy, task.held_out, &COMPARED_SEEDS, &proceed).map_err(node_error);
    let measures = Measures {
        policy: task.start,
        lines: task.held_out,
        judge,
        critic: None,
        proxies: task.proxies,
        columns: columns(),
        demonstration_spread: task.demonstration_spread,
        seed: 1,
    };
    let mut comparison =
        measures.compare(&takes(task.start)?, &takes(&outcome.policy)?).map_err(node_error)?;
    comparison.kl = divergence_between(&outcome.policy, task.start, task.held_out, &COMPARED_SEEDS)
        .map_err(node_error)?;
    Ok(comparison)
}

fn outputs(outcome: &Outcome<GeneratorPolicy>, card: &Card) -> Result<Outputs, NodeError> {
    let notes = [
        ("tuned_by", card.settings.algorithm.name().to_owned()),
        ("iteration", outcome.best.iteration.to_string()),
        ("seed", card.settings.seed.to_string()),
    ];
    let bytes = outcome.policy.to_bytes(&notes).map_err(node_error)?;
    let weights = File { extension: "safetensors".to_owned(), bytes, companions: Vec::new() };
    Ok(Outputs::from([
        ("weights".to_owned(), Value::File(Arc::new(weights))),
        ("curves".to_owned(), Value::Text(curves_csv(&outcome.rows, &card.proxies).into())),
        ("card".to_owned(), Value::Text(card.json().map_err(NodeError::failed)?.into())),
        ("report".to_owned(), Value::Text(card.markdown().into())),
    ]))
}

fn settings(context: &NodeContext<'_>) -> Result<TuneSettings, NodeError> {
    let count = |name: &str| context.integer(name).cast_unsigned() as usize;
    let algorithm = Algorithm::from_name(context.text("algorithm"))
        .ok_or_else(|| NodeError::parameter("algorithm", "use ppo, grpo or dpo"))?;
    Ok(TuneSettings {
        algorithm,
        iterations: count("iterations"),
        lines_per_iteration: count("lines_per_iteration"),
        takes_per_line: count("takes_per_line"),
        epochs: count("epochs"),
        learning_rate: context.number("learning_rate"),
        clip_range: context.number("clip_range"),
        kl_budget: context.number("kl_budget"),
        kl_weight: context.number("kl_weight"),
        entropy_weight: context.number("entropy_weight"),
        caution: context.number("caution"),
        liveliness_weight: context.number("liveliness_weight"),
        check_every: count("check_every"),
        alarm_patience: count("alarm_patience"),
        seed: context.integer("seed").cast_unsigned(),
        ..TuneSettings::default()
    })
}
