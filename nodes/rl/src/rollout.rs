//! Takes drawn and judged: what an iteration learns from.

use crate::RlError;
use crate::compare::mean_spreads;
use crate::normaliser::Normaliser;
use crate::policy::{ActionDistribution, Judge, Judgement, Policy, Rows, Sampling};
use crate::settings::TuneSettings;
use burn::tensor::{Tensor, TensorData};
use esarm_kernels::random::Random;

/// Share of the wanted spread below which less movement costs no more.
const LEAST_SPREAD_SHARE: f64 = 0.02;
/// Share of the wanted spread from which on nothing costs: takes differ, and a calm one is not frozen.
const FREE_SPREAD_SHARE: f64 = 0.7;
/// Takes of the start by which the spread of a line is known.
const REFERENCE_TAKES: usize = 2;
const REFERENCE_STREAM: u64 = 0x5265;
/// Spread below which a column of the demonstrations counts as still.
const STILL: f64 = 1e-4;

/// Takes of one line with their rewards.
pub(crate) struct Rollout {
    /// Index of the line.
    pub(crate) line: usize,
    /// Number of takes.
    pub(crate) takes: usize,
    /// Action frames of the line.
    pub(crate) frames: usize,
    /// Actions `[takes, frames, latents]`, on the policy's device.
    pub(crate) actions: Tensor<3>,
    /// Log-probabilities under the policy that drew them: `[takes, frames]`.
    pub(crate) log_probability: Vec<f32>,
    /// Rewards as the judge gives them less what caution takes off, at action frames: `[takes, frames]`.
    pub(crate) rewards: Vec<f32>,
    /// Cost of moving less than wanted: `[takes]`.
    pub(crate) stillness: Vec<f32>,
    /// Rewards of the clips as the judge gives them: `[takes]`.
    pub(crate) clip_rewards: Vec<f64>,
}

/// What takes are judged by.
pub(crate) struct Judging<'a, P: Policy> {
    pub(crate) judge: &'a dyn Judge<P::Line>,
    /// The policy that tuning began with: no line needs to move more than it moves it.
    pub(crate) start: &'a P,
    /// Spread of each column of the motion in the demonstrations; 0 for columns that do not count.
    pub(crate) demonstration_spread: &'a [f64],
    pub(crate) settings: &'a TuneSettings,
}

/// A seed for each take, from a source of random numbers.
pub(crate) fn seeds(random: Random, count: usize) -> Vec<u64> {
    let seed = |take: usize| {
        let [low, high, ..] = random.words(take as u64);
        u64::from(low) | u64::from(high) << 32
    };
    (0..count).map(seed).collect()
}

/// Draws and judges takes of one line.
pub(crate) fn roll_out<P: Policy>(
    policy: &P,
    (index, line): (usize, &P::Line),
    random: Random,
    judging: &Judging<'_, P>,
) -> Result<Rollout, RlError> {
    let seeds = seeds(random, judging.settings.takes_per_line);
    roll_out_again(policy, (index, line), (&seeds, Sampling::Exploring), random, judging)
}

/// Draws and judges the takes of some seeds.
pub(crate) fn roll_out_again<P: Policy>(
    policy: &P,
    (index, line): (usize, &P::Line),
    (seeds, sampling): (&[u64], Sampling),
    random: Random,
    judging: &Judging<'_, P>,
) -> Result<Rollout, RlError> {
    let drawn = policy.sample(line, seeds, sampling)?;
    let motions = drawn.iter().map(|actions| policy.motion(line, actions)).collect::<Result<Vec<_>, _>>()?;
    let judgements = judged(policy.line_name(line), line, &motions, judging.judge)?;
    let frames = policy.action_frames(line);
    let shape = [drawn.len(), frames, policy.latent_count()];
    let actions = Tensor::<3>::from_data(TensorData::new(drawn.concat(), shape), policy.device());
    let log_probability = policy.distribution(line)?.log_probability(&actions);
    let rewards =
        judgements.iter().flat_map(|judgement| cautious(judgement, frames, judging.settings.caution));
    let wanted = judging.wanted_spread(line, random)?;
    let stillness = motions.iter().map(|motion| stillness(motion, &wanted) as f32);
    Ok(Rollout {
        line: index,
        takes: drawn.len(),
        frames,
        log_probability: log_probability.into_data().iter::<f32>().collect(),
        rewards: rewards.collect(),
        stillness: stillness.collect(),
        clip_rewards: judgements.iter().map(Judgement::clip_reward).collect(),
        actions,
    })
}

/// Judges motions and refuses judgements that are no numbers.
pub(crate) fn judged<L>(
    name: &str,
    line: &L,
    motions: &[Rows],
    judge: &dyn Judge<L>,
) -> Result<Vec<Judgement>, RlError> {
    let judgements = judge.judge(line, motions)?;
    let fail =
        |what: String| RlError::Judgement { judge: "the reward".to_owned(), line: name.to_owned(), what };
    if judgements.len() != motions.len() {
        return Err(fail(format!("{} judgements of {} takes", judgements.len(), motions.len())));
    }
    for judgement in &judgements {
        let all = judgement.rewards.iter().chain(&judgement.uncertainty);
        if let Some(value) = all.clone().find(|value| !value.is_finite()) {
            return Err(fail(value.to_string()));
        }
        if judgement.rewards.is_empty() || judgement.uncertainty.len() != judgement.rewards.len() {
            return Err(fail("nothing".to_owned()));
        }
    }
    Ok(judgements)
}

/// Rewards less a share of the uncertainty, at action frames: each has that of the motion's frame at its time.
fn cautious(judgement: &Judgement, frames: usize, caution: f64) -> impl Iterator<Item = f32> {
    let count = judgement.rewards.len();
    (0..frames).map(move |frame| {
        let at = (frame * count / frames.max(1)).min(count - 1);
        judgement.rewards[at] - caution as f32 * judgement.uncertainty[at]
    })
}

impl<P: Policy> Judging<'_, P> {
    /// How far each column of a line should move: as far as in the demonstrations, but no farther than at the start,
    /// since a calm line is not to be agitated.
    fn wanted_spread(&self, line: &P::Line, random: Random) -> Result<Vec<f64>, RlError> {
        if self.demonstration_spread.is_empty() {
            return Ok(Vec::new());
        }
        let seeds = seeds(random.split(REFERENCE_STREAM), REFERENCE_TAKES);
        let takes = self.start.sample(line, &seeds, Sampling::Exploring)?;
        let motions = takes.iter().map(|actions| self.start.motion(line, actions));
        let start = mean_spreads(&vec![motions.collect::<Result<Vec<_>, _>>()?]);
        Ok(self.demonstration_spread.iter().zip(start).map(|(wanted, start)| wanted.min(start)).collect())
    }
}

/// How much less than wanted a motion moves: the mean over the columns that should move of
/// `max(0, ln(0.7 wanted / spread))`. Moving more costs nothing and earns nothing.
pub(crate) fn stillness(motion: &Rows, wanted: &[f64]) -> f64 {
    let spreads = motion.spreads();
    let moving = wanted.iter().zip(&spreads).filter(|(wanted, _)| **wanted > STILL);
    let costs: Vec<f64> = moving
        .map(|(wanted, spread)| {
            (FREE_SPREAD_SHARE * wanted / spread.max(LEAST_SPREAD_SHARE * wanted)).ln().max(0.0)
        })
        .collect();
    costs.iter().sum::<f64>() / costs.len().max(1) as f64
}

impl Rollout {
    /// Normalised rewards with the cost of stillness, at action frames: `[takes, frames]`.
    pub(crate) fn learnt_rewards(&self, normaliser: &Normaliser, settings: &TuneSettings) -> Vec<f32> {
        let costs = self.stillness.iter().flat_map(|cost| std::iter::repeat_n(*cost, self.frames));
        let weight = settings.liveliness_weight as f32;
        let rewards = self.rewards.iter().zip(costs);
        rewards.map(|(reward, cost)| normaliser.normalise(*reward) - weight * cost).collect()
    }

    /// Normalised reward of each take with the cost of stillness: `[takes]`.
    pub(crate) fn learnt_clip_rewards(&self, normaliser: &Normaliser, settings: &TuneSettings) -> Vec<f32> {
        let rewards = self.learnt_rewards(normaliser, settings);
        let mean = |take: &[f32]| take.iter().sum::<f32>() / take.len() as f32;
        rewards.chunks_exact(self.frames.max(1)).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frozen_faces_cost_and_lively_ones_do_not() {
        let moving = |gain: f32| Rows {
            values: (0..100).flat_map(|n| [gain * (n as f32).sin(), 0.3]).collect(),
            columns: 2,
        };
        let wanted = [moving(1.0).spreads()[0], 0.0];
        assert_eq!(stillness(&moving(1.0), &wanted), 0.0);
        assert_eq!(stillness(&moving(1.5), &wanted), 0.0);
        assert_eq!(stillness(&moving(0.75), &wanted), 0.0);
        assert!((stillness(&moving(0.5), &wanted) - 1.4_f64.ln()).abs() < 1e-6);
        assert!((stillness(&moving(0.0), &wanted) - 35.0_f64.ln()).abs() < 1e-6);
        assert_eq!(stillness(&moving(0.0), &[]), 0.0);
    }

    #[test]
    fn rewards_are_placed_at_action_frames_less_caution() {
        let judgement = Judgement { rewards: vec![1.0, 2.0, 3.0], uncertainty: vec![0.0, 1.0, 0.0] };
        let placed: Vec<f32> = cautious(&judgement, 6, 0.5).collect();
        assert_eq!(placed, [1.0, 1.0, 1.5, 1.5, 3.0, 3.0]);
    }
}
