//! Every kernel on every device against its twin, and where there is one against an independent implementation.

mod banded_attention;
mod common;
mod correlation;
mod morph;
mod perturb;
mod preference;
mod quantize;
mod returns;
mod sphere;
mod vertex_metrics;
