//! Events at irregular intervals that can be asked for in any stretch of time.
//!
//! Time is cut into blocks. Within a block events follow one another at log-normal intervals from a random start;
//! an event too close to the last one of the block before is left out. So the events of a stretch depend on the seed
//! and the blocks around it alone.

use esarm_kernels::random::Random;

/// Length of a block in seconds: long against intervals, so that its seams do not show in their statistics.
const BLOCK_SECS: f64 = 60.0;
/// Counters of a block's draws: its start, then one per event.
const START: u64 = 0;

/// Log-normal intervals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Intervals {
    /// Median of the intervals, in seconds.
    pub(super) median_secs: f64,
    /// Deviation of the logarithm of the intervals.
    pub(super) log_deviation: f64,
    /// Shortest interval, in seconds.
    pub(super) shortest_secs: f64,
    /// Longest interval, in seconds; less than a block.
    pub(super) longest_secs: f64,
}

/// A moment at which something happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Event {
    /// Clip time in seconds.
    pub(super) time_secs: f64,
    /// Draws of this event alone.
    pub(super) random: Random,
}

impl Intervals {
    /// The events from `start_secs` up to but not including `end_secs`, in order.
    pub(super) fn events(&self, random: Random, start_secs: f64, end_secs: f64) -> Vec<Event> {
        let block = |secs: f64| (secs / BLOCK_SECS).floor() as i64;
        let mut events = Vec::new();
        let mut last = self.block_events(random, block(start_secs) - 1).last().map(|event| event.time_secs);
        for block in block(start_secs)..=block(end_secs) {
            let all = self.block_events(random, block);
            let follows =
                |event: &Event| last.is_none_or(|last| event.time_secs - last >= self.shortest_secs);
            events.extend(all.iter().copied().skip_while(|event| !follows(event)));
            last = all.last().map(|event| event.time_secs);
        }
        events.retain(|event| (start_secs..end_secs).contains(&event.time_secs));
        events
    }

    fn block_events(&self, random: Random, block: i64) -> Vec<Event> {
        let random = random.split(block.cast_unsigned());
        let start = block as f64 * BLOCK_SECS;
        let mut events = Vec::new();
        let mut time_secs = start + f64::from(random.uniform(START)) * self.median_secs;
        while time_secs < start + BLOCK_SECS {
            let number = events.len() as u64 + 1;
            events.push(Event { time_secs, random: random.split(number) });
            let spread = (self.log_deviation * f64::from(random.normal(number))).exp();
            time_secs += (self.median_secs * spread).clamp(self.shortest_secs, self.longest_secs);
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVALS: Intervals =
        Intervals { median_secs: 3.0, log_deviation: 0.5, shortest_secs: 0.7, longest_secs: 12.0 };

    #[test]
    fn any_stretch_has_the_events_of_the_whole() {
        let random = Random::new(5, 1);
        let whole = INTERVALS.events(random, 0.0, 600.0);
        for (start, end) in [(0.0, 10.0), (57.0, 64.0), (59.9, 301.0), (599.0, 600.0)] {
            let part = INTERVALS.events(random, start, end);
            let expected: Vec<Event> =
                whole.iter().copied().filter(|event| (start..end).contains(&event.time_secs)).collect();
            assert_eq!(part, expected);
        }
    }

    #[test]
    fn intervals_keep_their_bounds_and_median() {
        let events = INTERVALS.events(Random::new(6, 1), 0.0, 6000.0);
        let mut gaps: Vec<f64> =
            events.windows(2).map(|pair| pair[1].time_secs - pair[0].time_secs).collect();
        assert!(gaps.iter().all(|gap| *gap >= 0.7 - 1e-9));
        gaps.sort_by(f64::total_cmp);
        let median = gaps[gaps.len() / 2];
        assert!((median - 3.0).abs() < 0.25, "{median}");
    }
}
