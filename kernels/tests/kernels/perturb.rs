use crate::common::{assert_close, cpu, gpu, moved, normal, numbers, reference, rows, values};
use burn::tensor::{DType, Device, Tensor};
use esarm_kernels::KernelError;
use esarm_kernels::perturb::{
    Draw, Margins, OrnsteinUhlenbeck, amplitude, desync, emotion_corruption, mouth_leak, ornstein_uhlenbeck,
    over_smoothing, replacement, white,
};

/// Drifts that forget within 24 frames.
const QUICK: OrnsteinUhlenbeck = OrnsteinUhlenbeck { return_rate_hz: 5.0, step_secs: 0.05 };
const NO_MARGINS: Margins = Margins { before: 0, after: 0 };

fn draw(strength: f32, first_frame: i64) -> Draw {
    Draw { seed: 17, strength, first_frame }
}

fn moments(values: &[f32]) -> (f64, f64) {
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
    let spread = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>();
    (mean, (spread / values.len() as f64).sqrt())
}

/// Every family that looks at one frame at a time, at a strength, on a track that starts at a clip frame.
fn families(track: &Tensor<2>, strength: f32, first_frame: i64) -> Vec<(&'static str, Tensor<2>)> {
    let (device, channels) = (track.device(), track.dims()[1]);
    let draw = draw(strength, first_frame);
    let deviations = || moved(&normal([channels], 8, &cpu()).abs(), &device);
    let bank = moved(&normal([9, channels], 9, &cpu()), &device);
    let track = || track.clone();
    vec![
        ("white", white(track(), deviations(), draw).unwrap()),
        ("drift", ornstein_uhlenbeck(track(), deviations(), QUICK, draw).unwrap()),
        ("replacement", replacement(track(), bank.clone(), 3..=8, draw).unwrap()),
        ("replaced frames", replacement(track(), bank, 1..=1, draw).unwrap()),
        ("emotion", emotion_corruption(track(), 10, draw).unwrap()),
        ("emotion of the clip", emotion_corruption(track(), 0, draw).unwrap()),
        ("amplitude", amplitude(track(), deviations(), draw).unwrap()),
    ]
}

#[test]
fn averages_and_shifts_are_those_of_scipy_and_numpy() {
    let file = reference("perturb");
    for device in
        [Some(cpu()), gpu("perturb: averages_and_shifts_are_those_of_scipy_and_numpy")].into_iter().flatten()
    {
        let track = rows(&file["track"], &device);
        for case in file["smoothed"].as_array().unwrap() {
            let strength = numbers(&case["strength"])[0];
            let smoothed = over_smoothing(track.clone(), strength, NO_MARGINS).unwrap();
            assert_close(&values(&smoothed), &numbers(&case["values"]), 1e-5);
        }
        for case in file["shifted"].as_array().unwrap() {
            let shifted = desync(track.clone(), numbers(&case["by"])[0], NO_MARGINS).unwrap();
            assert_close(&values(&shifted), &numbers(&case["values"]), 1e-5);
        }
    }
}

#[test]
fn the_gpu_equals_the_twin() {
    let Some(gpu) = gpu("perturb: the_gpu_equals_the_twin") else { return };
    for shape in [[1, 2], [33, 5], [150, 7], [20, 64]] {
        let track = normal(shape, 1, &cpu());
        for first_frame in [0, -7, (1 << 32) - 5] {
            let on_gpu = families(&moved(&track, &gpu), 0.6, first_frame);
            for ((name, expected), (_, found)) in families(&track, 0.6, first_frame).iter().zip(&on_gpu) {
                let words_alone = name.contains("replace") || name.contains("emotion");
                let tolerance = if words_alone { 0.0 } else { 1e-5 };
                println!("{name} {shape:?} from frame {first_frame}");
                assert_close(&values(found), &values(expected), tolerance);
            }
        }
    }
}

#[test]
fn windows_are_parts_of_the_whole() {
    for device in [Some(cpu()), gpu("perturb: windows_are_parts_of_the_whole")].into_iter().flatten() {
        let track = moved(&normal([150, 6], 1, &cpu()), &device);
        let whole = families(&track, 0.5, 40);
        for (from, count) in [(0, 150), (13, 60), (149, 1)] {
            let window = families(&track.clone().narrow(0, from, count), 0.5, 40 + from as i64);
            for ((name, whole), (_, window)) in whole.iter().zip(&window) {
                println!("{name} from {from}");
                assert_eq!(values(window), values(&whole.clone().narrow(0, from, count)));
            }
        }
        let margins = Margins { before: 8, after: 8 };
        let window = |from: usize, count: usize| track.clone().narrow(0, from - 8, count + 16);
        let whole = over_smoothing(track.clone(), 1.0, NO_MARGINS).unwrap();
        let found = over_smoothing(window(30, 50), 1.0, margins).unwrap();
        assert_eq!(values(&found), values(&whole.narrow(0, 30, 50)));
        for shift in [7.5, -7.25] {
            let whole = desync(track.clone(), shift, NO_MARGINS).unwrap();
            let found = desync(window(30, 50), shift, margins).unwrap();
            assert_eq!(values(&found), values(&whole.narrow(0, 30, 50)));
        }
    }
}

#[test]
fn no_strength_changes_nothing() {
    let track = normal([50, 6], 1, &cpu());
    for (name, found) in families(&track, 0.0, 3) {
        assert_eq!(values(&found), values(&track), "{name}");
    }
    assert_eq!(values(&over_smoothing(track.clone(), 0.0, NO_MARGINS).unwrap()), values(&track));
    let still =
        mouth_leak(track.clone(), Tensor::ones([50], &cpu()), Tensor::ones([6], &cpu()), 0.0).unwrap();
    assert_eq!(values(&still), values(&track));
}

#[test]
fn white_noise_has_its_deviation_in_every_channel() {
    let device = cpu();
    let deviations = Tensor::from_floats([1.0, 0.1, 0.0, 2.0, 0.5], &device);
    let noise = white(Tensor::zeros([20_000, 5], &device), deviations.clone(), draw(0.5, 0)).unwrap();
    for (channel, deviation) in values(&deviations).into_iter().enumerate() {
        let (mean, found) = moments(&values(&noise.clone().narrow(1, channel, 1)));
        assert!(mean.abs() <= 0.02 * f64::from(deviation), "{mean}");
        assert!((found - 0.5 * f64::from(deviation)).abs() <= 0.01 * f64::from(deviation), "{found}");
    }
    let [a, b] = [0, 1].map(|channel| noise.clone().narrow(1, channel, 1));
    let together = moments(&values(&(a * b))).0;
    assert!(together.abs() < 5e-4, "channels are independent: {together}");
    let other = Draw { seed: 18, ..draw(0.5, 0) };
    let other = white(Tensor::zeros([20_000, 5], &device), deviations, other).unwrap();
    assert_ne!(values(&other)[..4], values(&noise)[..4]);
}

#[test]
fn drifts_obey_their_recurrence_and_spread() {
    let device = cpu();
    let noise = OrnsteinUhlenbeck::default();
    let track = Tensor::zeros([40_000, 4], &device);
    let drift = ornstein_uhlenbeck(track, Tensor::ones([4], &device), noise, draw(1.0, 0)).unwrap();
    let decay = 1.0 - noise.return_rate_hz * noise.step_secs;
    let innovations = drift.clone().narrow(0, 1, 39_999) - drift.clone().narrow(0, 0, 39_999) * decay;
    let innovations: Vec<f32> =
        values(&innovations).iter().map(|value| value / noise.step_secs.sqrt()).collect();
    let (mean, deviation) = moments(&innovations);
    assert!(mean.abs() < 0.01 && (deviation - 1.0).abs() < 0.01, "{mean} {deviation}");
    let neighbours: Vec<f32> = innovations.windows(5).map(|pair| pair[0] * pair[4]).collect();
    assert!(moments(&neighbours).0.abs() < 0.01);
    let stationary = f64::from(noise.step_secs.sqrt()) / (1.0 - f64::from(decay).powi(2)).sqrt();
    let (_, spread) = moments(&values(&drift));
    assert!((spread / stationary - 1.0).abs() < 0.1, "{spread}, expected {stationary}");
}

#[test]
fn replaced_frames_are_the_asked_share_and_of_the_bank() {
    let device = cpu();
    let track = Tensor::zeros([20_000, 3], &device);
    let bank = (normal([50, 1], 1, &device).abs() + 1.0).repeat_dim(1, 3);
    for (hold, share) in [(1..=1, 0.25), (3..=8, 0.25), (3..=8, 0.8), (4..=4, 1.0)] {
        let found = replacement(track.clone(), bank.clone(), hold.clone(), draw(share, 0)).unwrap();
        let found: Vec<f32> = values(&found.narrow(1, 0, 1));
        let replaced = found.iter().filter(|value| **value != 0.0).count() as f32 / 20_000.0;
        assert!((replaced - share).abs() < 0.02, "{hold:?} {share}: {replaced}");
        let known = values(&bank);
        assert!(found.iter().all(|value| *value == 0.0 || known.contains(value)));
    }
    let rare = values(&replacement(track, bank, 5..=5, draw(0.01, 0)).unwrap().narrow(1, 0, 1));
    let runs: Vec<usize> =
        rare.chunk_by(|a, b| a == b).filter(|run| run[0] != 0.0).map(<[f32]>::len).collect();
    let fives = runs.iter().filter(|length| **length == 5).count();
    assert!(runs.len() > 20 && fives * 10 > runs.len() * 8, "{runs:?}");
}

#[test]
fn corrupted_emotions_are_other_columns_of_the_same_frame() {
    let device = cpu();
    let emotion = Tensor::<2>::eye(8, &device).repeat_dim(0, 500);
    let found = emotion_corruption(emotion.clone(), 4, draw(0.3, 0)).unwrap();
    let (mut wrong, pairs) = (0, values(&emotion).into_iter().zip(values(&found)).collect::<Vec<_>>());
    for (index, segment) in pairs.chunks(8 * 4).enumerate() {
        let places = |frame: &[(f32, f32)]| {
            let before = frame.iter().position(|(before, _)| *before == 1.0).unwrap();
            let after = frame.iter().position(|(_, after)| *after == 1.0).unwrap();
            (before + 8 - after) % 8
        };
        let turned: Vec<usize> = segment.chunks(8).map(places).collect();
        assert!(turned.iter().all(|places| *places == turned[0]), "segment {index} turns as one: {turned:?}");
        wrong += usize::from(turned[0] != 0);
    }
    assert!((250..350).contains(&wrong), "{wrong} of 1000 segments");
    let clip = values(&emotion_corruption(emotion.clone(), 0, draw(1.0, 0)).unwrap());
    assert!(clip.iter().zip(values(&emotion)).all(|(found, before)| *found == 0.0 || before == 0.0));
}

#[test]
fn amplitudes_and_leaks_are_their_formulas() {
    for device in [Some(cpu()), gpu("perturb: amplitudes_and_leaks_are_their_formulas")].into_iter().flatten()
    {
        let track = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], &device);
        let shares = Tensor::from_floats([1.0, 0.0], &device);
        let gains: Vec<f32> = (0..32)
            .map(|seed| {
                let draw = Draw { seed, strength: 0.25, first_frame: 0 };
                let found = values(&amplitude(track.clone(), shares.clone(), draw).unwrap());
                assert_close(&found[1..], &[2.0, 3.0 * found[0], 4.0], 1e-6);
                found[0]
            })
            .collect();
        assert!(gains.iter().all(|gain| *gain == 0.75 || *gain == 1.25));
        assert!(gains.contains(&0.75) && gains.contains(&1.25));
        let silence = Tensor::from_floats([0.0, 1.0], &device);
        let leaked = values(&mouth_leak(track, silence, shares, 0.5).unwrap());
        assert_close(&leaked, &[1.0, 2.0, 3.15, 4.0], 1e-6);
    }
}

#[test]
fn tensors_may_be_turned_and_of_half_precision() {
    for device in
        [Some(cpu()), gpu("perturb: tensors_may_be_turned_and_of_half_precision")].into_iter().flatten()
    {
        let track = normal([40, 6], 1, &cpu());
        let turned = moved(&track.clone().transpose(), &device).transpose();
        for ((name, expected), (_, found)) in families(&track, 0.5, 3).iter().zip(families(&turned, 0.5, 3)) {
            println!("{name}");
            assert_close(&values(&found), &values(expected), 1e-5);
        }
        let shifted = desync(turned, 1.5, NO_MARGINS).unwrap();
        assert_close(&values(&shifted), &values(&desync(track.clone(), 1.5, NO_MARGINS).unwrap()), 1e-5);
        if !device.supports_dtype(DType::F16) {
            println!("SKIPPED perturb: tensors_may_be_turned_and_of_half_precision: the device has no f16");
            continue;
        }
        let half = |tensor: Tensor<2>| moved(&tensor.cast(DType::F16), &device);
        let deviations = moved(&Tensor::<1>::ones([6], &cpu()).cast(DType::F16), &device);
        let found = white(half(track.clone()), deviations, draw(0.5, 0)).unwrap();
        assert_eq!(found.dtype(), DType::F16);
        let expected = white(track.clone(), Tensor::ones([6], &cpu()), draw(0.5, 0)).unwrap();
        assert_close(&values(&found), &values(&expected), 4e-3);
        let found = over_smoothing(half(track.clone()), 0.5, NO_MARGINS).unwrap();
        assert_close(&values(&found), &values(&over_smoothing(track, 0.5, NO_MARGINS).unwrap()), 4e-3);
    }
}

fn refused(result: Result<Tensor<2>, KernelError>, argument: &str) {
    let message = result.unwrap_err().to_string();
    assert!(message.contains(&format!("`{argument}`")), "{message}");
}

#[test]
fn nothing_is_fine_and_other_shapes_are_refused() {
    for device in
        [Some(cpu()), gpu("perturb: nothing_is_fine_and_other_shapes_are_refused")].into_iter().flatten()
    {
        let line = |length: usize, device: &Device| Tensor::<1>::ones([length], device);
        for (name, found) in families(&Tensor::zeros([0, 4], &device), 0.5, 0) {
            assert_eq!(found.dims(), [0, 4], "{name}");
        }
        let none = desync(Tensor::zeros([0, 4], &device), 2.0, NO_MARGINS).unwrap();
        assert_eq!(none.dims(), [0, 4]);
        let one = desync(Tensor::ones([1, 1], &device), 2.5, NO_MARGINS).unwrap();
        assert_close(&values(&one), &[1.0], 1e-6);
        let track = || Tensor::<2>::zeros([4, 3], &device);
        refused(white(track(), line(2, &device), draw(0.5, 0)), "deviations");
        refused(white(track(), line(3, &device), draw(1.5, 0)), "strength");
        refused(ornstein_uhlenbeck(track(), line(4, &device), QUICK, draw(0.5, 0)), "deviations");
        let frozen = OrnsteinUhlenbeck { return_rate_hz: 0.0, ..QUICK };
        refused(ornstein_uhlenbeck(track(), line(3, &device), frozen, draw(0.5, 0)), "return_rate_hz");
        refused(replacement(track(), Tensor::zeros([2, 4], &device), 3..=8, draw(0.5, 0)), "bank");
        refused(replacement(track(), Tensor::zeros([2, 3], &device), 0..=8, draw(0.5, 0)), "hold_frames");
        refused(emotion_corruption(Tensor::zeros([4, 1], &device), 3, draw(0.5, 0)), "emotion");
        refused(desync(track(), f32::NAN, NO_MARGINS), "shift_frames");
        refused(desync(track(), 1.0, Margins { before: 3, after: 2 }), "margins");
        refused(over_smoothing(track(), -0.1, NO_MARGINS), "strength");
        refused(amplitude(track(), line(1, &device), draw(0.5, 0)), "shares");
        refused(mouth_leak(track(), line(3, &device), line(3, &device), 0.5), "silence");
    }
}
