//! The kernels.

use super::twin::{GROUP, blocks_of};
use super::{Drift, Hold, Segments};
use crate::gaussian::cube::normals;
use crate::random::Random;
use crate::random::cube::{random_words, source_words};
use crate::tensors::{contiguous, empty_like, one_cube_each, one_unit_each};
use burn::backend::TensorMetadata;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Frames that a cube scans at a time.
const SCANNED: u32 = 128;
/// Frames that a cube replaces at a time.
const ROWS: u32 = 32;
/// Units that copy them.
const COPIERS: u32 = 128;

/// A source of random numbers and the counter of the first frame.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
struct Source {
    seed: u32,
    seed_high: u32,
    stream: u32,
    stream_high: u32,
    first: u32,
    first_high: u32,
}

fn source_arg(random: Random, first: i64) -> SourceLaunch {
    let [seed, seed_high, stream, stream_high] = source_words(random);
    let first = first.cast_unsigned();
    SourceLaunch::new(seed, seed_high, stream, stream_high, first as u32, (first >> 32) as u32)
}

/// The words of a group of channels `index` counters after the first.
#[cube]
fn words_at(source: &Source, index: u32, group: u32) -> Array<u32> {
    let counter = source.first + index;
    let mut counter_high = source.first_high + (group << 8);
    if counter < index {
        counter_high += 1;
    }
    random_words(counter, counter_high, source.seed, source.seed_high, source.stream, source.stream_high)
}

/// A number below `count` of a random word.
#[cube]
fn below(word: u32, count: u32) -> u32 {
    word.mul_hi(count)
}

#[cube]
fn add<F: Float>(track: &Tensor<F>, output: &mut Tensor<F>, at: usize, amount: f32, noise: f32) {
    output[at] = F::cast_from(f32::cast_from(track[at]) + amount * noise);
}

/// One unit for each group of channels of a frame.
#[cube(launch)]
fn white<F: Float>(
    track: &Tensor<F>,
    amounts: &Tensor<F>,
    output: &mut Tensor<F>,
    source: Source,
    #[define(F)] _dtype: ElemType,
) {
    let channels = track.shape(1);
    let groups = channels.div_ceil(GROUP);
    let frame = ABSOLUTE_POS / groups;
    let group = ABSOLUTE_POS % groups;
    if frame >= track.shape(0) {
        terminate!();
    }
    let noise = normals(&words_at(&source, frame as u32, group as u32));
    #[unroll]
    for index in 0..GROUP {
        let channel = group * GROUP + index;
        if channel < channels {
            let amount = f32::cast_from(amounts[channel]);
            add::<F>(track, output, frame * channels + channel, amount, noise[index]);
        }
    }
}

/// One cube for each group of channels: the drift from `anchor` on, added from `first_row` up to `end_row` of the track,
/// [`SCANNED`] frames at a time by doubling distances (Hillis and Steele 1986). The source counts from the anchor.
#[cube(launch)]
fn drift<F: Float>(
    track: &Tensor<F>,
    amounts: &Tensor<F>,
    output: &mut Tensor<F>,
    source: Source,
    decay: f32,
    rows_before: u32,
    first_row: u32,
    end_row: u32,
    #[define(F)] _dtype: ElemType,
) {
    let channels = track.shape(1);
    let group = CUBE_POS;
    let unit = UNIT_POS as usize;
    let block = SCANNED as usize;
    let mut sums = Shared::<[f32]>::new_slice(GROUP * SCANNED as usize);
    let mut carried = Array::<f32>::new(GROUP);
    // The decay over the frames of the block up to this unit's.
    let mut faded = 1.0f32;
    for _ in 0..unit + 1 {
        faded *= decay;
    }
    let steps = (rows_before + end_row - first_row) as usize;
    let blocks = steps.div_ceil(block);
    for index in 0..blocks {
        let step = index * block + unit;
        let mut own = normals(&words_at(&source, step as u32, group as u32));
        let mut distance = 1usize;
        let mut factor = decay;
        while distance < block {
            #[unroll]
            for channel in 0..GROUP {
                sums[channel * block + unit] = own[channel];
            }
            sync_cube();
            if unit >= distance {
                #[unroll]
                for channel in 0..GROUP {
                    own[channel] += factor * sums[channel * block + unit - distance];
                }
            }
            sync_cube();
            factor *= factor;
            distance *= 2;
        }
        #[unroll]
        for channel in 0..GROUP {
            own[channel] += faded * carried[channel];
            sums[channel * block + unit] = own[channel];
        }
        sync_cube();
        #[unroll]
        for channel in 0..GROUP {
            carried[channel] = sums[channel * block + block - 1];
        }
        sync_cube();
        if step >= rows_before as usize && step < steps {
            let row = first_row as usize + step - rows_before as usize;
            #[unroll]
            for index in 0..GROUP {
                let channel = group * GROUP + index;
                if channel < channels {
                    let amount = f32::cast_from(amounts[channel]);
                    add::<F>(track, output, row * channels + channel, amount, own[index]);
                }
            }
        }
    }
}

/// One cube for [`ROWS`] frames: a unit for each finds its replacement, then all units copy.
#[cube(launch)]
fn replace<F: Float>(
    track: &Tensor<F>,
    bank: &Tensor<F>,
    output: &mut Tensor<F>,
    source: Source,
    start_below: u32,
    shortest: u32,
    lengths: u32,
    #[define(F)] _dtype: ElemType,
) {
    let frames = track.shape(0);
    let channels = track.shape(1);
    let rows = ROWS as usize;
    let unit = UNIT_POS as usize;
    let first = CUBE_POS * rows;
    let longest = shortest + lengths - 1;
    let bank_frames = bank.shape(0) as u32;
    let mut replacements = Shared::<[u32]>::new_slice(ROWS as usize);
    if unit < rows {
        let mut replacement = bank_frames;
        // The source starts as many frames early as the longest hold looks back.
        let mut back = 0u32;
        while back < longest {
            let drawn = words_at(&source, (first + unit) as u32 + longest - 1 - back, 0u32);
            if drawn[0] >> 8 < start_below && back < shortest + below(drawn[1], lengths) {
                replacement = below(drawn[2], bank_frames);
                back = longest;
            }
            back += 1;
        }
        replacements[unit] = replacement;
    }
    sync_cube();
    let mut index = unit;
    while index < rows * channels {
        let frame = first + index / channels;
        let channel = index % channels;
        if frame < frames {
            let at = frame * channels + channel;
            let replacement = replacements[index / channels];
            if replacement < bank_frames {
                output[at] = bank[replacement as usize * channels + channel];
            } else {
                output[at] = track[at];
            }
        }
        index += COPIERS as usize;
    }
}

/// One unit for each value of an emotion.
#[cube(launch)]
fn rotate<F: Float>(
    emotion: &Tensor<F>,
    output: &mut Tensor<F>,
    source: Source,
    passed: u32,
    frames: u32,
    wrong_below: u32,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= output.len() {
        terminate!();
    }
    let emotions = emotion.shape(1);
    let frame = ABSOLUTE_POS / emotions;
    let column = ABSOLUTE_POS % emotions;
    let drawn = words_at(&source, (passed + frame as u32) / frames, 0u32);
    let mut places = 0u32;
    if drawn[0] >> 8 < wrong_below {
        places = 1 + below(drawn[1], emotions as u32 - 1);
    }
    output[ABSOLUTE_POS] = emotion[frame * emotions + (column + places as usize) % emotions];
}

/// One unit for each value: a weighted sum over frames.
#[cube(launch)]
fn taps<F: Float>(
    track: &Tensor<F>,
    weights: &Tensor<F>,
    output: &mut Tensor<F>,
    first: i32,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= output.len() {
        terminate!();
    }
    let channels = track.shape(1);
    let last = track.shape(0) as i32 - 1;
    let channel = ABSOLUTE_POS % channels;
    let start = (ABSOLUTE_POS / channels) as i32 + first;
    let mut sum = 0.0f32;
    for tap in 0..weights.shape(0) {
        let frame = clamp(start + tap as i32, 0, last) as usize;
        sum += f32::cast_from(weights[tap]) * f32::cast_from(track[frame * channels + channel]);
    }
    output[ABSOLUTE_POS] = F::cast_from(sum);
}

pub(crate) fn white_on_cube(
    track: CubeTensor,
    amounts: CubeTensor,
    random: Random,
    first_frame: i64,
) -> CubeTensor {
    let (track, amounts) = (contiguous(track), contiguous(amounts));
    let output = empty_like(&track, track.shape());
    let [frames, channels] = track.shape().dims::<2>();
    let (cubes, units) = one_unit_each(&output, frames * channels.div_ceil(GROUP));
    let dtype = dtype_to_storage_type(output.dtype);
    white::launch(
        &output.client.clone(),
        cubes,
        units,
        track.into_tensor_arg(),
        amounts.into_tensor_arg(),
        output.clone().into_tensor_arg(),
        source_arg(random, first_frame),
        dtype,
    );
    output
}

pub(crate) fn drift_on_cube(
    track: CubeTensor,
    amounts: CubeTensor,
    random: Random,
    first_frame: i64,
    settings: Drift,
) -> CubeTensor {
    let (track, amounts) = (contiguous(track), contiguous(amounts));
    let output = empty_like(&track, track.shape());
    let [frames, channels] = track.shape().dims::<2>();
    let dtype = dtype_to_storage_type(output.dtype);
    for (start, rows) in blocks_of(first_frame, frames, settings.block_frames) {
        let anchor = start - settings.block_frames as i64;
        drift::launch(
            &output.client.clone(),
            CubeCount::Static(channels.div_ceil(GROUP) as u32, 1, 1),
            CubeDim::new_1d(SCANNED),
            track.clone().into_tensor_arg(),
            amounts.clone().into_tensor_arg(),
            output.clone().into_tensor_arg(),
            source_arg(random, anchor),
            settings.decay,
            (first_frame + rows.start as i64 - anchor) as u32,
            rows.start as u32,
            rows.end as u32,
            dtype,
        );
    }
    output
}

pub(crate) fn replace_on_cube(
    track: CubeTensor,
    bank: CubeTensor,
    random: Random,
    first_frame: i64,
    hold: Hold,
) -> CubeTensor {
    let (track, bank) = (contiguous(track), contiguous(bank));
    let output = empty_like(&track, track.shape());
    let dtype = dtype_to_storage_type(output.dtype);
    replace::launch(
        &output.client.clone(),
        one_cube_each(track.shape()[0].div_ceil(ROWS as usize)),
        CubeDim::new_1d(COPIERS),
        track.into_tensor_arg(),
        bank.into_tensor_arg(),
        output.clone().into_tensor_arg(),
        source_arg(random, first_frame - i64::from(hold.longest()) + 1),
        hold.below,
        hold.shortest,
        hold.lengths,
        dtype,
    );
    output
}

pub(crate) fn rotate_on_cube(emotion: CubeTensor, random: Random, segments: Segments) -> CubeTensor {
    let emotion = contiguous(emotion);
    let output = empty_like(&emotion, emotion.shape());
    let (cubes, units) = one_unit_each(&output, output.shape().num_elements());
    let dtype = dtype_to_storage_type(output.dtype);
    rotate::launch(
        &output.client.clone(),
        cubes,
        units,
        emotion.into_tensor_arg(),
        output.clone().into_tensor_arg(),
        source_arg(random, segments.first),
        segments.passed,
        segments.frames,
        segments.below,
        dtype,
    );
    output
}

pub(crate) fn taps_on_cube(track: CubeTensor, weights: CubeTensor, first: i64, frames: usize) -> CubeTensor {
    let (track, weights) = (contiguous(track), contiguous(weights));
    let output = empty_like(&track, [frames, track.shape()[1]]);
    let (cubes, units) = one_unit_each(&output, output.shape().num_elements());
    let dtype = dtype_to_storage_type(output.dtype);
    taps::launch(
        &output.client.clone(),
        cubes,
        units,
        track.into_tensor_arg(),
        weights.into_tensor_arg(),
        output.clone().into_tensor_arg(),
        first as i32,
        dtype,
    );
    output
}
