//! `esarm nodes`, `score`, `doctor`, completions and the manual page.

use crate::{HELLO, esarm, folder};
use serde_json::Value;

fn json(arguments: &[&str]) -> Value {
    let called = esarm(arguments);
    called.expect(0, &[]);
    serde_json::from_str(&called.out).unwrap()
}

#[test]
fn nodes_are_listed_described_and_given_as_json() {
    let list = esarm(["nodes"]);
    list.expect(0, &[]);
    for type_id in
        ["audio.load", "emotion.from_voice", "sta.generator", "face.retarget", "export.glb", "import.npy"]
    {
        assert!(list.out.contains(type_id), "{type_id} is not listed");
    }
    assert!(esarm(["nodes", "emotion.label"]).expect(0, &[]).out.contains("intensity"));
    esarm(["nodes", "emotion.lable"]).expect(2, &["did you mean emotion.label?"]);
    esarm(["nodes", "mirror"]).expect(2, &["did you mean face.mirror?"]);
    esarm(["nodes", "miror"]).expect(2, &["did you mean face.mirror?"]);
    for domain in ["face", "face."] {
        let listed = esarm(["nodes", domain]);
        let lines: Vec<&str> = listed.expect(0, &[]).out.lines().collect();
        assert!(lines.len() > 3 && lines.iter().all(|line| line.starts_with("face.")), "{}", listed.out);
    }
    let generator = esarm(["nodes", "sta.generator"]);
    assert!(generator.out.contains(" 0.23 s after"), "{}", generator.out);
    let schemas = json(&["nodes", "--json"]);
    for schema in schemas.as_array().unwrap() {
        let id = schema["type_id"].as_str().unwrap();
        assert!(schema["help"].as_str().unwrap().ends_with('.'), "{id}: help is a sentence");
        let parameters = schema["parameters"].as_array().unwrap();
        assert!(
            parameters.iter().all(|parameter| parameter["help"].as_str().unwrap().ends_with('.')),
            "{id}"
        );
    }
}

#[test]
fn speech_is_scored_by_itself_and_with_a_motion() {
    let alone = json(&["score", HELLO, "--json"]);
    let emotions = alone["voice_emotion"].as_object().unwrap();
    let sum: f64 = emotions.values().map(|probability| probability.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-3, "probabilities sum to {sum}");
    assert!(alone.get("metrics").is_none());

    let folder = folder();
    let motion = folder.path().join("take.csv");
    let motion = motion.to_str().unwrap();
    esarm(["animate", HELLO, "--emotion", "neutral", "-o", motion]).expect(0, &[]);
    let scored = json(&["score", HELLO, motion, "--reference", motion, "--json"]);
    let metric = |name: &str| {
        let metrics = scored["metrics"].as_array().unwrap();
        metrics.iter().find(|metric| metric["name"] == name).unwrap()["value"].as_f64().unwrap()
    };
    assert!(metric("mean_blendshape_error") < 1e-6);
    assert!(metric("jaw_correlation") > 0.999);
    assert!(metric("lip_sync_correlation") > 0.2);
    let reward = &scored["reward"];
    assert!(reward["reward"].is_number() && reward["terms"].as_array().unwrap().len() >= 5, "{reward}");
    let vertices = scored["vertex_metrics"].as_array().unwrap();
    assert!(
        vertices.iter().any(|metric| metric["name"].as_str().unwrap().contains("lip_vertex_error")),
        "{vertices:?}"
    );
    esarm(["score", HELLO, "take.fbx"]).expect(2, &[".csv"]);
}

#[test]
fn the_doctor_names_models_and_versions() {
    let facts = json(&["doctor", "--json"]);
    assert_eq!(facts["esarm_version"], env!("CARGO_PKG_VERSION"));
    let models = facts["models"].as_array().unwrap();
    assert!(
        models.iter().all(
            |model| model["bytes"].as_u64().unwrap() > 1000 && model["bytes"].as_u64().unwrap() < 8 << 20
        )
    );
    assert!(models.len() >= 2);
    let kernels = facts["kernels"].as_array().unwrap();
    assert_eq!(kernels.len(), 13);
    for kernel in kernels {
        assert!(kernel["passed"] == true && kernel["gigabytes_per_sec"].as_f64().unwrap() > 0.0, "{kernel}");
    }
    let devices = facts["devices"].as_array().unwrap();
    assert_eq!(
        devices.iter().map(|it| it["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["cpu", "gpu", "cuda"]
    );
    assert!(devices[0]["available"] == true && devices[0]["limits"]["threads"].as_u64() > Some(0));
    assert!(facts["render_adapters"].is_array() && facts["plugins"] == Value::Array(Vec::new()));
    let folder = folder();
    crate::file(folder.path(), "entry", "12345");
    let cache = folder.path().to_str().unwrap();
    assert_eq!(json(&["doctor", "--json", "--cache", cache])["cache"]["bytes"], 5);
    let said = esarm(["doctor", "--cache", cache]);
    said.expect(0, &[]);
    assert!(said.out.contains("plugins: none in this build") && said.out.contains("5 bytes"), "{}", said.out);
    assert_eq!(said.err, "", "drivers speak on the terminal");
}

#[test]
fn completions_and_the_manual_page_are_printed() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(esarm(["completions", shell]).expect(0, &[]).out.contains("animate"));
    }
    let page = esarm(["man"]);
    page.expect(0, &[]);
    for words in [
        ".TH esarm",
        "ESARM ANIMATE",
        "ESARM RUN",
        "ESARM DOCTOR",
        "emotion",
        "reference",
        "EXIT STATUS",
        "130",
    ] {
        assert!(page.out.contains(words), "the manual says nothing of {words}");
    }
    let page = esarm(["man", "run"]);
    page.expect(0, &[]);
    assert!(page.out.contains("EXIT STATUS") && !page.out.contains("takes"));
    esarm(["man", "dance"]).expect(2, &["dance", "animate"]);
    for command in [&["--help"][..], &["animate", "--help"], &["check", "-h"]] {
        assert!(esarm(command).expect(0, &[]).out.contains("Exit status"), "{command:?}");
    }
    esarm(["dance"]).expect(2, &["dance", "--help"]);
}
