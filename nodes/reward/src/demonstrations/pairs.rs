//! Which of two takes is better.

use super::{Family, Kind, RankedTake};

/// Levels are written with two decimals: what is closer than this to the margin reaches it.
const ROUNDING: f32 = 1e-4;

/// Two takes of a clip of which one is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Index of the better take.
    pub better: usize,
    /// Index of the worse take.
    pub worse: usize,
    /// Difference of their levels, or of their places in an order made by hand.
    pub gap: f32,
    /// Who says so.
    pub group: Group,
    /// How much it counts beside others; 1 for pairs made by machine.
    pub weight: f32,
}

/// Where a pair comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Two levels of a family.
    Family(Family),
    /// Anything against the still face.
    Still,
    /// An order made by hand.
    Human,
}

impl Group {
    /// Name in files and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Family(family) => family.name(),
            Self::Still => "still",
            Self::Human => "human",
        }
    }

    /// The group of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "still" => Some(Self::Still),
            "human" => Some(Self::Human),
            family => Family::from_name(family).map(Self::Family),
        }
    }
}

/// All pairs whose levels are at least `margin` apart: within each family, where takes without noise belong to every
/// family, and of everything against the still face. Takes that are equal make no pair.
pub(super) fn machine_pairs(takes: &[RankedTake], margin: f32) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (better, first) in takes.iter().enumerate() {
        for (worse, second) in takes.iter().enumerate() {
            let gap = second.level - first.level;
            if let Some(group) = group_of(first.kind, second.kind)
                && gap >= margin - ROUNDING
                && !are_equal(first, second)
            {
                pairs.push(Pair { better, worse, gap, group, weight: 1.0 });
            }
        }
    }
    pairs
}

/// The group of a pair of takes of these kinds, if levels compare them.
fn group_of(better: Kind, worse: Kind) -> Option<Group> {
    match (better, worse) {
        (Kind::Still, _) => None,
        (_, Kind::Still) => Some(Group::Still),
        (Kind::Varied(a), Kind::Varied(b)) => (a == b).then_some(Group::Family(a)),
        (_, Kind::Varied(family)) => Some(Group::Family(family)),
        _ => None,
    }
}

fn are_equal(a: &RankedTake, b: &RankedTake) -> bool {
    a.motion == b.motion && a.emotion == b.emotion
}
