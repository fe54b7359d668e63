//! What a step lowers: the clipped surrogate of PPO and GRPO, or the preference loss of DPO, with the divergence from
//! the start and the entropy.

use crate::RlError;
use crate::policy::{ActionDistribution, Policy, Sampling};
use crate::rollout::Rollout;
use crate::settings::{Algorithm, TuneSettings};
use burn::tensor::{Tensor, TensorData};
use esarm_kernels::preference::preference_loss;

/// Farthest that the logarithm of a ratio of probabilities is followed, so that none overflows.
const LOG_RATIO_REACH: f32 = 20.0;
/// Bins into which DPO sorts the takes of a line: best, middle, worst.
const BINS: usize = 3;

/// The loss of one line.
pub(crate) struct Loss {
    /// What to lower: `[1]`.
    pub(crate) total: Tensor<1>,
    /// Share of ratios that the surrogate clips; `None` for DPO.
    pub(crate) clip_ratio: Option<f64>,
    /// Entropy of an action frame in nats.
    pub(crate) entropy: f64,
}

/// What a rollout's takes are learnt from.
pub(crate) enum Signal<'a> {
    /// Advantages `[takes, frames]`.
    Advantages(&'a [f32]),
    /// Ranks `[takes]`, smaller being better.
    Ranks(&'a [f32]),
}

/// The loss of one line's takes under `policy`, which began as `start`.
pub(crate) fn line_loss<P: Policy>(
    policy: &P,
    start: &P,
    line: &P::Line,
    rollout: &Rollout,
    signal: &Signal<'_>,
    settings: &TuneSettings,
    kl_weight: f64,
) -> Result<Loss, RlError> {
    let (own, reference) = (policy.distribution(line)?, start.distribution(line)?);
    let log_probability = own.log_probability(&rollout.actions);
    let drawn_with = constant(&rollout.log_probability, [rollout.takes, rollout.frames], policy);
    let log_ratio = log_probability - drawn_with;
    let (main, clip_ratio) = match signal {
        Signal::Advantages(advantages) => {
            let advantages = constant(advantages, [rollout.takes, rollout.frames], policy);
            let (surrogate, clipped) = surrogate(log_ratio, advantages, settings.clip_range as f32);
            (surrogate, Some(clipped))
        }
        Signal::Ranks(ranks) => {
            // The takes are those of the start: the ratio is the one to the reference.
            let implicit = log_ratio.sum_dim(1) * settings.preference_scale;
            let implicit = implicit.reshape([1, rollout.takes]);
            (preference_loss(implicit, constant(ranks, [1, rollout.takes], policy))?, None)
        }
    };
    let divergence = own.divergence_from(&reference, &rollout.actions).mean();
    let entropy = own.entropy().mean();
    let entropy_number = number(&entropy);
    let total = main + divergence * kl_weight - entropy * settings.entropy_weight;
    Ok(Loss { total, clip_ratio, entropy: entropy_number })
}

/// The divergence of `policy` from `start` in nats per action frame, on actions `[takes, frames, latents]`.
fn divergence<P: Policy>(policy: &P, start: &P, line: &P::Line, actions: &Tensor<3>) -> Result<f64, RlError> {
    let (own, reference) = (policy.distribution(line)?, start.distribution(line)?);
    Ok(number(&own.divergence_from(&reference, actions).mean()))
}

/// The divergence of `policy` from `start` in nats per action frame, on takes of its own.
pub(crate) fn divergence_on_takes<P: Policy>(
    policy: &P,
    start: &P,
    line: &P::Line,
    seeds: &[u64],
) -> Result<f64, RlError> {
    let takes = policy.sample(line, seeds, Sampling::Performing)?;
    let shape = [takes.len(), policy.action_frames(line), policy.latent_count()];
    let actions = Tensor::from_data(TensorData::new(takes.concat(), shape), policy.device());
    divergence(policy, start, line, &actions)
}

/// The clipped surrogate (Schulman et al., 2017), to be lowered, and the share of ratios beyond the range.
fn surrogate(log_ratio: Tensor<2>, advantages: Tensor<2>, range: f32) -> (Tensor<1>, f64) {
    let ratio = log_ratio.clamp(-LOG_RATIO_REACH, LOG_RATIO_REACH).exp();
    let clipped = ratio.clone().clamp(1.0 - range, 1.0 + range);
    let outside = (ratio.clone() - 1.0).abs().greater_elem(range).float().mean();
    let gain = (ratio * advantages.clone()).min_pair(clipped * advantages);
    (-gain.mean(), number(&outside))
}

/// Ranks of the takes of a rollout in bins of equal size by their learnt reward: 0 for the best.
pub(crate) fn binned_ranks(rewards: &[f32]) -> Vec<f32> {
    let mut order: Vec<usize> = (0..rewards.len()).collect();
    order.sort_by(|a, b| rewards[*b].total_cmp(&rewards[*a]));
    let bins = BINS.min(rewards.len().max(1));
    let mut ranks = vec![0.0; rewards.len()];
    for (place, take) in order.into_iter().enumerate() {
        ranks[take] = (place * bins / rewards.len()) as f32;
    }
    ranks
}

/// Whether this algorithm learns from takes of the start only.
pub(crate) fn is_offline(algorithm: Algorithm) -> bool {
    algorithm == Algorithm::Dpo
}

fn constant<P: Policy, const D: usize>(values: &[f32], shape: [usize; D], policy: &P) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), policy.device())
}

/// The only number of a tensor.
pub(crate) fn number(tensor: &Tensor<1>) -> f64 {
    f64::from(tensor.clone().into_scalar::<f32>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn row(values: &[f32]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [1, values.len()]), &Device::flex())
    }

    #[test]
    fn the_surrogate_stops_rewarding_beyond_its_range() {
        let ratios = [0.5_f32, 0.9, 1.0, 1.5];
        let log_ratio = || row(&ratios.map(f32::ln));
        let (gain, outside) = surrogate(log_ratio(), row(&[1.0; 4]), 0.2);
        // min(ratio, clip(ratio)): 0.5, 0.9, 1, 1.2.
        assert!((number(&gain) + (0.5 + 0.9 + 1.0 + 1.2) / 4.0).abs() < 1e-6);
        assert_eq!(outside, 0.5);
        let (loss, _) = surrogate(log_ratio(), row(&[-1.0; 4]), 0.2);
        // With a loss the larger is taken: 0.8, 0.9, 1, 1.5.
        assert!((number(&loss) - (0.8 + 0.9 + 1.0 + 1.5) / 4.0).abs() < 1e-6);
    }

    #[test]
    fn ranks_fall_into_bins() {
        assert_eq!(binned_ranks(&[0.1, 5.0, 3.0, -1.0, 0.2, 4.0]), [2.0, 0.0, 1.0, 2.0, 1.0, 0.0]);
        assert_eq!(binned_ranks(&[1.0, 2.0]), [1.0, 0.0]);
        assert_eq!(binned_ranks(&[]), Vec::<f32>::new());
    }
}
