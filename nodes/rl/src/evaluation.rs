//! What held-out lines say of a policy.

use crate::RlError;
use crate::policy::{Judge, Judgement, Policy, Proxy, Rows, Sampling};
use crate::rollout::judged;

/// Motions of the takes of each line: `[lines][takes]`.
pub type Performance = Vec<Vec<Rows>>;

/// Takes of each line as the policy performs them, one for each seed; the same seeds make policies comparable.
///
/// # Errors
/// When the policy cannot draw.
pub fn perform<P: Policy>(
    policy: &P,
    lines: &[P::Line],
    seeds: &[u64],
    go_on: &dyn Fn() -> Result<(), RlError>,
) -> Result<Performance, RlError> {
    let of = |line: &P::Line| {
        go_on()?;
        let takes = policy.sample(line, seeds, Sampling::Performing)?;
        takes.iter().map(|actions| policy.motion(line, actions)).collect()
    };
    lines.iter().map(of).collect()
}

/// The judge's reward of each take: `[lines][takes]`.
///
/// # Errors
/// When a motion cannot be judged or a reward is no number.
pub fn rewards_of<P: Policy>(
    policy: &P,
    lines: &[P::Line],
    performance: &[Vec<Rows>],
    judge: &dyn Judge<P::Line>,
) -> Result<Vec<Vec<f64>>, RlError> {
    let of = |(line, motions): (&P::Line, &Vec<Rows>)| {
        let judgements = judged(policy.line_name(line), line, motions, judge)?;
        Ok(judgements.iter().map(Judgement::clip_reward).collect())
    };
    lines.iter().zip(performance).map(of).collect()
}

/// A proxy's figure of each take: `[lines][takes]`, where it is defined.
///
/// # Errors
/// When a motion cannot be measured or a figure is no number.
pub fn figures_of<P: Policy>(
    policy: &P,
    lines: &[P::Line],
    performance: &[Vec<Rows>],
    proxy: &dyn Proxy<P::Line>,
) -> Result<Vec<Vec<Option<f64>>>, RlError> {
    let of = |(line, motions): (&P::Line, &Vec<Rows>)| {
        let figures = proxy.measure(line, motions)?;
        match figures.iter().flatten().find(|figure| !figure.is_finite()) {
            None => Ok(figures),
            Some(figure) => {
                let (judge, line) = (proxy.name().to_owned(), policy.line_name(line).to_owned());
                Err(RlError::Judgement { judge, line, what: figure.to_string() })
            }
        }
    };
    lines.iter().zip(performance).map(of).collect()
}
