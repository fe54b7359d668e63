//! `--device`: the same take on every device, and what is said where there is no such device.

use crate::{HELLO, esarm, folder};
use serde_json::Value;

/// Why a device cannot be had; `None` where it can.
fn missing(name: &str) -> Option<String> {
    let facts: Value = serde_json::from_str(&esarm(["doctor", "--json"]).expect(0, &[]).out).unwrap();
    let device = facts["devices"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap().clone();
    (device["available"] != true).then(|| device["reason"].as_str().unwrap().to_owned())
}

/// Weights of a Live Link Face CSV.
fn weights(path: &std::path::Path) -> Vec<f64> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .skip(1)
        .flat_map(|line| line.split(',').skip(2).map(|cell| cell.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn a_gpu_gives_the_take_of_the_processor() {
    if let Some(reason) = missing("gpu") {
        println!("SKIPPED a_gpu_gives_the_take_of_the_processor: {reason}");
        return;
    }
    esarm(["doctor", "--device", "gpu"]).expect(0, &[]);
    let folder = folder();
    let take = |device: &str| {
        let path = folder.path().join(format!("{device}.csv"));
        let report = folder.path().join(format!("{device}.json"));
        let (out, report_path) = (path.to_str().unwrap(), report.to_str().unwrap());
        let options =
            ["--emotion", "sad", "--fps", "30", "--device", device, "--report", report_path, "-o", out];
        esarm(["animate", HELLO].into_iter().chain(options)).expect(0, &[]);
        let report: Value = serde_json::from_str(&std::fs::read_to_string(&report).unwrap()).unwrap();
        assert_eq!(report["device"], device);
        weights(&path)
    };
    let (on_cpu, on_gpu) = (take("cpu"), take("gpu"));
    assert_eq!(on_cpu.len(), on_gpu.len());
    let furthest = on_cpu.iter().zip(&on_gpu).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(furthest < 2e-3, "a weight is {furthest} off");
}

#[test]
fn a_device_that_is_not_here_is_named_with_a_remedy() {
    for device in ["gpu", "cuda"].into_iter().filter(|name| missing(name).is_some()) {
        let folder = folder();
        let out = folder.path().join("take.csv");
        esarm(["animate", HELLO, "--device", device, "-o", out.to_str().unwrap()])
            .expect(2, &["--device", device, "use --device cpu"]);
        esarm(["doctor", "--device", device]).expect(2, &["use --device cpu"]);
        assert!(!out.exists());
    }
}
