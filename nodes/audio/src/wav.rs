//! WAV: where the samples lie in the file, and reading them block by block.
//!
//! The chunks are walked here, so that any order of chunks, RF64, files over 4 GiB, headers of live streams and
//! truncated files are understood and reported; Hound turns the bytes of each block into samples. Nothing is
//! allocated by what a header claims.

use crate::AudioError;
use crate::source::Source;
use hound::{SampleFormat, WavReader};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use symphonia::core::io::MediaSource;

const FORMAT: &str = "WAV";
/// Bytes decoded at a stretch.
const BLOCK_BYTES: u64 = 1 << 18;
/// Data lengths from here on mean "until the file ends" when the file is shorter: programs that write to a pipe
/// cannot know the length.
const STREAM_LENGTH: u64 = 0x7FFF_0000;

/// Whether the bytes begin like a WAV file.
pub(crate) fn is_wav(start: &[u8]) -> bool {
    start.len() >= 12 && matches!(&start[..4], b"RIFF" | b"RF64" | b"BW64") && &start[8..12] == b"WAVE"
}

/// A WAV file that is being read.
pub(crate) struct WavSource<'s> {
    reader: Box<dyn MediaSource + 's>,
    layout: Layout,
    next_byte: u64,
}

/// How samples are stored and where.
#[derive(Clone, Debug)]
struct Layout {
    format: SampleFormat,
    bits: u16,
    channels: u16,
    rate_hz: u32,
    data: Range<u64>,
}

/// The content of the `fmt ` chunk.
#[derive(Clone, Copy)]
struct Format {
    tag: u16,
    channels: u16,
    rate_hz: u32,
    frame_bytes: u16,
}

/// Where the `data` chunk lies and how long it claims to be.
#[derive(Clone, Copy)]
struct Data {
    start: u64,
    length: u64,
}

impl<'s> WavSource<'s> {
    /// Reads the header. A file that ends early is refused unless `lenient`.
    pub(crate) fn open(
        mut reader: Box<dyn MediaSource + 's>,
        file_length: u64,
        lenient: bool,
    ) -> Result<Self, AudioError> {
        let layout = read_layout(&mut *reader, file_length, lenient)?;
        let next_byte = layout.data.start;
        Ok(Self { reader, layout, next_byte })
    }

    fn frame_bytes(&self) -> u64 {
        u64::from(self.layout.channels) * u64::from(self.layout.bits / 8)
    }
}

impl Source for WavSource<'_> {
    fn rate_hz(&self) -> u32 {
        self.layout.rate_hz
    }

    fn channels(&self) -> usize {
        usize::from(self.layout.channels)
    }

    fn frames(&self) -> Option<u64> {
        Some((self.layout.data.end - self.layout.data.start) / self.frame_bytes())
    }

    fn skip(&mut self, frames: u64) -> Result<u64, AudioError> {
        let left = (self.layout.data.end - self.next_byte) / self.frame_bytes();
        let skipped = frames.min(left);
        self.next_byte += skipped * self.frame_bytes();
        Ok(skipped)
    }

    fn read(&mut self, block: &mut Vec<f32>) -> Result<bool, AudioError> {
        let frame_bytes = self.frame_bytes();
        let left = (self.layout.data.end - self.next_byte) / frame_bytes;
        let frames = left.min((BLOCK_BYTES / frame_bytes).max(1));
        let mut bytes = vec![0; (frames * frame_bytes) as usize];
        self.reader.seek(SeekFrom::Start(self.next_byte))?;
        self.reader.read_exact(&mut bytes)?;
        self.next_byte += bytes.len() as u64;
        decode(&self.layout, &bytes, block)?;
        Ok(frames > 0)
    }
}

/// Decodes whole frames by handing Hound a small WAV file that holds just them.
fn decode(layout: &Layout, bytes: &[u8], block: &mut Vec<f32>) -> Result<(), AudioError> {
    block.clear();
    if (layout.format, layout.bits) == (SampleFormat::Float, 64) {
        decode_doubles(bytes, block);
        return Ok(());
    }
    let header = header_for(layout, bytes.len() as u32);
    let mut reader = WavReader::new(header.chain(bytes)).map_err(|error| broken(error.to_string()))?;
    let scale = 1.0 / (1_u64 << (layout.bits - 1)) as f32;
    let fill = match layout.format {
        SampleFormat::Float => {
            reader.samples::<f32>().try_for_each(|sample| sample.map(|sample| block.push(sample)))
        }
        SampleFormat::Int => reader
            .samples::<i32>()
            .try_for_each(|sample| sample.map(|sample| block.push(sample as f32 * scale))),
    };
    fill.map_err(|error| broken(error.to_string()))
}

/// Decodes 64-bit floats, which Hound does not read.
fn decode_doubles(bytes: &[u8], block: &mut Vec<f32>) {
    let double = |eight: &[u8]| f64::from_le_bytes(std::array::from_fn(|index| eight[index]));
    block.extend(bytes.chunks_exact(8).map(|eight| double(eight) as f32));
}

/// The header of a WAV file with `length` bytes of samples.
fn header_for(layout: &Layout, length: u32) -> impl Read {
    let frame_bytes = layout.channels * (layout.bits / 8);
    let tag: u16 = if layout.format == SampleFormat::Float { 3 } else { 1 };
    let mut header = Vec::with_capacity(44);
    header.extend(b"RIFF");
    header.extend((length.saturating_add(36)).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    header.extend(tag.to_le_bytes());
    header.extend(layout.channels.to_le_bytes());
    header.extend(layout.rate_hz.to_le_bytes());
    header.extend((layout.rate_hz.wrapping_mul(u32::from(frame_bytes))).to_le_bytes());
    header.extend(frame_bytes.to_le_bytes());
    header.extend(layout.bits.to_le_bytes());
    header.extend(b"data");
    header.extend(length.to_le_bytes());
    std::io::Cursor::new(header)
}

fn broken(what: impl Into<String>) -> AudioError {
    AudioError::Header { format: FORMAT, what: what.into() }
}

fn read_layout(reader: &mut dyn MediaSource, file_length: u64, lenient: bool) -> Result<Layout, AudioError> {
    let (format, data) = find_chunks(reader, file_length)?;
    let (sample_format, bits) = sample_format(format)?;
    let available = file_length.saturating_sub(data.start);
    if data.length > available && data.length < STREAM_LENGTH && !lenient {
        let bytes_a_sec = f64::from(format.frame_bytes) * f64::from(format.rate_hz.max(1));
        return Err(AudioError::Truncated {
            found_secs: available as f64 / bytes_a_sec,
            promised: format!("its header promises {:.3} s", data.length as f64 / bytes_a_sec),
        });
    }
    let data = data.start..data.start + data.length.min(available);
    Ok(Layout { format: sample_format, bits, channels: format.channels, rate_hz: format.rate_hz, data })
}

/// Walks the chunks until the format and the samples are found, in either order.
fn find_chunks(reader: &mut dyn MediaSource, file_length: u64) -> Result<(Format, Data), AudioError> {
    let (mut format, mut data, mut long_length) = (None, None, None);
    let mut riff = [0; 12];
    reader.seek(SeekFrom::Start(0))?;
    reader.read_exact(&mut riff)?;
    let is_stream = riff[4..8] == [0; 4];
    let mut position = 12;
    while position + 8 <= file_length && (format.is_none() || data.is_none()) {
        let mut header = [0; 8];
        reader.seek(SeekFrom::Start(position))?;
        reader.read_exact(&mut header)?;
        let length = u64::from(u32::from_le_bytes([header[4], header[5], header[6], header[7]]));
        position += 8;
        match &header[..4] {
            b"fmt " => format = Some(read_format(reader, length)?),
            b"ds64" => long_length = Some(read_long_length(reader)?),
            b"data" => {
                let length = match long_length {
                    Some(long) if length == u64::from(u32::MAX) => long,
                    _ if length == 0 && is_stream => u64::MAX,
                    _ => length,
                };
                data = Some(Data { start: position, length });
            }
            _ => {}
        }
        position = position.saturating_add(length).saturating_add(length % 2);
    }
    let format = format.ok_or_else(|| broken("the chunk \"fmt \" is missing"))?;
    Ok((format, data.ok_or_else(|| broken("the chunk \"data\" is missing"))?))
}

fn read_format(reader: &mut dyn MediaSource, length: u64) -> Result<Format, AudioError> {
    let mut bytes = Vec::with_capacity(40);
    reader.take(length.min(40)).read_to_end(&mut bytes)?;
    if bytes.len() < 16 {
        return Err(broken(format!("the chunk \"fmt \" has {} bytes, but needs 16", bytes.len())));
    }
    let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    const EXTENSIBLE: u16 = 0xFFFE;
    // An extensible format names its coding in the first two bytes of a GUID.
    let tag = if half(0) == EXTENSIBLE && bytes.len() >= 26 { half(24) } else { half(0) };
    let rate_hz = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    Ok(Format { tag, channels: half(2), rate_hz, frame_bytes: half(12) })
}

/// The 64-bit length of the samples in an RF64 file.
fn read_long_length(reader: &mut dyn MediaSource) -> Result<u64, AudioError> {
    let mut bytes = [0; 16];
    reader.read_exact(&mut bytes).map_err(|_| broken("the chunk \"ds64\" is cut off"))?;
    let [.., a, b, c, d, e, f, g, h] = bytes;
    Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

/// The coding of a sample, by the width of its container: narrower samples fill its upper bits.
fn sample_format(format: Format) -> Result<(SampleFormat, u16), AudioError> {
    if format.channels == 0 {
        return Err(broken("it has 0 channels"));
    }
    let sample_bytes = format.frame_bytes / format.channels;
    if !format.frame_bytes.is_multiple_of(format.channels) || !(1..=8).contains(&sample_bytes) {
        let what =
            format!("a frame of {} bytes does not hold {} channels", format.frame_bytes, format.channels);
        return Err(broken(what));
    }
    let bits = sample_bytes * 8;
    let unsupported = |feature: String| Err(AudioError::Unsupported { format: FORMAT, feature });
    match (format.tag, bits) {
        (1, 8 | 16 | 24 | 32) => Ok((SampleFormat::Int, bits)),
        (3, 32 | 64) => Ok((SampleFormat::Float, bits)),
        (1, bits) => unsupported(format!("{bits}-bit integer samples")),
        (3, bits) => unsupported(format!("{bits}-bit float samples")),
        (2 | 0x11, _) => unsupported("ADPCM compression".to_owned()),
        (6, _) => unsupported("A-law compression".to_owned()),
        (7, _) => unsupported("mu-law compression".to_owned()),
        (0x50 | 0x55, _) => unsupported("MPEG audio inside".to_owned()),
        (tag, _) => unsupported(format!("the coding {tag:#06x}")),
    }
}
