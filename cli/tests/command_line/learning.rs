//! The graphs that rank, learn and choose, at small size.

use crate::corpus::copied;
use crate::{HELLO, esarm, folder, workspace};
use serde_json::Value;
use std::path::Path;

fn json_in(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_best_of_some_takes_is_written_with_reasons() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let outputs = ["glb=best.glb", "csv=best.csv", "reasons=reasons.json", "take=take.txt"];
    let outputs = outputs.map(|output| output.replace('=', &format!("={}/", folder.path().display())));
    let mut arguments =
        vec!["run", "assets/graphs/best_of_takes.esarm", "--set", "takes.count=3", "--seed", "7"];
    let speech = format!("speech={HELLO}");
    arguments.extend(["--set", "emotion.emotion=happy", "--input", &speech]);
    outputs.iter().for_each(|output| arguments.extend(["--output", output]));
    esarm(arguments).expect(0, &[]);
    let reasons = json_in(&path("reasons.json"));
    let takes = reasons.as_array().or_else(|| reasons["takes"].as_array()).unwrap();
    assert_eq!(takes.len(), 3);
    let scores: Vec<f64> = takes.iter().map(|take| take["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    assert_eq!(std::fs::read_to_string(path("take.txt")).unwrap(), takes[0]["take"].to_string());
    assert!(std::fs::metadata(path("best.glb")).unwrap().len() > 100_000);
}

#[test]
fn a_reward_is_learnt_from_ranked_takes_and_judges() {
    let folder = folder();
    let rank = copied("rank_takes.esarm", folder.path());
    let train = copied("train_reward.esarm", folder.path());
    let speech = format!("speech={}", workspace().join(HELLO).display());
    for (number, emotion) in ["happy", "sad", "angry"].into_iter().enumerate() {
        let output =
            format!("demonstrations={}/demonstrations/{number}.demonstrations", folder.path().display());
        let emotion = format!("emotion.emotion={emotion}");
        esarm(["run", &rank, "--input", &speech, "--set", &emotion, "--output", &output]).expect(0, &[]);
    }
    let learn = |name: &str| {
        let output = format!("model={}/{name}", folder.path().display());
        let settings = ["--set", "train.steps=12", "--set", "train.members=1", "--set", "train.pairs=4"];
        let settings = settings.into_iter().chain([
            "--set",
            "train.validate_every=6",
            "--set",
            "train.validation_pairs=8",
        ]);
        esarm(["run", &train, "--output", &output].into_iter().chain(settings)).expect(0, &[]);
        std::fs::read(folder.path().join(name)).unwrap()
    };
    let model = learn("reward.safetensors");
    assert!(model == learn("again.safetensors"), "the same demonstrations and seed gave another reward");
    let best = format!("reasons={}/reasons.json", folder.path().display());
    let with_model = format!("pick.model_file={}/reward.safetensors", folder.path().display());
    let graph = ["run", "assets/graphs/best_of_takes.esarm", "--set", "takes.count=2", "--set", &with_model];
    esarm(graph.into_iter().chain(["--input", &speech, "--output", &best])).expect(0, &[]);
    assert!(folder.path().join("reasons.json").exists());
}
