use super::*;
use crate::testing::talking;
use esarm_engine::Outputs;
use esarm_graph::{ParameterValue, TimeSupport};
use esarm_values::{File, Take, Track, Value};
use std::path::Path;
use std::sync::Arc;

fn node(type_id: &str) -> NodeType {
    node_types().into_iter().find(|node| node.schema.type_id == type_id).unwrap()
}

fn text(value: impl Into<String>) -> ParameterValue {
    ParameterValue::Text(value.into())
}

fn motion(track: &Track) -> Value {
    Value::Motion(Arc::new(track.clone()))
}

/// Audio, motion and emotion of a clip that ranks well.
fn clip(seed: u64) -> [(&'static str, Value); 3] {
    let (audio, track) = talking(seed, 2.5);
    [
        ("audio", Value::Audio(Arc::new(audio))),
        ("demonstration", motion(&track)),
        ("emotion", Value::Emotion(Arc::new(Emotion::constant(1, 0.5)))),
    ]
}

fn ranked(seed: u64, set: &[(&str, ParameterValue)]) -> Result<Outputs, NodeError> {
    node("reward.rank").call(set, &clip(seed))
}

fn quick_training() -> Vec<(&'static str, ParameterValue)> {
    let number = ParameterValue::Number;
    vec![
        ("members", number(2.0)),
        ("steps", number(4.0)),
        ("pairs", number(2.0)),
        ("validate_every", number(2.0)),
        ("validation_pairs", number(4.0)),
    ]
}

fn json(outputs: &Outputs, port: &str) -> serde_json::Value {
    let Value::Text(text) = &outputs[port] else { panic!("{port} is no text") };
    serde_json::from_str(text).unwrap()
}

fn error(result: Result<Outputs, NodeError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn the_whole_chain_runs_and_a_folder_does_as_well_as_wires() {
    let few = [("families", text("white desync")), ("levels", text("0.4 0.9"))];
    let files: Vec<Value> =
        [1, 2].map(|seed| ranked(seed, &few).unwrap()["demonstrations"].clone()).into_iter().collect();
    let wires: Vec<(&str, Value)> = files.iter().map(|file| ("demonstrations", file.clone())).collect();
    let train = node("reward.train");
    let trained = train.call(&quick_training(), &wires).unwrap();
    assert_eq!(json(&trained, "report")["clips"], 2);

    let folder = tempfile::tempdir().unwrap();
    for (number, file) in files.iter().enumerate() {
        let Value::File(file) = file else { panic!("no file") };
        let name = format!("{number}.{}", file.extension);
        std::fs::write(folder.path().join(name), &file.bytes).unwrap();
    }
    let mut settings = quick_training();
    settings.push(("folder", text(folder.path().to_string_lossy())));
    settings.push(("checkpoints", text(folder.path().to_string_lossy())));
    let from_folder = train.call(&settings, &[]).unwrap();
    assert_eq!(from_folder, trained);
    assert!(folder.path().join("reward.checkpoint").exists());

    let [audio, (_, demonstration), emotion] = clip(1);
    let inputs = [audio, ("motion", demonstration), emotion, ("model", trained["model"].clone())];
    let scored = node("reward.score").call(&[], &inputs).unwrap();
    let reasons = json(&scored, "reasons");
    assert_eq!(reasons["terms"].as_array().unwrap().len(), 5);
    let Value::Number(score) = scored["score"] else { panic!("no number") };
    assert!((reasons["reward"].as_f64().unwrap() - score).abs() < 1e-9);
}

#[test]
fn rankings_list_takes_by_level_and_follow_a_hand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.json");
    std::fs::write(&path, "[\"white 0.90\", \"demonstration\"]").unwrap();
    let set = [("families", text("white")), ("order", text(path.to_string_lossy()))];
    let outputs = ranked(1, &set).unwrap();
    let ranking = json(&outputs, "ranking");
    let levels: Vec<f64> =
        ranking["takes"].as_array().unwrap().iter().map(|take| take["level"].as_f64().unwrap()).collect();
    assert!(levels.is_sorted() && levels.len() == 7);
    let by_hand: Vec<&serde_json::Value> =
        ranking["pairs"].as_array().unwrap().iter().filter(|pair| pair["group"] == "human").collect();
    assert_eq!(by_hand.len(), 1);
    assert_eq!(by_hand[0]["better"], "white 0.90");
    let Value::Takes(takes) = &outputs["takes"] else { panic!("no takes") };
    assert_eq!(takes.len(), 7);
}

#[test]
fn rewards_over_time_have_every_term_and_a_declared_window() {
    let [audio, (_, demonstration), emotion] = clip(3);
    let frames = node("reward.frames");
    assert!(matches!(frames.schema.time_support, TimeSupport::Window { .. }));
    let outputs = frames.call(&[], &[audio, ("motion", demonstration), emotion]).unwrap();
    let Value::Features(track) = &outputs["frames"] else { panic!("no features") };
    assert_eq!((track.frame_count(), track.channels().len()), (75, 7));
    assert!(track.values().iter().all(|value| value.is_finite()));
}

#[test]
fn a_window_of_rewards_and_terms_is_that_of_the_whole() {
    let (audio, track) = talking(5, 12.0);
    let frames = node("reward.frames");
    let TimeSupport::Window { before_secs, after_secs } = frames.schema.time_support else {
        panic!("no window")
    };
    let emotion = Value::Emotion(Arc::new(Emotion::constant(2, 0.7)));
    let of = |audio: &Audio, track: &Track| {
        let inputs = [
            ("audio", Value::Audio(Arc::new(audio.clone()))),
            ("motion", motion(track)),
            ("emotion", emotion.clone()),
        ];
        let outputs = frames.call(&[], &inputs).unwrap();
        let Value::Features(track) = &outputs["frames"] else { panic!("no features") };
        Track::clone(track)
    };
    let whole = of(&audio, &track);
    let (start, end) = (6.0 - before_secs, 7.0 + after_secs);
    let at = |secs: f64, rate: f64| (secs * rate).ceil() as i64;
    let part = of(
        &audio.window(at(start, 16_000.0), at(end, 16_000.0)),
        &track.window(at(start, 30.0), at(end, 30.0)),
    );
    let (part, whole) = (part.window(180, 210), whole.window(180, 210));
    assert_eq!(part.frame_count(), 30);
    for (a, b) in part.values().iter().zip(whole.values()) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn picks_rank_takes_with_reasons_and_obey_the_artist() {
    let (audio, good) = talking(1, 2.5);
    let still = Track::zeros(good.rate(), good.channels().clone(), good.frame_count()).unwrap();
    let mut loud = good.clone();
    loud.values_mut().iter_mut().for_each(|weight| *weight = (*weight * 1.6).min(1.0));
    let take = |track: &Track, seed| Take { motion: Arc::new(track.clone()), seed, log_probability: None };
    let takes = Value::Takes(Arc::new(vec![take(&still, 7), take(&good, 8), take(&loud, 9)]));
    let inputs = [("takes", takes), ("audio", Value::Audio(Arc::new(audio)))];
    let pick = |set: &[(&str, ParameterValue)]| node("reward.pick").call(set, &inputs);
    let picked = pick(&[]).unwrap();
    let rows = json(&picked, "reasons");
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert!(rows[0]["score"].as_f64() >= rows[1]["score"].as_f64());
    assert_eq!(rows[0]["terms"].as_array().unwrap().len(), 6);
    let kept = pick(&[("keep", text("0")), ("veto", text("1, 2"))]).unwrap();
    assert_eq!((&kept["best"], &kept["take"]), (&motion(&still), &Value::Number(0.0)));
    assert_eq!(json(&kept, "reasons")[1]["left_out"], "vetoed");
    let liveliness = |take: i64| {
        let row = rows.iter().find(|row| row["take"] == take).unwrap();
        row["terms"].as_array().unwrap().iter().find(|term| term["name"] == "liveliness").unwrap()["value"]
            .as_f64()
    };
    assert!(liveliness(0) < liveliness(1));
    let least = 0.5 * (liveliness(0).unwrap() + liveliness(1).unwrap());
    let lively = ParameterValue::Map([("liveliness".to_owned(), least)].into());
    let left = pick(&[("least", lively)]).unwrap();
    assert!(left["best"] != motion(&still));
    assert!(error(pick(&[("veto", text("0 1 2"))])).contains("every take is left out"));
    assert!(error(pick(&[("veto", text("3"))])).contains("takes 0 to 2"));
    assert!(error(pick(&[("keep", text("1")), ("veto", text("1"))])).contains("kept too"));
    let unknown = ParameterValue::Map([("beauty".to_owned(), 1.0)].into());
    assert!(error(pick(&[("weights", unknown)])).contains("beauty"));
}

/// Takes of a line, of which two are kept and one is vetoed.
fn takes_of(seed: u64) -> (Value, Value) {
    let (audio, good) = talking(seed, 2.5);
    let take = |gain: f32, seed: u64| {
        let mut motion = good.clone();
        motion.values_mut().iter_mut().for_each(|weight| *weight *= gain);
        Take { motion: Arc::new(motion), seed, log_probability: None }
    };
    let takes = vec![take(1.0, 70), take(0.5, 71), take(0.9, u64::MAX)];
    (Value::Takes(Arc::new(takes)), Value::Audio(Arc::new(audio)))
}

#[test]
fn kept_and_vetoed_takes_become_demonstrations_with_a_weight_of_their_own() {
    let (takes, audio) = takes_of(1);
    let set = [("keep", text("2")), ("veto", text("0"))];
    let picked =
        node("reward.pick").call(&set, &[("takes", takes.clone()), ("audio", audio.clone())]).unwrap();
    let Value::Text(order) = &picked["order"] else { panic!("no text") };
    assert_eq!(&**order, r#"[["take 2"],["take 1"],["take 0"]]"#);
    let inputs = [("takes", takes.clone()), ("audio", audio), ("hand_order", picked["order"].clone())];
    let set = [("families", text("white")), ("order_weight", ParameterValue::Number(7.0))];
    let ranked = node("reward.rank").call(&set, &inputs).unwrap();
    let Value::File(file) = &ranked["demonstrations"] else { panic!("no file") };
    let kept = crate::unbundle("kept", file).unwrap().remove(0);
    let order = kept.hand_order().unwrap();
    let place = |name: &str| {
        let index = kept.takes.iter().position(|take| take.name == name).unwrap();
        (order.places[&index], kept.takes[index].seed)
    };
    assert_eq!(order.weight, 7.0);
    assert_eq!(
        ["take 2", "take 1", "take 0"].map(place),
        [(0, Some(u64::MAX)), (1, Some(71)), (2, Some(70))]
    );
    // Nothing kept or vetoed is no order, and a wrong one is refused at the port that it came in by.
    let undecided = node("reward.pick").call(&[], &inputs[..2]).unwrap();
    assert_eq!(undecided["order"], Value::Text("".into()));
    let unordered = [("takes", takes.clone()), ("hand_order", undecided["order"].clone())];
    assert!(node("reward.rank").call(&set, &unordered).is_ok());
    let wrong = [("takes", takes), ("hand_order", Value::Text("[\"take 9\", \"take 1\"]".into()))];
    assert!(error(node("reward.rank").call(&set, &wrong)).contains("\"hand_order\""));
}

#[test]
fn what_earlier_runs_left_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let few = [("families", text("white")), ("levels", text("0.5"))];
    for seed in [1, 2] {
        let Value::File(file) = &ranked(seed, &few).unwrap()["demonstrations"] else { panic!("no file") };
        std::fs::write(folder.path().join(format!("{seed}.demonstrations")), &file.bytes).unwrap();
    }
    let set = [("folder", text(folder.path().to_string_lossy()))];
    let all = node("reward.demonstrations").call(&set, &[]).unwrap();
    let trained = node("reward.train")
        .call(&quick_training(), &[("demonstrations", all["demonstrations"].clone())])
        .unwrap();
    assert_eq!(json(&trained, "report")["clips"], 2);
    assert!(error(node("reward.demonstrations").call(&[], &[])).contains("no folder is named"));

    let Value::File(model) = &trained["model"] else { panic!("no file") };
    let path = folder.path().join("reward.safetensors");
    std::fs::write(&path, &model.bytes).unwrap();
    let file = [("file", text(path.to_string_lossy()))];
    assert_eq!(node("reward.weights").call(&file, &[]).unwrap()["model"], trained["model"]);
    std::fs::write(&path, &model.bytes[..100]).unwrap();
    let told = error(node("reward.weights").call(&file, &[]));
    assert!(told.contains("\"file\"") && told.contains("reward.train"), "{told}");
}

#[test]
fn measurements_of_clips_become_a_report_by_wire_and_by_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut wires = Vec::new();
    for seed in [1, 2] {
        let [audio, (_, demonstration), emotion] = clip(seed);
        let inputs = [audio, ("motion", demonstration.clone()), ("reference", demonstration), emotion];
        let measured = node("eval.measure").call(&[], &inputs).unwrap();
        let Value::File(file) = &measured["measurements"] else { panic!("no file") };
        std::fs::write(folder.path().join(format!("{seed}.measurements")), &file.bytes).unwrap();
        wires.push(("measurements", measured["measurements"].clone()));
    }
    let report = node("eval.report");
    let wired = report.call(&[], &wires).unwrap();
    assert_eq!(json(&wired, "table")["clips"].as_array().unwrap().len(), 2);
    let set = [("folder", text(folder.path().to_string_lossy()))];
    assert_eq!(report.call(&set, &[]).unwrap(), wired);
    assert!(error(report.call(&[], &[])).contains("wire eval.measure"));
    let empty = tempfile::tempdir().unwrap();
    let none = [("folder", text(empty.path().to_string_lossy()))];
    assert!(error(report.call(&none, &[])).contains("no .measurements file"));
    let [audio, (_, demonstration), _] = clip(1);
    let phones = ("phones", Value::Text("m 0.1 0.2".into()));
    let inputs = [audio, ("motion", demonstration), phones];
    assert!(error(node("eval.measure").call(&[], &inputs)).contains("\"phones\""));
}

#[test]
fn bad_inputs_name_the_port_or_parameter() {
    assert!(
        error(ranked(1, &[("families", text("white pink"))])).contains("\"families\": there is no \"pink\"")
    );
    assert!(error(ranked(1, &[("levels", text("0.5 2"))])).contains("\"levels\": \"2\""));
    assert!(error(ranked(1, &[("order", text("/nowhere/order.csv"))])).contains("order.csv cannot be read"));
    assert!(error(node("reward.rank").call(&[], &[])).contains("takes"));
    let train = node("reward.train");
    assert!(error(train.call(&[], &[])).contains("nothing is wired"));
    let junk = File { extension: "bin".to_owned(), bytes: vec![1, 2, 3], companions: vec![] };
    let junk = Value::File(Arc::new(junk));
    assert!(error(train.call(&[], &[("demonstrations", junk.clone())])).contains("wired as number 0"));
    assert!(error(train.call(&[("folder", text("/nowhere"))], &[])).contains("/nowhere cannot be read"));
    let empty = tempfile::tempdir().unwrap();
    let folder = text(empty.path().to_string_lossy());
    assert!(error(train.call(&[("folder", folder)], &[])).contains("holds no .demonstrations file"));
    let missing = [("checkpoints", text("/nowhere"))];
    let few = [("families", text("white"))];
    let wired = [("demonstrations", ranked(1, &few).unwrap()["demonstrations"].clone())];
    assert!(error(train.call(&missing, &wired)).contains("is no folder"));
    let (_, track) = talking(1, 1.0);
    let score =
        |model: Value| node("reward.score").call(&[], &[("motion", motion(&track)), ("model", model)]);
    assert!(error(score(junk)).contains("\"model\""));
    let file = [("model_file", text("/nowhere.safetensors"))];
    assert!(
        error(node("reward.score").call(&file, &[("motion", motion(&track))]))
            .contains("nowhere.safetensors")
    );
    assert!(!Path::new("/nowhere").exists());
}

#[test]
fn phones_add_the_recall_of_closures() {
    let (audio, track) = talking(1, 2.0);
    let phones = Value::Text("0.6 0.8 m\n1.2 1.3 a\n".into());
    let inputs = [("audio", Value::Audio(Arc::new(audio))), ("motion", motion(&track)), ("phones", phones)];
    let metrics = node("reward.metrics").call(&[], &inputs).unwrap();
    let metrics = json(&metrics, "metrics");
    let recall =
        metrics.as_array().unwrap().iter().find(|metric| metric["name"] == "closure_recall").unwrap();
    assert_eq!(recall["value"], 1.0);
}
