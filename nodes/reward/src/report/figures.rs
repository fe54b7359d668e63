//! All figures of one motion of a clip, and which of their values are good.

use super::measure::{Clip, Figure, Topic};
use crate::RewardError;
use crate::metrics::{Metric, motion_metrics, reference_metrics};
use crate::model::RewardModel;
use crate::phones::closure_recall;
use crate::terms::Performance;
use crate::vertices::vertex_metrics;
use esarm_values::Track;

/// A figure of one motion.
pub(super) struct Measured {
    topic: Topic,
    name: &'static str,
    unit: &'static str,
    formula: &'static str,
    mask: String,
    pub(super) value: Option<f64>,
}

impl Measured {
    fn new(topic: Topic, metric: Metric) -> Self {
        let Metric { name, value, unit, formula, mask } = metric;
        Self { topic, name, unit, formula, mask: mask.into_owned(), value }
    }

    /// The same without a value yet.
    pub(super) fn to_figure(&self) -> Figure {
        Figure {
            topic: self.topic,
            name: self.name.to_owned(),
            unit: self.unit.to_owned(),
            formula: self.formula.to_owned(),
            mask: self.mask.clone(),
            values: Vec::new(),
        }
    }
}

/// The figures of a motion that stands in for that of a clip.
pub(super) fn of(clip: &Clip<'_>, motion: &Track, model: &RewardModel) -> Result<Vec<Measured>, RewardError> {
    let mut all = performance(clip, motion, model)?;
    let mut add = |topic, metrics: Vec<Metric>| {
        all.extend(metrics.into_iter().map(|metric| Measured::new(topic, metric)));
    };
    if let Some(audio) = clip.audio {
        add(Topic::Speech, motion_metrics(audio, motion));
    }
    if let Some(phones) = clip.phones {
        add(Topic::Speech, vec![closure_recall(motion, phones)]);
    }
    if let Some(reference) = clip.reference {
        add(Topic::Weights, reference_metrics(motion, reference));
        if let Some(face) = clip.face {
            add(Topic::Surface, vertex_metrics(motion, reference, face)?);
        }
    }
    Ok(all)
}

/// The learnt reward and the named terms.
fn performance(clip: &Clip<'_>, motion: &Track, model: &RewardModel) -> Result<Vec<Measured>, RewardError> {
    let rewards = model.score(motion, clip.audio, clip.emotion)?;
    let terms = Performance::new(motion, clip.audio, clip.emotion)?.terms(&model.weights().liveliness);
    let learnt = |name, value, formula| Measured {
        topic: Topic::Performance,
        name,
        unit: "standard deviations",
        formula,
        mask: "all frames at 30 fps, the 52 ARKit shapes".to_owned(),
        value: Some(value),
    };
    let reward =
        "mean over frames and ensemble of the learnt reward, in standard deviations of training takes";
    let uncertainty = "mean over frames of the ensemble's standard deviation";
    let mut all = vec![
        learnt("reward", rewards.clip_reward(), reward),
        learnt("uncertainty", rewards.clip_uncertainty(), uncertainty),
    ];
    all.extend(terms.into_iter().map(|term| Measured {
        topic: Topic::Performance,
        name: term.name,
        unit: "0 to 1",
        formula: term.formula,
        mask: "frames at 30 fps".to_owned(),
        value: term.value,
    }));
    Ok(all)
}

/// Which values of a figure are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    /// Large ones.
    Higher,
    /// Small ones.
    Lower,
    /// Those near 0.
    NearZero,
    /// It depends: more of it is not better by itself.
    Unsaid,
}

impl Better {
    /// Of a figure by its topic and name.
    pub(super) fn of(topic: Topic, name: &str) -> Self {
        match name {
            "liveliness" if topic == Topic::Performance => Self::Higher,
            "reward" | "lip_sync" | "closures" | "emotion_agreement" | "smoothness" => Self::Higher,
            "lip_sync_correlation" | "silence_closure" | "beat_alignment" | "closure_recall" => Self::Higher,
            "jaw_correlation" | "mean_correlation" => Self::Higher,
            "silence_aperture" | "out_of_range" | "face_dynamics_deviation_abs" => Self::Lower,
            "lip_sync_lag" | "upper_face_dynamics_deviation" | "face_dynamics_deviation" => Self::NearZero,
            "frechet_distance" => Self::Lower,
            name if name.contains("_error") => Self::Lower,
            _ => Self::Unsaid,
        }
    }

    /// How bad a value is; smaller is better. `None` where it cannot be said.
    pub(super) fn badness(self, value: f64) -> Option<f64> {
        match self {
            Self::Higher => Some(-value),
            Self::Lower => Some(value),
            Self::NearZero => Some(value.abs()),
            Self::Unsaid => None,
        }
    }

    /// The mark in tables.
    pub(super) const fn mark(self) -> &'static str {
        match self {
            Self::Higher => "↑",
            Self::Lower => "↓",
            Self::NearZero => "→ 0",
            Self::Unsaid => "",
        }
    }
}
