use super::*;
use crate::model::{RewardModel, RewardWeights};
use crate::testing::talking;
use burn::tensor::Device;
use esarm_values::{Audio, Emotion, Track};

fn model() -> RewardModel {
    RewardModel::new(RewardWeights::untrained(2, 3), &Device::flex())
}

/// A take that follows its reference with a smaller mouth.
fn take(reference: &Track) -> Track {
    let mut take = reference.clone();
    take.values_mut().iter_mut().for_each(|weight| *weight *= 0.8);
    take
}

fn measured(seed: u64, with_reference: bool) -> Measurements {
    let (audio, reference) = talking(seed, 3.0);
    let (motion, emotion) = (take(&reference), Emotion::constant(1, 0.5));
    let clip = Clip {
        name: &audio.name,
        motion: &motion,
        reference: with_reference.then_some(&reference),
        audio: Some(&audio),
        emotion: Some(&emotion),
        phones: None,
        face: None,
        seed: 0,
    };
    measure(&clip, &model()).unwrap()
}

fn text(file: &File) -> String {
    String::from_utf8(file.bytes.clone()).unwrap()
}

#[test]
fn every_figure_stands_beside_the_truth_and_the_controls() {
    let clip = measured(1, true);
    assert_eq!(clip.columns, ["motion", "truth", "static", "reversed", "200 ms later", "gain 1.5"]);
    let error = |column: &str| clip.value(Topic::Weights, "lip_blendshape_error", column).unwrap();
    assert!(error("truth") < 1e-9);
    assert!(["motion", "static", "reversed", "200 ms later", "gain 1.5"].iter().all(|it| error(it) > 0.02));
    let correlation = |column: &str| clip.value(Topic::Weights, "mean_correlation", column);
    assert_eq!(correlation("static"), Some(0.0));
    assert!((correlation("motion").unwrap() - 1.0).abs() < 1e-6);
    // What is said of the speech needs no reference.
    assert!(clip.value(Topic::Speech, "lip_sync_correlation", "truth").unwrap() > 0.5);
    assert_eq!(clip.value(Topic::Speech, "lip_sync_correlation", "static"), None);
    let later = clip.value(Topic::Speech, "lip_sync_lag", "200 ms later").unwrap();
    let own = clip.value(Topic::Speech, "lip_sync_lag", "truth").unwrap();
    assert!((150.0..=250.0).contains(&(later - own)), "{later} {own}");
}

#[test]
fn without_a_reference_the_controls_are_of_the_motion() {
    let clip = measured(1, false);
    assert_eq!(clip.columns, ["motion", "static", "reversed", "200 ms later", "gain 1.5"]);
    assert!(clip.figures.iter().all(|figure| matches!(figure.topic, Topic::Performance | Topic::Speech)));
    let (file, summary) = report("One", &[clip]).unwrap();
    assert_eq!(summary.truth_column(), 0);
    assert!(text(&file).contains("There is no reference") && text(&file).contains("| motion first |"));
}

#[test]
fn a_report_says_what_every_figure_is_and_names_its_pictures() {
    let clips: Vec<Measurements> = (1..=3).map(|seed| measured(seed, true)).collect();
    let (file, summary) = report("Three <clips>", &clips).unwrap();
    let text = text(&file);
    assert!(
        text.starts_with("# Three &lt;clips>\n\n3 clips, 9.0 s; means over clips ± 1.96 s / √n."),
        "{text}"
    );
    for row in &summary.rows {
        let defined = text.lines().filter(|line| line.starts_with(&format!("| {} ", row.name))).count();
        assert!(defined >= 2, "{} has a value and a definition", row.name);
        assert!(!row.formula.is_empty() && !row.mask.is_empty() && !row.unit.is_empty());
    }
    let squared = summary.rows.iter().find(|row| row.name == "upper_face_dynamics_deviation").unwrap();
    assert!(squared.squared && text.contains("| upper_face_dynamics_deviation | weight^2 | squared |"));
    assert!(text.contains("| lip_blendshape_error | weight | not squared |"));
    let error = summary.rows.iter().find(|row| row.name == "lip_blendshape_error").unwrap();
    assert!(error.truth_first == "yes" && error.cells[1].unwrap().mean < 1e-9);
    assert!(error.cells[0].unwrap().half_width.unwrap() > 0.0);
    let names: Vec<&str> = file.companions.iter().map(|(name, _)| name.as_str()).collect();
    let wanted =
        ["terms", "noise", "lips.001", "lips.002", "lips.003"].map(|it| format!("{{stem}}.{it}.svg"));
    assert_eq!(names, wanted);
    for (name, svg) in &file.companions {
        assert!(text.contains(&format!("](<{name}>)")), "{name} is shown");
        assert!(svg.starts_with(b"<svg") && svg.ends_with(b"</svg>\n"));
        let svg = String::from_utf8_lossy(svg);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
    assert_eq!(report("Three <clips>", &clips).unwrap().0, file);
}

#[test]
fn what_cannot_be_ranked_says_why_and_is_reported_all_the_same() {
    let (_, reference) = talking(1, 2.0);
    let still =
        Track::zeros(reference.rate(), reference.channels().clone(), reference.frame_count()).unwrap();
    let clip = Clip {
        name: "still",
        motion: &still,
        reference: None,
        audio: None,
        emotion: None,
        phones: None,
        face: None,
        seed: 0,
    };
    let measured = measure(&clip, &model()).unwrap();
    assert!(measured.noise_unknown.as_ref().unwrap().contains("does not move"));
    let (file, _) = report("Still", &[measured]).unwrap();
    assert!(text(&file).contains("Not known of \"still\""));
    let empty = Track::new(reference.rate(), reference.channels().clone(), vec![]).unwrap();
    assert!(measure(&Clip { motion: &empty, ..clip }, &model()).is_err());
    let wrong_rate = Audio::new("fast", 48_000, vec![0.1; 96_000]);
    let error = measure(&Clip { audio: Some(&wrong_rate), ..clip }, &model()).unwrap_err().to_string();
    assert!(error.contains("16000"), "{error}");
}

#[test]
fn files_hold_what_they_were_given_and_others_are_refused() {
    let clip = measured(2, true);
    let bytes = clip.to_bytes().unwrap();
    assert_eq!(Measurements::from_bytes("a", &bytes).unwrap(), clip);
    let refused = |bytes: &[u8]| Measurements::from_bytes("a.measurements", bytes).unwrap_err().to_string();
    assert!(refused(&bytes[..bytes.len() / 2]).contains("a.measurements"));
    let other = String::from_utf8(bytes).unwrap().replace("esarm-measurements-1", "esarm-measurements-9");
    assert!(refused(other.as_bytes()).contains("esarm-measurements-9"));
    assert!(report("none", &[]).unwrap_err().to_string().contains("eval.measure"));
}
