//! `esarm animate`.

use crate::{HELLO, esarm, file, files_in, folder};
use std::path::Path;

fn animate(output: &Path, more: &[&str]) -> Vec<u8> {
    let output = output.to_str().unwrap();
    let arguments = ["animate", HELLO, "-o", output];
    esarm(arguments.iter().chain(more)).expect(0, &[]);
    std::fs::read(output).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_another_take() {
    let folder = folder();
    let take = |name: &str, seed| animate(&folder.path().join(name), &["--emotion", "happy", "--seed", seed]);
    let first = take("first.glb", "7");
    assert_eq!(&first[..4], b"glTF");
    assert!(first == take("again.glb", "7"), "the same seed gave other bytes");
    assert!(first != take("other.glb", "8"), "another seed gave the same bytes");
}

#[test]
fn every_ending_is_written() {
    let folder = folder();
    for (ending, start) in
        [("glb", "glTF"), ("csv", "Timecode,"), ("json", "{"), ("usda", "#usda 1.0"), ("npy", "\u{93}NUMPY")]
    {
        let bytes =
            animate(&folder.path().join(format!("take.{ending}")), &["--emotion", "sad:0.5", "--fps", "30"]);
        let text: String = bytes.iter().take(start.chars().count()).map(|byte| char::from(*byte)).collect();
        assert_eq!(text, start, "start of .{ending}");
    }
}

#[test]
fn several_takes_are_numbered_and_differ() {
    let folder = folder();
    let output = folder.path().join("take.csv");
    esarm(["animate", HELLO, "--takes", "3", "-o", output.to_str().unwrap()]).expect(0, &[]);
    assert_eq!(files_in(folder.path()), ["take-1.csv", "take-2.csv", "take-3.csv"]);
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert!(read("take-1.csv") != read("take-2.csv") && read("take-2.csv") != read("take-3.csv"));
}

#[test]
fn emotions_differ_and_auto_follows_the_voice() {
    let folder = folder();
    let take =
        |emotion: &str| animate(&folder.path().join(format!("{emotion}.csv")), &["--emotion", emotion]);
    let takes: Vec<Vec<u8>> =
        ["auto", "neutral", "happy", "sad", "angry", "fear", "disgust", "surprise", "contempt"]
            .iter()
            .map(|emotion| take(emotion))
            .collect();
    for (index, a) in takes.iter().enumerate() {
        assert!(takes[index + 1..].iter().all(|b| a != b), "take {index} equals a later one");
    }
}

#[test]
fn a_frame_rate_of_its_own_is_kept() {
    let folder = folder();
    let json = animate(&folder.path().join("take.json"), &["--fps", "29.97", "--emotion", "neutral"]);
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert!((json["exportFps"].as_f64().unwrap() - 29.97).abs() < 0.001);
}

/// The events on standard error, of which every line must be one.
fn events(called: &crate::Called) -> Vec<serde_json::Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    called.err.lines().map(parse).collect()
}

#[test]
fn progress_comes_as_json_lines_and_nothing_else() {
    let folder = folder();
    let output = folder.path().join("take.csv");
    let call = |speech: &str, more: &[&str]| {
        let arguments = ["animate", speech, "--progress", "json", "-o", output.to_str().unwrap()];
        esarm(arguments.iter().chain(more))
    };
    let called = call(HELLO, &[]);
    called.expect(0, &[]);
    let done = events(&called);
    assert!(done.iter().any(|event| event["event"] == "started"));
    assert!(done.iter().any(|event| event["event"] == "finished" && event["state"] == "ran"));
    let last = done.last().unwrap();
    assert_eq!((&last["event"], &last["files"][0]), (&"done".into(), &output.to_str().unwrap().into()));
    let head = folder.path().join("head.glb");
    std::fs::write(&head, "no head").unwrap();
    let warned = events(call(HELLO, &["--head", head.to_str().unwrap()]).expect(0, &[]));
    assert!(warned.iter().any(|event| event["event"] == "warning"));
    for (called, code) in
        [(call("gone.wav", &[]), 2), (call(HELLO, &["--fps", "0"]), 2), (call(HELLO, &["--bogus"]), 2)]
    {
        let events = events(called.expect(code, &[]));
        let last = events.last().unwrap();
        assert_eq!((&last["event"], &last["exit_code"]), (&"error".into(), &code.into()));
    }
}

#[test]
fn seeds_of_all_takes_must_exist() {
    let most = u64::MAX.to_string();
    let folder = folder();
    let output = folder.path().join("a.csv");
    let call = |takes: &str| {
        esarm(["animate", HELLO, "--seed", &most, "--takes", takes, "-o", output.to_str().unwrap()])
    };
    call("2").expect(2, &["--seed", "18446744073709551614"]);
    assert_eq!(files_in(folder.path()), [""; 0]);
    call("1").expect(0, &[]);
}

#[test]
fn what_is_wrong_with_the_arguments_is_said_and_nothing_is_written() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let cases: [(&[&str], &str, &str); 6] = [
        (&["--emotion", "joyful"], "a.glb", "contempt"),
        (&["--emotion", "happy:3"], "a.glb", "0 to 1"),
        (&["--fps", "0"], "a.glb", "1 to 240"),
        (&[], "a.fbx", ".glb"),
        (&["--takes", "0"], "a.glb", "takes"),
        (&["--head", "missing.glb"], "a.glb", "missing.glb"),
    ];
    for (more, output, word) in cases {
        let output = path(output);
        let arguments = ["animate", HELLO, "-o", &output];
        esarm(arguments.iter().chain(more)).expect(2, &[word]);
    }
    esarm(["animate", HELLO, "-o", folder.path().to_str().unwrap()])
        .expect(2, &["is a folder", "{name}.glb"]);
    esarm(["animate", HELLO, "-o", "takes/"]).expect(2, &["is a folder", "takes/{name}.glb"]);
    let no_head = ["animate", HELLO, "--head", "README.md", "-o", &path("a.glb")].map(str::to_owned);
    let said = esarm(no_head);
    assert!(said.expect(2, &["README.md"]).err.starts_with("esarm: --head README.md: "), "{}", said.err);
    esarm(["animate", "gone.wav", "-o", &path("no/such/folder/a.glb")]).expect(2, &["gone.wav"]);
    assert_eq!(files_in(folder.path()), [""; 0]);
}

#[test]
fn a_full_or_read_only_disk_leaves_the_old_file() {
    let folder = folder();
    let old = file(folder.path(), "take.csv", "old");
    let mut permissions = std::fs::metadata(&old).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&old, permissions).unwrap();
    let called = esarm(["animate", HELLO, "-o", old.to_str().unwrap()]);
    called.expect(2, &["take.csv"]);
    assert_eq!(std::fs::read(&old).unwrap(), b"old");
    assert_eq!(files_in(folder.path()), ["take.csv"]);
    if Path::new("/dev/full").exists() {
        esarm([
            "run",
            "assets/graphs/animate.esarm",
            "--input",
            &format!("speech={HELLO}"),
            "--output",
            "csv=/dev/full",
        ])
        .expect(2, &["/dev/full"]);
    }
}

/// The built-in head as a file, with the names of its morph targets changed.
fn head_with(names: impl Fn(&str) -> String, folder: &Path) -> String {
    let glb = animate(&folder.join("built_in.glb"), &["--emotion", "neutral", "--fps", "10"]);
    let length = u32::from_le_bytes(glb[12..16].try_into().unwrap()) as usize;
    let mut json: serde_json::Value = serde_json::from_slice(&glb[20..20 + length]).unwrap();
    json.as_object_mut().unwrap().remove("animations");
    for mesh in json["meshes"].as_array_mut().unwrap() {
        if let Some(targets) = mesh["extras"]["targetNames"].as_array_mut() {
            targets.iter_mut().for_each(|name| *name = names(name.as_str().unwrap()).into());
        }
    }
    let mut text = json.to_string().into_bytes();
    text.resize(text.len().next_multiple_of(4), b' ');
    let rest = &glb[20 + length..];
    let mut bytes = b"glTF\x02\0\0\0".to_vec();
    bytes.extend(((20 + text.len() + rest.len()) as u32).to_le_bytes());
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(b"JSON");
    bytes.extend(text);
    bytes.extend(rest);
    file(folder, "head.glb", bytes).to_str().unwrap().to_owned()
}

#[test]
fn a_head_that_follows_in_part_is_said_and_one_that_does_not_is_refused() {
    let folder = folder();
    let output = folder.path().join("take.glb");
    let report = folder.path().join("report.json");
    let call = |head: &str| {
        let output = output.to_str().unwrap();
        let report = report.to_str().unwrap();
        esarm(["animate", HELLO, "--head", head, "--fps", "10", "-o", output, "--report", report])
    };
    let head = head_with(|name| format!("CC_Base_{name}"), folder.path());
    let called = call(&head);
    called.expect(0, &[]);
    assert!(!called.err.contains("move nothing"), "{}", called.err);
    let head = head_with(|name| name.replace("browDown", "frown"), folder.path());
    let said = "2 of 52 shapes move nothing on the head: browDownLeft, browDownRight";
    call(&head).expect(0, &[said]);
    let report = std::fs::read_to_string(&report).unwrap();
    assert!(report.contains(said), "{report}");
    std::fs::remove_file(&output).unwrap();
    let head = head_with(|name| name.chars().rev().collect(), folder.path());
    call(&head).expect(1, &["\"glb\"", "morph targets", "52 of 52"]);
    assert!(!output.exists(), "a head that never speaks was written");
}

#[test]
fn several_speech_files_and_folders_get_a_file_each() {
    let folder = folder();
    let speech = std::fs::read(crate::workspace().join(HELLO)).unwrap();
    let clips = folder.path().join("clips");
    std::fs::create_dir(&clips).unwrap();
    file(&clips, "a.wav", &speech);
    file(&clips, "b.wav", &speech);
    file(&clips, "notes.txt", "no speech");
    let output = folder.path().join("faces/{name}.csv");
    let (clips, output) = (clips.to_str().unwrap(), output.to_str().unwrap());
    let called = esarm(["animate", clips, HELLO, "--takes", "2", "--seed", "5", "-o", output]);
    called.expect(0, &["b.wav: heard: ", "a-2.csv: seed 6", "hello-1.csv: seed 5", "6 takes"]);
    let made = ["a-1.csv", "a-2.csv", "b-1.csv", "b-2.csv", "hello-1.csv", "hello-2.csv"];
    assert_eq!(files_in(&folder.path().join("faces")), made);
    assert_eq!(called.out.lines().count(), 6);
    let read = |name: &str| std::fs::read(folder.path().join("faces").join(name)).unwrap();
    assert!(read("a-1.csv") == read("hello-1.csv") && read("a-1.csv") != read("a-2.csv"));
    let one = folder.path().join("one.csv");
    esarm(["animate", clips, "-o", one.to_str().unwrap()]).expect(2, &["2 speech files", "{name}.csv"]);
    file(Path::new(clips), "a.flac", "the same name");
    esarm(["animate", clips, "-o", output]).expect(2, &["a.csv", "twice", "a.flac", "a.wav"]);
    esarm(["animate", "-o", output]).expect(2, &["SPEECH"]);
}

#[test]
fn what_was_heard_is_said_once_and_only_when_it_is_followed() {
    let folder = folder();
    let output = folder.path().join("take.csv");
    let call = |more: &[&str]| {
        let arguments = ["animate", HELLO, "-o", output.to_str().unwrap(), "--takes", "2"];
        esarm(arguments.iter().chain(more))
    };
    let said = call(&[]);
    said.expect(0, &["hello.wav: heard: boredom 0.9", "mostly neutral, a little sad"]);
    assert_eq!(said.err.matches("heard").count(), 1, "{}", said.err);
    assert!(!call(&["--emotion", "sad"]).err.contains("heard"));
    let events = events(call(&["--progress", "json"]).expect(0, &[]));
    let heard: Vec<_> = events.iter().filter(|event| event["event"] == "heard").collect();
    assert_eq!(heard.len(), 1);
    assert!(heard[0]["voice_emotion"]["boredom"].as_f64().unwrap() > 0.9 && heard[0]["file"] == HELLO);
}

#[test]
fn a_head_without_a_tongue_is_said_once_a_command() {
    let folder = folder();
    let head = head_with(|name| name.replace("tongueOut", "lick"), folder.path());
    let output = folder.path().join("take.glb");
    let arguments = ["animate", HELLO, "--head", &head, "--takes", "2", "--fps", "10"];
    let called = esarm(arguments.iter().chain(&["-o", output.to_str().unwrap()]));
    called.expect(0, &["the head has no tongueOut; everything else is mapped"]);
    assert_eq!(called.err.matches("tongueOut").count(), 1, "{}", called.err);
}

/// Without a Vulkan driver there is no picture, but what is said is still in the form that was asked for.
#[cfg(target_os = "linux")]
#[test]
fn pictures_speak_json_only_where_there_is_no_display() {
    let folder = folder();
    let output = folder.path().join("sheet.png");
    let arguments = ["animate", HELLO, "--emotion", "happy", "--progress", "json", "-o"];
    let called = std::process::Command::new(env!("CARGO_BIN_EXE_esarm"))
        .args(arguments)
        .arg(&output)
        .env_remove("ESARM_CACHE")
        .env_remove("XDG_RUNTIME_DIR")
        .current_dir(crate::workspace())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&called.stderr);
    for line in said.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    if said.contains("no graphics adapter") {
        println!("SKIPPED pictures_speak_json_only_where_there_is_no_display: no graphics adapter");
        return;
    }
    assert_eq!(called.status.code(), Some(0), "{said}");
    assert!(std::fs::read(output).unwrap().starts_with(b"\x89PNG"));
}
