//! What is written where: every file whole, all files of a command or none, and nothing over anything else.

use crate::{HELLO, esarm, file, files_in, folder};
use serde_json::{Value, json};
use std::path::Path;

/// Runs the graph of the main job with these outputs, written `NAME=FILE` with files in `folder`.
fn run(folder: &Path, outputs: &[(&str, &str)], more: &[&str]) -> crate::Called {
    let mut arguments =
        vec!["run".to_owned(), "assets/graphs/animate.esarm".to_owned(), format!("--input=speech={HELLO}")];
    for (name, file) in outputs {
        arguments.push(format!("--output={name}={}", folder.join(file).display()));
    }
    arguments.extend(more.iter().map(|it| (*it).to_owned()));
    esarm(arguments)
}

#[test]
fn outputs_keep_their_names_whatever_is_asked_twice_or_shared() {
    let folder = folder();
    run(folder.path(), &[("csv", "1.csv"), ("csv", "2.csv"), ("glb", "3.glb")], &[]).expect(0, &[]);
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert!(read("1.csv").starts_with(b"Timecode") && read("1.csv") == read("2.csv"));
    assert!(read("3.glb").starts_with(b"glTF"));

    let label = json!({"type": "emotion.label", "version": 1});
    let print = json!({"type": "sta.generator", "version": 1});
    let load =
        json!({"type": "audio.load", "version": 1, "parameters": {"file": crate::workspace().join(HELLO)}});
    let graph = json!({
        "format": "esarm-graph", "version": 1,
        "nodes": {"load": load, "e": label, "g": print, "npy": {"type": "export.npy", "version": 1}},
        "wires": [
            {"from": "load.audio", "to": "g.audio"}, {"from": "e.emotion", "to": "g.emotion"},
            {"from": "g.motion", "to": "npy.motion"},
        ],
        "outputs": {"a": "npy.file", "b": "npy.file", "z": "load.audio"},
    });
    let graph = file(folder.path(), "shared.esarm", graph.to_string());
    let output = |name: &str, file: &str| format!("--output={name}={}", folder.path().join(file).display());
    esarm(["run", graph.to_str().unwrap(), &output("a", "a.npy"), &output("b", "b.npy")]).expect(0, &[]);
    assert!(read("a.npy") == read("b.npy"));
    esarm(["run", graph.to_str().unwrap(), &output("a", "c.npy"), &output("z", "z.bin")])
        .expect(2, &["z.bin", "audio", "export node"]);
    assert!(!folder.path().join("c.npy").exists());
}

#[test]
fn nothing_is_written_over_an_input_or_another_result() {
    let folder = folder();
    let speech = std::fs::read(crate::workspace().join(HELLO)).unwrap();
    let clip = file(folder.path(), "clip.csv", &speech);
    let clip = clip.to_str().unwrap();
    esarm(["animate", clip, "-o", clip]).expect(2, &["clip.csv", "overwrite", "\"speech\""]);
    let output = folder.path().join("take.csv");
    let output = output.to_str().unwrap();
    esarm(["animate", HELLO, "-o", output, "--report", output]).expect(2, &["twice", "--report"]);
    esarm(["animate", clip, "-o", output, "--report", clip]).expect(2, &["overwrite", "--report"]);
    let below_a_file = format!("{clip}/deep/r.json");
    esarm(["animate", HELLO, "-o", output, "--report", &below_a_file]).expect(2, &["is not a folder"]);
    #[cfg(unix)]
    {
        let old = file(folder.path(), "old.json", "old");
        let read_only = std::os::unix::fs::PermissionsExt::from_mode(0o444);
        std::fs::set_permissions(&old, read_only).unwrap();
        let report = ["--report", old.to_str().unwrap()];
        esarm(["animate", HELLO, "-o", output].iter().chain(&report)).expect(2, &["write-protected"]);
        std::fs::remove_file(old).unwrap();
    }
    let beside = folder.path().join("take.npy.json");
    let array = folder.path().join("take.npy");
    let report = ["--report", beside.to_str().unwrap()];
    run(folder.path(), &[("npy", "take.npy")], &report).expect(2, &["twice", "what comes with"]);
    let number = folder.path().join("take-2.csv");
    let takes = ["animate", HELLO, "--takes", "2", "-o", output, "--report", number.to_str().unwrap()];
    esarm(takes).expect(2, &["take-2.csv", "take 2"]);
    let graph = std::fs::read(crate::workspace().join("assets/graphs/animate.esarm")).unwrap();
    let graph = file(folder.path(), "graph.json", graph);
    let arguments = ["run", graph.to_str().unwrap(), &format!("--input=speech={HELLO}")];
    esarm(arguments.iter().copied().chain([format!("--output=json={}", graph.display()).as_str()]))
        .expect(2, &["graph.json", "overwrite"]);
    assert!(!array.exists());
    assert_eq!(files_in(folder.path()), ["clip.csv", "graph.json"]);
    assert!(std::fs::read(clip).unwrap() == speech);
}

#[test]
fn missing_folders_are_made_when_everything_has_worked_and_not_before() {
    let folder = folder();
    let (output, report) = (folder.path().join("takes/a/line.npy"), folder.path().join("reports/r.json"));
    let (output, report) = (output.to_str().unwrap(), report.to_str().unwrap());
    let cut = &std::fs::read(crate::workspace().join(HELLO)).unwrap()[..2000];
    let cut = file(folder.path(), "cut.wav", cut);
    esarm(["animate", cut.to_str().unwrap(), "-o", output]).expect(2, &["cut.wav"]);
    std::fs::remove_file(cut).unwrap();
    assert_eq!(files_in(folder.path()), [""; 0]);
    esarm(["animate", HELLO, "--takes", "2", "-o", output, "--report", report]).expect(0, &[]);
    assert_eq!(files_in(folder.path()), ["reports", "takes"]);
    let takes = ["line-1.npy", "line-1.npy.json", "line-2.npy", "line-2.npy.json"];
    assert_eq!(files_in(&folder.path().join("takes/a")), takes);
    assert_eq!(files_in(&folder.path().join("reports")), ["r.json"]);
}

#[test]
fn endings_that_say_another_format_are_refused() {
    let folder = folder();
    run(folder.path(), &[("glb", "x.csv")], &[]).expect(2, &["x.csv", ".glb"]);
    run(folder.path(), &[("csv", "plain"), ("usda", "x.usd"), ("json", "x.a2f.JSON")], &[]).expect(0, &[]);
    assert_eq!(files_in(folder.path()), ["plain", "x.a2f.JSON", "x.usd"]);
}

#[cfg(target_os = "linux")]
#[test]
fn files_of_one_command_come_all_or_none() {
    let folder = folder();
    let old = file(folder.path(), "a.glb", "old");
    run(folder.path(), &[("glb", "a.glb"), ("csv", "/dev/full")], &[]).expect(2, &["/dev/full"]);
    assert_eq!(std::fs::read(old).unwrap(), b"old");
    assert_eq!(files_in(folder.path()), ["a.glb"]);
}

#[test]
fn a_copy_of_the_graph_takes_a_head() {
    let folder = folder();
    run(folder.path(), &[("glb", "built_in.glb")], &[]).expect(0, &[]);
    let head = format!("--input=head={}", folder.path().join("built_in.glb").display());
    let report = folder.path().join("report.json");
    let report_option = format!("--report={}", report.display());
    run(folder.path(), &[("glb", "own.glb")], &[&head, &report_option]).expect(0, &[]);
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let node = report["nodes"].as_array().unwrap().iter().find(|node| node["node"] == "head").unwrap();
    assert_eq!(node["state"], "ran");
    assert!(node["files"]["file"].as_str().unwrap().ends_with("built_in.glb"));
    let said = run(folder.path(), &[("csv", "a.csv")], &[&head, "--set=render.moments=5"]);
    said.expect(0, &["--input head changes nothing", "--set render.moments changes nothing"]);
    let said = run(folder.path(), &[("glb", "own.glb")], &[&head]);
    assert!(!said.err.contains("changes nothing"), "{}", said.err);
}

#[test]
fn reports_hold_every_take_the_graph_and_the_models() {
    let folder = folder();
    let (output, report) = (folder.path().join("t.csv"), folder.path().join("r.json"));
    let call = |takes: &str| {
        let report_option = ["--report", report.to_str().unwrap()];
        let arguments = ["animate", HELLO, "--takes", takes, "-o", output.to_str().unwrap()];
        esarm(arguments.iter().chain(&report_option)).expect(0, &[]);
        serde_json::from_slice::<Value>(&std::fs::read(&report).unwrap()).unwrap()
    };
    let (one, three) = (call("1"), call("3"));
    for report in [&one, &three] {
        assert_eq!(report["report_version"], 1);
        assert_eq!(report["graph"]["name"], "esarm animate");
        assert_eq!(report["graph"]["digest"].as_str().unwrap().len(), 64);
        assert_eq!(report["models"].as_array().unwrap().len(), 3);
    }
    let seeds: Vec<u64> =
        three["takes"].as_array().unwrap().iter().map(|take| take["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, [0, 1, 2]);
    let nodes = one["nodes"].as_array().unwrap();
    let generator = nodes.iter().find(|node| node["node"] == "generator").unwrap();
    assert!(generator["seed"].is_u64() && generator["version"] == 1 && generator["device"] == "cpu");
    assert_eq!(three["takes"][0]["nodes"].as_array().unwrap().len(), nodes.len());
}

#[cfg(unix)]
#[test]
fn names_that_are_no_unicode_are_written_as_they_are_and_refused_where_a_graph_holds_them() {
    use std::os::unix::ffi::OsStringExt;
    let folder = folder();
    let name = |text: &[u8]| folder.path().join(std::ffi::OsString::from_vec(text.to_vec()));
    let odd = name(b"\xffa.wav");
    std::fs::copy(crate::workspace().join(HELLO), &odd).unwrap();
    let output = name(b"\xffa.npy");
    esarm(["animate".as_ref(), odd.as_os_str(), "-o".as_ref(), output.as_os_str()]).expect(2, &["Unicode"]);
    let takes: [&std::ffi::OsStr; 6] = [
        "animate".as_ref(),
        HELLO.as_ref(),
        "--takes".as_ref(),
        "2".as_ref(),
        "-o".as_ref(),
        output.as_ref(),
    ];
    esarm(takes).expect(0, &[]);
    for written in [&b"\xffa-1.npy"[..], b"\xffa-1.npy.json", b"\xffa-2.npy", b"\xffa-2.npy.json"] {
        assert!(name(written).exists(), "{}", name(written).display());
    }
}
