//! The processor's side: blocks of [`LANES`] queries side by side, so that softmax needs no sums across a register.

use super::{Band, Sizes};
use crate::simd::{LANES, ROWS, Tile, add_block_product, add_columns_product, add_rows_product, exp};
use macerator::Simd;
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// The arguments in row-major order.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub queries: &'a [f32],
    pub keys: &'a [f32],
    pub values: &'a [f32],
    pub slopes: &'a [f32],
}

/// What the forward pass gave, and the slope of the loss in its outputs.
#[derive(Clone, Copy)]
pub(super) struct Results<'a> {
    pub outputs: &'a [f32],
    pub log_sums: &'a [f32],
    pub upstream: &'a [f32],
}

/// The outputs and, for each query, the logarithm of the sum of the exponentials of its scores.
pub(super) fn attend(inputs: Inputs<'_>, sizes: Sizes, band: Band) -> (Vec<f32>, Vec<f32>) {
    let width = sizes.width.next_multiple_of(LANES);
    let [queries, keys, values] =
        [inputs.queries, inputs.keys, inputs.values].map(|rows| widened(rows, sizes.width, width));
    let mut outputs = vec![0.0; sizes.pairs * sizes.queries * width];
    let mut log_sums = vec![0.0; sizes.pairs * sizes.queries];
    let pairs = outputs.par_chunks_mut(sizes.queries * width).zip(log_sums.par_chunks_mut(sizes.queries));
    pairs.enumerate().for_each(|(pair, (outputs, log_sums))| {
        let head = Head::of(pair, [&queries, &keys, &values], inputs.slopes, sizes, band);
        let blocks = outputs.par_chunks_mut(LANES * width).zip(log_sums.par_chunks_mut(LANES));
        blocks.enumerate().for_each_init(Scratch::default, |scratch, (block, (outputs, log_sums))| {
            attend_block(&head, block * LANES, scratch, outputs, log_sums);
        });
    });
    (narrowed(outputs, sizes.width, width), log_sums)
}

/// The slopes of the loss in queries, keys and values.
pub(super) fn slopes(inputs: Inputs<'_>, results: Results<'_>, sizes: Sizes, band: Band) -> [Vec<f32>; 3] {
    let width = sizes.width.next_multiple_of(LANES);
    let wide = |rows| widened(rows, sizes.width, width);
    let [queries, keys, values] = [inputs.queries, inputs.keys, inputs.values].map(wide);
    let [outputs, upstream] = [results.outputs, results.upstream].map(wide);
    let of_queries = sizes.queries * width;
    let of_keys = sizes.keys * width;
    let mut for_queries = vec![0.0; sizes.pairs * of_queries];
    let mut for_keys = vec![0.0; sizes.pairs * of_keys];
    let mut for_values = vec![0.0; sizes.pairs * of_keys];
    let pairs = for_queries.par_chunks_mut(of_queries);
    let pairs = pairs.zip(for_keys.par_chunks_mut(of_keys)).zip(for_values.par_chunks_mut(of_keys));
    pairs.enumerate().for_each_init(
        Scratch::default,
        |scratch, (pair, ((queries_out, keys_out), values_out))| {
            let head = Head::of(pair, [&queries, &keys, &values], inputs.slopes, sizes, band);
            let own = pair * of_queries..(pair + 1) * of_queries;
            let past = Past {
                outputs: &outputs[own.clone()],
                upstream: &upstream[own],
                log_sums: &results.log_sums[pair * sizes.queries..][..sizes.queries],
            };
            for (block, queries_out) in queries_out.chunks_mut(LANES * width).enumerate() {
                let mut out = Slopes { queries: queries_out, keys: keys_out, values: values_out };
                slopes_block(&head, &past, block * LANES, scratch, &mut out);
            }
        },
    );
    [for_queries, for_keys, for_values].map(|rows| narrowed(rows, sizes.width, width))
}

/// Rows of `width` numbers with zeros up to the next full register.
fn widened(rows: &[f32], width: usize, wide: usize) -> Cow<'_, [f32]> {
    if width == wide {
        return Cow::Borrowed(rows);
    }
    let mut padded = vec![0.0; rows.len() / width * wide];
    for (to, from) in padded.chunks_exact_mut(wide).zip(rows.chunks_exact(width)) {
        to[..width].copy_from_slice(from);
    }
    Cow::Owned(padded)
}

fn narrowed(rows: Vec<f32>, width: usize, wide: usize) -> Vec<f32> {
    if width == wide {
        return rows;
    }
    rows.chunks_exact(wide).flat_map(|row| &row[..width]).copied().collect()
}

/// One head of one clip, its rows as wide as full registers.
struct Head<'a> {
    queries: &'a [f32],
    keys: &'a [f32],
    values: &'a [f32],
    width: usize,
    key_count: usize,
    slope: f32,
    scale: f32,
    band: Band,
}

impl<'a> Head<'a> {
    fn of(pair: usize, wide: [&'a [f32]; 3], slopes: &[f32], sizes: Sizes, band: Band) -> Self {
        let width = sizes.width.next_multiple_of(LANES);
        let [queries, keys, values] = wide;
        let own = |rows: &'a [f32], count: usize| &rows[pair * count * width..][..count * width];
        Self {
            queries: own(queries, sizes.queries),
            keys: own(keys, sizes.keys),
            values: own(values, sizes.keys),
            width,
            key_count: sizes.keys,
            slope: slopes[pair % sizes.heads],
            scale: sizes.scale(),
            band,
        }
    }
}

/// The forward pass of one head, as the backward pass needs it.
struct Past<'a> {
    outputs: &'a [f32],
    upstream: &'a [f32],
    log_sums: &'a [f32],
}

/// Where the slopes of one head go: those of a block of queries, and sums over blocks for keys and values.
struct Slopes<'a> {
    queries: &'a mut [f32],
    keys: &'a mut [f32],
    values: &'a mut [f32],
}

/// Numbers of a block, `[.., LANES]` with a query to each lane.
#[derive(Default)]
struct Scratch {
    /// Queries, `[width, LANES]`.
    queries: Vec<f32>,
    /// Slopes in the outputs, `[width, LANES]`.
    upstream: Vec<f32>,
    /// Scores and then probabilities, `[keys, LANES]`.
    scores: Vec<f32>,
    /// Slopes in the products of queries and keys, `[keys, LANES]`.
    slopes: Vec<f32>,
}

#[macerator::with_simd]
fn attend_block<'a, S: Simd>(
    head: &Head<'a>,
    first: usize,
    scratch: &mut Scratch,
    outputs: &mut [f32],
    log_sums: &mut [f32],
) {
    let count = log_sums.len();
    let keys = head.band.keys_of(first..first + count, head.key_count);
    turned(&head.queries[first * head.width..], head.width, count, head.scale, &mut scratch.queries);
    scores::<S>(head, first, keys.clone(), &scratch.queries, &mut scratch.scores);
    let (most, sums) = softmax::<S>(&mut scratch.scores);
    for (lane, log_sum) in log_sums.iter_mut().enumerate() {
        *log_sum = most[lane] + sums[lane].ln();
    }
    let factors = sums.map(|sum| 1.0 / sum);
    let probabilities = &scratch.scores[..keys.len() * LANES];
    mix::<S>(probabilities, &head.values[keys.start * head.width..], head.width, &factors, outputs);
}

#[macerator::with_simd]
fn slopes_block<'a, 'b, 'c, S: Simd>(
    head: &Head<'a>,
    past: &Past<'b>,
    first: usize,
    scratch: &mut Scratch,
    out: &mut Slopes<'c>,
) {
    let width = head.width;
    let count = out.queries.len() / width;
    let keys = head.band.keys_of(first..first + count, head.key_count);
    let rows = first * width..(first + count) * width;
    let (queries, upstream) = (&head.queries[rows.clone()], &past.upstream[rows.clone()]);
    turned(queries, width, count, head.scale, &mut scratch.queries);
    turned(upstream, width, count, 1.0, &mut scratch.upstream);
    scores::<S>(head, first, keys.clone(), &scratch.queries, &mut scratch.scores);
    let log_sums = lanes_of(&past.log_sums[first..first + count]);
    for row in scratch.scores.chunks_exact_mut(LANES) {
        for (score, log_sum) in row.iter_mut().zip(&log_sums) {
            *score = exp::<S>(*score - log_sum);
        }
    }
    let shares = shares_of(&past.outputs[rows], upstream, width);
    score_slopes::<S>(head, keys.clone(), &shares, scratch);
    let seen = keys.len() * LANES;
    mix::<S>(&scratch.slopes[..seen], &head.keys[keys.start * width..], width, &[1.0; LANES], out.queries);
    let own = keys.start * width..keys.end * width;
    spread::<S>(&scratch.slopes, queries, width, &mut out.keys[own.clone()]);
    spread::<S>(&scratch.scores, upstream, width, &mut out.values[own]);
}

/// `count` rows as columns, times a factor: `[width, LANES]`, zeros in the lanes beyond.
#[inline(always)]
fn turned(rows: &[f32], width: usize, count: usize, factor: f32, columns: &mut Vec<f32>) {
    columns.clear();
    columns.resize(width * LANES, 0.0);
    for (lane, row) in rows.chunks_exact(width).take(count).enumerate() {
        for (column, number) in columns.chunks_exact_mut(LANES).zip(row) {
            column[lane] = number * factor;
        }
    }
}

#[inline(always)]
fn lanes_of(numbers: &[f32]) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    lanes[..numbers.len()].copy_from_slice(numbers);
    lanes
}

/// For each query the sum of its outputs times their slopes.
#[inline(always)]
fn shares_of(outputs: &[f32], upstream: &[f32], width: usize) -> [f32; LANES] {
    let mut shares = [0.0; LANES];
    let rows = outputs.chunks_exact(width).zip(upstream.chunks_exact(width));
    for (share, (outputs, upstream)) in shares.iter_mut().zip(rows) {
        *share = outputs.iter().zip(upstream).map(|(output, slope)| output * slope).sum();
    }
    shares
}

/// [`ROWS`] rows from `first` on; beyond the last one that one again.
#[inline(always)]
fn rows_from(rows: &[f32], width: usize, first: usize, last: usize) -> [&[f32]; ROWS] {
    std::array::from_fn(|row| &rows[(first + row).min(last) * width..][..width])
}

/// Scores `[keys up to a full tile, LANES]`, minus infinity where a query does not see a key.
#[inline(always)]
fn scores<S: Simd>(
    head: &Head<'_>,
    first: usize,
    keys: Range<usize>,
    queries: &[f32],
    scores: &mut Vec<f32>,
) {
    scores.clear();
    scores.resize(keys.len().next_multiple_of(ROWS) * LANES, 0.0);
    let (before, after) = (head.band.before_frames as f32, head.band.after_frames as f32);
    let frames: [f32; LANES] = std::array::from_fn(|lane| (head.band.first_query + first + lane) as f32);
    for (index, tile_out) in scores.chunks_exact_mut(ROWS * LANES).enumerate() {
        let key = keys.start + index * ROWS;
        let mut tile: Tile = [[0.0; LANES]; ROWS];
        let rows = rows_from(head.keys, head.width, key, keys.end - 1);
        add_rows_product::<S>(&mut tile, rows, queries, LANES, head.width);
        for (row, (scores, products)) in tile_out.chunks_exact_mut(LANES).zip(&tile).enumerate() {
            let frame = (key + row) as f32;
            let beyond = key + row >= keys.end;
            for ((score, product), query_frame) in scores.iter_mut().zip(products).zip(&frames) {
                let distance = frame - query_frame;
                let unseen = beyond || -distance > before || distance > after;
                *score = if unseen { f32::NEG_INFINITY } else { product - head.slope * distance.abs() };
            }
        }
    }
}

/// Exponentials of the scores below the greatest of each lane; gives those greatest and the sums.
#[inline(always)]
fn softmax<S: Simd>(scores: &mut [f32]) -> ([f32; LANES], [f32; LANES]) {
    let mut most = [f32::NEG_INFINITY; LANES];
    for row in scores.chunks_exact(LANES) {
        for (most, score) in most.iter_mut().zip(row) {
            *most = if *score > *most { *score } else { *most };
        }
    }
    let mut sums = [0.0; LANES];
    for row in scores.chunks_exact_mut(LANES) {
        for ((score, most), sum) in row.iter_mut().zip(&most).zip(&mut sums) {
            *score = exp::<S>(*score - most);
            *sum += *score;
        }
    }
    (most, sums)
}

/// Replaces the scratch's slopes by `p (upstream · v - share) / √width`, the slopes in the products of queries and keys.
#[inline(always)]
fn score_slopes<S: Simd>(head: &Head<'_>, keys: Range<usize>, shares: &[f32; LANES], scratch: &mut Scratch) {
    scratch.slopes.clear();
    scratch.slopes.resize(scratch.scores.len(), 0.0);
    let tiles = scratch.slopes.chunks_exact_mut(ROWS * LANES).zip(scratch.scores.chunks_exact(ROWS * LANES));
    for (index, (slopes, probabilities)) in tiles.enumerate() {
        let mut tile: Tile = [[0.0; LANES]; ROWS];
        let rows = rows_from(head.values, head.width, keys.start + index * ROWS, keys.end - 1);
        add_rows_product::<S>(&mut tile, rows, &scratch.upstream, LANES, head.width);
        let rows = slopes.chunks_exact_mut(LANES).zip(probabilities.chunks_exact(LANES)).zip(&tile);
        for ((slopes, probabilities), products) in rows {
            for lane in 0..LANES {
                slopes[lane] = probabilities[lane] * (products[lane] - shares[lane]) * head.scale;
            }
        }
    }
}

/// `output[lane] = factor[lane] Σ_key weights[key][lane] rows[key]`.
#[inline(always)]
fn mix<S: Simd>(weights: &[f32], rows: &[f32], width: usize, factors: &[f32; LANES], outputs: &mut [f32]) {
    for (group, outputs) in outputs.chunks_mut(ROWS * width).enumerate() {
        for column in (0..width).step_by(LANES) {
            let mut tile: Tile = [[0.0; LANES]; ROWS];
            let weights = &weights[group * ROWS..];
            add_columns_product::<S>(&mut tile, (weights, LANES), (&rows[column..], width));
            for (row, output) in outputs.chunks_exact_mut(width).enumerate() {
                let factor = factors[group * ROWS + row];
                for (output, sum) in output[column..column + LANES].iter_mut().zip(&tile[row]) {
                    *output = sum * factor;
                }
            }
        }
    }
}

/// `output[key] += Σ_lane weights[key][lane] rows[lane]`.
#[inline(always)]
fn spread<S: Simd>(weights: &[f32], rows: &[f32], width: usize, outputs: &mut [f32]) {
    let count = rows.len() / width;
    let blocks = weights.as_chunks::<LANES>().0.as_chunks::<ROWS>().0;
    for (block, outputs) in blocks.iter().zip(outputs.chunks_mut(ROWS * width)) {
        for column in (0..width).step_by(LANES) {
            let mut tile: Tile = [[0.0; LANES]; ROWS];
            for (sums, output) in tile.iter_mut().zip(outputs.chunks_exact(width)) {
                sums.copy_from_slice(&output[column..column + LANES]);
            }
            if count == LANES {
                add_block_product::<S>(&mut tile, block, &rows[column..], width);
            } else {
                let block = block.each_ref().map(|weights| &weights[..]);
                add_rows_product::<S>(&mut tile, block, &rows[column..], width, count);
            }
            for (sums, output) in tile.iter().zip(outputs.chunks_exact_mut(width)) {
                output[column..column + LANES].copy_from_slice(sums);
            }
        }
    }
}
