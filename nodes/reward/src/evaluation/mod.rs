//! How good a reward is: on clips and noise levels that it has not learnt from.

mod controls;
mod table;

pub use controls::{Control, controls};

use crate::demonstrations::{Demonstrations, Family, Group, Kind, RankedTake};
use crate::model::RewardModel;
use crate::signal::{mean, pearson};
use crate::training::{Calibration, calibration};
use serde::Serialize;
use std::collections::BTreeMap;

/// The figures of a reward.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Number of clips.
    pub clips: usize,
    /// Preferences on all pairs of a family whose levels are apart by the margin or more.
    pub preferences: Calibration,
    /// Figures of each family that the clips have.
    pub families: Vec<FamilyFigures>,
    /// Against motions that are worse without doubt.
    pub controls: Vec<ControlFigures>,
    /// Mean standard deviation over the ensemble, of frames without noise and of all takes of the highest level.
    pub uncertainty: [f64; 2],
}

/// The figures of a family.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FamilyFigures {
    /// The family.
    pub family: &'static str,
    /// Clips that have it.
    pub clips: usize,
    /// Pairs.
    pub pairs: usize,
    /// Share of pairs that are ordered rightly.
    pub accuracy: f64,
    /// Spearman's correlation of level and mean reward over clips, clips being compared to their own take without noise.
    pub spearman_of_means: f64,
    /// Mean over clips of Spearman's correlation of level and reward.
    pub mean_spearman: f64,
    /// Mean reward lost at each level: `(level, loss)`.
    pub losses: Vec<(f32, f64)>,
}

/// Figures of a control.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ControlFigures {
    /// The control.
    pub name: &'static str,
    /// Comparisons: clips, or clips times wrong emotions.
    pub comparisons: usize,
    /// Share in which the truth has the higher reward.
    pub truth_wins: f64,
    /// Mean difference of rewards, truth minus control.
    pub mean_difference: f64,
}

/// Evaluates a reward on demonstrations of clips that it has not learnt from.
pub fn evaluate(model: &RewardModel, sets: &[Demonstrations]) -> Evaluation {
    let clips: Vec<JudgedClip<'_>> = sets.iter().map(|set| JudgedClip::new(model, set)).collect();
    let differences: Vec<f64> = clips.iter().flat_map(|clip| clip.differences(|_| true)).collect();
    Evaluation {
        clips: clips.len(),
        preferences: calibration(&differences, f64::from(model.weights().temperature)),
        families: Family::ALL.iter().filter_map(|family| family_figures(*family, &clips)).collect(),
        controls: control_figures(model, &clips),
        uncertainty: [0.0, 1.0].map(|strong| uncertainty(&clips, strong > 0.5)),
    }
}

/// A clip with the reward and the uncertainty of each of its takes.
struct JudgedClip<'a> {
    set: &'a Demonstrations,
    rewards: Vec<f64>,
    uncertainty: Vec<f64>,
}

impl<'a> JudgedClip<'a> {
    fn new(model: &RewardModel, set: &'a Demonstrations) -> Self {
        let judge = |take: &RankedTake| {
            let emotion = take.emotion.as_ref().unwrap_or(&set.scene.emotion);
            let (rewards, uncertainty) = model.score_rows(&take.motion, &set.scene.audio, emotion);
            (mean_of(&rewards), mean_of(&uncertainty))
        };
        let (rewards, uncertainty) = set.takes.iter().map(judge).unzip();
        Self { set, rewards, uncertainty }
    }

    /// Reward differences, better minus worse, of the pairs of the families wanted.
    fn differences(&self, wanted: impl Fn(Family) -> bool) -> Vec<f64> {
        let of_family = |group: Group| matches!(group, Group::Family(family) if wanted(family));
        let pairs = self.set.pairs.iter().filter(|pair| of_family(pair.group));
        pairs.map(|pair| self.rewards[pair.better] - self.rewards[pair.worse]).collect()
    }

    /// Level and reward of the takes of a family, the one without noise first; the rewards are relative to it.
    fn by_level(&self, family: Family) -> Vec<(f32, f64)> {
        let Some(truth) = self.truth() else { return Vec::new() };
        let varied =
            (0..self.rewards.len()).filter(|take| self.set.takes[*take].kind == Kind::Varied(family));
        let varied: Vec<usize> = varied.collect();
        if varied.is_empty() {
            return Vec::new();
        }
        let relative = |take: usize| (self.set.takes[take].level, self.rewards[take] - self.rewards[truth]);
        std::iter::once(truth).chain(varied).map(relative).collect()
    }

    /// The first take without noise.
    fn truth(&self) -> Option<usize> {
        self.set.takes.iter().position(|take| matches!(take.kind, Kind::Demonstration | Kind::Take))
    }
}

fn family_figures(family: Family, clips: &[JudgedClip<'_>]) -> Option<FamilyFigures> {
    let differences: Vec<f64> =
        clips.iter().flat_map(|clip| clip.differences(|found| found == family)).collect();
    let by_clip: Vec<Vec<(f32, f64)>> = clips.iter().map(|clip| clip.by_level(family)).collect();
    let by_clip: Vec<Vec<(f32, f64)>> = by_clip.into_iter().filter(|levels| levels.len() > 1).collect();
    if by_clip.is_empty() || differences.is_empty() {
        return None;
    }
    let mut at_level: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (level, reward) in by_clip.iter().flatten() {
        at_level.entry((f64::from(*level) * 1000.0).round() as i64).or_default().push(*reward);
    }
    let means: Vec<(f32, f64)> =
        at_level.iter().map(|(level, rewards)| (*level as f32 / 1000.0, mean(rewards))).collect();
    let right = differences.iter().filter(|difference| **difference > 0.0).count();
    let spearmans: Vec<f64> = by_clip.iter().map(|levels| spearman_of(levels)).collect();
    Some(FamilyFigures {
        family: family.name(),
        clips: by_clip.len(),
        pairs: differences.len(),
        accuracy: right as f64 / differences.len() as f64,
        spearman_of_means: spearman_of(&means),
        mean_spearman: mean(&spearmans),
        losses: means.into_iter().map(|(level, reward)| (level, -reward)).collect(),
    })
}

fn control_figures(model: &RewardModel, clips: &[JudgedClip<'_>]) -> Vec<ControlFigures> {
    let mut differences: BTreeMap<Control, Vec<f64>> = BTreeMap::new();
    for clip in clips {
        let Some(truth) = clip.truth() else { continue };
        for control in controls(&clip.set.scene, &clip.set.takes[truth].motion) {
            let (rewards, _) = model.score_rows(&control.motion, &clip.set.scene.audio, &control.emotion);
            let difference = clip.rewards[truth] - mean_of(&rewards);
            differences.entry(control.control).or_default().push(difference);
        }
    }
    let figures = |(control, differences): (Control, Vec<f64>)| {
        let wins = differences.iter().filter(|difference| **difference > 0.0).count();
        ControlFigures {
            name: control.name(),
            comparisons: differences.len(),
            truth_wins: wins as f64 / differences.len() as f64,
            mean_difference: mean(&differences),
        }
    };
    differences.into_iter().map(figures).collect()
}

/// Mean uncertainty of takes without noise, or of those with the most.
fn uncertainty(clips: &[JudgedClip<'_>], of_the_worst: bool) -> f64 {
    let strongest = |clip: &JudgedClip<'_>| {
        let varied = clip.set.takes.iter().filter(|take| matches!(take.kind, Kind::Varied(_)));
        varied.map(|take| take.level).fold(0.0, f32::max)
    };
    let chosen = clips.iter().flat_map(|clip| {
        let level = if of_the_worst { strongest(clip) } else { 0.0 };
        let takes = clip.set.takes.iter().zip(&clip.uncertainty);
        takes.filter(move |(take, _)| take.level == level).map(|(_, uncertainty)| *uncertainty)
    });
    mean(&chosen.collect::<Vec<_>>())
}

fn mean_of(values: &[f32]) -> f64 {
    values.iter().copied().map(f64::from).sum::<f64>() / values.len().max(1) as f64
}

fn spearman_of(levels: &[(f32, f64)]) -> f64 {
    let a: Vec<f64> = levels.iter().map(|(level, _)| f64::from(*level)).collect();
    let b: Vec<f64> = levels.iter().map(|(_, reward)| *reward).collect();
    spearman(&a, &b)
}

/// Spearman's rank correlation of two sequences of equal length, equal values sharing their mean rank; 0 when one of
/// them does not vary.
pub fn spearman(a: &[f64], b: &[f64]) -> f64 {
    pearson(&ranks(a), &ranks(b)).unwrap_or(0.0)
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let below = |value: f64| values.iter().filter(|other| **other < value).count() as f64;
    let equal = |value: f64| values.iter().filter(|other| **other == value).count() as f64;
    values.iter().map(|value| below(*value) + (equal(*value) - 1.0) / 2.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_order_whatever_the_distances() {
        assert!((spearman(&[0.0, 1.0, 2.0, 3.0], &[9.0, 8.0, 0.5, -100.0]) + 1.0).abs() < 1e-12);
        assert!((spearman(&[0.0, 1.0, 2.0], &[1.0, 1.0, 5.0]) - 0.75_f64.sqrt()).abs() < 1e-9);
        assert_eq!(spearman(&[0.0, 1.0], &[2.0, 2.0]), 0.0);
    }
}
