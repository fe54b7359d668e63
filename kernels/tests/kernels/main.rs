//! Every kernel on every device against its twin, and where there is one against an independent implementation.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod banded_attention;
mod common;
mod correlation;
mod log_mel;
mod morph;
mod perturb;
mod preference;
mod prosody;
mod quantize;
mod resample;
mod returns;
mod sphere;
mod temporal_filter;
mod vertex_metrics;
