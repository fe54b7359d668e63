//! Numerical kernels, one subject a file or folder.
//!
//! A kernel knows no node, no graph and no file: it takes tensors or slices and settings, and runs on the
//! [device](devices) of what it is given. Sequences are frame-major, `[frames, channels]`. Kernels with a time axis can
//! be asked for any window of a clip and then give the very values that the whole clip would have given there.

pub mod banded_attention;
pub mod correlation;
pub mod devices;
mod error;
pub mod extension;
#[cfg(feature = "gpu")]
mod fourier;
mod frames;
mod gaussian;
pub mod linear;
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
pub mod self_test;
mod simd;
pub mod sphere;
pub mod temporal_filter;
mod tensors;
pub mod vertex_metrics;

pub use error::KernelError;
pub use frames::FrameGrid;
