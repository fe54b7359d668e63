//! Numerical kernels on plain slices, one subject a file.
//!
//! A kernel knows no node, no graph and no file: it takes slices and settings and returns vectors. Sequences are
//! frame-major, `[frames, channels]`. Kernels with a time axis can be asked for any window of a clip and then give
//! the very values that the whole clip would have given there.

pub mod banded_attention;
pub mod correlation;
mod error;
pub mod extension;
#[cfg(feature = "gpu")]
mod fourier;
mod frames;
mod gaussian;
pub mod log_mel;
pub mod morph;
pub mod onsets;
pub mod perturb;
pub mod pitch;
pub mod preference;
pub mod prosody;
pub mod quantize;
pub mod random;
pub mod resample;
pub mod returns;
mod simd;
pub mod sphere;
pub mod temporal_filter;
mod tensors;
pub mod vertex_metrics;

pub use error::KernelError;
pub use frames::FrameGrid;
