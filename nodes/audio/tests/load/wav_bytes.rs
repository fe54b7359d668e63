//! WAV files made for tests, byte by byte.

/// How samples are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Coding {
    U8,
    I16,
    I24,
    I32,
    F32,
    F64,
}

impl Coding {
    pub(crate) const ALL: [Self; 6] = [Self::U8, Self::I16, Self::I24, Self::I32, Self::F32, Self::F64];

    pub(crate) fn bytes(self) -> u16 {
        match self {
            Self::U8 => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    pub(crate) fn tag(self) -> u16 {
        if matches!(self, Self::F32 | Self::F64) { 3 } else { 1 }
    }

    /// Half a step of the coding: the largest error of rounding to it.
    pub(crate) fn tolerance(self) -> f32 {
        match self {
            Self::U8 => 0.6 / 128.0,
            Self::I16 => 0.6 / 32_768.0,
            Self::I24 | Self::I32 | Self::F32 | Self::F64 => 1e-7,
        }
    }

    pub(crate) fn encode(self, samples: &[f32]) -> Vec<u8> {
        let scaled = |sample: f32, scale: f64| (f64::from(sample) * scale).round();
        let one = |sample: &f32| match self {
            Self::U8 => vec![(scaled(*sample, 128.0) + 128.0) as u8],
            Self::I16 => (scaled(*sample, 32_768.0) as i16).to_le_bytes().to_vec(),
            Self::I24 => (scaled(*sample, 8_388_608.0) as i32).to_le_bytes()[..3].to_vec(),
            Self::I32 => (scaled(*sample, 2_147_483_648.0) as i32).to_le_bytes().to_vec(),
            Self::F32 => sample.to_le_bytes().to_vec(),
            Self::F64 => f64::from(*sample).to_le_bytes().to_vec(),
        };
        samples.iter().flat_map(one).collect()
    }
}

pub(crate) fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = name.to_vec();
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
    bytes.resize(bytes.len() + content.len() % 2, 0);
    bytes
}

pub(crate) fn fmt(tag: u16, channels: u16, rate_hz: u32, sample_bytes: u16) -> Vec<u8> {
    let frame_bytes = channels * sample_bytes;
    let mut bytes = tag.to_le_bytes().to_vec();
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate_hz.to_le_bytes());
    bytes.extend((rate_hz.wrapping_mul(u32::from(frame_bytes))).to_le_bytes());
    bytes.extend(frame_bytes.to_le_bytes());
    bytes.extend(sample_bytes.wrapping_mul(8).to_le_bytes());
    bytes
}

pub(crate) fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut content = b"WAVE".to_vec();
    content.extend(chunks.concat());
    chunk(b"RIFF", &content)
}

/// A plain WAV file of interleaved samples.
pub(crate) fn wav(coding: Coding, channels: u16, rate_hz: u32, samples: &[f32]) -> Vec<u8> {
    let format = fmt(coding.tag(), channels, rate_hz, coding.bytes());
    riff(&[chunk(b"fmt ", &format), chunk(b"data", &coding.encode(samples))])
}

/// A soft tone of 200 Hz.
pub(crate) fn tone(rate_hz: u32, count: usize) -> Vec<f32> {
    let angle = |n: usize| std::f64::consts::TAU * 200.0 * n as f64 / f64::from(rate_hz);
    (0..count).map(|n| (0.6 * angle(n).sin()) as f32).collect()
}
