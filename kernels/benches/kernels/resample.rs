use crate::common::{Bench, Work};
use burn::tensor::{Device, Distribution, Tensor};
use esarm_kernels::resample::{ResampleSettings, Resampler};

/// The filter of SciPy's `resample_poly`.
fn as_scipy(input_hz: u32, output_hz: u32) -> ResampleSettings {
    ResampleSettings { input_hz, output_hz, zero_crossings: 10, passband: 1.0, kaiser_beta: 5.0 }
}

pub(crate) fn bench(bench: &Bench) {
    for (settings, name) in [
        (as_scipy(48_000, 16_000), "SciPy, the same filter"),
        (ResampleSettings::between(48_000, 16_000), "SciPy, a shorter filter"),
        (as_scipy(44_100, 16_000), "SciPy, the same filter"),
        (as_scipy(16_000, 48_000), "SciPy, the same filter"),
    ] {
        measure(bench, &settings, name);
    }
}

fn measure(bench: &Bench, settings: &ResampleSettings, peer_name: &str) {
    let (clips, secs) = (8, 10);
    let (input_hz, output_hz) = (settings.input_hz as usize, settings.output_hz as usize);
    let resampler = Resampler::new(settings).expect("settings fit");
    let peer = bench.python(
        &format!(
            "from scipy.signal import resample_poly\nx = np.random.randn({clips}, {}).astype(np.float32)",
            secs * input_hz
        ),
        &format!("resample_poly(x, {output_hz}, {input_hz}, axis=1)"),
    );
    let outputs = (clips * secs * output_hz) as f64;
    let work = Work {
        bytes: 4.0 * ((clips * secs * input_hz) as f64 + outputs),
        operations: 4.0 * outputs * resampler.reach() as f64,
    };
    let prepare = |device: &Device| {
        Tensor::<2>::random([clips, secs * input_hz], Distribution::Normal(0.0, 0.1), device)
    };
    let name = format!("resample 8 x 10 s, {input_hz} to {output_hz} Hz");
    bench.measure(&name, work, peer.map(|secs| (peer_name, secs)), prepare, |samples| {
        let _ = resampler.of_clips(samples.clone());
    });
}
