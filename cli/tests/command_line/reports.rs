//! Reports on motions: by `esarm score` and by graphs.

use crate::corpus::GraphRun;
use crate::{HELLO, esarm, file, files_in, folder, workspace};
use serde_json::Value;
use std::path::Path;

/// A take of the example speech as CSV.
fn take(folder: &Path, name: &str, seed: &str) -> String {
    let path = folder.join(name).to_str().unwrap().to_owned();
    esarm(["animate", HELLO, "--emotion", "happy", "--seed", seed, "-o", &path]).expect(0, &[]);
    path
}

/// The pictures that a report shows, as they are named in it.
fn pictures(markdown: &str) -> Vec<&str> {
    markdown
        .lines()
        .filter_map(|line| line.strip_prefix("![")?.split_once("](<")?.1.strip_suffix(">)"))
        .collect()
}

#[test]
fn a_score_comes_with_a_report_whose_pictures_lie_beside_it() {
    let folder = folder();
    let (motion, reference) = (take(folder.path(), "take.csv", "1"), take(folder.path(), "truth.csv", "2"));
    let report = folder.path().join("how good.md");
    let report_path = report.to_str().unwrap();
    let scored =
        esarm(["score", HELLO, &motion, "--reference", &reference, "--report", report_path, "--json"]);
    scored.expect(0, &[]);
    let scores: Value = serde_json::from_str(&scored.out).unwrap();
    assert_eq!(scores["report_files"].as_array().unwrap().len(), 4);
    let text = std::fs::read_to_string(&report).unwrap();
    let names = pictures(&text);
    assert_eq!(names, ["how good.terms.svg", "how good.noise.svg", "how good.lips.001.svg"]);
    for name in &names {
        let svg = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(svg.starts_with("<svg") && !svg.contains("NaN"), "{name}");
    }
    for words in ["| lip_vertex_error ↓ | mm^2 |", "| truth |", "squared", "vertices whose displacement"] {
        assert!(
            text.contains(words) || text.contains(&words.replace("| truth |", " truth ")),
            "{words}: {text}"
        );
    }
    // The truth has no error, and the controls have.
    let row = text.lines().find(|line| line.starts_with("| lip_vertex_error ")).unwrap();
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    assert_eq!((cells[4], *cells.iter().rev().nth(1).unwrap()), ("0.000", "yes"), "{row}");
}

#[test]
fn a_report_never_replaces_what_it_was_made_from() {
    let folder = folder();
    let motion = take(folder.path(), "take.csv", "1");
    esarm(["score", HELLO, &motion, "--report", &motion]).expect(2, &["--report", "would overwrite"]);
    let other = folder.path().join("report.html");
    esarm(["score", HELLO, &motion, "--report", other.to_str().unwrap()]).expect(2, &[".md"]);
    esarm(["score", HELLO, "--report", "report.md"]).expect(2, &["<MOTION>"]);
    assert_eq!(files_in(folder.path()), ["take.csv"]);
}

#[test]
fn clips_are_measured_one_by_one_and_reported_together() {
    let folder = folder();
    let reference = take(folder.path(), "truth.csv", "9");
    for seed in ["1", "2"] {
        let motion = take(folder.path(), "take.csv", seed);
        let measured = GraphRun::new("evaluate.esarm", folder.path())
            .set(&[("measure.name", &format!("take {seed}")), ("emotion.emotion", "happy")])
            .input("speech", &workspace().join(HELLO))
            .input("motion", Path::new(&motion))
            .input("reference", Path::new(&reference))
            .output("measurements", &folder.path().join(format!("measurements/{seed}.measurements")))
            .output("report", &folder.path().join(format!("one/{seed}.md")));
        measured.works();
    }
    assert!(folder.path().join("one/2.lips.001.svg").exists());
    let together = GraphRun::new("report_clips.esarm", folder.path())
        .output("report", &folder.path().join("all.md"))
        .output("table", &folder.path().join("all.json"));
    together.works();
    let table: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("all.json")).unwrap()).unwrap();
    assert_eq!(table["clips"], serde_json::json!(["take 1", "take 2"]));
    let text = std::fs::read_to_string(folder.path().join("all.md")).unwrap();
    assert!(
        text.contains("## Clip by clip") && text.contains("| take 2 |") && text.contains(" ± "),
        "{text}"
    );
    assert_eq!(pictures(&text).len(), 4);
    // What is no measurement is refused by name, and the old report stays.
    file(&folder.path().join("measurements"), "3.measurements", "{}");
    together.call().expect(1, &["3.measurements", "eval.measure"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("all.md")).unwrap(), text);
}
