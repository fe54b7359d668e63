//! What random filters find in the mel spectrum: texture that hand-made measures miss.
//!
//! A fixed set of random, zero-mean filters over neighbouring bands and dilated time is laid over the spectrum; of
//! each response the share above zero, the highest value and the deviation are kept. The idea and the pooling are
//! ROCKET's (Dempster, Petitjean and Webb 2020). The filters are drawn from the counter-based generator, so they need
//! no storage.

use super::frames::{BANDS, VoiceFrames};
use esarm_kernels::random::Random;
use rayon::prelude::*;
use std::ops::Range;

/// Number of filters.
const FILTERS: usize = 400;
/// Taps of a filter over time.
const TAPS: usize = 9;
/// Bands that filters see, each the mean of two coarse ones.
const TEXTURE_BANDS: usize = BANDS / 2;
/// Most bands that a filter spans.
const MAX_SPAN: u32 = 5;
/// Values kept of each response.
const POOLS: usize = 3;
/// Levels further below the loudest within [`FLOOR_REACH_FRAMES`] count as this, in dB.
const RANGE_DB: f32 = 60.0;
/// Frames on both sides whose loudest band sets the floor.
const FLOOR_REACH_FRAMES: usize = 32;
/// Sets the filters apart from every other use of the generator.
const STREAM: u64 = 0x7465_7874;

/// Number of values of a stretch.
pub(crate) const TEXTURES: usize = FILTERS * POOLS;
/// Most frames between two taps.
const MAX_DILATION: usize = 8;
/// Farthest tap from a filter's centre, in frames.
const TAP_REACH_FRAMES: usize = TAPS / 2 * MAX_DILATION;
/// How far around a frame the spectrum matters for its responses, in frames.
pub(crate) const REACH_FRAMES: usize = FLOOR_REACH_FRAMES + TAP_REACH_FRAMES;

struct Filter {
    first_band: usize,
    bands: usize,
    dilation: usize,
    /// `[TAPS, bands]`, summing to 0.
    weights: Vec<f32>,
}

/// The responses of all filters to the frames of some audio: `[FILTERS, frames]`.
pub(crate) struct Textures {
    responses: Vec<f32>,
    frame_count: usize,
}

impl Textures {
    pub(crate) fn new(frames: &VoiceFrames) -> Self {
        let frame_count = frames.count();
        let levels = padded_levels(frames);
        let mut responses = vec![0.0; FILTERS * frame_count];
        let rows = responses.par_chunks_exact_mut(frame_count.max(1)).enumerate();
        rows.for_each(|(index, row)| Filter::draw(index as u64).respond(&levels, row));
        Self { responses, frame_count }
    }

    /// The pooled responses over the frames `range`: `[TEXTURES]`.
    pub(crate) fn pooled(&self, range: Range<usize>) -> Vec<f32> {
        let rows = self.responses.chunks_exact(self.frame_count.max(1));
        rows.flat_map(|row| pool(&row[range.clone()])).collect()
    }
}

/// Share above zero, highest value and deviation, in lanes so that they can be vectorised and are the same on every
/// machine.
fn pool(responses: &[f32]) -> [f32; POOLS] {
    const LANES: usize = 8;
    let count = responses.len().max(1) as f32;
    let mut positive = [0.0_f32; LANES];
    let mut highest = [f32::NEG_INFINITY; LANES];
    let mut sums = [0.0_f32; LANES];
    let mut squares = [0.0_f32; LANES];
    let (blocks, rest) = responses.as_chunks::<LANES>();
    for block in blocks.iter().map(<[f32; LANES]>::as_slice).chain([rest]) {
        for (lane, &response) in block.iter().enumerate() {
            positive[lane] += if response > 0.0 { 1.0 } else { 0.0 };
            highest[lane] = if response > highest[lane] { response } else { highest[lane] };
            sums[lane] += response;
            squares[lane] += response * response;
        }
    }
    let mean = sums.iter().sum::<f32>() / count;
    let variance = squares.iter().sum::<f32>() / count - mean * mean;
    let highest = highest.into_iter().fold(f32::NEG_INFINITY, f32::max);
    [positive.iter().sum::<f32>() / count, highest, variance.max(0.0).sqrt()]
}

impl Filter {
    fn draw(index: u64) -> Self {
        let random = Random::new(STREAM, index);
        let bands = 1 + random.below(0, MAX_SPAN) as usize;
        let first_band = random.below(1, (TEXTURE_BANDS - bands + 1) as u32) as usize;
        let dilation = random.between(2, 0.0, 3.0).exp2() as usize;
        let mut weights: Vec<f32> = (0..(TAPS * bands) as u64).map(|tap| random.normal(3 + tap)).collect();
        let mean = weights.iter().sum::<f32>() / weights.len() as f32;
        let scale = (weights.len() as f32).sqrt();
        weights.iter_mut().for_each(|weight| *weight = (*weight - mean) / scale);
        Self { first_band, bands, dilation, weights }
    }

    /// Adds the filter's response to `row`, `[frames]`, from padded levels.
    fn respond(&self, levels: &[f32], row: &mut [f32]) {
        let padded = row.len() + 2 * TAP_REACH_FRAMES;
        for (tap, weights) in self.weights.chunks_exact(self.bands).enumerate() {
            let offset = TAP_REACH_FRAMES + tap * self.dilation - TAPS / 2 * self.dilation;
            for (band, weight) in weights.iter().enumerate() {
                let levels = &levels[(self.first_band + band) * padded + offset..][..row.len()];
                row.iter_mut().zip(levels).for_each(|(response, level)| *response += weight * level);
            }
        }
    }
}

/// Levels in dB of the texture bands, raised to [`RANGE_DB`] below the loudest around, with the first and last frame
/// repeated [`TAP_REACH_FRAMES`] times: `[TEXTURE_BANDS, frames + 2 * TAP_REACH_FRAMES]`.
fn padded_levels(frames: &VoiceFrames) -> Vec<f32> {
    let count = frames.count();
    if count == 0 {
        return vec![0.0; TEXTURE_BANDS * 2 * TAP_REACH_FRAMES];
    }
    let floors = floors(frames);
    let mut levels = Vec::with_capacity(TEXTURE_BANDS * (count + 2 * TAP_REACH_FRAMES));
    for band in 0..TEXTURE_BANDS {
        levels.extend((0..count + 2 * TAP_REACH_FRAMES).map(|padded| {
            let index = padded.saturating_sub(TAP_REACH_FRAMES).min(count - 1);
            let pair = &frames.mel_db[index * BANDS + 2 * band..][..2];
            (0.5 * (pair[0] + pair[1])).max(floors[index])
        }));
    }
    levels
}

/// [`RANGE_DB`] below the loudest band of the frames around each frame.
fn floors(frames: &VoiceFrames) -> Vec<f32> {
    let highest = |values: &[f32]| values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let tops: Vec<f32> = frames.mel_db.chunks_exact(BANDS).map(highest).collect();
    let around = |index: usize| {
        index.saturating_sub(FLOOR_REACH_FRAMES)..(index + FLOOR_REACH_FRAMES + 1).min(tops.len())
    };
    (0..tops.len()).map(|index| highest(&tops[around(index)]) - RANGE_DB).collect()
}
