//! Log-mel spectrogram: `ln(max(mel filters · |FFT(Hann window · frame)|², floor))`.
//!
//! Frame `k` describes the clip time `k * hop_secs`: its window is centred on the sample nearest to that time, and
//! what the window reaches outside the clip is zero. A clip of `n` samples has the frames whose times lie before its
//! end, `ceil(n / (hop_secs * sample_rate_hz))`. A frame depends on no sample further than half a window away, so any
//! window of a clip gives the values of the whole clip, bit for bit.
//!
//! Filters are triangles on the mel scale of Slaney's Auditory Toolbox (1998), each of unit area: librosa's
//! `filters.mel(htk=False, norm="slaney")` on the power spectrum of `stft(center=True, pad_mode="constant")`.
//!
//! On a GPU one cube computes a frame in one launch, from its samples to the logarithms, for transforms of a power of
//! two up to 4096 samples; longer and other ones are computed on the processor. No gradient flows into the samples.

mod stream;
mod twin;

pub use stream::LogMelStream;
pub(crate) use twin::hann_window;
pub use twin::{LogMel, LogMelSettings, hz_to_mel, log_mel, mel_to_hz};

use crate::KernelError;
use crate::devices::{clip_on, read};
use crate::error::require_finite;
use crate::extension::KernelOps;
use crate::tensors::{numbers, of_f32, tensor_like};
use burn::backend::{Dispatch, Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{Device, Tensor};
use rayon::prelude::*;
use std::ops::Range;

/// Longest transform that every GPU has the shared memory for, in samples.
const LONGEST_ON_GPU: usize = 4096;

impl LogMel {
    /// The frames `frames` of the clip of which `samples` holds the part from clip index `first_sample` on, computed on
    /// `device`: `[frames, mel_count]`. Samples outside of that part count as zero.
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
        read(self.of_windows(clip_on(device, samples), first_sample, frames))
    }

    /// The log-mel spectrograms of whole clips of one length: `[clips, samples]` to `[clips, frames, mel_count]`.
    pub fn of_clips(&self, samples: Tensor<2>) -> Tensor<3> {
        let frames = self.settings.frame_count(samples.dims()[1]) as i64;
        self.of_windows(samples, 0, 0..frames)
    }

    /// The frames `frames` of clips of which `samples`, `[clips, samples]`, holds the part from clip index
    /// `first_sample` on: `[clips, frames, mel_count]`. Samples outside of that part count as zero; one that is not a
    /// number spoils the frames that it enters.
    pub fn of_windows(&self, samples: Tensor<2>, first_sample: i64, frames: Range<i64>) -> Tensor<3> {
        let [clips, count] = samples.dims();
        let device = samples.device();
        let frame_count = usize::try_from(frames.end - frames.start).unwrap_or(0);
        if clips == 0 || frame_count == 0 {
            return Tensor::zeros([clips, frame_count, self.settings.mel_count], (&device, samples.dtype()));
        }
        // A part without samples is silence.
        let samples =
            if count == 0 { Tensor::zeros([clips, 1], (&device, samples.dtype())) } else { samples };
        let size = self.settings.fft_size;
        let here =
            if size.is_power_of_two() && size <= LONGEST_ON_GPU { device.clone() } else { Device::flex() };
        let samples = samples.to_device(&here).into_dispatch();
        let found = Tensor::from_dispatch(Dispatch::log_mel(samples, self, first_sample, frames));
        found.to_device(&device)
    }
}

/// Refuses another number of clips than that of the pieces before.
pub(crate) fn require_clips(found: [usize; 2], clips: usize) -> Result<(), KernelError> {
    if found[0] == clips {
        return Ok(());
    }
    let expected = format!("[{clips}, samples], as the pieces before");
    Err(KernelError::Shape { argument: "samples", found: found.to_vec(), expected })
}

pub(crate) fn log_mel_on_flex(
    samples: FloatTensor<Flex>,
    transform: &LogMel,
    first_sample: i64,
    frames: Range<i64>,
) -> FloatTensor<Flex> {
    let shape = samples.shape();
    let (frame_count, bands) = ((frames.end - frames.start) as usize, transform.settings.mel_count);
    let mut output = vec![0.0; shape[0] * frame_count * bands];
    let samples_f32 = of_f32(&samples);
    let clips = numbers(&samples_f32).par_chunks_exact(shape[1]);
    clips.zip(output.par_chunks_exact_mut(frame_count * bands)).for_each(|(clip, output)| {
        transform.frames_into(clip, first_sample, frames.start, output);
    });
    tensor_like(&samples, [shape[0], frame_count, bands], output)
}

#[cfg(feature = "gpu")]
mod cube;
#[cfg(feature = "gpu")]
pub(crate) use cube::log_mel_on_cube;
