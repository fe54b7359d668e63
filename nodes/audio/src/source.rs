//! Sources of sound: what the readers of formats have in common.

use crate::AudioError;
use crate::compressed::CompressedSource;
use crate::wav::{WavSource, is_wav};
use std::io::{Read, Seek, SeekFrom};
use symphonia::core::io::MediaSource;

/// A clip that is being decoded from its start to its end.
pub(crate) trait Source {
    /// Samples per second and channel.
    fn rate_hz(&self) -> u32;

    /// Number of channels, at least 1.
    fn channels(&self) -> usize;

    /// Number of frames (samples of each channel), where the file says so.
    fn frames(&self) -> Option<u64>;

    /// Number of frames that will be read, where that is certain.
    fn exact_frames(&self) -> Option<u64> {
        self.frames()
    }

    /// Skips up to `frames` frames and gives how many.
    fn skip(&mut self, frames: u64) -> Result<u64, AudioError>;

    /// Replaces the content of `block` by the next frames, interleaved. False at the end.
    fn read(&mut self, block: &mut Vec<f32>) -> Result<bool, AudioError>;
}

/// Opens a clip by its content. A damaged or truncated one is refused unless `lenient`.
pub(crate) fn open<'s>(
    mut reader: Box<dyn MediaSource + 's>,
    lenient: bool,
) -> Result<Box<dyn Source + 's>, AudioError> {
    let length = reader.seek(SeekFrom::End(0))?;
    reader.seek(SeekFrom::Start(0))?;
    let mut start = Vec::with_capacity(64);
    reader.by_ref().take(64).read_to_end(&mut start)?;
    reader.seek(SeekFrom::Start(0))?;
    match Kind::of(&start) {
        _ if length == 0 => Err(AudioError::Empty),
        Kind::Wav => Ok(Box::new(WavSource::open(reader, length, lenient)?)),
        Kind::Compressed(format) => Ok(Box::new(CompressedSource::open(reader, format, lenient)?)),
        Kind::Other(found) => Err(AudioError::NotAudio { found: found.to_owned() }),
    }
}

/// What a file is, by its first bytes.
#[derive(Debug, PartialEq)]
enum Kind {
    Wav,
    /// Read by Symphonia; with the name of the format.
    Compressed(&'static str),
    /// No format that is read; with what it looks like.
    Other(&'static str),
}

impl Kind {
    fn of(start: &[u8]) -> Self {
        let begins = |marker: &[u8]| start.starts_with(marker);
        if is_wav(start) {
            Self::Wav
        } else if begins(b"fLaC") {
            Self::Compressed("FLAC")
        } else if begins(b"OggS") {
            Self::Compressed("Ogg")
        } else if begins(b"ID3") {
            Self::Compressed("MP3 or FLAC with an ID3 tag")
        } else if is_mp3_frame(start) {
            Self::Compressed("MP3")
        } else {
            Self::Other(looks_like(start))
        }
    }
}

/// Whether the bytes begin with the header of an MPEG layer III frame, with legal bit rate and sampling rate.
fn is_mp3_frame(start: &[u8]) -> bool {
    match start {
        [0xFF, second, third, ..] => {
            let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
            second >> 5 == 7 && version != 1 && layer == 1 && third >> 4 != 15 && third >> 2 & 3 != 3
        }
        _ => false,
    }
}

fn looks_like(start: &[u8]) -> &'static str {
    let at = |from: usize, marker: &[u8]| start.get(from..).is_some_and(|rest| rest.starts_with(marker));
    if at(4, b"ftyp") {
        "an MP4, M4A or MOV file"
    } else if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) {
        "an AIFF file"
    } else if at(0, &[0x1A, 0x45, 0xDF, 0xA3]) {
        "a Matroska or WebM file"
    } else if at(0, b"RIFF") || at(0, b"RIFX") {
        "a RIFF file, but not WAVE"
    } else if at(0, &[0x30, 0x26, 0xB2, 0x75]) {
        "a WMA file"
    } else if matches!(start, [0xFF, second, ..] if second & 0xF6 == 0xF0) {
        "an AAC file"
    } else if at(0, b"caff") {
        "a CAF file"
    } else {
        "not an audio file that can be read"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_content() {
        assert_eq!(Kind::of(b"RIFF\0\0\0\0WAVEfmt "), Kind::Wav);
        assert_eq!(Kind::of(b"fLaC\0"), Kind::Compressed("FLAC"));
        assert_eq!(Kind::of(&[0xFF, 0xFB, 0x90, 0x64]), Kind::Compressed("MP3"));
        assert_eq!(Kind::of(b"RIFF\0\0\0\0AVI "), Kind::Other("a RIFF file, but not WAVE"));
        assert_eq!(Kind::of(b"\0\0\0\x20ftypM4A "), Kind::Other("an MP4, M4A or MOV file"));
        assert_eq!(Kind::of(&[0xFF, 0xF1, 0x50]), Kind::Other("an AAC file"));
        assert_eq!(Kind::of(b""), Kind::Other("not an audio file that can be read"));
    }
}
