//! Gain, offset, limits, mute and solo for each shape, and the guard that keeps lips from closing through each other.

use esarm_values::Track;
use std::collections::{BTreeMap, BTreeSet};

/// What to do with each channel; names are matched in any case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adjustments {
    /// Factor by channel; 1 where none is given.
    pub gain: BTreeMap<String, f64>,
    /// Added after the gain, by channel; 0 where none is given.
    pub offset: BTreeMap<String, f64>,
    /// Lowest value by channel.
    pub low: BTreeMap<String, f64>,
    /// Highest value by channel.
    pub high: BTreeMap<String, f64>,
    /// Channels that are set to 0.
    pub mute: BTreeSet<String>,
    /// When not empty, every other channel is set to 0.
    pub solo: BTreeSet<String>,
}

/// What an adjustment did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdjustReport {
    /// For each channel that met a limit: how many values were changed.
    pub limited: Vec<(String, usize)>,
    /// Names in the adjustments that the motion does not have.
    pub unknown: Vec<String>,
}

/// Applies gain, then offset, then limits, then mute and solo.
pub fn adjust(motion: &mut Track, adjustments: &Adjustments) -> AdjustReport {
    let rules: Vec<Rule> = motion.channels().iter().map(|name| Rule::of(name, adjustments)).collect();
    let mut limited = vec![0_usize; rules.len()];
    let width = rules.len().max(1);
    for frame in motion.values_mut().chunks_exact_mut(width) {
        for ((value, rule), limited) in frame.iter_mut().zip(&rules).zip(&mut limited) {
            let wanted = *value * rule.gain + rule.offset;
            // Not `clamp`: a low limit above the high one must not panic; the high one then counts.
            let within = wanted.max(rule.low).min(rule.high);
            *limited += usize::from(within != wanted && !rule.silent);
            *value = if rule.silent { 0.0 } else { within };
        }
    }
    let counted = motion.channels().iter().cloned().zip(limited).filter(|(_, count)| *count > 0);
    AdjustReport { limited: counted.collect(), unknown: unknown_names(motion, adjustments) }
}

struct Rule {
    gain: f32,
    offset: f32,
    low: f32,
    high: f32,
    silent: bool,
}

impl Rule {
    fn of(name: &str, adjustments: &Adjustments) -> Self {
        let number = |map: &BTreeMap<String, f64>, default: f64| {
            let found = map.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            found.map_or(default, |(_, value)| *value) as f32
        };
        let listed = |names: &BTreeSet<String>| names.iter().any(|other| other.eq_ignore_ascii_case(name));
        let soloed_out = !adjustments.solo.is_empty() && !listed(&adjustments.solo);
        Self {
            gain: number(&adjustments.gain, 1.0),
            offset: number(&adjustments.offset, 0.0),
            low: number(&adjustments.low, f64::NEG_INFINITY),
            high: number(&adjustments.high, f64::INFINITY),
            silent: soloed_out || listed(&adjustments.mute),
        }
    }
}

fn unknown_names(motion: &Track, adjustments: &Adjustments) -> Vec<String> {
    let maps = [&adjustments.gain, &adjustments.offset, &adjustments.low, &adjustments.high];
    let names = maps.into_iter().flat_map(BTreeMap::keys).chain(&adjustments.mute).chain(&adjustments.solo);
    let known = |name: &&String| motion.channels().iter().any(|channel| channel.eq_ignore_ascii_case(name));
    let unknown: BTreeSet<&String> = names.filter(|name| !known(name)).collect();
    unknown.into_iter().cloned().collect()
}

/// What the mouth guard did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MouthGuardReport {
    /// Frames in which `mouthClose` was above `jawOpen`.
    pub frames: usize,
    /// How far above it was at most.
    pub most: f32,
}

/// Keeps `mouthClose` at or below `jawOpen`: it closes lips that the jaw has parted, and no more. ARKit defines it
/// relative to `jawOpen`.
pub fn guard_mouth_close(motion: &mut Track) -> MouthGuardReport {
    let find = |name: &str| motion.channels().iter().position(|channel| channel.eq_ignore_ascii_case(name));
    let (Some(close), Some(open)) = (find("mouthClose"), find("jawOpen")) else {
        return MouthGuardReport::default();
    };
    let mut report = MouthGuardReport::default();
    let width = motion.channels().len();
    for frame in motion.values_mut().chunks_exact_mut(width) {
        let limit = frame[open].max(0.0);
        let excess = frame[close] - limit;
        if excess > 0.0 {
            report.frames += 1;
            report.most = report.most.max(excess);
            frame[close] = limit;
        }
    }
    report
}

impl std::fmt::Display for AdjustReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let limited: Vec<String> =
            self.limited.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let mut lines = Vec::new();
        if !limited.is_empty() {
            lines.push(format!("values that met a limit: {}", limited.join(", ")));
        }
        if !self.unknown.is_empty() {
            lines.push(format!("not in the motion: {}", self.unknown.join(", ")));
        }
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::track_of;
    use esarm_values::FrameRate;

    fn motion() -> Track {
        let names = ["jawOpen", "mouthClose", "browInnerUp"].map(str::to_owned).to_vec();
        track_of(FrameRate::whole(30), 5, names, vec![0.2, 0.5, 0.8, 0.6, 0.4, 1.1])
    }

    fn map(name: &str, value: f64) -> BTreeMap<String, f64> {
        BTreeMap::from([(name.to_owned(), value)])
    }

    #[test]
    fn gain_comes_before_offset_and_limits_after_both() {
        let mut track = motion();
        let report = adjust(
            &mut track,
            &Adjustments {
                gain: map("JAWOPEN", 2.0),
                offset: map("jawOpen", 0.1),
                high: map("jawOpen", 1.0),
                low: map("noSuch", 0.0),
                ..Adjustments::default()
            },
        );
        assert_eq!(track.values(), [0.5, 0.5, 0.8, 1.0, 0.4, 1.1]);
        assert_eq!(report.limited, [("jawOpen".to_owned(), 1)]);
        assert_eq!(report.unknown, ["noSuch"]);
    }

    #[test]
    fn no_adjustments_change_nothing() {
        let mut track = motion();
        assert_eq!(adjust(&mut track, &Adjustments::default()), AdjustReport::default());
        assert_eq!(track, motion());
    }

    #[test]
    fn mute_and_solo_silence() {
        let set = |name: &str| BTreeSet::from([name.to_owned()]);
        let mut track = motion();
        adjust(&mut track, &Adjustments { solo: set("browinnerup"), ..Adjustments::default() });
        assert_eq!(track.values(), [0.0, 0.0, 0.8, 0.0, 0.0, 1.1]);
        let mut track = motion();
        adjust(&mut track, &Adjustments { mute: set("browInnerUp"), ..Adjustments::default() });
        assert_eq!(track.values(), [0.2, 0.5, 0.0, 0.6, 0.4, 0.0]);
    }

    #[test]
    fn lips_do_not_close_through_each_other() {
        let mut track = motion();
        let report = guard_mouth_close(&mut track);
        assert_eq!((report.frames, report.most), (1, 0.3));
        assert_eq!(track.values(), [0.2, 0.2, 0.8, 0.6, 0.4, 1.1]);
    }
}
