//! The figures of many clips as means with intervals, and whether each figure puts the truth first.

use super::controls::Control;
use super::figures::Better;
use super::measure::{Figure, MOTION, Measurements, NoiseCurve, TRUTH, Topic};
use crate::signal::{mean, standard_deviation};
use serde::Serialize;
use std::collections::BTreeMap;

/// Half the width of a 95 % interval in standard errors, as papers on the field use it for many clips.
const STANDARD_ERRORS: f64 = 1.96;

/// Mean over clips.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// The mean.
    pub mean: f64,
    /// Half the width of its 95 % interval, `1.96 s / sqrt(n)`, s with n - 1; absent for one clip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_width: Option<f64>,
    /// Clips in which the figure is defined.
    pub clips: usize,
}

/// A figure over all clips.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What it is about.
    pub topic: Topic,
    /// Stable name.
    pub name: String,
    /// Unit of the values.
    pub unit: String,
    /// Whether a difference or displacement is squared.
    pub squared: bool,
    /// How it is computed.
    pub formula: String,
    /// The channels, vertices or frames it looks at.
    pub mask: String,
    /// A cell for each column, where the figure is defined in any clip.
    pub cells: Vec<Option<Cell>>,
    /// What the controls say of the figure.
    pub truth_first: String,
}

/// Everything that a report says in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Names of the clips.
    pub clips: Vec<String>,
    /// What was measured: motion, truth, controls.
    pub columns: Vec<String>,
    /// The figures.
    pub rows: Vec<Row>,
    /// Mean over clips of the reward less that of the truth, by noise family and level.
    pub noise: BTreeMap<String, Vec<(f32, f64)>>,
}

impl Summary {
    pub(super) fn new(clips: &[Measurements]) -> Self {
        let known = [MOTION, TRUTH].into_iter().chain(Control::ALL.map(Control::name));
        let is_measured = |name: &&str| clips.iter().any(|clip| clip.columns.iter().any(|it| it == name));
        let columns: Vec<String> = known.filter(is_measured).map(str::to_owned).collect();
        let mut figures: Vec<&Figure> = Vec::new();
        for figure in clips.iter().flat_map(|clip| &clip.figures) {
            if !figures.iter().any(|it| (it.topic, &it.name) == (figure.topic, &figure.name)) {
                figures.push(figure);
            }
        }
        figures.sort_by_key(|figure| figure.topic);
        let rows = figures.into_iter().map(|figure| row(figure, &columns, clips)).collect();
        let clip_names = clips.iter().map(|clip| clip.name.clone()).collect();
        Self { clips: clip_names, columns, rows, noise: noise(clips) }
    }

    /// The index of the column that the controls are worse than: the truth, or the motion where there is no reference.
    pub(super) fn truth_column(&self) -> usize {
        self.columns.iter().position(|name| name == TRUTH).unwrap_or(0)
    }
}

fn row(figure: &Figure, columns: &[String], clips: &[Measurements]) -> Row {
    let cell = |column: &String| {
        let values: Vec<f64> =
            clips.iter().filter_map(|clip| clip.value(figure.topic, &figure.name, column)).collect();
        cell(&values)
    };
    let cells: Vec<Option<Cell>> = columns.iter().map(cell).collect();
    let truth_first = verdict(Better::of(figure.topic, &figure.name), columns, &cells);
    Row {
        topic: figure.topic,
        name: figure.name.clone(),
        unit: figure.unit.clone(),
        squared: figure.unit.contains("^2"),
        formula: figure.formula.clone(),
        mask: figure.mask.clone(),
        cells,
        truth_first,
    }
}

fn cell(values: &[f64]) -> Option<Cell> {
    let clips = values.len();
    let half_width = || {
        // The sample's deviation: with n - 1.
        let deviation = standard_deviation(values) * (clips as f64 / (clips as f64 - 1.0)).sqrt();
        STANDARD_ERRORS * deviation / (clips as f64).sqrt()
    };
    (clips > 0).then(|| Cell { mean: mean(values), half_width: (clips > 1).then(half_width), clips })
}

/// Whether the truth is before every control: a figure of which that is not so says nothing about quality.
fn verdict(better: Better, columns: &[String], cells: &[Option<Cell>]) -> String {
    let badness = |name: &str| {
        let column = columns.iter().position(|column| column == name)?;
        better.badness(cells[column]?.mean)
    };
    let truth = if columns.iter().any(|column| column == TRUTH) { TRUTH } else { MOTION };
    let Some(own) = badness(truth) else { return String::new() };
    let (mut before, mut level, mut asked) = (Vec::new(), Vec::new(), 0);
    for name in Control::ALL.map(Control::name) {
        let Some(other) = badness(name) else { continue };
        asked += 1;
        match other - own {
            apart if apart < -1e-9 => before.push(name),
            apart if apart <= 1e-9 => level.push(name),
            _ => {}
        }
    }
    match (before.is_empty(), level.is_empty()) {
        _ if asked == 0 => String::new(),
        (true, true) => "yes".to_owned(),
        (true, false) => format!("level with {}", level.join(", ")),
        (false, _) => format!("no: {} before it", before.join(", ")),
    }
}

fn noise(clips: &[Measurements]) -> BTreeMap<String, Vec<(f32, f64)>> {
    let mut by_level: BTreeMap<&str, BTreeMap<i64, Vec<f64>>> = BTreeMap::new();
    for NoiseCurve { family, points } in clips.iter().flat_map(|clip| &clip.noise) {
        for (level, reward) in points {
            let thousandth = (f64::from(*level) * 1000.0).round() as i64;
            by_level.entry(family).or_default().entry(thousandth).or_default().push(*reward);
        }
    }
    let means = |levels: BTreeMap<i64, Vec<f64>>| {
        levels.into_iter().map(|(level, rewards)| (level as f32 / 1000.0, mean(&rewards))).collect()
    };
    by_level.into_iter().map(|(family, levels)| (family.to_owned(), means(levels))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_computed_by_hand() {
        assert_eq!(cell(&[]), None);
        assert_eq!(cell(&[2.0]), Some(Cell { mean: 2.0, half_width: None, clips: 1 }));
        let three = cell(&[1.0, 2.0, 3.0]).unwrap();
        assert_eq!((three.mean, three.clips), (2.0, 3));
        assert!((three.half_width.unwrap() - 1.96 / 3.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn verdicts_name_the_controls_that_a_figure_prefers() {
        let columns: Vec<String> = [MOTION, TRUTH, "static", "gain 1.5"].map(str::to_owned).to_vec();
        let said = |better, values: [Option<f64>; 4]| {
            let cells = values.map(|value| value.and_then(|value| cell(&[value])));
            verdict(better, &columns, &cells)
        };
        assert_eq!(said(Better::Lower, [Some(1.0), Some(0.0), Some(3.0), Some(2.0)]), "yes");
        assert_eq!(said(Better::Higher, [Some(1.0), Some(0.5), None, Some(0.2)]), "yes");
        assert_eq!(said(Better::NearZero, [None, Some(-0.5), Some(0.1), Some(2.0)]), "no: static before it");
        assert_eq!(said(Better::Lower, [None, Some(0.0), Some(0.0), Some(2.0)]), "level with static");
        assert_eq!(said(Better::Unsaid, [None, Some(0.0), Some(0.0), Some(2.0)]), "");
        assert_eq!(said(Better::Higher, [None, Some(0.0), None, None]), "");
    }
}
