//! How much better an action or a take was than expected.

use crate::RlError;
use crate::critic::{Critic, explained_variance};
use crate::normaliser::Normaliser;
use crate::policy::Rows;
use crate::rollout::Rollout;
use crate::settings::TuneSettings;
use burn::tensor::{Device, Tensor, TensorData};
use esarm_kernels::returns::{Episodes, discounted_returns, generalised_advantages, group_advantages};

/// Spread of the learnt rewards of a group below which it says nothing about its takes.
const NO_SIGNAL: f32 = 1e-4;
/// Added to the variance of advantages.
const EPSILON: f64 = 1e-8;

/// Advantages of the takes of each rollout, `[takes, frames]`, and how they came about.
pub(crate) struct Advantages {
    /// For each rollout.
    pub(crate) values: Vec<Vec<f32>>,
    /// Share of the variance of returns that the value baseline explains; for PPO only.
    pub(crate) explained_variance: Option<f64>,
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Advantages of takes over the other takes of their line, the same at every frame.
pub(crate) fn over_group(
    rollouts: &[Rollout],
    normaliser: &Normaliser,
    settings: &TuneSettings,
) -> Advantages {
    let of = |rollout: &Rollout| {
        let rewards = rollout.learnt_clip_rewards(normaliser, settings);
        if spread(&rewards) < NO_SIGNAL {
            return vec![0.0; rollout.takes * rollout.frames];
        }
        let advantages = numbers(group_advantages(tensor(rewards, [1, rollout.takes])));
        advantages.into_iter().flat_map(|it| std::iter::repeat_n(it, rollout.frames)).collect()
    };
    Advantages { values: rollouts.iter().map(of).collect(), explained_variance: None }
}

/// Generalised advantages over a value baseline that is fitted to the returns of these takes and, line by line,
/// corrected by them; whitened over all of them.
/// `states` are those of each rollout's line.
pub(crate) fn over_baseline(
    rollouts: &[Rollout],
    states: &[Rows],
    normaliser: &Normaliser,
    settings: &TuneSettings,
) -> Result<Advantages, RlError> {
    let discount = settings.discount as f32;
    let episodes: Vec<Episodes> = rollouts.iter().map(|it| episodes(it, normaliser, settings)).collect();
    let returns = episodes
        .iter()
        .map(|episodes| Ok(numbers(discounted_returns(episodes, discount)?)))
        .collect::<Result<Vec<_>, RlError>>()?;
    let critic = Critic::fit(states, &returns, settings.ridge);
    let mut values = Vec::new();
    let mut expected_of_lines = Vec::new();
    for (((rollout, states), episodes), returns) in rollouts.iter().zip(states).zip(&episodes).zip(&returns) {
        let expected = corrected(critic.values(states), returns, rollout.takes);
        expected_of_lines.push(expected.clone());
        let expected = tensor(expected.repeat(rollout.takes), [rollout.takes, rollout.frames]);
        let none = Tensor::zeros([rollout.takes], &Device::flex());
        let trace = settings.trace as f32;
        values.push(numbers(generalised_advantages(episodes, expected, none, discount, trace)?));
    }
    whiten(&mut values);
    let explained_variance = Some(explained_variance(&expected_of_lines, &returns));
    Ok(Advantages { values, explained_variance })
}

/// Values of a line's frames, corrected by what its own takes returned there: the baseline counts as one more take.
fn corrected(mut values: Vec<f32>, returns: &[f32], takes: usize) -> Vec<f32> {
    let frames = values.len();
    for (frame, value) in values.iter_mut().enumerate() {
        let sum: f32 = returns.iter().skip(frame).step_by(frames.max(1)).sum();
        *value = (*value + sum) / (takes + 1) as f32;
    }
    values
}

/// Share of groups whose takes are all equally good, so that nothing can be learnt from them.
pub(crate) fn share_without_signal(
    rollouts: &[Rollout],
    normaliser: &Normaliser,
    settings: &TuneSettings,
) -> f64 {
    let silent = |rollout: &&Rollout| spread(&rollout.learnt_clip_rewards(normaliser, settings)) < NO_SIGNAL;
    rollouts.iter().filter(silent).count() as f64 / rollouts.len().max(1) as f64
}

fn episodes(rollout: &Rollout, normaliser: &Normaliser, settings: &TuneSettings) -> Episodes {
    let shape = [rollout.takes, rollout.frames];
    let last = rollout.frames.saturating_sub(1);
    let goes_on =
        (0..rollout.takes * rollout.frames).map(|n| if n % rollout.frames < last { 1.0 } else { 0.0 });
    Episodes {
        rewards: tensor(rollout.learnt_rewards(normaliser, settings), shape),
        goes_on: tensor(goes_on.collect(), shape),
        after: Tensor::zeros([rollout.takes], &Device::flex()),
    }
}

fn spread(values: &[f32]) -> f32 {
    let largest = values.iter().copied().fold(f32::MIN, f32::max);
    let smallest = values.iter().copied().fold(f32::MAX, f32::min);
    (largest - smallest).max(0.0)
}

/// Brings all values to mean 0 and variance 1.
fn whiten(values: &mut [Vec<f32>]) {
    let all = || values.iter().flatten().copied().map(f64::from);
    let count = all().count().max(1) as f64;
    let mean = all().sum::<f64>() / count;
    let variance = all().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let scale = (variance + EPSILON).sqrt().recip();
    for value in values.iter_mut().flatten() {
        *value = ((f64::from(*value) - mean) * scale) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(rewards: Vec<f32>, takes: usize) -> Rollout {
        let frames = rewards.len() / takes;
        Rollout {
            line: 0,
            takes,
            frames,
            actions: Tensor::zeros([takes, frames, 1], &Device::flex()),
            log_probability: vec![0.0; rewards.len()],
            clip_rewards: vec![0.0; takes],
            stillness: vec![0.0; takes],
            rewards,
        }
    }

    fn normaliser(rollouts: &[Rollout]) -> Normaliser {
        let mut normaliser = Normaliser::default();
        rollouts.iter().for_each(|rollout| normaliser.observe(&rollout.rewards));
        normaliser
    }

    #[test]
    fn better_takes_of_a_group_have_the_advantage() {
        let rollouts = [rollout(vec![1.0, 1.0, 3.0, 3.0, 2.0, 2.0], 3), rollout(vec![1.0; 6], 3)];
        let settings = TuneSettings::default();
        let normaliser = normaliser(&rollouts);
        let advantages = over_group(&rollouts, &normaliser, &settings).values;
        assert!(advantages[0][0] < -1.0 && advantages[0][2] > 1.0 && advantages[0][4].abs() < 1e-3);
        assert_eq!(advantages[1], [0.0; 6]);
        assert_eq!(share_without_signal(&rollouts, &normaliser, &settings), 0.5);
    }

    #[test]
    fn a_reward_counts_for_the_actions_before_it() {
        let mut rewards = vec![0.0; 16];
        rewards[5] = 1.0;
        let rollouts = [rollout(rewards, 2)];
        let states = [Rows { values: vec![1.0; 8], columns: 1 }];
        let settings = TuneSettings { discount: 0.9, trace: 0.9, ..Default::default() };
        let found = over_baseline(&rollouts, &states, &normaliser(&rollouts), &settings).unwrap();
        let advantages = &found.values[0];
        assert!(advantages[5] > advantages[4] && advantages[4] > advantages[3], "{advantages:?}");
        assert!(advantages[6] < advantages[3] && advantages[5] > advantages[13], "{advantages:?}");
        let mean: f32 = advantages.iter().sum::<f32>() / 16.0;
        assert!(mean.abs() < 1e-5);
    }
}
