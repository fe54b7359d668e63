//! The values of the twin are compared with librosa's beside its code.

use crate::common::{assert_close, cpu, gpu, has_half, moved, normal, values};
use burn::tensor::{DType, Device, Tensor};
use esarm_kernels::KernelError;
use esarm_kernels::log_mel::{LogMel, LogMelSettings, LogMelStream, log_mel};

/// Transforms of an even and an odd power of two, with windows that fill them and that do not.
fn all_settings() -> Vec<LogMelSettings> {
    let base = LogMelSettings::default();
    vec![
        base.clone(),
        LogMelSettings { fft_size: 1024, mel_count: 33, hop_secs: 0.0123, ..base.clone() },
        LogMelSettings { fft_size: 256, window_secs: 0.016, mel_count: 1, low_hz: 100.0, ..base.clone() },
        LogMelSettings { fft_size: 4096, window_secs: 0.2, mel_count: 128, ..base.clone() },
        LogMelSettings { fft_size: 16, window_secs: 0.0007, mel_count: 3, ..base },
    ]
}

fn clips(shape: [usize; 2], device: &Device) -> Tensor<2> {
    normal(shape, 21, device).mul_scalar(0.1)
}

#[test]
fn clips_are_those_of_the_slice() {
    for settings in all_settings() {
        let samples = clips([3, 3001], &cpu());
        let found = LogMel::new(&settings).unwrap().of_clips(samples.clone());
        assert_eq!(found.dims(), [3, settings.frame_count(3001), settings.mel_count]);
        let expected: Vec<f32> =
            values(&samples).chunks(3001).flat_map(|clip| log_mel(clip, &settings).unwrap()).collect();
        assert_eq!(values(&found), expected);
        let turned = LogMel::new(&settings).unwrap().of_clips(samples.transpose().clone().transpose());
        assert_eq!(values(&turned), expected);
    }
}

#[test]
fn the_gpu_equals_the_twin() {
    let name = "log_mel: the_gpu_equals_the_twin";
    let Some(gpu) = gpu(name) else { return };
    for settings in all_settings() {
        let transform = LogMel::new(&settings).unwrap();
        let samples = clips([2, 1777], &cpu());
        let expected = values(&transform.of_clips(samples.clone()));
        assert_close(&values(&transform.of_clips(moved(&samples, &gpu))), &expected, 2e-4);
        let turned = moved(&samples.transpose(), &gpu).transpose();
        assert_close(&values(&transform.of_clips(turned)), &expected, 2e-4);
    }
    if has_half(name, &gpu) {
        let transform = LogMel::new(&LogMelSettings::default()).unwrap();
        let samples = clips([2, 1777], &gpu).cast(DType::F16);
        let expected = values(&transform.of_clips(samples.clone().cast(DType::F32)));
        let found = transform.of_clips(samples);
        assert_eq!(found.dtype(), DType::F16);
        assert_close(&values(&found), &expected, 1e-3);
    }
}

#[test]
fn other_sizes_come_back_to_their_device() {
    let settings = LogMelSettings { fft_size: 500, mel_count: 20, ..LogMelSettings::default() };
    let transform = LogMel::new(&settings).unwrap();
    let expected = values(&transform.of_clips(clips([1, 999], &cpu())));
    let devices = [Some(cpu()), gpu("log_mel: other_sizes_come_back_to_their_device")];
    for device in devices.into_iter().flatten() {
        let found = transform.of_clips(clips([1, 999], &device));
        assert_eq!(found.device(), device);
        assert_eq!(values(&found), expected);
    }
}

#[test]
fn windows_give_the_values_of_the_whole() {
    let settings = LogMelSettings { hop_secs: 0.0107, ..LogMelSettings::default() };
    let transform = LogMel::new(&settings).unwrap();
    let devices = [Some(cpu()), gpu("log_mel: windows_give_the_values_of_the_whole")];
    for device in devices.into_iter().flatten() {
        let samples = clips([2, 4000], &device);
        let whole = transform.of_clips(samples.clone());
        let (first, last) = (5, 16);
        let from = (settings.centre_of(first) - 200) as usize;
        let to = (settings.centre_of(last - 1) + 200) as usize;
        let part = transform.of_windows(samples.narrow(1, from, to - from), from as i64, first..last);
        assert_eq!(values(&part), values(&whole.narrow(1, first as usize, (last - first) as usize)));
    }
}

#[test]
fn pieces_give_the_values_of_the_whole() {
    let devices = [Some(cpu()), gpu("log_mel: pieces_give_the_values_of_the_whole")];
    for device in devices.into_iter().flatten() {
        // Also frames further apart than their windows are long.
        for hop_secs in [0.01, 0.04] {
            let settings = LogMelSettings { hop_secs, ..LogMelSettings::default() };
            let samples = clips([2, 2345], &device);
            let whole = LogMel::new(&settings).unwrap().of_clips(samples.clone());
            let mut stream = LogMelStream::new(&settings).unwrap();
            let mut found = Vec::new();
            let mut from = 0;
            for length in [1, 7, 500, 0, 160, 1000, 677] {
                let piece = match length {
                    0 => Tensor::zeros([2, 0], &device),
                    length => samples.clone().narrow(1, from, length),
                };
                found.push(stream.push(piece).unwrap());
                from += length;
            }
            assert_eq!(from, 2345);
            let late = 500 / settings.centre_of(1) as usize;
            assert!(found[2].dims()[1] >= late.saturating_sub(1), "frames come as soon as they can");
            found.extend(stream.finish());
            found.retain(|frames| frames.dims()[1] > 0);
            assert_eq!(values(&Tensor::cat(found, 1)), values(&whole));
        }
    }
}

#[test]
fn nothing_and_one_sample_work() {
    let transform = LogMel::new(&LogMelSettings::default()).unwrap();
    let devices = [Some(cpu()), gpu("log_mel: nothing_and_one_sample_work")];
    for device in devices.into_iter().flatten() {
        assert_eq!(transform.of_clips(Tensor::zeros([2, 0], &device)).dims(), [2, 0, 80]);
        assert_eq!(transform.of_clips(Tensor::zeros([0, 400], &device)).dims(), [0, 3, 80]);
        let one = transform.of_clips(Tensor::zeros([1, 1], &device));
        assert_close(&values(&one), &[1e-10_f32.ln(); 80], 1e-6);
        let silence = transform.of_windows(Tensor::zeros([1, 0], &device), 0, -1..1);
        assert_close(&values(&silence), &[1e-10_f32.ln(); 160], 1e-6);
    }
    assert!(LogMelStream::new(&LogMelSettings::default()).unwrap().finish().is_none());
}

#[test]
fn another_number_of_clips_is_refused() {
    let mut stream = LogMelStream::new(&LogMelSettings::default()).unwrap();
    stream.push(Tensor::zeros([2, 100], &cpu())).unwrap();
    let refused = stream.push(Tensor::zeros([3, 100], &cpu())).unwrap_err();
    assert!(matches!(refused, KernelError::Shape { argument: "samples", .. }), "{refused}");
    assert!(refused.to_string().contains("[3, 100]") && refused.to_string().contains("[2, samples]"));
    assert_eq!(stream.push(Tensor::zeros([2, 100], &cpu())).unwrap().dims()[0], 2);
}
