//! The pictures of a report.

use super::STEM;
use super::charts::{Axis, BarChart, Bars, Line, LineChart, Span};
use super::measure::{LipOpening, Measurements, Topic};
use super::summary::Summary;
use crate::features::REWARD_RATE;
use crate::terms::TERM_NAMES;

/// Most clips whose lips are drawn; a report on hundreds of clips stays readable.
pub(super) const MOST_LIPS: usize = 12;

/// A picture beside a report.
pub(super) struct Picture {
    /// Its file's name, in which [`STEM`] stands for the report's.
    pub(super) name: String,
    /// What it shows, for those who cannot see it.
    pub(super) caption: String,
    pub(super) topic: PictureTopic,
    pub(super) svg: String,
}

/// Where in a report a picture belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PictureTopic {
    Terms,
    Noise,
    Lips,
}

pub(super) fn pictures(clips: &[Measurements], summary: &Summary) -> Vec<Picture> {
    let mut all = vec![terms(summary)];
    all.extend(noise(summary));
    all.extend(clips.iter().take(MOST_LIPS).enumerate().map(|(number, clip)| lips(number, clip)));
    all
}

/// The named terms of the motion, the truth and the controls.
fn terms(summary: &Summary) -> Picture {
    let value = |term: &str, column: usize| {
        let row = summary.rows.iter().find(|row| row.topic == Topic::Performance && row.name == term)?;
        row.cells[column].map(|cell| cell.mean)
    };
    let bars = |(column, name): (usize, &String)| Bars {
        name: name.clone(),
        values: TERM_NAMES.iter().map(|term| value(term, column)).collect(),
    };
    let chart = BarChart {
        title: "Named terms, 1 is best".to_owned(),
        up: Axis { label: "value".to_owned(), span: Span { low: 0.0, high: 1.0 } },
        groups: TERM_NAMES.iter().map(|term| term.replace('_', " ")).collect(),
        bars: summary.columns.iter().enumerate().map(bars).collect(),
    };
    let caption = "Named terms of the motion, the truth and the controls, mean over clips".to_owned();
    Picture { name: format!("{STEM}.terms.svg"), caption, topic: PictureTopic::Terms, svg: chart.svg() }
}

/// The reward as the truth is made worse; nothing where it is not known.
fn noise(summary: &Summary) -> Option<Picture> {
    if summary.noise.is_empty() {
        return None;
    }
    let families = summary.noise.iter().enumerate();
    let lines = families.map(|(number, (family, points))| Line {
        name: family.clone(),
        points: points.iter().map(|(level, reward)| (f64::from(*level), *reward)).collect(),
        colour: number,
        is_broken: number % 2 == 1,
    });
    let rewards = summary.noise.values().flatten().map(|(_, reward)| *reward);
    let chart = LineChart {
        title: "Noise and reward".to_owned(),
        across: Axis { label: "level of the noise".to_owned(), span: Span { low: 0.0, high: 1.0 } },
        up: Axis { label: "reward less that of the truth".to_owned(), span: Span::of(rewards.chain([0.0])) },
        shaded: Vec::new(),
        shaded_name: String::new(),
        lines: lines.collect(),
    };
    let caption = "Reward lost as the truth is made worse, by noise family, mean over clips".to_owned();
    let name = format!("{STEM}.noise.svg");
    Some(Picture { name, caption, topic: PictureTopic::Noise, svg: chart.svg() })
}

/// Lip opening of the motion against the reference.
fn lips(number: usize, clip: &Measurements) -> Picture {
    let opening = &clip.lip_opening;
    let secs = |frame: usize| opening.start_secs + REWARD_RATE.secs_of(frame as i64);
    let line = |name: &str, values: &[f32], colour: usize, is_broken: bool| Line {
        name: name.to_owned(),
        points: values.iter().enumerate().map(|(frame, value)| (secs(frame), f64::from(*value))).collect(),
        colour,
        is_broken,
    };
    let mut lines = vec![line("motion", &opening.motion, 0, false)];
    if !opening.reference.is_empty() {
        lines.push(line("reference", &opening.reference, 1, true));
    }
    let values = opening.motion.iter().chain(&opening.reference).map(|value| f64::from(*value));
    let end = secs(opening.motion.len().max(1));
    let chart = LineChart {
        title: format!("Lip opening, {}", clip.name),
        across: Axis { label: "seconds".to_owned(), span: Span { low: opening.start_secs, high: end } },
        up: Axis { label: "max(jawOpen - mouthClose, 0)".to_owned(), span: Span::of(values.chain([0.0])) },
        shaded: stretches(opening),
        shaded_name: "nothing is said".to_owned(),
        lines,
    };
    let caption = format!("Lip opening of {} over time", clip.name);
    let name = format!("{STEM}.lips.{:03}.svg", number + 1);
    Picture { name, caption, topic: PictureTopic::Lips, svg: chart.svg() }
}

/// Stretches in which nothing is said, in seconds.
fn stretches(opening: &LipOpening) -> Vec<(f64, f64)> {
    let secs = |frame: usize| opening.start_secs + REWARD_RATE.secs_of(frame as i64);
    let mut frame = 0;
    let mut found = Vec::new();
    for stretch in opening.silent.chunk_by(|a, b| a == b) {
        if stretch[0] {
            found.push((secs(frame), secs(frame + stretch.len())));
        }
        frame += stretch.len();
    }
    found
}
