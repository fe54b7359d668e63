//! Orders of takes made by hand, from which DPO learns directly: what a person prefers needs no reward.

use crate::RlError;

/// An order of takes of one line that a person made.
#[derive(Clone, Debug, PartialEq)]
pub struct HandOrder {
    /// Index of the line among those that are learnt from.
    pub line: usize,
    /// Seeds that the starting policy drew the takes with.
    pub seeds: Vec<u64>,
    /// Rank of each take, smaller being better; takes of equal rank are not told apart.
    pub ranks: Vec<f32>,
    /// How much the line counts beside lines that the reward ranks.
    pub weight: f32,
}

impl HandOrder {
    /// Refuses an order that says nothing or belongs to no line.
    pub(crate) fn check(&self, lines: usize) -> Result<(), RlError> {
        let wrong = if self.line >= lines {
            format!("is of line {}, but there are {lines}", self.line)
        } else if self.ranks.len() != self.seeds.len() {
            format!("has {} takes but {} ranks", self.seeds.len(), self.ranks.len())
        } else if !self.ranks.iter().any(|rank| self.ranks.first().is_some_and(|first| rank != first)) {
            "has no two takes of different rank".to_owned()
        } else if !(self.weight > 0.0 && self.weight.is_finite()) {
            format!("has the weight {}, which must be above 0", self.weight)
        } else {
            return Ok(());
        };
        Err(RlError::Lines(format!("an order made by hand {wrong}; order the takes again")))
    }
}

/// The order of a line, where a person made one.
pub(crate) fn order_of(orders: &[HandOrder], line: usize) -> Option<&HandOrder> {
    orders.iter().find(|order| order.line == line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::perform;
    use crate::policy::{Policy, Rows, Sampling};
    use crate::settings::{Algorithm, TuneSettings};
    use crate::toy::{HonestJudge, ToyPolicy, lines};
    use crate::tune::{Hooks, Outcome, Task, tune};

    /// What somebody likes and the reward does not: a first action that swings far.
    fn liked(motion: &Rows) -> f64 {
        motion.frames().map(|frame| f64::from(frame[0]).powi(2)).sum::<f64>() / motion.frame_count() as f64
    }

    /// Orders of takes of the start by what is liked.
    fn orders(start: &ToyPolicy, weight: f32) -> Vec<HandOrder> {
        let order = |(line, of): (usize, &crate::toy::ToyLine)| {
            let seeds: Vec<u64> = (0..8).map(|take| 100 * line as u64 + take).collect();
            let drawn = start.sample(of, &seeds, Sampling::Performing).unwrap();
            let liked: Vec<f64> =
                drawn.iter().map(|actions| liked(&start.motion(of, actions).unwrap())).collect();
            let rank = |own: &f64| liked.iter().filter(|other| *other > own).count() as f32;
            HandOrder { line, seeds, ranks: liked.iter().map(rank).collect(), weight }
        };
        lines(8, 0).iter().enumerate().map(order).collect()
    }

    fn tuned(algorithm: Algorithm, hand_orders: &[HandOrder]) -> Outcome<ToyPolicy> {
        let start = ToyPolicy::new();
        let (learnt, held_out) = (lines(8, 0), lines(4, 100));
        let task = Task {
            start: &start,
            lines: &learnt,
            held_out: &held_out,
            judge: &HonestJudge,
            proxies: &[],
            demonstration_spread: &[],
            hand_orders,
            data: Vec::new(),
        };
        let settings = TuneSettings {
            algorithm,
            iterations: 20,
            lines_per_iteration: 8,
            learning_rate: 0.03,
            kl_budget: 3.0,
            kl_weight: 0.01,
            ..TuneSettings::default()
        };
        let mut hooks = Hooks { cancelled: &|| false, working: &|_, _| {}, row: &mut |_| {} };
        tune(&task, &settings, None, &mut hooks).unwrap()
    }

    /// How much takes of a policy on held-out lines are liked.
    fn liking(policy: &ToyPolicy) -> f64 {
        let performance = perform(policy, &lines(4, 100), &[1, 2, 3, 4], &|| Ok(())).unwrap();
        performance.iter().flatten().map(liked).sum::<f64>() / performance.iter().flatten().count() as f64
    }

    #[test]
    fn dpo_follows_the_hand_and_not_the_reward() {
        let start = ToyPolicy::new();
        let by_hand = tuned(Algorithm::Dpo, &orders(&start, 4.0));
        let by_reward = tuned(Algorithm::Dpo, &[]);
        let [start, by_hand_likes, by_reward] = [&start, &by_hand.policy, &by_reward.policy].map(liking);
        assert!(by_hand_likes > start.max(by_reward) + 0.5, "{start} {by_hand_likes} {by_reward}");
        assert_eq!(by_hand.best.iteration, by_hand.checks.last().unwrap().iteration);
    }

    #[test]
    fn the_weight_of_an_order_decides_beside_the_reward() {
        let start = ToyPolicy::new();
        // Half of the lines are ordered by hand, the others by the reward.
        let half = |weight: f32| -> f64 {
            let orders: Vec<HandOrder> = orders(&start, weight).into_iter().take(4).collect();
            liking(&tuned(Algorithm::Dpo, &orders).policy)
        };
        assert!(half(16.0) > half(0.05) + 0.05, "{} {}", half(16.0), half(0.05));
    }

    #[test]
    fn other_algorithms_learn_from_the_reward_alone() {
        let start = ToyPolicy::new();
        let (with, without) = (tuned(Algorithm::Grpo, &orders(&start, 4.0)), tuned(Algorithm::Grpo, &[]));
        assert_eq!(liking(&with.policy), liking(&without.policy));
    }

    #[test]
    fn orders_that_say_nothing_are_refused() {
        let good = HandOrder { line: 0, seeds: vec![1, 2], ranks: vec![0.0, 1.0], weight: 4.0 };
        assert_eq!(good.check(1), Ok(()));
        let refused = |order: HandOrder, words: &str| {
            let error = order.check(1).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        refused(HandOrder { line: 1, ..good.clone() }, "is of line 1");
        refused(HandOrder { ranks: vec![0.0], ..good.clone() }, "2 takes but 1 ranks");
        refused(HandOrder { ranks: vec![1.0, 1.0], ..good.clone() }, "different rank");
        refused(HandOrder { weight: 0.0, ..good.clone() }, "above 0");
        refused(HandOrder { seeds: vec![], ranks: vec![], ..good }, "different rank");
    }
}
