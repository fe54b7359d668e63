//! One feature vector for a stretch of speech, from its frames.
//!
//! Everything is measured relative to the stretch's own speech level, so gain does not matter, and over its active
//! frames, so silence around the speech does not.

use super::frames::{BANDS, CEPSTRA, SHAPES, VoiceFrames};
use super::model::{Features, local};
use super::modulation::{BLOCK_FRAMES, BLOCK_HOP, MODULATIONS, Modulation};
use super::texture::Textures;
use rayon::prelude::*;
use std::ops::Range;

/// Frames further below the loudest than this are silent, in dB.
const ACTIVE_RANGE_DB: f32 = 30.0;
/// Band levels further below the speech level than this count as this, in dB.
const BAND_RANGE_DB: f32 = 60.0;
/// Voiced frames that a stretch needs to be judged.
const MIN_VOICED_FRAMES: usize = 12;
/// Values of [`summary`].
const SUMMARY: usize = 6;

/// Hand-made measures of a stretch: levels, cepstral motion, pitch, rhythm, flux, shape and modulation.
pub(crate) const MEASURES: usize = 3 * BANDS
    + 2 * CEPSTRA
    + (SUMMARY + 11)
    + 14
    + 2 * SUMMARY
    + SHAPES * SUMMARY
    + (SHAPES - 3) * 2
    + MODULATIONS;

/// Describes stretches of some audio.
pub(crate) struct FeatureReader {
    frames: VoiceFrames,
    textures: Textures,
    modulation: Modulation,
    /// Modulation of the blocks on the grid, from block number `first_block` on.
    blocks: Vec<Vec<f32>>,
    first_block: i64,
}

impl FeatureReader {
    pub(crate) fn new(frames: VoiceFrames) -> Self {
        let modulation = Modulation::new();
        let first_block = (frames.first_frame + BLOCK_HOP - 1).div_euclid(BLOCK_HOP);
        let last_start = frames.first_frame + frames.count() as i64 - BLOCK_FRAMES as i64;
        let blocks = (first_block..=last_start.div_euclid(BLOCK_HOP))
            .into_par_iter()
            .map(|block| modulation.block(&frames, (block * BLOCK_HOP - frames.first_frame) as usize))
            .collect();
        Self { textures: Textures::new(&frames), frames, modulation, blocks, first_block }
    }

    /// The features of a range of clip frames, as far as they are here; `None` where there is too little voice.
    pub(crate) fn stretch(&self, range: Range<i64>) -> Option<Features> {
        let speech = Speech::find(&self.frames, local(&range, self.frames.first_frame, self.frames.count()))?;
        let mut values = Vec::with_capacity(MEASURES);
        speech.spectrum(&mut values);
        speech.cepstrum_motion(&mut values);
        speech.pitch(&mut values);
        speech.rhythm(&mut values);
        speech.flux(&mut values);
        speech.shape(&mut values);
        self.modulations(&speech, &mut values);
        values.iter_mut().filter(|value| !value.is_finite()).for_each(|value| *value = 0.0);
        let textures = self.textures.pooled(speech.range.clone());
        Some(Features { measures: values, textures, voiced_frames: speech.voiced.len() })
    }

    /// Mean modulation power in dB over the blocks inside the speech, or of one block from its start.
    fn modulations(&self, speech: &Speech<'_>, values: &mut Vec<f32>) {
        let clip_frame = |index: usize| self.frames.first_frame + index as i64;
        let first = (clip_frame(speech.range.start) + BLOCK_HOP - 1).div_euclid(BLOCK_HOP);
        let last = (clip_frame(speech.range.end) - BLOCK_FRAMES as i64).div_euclid(BLOCK_HOP);
        let inside = (first..=last).filter_map(|block| {
            usize::try_from(block - self.first_block).ok().and_then(|index| self.blocks.get(index))
        });
        let mut sums = vec![0.0_f32; MODULATIONS];
        let mut count = 0;
        for block in inside {
            sums.iter_mut().zip(block).for_each(|(sum, power)| *sum += power);
            count += 1;
        }
        if count == 0 {
            sums = self.modulation.block(&self.frames, speech.range.start);
            count = 1;
        }
        values.extend(sums.iter().map(|sum| 10.0 * (sum / count as f32 + 1e-3).log10()));
    }
}

/// The speech in a stretch.
struct Speech<'a> {
    frames: &'a VoiceFrames,
    /// From the first to the last active frame.
    range: Range<usize>,
    /// Indices of active frames.
    active: Vec<usize>,
    /// Indices of active frames with a pitch.
    voiced: Vec<usize>,
    /// Mean power of the active frames, in dB.
    level_db: f32,
}

impl<'a> Speech<'a> {
    fn find(frames: &'a VoiceFrames, range: Range<usize>) -> Option<Self> {
        if range.is_empty() {
            return None;
        }
        let top = quantiles(&frames.level_db[range.clone()], [0.95])[0];
        let active: Vec<usize> =
            range.filter(|&index| frames.level_db[index] > top - ACTIVE_RANGE_DB).collect();
        let voiced: Vec<usize> =
            active.iter().copied().filter(|&index| frames.semitones[index].is_some()).collect();
        let (first, last) = (*active.first()?, *active.last()?);
        let power: f32 = active.iter().map(|&index| 10_f32.powf(frames.level_db[index] / 10.0)).sum();
        let level_db = 10.0 * (power / active.len() as f32).log10();
        let enough = voiced.len() >= MIN_VOICED_FRAMES;
        enough.then_some(Self { frames, range: first..last + 1, active, voiced, level_db })
    }

    /// Mean level of each band over voiced and active frames, and its deviation over active frames.
    fn spectrum(&self, values: &mut Vec<f32>) {
        // Band levels are densities per Hz; the speech level is spread over about 4 kHz, which is 36 dB.
        let reference = self.level_db - 36.0;
        let level = |index: usize, band: usize| {
            (self.frames.mel_db[index * BANDS + band] - reference).max(-BAND_RANGE_DB)
        };
        let mut deviations = [0.0; BANDS];
        let mut means = [0.0; BANDS];
        for band in 0..BANDS {
            values.push(mean(self.voiced.iter().map(|&index| level(index, band))));
            (means[band], deviations[band]) =
                mean_and_deviation(self.active.iter().map(|&index| level(index, band)));
        }
        values.extend(means);
        values.extend(deviations);
    }

    /// Deviation and mean size of the cepstrum's slopes.
    fn cepstrum_motion(&self, values: &mut Vec<f32>) {
        for column in 0..CEPSTRA {
            let slopes =
                self.active.iter().map(|&index| self.frames.cepstrum_slopes[index * CEPSTRA + column]);
            values.push(mean_and_deviation(slopes.clone()).1);
            values.push(mean(slopes.map(f32::abs)));
        }
    }

    /// Level, spread, direction and steadiness of the pitch in semitones.
    fn pitch(&self, values: &mut Vec<f32>) {
        let pitch = |index: usize| self.frames.semitones[index].unwrap_or_default();
        let contour: Vec<f32> = self.voiced.iter().map(|&index| pitch(index)).collect();
        values.extend(summary(&contour));
        let neighbours = self.voiced.windows(2).filter(|pair| pair[1] == pair[0] + 1);
        let mut steps: Vec<f32> = neighbours.map(|pair| pitch(pair[1]) - pitch(pair[0])).collect();
        if steps.is_empty() {
            steps.push(0.0);
        }
        let sizes: Vec<f32> = steps.iter().map(|step| step.abs()).collect();
        let [low, high] = quantiles(&steps, [0.1, 0.9]);
        let [lowest, highest] = quantiles(&contour, [0.05, 0.95]);
        values.extend([mean(sizes.iter().copied()), mean_and_deviation(steps.iter().copied()).1, low, high]);
        values.push(quantiles(&sizes, [0.5])[0]);
        values.push(mean(sizes.iter().map(|size| f32::from(*size > 1.5))));
        values.push(highest - lowest);
        let fifth = (contour.len() / 5).max(1);
        values.push(
            mean(contour[contour.len() - fifth..].iter().copied()) - mean(contour[..fifth].iter().copied()),
        );
        values.push(100.0 * slope(self.voiced.iter().map(|index| index - self.range.start), &contour));
        values.push(roughness(&contour));
        values.push(mean(steps.iter().map(|step| f32::from(*step > 0.0))));
    }

    /// Syllable rate, loudness dynamics and the lengths of voiced and unvoiced runs.
    fn rhythm(&self, values: &mut Vec<f32>) {
        let loudness = &self.frames.loudness[self.range.clone()];
        let average = mean(loudness.iter().copied()).max(1e-20);
        let loudness: Vec<f32> = loudness.iter().map(|value| value / average).collect();
        let secs = loudness.len() as f32 / 100.0;
        let peaks = syllable_peaks(&smoothed(&loudness, 3));
        let gaps: Vec<f32> = peaks.windows(2).map(|pair| (pair[1] - pair[0]) as f32).collect();
        let (gap_mean, gap_deviation) =
            if gaps.len() < 2 { (20.0, 0.0) } else { mean_and_deviation(gaps.iter().copied()) };
        values.extend([peaks.len() as f32 / secs, gap_mean, gap_deviation]);
        values.push(mean_and_deviation(loudness.iter().copied()).1);
        values.extend(quantiles(&loudness, [0.2, 0.5, 0.8]));
        values.push(mean(loudness.windows(2).map(|pair| (pair[1] - pair[0]).abs())));
        let voiced = |index: usize| {
            self.frames.semitones[index].is_some() && self.voiced.binary_search(&index).is_ok()
        };
        let (voiced_runs, unvoiced_runs) = runs(self.range.clone().map(voiced));
        let (length, deviation) = mean_and_deviation(voiced_runs.iter().copied());
        values.extend([length, deviation, voiced_runs.len() as f32 / secs]);
        let (length, deviation) = mean_and_deviation(unvoiced_runs.iter().copied());
        values.extend([length, deviation, 1.0 - self.active.len() as f32 / self.range.len() as f32]);
    }

    /// How fast the spectrum changes, over active and over voiced frames.
    fn flux(&self, values: &mut Vec<f32>) {
        for indices in [&self.active, &self.voiced] {
            let flux: Vec<f32> = indices.iter().map(|&index| self.frames.flux_db[index]).collect();
            values.extend(summary(&flux));
        }
    }

    /// Spectral shape over voiced frames, and of unvoiced ones its mean and deviation, and the periodicity.
    fn shape(&self, values: &mut Vec<f32>) {
        let column = |indices: &[usize], column: usize| -> Vec<f32> {
            indices.iter().map(|&index| self.frames.shapes[index * SHAPES + column]).collect()
        };
        for measure in 0..SHAPES {
            values.extend(summary(&column(&self.voiced, measure)));
        }
        let unvoiced: Vec<usize> =
            self.active.iter().copied().filter(|&index| self.frames.semitones[index].is_none()).collect();
        // The harmonics at the end of the list need a pitch.
        for measure in 0..SHAPES - 3 {
            let (mean, deviation) = mean_and_deviation(column(&unvoiced, measure).into_iter());
            values.extend([mean, deviation]);
        }
    }
}

/// Mean, deviation, 10 %, 50 % and 90 % quantile, and skewness.
fn summary(values: &[f32]) -> [f32; SUMMARY] {
    let (mean, deviation) = mean_and_deviation(values.iter().copied());
    let [low, middle, high] = quantiles(values, [0.1, 0.5, 0.9]);
    let cubes: f32 = values.iter().map(|value| ((value - mean) / (deviation + 1e-6)).powi(3)).sum();
    [mean, deviation, low, middle, high, cubes / values.len().max(1) as f32]
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = values.fold((0.0_f64, 0), |(sum, count), value| (sum + f64::from(value), count + 1));
    if count == 0 { 0.0 } else { (sum / f64::from(count)) as f32 }
}

fn mean_and_deviation(values: impl Iterator<Item = f32>) -> (f32, f32) {
    let (mut count, mut sum, mut squares) = (0.0_f64, 0.0, 0.0);
    for value in values.map(f64::from) {
        count += 1.0;
        sum += value;
        squares += value * value;
    }
    if count == 0.0 {
        return (0.0, 0.0);
    }
    let mean = sum / count;
    (mean as f32, (squares / count - mean * mean).max(0.0).sqrt() as f32)
}

/// Linearly interpolated quantiles; 0 of nothing.
fn quantiles<const N: usize>(values: &[f32], fractions: [f32; N]) -> [f32; N] {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    fractions.map(|fraction| {
        let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
        let position = fraction * last as f32;
        let (below, above) = (position.floor() as usize, position.ceil() as usize);
        sorted[below] + (sorted[above] - sorted[below]) * (position - below as f32)
    })
}

/// Least-squares slope of values over frame indices.
fn slope(indices: impl Iterator<Item = usize> + Clone, values: &[f32]) -> f32 {
    let centre = mean(indices.clone().map(|index| index as f32));
    let (mut rise, mut run) = (0.0, 0.0);
    for (index, value) in indices.zip(values) {
        let distance = index as f32 - centre;
        rise += distance * value;
        run += distance * distance;
    }
    if run > 0.0 { rise / run } else { 0.0 }
}

/// Deviation of values from their mean over five neighbours.
fn roughness(values: &[f32]) -> f32 {
    let smooth = smoothed(values, 2);
    mean_and_deviation(values.iter().zip(smooth).map(|(value, smooth)| value - smooth)).1
}

/// Mean over `reach` neighbours on both sides; the ends repeat.
fn smoothed(values: &[f32], reach: i64) -> Vec<f32> {
    let last = values.len() as i64 - 1;
    let at = |index: i64| values[index.clamp(0, last) as usize];
    (0..=last).map(|index| mean((index - reach..=index + reach).map(at))).collect()
}

/// Indices of loudness peaks above 0.6 of the mean.
fn syllable_peaks(loudness: &[f32]) -> Vec<usize> {
    let is_peak = |window: &[f32]| window[1] > window[0] && window[1] >= window[2] && window[1] > 0.6;
    let peaks = loudness.windows(3).enumerate().filter(|(_, window)| is_peak(window));
    peaks.map(|(index, _)| index + 1).collect()
}

/// Lengths of the runs of true and of false.
fn runs(flags: impl Iterator<Item = bool>) -> (Vec<f32>, Vec<f32>) {
    let (mut on, mut off) = (Vec::new(), Vec::new());
    let mut last = None;
    for flag in flags {
        let list = if flag { &mut on } else { &mut off };
        match list.last_mut() {
            Some(length) if last == Some(flag) => *length += 1.0,
            _ => list.push(1.0),
        }
        last = Some(flag);
    }
    (on, off)
}
