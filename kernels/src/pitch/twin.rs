//! The tracker on plain slices.

use crate::KernelError;
use crate::error::require_finite;
use crate::frames::{FrameGrid, read_frame};
use crate::linear::dot;
use crate::resample::{ResampleSettings, Resampler};
use rayon::prelude::*;
use std::ops::Range;

/// Length of each correlated stretch.
const CORRELATION_SECS: f64 = 0.015;
/// Rate that audio is decimated to, or up to twice as much.
const ANALYSIS_RATE_HZ: u32 = 8000;
/// Candidates kept a frame.
pub(super) const MAX_CANDIDATES: usize = 5;
/// Peaks below this fraction of the highest are no candidates.
pub(super) const CANDIDATE_FRACTION: f32 = 0.5;
/// How much the longest lag is disadvantaged over the shortest, against errors of an octave down.
pub(super) const LAG_COST: f32 = 0.15;
/// Cost of a jump by an octave within 10 ms.
const OCTAVE_JUMP_COST: f32 = 0.35;
/// Cost of a change between voiced and unvoiced within 10 ms.
const VOICING_CHANGE_COST: f32 = 0.14;
/// Root mean square below which a stretch counts as ever less voiced: -60 dB of full scale.
pub(super) const QUIET_RMS: f32 = 1e-3;
/// Correlation below which nothing is a candidate.
pub(super) const LEAST_CORRELATION: f32 = 0.1;
/// Numbers that describe a candidate in a row: its frequency in Hz, 0 for none, its correlation and its cost.
pub(super) const CANDIDATE_FIELDS: usize = 3;
/// Numbers of the candidates of a frame, the first being "unvoiced".
pub(super) const CANDIDATE_ROW: usize = CANDIDATE_FIELDS * (MAX_CANDIDATES + 1);
/// Frames that one worker computes at a stretch.
const FRAMES_A_BLOCK: usize = 256;

/// What to track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PitchSettings {
    /// Sampling rate of the audio, in Hz; 4000 to 10 million.
    pub sample_rate_hz: u32,
    /// Time from frame to frame, in seconds; at most 0.1.
    pub hop_secs: f64,
    /// Lowest frequency looked for, in Hz; at least 20.
    pub low_hz: f64,
    /// Highest frequency looked for, in Hz; at most 1000.
    pub high_hz: f64,
    /// Correlation above which a steady frame is voiced, 0..1.
    pub voicing_threshold: f32,
    /// Time on both sides that a decision looks at, in seconds, 0 to 1; at least one frame is looked at. The more, the
    /// fewer jumps and the later the answer.
    pub track_secs: f64,
}

impl Default for PitchSettings {
    /// Speech at 16 kHz, 100 frames a second, 60 to 500 Hz, decided within 0.16 s on both sides.
    fn default() -> Self {
        Self {
            sample_rate_hz: 16_000,
            hop_secs: 0.010,
            low_hz: 60.0,
            high_hz: 500.0,
            voicing_threshold: 0.6,
            track_secs: 0.16,
        }
    }
}

impl PitchSettings {
    /// The frames that the settings ask for.
    pub fn grid(&self) -> FrameGrid {
        FrameGrid { sample_rate_hz: self.sample_rate_hz, hop_secs: self.hop_secs }
    }

    /// Refuses settings that cannot be computed.
    pub fn check(&self) -> Result<(), KernelError> {
        let rate_is_fine = (4000..=10_000_000).contains(&self.sample_rate_hz);
        let allowed = "between 4000 and 10000000";
        KernelError::unless(rate_is_fine, "sample_rate_hz", self.sample_rate_hz, allowed)?;
        let hop = self.grid().hop_samples();
        let hop_is_fine = hop >= 1.0 && self.hop_secs <= 0.1;
        KernelError::unless(hop_is_fine, "hop_secs", self.hop_secs, "at least one sample and at most 0.1 s")?;
        let low_is_fine = self.low_hz >= 20.0 && self.low_hz < self.high_hz;
        KernelError::unless(low_is_fine, "low_hz", self.low_hz, "at least 20 and below high_hz")?;
        KernelError::unless(self.high_hz <= 1000.0, "high_hz", self.high_hz, "at most 1000")?;
        let threshold_is_fine = (0.0..=1.0).contains(&self.voicing_threshold);
        KernelError::unless(
            threshold_is_fine,
            "voicing_threshold",
            self.voicing_threshold,
            "between 0 and 1",
        )?;
        let track_is_fine = (0.0..=1.0).contains(&self.track_secs);
        KernelError::unless(track_is_fine, "track_secs", self.track_secs, "between 0 and 1")
    }
}

/// The pitch of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pitch {
    /// Fundamental frequency in Hz; 0 where the frame is unvoiced.
    pub frequency_hz: f32,
    /// How periodic the frame is, 0..1: the correlation of the chosen candidate, or the highest one where unvoiced.
    pub voicing: f32,
}

/// The pitch of a whole clip: `[n]` samples to `[frames]`.
pub fn pitch(samples: &[f32], settings: &PitchSettings) -> Result<Vec<Pitch>, KernelError> {
    let frames = settings.grid().frames_on(0..samples.len() as i64);
    PitchTracker::new(settings)?.frames(samples, 0, frames)
}

/// A prepared pitch tracker.
pub struct PitchTracker {
    pub(super) settings: PitchSettings,
    /// Input samples a decimated sample.
    pub(super) factor: usize,
    pub(super) decimator: Resampler,
    /// Samples of a correlated stretch, at the decimated rate.
    pub(super) stretch: usize,
    /// Lags looked at, at the decimated rate, with one more on either side for the parabola.
    pub(super) lags: Range<usize>,
}

/// A way to read a frame.
#[derive(Clone, Copy)]
struct Candidate {
    /// 0 for unvoiced.
    frequency_hz: f32,
    /// Binary logarithm of the frequency.
    octaves: f32,
    correlation: f32,
    cost: f32,
}

/// The ways to read a frame; the first is "unvoiced".
struct Candidates {
    count: usize,
    list: [Candidate; MAX_CANDIDATES + 1],
}

impl Candidates {
    fn as_slice(&self) -> &[Candidate] {
        &self.list[..self.count]
    }

    fn write(&self, row: &mut [f32]) {
        for (slot, candidate) in row.chunks_exact_mut(CANDIDATE_FIELDS).zip(self.as_slice()) {
            slot.copy_from_slice(&[candidate.frequency_hz, candidate.correlation, candidate.cost]);
        }
    }

    fn read(row: &[f32]) -> Self {
        let candidate = |slot: usize| {
            let numbers = &row[slot * CANDIDATE_FIELDS..][..CANDIDATE_FIELDS];
            let frequency_hz = numbers[0];
            let octaves = if slot == 0 { 0.0 } else { frequency_hz.log2() };
            Candidate { frequency_hz, octaves, correlation: numbers[1], cost: numbers[2] }
        };
        let count = (1..=MAX_CANDIDATES).take_while(|slot| row[slot * CANDIDATE_FIELDS] > 0.0).count() + 1;
        Self { count, list: std::array::from_fn(candidate) }
    }
}

impl PitchTracker {
    /// Prepares the tracker.
    pub fn new(settings: &PitchSettings) -> Result<Self, KernelError> {
        settings.check()?;
        let factor = (settings.sample_rate_hz / ANALYSIS_RATE_HZ).max(1);
        let decimator = Resampler::new(&low_pass(factor))?;
        let rate_hz = f64::from(settings.sample_rate_hz) / f64::from(factor);
        let shortest = (rate_hz / settings.high_hz).floor() as usize;
        let longest = (rate_hz / settings.low_hz).ceil() as usize;
        let stretch = (CORRELATION_SECS * rate_hz).round() as usize;
        let lags = shortest.max(2) - 1..longest + 2;
        Ok(Self { settings: *settings, factor: factor as usize, decimator, stretch, lags })
    }

    /// The frames `frames` of a clip of which `samples` holds the part from clip index `first_sample` on.
    pub fn frames(
        &self,
        samples: &[f32],
        first_sample: i64,
        frames: Range<i64>,
    ) -> Result<Vec<Pitch>, KernelError> {
        require_finite("samples", samples)?;
        let rows = self.candidate_rows(samples, first_sample, self.with_context(frames));
        Ok(self.decide_all(&rows))
    }

    /// The frames whose candidates decide on `frames`.
    pub(crate) fn with_context(&self, frames: Range<i64>) -> Range<i64> {
        let context = self.context() as i64;
        frames.start - context..frames.end.max(frames.start) + context
    }

    /// Frames on both sides that a decision looks at.
    fn context(&self) -> usize {
        self.settings.grid().frames_in(self.settings.track_secs).max(1)
    }

    /// The candidates of each frame, in rows of [`CANDIDATE_ROW`].
    pub(super) fn candidate_rows(&self, samples: &[f32], first_sample: i64, frames: Range<i64>) -> Vec<f32> {
        let count = usize::try_from(frames.end - frames.start).unwrap_or(0);
        let mut output = vec![0.0; count * CANDIDATE_ROW];
        output.par_chunks_mut(FRAMES_A_BLOCK * CANDIDATE_ROW).enumerate().for_each(|(block, rows)| {
            let first = frames.start + (block * FRAMES_A_BLOCK) as i64;
            let frames = first..first + (rows.len() / CANDIDATE_ROW) as i64;
            let candidates = self.candidates(samples, first_sample, frames);
            candidates.iter().zip(rows.chunks_exact_mut(CANDIDATE_ROW)).for_each(|(all, row)| all.write(row));
        });
        output
    }

    /// The pitch of each frame that has its context among these rows of candidates.
    pub(crate) fn decide_all(&self, rows: &[f32]) -> Vec<Pitch> {
        let candidates: Vec<Candidates> = rows.chunks_exact(CANDIDATE_ROW).map(Candidates::read).collect();
        candidates.par_windows(2 * self.context() + 1).map(|around| self.decide(around)).collect()
    }

    /// The candidates of each frame.
    fn candidates(&self, samples: &[f32], first_sample: i64, frames: Range<i64>) -> Vec<Candidates> {
        let decimated_range = self.decimated_range(&frames);
        let first = decimated_range.start;
        let mut decimated = vec![0.0; (decimated_range.end - first) as usize];
        self.decimator.outputs_into(samples, first_sample, first, &mut decimated);
        let mut segment = vec![0.0; self.segment_length()];
        frames
            .map(|frame| {
                read_frame(&decimated, first, self.segment_start(frame), &mut segment);
                let mean = segment.iter().sum::<f32>() / segment.len() as f32;
                segment.iter_mut().for_each(|sample| *sample -= mean);
                self.frame_candidates(&segment)
            })
            .collect()
    }

    /// Decimated samples that a frame looks at.
    pub(super) fn segment_length(&self) -> usize {
        2 * ((self.stretch + self.lags.end).div_ceil(2) + 1)
    }

    /// Decimated clip index of the first sample that a frame looks at.
    pub(super) fn segment_start(&self, frame: i64) -> i64 {
        let hop = self.settings.grid().hop_samples() / self.factor as f64;
        (frame as f64 * hop).round() as i64 - self.segment_length() as i64 / 2
    }

    /// The decimated samples that these frames look at.
    pub(super) fn decimated_range(&self, frames: &Range<i64>) -> Range<i64> {
        self.segment_start(frames.start)..self.segment_start(frames.end) + self.segment_length() as i64
    }

    /// What a perfectly steady frame costs as "unvoiced" beyond its highest correlation.
    pub(super) fn unvoiced_cost(&self) -> f32 {
        1.0 - 2.0 * self.settings.voicing_threshold
    }

    fn frame_candidates(&self, segment: &[f32]) -> Candidates {
        let correlations = self.correlations(segment);
        let highest = correlations.iter().copied().fold(0.0, f32::max);
        let unvoiced = Candidate {
            frequency_hz: 0.0,
            octaves: 0.0,
            correlation: highest.min(1.0),
            cost: highest + self.unvoiced_cost(),
        };
        let mut candidates = Candidates { count: 1, list: [unvoiced; MAX_CANDIDATES + 1] };
        for (index, peak) in correlations.windows(3).enumerate() {
            let is_peak = peak[1] > peak[0] && peak[1] >= peak[2];
            if is_peak && peak[1] > (CANDIDATE_FRACTION * highest).max(LEAST_CORRELATION) {
                self.keep(&mut candidates, self.lags.start + index + 1, peak);
            }
        }
        candidates
    }

    /// Adds the peak at `lag`, in place of the costliest candidate when the list is full.
    fn keep(&self, candidates: &mut Candidates, lag: usize, peak: &[f32]) {
        let curvature = peak[0] - 2.0 * peak[1] + peak[2];
        let offset = if curvature < 0.0 { 0.5 * (peak[0] - peak[2]) / curvature } else { 0.0 };
        let correlation = (peak[1] - 0.25 * (peak[0] - peak[2]) * offset).clamp(0.0, 1.0);
        let rate_hz = self.settings.sample_rate_hz as f32 / self.factor as f32;
        let frequency_hz = rate_hz / (lag as f32 + offset);
        if !(self.settings.low_hz..=self.settings.high_hz).contains(&f64::from(frequency_hz)) {
            return;
        }
        let cost = 1.0 - correlation * (1.0 - LAG_COST * lag as f32 / self.lags.end as f32);
        let candidate = Candidate { frequency_hz, octaves: frequency_hz.log2(), correlation, cost };
        if candidates.count <= MAX_CANDIDATES {
            candidates.list[candidates.count] = candidate;
            candidates.count += 1;
            return;
        }
        let costliest = candidates.list[1..].iter_mut().max_by(|a, b| a.cost.total_cmp(&b.cost));
        if let Some(costliest) = costliest.filter(|costliest| costliest.cost > cost) {
            *costliest = candidate;
        }
    }

    /// `phi(lag)` for each lag, around the middle of `segment`.
    fn correlations(&self, segment: &[f32]) -> Vec<f32> {
        let bias = self.stretch as f32 * QUIET_RMS * QUIET_RMS;
        let energies = running_energies(segment, self.stretch);
        self.lags
            .clone()
            .map(|lag| {
                let from = (segment.len() - self.stretch - lag) / 2;
                let (x, y) =
                    (&segment[from..from + self.stretch], &segment[from + lag..from + lag + self.stretch]);
                dot(x, y) / ((energies[from] + bias) * (energies[from + lag] + bias)).sqrt()
            })
            .collect()
    }

    /// The reading of the middle frame on the cheapest path through `around`.
    fn decide(&self, around: &[Candidates]) -> Pitch {
        let middle = around.len() / 2;
        let before = self.path_costs(around[..=middle].iter());
        let after = self.path_costs(around[middle..].iter().rev());
        let candidates = around[middle].as_slice();
        let total = |index: usize| before[index] + after[index] - candidates[index].cost;
        let best = (1..candidates.len())
            .fold(0, |best, index| if total(index) < total(best) { index } else { best });
        Pitch { frequency_hz: candidates[best].frequency_hz, voicing: candidates[best].correlation }
    }

    /// Cost of the cheapest path to each candidate of the last frame.
    fn path_costs<'a>(&self, frames: impl Iterator<Item = &'a Candidates>) -> [f32; MAX_CANDIDATES + 1] {
        let mut costs = [0.0; MAX_CANDIDATES + 1];
        let mut previous: &[Candidate] = &[];
        for frame in frames {
            let mut next = costs;
            for (slot, candidate) in next.iter_mut().zip(frame.as_slice()) {
                let ways =
                    previous.iter().zip(&costs).map(|(from, cost)| cost + self.change_cost(from, candidate));
                let cheapest = ways.fold(f32::INFINITY, f32::min);
                *slot = candidate.cost + if previous.is_empty() { 0.0 } else { cheapest };
            }
            (costs, previous) = (next, frame.as_slice());
        }
        costs
    }

    fn change_cost(&self, from: &Candidate, to: &Candidate) -> f32 {
        let per_hop = (0.010 / self.settings.hop_secs) as f32;
        match (from.frequency_hz > 0.0, to.frequency_hz > 0.0) {
            (true, true) => per_hop * OCTAVE_JUMP_COST * (from.octaves - to.octaves).abs(),
            (false, false) => 0.0,
            _ => per_hop * VOICING_CHANGE_COST,
        }
    }
}

/// Energy of each stretch of `length` samples: `[segment - length + 1]`.
fn running_energies(segment: &[f32], length: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; segment.len() + 1];
    for (index, sample) in segment.iter().enumerate() {
        sums[index + 1] = sums[index] + f64::from(*sample) * f64::from(*sample);
    }
    (0..=segment.len() - length).map(|from| (sums[from + length] - sums[from]) as f32).collect()
}

/// A low-pass that keeps every `factor`-th sample and passes most of the new band; only the ratio of its rates counts.
fn low_pass(factor: u32) -> ResampleSettings {
    ResampleSettings { input_hz: factor, output_hz: 1, zero_crossings: 6, passband: 0.8, kaiser_beta: 4.5 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Eight harmonics of a fundamental that may move.
    fn voice(rate_hz: u32, secs: f64, fundamental_hz: impl Fn(f64) -> f64) -> Vec<f32> {
        let mut turns = 0.0;
        (0..(secs * f64::from(rate_hz)) as usize)
            .map(|n| {
                turns += fundamental_hz(n as f64 / f64::from(rate_hz)) / f64::from(rate_hz);
                let harmonics =
                    (1..=8).map(|k| (std::f64::consts::TAU * turns * f64::from(k)).sin() / f64::from(k));
                (0.1 * harmonics.sum::<f64>()) as f32
            })
            .collect()
    }

    #[test]
    fn steady_voices_have_their_fundamental() {
        for sample_rate_hz in [8000, 16_000, 22_050, 48_000] {
            for fundamental_hz in [70.0, 110.0, 180.0, 250.0, 420.0] {
                let settings = PitchSettings { sample_rate_hz, ..PitchSettings::default() };
                let tracked = pitch(&voice(sample_rate_hz, 0.5, |_| fundamental_hz), &settings).unwrap();
                for frame in &tracked[5..45] {
                    let error = f64::from(frame.frequency_hz) / fundamental_hz - 1.0;
                    assert!(error.abs() < 0.01, "{sample_rate_hz} {fundamental_hz}: {frame:?}");
                    assert!(frame.voicing > 0.9, "{frame:?}");
                }
            }
        }
    }

    #[test]
    fn gliding_voices_are_followed() {
        let glide = |secs: f64| 120.0 + 160.0 * secs;
        let tracked = pitch(&voice(16_000, 1.0, glide), &PitchSettings::default()).unwrap();
        for (index, frame) in tracked.iter().enumerate().take(95).skip(5) {
            let expected = glide(index as f64 * 0.01);
            assert!(
                (f64::from(frame.frequency_hz) / expected - 1.0).abs() < 0.015,
                "{index}: {frame:?} {expected}"
            );
        }
    }

    #[test]
    fn noise_and_silence_are_unvoiced() {
        let random = Random::new(5, 0);
        let noise: Vec<f32> = (0..16_000).map(|n| 0.1 * random.normal(n)).collect();
        let voiced = |samples: &[f32]| {
            let tracked = pitch(samples, &PitchSettings::default()).unwrap();
            tracked.iter().filter(|frame| frame.frequency_hz > 0.0).count() as f64 / tracked.len() as f64
        };
        assert!(voiced(&noise) < 0.05, "{}", voiced(&noise));
        assert_eq!(voiced(&[0.0; 16_000]), 0.0);
        let constant = pitch(&[0.25; 16_000], &PitchSettings::default()).unwrap();
        assert!(constant[5..95].iter().all(|frame| frame.frequency_hz == 0.0));
    }

    #[test]
    fn windows_give_the_values_of_the_whole() {
        for sample_rate_hz in [16_000, 44_100] {
            let settings = PitchSettings { sample_rate_hz, ..PitchSettings::default() };
            let samples = voice(sample_rate_hz, 2.0, |secs| 100.0 + 40.0 * (7.0 * secs).sin());
            let whole = pitch(&samples, &settings).unwrap();
            let margin = (0.2 * f64::from(sample_rate_hz)) as i64;
            let (first, last) = (60, 110);
            let from = settings.grid().centre_of(first) - margin;
            let to = settings.grid().centre_of(last) + margin;
            let tracker = PitchTracker::new(&settings).unwrap();
            let part = tracker.frames(&samples[from as usize..to as usize], from, first..last).unwrap();
            assert_eq!(part, whole[first as usize..last as usize]);
        }
    }

    #[test]
    fn bad_settings_are_named() {
        let fails = |settings: PitchSettings, name: &str| {
            let message = pitch(&[0.0; 10], &settings).unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        };
        fails(PitchSettings { sample_rate_hz: 100, ..PitchSettings::default() }, "sample_rate_hz");
        fails(PitchSettings { sample_rate_hz: u32::MAX, ..PitchSettings::default() }, "sample_rate_hz");
        fails(PitchSettings { low_hz: 5.0, ..PitchSettings::default() }, "low_hz");
        fails(PitchSettings { high_hz: 5000.0, ..PitchSettings::default() }, "high_hz");
        fails(PitchSettings { hop_secs: f64::NAN, ..PitchSettings::default() }, "hop_secs");
        fails(PitchSettings { voicing_threshold: 2.0, ..PitchSettings::default() }, "voicing_threshold");
        fails(PitchSettings { track_secs: f64::NAN, ..PitchSettings::default() }, "track_secs");
        assert_eq!(pitch(&[], &PitchSettings::default()).unwrap(), vec![]);
        assert_eq!(pitch(&[0.5], &PitchSettings::default()).unwrap().len(), 1);
    }
}
