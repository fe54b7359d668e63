//! The twins.

use super::{Drift, Hold, Segments};
use crate::gaussian::{LANES, normal_lanes};
use crate::random::Random;
use crate::simd::fused;
use crate::tensors::{numbers, of_f32, tensor_like};
use burn::backend::{Flex, TensorMetadata, tensor::FloatTensor};
use macerator::Simd;
use rayon::prelude::*;
use std::ops::Range;

/// Frames that a thread takes at a time.
const FRAMES: usize = 64;
/// Channels that share the four normal numbers of a draw.
pub(super) const GROUP: usize = 4;

/// Normal numbers of the channels of a frame, `channels` rounded up to whole draws.
#[inline(always)]
fn fill_normals(random: Random, frame: i64, row: &mut [f32]) {
    for (block, row) in row.chunks_mut(GROUP * LANES).enumerate() {
        let counters = std::array::from_fn(|lane| counter(frame, block * LANES + lane));
        let drawn = normal_lanes(&random.word_lanes(counters));
        for (lane, channels) in row.chunks_mut(GROUP).enumerate() {
            for (channel, numbers) in channels.iter_mut().zip(&drawn) {
                *channel = numbers[lane];
            }
        }
    }
}

/// The counter of a group of channels in a frame; frames lie within 2^39 of 0.
fn counter(frame: i64, group: usize) -> u64 {
    frame.cast_unsigned().wrapping_add((group as u64) << 40)
}

#[macerator::with_simd]
fn add_white<S: Simd>(rows: &mut [f32], amounts: &[f32], random: Random, first_frame: i64) {
    let channels = amounts.len();
    let mut noise = vec![0.0; channels.next_multiple_of(GROUP)];
    for (index, row) in rows.chunks_exact_mut(channels).enumerate() {
        fill_normals(random, first_frame + index as i64, &mut noise);
        for ((value, amount), noise) in row.iter_mut().zip(amounts).zip(&noise) {
            *value = fused::<S>(*amount, *noise, *value);
        }
    }
}

pub(crate) fn white_on_flex(
    track: FloatTensor<Flex>,
    amounts: FloatTensor<Flex>,
    random: Random,
    first_frame: i64,
) -> FloatTensor<Flex> {
    let (mut values, amounts) = (numbers(&of_f32(&track)).to_vec(), of_f32(&amounts));
    let amounts = numbers(&amounts);
    values.par_chunks_mut(FRAMES * amounts.len()).enumerate().for_each(|(block, rows)| {
        add_white(rows, amounts, random, first_frame + (block * FRAMES) as i64);
    });
    tensor_like(&track, track.shape(), values)
}

/// Adds the drift of the frames from `first_frame` on, which lie in one block, with the noise from `anchor` on.
#[macerator::with_simd]
fn add_drift<S: Simd>(
    rows: &mut [f32],
    amounts: &[f32],
    random: Random,
    first_frame: i64,
    anchor: i64,
    decay: f32,
) {
    let channels = amounts.len();
    let mut noise = vec![0.0; channels.next_multiple_of(GROUP)];
    let mut drift = vec![0.0; channels];
    let last = first_frame + (rows.len() / channels) as i64;
    for frame in anchor..last {
        fill_normals(random, frame, &mut noise);
        for (drift, noise) in drift.iter_mut().zip(&noise) {
            *drift = fused::<S>(decay, *drift, *noise);
        }
        if frame >= first_frame {
            let row = &mut rows[(frame - first_frame) as usize * channels..][..channels];
            for ((value, amount), drift) in row.iter_mut().zip(amounts).zip(&drift) {
                *value = fused::<S>(*amount, *drift, *value);
            }
        }
    }
}

/// The frames of a window that lie in each block of a drift, with the first frame of the block.
pub(super) fn blocks_of(first_frame: i64, frames: usize, block_frames: usize) -> Vec<(i64, Range<usize>)> {
    let (length, end) = (block_frames as i64, first_frame + frames as i64);
    let blocks = first_frame.div_euclid(length)..=(end - 1).div_euclid(length);
    let part = |block: i64| {
        let start = block * length;
        let from = start.max(first_frame) - first_frame;
        let to = (start + length).min(end) - first_frame;
        (start, from as usize..to as usize)
    };
    blocks.map(part).collect()
}

pub(crate) fn drift_on_flex(
    track: FloatTensor<Flex>,
    amounts: FloatTensor<Flex>,
    random: Random,
    first_frame: i64,
    drift: Drift,
) -> FloatTensor<Flex> {
    let frames = track.shape()[0];
    let (mut values, amounts) = (numbers(&of_f32(&track)).to_vec(), of_f32(&amounts));
    let amounts = numbers(&amounts);
    let mut rest = values.as_mut_slice();
    let mut parts = Vec::new();
    for (start, part) in blocks_of(first_frame, frames, drift.block_frames) {
        let (rows, after) = rest.split_at_mut(part.len() * amounts.len());
        rest = after;
        parts.push((start - drift.block_frames as i64, first_frame + part.start as i64, rows));
    }
    parts.into_par_iter().for_each(|(anchor, first_frame, rows)| {
        add_drift(rows, amounts, random, first_frame, anchor, drift.decay);
    });
    tensor_like(&track, track.shape(), values)
}

/// The frame of the bank that replaces a frame, if one does.
fn replaced_by(random: Random, frame: i64, hold: Hold, bank_frames: u32) -> Option<usize> {
    let start = |back: u32| {
        let [start, length, source, _] = random.words((frame - i64::from(back)).cast_unsigned());
        let lasts = back < hold.shortest + below(length, hold.lengths);
        (start >> 8 < hold.below && lasts).then(|| below(source, bank_frames) as usize)
    };
    (0..hold.longest()).find_map(start)
}

/// A number below `count` of a random word.
fn below(word: u32, count: u32) -> u32 {
    ((u64::from(word) * u64::from(count)) >> 32) as u32
}

pub(crate) fn replace_on_flex(
    track: FloatTensor<Flex>,
    bank: FloatTensor<Flex>,
    random: Random,
    first_frame: i64,
    hold: Hold,
) -> FloatTensor<Flex> {
    let [bank_frames, channels] = bank.shape().dims::<2>();
    let (mut values, bank) = (numbers(&of_f32(&track)).to_vec(), of_f32(&bank));
    let bank = numbers(&bank);
    values.par_chunks_exact_mut(channels).enumerate().with_min_len(FRAMES).for_each(|(index, row)| {
        if let Some(source) = replaced_by(random, first_frame + index as i64, hold, bank_frames as u32) {
            row.copy_from_slice(&bank[source * channels..][..channels]);
        }
    });
    tensor_like(&track, track.shape(), values)
}

pub(crate) fn rotate_on_flex(
    emotion: FloatTensor<Flex>,
    random: Random,
    segments: Segments,
) -> FloatTensor<Flex> {
    let emotions = emotion.shape()[1];
    let mut values = numbers(&of_f32(&emotion)).to_vec();
    values.par_chunks_exact_mut(emotions).enumerate().with_min_len(FRAMES).for_each(|(index, row)| {
        let passed = u64::from(segments.passed) + index as u64;
        let segment = segments.first + (passed / u64::from(segments.frames)) as i64;
        let [wrong, places, ..] = random.words(segment.cast_unsigned());
        if wrong >> 8 < segments.below {
            row.rotate_left(1 + below(places, emotions as u32 - 1) as usize);
        }
    });
    tensor_like(&emotion, emotion.shape(), values)
}

/// Weighted sums of the frames around some frames; `first` is where the first tap of the first of them lies.
#[macerator::with_simd]
fn sum_taps<S: Simd>(track: &[f32], taps: &[f32], first: i64, rows: &mut [f32], channels: usize) {
    let last = (track.len() / channels - 1) as i64;
    for (index, row) in rows.chunks_exact_mut(channels).enumerate() {
        for (tap, weight) in taps.iter().enumerate() {
            let source = (first + (index + tap) as i64).clamp(0, last) as usize;
            for (sum, value) in row.iter_mut().zip(&track[source * channels..][..channels]) {
                *sum = fused::<S>(*weight, *value, *sum);
            }
        }
    }
}

pub(crate) fn taps_on_flex(
    track: FloatTensor<Flex>,
    taps: FloatTensor<Flex>,
    first: i64,
    frames: usize,
) -> FloatTensor<Flex> {
    let channels = track.shape()[1];
    let (values, taps) = (of_f32(&track), of_f32(&taps));
    let mut summed = vec![0.0; frames * channels];
    summed.par_chunks_mut(FRAMES * channels).enumerate().for_each(|(block, rows)| {
        sum_taps(numbers(&values), numbers(&taps), first + (block * FRAMES) as i64, rows, channels);
    });
    tensor_like(&track, [frames, channels], summed)
}
