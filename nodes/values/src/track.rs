//! Sampled curves: motions, features and emotions over time.

use crate::{Digestible, Hasher};
use std::sync::Arc;

/// The slowest whole rate that has a broadcast twin in use, frames per second.
const SLOWEST_BROADCAST_FPS: f64 = 24.0;

/// Frames per second as an exact fraction, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameRate {
    numerator: u32,
    denominator: u32,
}

impl FrameRate {
    /// `numerator / denominator` frames per second; `None` when either is 0.
    pub fn new(numerator: u32, denominator: u32) -> Option<Self> {
        if numerator == 0 || denominator == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator, denominator);
        Some(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// A whole number of frames per second, at least 1.
    pub const fn whole(frames_per_sec: u32) -> Self {
        assert!(frames_per_sec > 0);
        Self { numerator: frames_per_sec, denominator: 1 }
    }

    /// The exact rate behind a decimal one: whole rates, the NTSC family (23.976 or 23.98, 29.97, 47.95, 59.94) or
    /// thousandths.
    pub fn from_decimal(frames_per_sec: f64) -> Option<Self> {
        if !frames_per_sec.is_finite() || !(0.001..=1_000_000.0).contains(&frames_per_sec) {
            return None;
        }
        let nearest = frames_per_sec.round();
        if (frames_per_sec - nearest).abs() < 1e-6 {
            return Self::new(nearest as u32, 1);
        }
        let ntsc = nearest * 1000.0 / 1001.0;
        // Broadcast rates are often given with two decimals; slow rates that close to whole ones mean themselves.
        let tolerance = if nearest < SLOWEST_BROADCAST_FPS { 1e-3 } else { 5e-3 };
        if (frames_per_sec - ntsc).abs() < tolerance {
            return Self::new(nearest as u32 * 1000, 1001);
        }
        Self::new((frames_per_sec * 1000.0).round() as u32, 1000)
    }

    /// Numerator in lowest terms.
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    /// Denominator in lowest terms.
    pub fn denominator(self) -> u32 {
        self.denominator
    }

    /// Frames per second.
    pub fn frames_per_sec(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// Time of a frame in seconds.
    pub fn secs_of(self, frame: i64) -> f64 {
        frame as f64 * f64::from(self.denominator) / f64::from(self.numerator)
    }

    /// Number of frames that cover `duration_secs`: the frames at times 0 up to but not including the end.
    pub fn frames_in(self, duration_secs: f64) -> usize {
        (duration_secs * self.frames_per_sec() - 1e-6).ceil().max(0.0) as usize
    }
}

impl std::fmt::Display for FrameRate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Why a track could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrackError {
    /// The number of values is no multiple of the number of channels.
    #[error("{values} values do not fill whole frames of {channels} channels")]
    Shape {
        /// Values given.
        values: usize,
        /// Channels named.
        channels: usize,
    },
    /// Two channels share a name.
    #[error("channel \"{0}\" is named twice")]
    DuplicateChannel(String),
}

/// Named channels sampled at a constant rate: `[frames, channels]`, frame-major.
///
/// A motion, a feature sequence and an emotion over time are all tracks; their port types keep them apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    rate: FrameRate,
    start_frame: i64,
    channels: Arc<[String]>,
    values: Vec<f32>,
}

impl Track {
    /// A track that starts at frame 0.
    pub fn new(
        rate: FrameRate,
        channels: impl Into<Arc<[String]>>,
        values: Vec<f32>,
    ) -> Result<Self, TrackError> {
        let channels = channels.into();
        let fits =
            if channels.is_empty() { values.is_empty() } else { values.len().is_multiple_of(channels.len()) };
        if !fits {
            return Err(TrackError::Shape { values: values.len(), channels: channels.len() });
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = channels.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(TrackError::DuplicateChannel(twice.clone()));
        }
        Ok(Self { rate, start_frame: 0, channels, values })
    }

    /// A track of zeros.
    pub fn zeros(
        rate: FrameRate,
        channels: impl Into<Arc<[String]>>,
        frames: usize,
    ) -> Result<Self, TrackError> {
        let channels = channels.into();
        let count = frames * channels.len();
        Self::new(rate, channels, vec![0.0; count])
    }

    /// The same values, placed so that the first frame has clip index `start_frame`.
    #[must_use]
    pub fn starting_at(mut self, start_frame: i64) -> Self {
        self.start_frame = start_frame;
        self
    }

    /// Frames per second.
    pub fn rate(&self) -> FrameRate {
        self.rate
    }

    /// Clip index of the first frame: 0 for a whole clip, more for a window of one.
    pub fn start_frame(&self) -> i64 {
        self.start_frame
    }

    /// Clip index one past the last frame.
    pub fn end_frame(&self) -> i64 {
        self.start_frame + self.frame_count() as i64
    }

    /// Channel names, in column order.
    pub fn channels(&self) -> &Arc<[String]> {
        &self.channels
    }

    /// Column of a channel by its exact name.
    pub fn channel_index(&self, name: &str) -> Option<usize> {
        self.channels.iter().position(|channel| channel == name)
    }

    /// Number of frames.
    pub fn frame_count(&self) -> usize {
        if self.channels.is_empty() { 0 } else { self.values.len() / self.channels.len() }
    }

    /// Length in seconds.
    pub fn duration_secs(&self) -> f64 {
        self.rate.secs_of(self.frame_count() as i64)
    }

    /// All values, frame-major: `[frames, channels]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values for writing, frame-major: `[frames, channels]`.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The values of the `index`-th stored frame.
    pub fn frame(&self, index: usize) -> &[f32] {
        let width = self.channels.len();
        &self.values[index * width..(index + 1) * width]
    }

    /// One channel over time.
    pub fn channel(&self, column: usize) -> impl Iterator<Item = f32> + '_ {
        self.values.iter().skip(column).step_by(self.channels.len().max(1)).copied()
    }

    /// The frames with clip indices `first..last`, as far as they are here.
    #[must_use]
    pub fn window(&self, first: i64, last: i64) -> Self {
        let first = first.clamp(self.start_frame, self.end_frame());
        let last = last.clamp(first, self.end_frame());
        let at = |frame: i64| (frame - self.start_frame) as usize * self.channels.len();
        let values = self.values[at(first)..at(last)].to_vec();
        Self { rate: self.rate, start_frame: first, channels: self.channels.clone(), values }
    }

    /// Writes the linearly interpolated values at a clip time into `frame`; times outside take the nearest end.
    /// An empty track gives zeros.
    pub fn sample_into(&self, time_secs: f64, frame: &mut [f32]) {
        let count = self.frame_count();
        if count == 0 {
            frame.fill(0.0);
            return;
        }
        let position =
            (time_secs * self.rate.frames_per_sec() - self.start_frame as f64).clamp(0.0, (count - 1) as f64);
        let before = position.floor() as usize;
        let after = (before + 1).min(count - 1);
        let blend = (position - before as f64) as f32;
        for ((slot, a), b) in frame.iter_mut().zip(self.frame(before)).zip(self.frame(after)) {
            *slot = a + (b - a) * blend;
        }
    }

    /// The linearly interpolated values at a clip time; times outside take the nearest end.
    pub fn sample(&self, time_secs: f64) -> Vec<f32> {
        let mut frame = vec![0.0; self.channels.len()];
        self.sample_into(time_secs, &mut frame);
        frame
    }
}

impl Digestible for Track {
    fn digest_into(&self, hasher: &mut Hasher) {
        hasher.integer(i64::from(self.rate.numerator)).integer(i64::from(self.rate.denominator));
        hasher.integer(self.start_frame).integer(self.channels.len() as i64);
        for channel in self.channels.iter() {
            hasher.text(channel);
        }
        hasher.floats(&self.values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Track {
        Track::new(
            FrameRate::whole(10),
            vec!["a".to_owned(), "b".to_owned()],
            vec![0.0, 10.0, 1.0, 11.0, 2.0, 12.0],
        )
        .unwrap()
    }

    #[test]
    fn decimal_rates_become_exact() {
        let rate = |decimal| FrameRate::from_decimal(decimal).map(|rate| rate.to_string());
        assert_eq!(rate(60.0).as_deref(), Some("60"));
        assert_eq!(rate(29.97).as_deref(), Some("30000/1001"));
        assert_eq!(rate(12.5).as_deref(), Some("25/2"));
        for (decimal, whole) in
            [(23.976, 24), (23.98, 24), (29.97, 30), (47.95, 48), (47.952, 48), (59.94, 60), (119.88, 120)]
        {
            assert_eq!(FrameRate::from_decimal(decimal), FrameRate::new(whole * 1000, 1001), "{decimal}");
        }
        for whole in [24, 25, 30, 48, 50, 60, 120] {
            assert_eq!(FrameRate::from_decimal(f64::from(whole)), Some(FrameRate::whole(whole)));
        }
        assert_eq!(rate(9.995).as_deref(), Some("1999/200"));
        assert_eq!(rate(29.98).as_deref(), Some("1499/50"));
        assert_eq!(rate(0.0), None);
        assert_eq!(rate(f64::NAN), None);
    }

    #[test]
    fn windows_keep_clip_time() {
        let window = ramp().window(1, 9);
        assert_eq!((window.start_frame(), window.frame_count()), (1, 2));
        assert_eq!(window.sample(0.15), ramp().sample(0.15));
    }

    #[test]
    fn samples_clamp_at_the_ends() {
        assert_eq!(ramp().sample(-1.0), vec![0.0, 10.0]);
        assert_eq!(ramp().sample(9.0), vec![2.0, 12.0]);
        assert_eq!(ramp().sample(0.05), vec![0.5, 10.5]);
    }

    #[test]
    fn shapes_are_checked() {
        let names = || vec!["a".to_owned(), "a".to_owned()];
        assert_eq!(
            Track::new(FrameRate::whole(1), names(), vec![0.0; 3]),
            Err(TrackError::Shape { values: 3, channels: 2 })
        );
        assert_eq!(
            Track::new(FrameRate::whole(1), names(), vec![]),
            Err(TrackError::DuplicateChannel("a".to_owned()))
        );
    }
}
