//! The alarm for reward hacking: a reward that rises on held-out lines while an independent figure falls is being
//! exploited (Amodei et al., "Concrete problems in AI safety", 2016).

use serde::{Deserialize, Serialize};

/// What a check on held-out lines found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Iterations done; 0 for the starting policy.
    pub iteration: usize,
    /// Mean reward of the takes.
    pub reward: f64,
    /// Mean of each proxy over the takes; `None` where it is not defined.
    pub proxies: Vec<Option<f64>>,
    /// Divergence from the starting policy in nats per action frame, on takes of the policy itself.
    pub kl: f64,
}

/// A proxy that has fallen too far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fall {
    /// Name of the proxy.
    pub proxy: String,
    /// Its mean at the start.
    pub start: f64,
    /// Its mean now.
    pub now: f64,
    /// How far it may fall.
    pub margin: f64,
}

impl std::fmt::Display for Fall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { proxy, start, now, margin } = self;
        write!(f, "{proxy} fell from {start:.4} to {now:.4}, more than {margin}")
    }
}

/// Proxies by name with the margins that they may fall by.
pub(crate) type Margins = Vec<(String, f64)>;

/// The first proxy of `now` that has fallen beyond its margin since `start`.
pub(crate) fn fall(margins: &Margins, start: &Check, now: &Check) -> Option<Fall> {
    margins.iter().zip(start.proxies.iter().zip(&now.proxies)).find_map(|((proxy, margin), (start, now))| {
        let (start, now) = ((*start)?, (*now)?);
        (start - now > *margin).then(|| Fall { proxy: proxy.clone(), start, now, margin: *margin })
    })
}

/// The fall that is to be reported: the reward has been above that of the start and a proxy beyond its margin in each
/// of the last `patience` checks. `checks` begin with that of the start.
pub(crate) fn exploited(margins: &Margins, checks: &[Check], patience: usize) -> Option<Fall> {
    let (start, later) = checks.split_first()?;
    let latest = later.len().checked_sub(patience).map(|first| &later[first..])?;
    let hacked = |now: &Check| if now.reward > start.reward { fall(margins, start, now) } else { None };
    let falls: Option<Vec<Fall>> = latest.iter().map(hacked).collect();
    falls?.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reward: f64, proxy: f64) -> Check {
        Check { iteration: 0, reward, proxies: vec![Some(proxy), None], kl: 0.0 }
    }

    fn margins() -> Margins {
        vec![("sync".to_owned(), 0.1), ("closures".to_owned(), 0.1)]
    }

    #[test]
    fn the_alarm_wants_a_rise_and_a_fall_several_times_in_a_row() {
        let start = check(0.0, 1.0);
        let [hacked, honest, worse] = [check(1.0, 0.8), check(1.0, 0.95), check(-1.0, 0.8)];
        let fires = |later: &[&Check]| {
            let checks: Vec<Check> = std::iter::once(&start).chain(later.iter().copied()).cloned().collect();
            exploited(&margins(), &checks, 2).is_some()
        };
        assert!(fires(&[&hacked, &hacked]) && fires(&[&honest, &hacked, &hacked]));
        assert!(!fires(&[&hacked]) && !fires(&[]));
        assert!(!fires(&[&hacked, &honest]) && !fires(&[&hacked, &honest, &hacked]));
        assert!(!fires(&[&worse, &worse]) && !fires(&[&hacked, &worse]));
    }

    #[test]
    fn a_fall_says_what_fell() {
        let fall = fall(&margins(), &check(0.0, 1.0), &check(1.0, 0.8)).unwrap();
        assert_eq!(fall.to_string(), "sync fell from 1.0000 to 0.8000, more than 0.1");
    }
}
