//! The graphs that teach, tune and compare generators, at small size.

use crate::corpus::{GraphRun, write_corpus};
use crate::folder;
use serde_json::Value;
use std::path::Path;

/// Settings of `rl.tune` that take a second.
const QUICK_TUNING: [(&str, &str); 4] = [
    ("tune.iterations", "2"),
    ("tune.takes_per_line", "3"),
    ("tune.lines_per_iteration", "4"),
    ("tune.check_every", "1"),
];

fn text_in(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn json_in(path: &Path) -> Value {
    serde_json::from_str(&text_in(path)).unwrap()
}

#[test]
fn a_corpus_teaches_the_generator_and_the_lesson_is_compared() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    write_corpus(folder.path());
    let lesson = GraphRun::new("train_generator.esarm", folder.path())
        .set(&[("train.held_out", "ben"), ("train.steps", "4"), ("train.quadruples", "1")])
        .output("weights", &at("taught.safetensors"))
        .output("curves", &at("curves.csv"))
        .output("report", &at("report.md"));
    lesson.works();
    assert_eq!(text_in(&at("curves.csv")).lines().count(), 5);
    assert!(text_in(&at("report.md")).contains("4 recordings held out"), "{}", text_in(&at("report.md")));
    let comparison = GraphRun::new("compare_generators.esarm", folder.path())
        .set(&[("compare.speakers", "ben"), ("compare.takes", "2")])
        .input("after", &at("taught.safetensors"))
        .output("table", &at("table.json"))
        .output("report", &at("comparison.md"));
    comparison.works();
    let table = json_in(&at("table.json"));
    assert_eq!((&table["lines"], &table["takes"]), (&Value::from(4), &Value::from(2)));
    assert!(text_in(&at("comparison.md")).contains("95 %"), "{}", text_in(&at("comparison.md")));
}

#[test]
fn a_generator_is_tuned_by_the_shipped_reward() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    write_corpus(folder.path());
    let tuning = GraphRun::new("tune_generator.esarm", folder.path())
        .set(&QUICK_TUNING)
        .set(&[("tune.algorithm", "ppo"), ("tune.held_out", "ben")])
        .output("weights", &at("tuned.safetensors"))
        .output("card", &at("card.json"))
        .output("curves", &at("curves.csv"))
        .output("report", &at("report.md"));
    tuning.works();
    assert_eq!(json_in(&at("card.json"))["settings"]["algorithm"], "ppo");
    assert_eq!(text_in(&at("curves.csv")).lines().count(), 3);
    assert!(text_in(&at("report.md")).contains("## Before and after"));
    assert!(std::fs::metadata(at("tuned.safetensors")).unwrap().len() > 10_000);
}

#[test]
fn what_a_person_keeps_teaches_reward_and_generator_from_files() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let corpus = write_corpus(folder.path());
    // Two lines of which takes are kept and vetoed, each in a file.
    for (line, keep, veto) in [("one_0", "2", "0"), ("two_2", "1 3", "0")] {
        let kept = GraphRun::new("keep_takes.esarm", folder.path())
            .set(&[
                ("pick.keep", keep),
                ("pick.veto", veto),
                ("takes.count", "4"),
                ("emotion.emotion", "sad"),
            ])
            .set(&[("rank.families", "white desync"), ("rank.levels", "0.4 0.9"), ("rank.order_weight", "6")])
            .input("speech", &corpus.join(format!("{line}.wav")))
            .output("demonstrations", &at(&format!("demonstrations/{line}.demonstrations")))
            .output("ranking", &at("ranking.json"))
            .output("order", &at("order.json"));
        kept.works();
    }
    assert_eq!(text_in(&at("order.json")), r#"[["take 1","take 3"],["take 2"],["take 0"]]"#);
    let ranking = json_in(&at("ranking.json"));
    let by_hand: Vec<&Value> =
        ranking["pairs"].as_array().unwrap().iter().filter(|pair| pair["group"] == "human").collect();
    assert_eq!(by_hand.len(), 5);
    assert!(by_hand.iter().all(|pair| pair["weight"] == 6.0));

    let reward = GraphRun::new("train_reward.esarm", folder.path())
        .set(&[("train.steps", "6"), ("train.members", "1"), ("train.pairs", "4")])
        .set(&[("train.validate_every", "3"), ("train.validation_pairs", "8")])
        .output("model", &at("reward.safetensors"))
        .output("report", &at("reward.json"));
    reward.works();
    assert_eq!(json_in(&at("reward.json"))["clips"], 2);

    let tuning = |temperature: &str, name: &str| {
        GraphRun::new("tune_by_hand.esarm", folder.path())
            .set(&QUICK_TUNING)
            .set(&[("tune.temperature", temperature)])
            .output("card", &at(name))
            .output("weights", &at("tuned.safetensors"))
    };
    tuning("0.5", "card.json").works();
    let card = text_in(&at("card.json"));
    assert!(card.contains("2 lines, 8 takes"), "{card}");
    // Takes of another temperature are not those that the person saw.
    let told = tuning("0.9", "other.json").call();
    told.expect(1, &["\"demonstrations\"", "was not drawn by these weights at this temperature"]);
    assert!(!at("other.json").exists());
}

#[test]
fn the_whole_loop_runs_on_a_small_corpus() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    write_corpus(folder.path());
    let quick_rewards = ["reward", "critic"].map(|node| {
        [("steps", "6"), ("members", "1"), ("pairs", "4"), ("validate_every", "3"), ("validation_pairs", "8")]
            .map(|(name, value)| (format!("{node}.{name}"), value))
    });
    let mut run = GraphRun::new("loop.esarm", folder.path()).set(&QUICK_TUNING);
    for (name, value) in quick_rewards.iter().flatten() {
        run = run.set(&[(name, value)]);
    }
    run = run.set(&[("rank.levels", "0.4 0.9"), ("critic_rank.levels", "0.5 1.0"), ("compare.takes", "2")]);
    for output in ["reward", "weights"] {
        run = run.output(output, &at(&format!("{output}.safetensors")));
    }
    for (output, name) in [
        ("report", "report.md"),
        ("table", "table.json"),
        ("tuning", "tuning.md"),
        ("reward_report", "reward.json"),
    ] {
        run = run.output(output, &at(name));
    }
    let report = at("run.json");
    run.arguments.extend(["--report".to_owned(), report.display().to_string()]);
    run.works();
    // Six lines to learn from, two to compare on: every fourth.
    assert_eq!(json_in(&at("reward.json"))["clips"], 6);
    let table = json_in(&at("table.json"));
    assert_eq!(table["lines"], 2);
    assert!(table["win_rate"].is_object() || table["win_rate"].is_array(), "{table}");
    let nodes = json_in(&report)["nodes"].as_array().unwrap().len();
    assert_eq!(nodes, 6);
}
