//! The analysis on plain slices.

use crate::KernelError;
use crate::frames::{FrameGrid, read_frame};
use crate::log_mel::hann_window;
use crate::pitch::{Pitch, PitchSettings, PitchTracker};
use rayon::prelude::*;
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::ops::Range;
use std::sync::Arc;

/// Lowest energy that is told apart, in decibels of full scale.
pub(super) const ENERGY_FLOOR_DB: f32 = -100.0;
/// Length of the Hann window.
const WINDOW_SECS: f64 = 0.025;
/// Distance to the energy on both sides over which a nucleus is the highest.
const PEAK_SECS: f64 = 0.05;
/// Distance within which the energy must dip on both sides of a nucleus.
const DIP_SECS: f64 = 0.12;
/// Depth of those dips.
const DIP_DB: f32 = 2.0;
/// Distance within which the loudest moment is looked for.
const LOUDEST_SECS: f64 = 0.5;
/// A nucleus is at most so much softer than the loudest moment.
const BELOW_LOUDEST_DB: f32 = 25.0;
/// A nucleus is at least so loud.
const QUIETEST_NUCLEUS_DB: f32 = -60.0;
/// Half the length of the Hann window over which nuclei are counted.
const RATE_SECS: f64 = 1.0;
/// A sum of magnitudes below this is silence.
pub(super) const SILENCE: f32 = 1e-9;
/// Smallest power that is told apart from none.
pub(super) const LEAST_POWER: f32 = 1e-20;
/// Frames that one worker computes at a stretch.
const FRAMES_A_BLOCK: usize = 256;

/// The prosody of a whole clip: `[n]` samples to `[frames, 6]`.
pub fn prosody(samples: &[f32], settings: &PitchSettings) -> Result<Vec<f32>, KernelError> {
    let frames = settings.grid().frames_on(0..samples.len() as i64);
    Prosody::new(settings)?.frames(samples, 0, frames)
}

/// A prepared prosody analysis.
pub struct Prosody {
    pub(super) grid: FrameGrid,
    pub(super) tracker: PitchTracker,
    pub(super) window: Vec<f32>,
    transform: Arc<dyn RealToComplex<f32>>,
}

/// What the spectrum and the window say of a frame.
#[derive(Clone, Copy, Default)]
pub(super) struct Timbre {
    pub(super) energy_db: f32,
    pub(super) centroid_hz: f32,
    pub(super) flux: f32,
}

impl Prosody {
    /// Seconds of audio on both sides that a frame depends on.
    pub const REACH_SECS: f64 = 2.25;

    /// Prepares the analysis.
    pub fn new(settings: &PitchSettings) -> Result<Self, KernelError> {
        let tracker = PitchTracker::new(settings)?;
        let length = (WINDOW_SECS * f64::from(settings.sample_rate_hz)).round() as usize;
        let transform = RealFftPlanner::new().plan_fft_forward(length.next_power_of_two());
        Ok(Self { grid: settings.grid(), tracker, window: hann_window(length), transform })
    }

    /// The frames `frames` of a clip, `[frames, 6]`, of which `samples` holds the part from clip index `first_sample`
    /// on.
    pub fn frames(
        &self,
        samples: &[f32],
        first_sample: i64,
        frames: Range<i64>,
    ) -> Result<Vec<f32>, KernelError> {
        let wide = self.with_margin(frames);
        let pitches = self.tracker.frames(samples, first_sample, wide.clone())?;
        Ok(self.rows(&pitches, &self.timbres(samples, first_sample, wide)))
    }

    /// The frames that these ones depend on.
    pub(super) fn with_margin(&self, frames: Range<i64>) -> Range<i64> {
        let margin = self.rate_reach() as i64;
        frames.start - margin..frames.end.max(frames.start) + margin
    }

    /// `[frames, 6]` of the frames that have their margin.
    pub(super) fn rows(&self, pitches: &[Pitch], timbres: &[Timbre]) -> Vec<f32> {
        let rates = self.rates(pitches, timbres);
        let margin = self.rate_reach();
        let row = |index: usize| {
            let (pitch, timbre) = (pitches[index], timbres[index]);
            [
                pitch.frequency_hz,
                pitch.voicing,
                timbre.energy_db,
                timbre.centroid_hz,
                timbre.flux,
                rates[index],
            ]
        };
        (margin..pitches.len() - margin).flat_map(row).collect()
    }

    /// Samples that enter the Fourier transform.
    pub(super) fn fft_size(&self) -> usize {
        self.transform.len()
    }

    /// Clip index of the first sample of a frame's window.
    pub(super) fn window_start(&self, frame: i64) -> i64 {
        self.grid.centre_of(frame) - (self.window.len() / 2) as i64
    }

    pub(super) fn timbres(&self, samples: &[f32], first_sample: i64, frames: Range<i64>) -> Vec<Timbre> {
        let count = usize::try_from(frames.end - frames.start).unwrap_or(0);
        let mut output = vec![Timbre::default(); count];
        output.par_chunks_mut(FRAMES_A_BLOCK).enumerate().for_each(|(block, slots)| {
            let first = frames.start + (block * FRAMES_A_BLOCK) as i64;
            let mut analysis = Analysis::new(self);
            analysis.advance(samples, first_sample, first - 1);
            for (frame, slot) in (first..).zip(slots) {
                *slot = analysis.advance(samples, first_sample, frame);
            }
        });
        output
    }

    /// Frames on both sides that the speaking rate of a frame depends on.
    fn rate_reach(&self) -> usize {
        let frames_in = |secs| self.grid.frames_in(secs);
        frames_in(RATE_SECS) + frames_in(LOUDEST_SECS).max(frames_in(DIP_SECS)).max(frames_in(PEAK_SECS)) + 3
    }

    /// Syllable nuclei a second, at each frame.
    fn rates(&self, pitches: &[Pitch], timbres: &[Timbre]) -> Vec<f32> {
        let energies: Vec<f32> = (0..timbres.len()).map(|index| smoothed_energy(timbres, index)).collect();
        let is_nucleus = |index: usize| self.is_nucleus(&energies, pitches, index);
        let nuclei: Vec<usize> = (0..energies.len()).filter(|&index| is_nucleus(index)).collect();
        let half = self.grid.frames_in(RATE_SECS).max(1);
        let kernel = hann_window(2 * half);
        // The Hann window of 2 * half frames sums to half.
        let scale = 1.0 / (half as f64 * self.grid.hop_secs) as f32;
        let mut rates = vec![0.0; energies.len()];
        for nucleus in nuclei {
            for (offset, weight) in kernel.iter().enumerate() {
                let slot = (nucleus + offset).checked_sub(half).and_then(|index| rates.get_mut(index));
                if let Some(slot) = slot {
                    *slot += weight * scale;
                }
            }
        }
        rates
    }

    fn is_nucleus(&self, energies: &[f32], pitches: &[Pitch], index: usize) -> bool {
        let energy = energies[index];
        let around = |secs: f64| {
            let reach = self.grid.frames_in(secs).max(1);
            (
                &energies[index.saturating_sub(reach)..index],
                &energies[index + 1..energies.len().min(index + 1 + reach)],
            )
        };
        let highest = |values: &[f32]| values.iter().copied().fold(ENERGY_FLOOR_DB, f32::max);
        let lowest = |values: &[f32]| values.iter().copied().fold(f32::INFINITY, f32::min);
        let (before, after) = around(PEAK_SECS);
        let is_peak =
            before.iter().all(|other| energy > *other) && after.iter().all(|other| energy >= *other);
        if !is_peak || energy < QUIETEST_NUCLEUS_DB || pitches[index].frequency_hz == 0.0 {
            return false;
        }
        let (before, after) = around(DIP_SECS);
        let dips = lowest(before).max(lowest(after)) <= energy - DIP_DB;
        let (before, after) = around(LOUDEST_SECS);
        dips && energy >= highest(before).max(highest(after)) - BELOW_LOUDEST_DB
    }
}

/// Binomially weighted energy of five frames, in decibels.
fn smoothed_energy(timbres: &[Timbre], index: usize) -> f32 {
    let energy = |offset: usize| {
        let neighbour = (index + offset).checked_sub(2).and_then(|index| timbres.get(index));
        neighbour.map_or(ENERGY_FLOOR_DB, |timbre| timbre.energy_db)
    };
    (energy(0) + 4.0 * energy(1) + 6.0 * energy(2) + 4.0 * energy(3) + energy(4)) / 16.0
}

/// Goes from frame to frame and remembers the last spectrum.
struct Analysis<'a> {
    prosody: &'a Prosody,
    frame: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    shape: Vec<f32>,
    last_shape: Vec<f32>,
}

impl<'a> Analysis<'a> {
    fn new(prosody: &'a Prosody) -> Self {
        let bins = prosody.transform.len() / 2 + 1;
        Self {
            prosody,
            frame: prosody.transform.make_input_vec(),
            spectrum: prosody.transform.make_output_vec(),
            scratch: prosody.transform.make_scratch_vec(),
            shape: vec![0.0; bins],
            last_shape: vec![0.0; bins],
        }
    }

    fn advance(&mut self, samples: &[f32], first_sample: i64, frame: i64) -> Timbre {
        let window = &self.prosody.window;
        read_frame(samples, first_sample, self.prosody.window_start(frame), &mut self.frame);
        self.frame[window.len()..].fill(0.0);
        self.frame.iter_mut().zip(window).for_each(|(sample, weight)| *sample *= weight);
        let power: f32 = self.frame.iter().map(|sample| sample * sample).sum();
        let weights: f32 = window.iter().map(|weight| weight * weight).sum();
        self.prosody
            .transform
            .process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch)
            .expect("the buffers were made by this transform");
        Timbre {
            energy_db: (10.0 * (power / weights).max(LEAST_POWER).log10()).max(ENERGY_FLOOR_DB),
            centroid_hz: self.take_shape(),
            flux: self.flux(),
        }
    }

    /// Normalises the magnitudes to a sum of 1 and gives the centroid.
    fn take_shape(&mut self) -> f32 {
        std::mem::swap(&mut self.shape, &mut self.last_shape);
        self.shape.iter_mut().zip(&self.spectrum).for_each(|(slot, bin)| *slot = bin.norm_sqr().sqrt());
        let sum: f32 = self.shape.iter().sum();
        if sum < SILENCE {
            self.shape.fill(0.0);
            return 0.0;
        }
        self.shape.iter_mut().for_each(|magnitude| *magnitude /= sum);
        let bin_hz = self.prosody.grid.sample_rate_hz as f32 / self.prosody.transform.len() as f32;
        self.shape.iter().enumerate().map(|(bin, share)| bin as f32 * bin_hz * share).sum()
    }

    fn flux(&self) -> f32 {
        let squares =
            self.shape.iter().zip(&self.last_shape).map(|(now, before)| (now - before) * (now - before));
        squares.sum::<f32>().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prosody::PROSODY_CHANNELS;
    use std::f64::consts::TAU;

    const ENERGY: usize = 2;
    const CENTROID: usize = 3;
    const FLUX: usize = 4;
    const RATE: usize = 5;

    fn tone(hz: f64, amplitude: f64, secs: f64) -> Vec<f32> {
        (0..(16_000.0 * secs) as usize)
            .map(|n| (amplitude * (TAU * hz * n as f64 / 16_000.0).sin()) as f32)
            .collect()
    }

    /// A voice of 130 Hz that swells and fades `per_sec` times a second.
    fn syllables(per_sec: f64, secs: f64) -> Vec<f32> {
        let envelope = |time: f64| 0.05 + 0.45 * (0.5 - 0.5 * (TAU * per_sec * time).cos()).powi(2);
        let voice = |time: f64| (1..6).map(|k| (TAU * 130.0 * time * f64::from(k)).sin() / 5.0).sum::<f64>();
        (0..(16_000.0 * secs) as usize)
            .map(|n| n as f64 / 16_000.0)
            .map(|time| (envelope(time) * voice(time)) as f32)
            .collect()
    }

    fn column(values: &[f32], column: usize) -> Vec<f32> {
        values.iter().skip(column).step_by(PROSODY_CHANNELS.len()).copied().collect()
    }

    #[test]
    fn tones_have_their_level_and_centroid() {
        let values = prosody(&tone(1000.0, 0.5, 0.5), &PitchSettings::default()).unwrap();
        for index in 5..45 {
            assert!((column(&values, ENERGY)[index] - 20.0 * (0.5 / 2.0_f32.sqrt()).log10()).abs() < 0.1);
            assert!((column(&values, CENTROID)[index] - 1000.0).abs() < 40.0);
            assert!(column(&values, FLUX)[index] < 0.01);
        }
    }

    #[test]
    fn silence_is_still() {
        let values = prosody(&[0.0; 16_000], &PitchSettings::default()).unwrap();
        assert!(values.chunks(6).all(|row| row == [0.0, 0.0, -100.0, 0.0, 0.0, 0.0]));
    }

    #[test]
    fn a_change_of_sound_has_flux() {
        let mut samples = tone(500.0, 0.3, 0.5);
        samples.extend(tone(3000.0, 0.3, 0.5));
        let flux = column(&prosody(&samples, &PitchSettings::default()).unwrap(), FLUX);
        let highest = (0..flux.len()).max_by(|&a, &b| flux[a].total_cmp(&flux[b])).unwrap();
        let change = flux[49..=52].iter().sum::<f32>();
        assert!(change > 0.2, "{change}");
        assert!((49..=52).contains(&highest) || highest < 2, "{highest}");
    }

    #[test]
    fn syllables_are_counted() {
        for per_sec in [3.0, 5.0] {
            let rates = column(&prosody(&syllables(per_sec, 5.0), &PitchSettings::default()).unwrap(), RATE);
            let middle = rates[150..350].iter().sum::<f32>() / 200.0;
            assert!((f64::from(middle) - per_sec).abs() < 0.3, "{per_sec}: {middle}");
        }
    }

    #[test]
    fn windows_give_the_values_of_the_whole() {
        let samples = syllables(4.0, 6.0);
        for (hop_secs, first, last) in [(0.01, 270, 300), (0.1, 27, 30), (0.03, 90, 100)] {
            let settings = PitchSettings { hop_secs, ..PitchSettings::default() };
            check_window(&samples, &settings, first, last);
        }
    }

    fn check_window(samples: &[f32], settings: &PitchSettings, first: i64, last: i64) {
        let whole = prosody(samples, settings).unwrap();
        let margin = (Prosody::REACH_SECS * 16_000.0) as i64;
        let (from, to) =
            (settings.grid().centre_of(first) - margin, settings.grid().centre_of(last) + margin);
        let part = Prosody::new(settings).unwrap();
        let part = part.frames(&samples[from as usize..to as usize], from, first..last).unwrap();
        assert_eq!(part, whole[first as usize * 6..last as usize * 6]);
    }

    #[test]
    fn short_clips_have_their_frames() {
        let settings = PitchSettings::default();
        assert!(prosody(&[], &settings).unwrap().is_empty());
        assert_eq!(prosody(&[0.1], &settings).unwrap().len(), 6);
        assert!(prosody(&[f32::INFINITY], &settings).unwrap_err().to_string().contains("index 0"));
    }
}
