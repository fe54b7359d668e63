//! Change of sampling rate by any rational ratio, without delay: polyphase windowed-sinc interpolation.
//!
//! With rates in the ratio `L / M` in lowest terms, output sample `m` lies at input position `m M / L` and is
//! `Σ_k x_k h(m M / L - k)`, `h(t) = c sinc(c t) kaiser(t / reach)`, where `c = passband · min(1, L / M)` and
//! `reach = zero_crossings / c` input samples (Crochiere and Rabiner: "Multirate digital signal processing", 1983;
//! Kaiser 1974 for the window). The filter has unit gain at 0 Hz. With 10 zero crossings, a passband of 1 and a Kaiser
//! parameter of 5 it is that of SciPy's `resample_poly`.
//!
//! There are only `L` sets of weights; beyond [`MOST_ROWS`] the weights of two of so many rows are mixed instead, which
//! is off by less than 5e-7. Outside the samples lies silence. An output sample depends on [`Resampler::reach`] input
//! samples on both sides and is computed the same way wherever a window begins, so any window of a clip gives the
//! values of the whole clip, bit for bit. No gradient flows into the samples.

mod twin;

pub use twin::{MOST_ROWS, ResampleSettings, Resampler, resample};

use crate::KernelError;
use crate::devices::{clip_on, read};
use crate::error::require_finite;
use crate::extension::KernelOps;
use crate::tensors::{numbers, of_f32, tensor_like};
use burn::backend::{Dispatch, Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{Device, Tensor};
use rayon::prelude::*;
use std::ops::Range;

impl Resampler {
    /// The output samples `outputs` of the clip of which `samples` holds the part from clip index `first_sample` on,
    /// computed on `device`. Samples outside of that part count as zero.
    ///
    /// # Errors
    /// When a sample is not a number or the device fails.
    pub fn outputs_on(
        &self,
        device: &Device,
        samples: &[f32],
        first_sample: i64,
        outputs: Range<i64>,
    ) -> Result<Vec<f32>, KernelError> {
        require_finite("samples", samples)?;
        read(self.of_windows(clip_on(device, samples), first_sample, outputs))
    }

    /// Whole clips of one length at the other rate: `[clips, samples]` to `[clips, ceil(samples L / M)]`.
    pub fn of_clips(&self, samples: Tensor<2>) -> Tensor<2> {
        let outputs = self.output_count(samples.dims()[1]) as i64;
        self.of_windows(samples, 0, 0..outputs)
    }

    /// The output samples `outputs` of clips of which `samples`, `[clips, samples]`, holds the part from clip index
    /// `first_sample` on: `[clips, outputs]`. Samples outside of that part count as zero; one that is not a number
    /// spoils the output samples that it enters.
    pub fn of_windows(&self, samples: Tensor<2>, first_sample: i64, outputs: Range<i64>) -> Tensor<2> {
        let [clips, count] = samples.dims();
        let output_count = usize::try_from(outputs.end - outputs.start).unwrap_or(0);
        if clips == 0 || count == 0 || output_count == 0 {
            return Tensor::zeros([clips, output_count], (&samples.device(), samples.dtype()));
        }
        Tensor::from_dispatch(Dispatch::resample(samples.into_dispatch(), self, first_sample, outputs))
    }
}

pub(crate) fn resample_on_flex(
    samples: FloatTensor<Flex>,
    resampler: &Resampler,
    first_sample: i64,
    outputs: Range<i64>,
) -> FloatTensor<Flex> {
    let shape = samples.shape();
    let count = (outputs.end - outputs.start) as usize;
    let mut output = vec![0.0; shape[0] * count];
    let samples_f32 = of_f32(&samples);
    let clips = numbers(&samples_f32).par_chunks_exact(shape[1]);
    clips.zip(output.par_chunks_exact_mut(count)).for_each(|(clip, output)| {
        resampler.outputs_into(clip, first_sample, outputs.start, output);
    });
    tensor_like(&samples, [shape[0], count], output)
}

#[cfg(feature = "gpu")]
mod cube;
#[cfg(feature = "gpu")]
pub(crate) use cube::resample_on_cube;
