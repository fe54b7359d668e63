//! Which moment of one recording is which moment of another that says the same.
//!
//! Peng et al. (ICCV 2023) stretch one recording of a sentence to the length of another. Labels allow more: phones
//! are matched one by one (Needleman and Wunsch, 1970) and time runs evenly within each.

use crate::training::phones::Phone;

/// Gain of matching equal visemes, and costs of different ones and of phones without a partner.
const SAME: i32 = 2;
const DIFFERENT: i32 = -2;
const MISSING: i32 = -1;

/// Times of phones that two recordings share, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Alignment {
    /// Start and end in the first recording and in the second, in seconds.
    pairs: Vec<[f64; 4]>,
}

impl Alignment {
    /// Matches the phones of two recordings.
    pub(super) fn new(first: &[Phone], second: &[Phone]) -> Self {
        let scores = scores(first, second);
        let (mut i, mut j) = (first.len(), second.len());
        let mut pairs = Vec::new();
        while i > 0 && j > 0 {
            let (a, b) = (&first[i - 1], &second[j - 1]);
            if scores[i][j] == scores[i - 1][j - 1] + similarity(a, b) {
                if a.viseme == b.viseme {
                    pairs.push([a.start_secs, a.end_secs, b.start_secs, b.end_secs]);
                }
                (i, j) = (i - 1, j - 1);
            } else if scores[i][j] == scores[i - 1][j] + MISSING {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        pairs.reverse();
        Self { pairs }
    }

    /// The moment of the second recording that is the moment `secs` of the first; `None` where they do not say the same.
    pub(super) fn second_of_first(&self, secs: f64) -> Option<f64> {
        let next = self.pairs.partition_point(|pair| pair[1] <= secs);
        let [start, end, other_start, other_end] = *self.pairs.get(next)?;
        (secs >= start).then(|| other_start + (secs - start) / (end - start) * (other_end - other_start))
    }
}

fn similarity(a: &Phone, b: &Phone) -> i32 {
    if a.viseme == b.viseme { SAME } else { DIFFERENT }
}

/// Best score of matching the first `i` phones with the first `j`.
fn scores(first: &[Phone], second: &[Phone]) -> Vec<Vec<i32>> {
    let mut scores = vec![vec![0; second.len() + 1]; first.len() + 1];
    for i in 0..=first.len() {
        for j in 0..=second.len() {
            scores[i][j] = match (i, j) {
                (0, _) => MISSING * j as i32,
                (_, 0) => MISSING * i as i32,
                _ => (scores[i - 1][j - 1] + similarity(&first[i - 1], &second[j - 1]))
                    .max(scores[i - 1][j] + MISSING)
                    .max(scores[i][j - 1] + MISSING),
            };
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visemes::Viseme;

    fn phones(visemes: &[Viseme], phone_secs: f64) -> Vec<Phone> {
        let at = |n: usize| n as f64 * phone_secs;
        visemes.iter().enumerate().map(|(n, viseme)| Phone::new(*viseme, at(n), at(n + 1))).collect()
    }

    #[test]
    fn time_runs_evenly_within_shared_phones_and_stops_in_others() {
        use Viseme::{Alveolar, Bilabial, CloseBack, Open, Velar};
        let slow = phones(&[Bilabial, Open, Alveolar, CloseBack, Velar], 0.2);
        let fast = phones(&[Bilabial, Open, CloseBack, Velar], 0.1);
        let alignment = Alignment::new(&slow, &fast);
        let at = |secs: f64| alignment.second_of_first(secs).map(|it| (it * 1e6).round() / 1e6);
        assert_eq!((at(0.1), at(0.3)), (Some(0.05), Some(0.15)));
        assert_eq!(at(0.5), None);
        assert_eq!((at(0.7), at(0.9), at(1.1)), (Some(0.25), Some(0.35), None));
        let back = Alignment::new(&fast, &slow);
        assert_eq!(back.second_of_first(0.25).map(|it| (it * 1e6).round() / 1e6), Some(0.7));
    }
}
