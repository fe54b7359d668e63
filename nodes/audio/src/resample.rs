//! Change of sampling rate, without shifting time.
//!
//! Rubato's FFT resampler works on blocks. Blocks are laid on the clip from its sample 0 on, never on the piece at
//! hand, so a window of a clip resamples to the values of the whole clip, bit for bit, as long as it holds
//! [`StreamResampler::reach_secs`] on both sides or reaches the clip's end. Outside the clip lies silence.

use crate::AudioError;
use esarm_values::Audio;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

/// Blocks hold at least so many samples at the lower rate: the filter then passes more than 90 % of the band.
const MIN_BLOCK: usize = 480;

/// The same audio at another sampling rate, 8 000 to 192 000 Hz.
///
/// Output sample `m` is the band-limited input at the clip time `m / sample_rate_hz`; `n` input samples become
/// `ceil(n · ratio)`.
pub fn resample(audio: &Audio, sample_rate_hz: u32) -> Result<Audio, AudioError> {
    let mut resampler = StreamResampler::new(audio.sample_rate_hz, sample_rate_hz, audio.start_sample)?;
    let start_sample = resampler.next_output();
    let ratio = f64::from(sample_rate_hz) / f64::from(audio.sample_rate_hz);
    let mut samples = Vec::with_capacity((audio.samples.len() as f64 * ratio) as usize + 2);
    resampler.push(&audio.samples, &mut samples)?;
    resampler.finish(&mut samples)?;
    Ok(Audio { name: audio.name.clone(), sample_rate_hz, start_sample, samples })
}

/// Resamples a clip piece by piece.
pub struct StreamResampler {
    input_hz: i64,
    output_hz: i64,
    /// `None` when the rates are equal.
    blocks: Option<Blocks>,
    /// Clip index of the next input sample.
    next_input: i64,
    /// Clip index of the next output sample.
    next_output: i64,
}

/// The block transform and the block that is being filled.
struct Blocks {
    transform: Fft<f32>,
    input: Vec<f32>,
    output: Vec<f32>,
    filled: usize,
    /// Clip index of the first sample of the next output block.
    output_start: i64,
}

impl StreamResampler {
    /// The longest that [`Self::reach_secs`] can be, for rates without a common divisor.
    pub const MAX_REACH_SECS: f64 = 3.0;

    /// A resampler whose first input sample has clip index `first_input`.
    pub fn new(input_hz: u32, output_hz: u32, first_input: i64) -> Result<Self, AudioError> {
        AudioError::check_rate(input_hz)?;
        AudioError::check_rate(output_hz)?;
        let blocks =
            if input_hz == output_hz { None } else { Some(Blocks::new(input_hz, output_hz, first_input)?) };
        let (input_hz, output_hz) = (i64::from(input_hz), i64::from(output_hz));
        let next_output = ceil_div(first_input * output_hz, input_hz);
        Ok(Self { input_hz, output_hz, blocks, next_input: first_input, next_output })
    }

    /// Clip index of the next output sample.
    pub fn next_output(&self) -> i64 {
        self.next_output
    }

    /// Seconds of input on both sides that an output sample depends on.
    pub fn reach_secs(&self) -> f64 {
        self.blocks.as_ref().map_or(0.0, |blocks| 1.5 * blocks.input.len() as f64 / self.input_hz as f64)
    }

    /// Takes input samples and appends the output samples that are ready.
    pub fn push(&mut self, mut samples: &[f32], output: &mut Vec<f32>) -> Result<(), AudioError> {
        self.next_input += samples.len() as i64;
        let Some(blocks) = &mut self.blocks else {
            self.next_output += samples.len() as i64;
            output.extend_from_slice(samples);
            return Ok(());
        };
        while !samples.is_empty() {
            samples = blocks.fill(samples);
            if blocks.is_full() {
                blocks.process(&mut self.next_output, i64::MAX, output)?;
            }
        }
        Ok(())
    }

    /// Appends the output samples up to the end of the input.
    pub fn finish(&mut self, output: &mut Vec<f32>) -> Result<(), AudioError> {
        let end = ceil_div(self.next_input * self.output_hz, self.input_hz);
        if let Some(blocks) = &mut self.blocks {
            while self.next_output < end {
                blocks.fill_with_silence();
                blocks.process(&mut self.next_output, end, output)?;
            }
        }
        Ok(())
    }
}

impl Blocks {
    fn new(input_hz: u32, output_hz: u32, first_input: i64) -> Result<Self, AudioError> {
        let divisor = greatest_common_divisor(input_hz, output_hz);
        let (input_unit, output_unit) = ((input_hz / divisor) as usize, (output_hz / divisor) as usize);
        // An even block on both sides makes the transform's delay, half a block, a whole number of samples.
        let units = 2 * MIN_BLOCK.div_ceil(2 * input_unit.min(output_unit));
        let (block_in, block_out) = (units * input_unit, units * output_unit);
        let transform = Fft::new(input_hz as usize, output_hz as usize, block_in, 1, FixedSync::Both);
        let mut transform = transform.map_err(|error| internal(&error))?;
        debug_assert_eq!(transform.fft_size_in(), block_in);
        transform.reset();
        let first_block = first_input.div_euclid(block_in as i64);
        Ok(Self {
            transform,
            input: vec![0.0; block_in],
            output: vec![0.0; block_out],
            filled: first_input.rem_euclid(block_in as i64) as usize,
            output_start: first_block * block_out as i64 - (block_out / 2) as i64,
        })
    }

    fn is_full(&self) -> bool {
        self.filled == self.input.len()
    }

    /// Copies what fits into the block and gives back the rest.
    fn fill<'a>(&mut self, samples: &'a [f32]) -> &'a [f32] {
        let (now, later) = samples.split_at(samples.len().min(self.input.len() - self.filled));
        self.input[self.filled..self.filled + now.len()].copy_from_slice(now);
        self.filled += now.len();
        later
    }

    fn fill_with_silence(&mut self) {
        self.input[self.filled..].fill(0.0);
        self.filled = self.input.len();
    }

    /// Transforms the full block and appends its output samples with clip indices `next_output..end`.
    fn process(&mut self, next_output: &mut i64, end: i64, output: &mut Vec<f32>) -> Result<(), AudioError> {
        let (input_frames, output_frames) = (self.input.len(), self.output.len());
        let from = InterleavedSlice::new(&self.input, 1, input_frames).map_err(|error| internal(&error))?;
        let mut into = InterleavedSlice::new_mut(&mut self.output, 1, output_frames)
            .map_err(|error| internal(&error))?;
        self.transform.process_into_buffer(&from, &mut into, None).map_err(|error| internal(&error))?;
        let at = |index: i64| index.saturating_sub(self.output_start).clamp(0, output_frames as i64) as usize;
        let ready = &self.output[at(*next_output)..at(end).max(at(*next_output))];
        output.extend_from_slice(ready);
        *next_output += ready.len() as i64;
        self.output_start += output_frames as i64;
        self.filled = 0;
        Ok(())
    }
}

/// The resampler was asked for something it cannot do, which the checks above rule out.
fn internal(error: &dyn std::fmt::Display) -> AudioError {
    AudioError::Setting {
        name: "sample_rate_hz",
        found: error.to_string(),
        allowed: "a rate that can be resampled".into(),
    }
}

fn ceil_div(numerator: i64, denominator: i64) -> i64 {
    -(-numerator).div_euclid(denominator)
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_kernels::random::Random;
    use std::f64::consts::TAU;

    fn sine(rate_hz: u32, hz: f64, count: usize) -> Audio {
        let sample = |n: usize| (0.5 * (TAU * hz * n as f64 / f64::from(rate_hz)).sin()) as f32;
        Audio::new("sine", rate_hz, (0..count).map(sample).collect())
    }

    fn noise(rate_hz: u32, count: usize) -> Audio {
        let random = Random::new(8, u64::from(rate_hz));
        Audio::new("noise", rate_hz, (0..count as u64).map(|n| 0.2 * random.normal(n)).collect())
    }

    #[test]
    fn sines_keep_their_time_and_level() {
        let rates = [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000, 12_345];
        for (from, to) in rates.iter().flat_map(|from| rates.map(|to| (*from, to))) {
            let output = resample(&sine(from, 440.0, from as usize / 2), to).unwrap();
            let expected = sine(to, 440.0, output.samples.len());
            assert_eq!(
                output.samples.len(),
                (to as usize * (from as usize / 2)).div_ceil(from as usize),
                "{from} {to}"
            );
            let margin = to as usize / 20;
            let inner = margin..output.samples.len() - margin;
            let worst = inner.map(|n| (output.samples[n] - expected.samples[n]).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-4, "{from} to {to}: off by {worst}");
        }
    }

    #[test]
    fn impulses_stay_where_they_are() {
        for (from, to) in
            [(48_000, 16_000), (44_100, 16_000), (16_000, 44_100), (8000, 192_000), (22_050, 48_000)]
        {
            let mut input = Audio::new("impulse", from, vec![0.0; from as usize]);
            let at = from as usize / 5;
            input.samples[at] = 1.0;
            let output = resample(&input, to).unwrap();
            let highest =
                (0..output.samples.len()).max_by(|&a, &b| output.samples[a].total_cmp(&output.samples[b]));
            let expected = at as f64 / f64::from(from) * f64::from(to);
            assert!(
                (highest.unwrap() as f64 - expected).abs() <= 0.51,
                "{from} to {to}: {highest:?} {expected}"
            );
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        let output = resample(&sine(48_000, 9000.0, 24_000), 16_000).unwrap();
        let loudest =
            output.samples[400..7600].iter().fold(0.0, |loudest: f32, sample| loudest.max(sample.abs()));
        assert!(loudest < 1e-4, "{loudest}");
    }

    #[test]
    fn windows_give_the_values_of_the_whole() {
        for (from, to) in [(48_000, 16_000), (44_100, 16_000), (16_000, 22_050), (12_345, 16_000)] {
            let input = noise(from, 3 * from as usize);
            let whole = resample(&input, to).unwrap();
            let reach =
                (StreamResampler::new(from, to, 0).unwrap().reach_secs() * f64::from(from)).ceil() as i64;
            let (first, last) = (i64::from(from) * 7 / 5, i64::from(from) * 8 / 5);
            let part = resample(&input.window(first - reach, last + reach), to).unwrap();
            let inner = |audio: &Audio| {
                audio.window(
                    first * i64::from(to) / i64::from(from) + 1,
                    last * i64::from(to) / i64::from(from),
                )
            };
            assert!(!inner(&whole).samples.is_empty());
            assert_eq!(inner(&part), inner(&whole), "{from} to {to}");
        }
    }

    #[test]
    fn the_longest_reach_is_that_of_rates_without_a_common_divisor() {
        let reach_secs = |from, to| StreamResampler::new(from, to, 0).unwrap().reach_secs();
        assert_eq!(reach_secs(16_000, 16_000), 0.0);
        assert!((reach_secs(48_000, 16_000) - 0.045).abs() < 1e-9);
        assert_eq!(reach_secs(48_001, 16_000), StreamResampler::MAX_REACH_SECS);
        assert!(reach_secs(8009, 8011) <= StreamResampler::MAX_REACH_SECS);
    }

    #[test]
    fn pieces_give_the_values_of_the_whole() {
        let input = noise(44_100, 50_000);
        let whole = resample(&input, 16_000).unwrap();
        let mut resampler = StreamResampler::new(44_100, 16_000, 0).unwrap();
        let mut samples = Vec::new();
        for piece in input.samples.chunks(777) {
            resampler.push(piece, &mut samples).unwrap();
        }
        resampler.finish(&mut samples).unwrap();
        assert_eq!(samples, whole.samples);
    }

    #[test]
    fn short_clips_and_equal_rates_work() {
        let one = Audio::new("one", 48_000, vec![0.5]);
        assert_eq!(resample(&one, 48_000).unwrap(), one);
        assert_eq!(resample(&one, 16_000).unwrap().samples.len(), 1);
        assert_eq!(resample(&one, 192_000).unwrap().samples.len(), 4);
        assert!(resample(&Audio::new("none", 48_000, vec![]), 16_000).unwrap().samples.is_empty());
    }

    #[test]
    fn rates_out_of_range_are_refused() {
        let error = resample(&noise(16_000, 10), 1000).unwrap_err().to_string();
        assert!(error.contains("1000 Hz") && error.contains("192000"), "{error}");
        assert!(resample(&Audio::new("", 4000, vec![]), 16_000).is_err());
    }
}
