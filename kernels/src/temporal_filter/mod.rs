//! Filters along time over `[frames, channels]`.
//!
//! Every filter takes settings per channel: one for all, or as many as there are channels.
//! [`savitzky_golay`] and [`median`] look a bounded number of frames to both sides, so a window of a clip gives the
//! values of the whole clip as long as it holds that margin or reaches the clip's end. [`one_euro`] and
//! [`exponential`] are recursive and causal: each frame depends on all frames before it and on none after.
//!
//! [`temporal_filter`] applies them to tensors. On a GPU a unit computes a value of the windowed filters, a cube scans
//! a channel exponentially, and a unit goes through a channel for [`one_euro`], whose recursion is not linear and thus
//! cannot be scanned. No gradient flows through a filter.

mod twin;

pub use twin::{exponential, median, one_euro, savitzky_golay};

use crate::KernelError;
use crate::devices::read;
use crate::error::require_finite;
use crate::extension::KernelOps;
use crate::tensors::{numbers, of_f32, tensor_like};
use burn::backend::{Dispatch, Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{Device, Tensor, TensorData};

/// A least-squares polynomial over a sliding window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SavitzkyGolay {
    /// Length of the window; odd. 1 passes values through.
    pub window_frames: usize,
    /// Degree of the polynomial, below the length of the window and at most 9.
    pub order: usize,
}

/// A low-pass whose cutoff rises with the speed of the signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneEuro {
    /// Cutoff at rest, in Hz, above 0: lower is calmer.
    pub min_cutoff_hz: f64,
    /// Rise of the cutoff per unit of speed (value per second), in Hz: higher lags less.
    pub beta: f64,
    /// Cutoff for the speed itself, in Hz, above 0.
    pub derivative_cutoff_hz: f64,
}

/// A first-order low-pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    /// Time after which a step is followed to 63 %, in seconds; 0 passes values through.
    pub time_constant_secs: f64,
}

/// Length of a sliding median; odd. 1 passes values through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Median {
    /// Length of the window in frames.
    pub window_frames: usize,
}

/// A filter with its settings, one for all channels or one for each.
#[derive(Clone, Debug, PartialEq)]
pub enum TemporalFilter {
    /// See [`savitzky_golay`].
    SavitzkyGolay(Vec<SavitzkyGolay>),
    /// See [`median`].
    Median(Vec<Median>),
    /// See [`one_euro`].
    OneEuro {
        /// Frames per second.
        frames_per_sec: f64,
        /// The settings.
        settings: Vec<OneEuro>,
    },
    /// See [`exponential`].
    Exponential {
        /// Frames per second.
        frames_per_sec: f64,
        /// The settings.
        settings: Vec<Exponential>,
    },
}

impl TemporalFilter {
    fn check(&self, channels: usize) -> Result<(), KernelError> {
        match self {
            Self::SavitzkyGolay(settings) => {
                twin::check_count(settings.len(), channels)?;
                settings.iter().try_for_each(SavitzkyGolay::check)
            }
            Self::Median(settings) => {
                twin::check_count(settings.len(), channels)?;
                settings.iter().try_for_each(Median::check)
            }
            Self::OneEuro { frames_per_sec, settings } => {
                twin::check_count(settings.len(), channels)?;
                twin::check_rate(*frames_per_sec)?;
                settings.iter().try_for_each(OneEuro::check)
            }
            Self::Exponential { frames_per_sec, settings } => {
                twin::check_count(settings.len(), channels)?;
                twin::check_rate(*frames_per_sec)?;
                settings.iter().try_for_each(Exponential::check)
            }
        }
    }
}

/// Filters each column of `values`, `[frames, channels]`, along the frames.
///
/// # Errors
/// When there is neither one setting nor one for each channel, or a setting cannot be.
pub fn temporal_filter(values: Tensor<2>, filter: &TemporalFilter) -> Result<Tensor<2>, KernelError> {
    filter.check(values.dims()[1])?;
    if values.dims().contains(&0) {
        return Ok(values);
    }
    Ok(Tensor::from_dispatch(Dispatch::temporal_filter(values.into_dispatch(), filter)))
}

/// The same of values in row-major order, `[frames, channels]`, computed on `device`.
///
/// # Errors
/// When the values do not fill frames or are not numbers, there is neither one setting nor one for each channel, a
/// setting cannot be, or the device fails.
pub fn temporal_filter_on(
    device: &Device,
    values: &[f32],
    channels: usize,
    filter: &TemporalFilter,
) -> Result<Vec<f32>, KernelError> {
    if channels == 0 || !values.len().is_multiple_of(channels) {
        let expected = format!("[frames, {channels}], with at least one channel");
        return Err(KernelError::Shape { argument: "values", found: vec![values.len()], expected });
    }
    require_finite("values", values)?;
    let frames = values.len() / channels;
    let values = Tensor::from_data(TensorData::new(values.to_vec(), [frames, channels]), device);
    read(temporal_filter(values, filter)?)
}

pub(crate) fn temporal_filter_on_flex(
    tensor: FloatTensor<Flex>,
    filter: &TemporalFilter,
) -> FloatTensor<Flex> {
    let shape = tensor.shape();
    let tensor_f32 = of_f32(&tensor);
    let values = numbers(&tensor_f32);
    let channels = shape[1];
    let filtered = match filter {
        TemporalFilter::SavitzkyGolay(settings) => twin::smooth_by_polynomials(values, channels, settings),
        TemporalFilter::Median(settings) => twin::medians(values, channels, settings),
        TemporalFilter::OneEuro { frames_per_sec, settings } => {
            twin::smooth_by_speed(values, channels, *frames_per_sec, settings)
        }
        TemporalFilter::Exponential { frames_per_sec, settings } => {
            twin::smooth_exponentially(values, channels, *frames_per_sec, settings)
        }
    };
    tensor_like(&tensor, shape, filtered)
}

#[cfg(feature = "gpu")]
mod cube;
#[cfg(feature = "gpu")]
pub(crate) use cube::temporal_filter_on_cube;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::cpu;

    #[test]
    fn values_that_cannot_be_filtered_are_refused() {
        let filter = TemporalFilter::SavitzkyGolay(vec![SavitzkyGolay { window_frames: 3, order: 1 }]);
        let filtered = |values: &[f32], channels| temporal_filter_on(&cpu(), values, channels, &filter);
        assert_eq!(filtered(&[1.0; 6], 2).unwrap(), [1.0; 6]);
        assert!(filtered(&[], 2).unwrap().is_empty());
        for (values, channels) in [([1.0; 3].as_slice(), 2), (&[1.0], 0), (&[1.0, f32::NAN], 1)] {
            assert!(filtered(values, channels).unwrap_err().to_string().contains("values"));
        }
    }
}
