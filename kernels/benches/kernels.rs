//! Time, throughput and ratio to a peer of every kernel: `cargo xtask bench kernels [NAME]`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "kernels/banded_attention.rs"]
mod banded_attention;
#[path = "kernels/common.rs"]
mod common;
#[path = "kernels/correlation.rs"]
mod correlation;
#[path = "kernels/preference.rs"]
mod preference;
#[path = "kernels/quantize.rs"]
mod quantize;
#[path = "kernels/returns.rs"]
mod returns;

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let benches: [(&str, fn(&common::Bench)); 5] = [
        ("banded_attention", banded_attention::bench),
        ("correlation", correlation::bench),
        ("preference", preference::bench),
        ("quantize", quantize::bench),
        ("returns", returns::bench),
    ];
    let bench = common::Bench::new();
    for (name, run) in benches {
        if wanted.as_deref().is_none_or(|wanted| name.contains(wanted)) {
            run(&bench);
        }
    }
}
