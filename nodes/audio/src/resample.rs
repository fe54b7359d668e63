//! Change of sampling rate, without shifting time ([`esarm_kernels::resample`]).
//!
//! A window of a clip resamples to the values of the whole clip, bit for bit, as long as it holds
//! [`StreamResampler::reach_secs`] on both sides or reaches the clip's end. Outside the clip lies silence.

use crate::AudioError;
use esarm_kernels::devices::Device;
use esarm_kernels::resample::{ResampleSettings, Resampler};
use esarm_values::Audio;

/// The filter of speech: flat to 2e-5 over 90 % of the band of the lower rate, and 95 dB down from where that band ends.
fn filter(input_hz: u32, output_hz: u32) -> ResampleSettings {
    ResampleSettings { input_hz, output_hz, zero_crossings: 64, passband: 0.95, kaiser_beta: 9.5 }
}

/// The resampler between two rates, 8 000 to 192 000 Hz; `None` when they are equal.
fn between(input_hz: u32, output_hz: u32) -> Result<Option<Resampler>, AudioError> {
    AudioError::check_rate(input_hz)?;
    AudioError::check_rate(output_hz)?;
    let differ = input_hz != output_hz;
    Ok(differ.then(|| Resampler::new(&filter(input_hz, output_hz))).transpose()?)
}

/// The same audio at another sampling rate, 8 000 to 192 000 Hz, computed on `device`.
///
/// Output sample `m` is the band-limited input at the clip time `m / sample_rate_hz`; `n` input samples become
/// `ceil(n · ratio)`.
pub fn resample(audio: &Audio, sample_rate_hz: u32, device: &Device) -> Result<Audio, AudioError> {
    let Some(resampler) = between(audio.sample_rate_hz, sample_rate_hz)? else { return Ok(audio.clone()) };
    let start_sample = resampler.first_output_from(audio.start_sample);
    let end_sample = resampler.first_output_from(audio.start_sample + audio.samples.len() as i64);
    let outputs = start_sample..end_sample;
    let samples = if outputs.is_empty() {
        Vec::new()
    } else {
        resampler.outputs_on(device, &audio.samples, audio.start_sample, outputs)?
    };
    Ok(Audio { name: audio.name.clone(), sample_rate_hz, start_sample, samples })
}

/// Resamples a clip piece by piece, on the processor: pieces come from a decoder that works there.
pub struct StreamResampler {
    input_hz: u32,
    /// `None` when the rates are equal.
    resampler: Option<Resampler>,
    /// The input samples that output samples still need, from clip index `pending_start` on.
    pending: Vec<f32>,
    pending_start: i64,
    /// Clip index of the next output sample.
    next_output: i64,
}

impl StreamResampler {
    /// No [`Self::reach_secs`] is longer.
    pub const MAX_REACH_SECS: f64 = 0.010;

    /// A resampler whose first input sample has clip index 0.
    pub fn new(input_hz: u32, output_hz: u32) -> Result<Self, AudioError> {
        let resampler = between(input_hz, output_hz)?;
        Ok(Self { input_hz, resampler, pending: Vec::new(), pending_start: 0, next_output: 0 })
    }

    /// Forgets all input; the next input sample has clip index `first_input`.
    pub fn start_at(&mut self, first_input: i64) {
        let resampler = self.resampler.as_ref();
        self.next_output =
            resampler.map_or(first_input, |resampler| resampler.first_output_from(first_input));
        self.pending_start = first_input;
        self.pending.clear();
    }

    /// Clip index of the next output sample.
    pub fn next_output(&self) -> i64 {
        self.next_output
    }

    /// Seconds of input on both sides that an output sample depends on.
    pub fn reach_secs(&self) -> f64 {
        let reach = self.resampler.as_ref().map_or(0, Resampler::reach);
        reach as f64 / f64::from(self.input_hz)
    }

    /// Takes input samples and appends the output samples that are ready.
    pub fn push(&mut self, samples: &[f32], output: &mut Vec<f32>) -> Result<(), AudioError> {
        let Some(resampler) = &self.resampler else {
            self.next_output += samples.len() as i64;
            output.extend_from_slice(samples);
            return Ok(());
        };
        self.pending.extend_from_slice(samples);
        let reach = resampler.reach() as i64;
        self.append(reach, output)
    }

    /// Appends the output samples up to the end of the input.
    pub fn finish(&mut self, output: &mut Vec<f32>) -> Result<(), AudioError> {
        self.append(0, output)
    }

    /// Appends the output samples that have more than `reach` input samples from their time on.
    fn append(&mut self, reach: i64, output: &mut Vec<f32>) -> Result<(), AudioError> {
        let Some(resampler) = &self.resampler else { return Ok(()) };
        let end = resampler.first_output_from(self.pending_start + self.pending.len() as i64 - reach);
        if end <= self.next_output {
            return Ok(());
        }
        output.extend(resampler.outputs(&self.pending, self.pending_start, self.next_output..end)?);
        self.next_output = end;
        let unneeded = usize::try_from(resampler.first_input_of(end) - self.pending_start).unwrap_or(0);
        let dropped = unneeded.min(self.pending.len());
        self.pending.drain(..dropped);
        self.pending_start += dropped as i64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_kernels::devices::cpu;
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
            let output = resample(&sine(from, 440.0, from as usize / 2), to, &cpu()).unwrap();
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
            let output = resample(&input, to, &cpu()).unwrap();
            let highest =
                (0..output.samples.len()).max_by(|&a, &b| output.samples[a].total_cmp(&output.samples[b]));
            let expected = at as f64 / f64::from(from) * f64::from(to);
            assert!(
                (highest.unwrap() as f64 - expected).abs() <= 0.51,
                "{from} to {to}: {highest:?} {expected}"
            );
        }
    }

    /// Down, up, without a common divisor, and with mixed rows of weights.
    const PAIRS_HZ: [(u32, u32); 6] = [
        (48_000, 16_000),
        (44_100, 16_000),
        (16_000, 44_100),
        (8000, 48_000),
        (12_345, 16_000),
        (192_000, 8000),
    ];

    /// What is left of a sine at `hz` beyond what is `kept` of it, in decibels of its own level, away from the ends.
    fn surplus_db(from: u32, to: u32, hz: f64, kept: f32) -> f32 {
        let output = resample(&sine(from, hz, from as usize / 2), to, &cpu()).unwrap();
        let expected = sine(to, hz, output.samples.len());
        let inner = to as usize / 20..output.samples.len() - to as usize / 20;
        let surplus = |n: usize| (output.samples[n] - kept * expected.samples[n]).abs();
        20.0 * (inner.map(surplus).fold(0.0, f32::max) / 0.5).log10()
    }

    #[test]
    fn nine_tenths_of_the_band_pass_unchanged_and_without_images() {
        for (from, to) in PAIRS_HZ {
            let nyquist = f64::from(from.min(to)) / 2.0;
            for share in [0.05, 0.5, 0.8, 0.9] {
                let surplus = surplus_db(from, to, share * nyquist, 1.0);
                assert!(surplus < -90.0, "{from} to {to} at {share}: {surplus} dB");
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        for (from, to) in PAIRS_HZ.into_iter().filter(|(from, to)| from > to) {
            for share in [1.0, 1.05, 1.2, 1.6] {
                let surplus = surplus_db(from, to, share * f64::from(to) / 2.0, 0.0);
                assert!(surplus < -90.0, "{from} to {to} at {share}: {surplus} dB");
            }
        }
    }

    #[test]
    fn windows_give_the_values_of_the_whole() {
        for (from, to) in [(48_000, 16_000), (44_100, 16_000), (16_000, 22_050), (12_345, 16_000)] {
            let input = noise(from, 3 * from as usize);
            let whole = resample(&input, to, &cpu()).unwrap();
            let reach =
                (StreamResampler::new(from, to).unwrap().reach_secs() * f64::from(from)).ceil() as i64;
            let (first, last) = (i64::from(from) * 7 / 5, i64::from(from) * 8 / 5);
            let part = resample(&input.window(first - reach, last + reach), to, &cpu()).unwrap();
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
    fn the_longest_reach_bounds_all() {
        let reach_secs = |from, to| StreamResampler::new(from, to).unwrap().reach_secs();
        assert_eq!(reach_secs(16_000, 16_000), 0.0);
        let rates = [8000, 8009, 8555, 8560, 16_000, 48_000, 192_000];
        for (from, to) in rates.iter().flat_map(|from| [8000, 16_000, 192_000].map(|to| (*from, to))) {
            assert!(reach_secs(from, to) <= StreamResampler::MAX_REACH_SECS, "{from} {to}");
        }
    }

    #[test]
    fn pieces_give_the_values_of_the_whole() {
        let input = noise(44_100, 50_000);
        let whole = resample(&input, 16_000, &cpu()).unwrap();
        let mut resampler = StreamResampler::new(44_100, 16_000).unwrap();
        let mut samples = Vec::new();
        for piece in input.samples.chunks(777) {
            resampler.push(piece, &mut samples).unwrap();
        }
        resampler.finish(&mut samples).unwrap();
        assert_eq!(samples, whole.samples);
        resampler.start_at(20_000);
        let start = resampler.next_output() as usize;
        samples.clear();
        resampler.push(&input.samples[20_000..], &mut samples).unwrap();
        resampler.finish(&mut samples).unwrap();
        let margin = (resampler.reach_secs() * 16_000.0).ceil() as usize;
        assert_eq!(samples[margin..], whole.samples[start + margin..]);
    }

    #[test]
    fn short_clips_and_equal_rates_work() {
        let one = Audio::new("one", 48_000, vec![0.5]);
        assert_eq!(resample(&one, 48_000, &cpu()).unwrap(), one);
        assert_eq!(resample(&one, 16_000, &cpu()).unwrap().samples.len(), 1);
        assert_eq!(resample(&one, 192_000, &cpu()).unwrap().samples.len(), 4);
        assert!(resample(&Audio::new("none", 48_000, vec![]), 16_000, &cpu()).unwrap().samples.is_empty());
    }

    #[test]
    fn rates_out_of_range_are_refused() {
        let error = resample(&noise(16_000, 10), 1000, &cpu()).unwrap_err().to_string();
        assert!(error.contains("1000 Hz") && error.contains("192000"), "{error}");
        assert!(resample(&Audio::new("", 4000, vec![]), 16_000, &cpu()).is_err());
    }
}
