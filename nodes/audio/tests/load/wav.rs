//! WAV in every coding, rate, number of channels and order of chunks.

use crate::wav_bytes::{Coding, chunk, fmt, riff, tone, wav};
use esarm_audio::{Channel, LoadOptions, load_bytes};

fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance, "off by {worst}");
}

#[test]
fn every_coding_and_rate_comes_back() {
    for coding in Coding::ALL {
        for rate_hz in [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000] {
            let samples = tone(rate_hz, 1001);
            let audio = load_bytes(&wav(coding, 1, rate_hz, &samples), &LoadOptions::default()).unwrap();
            assert_eq!((audio.sample_rate_hz, audio.start_sample), (rate_hz, 0));
            assert_close(&audio.samples, &samples, coding.tolerance());
        }
    }
}

#[test]
fn hound_writes_what_is_read() {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    (0..2000).for_each(|n| writer.write_sample(n * 1000 * if n % 2 == 0 { 1 } else { -1 }).unwrap());
    writer.finalize().unwrap();
    let left = LoadOptions { channel: Channel::Left, ..LoadOptions::default() };
    let audio = load_bytes(bytes.get_ref(), &left).unwrap();
    let expected: Vec<f32> = (0..2000).step_by(2).map(|n| n as f32 * 1000.0 / 8_388_608.0).collect();
    assert_close(&audio.samples, &expected, 1e-7);
}

#[test]
fn channels_are_mixed_or_chosen() {
    let frames: Vec<f32> =
        tone(16_000, 500).iter().flat_map(|sample| [*sample, -0.5 * sample, 0.0]).collect();
    let bytes = wav(Coding::F32, 3, 16_000, &frames);
    let load =
        |channel| load_bytes(&bytes, &LoadOptions { channel, ..LoadOptions::default() }).unwrap().samples;
    let scaled = |scale: f32| tone(16_000, 500).iter().map(|sample| sample * scale).collect::<Vec<f32>>();
    assert_close(&load(Channel::Left), &scaled(1.0), 0.0);
    assert_close(&load(Channel::Right), &scaled(-0.5), 0.0);
    assert_close(&load(Channel::Mix), &scaled(1.0 / 6.0), 1e-6);
    let mono = wav(Coding::F32, 1, 16_000, &frames);
    let right = LoadOptions { channel: Channel::Right, ..LoadOptions::default() };
    assert_eq!(load_bytes(&mono, &right).unwrap().samples, frames);
}

#[test]
fn chunks_come_in_any_order() {
    let samples = tone(16_000, 333);
    let format = chunk(b"fmt ", &fmt(1, 1, 16_000, 2));
    let data = chunk(b"data", &Coding::I16.encode(&samples));
    let list = chunk(b"LIST", b"INFOodd");
    let orders = [
        vec![list.clone(), format.clone(), list.clone(), data.clone(), list.clone()],
        vec![data.clone(), format.clone()],
        vec![chunk(b"fact", &[0; 4]), format.clone(), data.clone()],
    ];
    for order in orders {
        let audio = load_bytes(&riff(&order), &LoadOptions::default()).unwrap();
        assert_close(&audio.samples, &samples, Coding::I16.tolerance());
    }
}

#[test]
fn extensible_formats_are_read_by_their_container() {
    const GUID_END: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
    let samples = tone(48_000, 400);
    for (coding, valid_bits) in
        [(Coding::I16, 16), (Coding::I24, 20), (Coding::I32, 24), (Coding::F32, 32_u16)]
    {
        let mut format = fmt(0xFFFE, 1, 48_000, coding.bytes());
        format.extend(22_u16.to_le_bytes());
        format.extend(valid_bits.to_le_bytes());
        format.extend(4_u32.to_le_bytes());
        format.extend(coding.tag().to_le_bytes());
        format.extend(GUID_END);
        let bytes = riff(&[chunk(b"fmt ", &format), chunk(b"data", &coding.encode(&samples))]);
        let audio = load_bytes(&bytes, &LoadOptions::default()).unwrap();
        assert_close(&audio.samples, &samples, coding.tolerance());
    }
}

#[test]
fn streams_of_unknown_length_end_with_the_file() {
    let samples = tone(16_000, 600);
    let bytes = wav(Coding::I16, 1, 16_000, &samples);
    for (riff_length, data_length) in [(u32::MAX, u32::MAX), (0x7FFF_FFFF, 0x7FFF_FFDB), (0, 0)] {
        let mut bytes = bytes.clone();
        bytes[4..8].copy_from_slice(&riff_length.to_le_bytes());
        bytes[40..44].copy_from_slice(&data_length.to_le_bytes());
        let audio = load_bytes(&bytes, &LoadOptions::default()).unwrap();
        assert_close(&audio.samples, &samples, Coding::I16.tolerance());
    }
}

#[test]
fn rf64_has_its_length_in_a_chunk_of_its_own() {
    let samples = tone(16_000, 600);
    let data = Coding::I16.encode(&samples);
    let mut long = [0_u64, data.len() as u64, 600].map(u64::to_le_bytes).concat();
    long.extend([0; 4]);
    let mut chunks = [chunk(b"ds64", &long), chunk(b"fmt ", &fmt(1, 1, 16_000, 2)), chunk(b"data", &data)];
    chunks[2][4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut bytes = riff(&chunks);
    bytes[..4].copy_from_slice(b"RF64");
    bytes.extend(chunk(b"LIST", b"INFO"));
    let audio = load_bytes(&bytes, &LoadOptions::default()).unwrap();
    assert_close(&audio.samples, &samples, Coding::I16.tolerance());
}
