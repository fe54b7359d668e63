//! Prosody: how a voice speaks, apart from what it says.
//!
//! Six channels a frame, [`PROSODY_CHANNELS`]. With `X` the FFT of the Hann-windowed frame that is centred on the
//! frame's time:
//! - `f0_hz`, `voicing`: [`crate::pitch`];
//! - `energy_db`: `10 log10(Σ w²x² / Σ w²)`, decibels of full scale, at least -100;
//! - `centroid_hz`: `Σ f|X| / Σ|X|`, 0 in silence;
//! - `flux`: the Euclidean distance of `|X| / Σ|X|` to that of the frame before, 0..√2;
//! - `rate_hz`: syllable nuclei a second, within about a second. A nucleus is a voiced peak of the smoothed energy,
//!   within 25 dB of the loudest nearby, with dips of at least 2 dB on both sides (de Jong and Wempe 2009).
//!
//! A frame depends on at most [`Prosody::REACH_SECS`] on both sides; outside the clip lies silence. Any window of a
//! clip gives the values of the whole clip, bit for bit.
//!
//! On tensors the candidates of pitch and the spectra are computed on the tensor's device; the track of pitch and the
//! speaking rate, a few numbers a frame, are decided on the processor ([`crate::pitch`] says why). Audio above 81 kHz is
//! wholly computed on the processor. No gradient flows into the samples.

mod twin;

pub use twin::{Prosody, prosody};

use crate::KernelError;
use crate::devices::{clip_on, read};
use crate::error::require_finite;
use crate::extension::KernelOps;
use crate::tensors::{numbers, of_f32};
use burn::backend::flex::FlexTensor;
use burn::backend::{Dispatch, Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use std::ops::Range;
use twin::Timbre;

/// The channels of [`prosody`], in column order.
pub const PROSODY_CHANNELS: [&str; 6] = ["f0_hz", "voicing", "energy_db", "centroid_hz", "flux", "rate_hz"];

/// Numbers of a frame's timbre: energy, centroid and flux.
const TIMBRE_FIELDS: usize = 3;
/// Longest transform that every GPU has the shared memory for, in samples.
const LONGEST_ON_GPU: usize = 2048;

impl Prosody {
    /// The frames `frames` of the clip of which `samples` holds the part from clip index `first_sample` on, computed on
    /// `device`: `[frames, 6]`. Samples outside of that part count as zero.
    ///
    /// # Errors
    /// When a sample is not a number or the device fails.
    pub fn frames_on(
        &self,
        device: &Device,
        samples: &[f32],
        first_sample: i64,
        frames: Range<i64>,
    ) -> Result<Vec<f32>, KernelError> {
        require_finite("samples", samples)?;
        read(self.of_windows(clip_on(device, samples), first_sample, frames)?)
    }

    /// The prosody of whole clips of one length: `[clips, samples]` to `[clips, frames, 6]`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn of_clips(&self, samples: Tensor<2>) -> Result<Tensor<3>, KernelError> {
        let frames = self.grid.frames_on(0..samples.dims()[1] as i64);
        self.of_windows(samples, 0, frames)
    }

    /// The frames `frames` of clips of which `samples`, `[clips, samples]`, holds the part from clip index
    /// `first_sample` on: `[clips, frames, 6]`. Waits for the device.
    ///
    /// # Errors
    /// When the device fails.
    pub fn of_windows(
        &self,
        samples: Tensor<2>,
        first_sample: i64,
        frames: Range<i64>,
    ) -> Result<Tensor<3>, KernelError> {
        let [clips, count] = samples.dims();
        let (device, dtype) = (samples.device(), samples.dtype());
        let frame_count = usize::try_from(frames.end - frames.start).unwrap_or(0);
        let shape = [clips, frame_count, PROSODY_CHANNELS.len()];
        if shape.contains(&0) {
            return Ok(Tensor::zeros(shape, (&device, dtype)));
        }
        // A part without samples is silence.
        let samples = if count == 0 { Tensor::zeros([clips, 1], (&device, dtype)) } else { samples };
        let here = if self.fft_size() <= LONGEST_ON_GPU { device.clone() } else { Device::flex() };
        let (candidates, timbres) = self.on_device(samples.to_device(&here), first_sample, frames);
        let (candidates, timbres) = (read(candidates)?, read(timbres)?);
        let clips = candidates.par_chunks_exact(candidates.len() / clips);
        let clips = clips.zip(timbres.par_chunks_exact(timbres.len() / shape[0]));
        let rows = clips.flat_map_iter(|(candidates, timbres)| {
            let timbres: Vec<Timbre> = timbres.chunks_exact(TIMBRE_FIELDS).map(Timbre::read).collect();
            self.rows(&self.tracker.decide_all(candidates), &timbres)
        });
        Ok(Tensor::from_data(TensorData::new(rows.collect::<Vec<f32>>(), shape), (&device, dtype)))
    }

    /// The candidates of pitch and the timbre of all frames that these depend on.
    fn on_device(&self, samples: Tensor<2>, first_sample: i64, frames: Range<i64>) -> (Tensor<3>, Tensor<3>) {
        let wide = self.with_margin(frames);
        let with_context = self.tracker.with_context(wide.clone());
        let samples = samples.into_dispatch();
        let candidates =
            Dispatch::pitch_candidates(samples.clone(), &self.tracker, first_sample, with_context);
        let timbres = Dispatch::timbres(samples, self, first_sample, wide);
        (Tensor::from_dispatch(candidates), Tensor::from_dispatch(timbres))
    }
}

impl Timbre {
    fn read(numbers: &[f32]) -> Self {
        Self { energy_db: numbers[0], centroid_hz: numbers[1], flux: numbers[2] }
    }
}

/// Energy, centroid and flux of frames of clips, `[clips, samples]` to `[clips, frames, 3]`, always in single
/// precision.
pub(crate) fn timbres_on_flex(
    samples: FloatTensor<Flex>,
    prosody: &Prosody,
    first_sample: i64,
    frames: Range<i64>,
) -> FloatTensor<Flex> {
    let shape = samples.shape();
    let count = (frames.end - frames.start) as usize;
    let samples = of_f32(&samples);
    let timbres = numbers(&samples)
        .chunks_exact(shape[1])
        .flat_map(|clip| prosody.timbres(clip, first_sample, frames.clone()))
        .flat_map(|timbre| [timbre.energy_db, timbre.centroid_hz, timbre.flux]);
    FlexTensor::from_data(TensorData::new(timbres.collect(), [shape[0], count, TIMBRE_FIELDS]))
}

#[cfg(feature = "gpu")]
mod cube;
#[cfg(feature = "gpu")]
pub(crate) use cube::timbres_on_cube;
