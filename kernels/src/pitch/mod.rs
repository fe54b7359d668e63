//! Pitch: fundamental frequency and voicing by normalised cross-correlation.
//!
//! Audio is low-passed and decimated to about 8 kHz. At each frame two stretches of `CORRELATION_SECS` that lie
//! `lag` apart and around the frame's time are correlated,
//! `phi(lag) = x·y / sqrt((x·x + bias)(y·y + bias))`, with the mean removed. The peaks of `phi`, refined by parabolas, are
//! candidates beside "unvoiced"; the cheapest path through the candidates of the frame and its neighbours within
//! [`PitchSettings::track_secs`] on both sides decides (Talkin: "A robust algorithm for pitch tracking", 1995; the costs of
//! jumps follow Boersma 1993). Because the context is bounded, any window of a clip gives the values of the whole
//! clip, bit for bit; outside the clip lies silence.
//!
//! On a GPU one launch decimates ([`crate::resample`]) and another finds the candidates, a cube a frame; few numbers
//! come back, and the path through them is decided on the processor, where a scan of so few candidates takes less than
//! its launches would.

mod twin;

pub use twin::{Pitch, PitchSettings, PitchTracker, pitch};

use crate::KernelError;
use crate::devices::{clip_on, read};
use crate::error::require_finite;
use crate::extension::KernelOps;
use crate::tensors::{numbers, of_f32};
use burn::backend::flex::FlexTensor;
use burn::backend::{Dispatch, Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{Device, Tensor, TensorData};
use std::ops::Range;
use twin::CANDIDATE_ROW;

impl PitchTracker {
    /// The frames `frames` of the clip of which `samples` holds the part from clip index `first_sample` on, with the
    /// candidates computed on `device`. Samples outside of that part count as zero.
    ///
    /// # Errors
    /// When a sample is not a number or the device fails.
    pub fn frames_on(
        &self,
        device: &Device,
        samples: &[f32],
        first_sample: i64,
        frames: Range<i64>,
    ) -> Result<Vec<Pitch>, KernelError> {
        require_finite("samples", samples)?;
        if samples.is_empty() || frames.is_empty() {
            return self.frames(samples, first_sample, frames);
        }
        let samples = clip_on(device, samples).into_dispatch();
        let rows = Dispatch::pitch_candidates(samples, self, first_sample, self.with_context(frames));
        Ok(self.decide_all(&read(Tensor::<3>::from_dispatch(rows))?))
    }
}

/// The candidates of frames of clips, `[clips, samples]` to `[clips, frames, 18]`, always in single precision.
pub(crate) fn pitch_candidates_on_flex(
    samples: FloatTensor<Flex>,
    tracker: &PitchTracker,
    first_sample: i64,
    frames: Range<i64>,
) -> FloatTensor<Flex> {
    let shape = samples.shape();
    let count = (frames.end - frames.start) as usize;
    let samples = of_f32(&samples);
    let clips = numbers(&samples).chunks_exact(shape[1]);
    let rows: Vec<f32> =
        clips.flat_map(|clip| tracker.candidate_rows(clip, first_sample, frames.clone())).collect();
    FlexTensor::from_data(TensorData::new(rows, [shape[0], count, CANDIDATE_ROW]))
}

#[cfg(feature = "gpu")]
mod cube;
#[cfg(feature = "gpu")]
pub(crate) use cube::pitch_candidates_on_cube;
