//! Time, throughput and ratio to a peer of every kernel: `cargo xtask bench kernels [NAME]`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "kernels/banded_attention.rs"]
mod banded_attention;
#[path = "kernels/common.rs"]
mod common;
#[path = "kernels/correlation.rs"]
mod correlation;
#[path = "kernels/log_mel.rs"]
mod log_mel;
#[path = "kernels/morph.rs"]
mod morph;
#[path = "kernels/perturb.rs"]
mod perturb;
#[path = "kernels/preference.rs"]
mod preference;
#[path = "kernels/prosody.rs"]
mod prosody;
#[path = "kernels/quantize.rs"]
mod quantize;
#[path = "kernels/resample.rs"]
mod resample;
#[path = "kernels/returns.rs"]
mod returns;
#[path = "kernels/sphere.rs"]
mod sphere;
#[path = "kernels/temporal_filter.rs"]
mod temporal_filter;
#[path = "kernels/vertex_metrics.rs"]
mod vertex_metrics;

/// Measures one kernel on every device.
type Measure = fn(&common::Bench);

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let benches: [(&str, Measure); 13] = [
        ("banded_attention", banded_attention::bench),
        ("correlation", correlation::bench),
        ("log_mel", log_mel::bench),
        ("morph", morph::bench),
        ("perturb", perturb::bench),
        ("preference", preference::bench),
        ("prosody", prosody::bench),
        ("quantize", quantize::bench),
        ("resample", resample::bench),
        ("returns", returns::bench),
        ("sphere", sphere::bench),
        ("temporal_filter", temporal_filter::bench),
        ("vertex_metrics", vertex_metrics::bench),
    ];
    let bench = common::Bench::new();
    for (name, run) in benches {
        if wanted.as_deref().is_none_or(|wanted| name.contains(wanted)) {
            run(&bench);
        }
    }
}
