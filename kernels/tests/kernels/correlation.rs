use crate::common::{cpu, gpu, moved, normal, rows};
use burn::tensor::{DType, Device, Tensor};
use esarm_kernels::KernelError;
use esarm_kernels::correlation::{Moments, moments};

#[track_caller]
fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "another number of values");
    for (index, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "value {index} is {a}, expected {b}");
    }
}

/// Tracks and weights of at least 0, about half of them 0.
fn inputs([frames, channels, emotions]: [usize; 3], device: &Device) -> [Tensor<2>; 2] {
    [normal([frames, channels], 1, device), normal([frames, emotions], 2, device).clamp_min(0.0)]
}

fn of([tracks, weights]: [Tensor<2>; 2]) -> Moments {
    moments(tracks, weights).unwrap()
}

fn assert_same(found: &Moments, expected: &Moments, tolerance: f64) {
    assert_eq!([found.emotions(), found.channels()], [expected.emotions(), expected.channels()]);
    for emotion in 0..expected.emotions() {
        let weight = expected.weight(emotion).unwrap();
        assert_near(&[found.weight(emotion).unwrap()], &[weight], tolerance);
        if weight > 0.0 {
            assert_near(&found.means(emotion).unwrap(), &expected.means(emotion).unwrap(), tolerance);
            let [found, expected] = [found, expected].map(|moments| moments.covariances(emotion).unwrap());
            assert_near(&found, &expected, tolerance);
        }
    }
}

#[test]
fn statistics_are_those_of_numpy() {
    let reference: serde_json::Value =
        serde_json::from_str(include_str!("../reference/correlation.json")).unwrap();
    let devices = [Some(cpu()), gpu("correlation: statistics_are_those_of_numpy")];
    for device in devices.into_iter().flatten() {
        let found = of(["tracks", "weights"].map(|name| rows(&reference[name], &device)));
        let channels =
            |name: &str| -> Vec<usize> { serde_json::from_value(reference[name].clone()).unwrap() };
        let penalty = reference["penalty"].as_f64().unwrap();
        for (emotion, expected) in reference["emotions"].as_array().unwrap().iter().enumerate() {
            let expected =
                |name: &str| -> Vec<f64> { serde_json::from_value(expected[name].clone()).unwrap() };
            assert_near(&found.means(emotion).unwrap(), &expected("means"), 1e-6);
            assert_near(&found.covariances(emotion).unwrap(), &expected("covariances"), 1e-6);
            assert_near(&found.correlations(emotion).unwrap(), &expected("correlations"), 1e-5);
            let ridge = found.ridge(emotion, &channels("from"), &channels("to"), penalty).unwrap();
            assert_near(&ridge.coefficients, &expected("coefficients"), 1e-5);
            assert_near(&ridge.intercepts, &expected("intercepts"), 1e-5);
        }
    }
}

#[test]
fn the_gpu_equals_the_twin() {
    let Some(gpu) = gpu("correlation: the_gpu_equals_the_twin") else { return };
    for shape in [[1, 1, 1], [33, 15, 8], [40, 16, 3], [1025, 17, 2], [70, 52, 8]] {
        let inputs = inputs(shape, &cpu());
        let expected = of(inputs.clone());
        assert_same(&of(inputs.each_ref().map(|tensor| moved(tensor, &gpu))), &expected, 1e-5);
        let turned = inputs.map(|tensor| moved(&tensor.transpose(), &gpu).transpose());
        assert_same(&of(turned), &expected, 1e-5);
    }
}

#[test]
fn moments_of_windows_add_up_to_those_of_the_whole() {
    let devices = [Some(cpu()), gpu("correlation: moments_of_windows_add_up_to_those_of_the_whole")];
    for device in devices.into_iter().flatten() {
        let [tracks, weights] = inputs([1500, 6, 3], &device);
        let whole = moments(tracks.clone(), weights.clone()).unwrap();
        let window = |start: usize, count: usize| {
            moments(tracks.clone().narrow(0, start, count), weights.clone().narrow(0, start, count)).unwrap()
        };
        let sum = window(0, 1).plus(&window(1, 1100)).unwrap().plus(&window(1101, 399)).unwrap();
        assert_same(&sum, &whole, 1e-6);
        let none = moments(Tensor::zeros([0, 6], &device), Tensor::zeros([0, 3], &device)).unwrap();
        assert_same(&sum.plus(&none).unwrap(), &whole, 1e-6);
    }
}

#[test]
fn long_tracks_lose_no_precision() {
    // A small motion about a large mean, over more frames than f32 could count one by one at this precision.
    let frames = 40_000;
    let tracks = normal([frames, 2], 1, &cpu()).mul_scalar(0.01).add_scalar(0.7);
    let exact: Vec<f64> = tracks.clone().into_data().iter::<f32>().map(f64::from).collect();
    let mean = |channel: usize| exact[channel..].iter().step_by(2).sum::<f64>() / frames as f64;
    let (first, second) = (mean(0), mean(1));
    let covariance: f64 =
        exact.chunks_exact(2).map(|pair| (pair[0] - first) * (pair[1] - second)).sum::<f64>() / frames as f64;
    let found = moments(tracks, Tensor::ones([frames, 1], &cpu())).unwrap();
    assert_near(&found.means(0).unwrap(), &[first, second], 1e-7);
    assert!((found.covariances(0).unwrap()[1] - covariance).abs() < 1e-7);
}

#[test]
fn pooled_emotions_are_all_frames() {
    let tracks = normal([30, 4], 1, &cpu());
    let half = Tensor::<2>::full([30, 2], 0.5, &cpu());
    let whole = moments(tracks.clone(), Tensor::ones([30, 1], &cpu())).unwrap();
    assert_same(&moments(tracks, half).unwrap().pooled(), &whole, 1e-6);
}

#[test]
fn frames_without_weight_count_for_nothing() {
    let devices = [Some(cpu()), gpu("correlation: frames_without_weight_count_for_nothing")];
    for device in devices.into_iter().flatten() {
        let tracks = Tensor::<2>::from_floats([[1.0], [f32::NAN], [3.0]], &device);
        let weights = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]], &device);
        let found = moments(tracks, weights).unwrap();
        assert_eq!(found.means(0).unwrap(), [2.0]);
        assert_eq!(found.covariances(0).unwrap(), [1.0]);
        let refused = found.means(1).unwrap_err();
        assert!(refused.to_string().contains("emotion"), "{refused}");
    }
}

#[test]
fn half_precision_is_summed_in_single() {
    let devices = [Some(cpu()), gpu("correlation: half_precision_is_summed_in_single")];
    for device in devices.into_iter().flatten() {
        if !device.supports_dtype(DType::F16) {
            println!("SKIPPED correlation: half_precision_is_summed_in_single: no f16 on {device:?}");
            continue;
        }
        let half = inputs([300, 5, 2], &cpu()).map(|tensor| tensor.cast(DType::F16).cast(DType::F32));
        let found = of(half.each_ref().map(|tensor| moved(tensor, &device).cast(DType::F16)));
        assert_same(&found, &of(half), 1e-5);
    }
}

#[test]
fn a_region_predicts_another_that_follows_it() {
    let from = normal([200, 2], 1, &cpu());
    let follower = from.clone().narrow(1, 0, 1) * 2.0 - from.clone().narrow(1, 1, 1) * 0.5 + 3.0;
    let tracks = Tensor::cat(vec![from, follower], 1);
    let found = moments(tracks, Tensor::ones([200, 1], &cpu())).unwrap();
    let ridge = found.ridge(0, &[0, 1], &[2], 0.0).unwrap();
    assert_near(&ridge.coefficients, &[2.0, -0.5], 1e-5);
    assert_near(&ridge.predict(&[1.0, 2.0]).unwrap(), &[4.0], 1e-5);
    assert!(ridge.predict(&[1.0]).unwrap_err().to_string().contains("from"));
    let flat = found.ridge(0, &[0, 1], &[2], 1e9).unwrap();
    assert_near(&flat.coefficients, &[0.0, 0.0], 1e-6);
    // The third channel depends on the first two.
    let refused = found.ridge(0, &[0, 1, 2, 2], &[1], 0.0).unwrap_err();
    assert!(refused.to_string().contains("penalty"), "{refused}");
    assert!(found.ridge(0, &[3], &[0], 0.1).unwrap_err().to_string().contains("channel"));
    assert!(found.ridge(0, &[0], &[1], -0.1).unwrap_err().to_string().contains("penalty"));
    assert_eq!(found.ridge(0, &[], &[1], 0.0).unwrap().coefficients, [0.0; 0]);
}

#[test]
fn channels_that_stand_still_have_no_correlation() {
    let moving = normal([20, 1], 1, &cpu());
    let tracks = Tensor::cat(vec![moving.clone(), Tensor::zeros([20, 1], &cpu()), -moving], 1);
    let found = moments(tracks, Tensor::ones([20, 1], &cpu())).unwrap().correlations(0).unwrap();
    assert_near(&found, &[1.0, 0.0, -1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0], 1e-6);
}

#[test]
fn nothing_is_fine_and_other_shapes_are_refused() {
    let zeros = |shape: [usize; 2]| Tensor::<2>::zeros(shape, &cpu());
    let none = moments(zeros([0, 3]), zeros([0, 8])).unwrap();
    assert_eq!([none.emotions(), none.channels()], [8, 3]);
    assert_eq!(none.weight(7).unwrap(), 0.0);
    assert_eq!(moments(zeros([2, 0]), Tensor::ones([2, 1], &cpu())).unwrap().weight(0).unwrap(), 2.0);
    assert!(none.weight(8).unwrap_err().to_string().contains("emotion"));
    let refused = moments(zeros([4, 3]), zeros([5, 8])).unwrap_err();
    assert!(matches!(refused, KernelError::Shape { argument: "weights", .. }), "{refused}");
    assert!(refused.to_string().contains("[5, 8]"), "{refused}");
    let other = moments(zeros([4, 2]), zeros([4, 8])).unwrap();
    assert!(none.plus(&other).unwrap_err().to_string().contains("other"));
}
