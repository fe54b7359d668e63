use crate::common::{Bench, Work, fastest};
use burn::tensor::{Device, Distribution, Tensor};
use esarm_kernels::temporal_filter::{
    Exponential, Median, OneEuro, SavitzkyGolay, TemporalFilter, temporal_filter,
};

const FRAMES: usize = 36_000;
const CHANNELS: usize = 52;

pub(crate) fn bench(bench: &Bench) {
    let motion = format!("x = np.random.randn({FRAMES}, {CHANNELS}).astype(np.float32)");
    let peer = bench.python(
        &format!("from scipy.signal import savgol_filter\n{motion}"),
        "savgol_filter(x, 11, 3, axis=0)",
    );
    let filter = TemporalFilter::SavitzkyGolay(vec![SavitzkyGolay { window_frames: 11, order: 3 }]);
    measure(bench, "savitzky_golay of 11", &filter, 22.0, peer.map(|secs| ("SciPy", secs)));

    let peer = bench.python(
        &format!("from scipy.ndimage import median_filter\n{motion}"),
        "median_filter(x, size=(11, 1))",
    );
    let filter = TemporalFilter::Median(vec![Median { window_frames: 11 }]);
    measure(bench, "median of 11", &filter, 11.0, peer.map(|secs| ("SciPy", secs)));

    let peer = bench.python(
        &format!("from scipy.signal import lfilter\n{motion}"),
        "lfilter([0.3], [1.0, -0.7], x, axis=0)",
    );
    let settings = vec![Exponential { time_constant_secs: 0.05 }];
    let filter = TemporalFilter::Exponential { frames_per_sec: 60.0, settings };
    measure(bench, "exponential", &filter, 3.0, peer.map(|secs| ("SciPy lfilter", secs)));

    let settings = OneEuro { min_cutoff_hz: 1.5, beta: 0.7, derivative_cutoff_hz: 1.0 };
    let peer = fastest_plain_one_euro(&settings);
    let filter = TemporalFilter::OneEuro { frames_per_sec: 60.0, settings: vec![settings] };
    measure(bench, "one_euro", &filter, 12.0, Some(("plain loop", peer)));
}

fn measure(bench: &Bench, name: &str, filter: &TemporalFilter, operations: f64, peer: Option<(&str, f64)>) {
    let values = (FRAMES * CHANNELS) as f64;
    let work = Work { bytes: 8.0 * values, operations: operations * values };
    let prepare = |device: &Device| Tensor::<2>::random([FRAMES, CHANNELS], Distribution::Default, device);
    let name = format!("{name}, {FRAMES} x {CHANNELS}");
    bench.measure(&name, work, peer, prepare, |motion| {
        let _ = temporal_filter(motion.clone(), filter).expect("settings fit");
    });
}

/// The formula of the paper, channel by channel, in single precision.
fn fastest_plain_one_euro(settings: &OneEuro) -> f64 {
    let motion: Vec<f32> = (0..FRAMES * CHANNELS).map(|n| (n as f32 * 0.37).sin()).collect();
    let rate = 60.0_f32;
    let alpha = |cutoff: f32| 1.0 / (1.0 + rate / (std::f32::consts::TAU * cutoff));
    let (rest, beta) = (settings.min_cutoff_hz as f32, settings.beta as f32);
    let speed_alpha = alpha(settings.derivative_cutoff_hz as f32);
    let mut output = vec![0.0_f32; motion.len()];
    fastest(|| {
        for channel in 0..CHANNELS {
            let (mut smooth, mut speed) = (motion[channel], 0.0);
            for at in (channel..motion.len()).step_by(CHANNELS) {
                speed += speed_alpha * ((motion[at] - smooth) * rate - speed);
                smooth += alpha(rest + beta * speed.abs()) * (motion[at] - smooth);
                output[at] = smooth;
            }
        }
        std::hint::black_box(&output);
    })
}
