//! Loading speech: any supported file to mono audio at the rate that is wanted.
//!
//! Files are decoded, mixed and resampled block by block; only the result is held in memory. An hour at 16 kHz is
//! 230 MB, whatever the file's rate and channels.

use crate::AudioError;
use crate::error::MAX_SAMPLE;
use crate::resample::StreamResampler;
use crate::source::{Source, open};
use esarm_values::Audio;
use std::io::{Cursor, Read};
use std::path::Path;
use symphonia::core::io::MediaSource;

/// Which channel of the file becomes the mono clip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Channel {
    /// The mean of all channels.
    #[default]
    Mix,
    /// The first channel.
    Left,
    /// The second channel, or the only one.
    Right,
}

/// What to load of a file, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadOptions {
    /// Which channel to take.
    pub channel: Channel,
    /// Sampling rate of the result, in Hz; `None` keeps the file's.
    pub sample_rate_hz: Option<u32>,
    /// Seconds of the clip before the part that is wanted; at least 0.
    pub start_secs: f64,
    /// Seconds of the clip that are wanted; `None` for all that follow.
    pub duration_secs: Option<f64>,
    /// Whether damaged files are accepted: what is missing at the end is left out, what cannot be decoded is silent.
    pub lenient: bool,
}

/// What a long load tells of its progress: the fraction that is done, 0..1. False stops it.
pub type Progress<'a> = &'a mut dyn FnMut(f64) -> bool;

/// Loads a file. The audio is named after the file; a part of a clip knows where in the clip it lies, and has the
/// very samples that the whole clip has there, as far as it goes.
pub fn load(path: &Path, options: &LoadOptions) -> Result<Audio, AudioError> {
    load_with_progress(path, options, &mut |_| true)
}

/// Loads a file and tells how far it is.
pub fn load_with_progress(
    path: &Path,
    options: &LoadOptions,
    progress: Progress<'_>,
) -> Result<Audio, AudioError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let audio = open_file(path).and_then(|media| load_media(media, options, progress));
    audio.map(|audio| Audio { name, ..audio }).map_err(|error| match error {
        AudioError::Cancelled => AudioError::Cancelled,
        error => error.in_file(path),
    })
}

/// Length of a file's audio in seconds. It is read from the header where that can be relied on, and else counted by
/// decoding the file.
pub fn clip_secs(path: &Path, lenient: bool) -> Result<f64, AudioError> {
    let count = |media| {
        let mut source = open(media, lenient)?;
        let frames = source.exact_frames().map_or_else(|| source.skip(u64::MAX), Ok)?;
        AudioError::check_rate(source.rate_hz())?;
        Ok(frames as f64 / f64::from(source.rate_hz()))
    };
    open_file(path).and_then(count).map_err(|error| error.in_file(path))
}

/// Loads the content of a file. The audio has no name.
pub fn load_bytes(bytes: &[u8], options: &LoadOptions) -> Result<Audio, AudioError> {
    load_media(Box::new(Cursor::new(bytes)), options, &mut |_| true)
}

/// Opens a file; a pipe is read to its end first, since it cannot be sought in.
fn open_file(path: &Path) -> Result<Box<dyn MediaSource>, AudioError> {
    let mut file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(AudioError::NotAudio { found: "a folder".to_owned() });
    }
    if metadata.is_file() {
        return Ok(Box::new(file));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Box::new(Cursor::new(bytes)))
}

fn load_media<'s>(
    media: Box<dyn MediaSource + 's>,
    options: &LoadOptions,
    progress: Progress<'_>,
) -> Result<Audio, AudioError> {
    check(options)?;
    let mut source = open(media, options.lenient)?;
    AudioError::check_rate(source.rate_hz())?;
    if source.frames() == Some(0) {
        return Err(AudioError::NoSamples);
    }
    let mut loader = Loader::new(&*source, options)?;
    loader.run(&mut *source, progress)?;
    loader.finish()
}

fn check(options: &LoadOptions) -> Result<(), AudioError> {
    const LONGEST_SECS: f64 = 1e6;
    let (start, duration) = (options.start_secs, options.duration_secs.unwrap_or(0.0));
    let allowed = || format!("between 0 and {LONGEST_SECS}");
    AudioError::unless((0.0..=LONGEST_SECS).contains(&start), "start_secs", start, allowed())?;
    AudioError::unless((0.0..=LONGEST_SECS).contains(&duration), "duration_secs", duration, allowed())?;
    options.sample_rate_hz.map_or(Ok(()), AudioError::check_rate)
}

/// Mixes, checks, resamples and collects.
struct Loader {
    channel: Channel,
    input_hz: u32,
    output_hz: u32,
    resampler: StreamResampler,
    /// Clip index of the next input frame.
    next_input: u64,
    /// Input frames from here on are not needed.
    end_input: u64,
    /// Clip indices of the wanted output samples.
    first_output: i64,
    end_output: i64,
    /// Clip index of the first collected sample.
    start_sample: i64,
    samples: Vec<f32>,
}

impl Loader {
    fn new(source: &dyn Source, options: &LoadOptions) -> Result<Self, AudioError> {
        let input_hz = source.rate_hz();
        let output_hz = options.sample_rate_hz.unwrap_or(input_hz);
        let mut resampler = StreamResampler::new(input_hz, output_hz)?;
        let reach_secs = resampler.reach_secs();
        let index = |secs: f64, rate_hz: u32| (secs * f64::from(rate_hz) - 1e-6).ceil().max(0.0);
        let first_input = index(options.start_secs - reach_secs, input_hz) as u64;
        let end_secs = options.duration_secs.map(|duration| options.start_secs + duration);
        let end_input = end_secs.map_or(u64::MAX, |end| index(end + reach_secs, input_hz) as u64);
        resampler.start_at(first_input as i64);
        Ok(Self {
            channel: options.channel,
            input_hz,
            output_hz,
            start_sample: resampler.next_output(),
            resampler,
            next_input: first_input,
            end_input,
            first_output: index(options.start_secs, output_hz) as i64,
            end_output: end_secs.map_or(i64::MAX, |end| index(end, output_hz) as i64),
            samples: Vec::new(),
        })
    }

    fn run(&mut self, source: &mut dyn Source, progress: Progress<'_>) -> Result<(), AudioError> {
        let channels = source.channels();
        let skipped = source.skip(self.next_input)?;
        if skipped < self.next_input {
            self.be_empty_at(skipped);
            return Ok(());
        }
        let (mut block, mut mono) = (Vec::new(), Vec::new());
        let total = source.frames().unwrap_or(u64::MAX).min(self.end_input) as f64;
        while self.next_input < self.end_input && source.read(&mut block)? {
            if !progress((self.next_input as f64 / total).clamp(0.0, 1.0)) {
                return Err(AudioError::Cancelled);
            }
            mix(&block, channels, self.channel, &mut mono);
            mono.truncate(usize::try_from(self.end_input - self.next_input).unwrap_or(usize::MAX));
            self.check_samples(&mono)?;
            grow(&mut self.samples, mono.len() * self.output_hz as usize / self.input_hz as usize + 8192);
            self.resampler.push(&mono, &mut self.samples)?;
            self.next_input += mono.len() as u64;
            self.drop_what_lies_before();
        }
        Ok(())
    }

    /// The wanted part lies behind the end of the clip.
    fn be_empty_at(&mut self, end_input: u64) {
        self.resampler.start_at(end_input as i64);
        self.start_sample = self.resampler.next_output();
    }

    fn check_samples(&self, mono: &[f32]) -> Result<(), AudioError> {
        let Some(index) = mono.iter().position(|sample| sample.is_nan() || sample.abs() > MAX_SAMPLE) else {
            return Ok(());
        };
        let secs = (self.next_input + index as u64) as f64 / f64::from(self.input_hz);
        Err(AudioError::Sample { secs, value: mono[index] })
    }

    /// Drops collected samples before the wanted part, which came of the resampler's margin.
    fn drop_what_lies_before(&mut self) {
        let surplus =
            usize::try_from(self.first_output - self.start_sample).unwrap_or(0).min(self.samples.len());
        if surplus > 0 {
            self.samples.drain(..surplus);
            self.start_sample += surplus as i64;
        }
    }

    fn finish(mut self) -> Result<Audio, AudioError> {
        self.resampler.finish(&mut self.samples)?;
        self.drop_what_lies_before();
        let wanted = usize::try_from(self.end_output - self.start_sample).unwrap_or(0);
        self.samples.truncate(wanted);
        Ok(Audio {
            name: String::new(),
            sample_rate_hz: self.output_hz,
            start_sample: self.start_sample,
            samples: self.samples,
        })
    }
}

/// Replaces the content of `mono` by the chosen channel of interleaved frames.
fn mix(frames: &[f32], channels: usize, channel: Channel, mono: &mut Vec<f32>) {
    mono.clear();
    match (channel, channels) {
        (_, 1) => mono.extend_from_slice(frames),
        (Channel::Mix, _) => {
            let scale = 1.0 / channels as f32;
            mono.extend(frames.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() * scale));
        }
        (Channel::Left, _) => mono.extend(frames.iter().step_by(channels)),
        (Channel::Right, _) => mono.extend(frames.iter().skip(1).step_by(channels)),
    }
}

/// Makes room for `count` more, by an eighth at a time: doubling would hold twice the memory of a long clip.
fn grow(samples: &mut Vec<f32>, count: usize) {
    if samples.capacity() - samples.len() < count {
        samples.reserve_exact(count.max(samples.len() / 8).max(1 << 16));
    }
}
