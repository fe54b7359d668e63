//! Best-of-N: draw several takes, keep the one that the judge likes best. No training.

use crate::RlError;
use crate::evaluation::Performance;
use crate::policy::{Judge, Policy, Rows, Sampling};
use crate::rollout::{judged, seeds};
use esarm_kernels::random::Random;

const TAKES_STREAM: u64 = 0x424E;

/// For each line and seed the best of `count` takes of the policy.
///
/// # Errors
/// When the policy cannot draw, a take cannot be judged, or `go_on` says stop; it is asked before every take kept.
pub fn perform_best_of<P: Policy>(
    policy: &P,
    lines: &[P::Line],
    kept: &[u64],
    count: usize,
    judge: &dyn Judge<P::Line>,
    go_on: &dyn Fn() -> Result<(), RlError>,
) -> Result<Performance, RlError> {
    let best = |line: &P::Line, seed: u64| -> Result<Rows, RlError> {
        go_on()?;
        let takes =
            policy.sample(line, &seeds(Random::new(seed, TAKES_STREAM), count), Sampling::Performing)?;
        let motions =
            takes.iter().map(|actions| policy.motion(line, actions)).collect::<Result<Vec<_>, _>>()?;
        let judgements = judged(policy.line_name(line), line, &motions, judge)?;
        let rated = motions.into_iter().zip(judgements.iter().map(|judgement| judgement.clip_reward()));
        let best = rated.reduce(|best, other| if other.1 > best.1 { other } else { best });
        Ok(best.map(|(motion, _)| motion).unwrap_or_default())
    };
    lines.iter().map(|line| kept.iter().map(|seed| best(line, *seed)).collect()).collect()
}

/// Upper bound of the divergence of the best of `count` takes from a single one, nats per take: `ln N - (N - 1) / N`
/// (Beirami et al., "Theoretical guarantees on the best-of-n alignment policy", 2024).
pub fn best_of_divergence(count: usize) -> f64 {
    let count = count.max(1) as f64;
    count.ln() - (count - 1.0) / count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{perform, rewards_of};
    use crate::statistics::mean;
    use crate::toy::{HonestJudge, ToyPolicy, lines};

    #[test]
    fn more_takes_give_better_ones() {
        let (policy, lines) = (ToyPolicy::new(), lines(6, 0));
        let reward = |performance: &Performance| {
            mean(&rewards_of(&policy, &lines, performance, &HonestJudge).unwrap().concat())
        };
        let single = reward(&perform(&policy, &lines, &[1, 2], &|| Ok(())).unwrap());
        let best = |count| {
            reward(&perform_best_of(&policy, &lines, &[1, 2], count, &HonestJudge, &|| Ok(())).unwrap())
        };
        assert!(best(16) > best(4) && best(4) > single, "{single} {} {}", best(4), best(16));
    }

    #[test]
    fn one_take_does_not_diverge() {
        assert_eq!(best_of_divergence(1), 0.0);
        assert!((best_of_divergence(8) - 1.2044).abs() < 1e-4);
    }
}
