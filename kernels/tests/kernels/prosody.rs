use crate::common::{assert_close, cpu, gpu, has_half, moved, normal, values};
use burn::tensor::{DType, Device, Tensor, TensorData};
use esarm_kernels::pitch::PitchSettings;
use esarm_kernels::prosody::{PROSODY_CHANNELS, Prosody, prosody};
use std::f64::consts::TAU;

const CHANNELS: usize = PROSODY_CHANNELS.len();

/// Eight harmonics of a fundamental that glides up from `hz`, swelling and fading four times a second.
/// `tests/reference/prosody.py` computes the same.
fn voice(rate_hz: u32, hz: f64, count: usize) -> Vec<f32> {
    (0..count)
        .map(|n| {
            let secs = n as f64 / f64::from(rate_hz);
            let turns = hz * secs + 20.0 * secs * secs;
            let tone: f64 = (1..=8).map(|k| (TAU * turns * f64::from(k)).sin() / f64::from(k)).sum();
            ((0.02 + 0.2 * (0.5 - 0.5 * (TAU * 4.0 * secs).cos())) * tone) as f32
        })
        .collect()
}

fn voices(rate_hz: u32, count: usize, device: &Device) -> Tensor<2> {
    let samples = [voice(rate_hz, 110.0, count), voice(rate_hz, 210.0, count)].concat();
    Tensor::from_data(TensorData::new(samples, [2, count]), device)
}

fn analysis(sample_rate_hz: u32) -> Prosody {
    Prosody::new(&PitchSettings { sample_rate_hz, ..PitchSettings::default() }).unwrap()
}

/// Compares channel by channel, each with its own tolerance.
#[track_caller]
fn assert_prosody(found: &[f32], expected: &[f32], scale: f32) {
    let tolerances = [2e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3];
    assert_eq!(found.len(), expected.len());
    for (channel, tolerance) in tolerances.into_iter().enumerate() {
        let column =
            |values: &[f32]| -> Vec<f32> { values.iter().skip(channel).step_by(CHANNELS).copied().collect() };
        assert_close(&column(found), &column(expected), tolerance * scale);
    }
}

#[test]
fn values_agree_with_librosa() {
    let reference: serde_json::Value =
        serde_json::from_str(include_str!("../reference/prosody.json")).unwrap();
    let column = |name: &str| -> Vec<f64> {
        reference[name].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let found = prosody(&voice(16_000, 140.0, 8000), &PitchSettings::default()).unwrap();
    let rows: Vec<&[f32]> = found.chunks(CHANNELS).collect();
    for (index, row) in rows.iter().enumerate() {
        let near = |found: f32, name: &str, tolerance: f64| {
            let expected = column(name)[index];
            let error = (f64::from(found) - expected).abs();
            assert!(error <= tolerance * expected.abs().max(1.0), "{name} {index}: {found}, not {expected}");
        };
        near(row[2], "energy_db", 1e-3);
        near(row[3], "centroid_hz", 1e-3);
        near(row[4], "flux", 1e-4);
        // Two ways to find the pitch agree within a hundredth where the voice is steady.
        if (5..45).contains(&index) {
            near(row[0], "f0_hz", 1e-2);
        }
    }
}

#[test]
fn clips_are_those_of_the_slice() {
    for rate_hz in [16_000, 44_100] {
        let samples = voices(rate_hz, rate_hz as usize / 2 + 17, &cpu());
        let settings = PitchSettings { sample_rate_hz: rate_hz, ..PitchSettings::default() };
        let found = analysis(rate_hz).of_clips(samples.clone()).unwrap();
        let length = samples.dims()[1];
        let expected: Vec<f32> =
            values(&samples).chunks(length).flat_map(|clip| prosody(clip, &settings).unwrap()).collect();
        assert_eq!(found.dims(), [2, expected.len() / 2 / CHANNELS, CHANNELS]);
        assert_eq!(values(&found), expected);
    }
}

#[test]
fn the_gpu_equals_the_twin() {
    let name = "prosody: the_gpu_equals_the_twin";
    let Some(gpu) = gpu(name) else { return };
    for rate_hz in [8000, 16_000, 22_050, 48_000] {
        let samples = voices(rate_hz, rate_hz as usize / 3, &cpu());
        let expected = values(&analysis(rate_hz).of_clips(samples.clone()).unwrap());
        assert_prosody(&values(&analysis(rate_hz).of_clips(moved(&samples, &gpu)).unwrap()), &expected, 1.0);
        let turned = moved(&samples.transpose(), &gpu).transpose();
        assert_prosody(&values(&analysis(rate_hz).of_clips(turned).unwrap()), &expected, 1.0);
    }
    if has_half(name, &gpu) {
        let samples = voices(16_000, 4000, &gpu).cast(DType::F16);
        let expected = values(&analysis(16_000).of_clips(samples.clone().cast(DType::F32)).unwrap());
        assert_prosody(&values(&analysis(16_000).of_clips(samples).unwrap()), &expected, 2.0);
    }
}

#[test]
fn high_rates_are_computed_too() {
    let expected = values(&analysis(192_000).of_clips(voices(192_000, 20_000, &cpu())).unwrap());
    if let Some(gpu) = gpu("prosody: high_rates_are_computed_too") {
        let found = analysis(192_000).of_clips(voices(192_000, 20_000, &gpu)).unwrap();
        assert_eq!(found.device(), gpu);
        assert_eq!(values(&found), expected);
    }
    assert!(expected.iter().all(|value| value.is_finite()));
}

#[test]
fn silence_beside_noise_is_silent() {
    let devices = [Some(cpu()), gpu("prosody: silence_beside_noise_is_silent")];
    for device in devices.into_iter().flatten() {
        let noise = normal([1, 3000], 4, &device).mul_scalar(0.3);
        let samples = Tensor::cat(vec![noise, Tensor::zeros([1, 3000], &device)], 1);
        let rows = values(&analysis(16_000).of_clips(samples).unwrap());
        for row in rows.chunks(CHANNELS).skip(22) {
            assert_eq!(row[..5], [0.0, row[1], -100.0, 0.0, 0.0]);
        }
    }
}

#[test]
fn windows_give_the_values_of_the_whole() {
    let devices = [Some(cpu()), gpu("prosody: windows_give_the_values_of_the_whole")];
    for device in devices.into_iter().flatten() {
        let samples = voices(8000, 48_000, &device);
        let whole = analysis(8000).of_clips(samples.clone()).unwrap();
        let (from, to) = (4000, 44_000);
        let part =
            analysis(8000).of_windows(samples.narrow(1, from, to - from), from as i64, 290..310).unwrap();
        assert_eq!(values(&part), values(&whole.narrow(1, 290, 20)));
    }
}

#[test]
fn nothing_and_one_sample_work() {
    let devices = [Some(cpu()), gpu("prosody: nothing_and_one_sample_work")];
    for device in devices.into_iter().flatten() {
        let of = |shape: [usize; 2]| analysis(16_000).of_clips(Tensor::zeros(shape, &device)).unwrap();
        assert_eq!(of([2, 0]).dims(), [2, 0, CHANNELS]);
        assert_eq!(of([0, 200]).dims(), [0, 2, CHANNELS]);
        assert_eq!(values(&of([1, 1])), [0.0, 0.0, -100.0, 0.0, 0.0, 0.0]);
    }
}
