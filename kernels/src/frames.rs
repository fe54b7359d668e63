//! Where analysis frames lie on a clip.

use std::ops::Range;

/// Frames at a constant rate over samples at a constant rate: frame `k` describes the clip time `k * hop_secs`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameGrid {
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// Time from frame to frame, in seconds; need not be a whole number of samples.
    pub hop_secs: f64,
}

impl FrameGrid {
    /// Samples from frame to frame, not rounded.
    pub fn hop_samples(self) -> f64 {
        self.hop_secs * f64::from(self.sample_rate_hz)
    }

    /// Clip index of the sample nearest to a frame's time.
    pub fn centre_of(self, frame: i64) -> i64 {
        (frame as f64 * self.hop_samples()).round() as i64
    }

    /// The frames whose times lie on the samples `first_sample..last_sample`; a whole clip of `n` samples, `0..n`,
    /// has `ceil(n / hop_samples)` of them.
    pub fn frames_on(self, samples: Range<i64>) -> Range<i64> {
        let at = |sample: i64| (sample as f64 / self.hop_samples() - 1e-6).ceil() as i64;
        at(samples.start)..at(samples.end)
    }

    /// Number of frames that last `duration_secs`, to the nearest.
    pub fn frames_in(self, duration_secs: f64) -> usize {
        (duration_secs / self.hop_secs).round().max(0.0) as usize
    }
}

/// Copies the clip samples from index `first` on into `frame`, where `samples` is the part of the clip that starts
/// at `first_sample`; what lies outside of it is zero.
pub(crate) fn read_frame(samples: &[f32], first_sample: i64, first: i64, frame: &mut [f32]) {
    frame.fill(0.0);
    let offset = first - first_sample;
    let skip = usize::try_from(-offset).unwrap_or(0).min(frame.len());
    let from = usize::try_from(offset).unwrap_or(0).min(samples.len());
    for (slot, sample) in frame[skip..].iter_mut().zip(&samples[from..]) {
        *slot = *sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_lie_on_the_samples_of_their_times() {
        let grid = FrameGrid { sample_rate_hz: 16_000, hop_secs: 0.01 };
        assert_eq!(grid.frames_on(0..0), 0..0);
        assert_eq!(grid.frames_on(0..161), 0..2);
        assert_eq!(grid.frames_on(160..320), 1..2);
        assert_eq!(grid.frames_on(-160..1), -1..1);
    }

    #[test]
    fn frames_beyond_the_samples_are_zero() {
        let read = |first| {
            let mut frame = [9.0; 4];
            read_frame(&[1.0, 2.0, 3.0], 10, first, &mut frame);
            frame
        };
        assert_eq!(read(8), [0.0, 0.0, 1.0, 2.0]);
        assert_eq!(read(11), [2.0, 3.0, 0.0, 0.0]);
        assert_eq!(read(0), [0.0; 4]);
        assert_eq!(read(40), [0.0; 4]);
    }
}
