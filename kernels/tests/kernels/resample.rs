use crate::common::{assert_close, cpu, gpu, has_half, moved, normal, values};
use burn::tensor::{DType, Device, Tensor};
use esarm_kernels::resample::{ResampleSettings, Resampler, resample};
use std::f64::consts::TAU;

/// Up, down, with many steps, with mixed rows, and equal.
const RATES: [(u32, u32); 6] =
    [(48_000, 16_000), (16_000, 48_000), (44_100, 16_000), (22_050, 48_000), (12_345, 16_000), (8000, 8000)];

fn sine(rate_hz: u32, hz: f64, count: usize) -> Vec<f32> {
    (0..count).map(|n| (0.5 * (TAU * hz * n as f64 / f64::from(rate_hz)).sin()) as f32).collect()
}

fn clips(count: usize, device: &Device) -> Tensor<2> {
    normal([2, count], 31, device).mul_scalar(0.2)
}

fn between((input_hz, output_hz): (u32, u32)) -> Resampler {
    Resampler::new(&ResampleSettings::between(input_hz, output_hz)).unwrap()
}

#[test]
fn values_agree_with_scipy() {
    let reference: serde_json::Value =
        serde_json::from_str(include_str!("../reference/resample.json")).unwrap();
    let numbers = |value: &serde_json::Value| -> Vec<f32> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
    };
    let signal = numbers(&reference["signal"]);
    for case in reference["cases"].as_array().unwrap() {
        let settings = ResampleSettings {
            input_hz: case["down"].as_u64().unwrap() as u32,
            output_hz: case["up"].as_u64().unwrap() as u32,
            zero_crossings: 10,
            passband: 1.0,
            kaiser_beta: 5.0,
        };
        assert_close(&resample(&signal, &settings).unwrap(), &numbers(&case["values"]), 2e-6);
    }
}

#[test]
fn sines_keep_their_time_and_level() {
    for (from, to) in RATES.into_iter().chain([(8000, 192_000), (192_000, 8000), (48_000, 44_100)]) {
        let output =
            resample(&sine(from, 440.0, from as usize / 5), &ResampleSettings::between(from, to)).unwrap();
        assert_eq!(output.len(), (to as usize * (from as usize / 5)).div_ceil(from as usize));
        let expected = sine(to, 440.0, output.len());
        let margin = output.len() / 10;
        let inner = margin..output.len() - margin;
        assert_close(&output[inner.clone()], &expected[inner], 1e-4);
    }
}

#[test]
fn what_the_lower_rate_cannot_hold_is_gone() {
    let output = resample(&sine(48_000, 8200.0, 24_000), &ResampleSettings::between(48_000, 16_000)).unwrap();
    let loudest = output[400..7600].iter().fold(0.0, |loudest: f32, sample| loudest.max(sample.abs()));
    assert!(loudest < 5e-5, "{loudest}");
    let passed = resample(&sine(48_000, 6600.0, 24_000), &ResampleSettings::between(48_000, 16_000)).unwrap();
    assert_close(&passed[400..7600], &sine(16_000, 6600.0, 8000)[400..7600], 1e-4);
}

#[test]
fn a_ratio_of_huge_numbers_is_near_that_of_small_ones() {
    let samples = values(&clips(3000, &cpu()));
    let exact = resample(&samples, &ResampleSettings::between(48_000, 44_100)).unwrap();
    let near = resample(&samples, &ResampleSettings::between(4_000_000_019, 3_675_000_017)).unwrap();
    assert_close(&near, &exact, 1e-4);
}

#[test]
fn the_gpu_equals_the_twin() {
    let name = "resample: the_gpu_equals_the_twin";
    let Some(gpu) = gpu(name) else { return };
    for rates in RATES {
        let resampler = between(rates);
        let samples = clips(901, &cpu());
        let expected = values(&resampler.of_clips(samples.clone()));
        assert_close(&values(&resampler.of_clips(moved(&samples, &gpu))), &expected, 2e-6);
        let turned = moved(&samples.transpose(), &gpu).transpose();
        assert_close(&values(&resampler.of_clips(turned)), &expected, 2e-6);
    }
    if has_half(name, &gpu) {
        let resampler = between(RATES[2]);
        let samples = clips(901, &gpu).cast(DType::F16);
        let expected = values(&resampler.of_clips(samples.clone().cast(DType::F32)));
        assert_close(&values(&resampler.of_clips(samples)), &expected, 1e-3);
    }
}

#[test]
fn windows_give_the_values_of_the_whole() {
    let devices = [Some(cpu()), gpu("resample: windows_give_the_values_of_the_whole")];
    for (device, rates) in
        devices.into_iter().flatten().flat_map(|device| RATES.map(|rates| (device.clone(), rates)))
    {
        let resampler = between(rates);
        let samples = clips(2000, &device);
        let whole = resampler.of_clips(samples.clone());
        let (from, to) = (700, 1300);
        let outputs = i64::from(rates.1) * 1000 / i64::from(rates.0);
        let reach = resampler.reach();
        assert!(reach < 300, "{reach}");
        let part = samples.narrow(1, from, to - from);
        let found = resampler.of_windows(part, from as i64, outputs..outputs + 5);
        assert_eq!(values(&found), values(&whole.narrow(1, outputs as usize, 5)), "{rates:?}");
    }
}

#[test]
fn equal_rates_pass_samples_through_and_nothing_stays_nothing() {
    let devices = [Some(cpu()), gpu("resample: equal_rates_pass_samples_through_and_nothing_stays_nothing")];
    for device in devices.into_iter().flatten() {
        let samples = clips(50, &device);
        assert_eq!(values(&between((8000, 8000)).of_clips(samples.clone())), values(&samples));
        let double = between((8000, 16_000));
        assert_eq!(double.of_clips(Tensor::zeros([2, 0], &device)).dims(), [2, 0]);
        assert_eq!(double.of_clips(Tensor::zeros([0, 3], &device)).dims(), [0, 6]);
        assert_eq!(double.of_clips(Tensor::ones([1, 1], &device)).dims(), [1, 2]);
        assert_eq!(values(&double.of_windows(samples, 0, 900..902)), [0.0; 4]);
    }
}

#[test]
fn bad_settings_are_named() {
    let good = ResampleSettings::between(48_000, 16_000);
    let fails = |settings: ResampleSettings, name: &str| {
        let message = resample(&[0.0; 3], &settings).unwrap_err().to_string();
        assert!(message.contains(name), "{message}");
    };
    fails(ResampleSettings { input_hz: 0, ..good.clone() }, "`input_hz`");
    fails(ResampleSettings { output_hz: 0, ..good.clone() }, "`output_hz`");
    fails(ResampleSettings { output_hz: 1, ..good.clone() }, "`output_hz`");
    fails(ResampleSettings { zero_crossings: 0, ..good.clone() }, "`zero_crossings`");
    fails(ResampleSettings { passband: f64::NAN, ..good.clone() }, "`passband`");
    fails(ResampleSettings { kaiser_beta: -1.0, ..good.clone() }, "`kaiser_beta`");
    assert!(resample(&[f32::NAN], &good).unwrap_err().to_string().contains("index 0"));
}
