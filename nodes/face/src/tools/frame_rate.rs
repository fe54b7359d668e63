//! Change of frame rate at exact times.

use super::track_of;
use esarm_values::{FrameRate, Track};

/// How values between frames are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// A straight line.
    Linear,
    /// A monotone cubic: smooth, and never beyond the two frames around it, so that lips stay closed and weights stay in
    /// range (Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5, 1984).
    #[default]
    Cubic,
}

/// The slowest input whose windows give what the whole gives.
pub const LEAST_FRAMES_PER_SEC: f64 = 1.0;

/// Seconds of input that a moment of output needs on each side, for input of at least [`LEAST_FRAMES_PER_SEC`]: two
/// frames.
pub const REACH_SECS: f64 = 2.0 / LEAST_FRAMES_PER_SEC;

/// The same motion at `rate`. Frame `k` of the result lies at exactly `k / rate` seconds of the clip; the result covers
/// the time that the input covers, to the end of its last frame, whose value is held.
pub fn convert(motion: &Track, rate: FrameRate, interpolation: Interpolation) -> Track {
    if rate == motion.rate() {
        return motion.clone();
    }
    let grid = Grid::new(motion.rate(), rate);
    let first = grid.first_at_or_after(motion.start_frame());
    let last = grid.first_at_or_after(motion.end_frame());
    let width = motion.channels().len();
    let mut values = Vec::with_capacity((last - first).max(0) as usize * width);
    for frame in first..last {
        let (before, fraction) = grid.place(frame);
        let row = |offset: i64| {
            let clamped = (before + offset).clamp(motion.start_frame(), motion.end_frame() - 1);
            motion.frame((clamped - motion.start_frame()) as usize)
        };
        let (p, a, b, n) = (row(-1), row(0), row(1), row(2));
        values.extend((0..width).map(|column| match interpolation {
            _ if fraction == 0.0 => a[column],
            Interpolation::Linear => a[column] + (b[column] - a[column]) * fraction,
            Interpolation::Cubic => monotone_cubic([p[column], a[column], b[column], n[column]], fraction),
        }));
    }
    track_of(rate, first, motion.channels().to_vec(), values)
}

/// Places of output frames among input frames, in whole numbers.
struct Grid {
    /// Input frames for each `per` output frames.
    step: i128,
    per: i128,
}

impl Grid {
    fn new(from: FrameRate, to: FrameRate) -> Self {
        let wide = |number: u32| i128::from(number);
        Self {
            step: wide(from.numerator()) * wide(to.denominator()),
            per: wide(from.denominator()) * wide(to.numerator()),
        }
    }

    /// The first output frame at or after an input frame.
    fn first_at_or_after(&self, input: i64) -> i64 {
        let scaled = i128::from(input) * self.per;
        (scaled.div_euclid(self.step) + i128::from(scaled.rem_euclid(self.step) != 0)) as i64
    }

    /// The input frame at or before an output frame, and the fraction of the way to the next.
    fn place(&self, output: i64) -> (i64, f32) {
        let scaled = i128::from(output) * self.step;
        let rest = scaled.rem_euclid(self.per);
        (scaled.div_euclid(self.per) as i64, (rest as f64 / self.per as f64) as f32)
    }
}

/// Hermite interpolation between the middle two of four values, with slopes that keep it between them.
fn monotone_cubic([p, a, b, n]: [f32; 4], t: f32) -> f32 {
    let slope = |before: f32, after: f32| {
        if before * after <= 0.0 { 0.0 } else { 2.0 * before * after / (before + after) }
    };
    let (from, to) = (slope(a - p, b - a), slope(b - a, n - b));
    let (t2, t3) = (t * t, t * t * t);
    let value = a * (2.0 * t3 - 3.0 * t2 + 1.0)
        + b * (3.0 * t2 - 2.0 * t3)
        + from * (t3 - 2.0 * t2 + t)
        + to * (t3 - t2);
    value.clamp(a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(rate: FrameRate, start: i64, frames: usize) -> Track {
        let value = |frame: i64| (rate.secs_of(frame) * 9.0).sin() as f32;
        let values = (start..start + frames as i64).flat_map(|frame| [value(frame), frame as f32]).collect();
        track_of(rate, start, vec!["wave".to_owned(), "ramp".to_owned()], values)
    }

    #[test]
    fn frames_that_fall_together_are_kept() {
        let motion = wave(FrameRate::whole(30), 0, 31);
        for interpolation in [Interpolation::Linear, Interpolation::Cubic] {
            let fast = convert(&motion, FrameRate::whole(60), interpolation);
            assert_eq!(fast.frame_count(), 62);
            assert!((0..31).all(|frame| fast.frame(frame * 2) == motion.frame(frame)));
            assert_eq!(convert(&fast, FrameRate::whole(30), interpolation), motion);
        }
    }

    #[test]
    fn windows_give_what_the_whole_gives() {
        let (from, to) = (FrameRate::new(30_000, 1001).unwrap(), FrameRate::whole(50));
        let whole = wave(from, 0, 300);
        for interpolation in [Interpolation::Linear, Interpolation::Cubic] {
            let expected = convert(&whole, to, interpolation);
            for start in [0, 37, 150] {
                let window = convert(&whole.window(start, start + 60), to, interpolation);
                let inside = window.start_frame() + 10..window.end_frame() - 10;
                assert_eq!(
                    window.window(inside.start, inside.end),
                    expected.window(inside.start, inside.end),
                    "{interpolation:?} {start}"
                );
            }
        }
    }

    #[test]
    fn the_reach_covers_the_slowest_input() {
        let from = FrameRate::whole(LEAST_FRAMES_PER_SEC as u32);
        let whole = wave(from, 0, 30);
        let expected = convert(&whole, FrameRate::whole(24), Interpolation::Cubic);
        let reach = (REACH_SECS * from.frames_per_sec()) as i64;
        let part = convert(&whole.window(10 - reach, 12 + reach), FrameRate::whole(24), Interpolation::Cubic);
        assert_eq!(part.window(240, 288), expected.window(240, 288));
    }

    #[test]
    fn cubic_is_closer_than_linear_and_stays_between_frames() {
        let motion = wave(FrameRate::whole(15), 0, 40);
        let error = |interpolation| {
            let fast = convert(&motion, FrameRate::whole(60), interpolation);
            let wanted = (0..156).map(|frame| (f64::from(frame) / 60.0 * 9.0).sin() as f32);
            fast.channel(0).zip(wanted).map(|(a, b)| (a - b).powi(2)).sum::<f32>()
        };
        assert!(error(Interpolation::Cubic) < error(Interpolation::Linear));
        let step = track_of(FrameRate::whole(10), 0, vec!["a".to_owned()], vec![0.0, 0.0, 1.0, 1.0]);
        let fast = convert(&step, FrameRate::whole(97), Interpolation::Cubic);
        assert!(fast.values().iter().all(|value| (0.0..=1.0).contains(value)));
    }

    #[test]
    fn lengths_and_times_are_exact_over_hours() {
        let (from, to) = (FrameRate::whole(60), FrameRate::new(24_000, 1001).unwrap());
        let late = wave(from, 60 * 3600 * 3, 600);
        let slow = convert(&late, to, Interpolation::Linear);
        let seconds = |track: &Track, frame: i64| track.rate().secs_of(frame);
        assert!(seconds(&slow, slow.start_frame()) >= seconds(&late, late.start_frame()));
        assert!(seconds(&slow, slow.start_frame() - 1) < seconds(&late, late.start_frame()));
        let ramp_at = slow.frame(7)[1];
        let exact = slow.rate().secs_of(slow.start_frame() + 7) * 60.0;
        assert!((f64::from(ramp_at) - exact).abs() < 0.05, "{ramp_at} {exact}");
    }
}
