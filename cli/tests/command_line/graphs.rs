//! `esarm run` and `esarm check`.

use crate::{HELLO, esarm, file, folder};
use serde_json::{Value, json};

fn graph(nodes: Value, wires: Value, outputs: Value) -> String {
    json!({"format": "esarm-graph", "version": 1, "nodes": nodes, "wires": wires, "outputs": outputs})
        .to_string()
}

/// Checks and runs a graph; both must refuse it with these words.
#[track_caller]
fn refused(text: &str, words: &[&str]) {
    let folder = folder();
    let path = file(folder.path(), "bad.esarm", text);
    let path = path.to_str().unwrap();
    let called = esarm(["check", path]);
    assert_eq!(called.code, 2, "{}{}", called.out, called.err);
    let said = format!("{}{}", called.out, called.err);
    words.iter().for_each(|word| assert!(said.contains(word), "check said no \"{word}\":\n{said}"));
    esarm(["run", path]).expect(2, words);
}

#[test]
fn the_shipped_graphs_are_valid_and_run() {
    for graph in ["assets/graphs/animate.esarm", "assets/graphs/score.esarm"] {
        let checked = esarm(["check", graph]);
        assert!(!checked.expect(0, &[]).out.contains("warning"), "{graph}: {}", checked.out);
    }
    let folder = folder();
    let (glb, report) = (folder.path().join("hello.glb"), folder.path().join("report.json"));
    let output = format!("glb={}", glb.display());
    let input = format!("speech={HELLO}");
    let arguments = ["run", "assets/graphs/animate.esarm", "--input", &input, "--output", &output];
    let report_argument = ["--report", report.to_str().unwrap(), "--set", "generator.frame_rate=30"];
    esarm(arguments.iter().chain(&report_argument)).expect(0, &[]);
    assert_eq!(&std::fs::read(glb).unwrap()[..4], b"glTF");
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let nodes = report["nodes"].as_array().unwrap();
    assert!(nodes.iter().any(|node| node["type_id"] == "sta.generator" && node["state"] == "ran"));
    assert!(nodes.iter().any(|node| node["type_id"] == "export.usda" && node["state"] == "skipped"));
    assert!(nodes.iter().all(|node| node["state"] != "ran" || node["key"].as_str().unwrap().len() == 64));
}

#[test]
fn a_graph_run_equals_the_main_command() {
    let folder = folder();
    let (a, b) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
    esarm(["animate", HELLO, "--seed", "3", "-o", a.to_str().unwrap()]).expect(0, &[]);
    let (input, output) = (format!("speech={HELLO}"), format!("csv={}", b.display()));
    esarm(["run", "assets/graphs/animate.esarm", "--input", &input, "--output", &output, "--seed", "3"])
        .expect(0, &[]);
    assert!(std::fs::read(a).unwrap() == std::fs::read(b).unwrap());
}

#[test]
fn cycles_dangling_wires_and_wrong_types_are_named() {
    let gain = json!({"type": "audio.gain", "version": 1});
    let wire = |from: &str, to: &str| json!({"from": from, "to": to});
    refused(
        &graph(
            json!({"a": gain, "b": gain}),
            json!([wire("a.audio", "b.audio"), wire("b.audio", "a.audio")]),
            json!({"x": "a.audio"}),
        ),
        &["circle", "\"a\""],
    );
    refused(
        &graph(json!({"a": gain}), json!([wire("gone.audio", "a.audio")]), json!({"x": "a.audio"})),
        &["gone"],
    );
    let label = json!({"type": "emotion.label", "version": 1});
    refused(
        &graph(
            json!({"a": gain, "e": label}),
            json!([wire("e.emotion", "a.audio")]),
            json!({"x": "a.audio"}),
        ),
        &["emotion", "audio"],
    );
}

#[test]
fn parameters_out_of_range_unknown_nodes_and_future_versions_are_named() {
    let label = |intensity: f64| json!({"type": "emotion.label", "version": 1, "parameters": {"intensity": intensity}});
    refused(&graph(json!({"e": label(7.0)}), json!([]), json!({"x": "e.emotion"})), &["intensity", "7"]);
    let unknown = json!({"type": "emotion.labl", "version": 1});
    refused(
        &graph(json!({"e": unknown}), json!([]), json!({"x": "e.emotion"})),
        &["emotion.labl", "emotion.label"],
    );
    let future = json!({"type": "emotion.label", "version": 99});
    refused(&graph(json!({"e": future}), json!([]), json!({"x": "e.emotion"})), &["99"]);
    refused(r#"{"format": "esarm-graph", "version": 99, "nodes": {}, "wires": []}"#, &["99"]);
    refused("{ not json", &["line 1"]);
}

#[test]
fn a_missing_file_is_bad_input() {
    let load = json!({"type": "audio.load", "version": 1, "parameters": {"file": "gone.wav"}});
    let folder = folder();
    let path =
        file(folder.path(), "a.esarm", graph(json!({"load": load}), json!([]), json!({"x": "load.audio"})));
    esarm(["run", path.to_str().unwrap()])
        .expect(2, &["\"load\"", "gone.wav", "check the path", "--set load.file=FILE"]);
    let shipped = "assets/graphs/animate.esarm";
    esarm(["run", shipped, "--input", "speech=gone.wav"]).expect(2, &["--input speech", "gone.wav", "check"]);
    esarm(["run", "gone.esarm"]).expect(2, &["gone.esarm", "check that the file exists"]);
    esarm(["run", shipped, "--output", "csv=x.csv"]).expect(2, &["\"speech\""]);
}

#[test]
fn a_graph_without_outputs_is_warned_of_and_cannot_run() {
    let folder = folder();
    let label = json!({"type": "emotion.label", "version": 1});
    let path = file(folder.path(), "a.esarm", graph(json!({"e": label}), json!([]), json!({})));
    let path = path.to_str().unwrap();
    let called = esarm(["check", path]);
    assert!(called.expect(0, &[]).out.contains("warning: the graph names no outputs"), "{}", called.out);
    let listed: Value = serde_json::from_str(&esarm(["check", path, "--json"]).out).unwrap();
    assert_eq!((&listed[0]["severity"], &listed[0]["place"]), (&"warning".into(), &"outputs".into()));
    esarm(["run", path, "--output", "x=a.txt"]).expect(2, &["names no outputs", "e.emotion"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    esarm(["check", "/dev/zero"]).expect(2, &["/dev/zero", "bytes"]);
}

#[test]
fn settings_are_checked_before_anything_runs() {
    let run = |more: &[&str]| esarm(["run", "assets/graphs/animate.esarm"].iter().chain(more));
    run(&["--set", "generator.frame_rat=3"]).expect(2, &["frame_rate"]);
    run(&["--set", "generator"]).expect(2, &["NAME=VALUE"]);
    run(&["--input", &format!("song={HELLO}")]).expect(2, &["speech"]);
    run(&["--input", &format!("speech={HELLO}"), "--output", "gbl=x.glb"]).expect(2, &["glb"]);
}

#[test]
fn results_are_reused_from_the_cache_folder() {
    let folder = folder();
    let cache = folder.path().join("cache");
    let run = |name: &str| {
        let report = folder.path().join(name);
        let (input, cache) = (format!("speech={HELLO}"), cache.to_str().unwrap());
        let output = format!("csv={}", folder.path().join("take.csv").display());
        let arguments = ["run", "assets/graphs/animate.esarm", "--input", &input, "--output", &output];
        esarm(arguments.iter().chain(&["--cache", cache, "--report", report.to_str().unwrap()]))
            .expect(0, &[]);
        let bytes = std::fs::read(folder.path().join("take.csv")).unwrap();
        let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
        let state = |node: &str| {
            let found =
                report["nodes"].as_array().unwrap().iter().find(|entry| entry["node"] == node).unwrap();
            format!("{} {}", found["state"].as_str().unwrap(), found["reason"].as_str().unwrap())
        };
        (bytes, state("csv"))
    };
    let (first, state) = run("first.json");
    assert!(state.starts_with("ran"), "{state}");
    let (second, state) = run("second.json");
    assert_eq!(state, "cached disk");
    assert!(first == second);
}

#[test]
fn outputs_never_overwrite_one_another() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let run = |outputs: &[String]| {
        let input = format!("speech={HELLO}");
        let arguments = ["run", "assets/graphs/animate.esarm", "--input", &input].map(str::to_owned);
        let outputs = outputs.iter().flat_map(|output| ["--output".to_owned(), output.clone()]);
        esarm(arguments.into_iter().chain(outputs))
    };
    let both = [format!("npy={}", at("take.npy")), format!("json={}", at("take.json"))];
    run(&both).expect(0, &[]);
    assert_eq!(crate::files_in(folder.path()), ["take.json", "take.npy", "take.npy.json"]);
    let a2f: Value = serde_json::from_slice(&std::fs::read(at("take.json")).unwrap()).unwrap();
    assert!(a2f["weightMat"].is_array());
    std::fs::remove_file(at("take.npy")).unwrap();
    let clash = [format!("npy={}", at("take.npy")), format!("json={}", at("take.npy.json"))];
    run(&clash).expect(2, &["take.npy.json", "twice"]);
    let twice = [format!("csv={}", at("b.csv")), format!("glb={}", at("./b.csv"))];
    run(&twice).expect(2, &["b.csv", "twice"]);
    assert_eq!(crate::files_in(folder.path()), ["take.json", "take.npy.json"]);
}

#[test]
fn a_misspelt_member_is_warned_of_by_check_and_run() {
    let folder = folder();
    let label = json!({"type": "emotion.label", "version": 1, "params": {"emotion": "sad"}});
    let path =
        file(folder.path(), "a.esarm", graph(json!({"e": label}), json!([]), json!({"x": "e.emotion"})));
    let path = path.to_str().unwrap();
    let said = "node \"e\": unknown member \"params\"";
    let checked = esarm(["check", path]);
    checked.expect(0, &[]);
    assert!(checked.out.contains(said) && checked.out.contains("mean \"parameters\"?"), "{}", checked.out);
    esarm(["run", path]).expect(0, &[said, "mean \"parameters\"?"]);
    let wire = json!([{"from": "e.emotion", "to": "e.emotion", "note": "x.y"}]);
    refused(&graph(json!({"e": label}), wire, json!({})), &["wires[0]", "\"from\" and \"to\""]);
}

#[test]
fn an_emotion_is_chosen_in_a_graph_by_one_setting() {
    let folder = folder();
    let (a, b) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
    esarm(["animate", HELLO, "--emotion", "sad:0.6", "-o", a.to_str().unwrap()]).expect(0, &[]);
    let (input, output) = (format!("speech={HELLO}"), format!("csv={}", b.display()));
    let arguments = ["run", "assets/graphs/animate.esarm", "--input", &input, "--output", &output];
    let chosen = ["--set", "emotion.emotion=sad", "--set", "emotion.intensity=0.6"];
    esarm(arguments.iter().chain(&chosen)).expect(0, &[]);
    assert!(std::fs::read(a).unwrap() == std::fs::read(b).unwrap());
}

#[test]
fn a_file_that_is_no_graph_is_told_so() {
    esarm(["check", HELLO]).expect(2, &["hello.wav: is no graph file"]);
}

#[test]
fn a_node_that_leads_nowhere_is_warned_of_by_check() {
    let folder = folder();
    let label = json!({"type": "emotion.label", "version": 1});
    let nodes = json!({"e": label, "loose": label});
    let path = file(folder.path(), "a.esarm", graph(nodes, json!([]), json!({"x": "e.emotion"})));
    let checked = esarm(["check", path.to_str().unwrap()]);
    assert!(checked.expect(0, &[]).out.contains("node \"loose\": reaches no output"), "{}", checked.out);
    assert_eq!(checked.out.matches("warning").count(), 1);
}

#[test]
fn the_graph_that_the_readme_shows_has_nothing_to_warn_of() {
    let readme = std::fs::read_to_string(crate::workspace().join("README.md")).unwrap();
    let shown = readme.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let folder = folder();
    let path = file(folder.path(), "readme.esarm", shown);
    let path = path.to_str().unwrap();
    let checked = esarm(["check", path]);
    assert!(checked.expect(0, &[]).out.ends_with("4 nodes, no errors\n"), "{}", checked.out);
    assert!(!checked.out.contains("warning"), "{}", checked.out);
    let speech = format!("voice.file={}", crate::workspace().join(HELLO).display());
    let output = format!("csv={}", folder.path().join("line.csv").display());
    esarm(["run", path, "--set", &speech, "--output", &output]).expect(0, &[]);
}
