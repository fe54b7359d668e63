//! The values of the twins are compared with SciPy's and with the papers' formulas beside their code.

use crate::common::{assert_close, cpu, gpu, has_half, moved, normal, values};
use burn::tensor::{DType, Tensor};
use esarm_kernels::KernelError;
use esarm_kernels::temporal_filter::{
    Exponential, Median, OneEuro, SavitzkyGolay, TemporalFilter, exponential, median, one_euro,
    savitzky_golay, temporal_filter,
};

const FRAMES_PER_SEC: f64 = 60.0;

/// Each filter with settings of its own for each of `channels`.
fn filters(channels: usize) -> [TemporalFilter; 4] {
    let each = |channel: usize| (2 * (channel % 8) + 1, channel as f64);
    let all = 0..channels;
    [
        TemporalFilter::SavitzkyGolay(
            all.clone()
                .map(|channel| SavitzkyGolay {
                    window_frames: each(channel).0,
                    order: (each(channel).0 - 1).min(3),
                })
                .collect(),
        ),
        TemporalFilter::Median(
            all.clone().map(|channel| Median { window_frames: each(channel).0 }).collect(),
        ),
        TemporalFilter::OneEuro {
            frames_per_sec: FRAMES_PER_SEC,
            settings: all
                .clone()
                .map(|channel| OneEuro {
                    min_cutoff_hz: 0.5 + each(channel).1,
                    beta: 0.2 * each(channel).1,
                    derivative_cutoff_hz: 1.0,
                })
                .collect(),
        },
        TemporalFilter::Exponential {
            frames_per_sec: FRAMES_PER_SEC,
            settings: all.map(|channel| Exponential { time_constant_secs: 0.1 * each(channel).1 }).collect(),
        },
    ]
}

fn on_slice(values: &[f32], channels: usize, filter: &TemporalFilter) -> Vec<f32> {
    match filter {
        TemporalFilter::SavitzkyGolay(settings) => savitzky_golay(values, channels, settings),
        TemporalFilter::Median(settings) => median(values, channels, settings),
        TemporalFilter::OneEuro { frames_per_sec, settings } => {
            one_euro(values, channels, *frames_per_sec, settings)
        }
        TemporalFilter::Exponential { frames_per_sec, settings } => {
            exponential(values, channels, *frames_per_sec, settings)
        }
    }
    .unwrap()
}

#[test]
fn tensors_are_filtered_as_slices() {
    for (frames, channels) in [(1, 1), (40, 3), (100, 37)] {
        let motion = normal([frames, channels], 41, &cpu());
        for filter in filters(channels) {
            let expected = on_slice(&values(&motion), channels, &filter);
            assert_eq!(values(&temporal_filter(motion.clone(), &filter).unwrap()), expected);
            // A transposed tensor is not contiguous.
            let turned = moved(&motion.clone().transpose(), &cpu()).transpose();
            assert_eq!(values(&temporal_filter(turned, &filter).unwrap()), expected);
        }
    }
}

#[test]
fn the_gpu_equals_the_twin() {
    let name = "temporal_filter: the_gpu_equals_the_twin";
    let Some(gpu) = gpu(name) else { return };
    // Clips shorter than the windows, and as long as the blocks of the scan and not.
    for (frames, channels) in [(1, 1), (2, 9), (4, 8), (255, 5), (256, 3), (257, 52), (700, 2)] {
        let motion = normal([frames, channels], 42, &cpu());
        for filter in filters(channels) {
            let expected = values(&temporal_filter(motion.clone(), &filter).unwrap());
            let found = temporal_filter(moved(&motion, &gpu), &filter).unwrap();
            assert_close(&values(&found), &expected, 1e-5);
            let turned = moved(&motion.clone().transpose(), &gpu).transpose();
            assert_close(&values(&temporal_filter(turned, &filter).unwrap()), &expected, 1e-5);
        }
    }
    if has_half(name, &gpu) {
        let motion = normal([70, 5], 43, &gpu).cast(DType::F16);
        for filter in filters(5) {
            let expected = temporal_filter(motion.clone().cast(DType::F32), &filter).unwrap();
            let found = temporal_filter(motion.clone(), &filter).unwrap();
            assert_eq!(found.dtype(), DType::F16);
            assert_close(&values(&found), &values(&expected), 1e-3);
        }
    }
}

#[test]
fn medians_on_the_gpu_are_values_of_the_window() {
    let Some(gpu) = gpu("temporal_filter: medians_on_the_gpu_are_values_of_the_window") else { return };
    let extremes = [0.0, -0.0, f32::MAX, f32::MIN, 1e-40, -1e-40, f32::INFINITY, f32::NEG_INFINITY, 1.5];
    let column = Tensor::<1>::from_floats(extremes, &gpu).reshape([9, 1]);
    let filter = TemporalFilter::Median(vec![Median { window_frames: 17 }]);
    let found = values(&temporal_filter(column, &filter).unwrap());
    assert_close(&found[4..5], &[0.0], 0.0);
    let filter = TemporalFilter::Median(vec![Median { window_frames: 1 }]);
    let column = Tensor::<1>::from_floats([1.5, -2.5, f32::MAX, f32::MIN], &gpu).reshape([4, 1]);
    assert_eq!(values(&temporal_filter(column, &filter).unwrap()), [1.5, -2.5, f32::MAX, f32::MIN]);
}

#[test]
fn windows_give_the_values_of_the_whole() {
    let devices = [Some(cpu()), gpu("temporal_filter: windows_give_the_values_of_the_whole")];
    for device in devices.into_iter().flatten() {
        let motion = normal([600, 8], 44, &device);
        let [polynomials, medians, speed, exponential] = filters(8);
        for filter in [polynomials, medians] {
            let whole = temporal_filter(motion.clone(), &filter).unwrap();
            let part = temporal_filter(motion.clone().narrow(0, 100, 90), &filter).unwrap();
            assert_eq!(values(&part.narrow(0, 15, 60)), values(&whole.narrow(0, 115, 60)));
        }
        // Recursive filters depend on nothing that comes later.
        for filter in [speed, exponential] {
            let whole = temporal_filter(motion.clone(), &filter).unwrap();
            let part = temporal_filter(motion.clone().narrow(0, 0, 300), &filter).unwrap();
            assert_eq!(values(&part), values(&whole.narrow(0, 0, 300)));
        }
    }
}

#[test]
fn nothing_stays_nothing_and_what_does_not_fit_is_named() {
    for filter in filters(3) {
        let empty = temporal_filter(Tensor::zeros([0, 3], &cpu()), &filter).unwrap();
        assert_eq!(empty.dims(), [0, 3]);
        let refused = temporal_filter(Tensor::zeros([5, 4], &cpu()), &filter).unwrap_err();
        assert!(matches!(refused, KernelError::Shape { argument: "settings", .. }), "{refused}");
        assert!(refused.to_string().contains("[3]") && refused.to_string().contains("[4]"), "{refused}");
    }
    let even = TemporalFilter::Median(vec![Median { window_frames: 4 }]);
    let refused = temporal_filter(Tensor::zeros([5, 4], &cpu()), &even).unwrap_err();
    assert!(refused.to_string().contains("`window_frames`"), "{refused}");
}
