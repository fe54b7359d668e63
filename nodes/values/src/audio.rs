//! Speech audio.

use crate::{Digestible, Hasher};

/// Mono audio: samples nominally within -1..1 at a constant rate, and where they lie in the clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// Name of the source, without its folder; exported beside the animation.
    pub name: String,
    /// Samples per second, 8 000 to 192 000.
    pub sample_rate_hz: u32,
    /// Index of the first sample in the clip: 0 for a whole clip, more for a window of one.
    pub start_sample: i64,
    /// The samples.
    pub samples: Vec<f32>,
}

impl Audio {
    /// A whole clip.
    pub fn new(name: impl Into<String>, sample_rate_hz: u32, samples: Vec<f32>) -> Self {
        Self { name: name.into(), sample_rate_hz, start_sample: 0, samples }
    }

    /// Length in seconds.
    pub fn duration_secs(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate_hz)
    }

    /// Time of the first sample in the clip, in seconds.
    pub fn start_secs(&self) -> f64 {
        self.start_sample as f64 / f64::from(self.sample_rate_hz)
    }

    /// The samples with clip indices `first..last`, as far as they are here.
    pub fn window(&self, first: i64, last: i64) -> Self {
        let end = self.start_sample + self.samples.len() as i64;
        let first = first.clamp(self.start_sample, end);
        let last = last.clamp(first, end);
        let at = |index: i64| (index - self.start_sample) as usize;
        Self {
            name: self.name.clone(),
            sample_rate_hz: self.sample_rate_hz,
            start_sample: first,
            samples: self.samples[at(first)..at(last)].to_vec(),
        }
    }
}

impl Digestible for Audio {
    fn digest_into(&self, hasher: &mut Hasher) {
        hasher.text(&self.name).integer(i64::from(self.sample_rate_hz)).integer(self.start_sample);
        hasher.floats(&self.samples);
    }
}
