use super::*;
use crate::card::Card;
use crate::compare::Comparison;
use crate::testing::write_corpus;
use esarm_engine::Outputs;
use esarm_graph::ParameterValue;
use esarm_values::{File, Value};
use std::path::Path;
use std::sync::Arc;

fn call(
    type_id: &str,
    set: &[(&str, ParameterValue)],
    inputs: &[(&str, Value)],
) -> Result<Outputs, NodeError> {
    let node = node_types().into_iter().find(|node| node.schema.type_id == type_id).unwrap();
    node.call(set, inputs)
}

fn text(text: impl AsRef<Path>) -> ParameterValue {
    ParameterValue::Text(text.as_ref().display().to_string())
}

fn number(value: f64) -> ParameterValue {
    ParameterValue::Number(value)
}

/// A reward that has learnt nothing.
fn reward(seed: u64) -> Value {
    let bytes = RewardWeights::untrained(2, seed).to_bytes().unwrap();
    Value::File(Arc::new(File { extension: "safetensors".to_owned(), bytes, companions: Vec::new() }))
}

fn settings(corpus: &Path) -> Vec<(&'static str, ParameterValue)> {
    vec![
        ("corpus", text(corpus)),
        ("held_out", text("ben")),
        ("iterations", number(2.0)),
        ("takes_per_line", number(3.0)),
        ("check_every", number(1.0)),
    ]
}

fn written(outputs: &Outputs, port: &str) -> String {
    let Value::Text(text) = &outputs[port] else { panic!("{port} is no text") };
    text.to_string()
}

/// The numbers of the policy in the tuned weights.
fn numbers(outputs: &Outputs) -> Vec<f32> {
    let Value::File(file) = &outputs["weights"] else { panic!("no file") };
    let policy = GeneratorPolicy::from_bytes(&file.bytes, 0.5, true).unwrap();
    crate::parameters::numbers_of(crate::policy::Policy::network(&policy))
}

#[test]
fn a_generator_is_tuned_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    write_corpus(folder.path(), 4);
    for algorithm in ["ppo", "grpo", "dpo"] {
        let mut set = settings(folder.path());
        set.push(("algorithm", text(algorithm)));
        let tuned = call("rl.tune", &set, &[("reward", reward(5))]).unwrap();
        let card: Card = serde_json::from_str(&written(&tuned, "card")).unwrap();
        assert_eq!((card.rows.len(), card.checks.len(), card.comparison.lines), (2, 3, 2));
        assert_eq!(card.settings.algorithm.name(), algorithm);
        assert_eq!(written(&tuned, "curves").lines().count(), 3);
        assert!(written(&tuned, "report").contains("## Before and after"));
        let inputs = [("after", tuned["weights"].clone()), ("reward", reward(5)), ("critic", reward(6))];
        let set = [("corpus", text(folder.path())), ("speakers", text("ben")), ("takes", number(2.0))];
        let compared = call("rl.compare", &set, &inputs).unwrap();
        let table: Comparison = serde_json::from_str(&written(&compared, "table")).unwrap();
        assert_eq!((table.lines, table.takes), (2, 2));
        assert!(table.win_rate.is_some() && table.kl.is_some() && table.diversity.is_some());
        assert!(written(&compared, "report").contains("win rate"));
    }
}

#[test]
fn a_run_with_checkpoints_gives_what_one_without_gives() {
    let folder = tempfile::tempdir().unwrap();
    write_corpus(folder.path(), 4);
    let set = settings(folder.path());
    let whole = call("rl.tune", &set, &[("reward", reward(5))]).unwrap();
    let mut kept = set.clone();
    kept.push(("checkpoints", text(folder.path())));
    let mut first = kept.clone();
    first.push(("iterations", number(1.0)));
    call("rl.tune", &first, &[("reward", reward(5))]).unwrap();
    let resumed = call("rl.tune", &kept, &[("reward", reward(5))]).unwrap();
    assert_eq!(numbers(&resumed), numbers(&whole));
    assert_eq!(
        (written(&resumed, "card"), written(&resumed, "curves")),
        (written(&whole, "card"), written(&whole, "curves"))
    );
    // Another reward is another run.
    let error = call("rl.tune", &kept, &[("reward", reward(6))]).unwrap_err().to_string();
    assert!(error.contains("checkpoints") && error.contains("reward weights was"), "{error}");
}

#[test]
fn what_is_wrong_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write_corpus(folder.path(), 4);
    let told = |change: (&'static str, ParameterValue), inputs: &[(&str, Value)]| {
        let mut set = settings(folder.path());
        set.push(change);
        call("rl.tune", &set, inputs).unwrap_err().to_string()
    };
    assert!(told(("held_out", text("carl")), &[]).contains("it has anna, ben"));
    assert!(told(("corpus", text("")), &[]).contains("no folder is named"));
    assert!(told(("corpus", text("/nowhere/at/all")), &[]).contains("corpus"));
    assert!(told(("checkpoints", text("/nowhere/at/all")), &[]).contains("is no folder"));
    let nonsense = File { extension: "safetensors".to_owned(), bytes: vec![1; 9], companions: Vec::new() };
    let nonsense = Value::File(Arc::new(nonsense));
    let seed = ("seed", number(1.0));
    assert!(told(seed.clone(), &[("weights", nonsense.clone())]).contains("\"weights\""));
    assert!(told(seed, &[("reward", nonsense)]).contains("\"reward\""));
}
