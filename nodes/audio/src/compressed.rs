//! FLAC, MP3 and Ogg Vorbis, by Symphonia.

use crate::AudioError;
use crate::source::Source;
use std::io::{Read, SeekFrom};
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

/// An MP3 that was cut out of a longer one begins with frames that need data from before the cut.
const PARTIAL_MP3_PACKETS: u64 = 4;
/// Frames that an MP3 may be shorter than its header says: encoders round to whole frames of 1152.
const MP3_TOLERANCE_FRAMES: u64 = 2 * 1152;
/// An Ogg page is at most so long.
const MAX_OGG_PAGE_BYTES: u64 = 65_307;

/// A compressed file that is being decoded.
pub(crate) struct CompressedSource<'s> {
    reader: Box<dyn FormatReader + 's>,
    decoder: Box<dyn AudioDecoder>,
    format: &'static str,
    track: u32,
    rate_hz: u32,
    channels: usize,
    promised_frames: Option<u64>,
    decoded_frames: u64,
    packets: u64,
    lenient: bool,
    /// Frames decoded but not yet given, interleaved.
    waiting: Vec<f32>,
    is_cut_off: bool,
}

impl<'s> CompressedSource<'s> {
    /// Reads the headers and decodes the first packet.
    pub(crate) fn open(
        mut media: Box<dyn MediaSource + 's>,
        format: &'static str,
        lenient: bool,
    ) -> Result<Self, AudioError> {
        let is_cut_off = format == "Ogg" && lacks_last_page(&mut *media)?;
        let stream = MediaSourceStream::new(media, MediaSourceStreamOptions::default());
        let reader = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| header_error(format, &error))?;
        let track = reader.default_track(TrackType::Audio).ok_or(AudioError::NoSamples)?;
        let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
        let parameters = parameters.ok_or_else(|| unknown_codec(format))?;
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|_| unknown_codec(format))?;
        let (track, promised_frames) = (track.id, track.num_frames.filter(|frames| *frames > 0));
        let mut source = Self {
            format: if format.starts_with("MP3") && parameters_are_mp3(&*decoder) { "MP3" } else { format },
            reader,
            decoder,
            track,
            rate_hz: 0,
            channels: 0,
            promised_frames,
            decoded_frames: 0,
            packets: 0,
            lenient,
            waiting: Vec::new(),
            is_cut_off,
        };
        let mut first = Vec::new();
        if !source.read_packets(&mut first)? || source.channels == 0 {
            return Err(AudioError::NoSamples);
        }
        source.waiting = first;
        Ok(source)
    }

    /// Decodes packets until one gives frames. False at the end.
    fn read_packets(&mut self, block: &mut Vec<f32>) -> Result<bool, AudioError> {
        block.clear();
        while block.is_empty() {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return self.end(),
                Err(Error::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return self.end();
                }
                Err(Error::ResetRequired) => {
                    let feature = "several clips joined in one file".to_owned();
                    return Err(AudioError::Unsupported { format: self.format, feature });
                }
                Err(_) if self.lenient => return Ok(false),
                Err(error) => return Err(self.damaged(&error)),
            };
            if packet.track_id == self.track {
                self.decode(&packet, block)?;
            }
        }
        Ok(true)
    }

    fn decode(&mut self, packet: &Packet, block: &mut Vec<f32>) -> Result<(), AudioError> {
        self.packets += 1;
        let is_partial = self.format == "MP3" && self.packets <= PARTIAL_MP3_PACKETS;
        match self.decoder.decode(packet) {
            Ok(buffer) => {
                let (rate_hz, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
                buffer.copy_to_vec_interleaved(block);
                self.settle(rate_hz, channels)?;
            }
            Err(Error::DecodeError(_)) if self.lenient || is_partial => {
                // Silence keeps the time of what follows. A packet is far shorter than a second.
                let frames = packet.dur.get().min(u64::from(self.rate_hz)) as usize;
                block.resize(frames * self.channels, 0.0);
            }
            Err(error) => return Err(self.damaged(&error)),
        }
        self.decoded_frames += (block.len() / self.channels.max(1)) as u64;
        Ok(())
    }

    /// Takes rate and channels from the first packet and refuses others later.
    fn settle(&mut self, rate_hz: u32, channels: usize) -> Result<(), AudioError> {
        if self.channels == 0 {
            (self.rate_hz, self.channels) = (rate_hz, channels);
        }
        if (self.rate_hz, self.channels) == (rate_hz, channels) {
            return Ok(());
        }
        let feature = "a sampling rate or number of channels that changes on the way".to_owned();
        Err(AudioError::Unsupported { format: self.format, feature })
    }

    /// The end of the stream: early or in time.
    fn end(&self) -> Result<bool, AudioError> {
        let tolerance = if self.format == "MP3" { MP3_TOLERANCE_FRAMES } else { 0 };
        let is_short =
            self.promised_frames.is_some_and(|promised| self.decoded_frames + tolerance < promised);
        if self.lenient || !(is_short || self.is_cut_off) {
            return Ok(false);
        }
        let secs = |frames: u64| frames as f64 / f64::from(self.rate_hz.max(1));
        let promised = match self.promised_frames.filter(|_| is_short) {
            Some(frames) => format!("its header promises {:.3} s", secs(frames)),
            None => "its last page is missing".to_owned(),
        };
        Err(AudioError::Truncated { found_secs: secs(self.decoded_frames), promised })
    }

    fn damaged(&self, error: &Error) -> AudioError {
        let secs = self.decoded_frames as f64 / f64::from(self.rate_hz.max(1));
        AudioError::Damaged { secs, what: error.to_string() }
    }
}

impl Source for CompressedSource<'_> {
    fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn frames(&self) -> Option<u64> {
        self.promised_frames
    }

    fn exact_frames(&self) -> Option<u64> {
        // The header of an MP3 may be missing, so that its length is estimated; a damaged file may break its promise.
        self.promised_frames.filter(|_| self.format != "MP3" && !self.lenient)
    }

    fn skip(&mut self, frames: u64) -> Result<u64, AudioError> {
        let (mut skipped, mut block) = (0, Vec::new());
        while skipped < frames {
            if !self.read(&mut block)? {
                return Ok(skipped);
            }
            let count = ((block.len() / self.channels) as u64).min(frames - skipped);
            skipped += count;
            self.waiting = block.split_off(count as usize * self.channels);
        }
        Ok(skipped)
    }

    fn read(&mut self, block: &mut Vec<f32>) -> Result<bool, AudioError> {
        if self.waiting.is_empty() {
            return self.read_packets(block);
        }
        std::mem::swap(block, &mut self.waiting);
        self.waiting.clear();
        Ok(true)
    }
}

fn parameters_are_mp3(decoder: &dyn AudioDecoder) -> bool {
    decoder.codec_params().codec == symphonia::core::codecs::audio::well_known::CODEC_ID_MP3
}

fn header_error(format: &'static str, error: &Error) -> AudioError {
    match error {
        Error::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            AudioError::Read(std::io::Error::new(error.kind(), error.to_string()))
        }
        Error::IoError(_) => {
            AudioError::Truncated { found_secs: 0.0, promised: "it ends within its first block".to_owned() }
        }
        Error::Unsupported(_) => unknown_codec(format),
        error => AudioError::Header { format, what: error.to_string() },
    }
}

fn unknown_codec(format: &'static str) -> AudioError {
    AudioError::Unsupported {
        format,
        feature: "a coding other than FLAC, MP3 or Vorbis (such as Opus)".to_owned(),
    }
}

/// Whether the last page of an Ogg file is not marked as the last of its stream.
fn lacks_last_page(media: &mut dyn MediaSource) -> Result<bool, AudioError> {
    const END_OF_STREAM: u8 = 4;
    let length = media.seek(SeekFrom::End(0))?;
    media.seek(SeekFrom::Start(length.saturating_sub(2 * MAX_OGG_PAGE_BYTES)))?;
    let mut tail = Vec::new();
    media.take(2 * MAX_OGG_PAGE_BYTES).read_to_end(&mut tail)?;
    media.seek(SeekFrom::Start(0))?;
    let last_page = tail.windows(6).rev().find(|bytes| bytes.starts_with(b"OggS\0"));
    Ok(last_page.is_none_or(|page| page[5] & END_OF_STREAM == 0))
}
