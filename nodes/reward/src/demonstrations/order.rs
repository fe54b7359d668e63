//! An order of takes made by hand.

use super::{Demonstrations, Group, Pair};
use crate::RewardError;
use std::collections::{BTreeMap, BTreeSet};

/// Takes by name, best first; takes of one place are equally good. Takes that are not named keep their pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Names at each place.
    pub places: Vec<Vec<String>>,
}

/// The order made by hand that takes came with.
#[derive(Clone, Debug, PartialEq)]
pub struct HandOrder {
    /// Places by index of the take, 0 being the best.
    pub places: BTreeMap<usize, usize>,
    /// How much its pairs count beside others.
    pub weight: f32,
}

impl Order {
    /// Reads an order: JSON, a list of names or of lists of names (equally good), best first; or CSV with the columns
    /// `take` and `rank`, smaller ranks being better and equal ones equally good.
    ///
    /// # Errors
    /// When it is neither, names a take twice, or holds fewer than two places.
    pub fn parse(text: &str) -> Result<Self, RewardError> {
        let order = if text.trim_start().starts_with('[') { from_json(text)? } else { from_csv(text)? };
        let mut seen = BTreeSet::new();
        if let Some(twice) = order.places.iter().flatten().find(|name| !seen.insert(name.as_str())) {
            return Err(RewardError::Ranking(format!("take \"{twice}\" is named twice; name each once")));
        }
        if order.places.len() < 2 {
            let what = "fewer than two places; name at least two takes, the better one first";
            return Err(RewardError::Ranking(what.to_owned()));
        }
        Ok(order)
    }
}

fn from_json(text: &str) -> Result<Order, RewardError> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Place {
        One(String),
        Several(Vec<String>),
    }
    let places: Vec<Place> = serde_json::from_str(text)
        .map_err(|error| RewardError::Ranking(format!("{error}; expected a JSON list of take names")))?;
    let names = |place| match place {
        Place::One(name) => vec![name],
        Place::Several(names) => names,
    };
    Ok(Order { places: places.into_iter().map(names).collect() })
}

fn from_csv(text: &str) -> Result<Order, RewardError> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let header: Vec<String> =
        lines.next().unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    let column = |name: &str| {
        header.iter().position(|found| found == name).ok_or_else(|| {
            let what =
                format!("no column \"{name}\"; expected CSV with the columns take and rank, or a JSON list");
            RewardError::Ranking(what)
        })
    };
    let (take, rank) = (column("take")?, column("rank")?);
    let mut rows = Vec::new();
    for (number, line) in lines.enumerate() {
        let fields: Vec<&str> = line.split(',').map(|field| field.trim().trim_matches('"')).collect();
        let wrong = || RewardError::Ranking(format!("line {}: expected a take and a number", number + 2));
        let name = fields.get(take).ok_or_else(wrong)?;
        let rank: f64 = fields.get(rank).and_then(|field| field.parse().ok()).ok_or_else(wrong)?;
        if rank.is_nan() {
            return Err(wrong());
        }
        rows.push((rank, (*name).to_owned()));
    }
    rows.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let places = rows.chunk_by(|(a, _), (b, _)| a == b);
    Ok(Order { places: places.map(|place| place.iter().map(|(_, name)| name.clone()).collect()).collect() })
}

impl Demonstrations {
    /// The same takes with an order made by hand, which overrides the machine's between the takes that it names: their
    /// pairs are replaced by those of the order, each with `weight`.
    ///
    /// # Errors
    /// When the order names a take that there is not.
    pub fn ordered(mut self, order: &Order, weight: f32) -> Result<Self, RewardError> {
        let index = |name: &String| {
            self.takes.iter().position(|take| take.name == *name).ok_or_else(|| {
                let known: Vec<&str> = self.takes.iter().map(|take| take.name.as_str()).collect();
                RewardError::Ranking(format!("there is no take \"{name}\"; there are: {}", known.join(", ")))
            })
        };
        let places: Vec<Vec<usize>> = order
            .places
            .iter()
            .map(|place| place.iter().map(index).collect::<Result<_, _>>())
            .collect::<Result<_, _>>()?;
        let named: BTreeSet<usize> = places.iter().flatten().copied().collect();
        self.pairs.retain(|pair| !(named.contains(&pair.better) && named.contains(&pair.worse)));
        for (place, better) in places.iter().enumerate() {
            for (distance, worse) in places[place + 1..].iter().enumerate() {
                let gap = (distance + 1) as f32;
                let pair =
                    |better: usize, worse: usize| Pair { better, worse, gap, group: Group::Human, weight };
                let all =
                    better.iter().flat_map(|better| worse.iter().map(move |worse| pair(*better, *worse)));
                self.pairs.extend(all);
            }
        }
        Ok(self)
    }

    /// The order made by hand, where there is one.
    pub fn hand_order(&self) -> Option<HandOrder> {
        let by_hand = || self.pairs.iter().filter(|pair| pair.group == Group::Human);
        let weight = by_hand().next()?.weight;
        let mut places = BTreeMap::new();
        for pair in by_hand() {
            places.entry(pair.better).or_insert(0);
            // The gap to the best one is the place.
            let place = places.entry(pair.worse).or_insert(0);
            *place = (*place).max(pair.gap as usize);
        }
        Some(HandOrder { places, weight })
    }
}
