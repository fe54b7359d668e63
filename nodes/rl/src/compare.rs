//! Before and after, side by side on held-out lines, with how sure one can be.

use crate::RlError;
use crate::evaluation::{Performance, figures_of, rewards_of};
use crate::losses::divergence_on_takes;
use crate::policy::{Judge, Policy, Proxy, Rows};
use crate::statistics::{Estimate, clustered_mean, mean};
use serde::{Deserialize, Serialize};

/// Spread below which a column counts as still.
const STILL: f64 = 2e-3;

/// What policies are compared by.
pub struct Measures<'a, P: Policy> {
    /// A policy of these lines.
    pub policy: &'a P,
    /// Held-out lines.
    pub lines: &'a [P::Line],
    /// The reward that was raised.
    pub judge: &'a dyn Judge<P::Line>,
    /// A reward that was learnt from other material and seeds.
    pub critic: Option<&'a dyn Judge<P::Line>>,
    /// Independent figures.
    pub proxies: &'a [&'a dyn Proxy<P::Line>],
    /// Names of the motion's columns.
    pub columns: &'a [&'a str],
    /// Mean over the demonstrations of each column's standard deviation over time; empty when there are none.
    pub demonstration_spread: &'a [f64],
    /// Random numbers of the bootstrap.
    pub seed: u64,
}

/// A figure before and after, paired by line and seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Name, with unit.
    pub name: String,
    /// Mean before.
    pub before: f64,
    /// Mean after.
    pub after: f64,
    /// Mean difference with its 95 % interval.
    pub difference: Estimate,
}

/// How far a column of the motion moves: the mean over takes of its standard deviation over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnSpread {
    /// Name of the column.
    pub column: String,
    /// Before.
    pub before: f64,
    /// After.
    pub after: f64,
    /// After, relative to before.
    pub ratio: f64,
    /// After, relative to the demonstrations, where those move it.
    pub ratio_to_demonstrations: Option<f64>,
}

/// A comparison of two ways to perform the same lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Held-out lines.
    pub lines: usize,
    /// Takes of each.
    pub takes: usize,
    /// The reward that was raised.
    pub reward: Change,
    /// Share of takes of which the independent critic likes the one after better than the one before.
    pub win_rate: Option<Estimate>,
    /// Divergence from before, nats per action frame.
    pub kl: Option<Estimate>,
    /// Independent figures; larger is better.
    pub proxies: Vec<Change>,
    /// Mean distance of the takes of a line from one another.
    pub diversity: Option<Change>,
    /// Spread of every column that moves before or after.
    pub spread: Vec<ColumnSpread>,
}

impl<P: Policy> Measures<'_, P> {
    /// Compares two performances of the lines, take by take.
    ///
    /// # Errors
    /// When a take cannot be judged or measured, or there are none.
    pub fn compare(&self, before: &Performance, after: &Performance) -> Result<Comparison, RlError> {
        let rewards = |performance| rewards_of(self.policy, self.lines, performance, self.judge);
        let some = |figures: Vec<Vec<f64>>| -> Vec<Vec<Option<f64>>> {
            figures.into_iter().map(|line| line.into_iter().map(Some).collect()).collect()
        };
        let reward = self
            .change("reward", &some(rewards(before)?), &some(rewards(after)?))
            .ok_or_else(|| RlError::Lines("there are no takes to compare; add held-out lines".to_owned()))?;
        let win_rate = match self.critic {
            Some(critic) => self.win_rate(before, after, critic)?,
            None => None,
        };
        let proxies = self.proxies.iter().map(|proxy| {
            let figures = |performance| figures_of(self.policy, self.lines, performance, *proxy);
            Ok(self.change(proxy.name(), &figures(before)?, &figures(after)?))
        });
        Ok(Comparison {
            lines: self.lines.len(),
            takes: after.first().map_or(0, Vec::len),
            reward,
            win_rate,
            kl: None,
            proxies: proxies.collect::<Result<Vec<_>, RlError>>()?.into_iter().flatten().collect(),
            diversity: self.change("distance of takes", &diversity(before), &diversity(after)),
            spread: self.spread(before, after),
        })
    }

    /// The change of a figure that is defined for a take before and after.
    fn change(&self, name: &str, before: &[Vec<Option<f64>>], after: &[Vec<Option<f64>>]) -> Option<Change> {
        let paired: Vec<Vec<(f64, f64)>> = before
            .iter()
            .zip(after)
            .map(|(before, after)| {
                before.iter().zip(after).filter_map(|(b, a)| Some(((*b)?, (*a)?))).collect()
            })
            .collect();
        let differences: Vec<Vec<f64>> =
            paired.iter().map(|line| line.iter().map(|(before, after)| after - before).collect()).collect();
        let (before, after): (Vec<f64>, Vec<f64>) = paired.into_iter().flatten().unzip();
        let difference = clustered_mean(&differences, self.seed)?;
        Some(Change { name: name.to_owned(), before: mean(&before), after: mean(&after), difference })
    }

    fn win_rate(
        &self,
        before: &Performance,
        after: &Performance,
        critic: &dyn Judge<P::Line>,
    ) -> Result<Option<Estimate>, RlError> {
        let rewards = |performance| rewards_of(self.policy, self.lines, performance, critic);
        let (before, after) = (rewards(before)?, rewards(after)?);
        let win = |(before, after): (&f64, &f64)| match after.total_cmp(before) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        };
        let wins: Vec<Vec<f64>> =
            before.iter().zip(&after).map(|(b, a)| b.iter().zip(a).map(win).collect()).collect();
        Ok(clustered_mean(&wins, self.seed))
    }

    fn spread(&self, before: &Performance, after: &Performance) -> Vec<ColumnSpread> {
        let (before, after) = (mean_spreads(before), mean_spreads(after));
        let spread = |(index, name): (usize, &&str)| {
            let (before, after) = (*before.get(index)?, *after.get(index)?);
            let wanted = self.demonstration_spread.get(index).copied().filter(|wanted| *wanted > STILL);
            (before.max(after) > STILL).then(|| ColumnSpread {
                column: (*name).to_owned(),
                before,
                after,
                ratio: after / before.max(f64::MIN_POSITIVE),
                ratio_to_demonstrations: wanted.map(|wanted| after / wanted),
            })
        };
        self.columns.iter().enumerate().filter_map(spread).collect()
    }
}

/// The divergence of one policy from another on takes of its own, nats per action frame, with its 95 % interval.
///
/// # Errors
/// When the policy cannot draw.
pub fn divergence_between<P: Policy>(
    after: &P,
    before: &P,
    lines: &[P::Line],
    seeds: &[u64],
) -> Result<Option<Estimate>, RlError> {
    let of = |line: &P::Line| Ok(vec![divergence_on_takes(after, before, line, seeds)?]);
    let divergences = lines.iter().map(of).collect::<Result<Vec<_>, RlError>>()?;
    Ok(clustered_mean(&divergences, seeds.first().copied().unwrap_or_default()))
}

/// Mean over takes of the standard deviation over time of each column.
pub fn mean_spreads(performance: &Performance) -> Vec<f64> {
    let spreads: Vec<Vec<f64>> = performance.iter().flatten().map(Rows::spreads).collect();
    let columns = spreads.first().map_or(0, Vec::len);
    let column = |at: usize| spreads.iter().map(|take| take[at]).sum::<f64>() / spreads.len() as f64;
    (0..columns).map(column).collect()
}

/// Mean over pairs of takes of each line of the mean over frames of their distance; one figure for each line.
fn diversity(performance: &Performance) -> Vec<Vec<Option<f64>>> {
    let of = |takes: &Vec<Rows>| {
        let pairs = (0..takes.len()).flat_map(|a| (a + 1..takes.len()).map(move |b| (a, b)));
        let distances: Vec<f64> = pairs.map(|(a, b)| distance(&takes[a], &takes[b])).collect();
        vec![(!distances.is_empty()).then(|| mean(&distances))]
    };
    performance.iter().map(of).collect()
}

fn distance(a: &Rows, b: &Rows) -> f64 {
    let frame =
        |(a, b): (&[f32], &[f32])| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
    mean(&a.frames().zip(b.frames()).map(frame).collect::<Vec<_>>())
}

impl Comparison {
    /// The comparison as Markdown tables.
    pub fn markdown(&self) -> String {
        let mut rows = vec![change_row(&self.reward)];
        rows.extend(self.proxies.iter().map(change_row));
        rows.extend(self.diversity.iter().map(change_row));
        let single = |name: &str, estimate: &Option<Estimate>| {
            estimate.as_ref().map(|it| format!("| {name} | | | {it} |\n"))
        };
        rows.extend(single("win rate under the independent critic", &self.win_rate));
        rows.extend(single("divergence from before (nats per action frame)", &self.kl));
        let mut text = format!(
            "{} lines, {} takes of each. Intervals are of 95 %, by a bootstrap over lines.\n\n\
             | figure | before | after | difference or figure [interval] |\n|---|---|---|---|\n{}",
            self.lines,
            self.takes,
            rows.concat()
        );
        if !self.spread.is_empty() {
            text += "\n| channel | spread before | after | after / before | after / demonstrations |\n\
                     |---|---|---|---|---|\n";
            text.extend(self.spread.iter().map(spread_row));
        }
        text
    }

    /// Smallest and largest spread after, relative to the demonstrations where there are any, else to before.
    pub fn spread_range(&self) -> Option<(f64, f64)> {
        let to_demonstrations: Vec<f64> =
            self.spread.iter().filter_map(|it| it.ratio_to_demonstrations).collect();
        let ratios = if to_demonstrations.is_empty() {
            self.spread.iter().map(|it| it.ratio).collect()
        } else {
            to_demonstrations
        };
        let smallest = ratios.iter().copied().reduce(f64::min)?;
        Some((smallest, ratios.into_iter().reduce(f64::max)?))
    }
}

fn change_row(change: &Change) -> String {
    let Change { name, before, after, difference } = change;
    format!("| {name} | {before:.4} | {after:.4} | {difference} |\n")
}

fn spread_row(spread: &ColumnSpread) -> String {
    let ColumnSpread { column, before, after, ratio, ratio_to_demonstrations } = spread;
    let demonstrations = ratio_to_demonstrations.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    format!("| {column} | {before:.4} | {after:.4} | {ratio:.2} | {demonstrations} |\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::perform;
    use crate::parameters::{numbers_of, with_numbers};
    use crate::toy::{Closeness, HonestJudge, ToyLine, ToyPolicy, lines};

    fn measures<'a>(
        policy: &'a ToyPolicy,
        lines: &'a [ToyLine],
        spread: &'a [f64],
    ) -> Measures<'a, ToyPolicy> {
        Measures {
            policy,
            lines,
            judge: &HonestJudge,
            critic: Some(&HonestJudge),
            proxies: &[&Closeness],
            columns: &["first", "second"],
            demonstration_spread: spread,
            seed: 3,
        }
    }

    /// A policy that shifts its actions and spreads as much as before.
    fn shifted(policy: &ToyPolicy) -> ToyPolicy {
        let mut numbers = numbers_of(policy.network());
        numbers[0] = 0.8;
        numbers[3] = 0.5;
        policy.with_network(with_numbers(policy.network(), &numbers))
    }

    #[test]
    fn a_better_policy_wins_and_the_tables_say_so() {
        let (policy, lines) = (ToyPolicy::new(), lines(8, 0));
        let better = shifted(&policy);
        let seeds = [1, 2, 3];
        let show = |policy: &ToyPolicy| perform(policy, &lines, &seeds, &|| Ok(())).unwrap();
        let measures = measures(&policy, &lines, &[0.6, 0.0]);
        let mut comparison = measures.compare(&show(&policy), &show(&better)).unwrap();
        comparison.kl = divergence_between(&better, &policy, &lines, &seeds).unwrap();
        assert!(comparison.reward.difference.low > 0.0 && comparison.reward.difference.excludes_zero());
        assert!(comparison.win_rate.unwrap().value > 0.6);
        assert!(comparison.kl.unwrap().value > 0.1);
        assert_eq!((comparison.lines, comparison.takes, comparison.proxies.len()), (8, 3, 1));
        // The same noise around another mean: takes differ as they did.
        let diversity = comparison.diversity.clone().unwrap();
        assert!((diversity.before - diversity.after).abs() < 1e-4);
        assert!(comparison.spread[0].ratio > 1.1);
        assert_eq!(comparison.spread[1].ratio_to_demonstrations, None);
        let text = comparison.markdown();
        assert!(text.contains("| reward | ") && text.contains("| first | ") && text.contains("win rate"));
        let again: Comparison = serde_json::from_str(&serde_json::to_string(&comparison).unwrap()).unwrap();
        assert_eq!(again, comparison);
    }

    #[test]
    fn a_policy_against_itself_changes_nothing() {
        let (policy, lines) = (ToyPolicy::new(), lines(3, 0));
        let takes = perform(&policy, &lines, &[5], &|| Ok(())).unwrap();
        let comparison = measures(&policy, &lines, &[]).compare(&takes, &takes).unwrap();
        assert!(!comparison.reward.difference.excludes_zero());
        assert_eq!(comparison.win_rate.unwrap().value, 0.5);
        assert_eq!(comparison.diversity, None);
        assert_eq!(comparison.spread_range(), Some((1.0, 1.0)));
        let kl = divergence_between(&policy, &policy, &lines, &[5]).unwrap().unwrap();
        assert!(kl.value.abs() < 1e-6);
    }
}
