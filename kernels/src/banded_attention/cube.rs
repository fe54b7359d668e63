//! The GPU's side: a cube for each block of queries (or of keys, for the slopes in keys and values) passes over the
//! blocks that the band reaches. Blocks stand in shared memory, sums in registers.

use super::{Band, Forward, Sizes};
use crate::tensors::{contiguous, empty_like};
use burn::backend::cubecl::dtype_to_storage_type;
use burn::backend::{DType, TensorMetadata};
use burn::tensor::Shape;
use burn_cubecl::ops::numeric::empty_device_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Units that share two rows of a block.
const SPREAD: usize = 8;
/// Below every score that a key can have.
const UNSEEN: f32 = -1.0e30;
/// Numbers that the backward pass needs of each query: logarithm of the sum, share, and slope of its head.
const STATISTICS: usize = 3;

/// Numbers of a row in shared memory: whole spreads, and one against bank conflicts.
fn stride_of(width: usize) -> usize {
    width.next_multiple_of(SPREAD) + 1
}

#[cube]
fn difference(a: usize, b: usize) -> usize {
    let mut difference = 0usize;
    if a > b {
        difference = a - b;
    }
    difference
}

/// Rows `first..first + tile` of a head that starts at `start` and has `end` rows; zeros beyond.
#[cube]
fn load<F: Float>(
    from: &Tensor<F>,
    to: &mut Shared<[f32]>,
    start: usize,
    first: usize,
    end: usize,
    #[comptime] width: usize,
    #[comptime] tile: usize,
) {
    let stride = comptime!(stride_of(width));
    let padded = comptime!(stride_of(width) - 1);
    let units = comptime!(tile / 2 * SPREAD);
    let mut at = UNIT_POS as usize;
    while at < tile * padded {
        let row = at / padded;
        let column = at % padded;
        let mut value = 0.0f32;
        if column < width && first + row < end {
            value = f32::cast_from(from[start + (first + row) * width + column]);
        }
        to[row * stride + column] = value;
        at += units;
    }
}

/// Products of two rows with every eighth column of a block, row after row.
#[cube]
fn products(
    rows: &Shared<[f32]>,
    columns: &Shared<[f32]>,
    row: usize,
    column: usize,
    #[comptime] width: usize,
    #[comptime] tile: usize,
) -> Array<f32> {
    let stride = comptime!(stride_of(width));
    let each = comptime!(tile / SPREAD);
    let mut sums = Array::<f32>::new(comptime!(2 * each));
    #[unroll]
    for index in 0..2 * each {
        sums[index] = 0.0;
    }
    for k in 0..stride - 1 {
        let upper = rows[row * stride + k];
        let lower = rows[(row + 1) * stride + k];
        #[unroll]
        for index in 0..each {
            let other = columns[(column + SPREAD * index) * stride + k];
            sums[index] += upper * other;
            sums[each + index] += lower * other;
        }
    }
    sums
}

/// Adds to the sums of two rows: every eighth column of weights times a block of rows.
#[cube]
fn mix(
    weights: &Shared<[f32]>,
    block: &Shared<[f32]>,
    sums: &mut Array<f32>,
    row: usize,
    column: usize,
    #[comptime] width: usize,
    #[comptime] tile: usize,
) {
    let stride = comptime!(stride_of(width));
    let each = comptime!((stride_of(width) - 1) / SPREAD);
    for other in 0..tile {
        let upper = weights[row * (tile + 1) + other];
        let lower = weights[(row + 1) * (tile + 1) + other];
        #[unroll]
        for index in 0..each {
            let value = block[other * stride + column + SPREAD * index];
            sums[index] += upper * value;
            sums[each + index] += lower * value;
        }
    }
}

/// No sums yet, for two rows of outputs.
#[cube]
fn no_sums(#[comptime] width: usize) -> Array<f32> {
    let count = comptime!((stride_of(width) - 1) / SPREAD * 2);
    let mut sums = Array::<f32>::new(count);
    #[unroll]
    for index in 0..count {
        sums[index] = 0.0;
    }
    sums
}

/// Writes two rows of sums, times their factors, to the rows `first + row` and the next of a head.
#[cube]
fn store<F: Float>(
    sums: &Array<f32>,
    to: &mut Tensor<F>,
    start: usize,
    row: usize,
    end: usize,
    upper: f32,
    lower: f32,
    #[comptime] width: usize,
) {
    let column = UNIT_POS as usize % SPREAD;
    let each = comptime!((stride_of(width) - 1) / SPREAD);
    #[unroll]
    for index in 0..each {
        let at = column + SPREAD * index;
        if at < width {
            if row < end {
                to[start + row * width + at] = F::cast_from(sums[index] * upper);
            }
            if row + 1 < end {
                to[start + (row + 1) * width + at] = F::cast_from(sums[each + index] * lower);
            }
        }
    }
}

/// The bias of a key for a query, [`UNSEEN`] outside of the band.
#[cube]
fn bias(key: usize, query_frame: usize, key_count: usize, before: usize, after: usize, slope: f32) -> f32 {
    let mut bias = f32::new(UNSEEN);
    if key < key_count {
        if key <= query_frame && query_frame - key <= before {
            bias = -slope * f32::cast_from(query_frame - key);
        }
        if key > query_frame && key - query_frame <= after {
            bias = -slope * f32::cast_from(key - query_frame);
        }
    }
    bias
}

#[cube(launch)]
fn attend<F: Float>(
    queries: &Tensor<F>,
    keys: &Tensor<F>,
    values: &Tensor<F>,
    slopes: &Tensor<f32>,
    outputs: &mut Tensor<F>,
    log_sums: &mut Tensor<f32>,
    before: u32,
    after: u32,
    first_query: u32,
    scale: f32,
    #[comptime] width: usize,
    #[comptime] tile: usize,
    #[define(F)] _dtype: ElemType,
) {
    let (before, after, first_query) = (before as usize, after as usize, first_query as usize);
    let each = comptime!(tile / SPREAD);
    let row = UNIT_POS as usize / SPREAD * 2;
    let column = UNIT_POS as usize % SPREAD;
    let pair = CUBE_POS_Y as usize;
    let first = CUBE_POS_X as usize * tile;
    let query_count = queries.shape(2);
    let key_count = keys.shape(2);
    let of_queries = pair * query_count * width;
    let of_keys = pair * key_count * width;
    let slope = slopes[pair % queries.shape(1)];
    let key_start = difference(first + first_query, before);
    let key_end = min(first + tile + first_query + after, key_count);

    let mut own = Shared::<[f32]>::new_slice(comptime!(tile * stride_of(width)));
    let mut block = Shared::<[f32]>::new_slice(comptime!(tile * stride_of(width)));
    let mut scores = Shared::<[f32]>::new_slice(comptime!(tile * (tile + 1)));
    let mut weights = Shared::<[f32]>::new_slice(comptime!(tile * (tile + 1)));
    load::<F>(queries, &mut own, of_queries, first, query_count, width, tile);
    let mut sums = no_sums(width);
    let columns = comptime!((stride_of(width) - 1) / SPREAD);
    let mut most = Array::<f32>::new(2usize);
    let mut total = Array::<f32>::new(2usize);
    #[unroll]
    for index in 0..2usize {
        most[index] = UNSEEN;
        total[index] = 0.0;
    }

    for index in 0..difference(key_end, key_start).div_ceil(tile) {
        let key = key_start + index * tile;
        load::<F>(keys, &mut block, of_keys, key, key_end, width, tile);
        sync_cube();
        let mut own_scores = products(&own, &block, row, column, width, tile);
        #[unroll]
        for r in 0..2usize {
            let frame = first + row + r + first_query;
            #[unroll]
            for c in 0..each {
                let other = column + SPREAD * c;
                let bias = bias(key + other, frame, key_end, before, after, slope);
                let mut score = f32::new(UNSEEN);
                if bias > UNSEEN {
                    score = own_scores[r * each + c] * scale + bias;
                }
                own_scores[r * each + c] = score;
                scores[(row + r) * (tile + 1) + other] = score;
            }
        }
        sync_cube();
        load::<F>(values, &mut block, of_keys, key, key_end, width, tile);
        #[unroll]
        for r in 0..2usize {
            let mut greatest = most[r];
            for other in 0..tile {
                greatest = max(greatest, scores[(row + r) * (tile + 1) + other]);
            }
            let shrink = (most[r] - greatest).exp();
            most[r] = greatest;
            total[r] *= shrink;
            #[unroll]
            for w in 0..columns {
                sums[r * columns + w] *= shrink;
            }
            #[unroll]
            for c in 0..each {
                let score = own_scores[r * each + c];
                let mut weight = 0.0f32;
                if score > UNSEEN {
                    weight = (score - greatest).exp();
                }
                weights[(row + r) * (tile + 1) + column + SPREAD * c] = weight;
            }
        }
        sync_cube();
        #[unroll]
        for r in 0..2usize {
            for other in 0..tile {
                total[r] += weights[(row + r) * (tile + 1) + other];
            }
        }
        mix(&weights, &block, &mut sums, row, column, width, tile);
        sync_cube();
    }

    store::<F>(&sums, outputs, of_queries, first + row, query_count, 1.0 / total[0], 1.0 / total[1], width);
    #[unroll]
    for r in 0..2usize {
        if column == 0 && first + row + r < query_count {
            log_sums[pair * query_count + first + row + r] = most[r] + total[r].ln();
        }
    }
}

/// One unit for each query: what the backward pass needs of it.
#[cube(launch)]
fn statistics<F: Float>(
    outputs: &Tensor<F>,
    upstream: &Tensor<F>,
    log_sums: &Tensor<f32>,
    slopes: &Tensor<f32>,
    statistics: &mut Tensor<f32>,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= log_sums.len() {
        terminate!();
    }
    let width = outputs.shape(3);
    let pair = ABSOLUTE_POS / outputs.shape(2);
    let mut share = 0.0f32;
    for column in 0..width {
        let at = ABSOLUTE_POS * width + column;
        share += f32::cast_from(outputs[at]) * f32::cast_from(upstream[at]);
    }
    statistics[ABSOLUTE_POS * STATISTICS] = log_sums[ABSOLUTE_POS];
    statistics[ABSOLUTE_POS * STATISTICS + 1] = share;
    statistics[ABSOLUTE_POS * STATISTICS + 2] = slopes[pair % outputs.shape(1)];
}

#[cube(launch)]
fn query_slopes<F: Float>(
    queries: &Tensor<F>,
    keys: &Tensor<F>,
    values: &Tensor<F>,
    upstream: &Tensor<F>,
    statistics: &Tensor<f32>,
    output: &mut Tensor<F>,
    before: u32,
    after: u32,
    first_query: u32,
    scale: f32,
    #[comptime] width: usize,
    #[comptime] tile: usize,
    #[define(F)] _dtype: ElemType,
) {
    let (before, after, first_query) = (before as usize, after as usize, first_query as usize);
    let each = comptime!(tile / SPREAD);
    let row = UNIT_POS as usize / SPREAD * 2;
    let column = UNIT_POS as usize % SPREAD;
    let pair = CUBE_POS_Y as usize;
    let first = CUBE_POS_X as usize * tile;
    let query_count = queries.shape(2);
    let key_count = keys.shape(2);
    let of_queries = pair * query_count * width;
    let of_keys = pair * key_count * width;
    let key_start = difference(first + first_query, before);
    let key_end = min(first + tile + first_query + after, key_count);

    let mut own = Shared::<[f32]>::new_slice(comptime!(tile * stride_of(width)));
    let mut own_upstream = Shared::<[f32]>::new_slice(comptime!(tile * stride_of(width)));
    let mut key_block = Shared::<[f32]>::new_slice(comptime!(tile * stride_of(width)));
    let mut value_block = Shared::<[f32]>::new_slice(comptime!(tile * stride_of(width)));
    let mut weights = Shared::<[f32]>::new_slice(comptime!(tile * (tile + 1)));
    load::<F>(queries, &mut own, of_queries, first, query_count, width, tile);
    load::<F>(upstream, &mut own_upstream, of_queries, first, query_count, width, tile);
    let mut sums = no_sums(width);

    for index in 0..difference(key_end, key_start).div_ceil(tile) {
        let key = key_start + index * tile;
        load::<F>(keys, &mut key_block, of_keys, key, key_end, width, tile);
        load::<F>(values, &mut value_block, of_keys, key, key_end, width, tile);
        sync_cube();
        let own_scores = products(&own, &key_block, row, column, width, tile);
        let shares = products(&own_upstream, &value_block, row, column, width, tile);
        #[unroll]
        for r in 0..2usize {
            let query = min(first + row + r, query_count - 1);
            let at = (pair * query_count + query) * STATISTICS;
            #[unroll]
            for c in 0..each {
                let other = column + SPREAD * c;
                let bias = bias(key + other, query + first_query, key_end, before, after, statistics[at + 2]);
                let mut weight = 0.0f32;
                if bias > UNSEEN {
                    let probability = (own_scores[r * each + c] * scale + bias - statistics[at]).exp();
                    weight = probability * (shares[r * each + c] - statistics[at + 1]);
                }
                weights[(row + r) * (tile + 1) + other] = weight;
            }
        }
        sync_cube();
        mix(&weights, &key_block, &mut sums, row, column, width, tile);
        sync_cube();
    }
    store::<F>(&sums, output, of_queries, first + row, query_count, scale, scale, width);
}

#[cube(launch)]
fn key_value_slopes<F: Float>(
    queries: &Tensor<F>,
    keys: &Tensor<F>,
    values: &Tensor<F>,
    upstream: &Tensor<F>,
    statistics: &Tensor<f32>,
    for_keys: &mut Tensor<F>,
    for_values: &mut Tensor<F>,
    before: u32,
    after: u32,
    first_query: u32,
    scale: f32,
    #[comptime] width: usize,
    #[comptime] tile: usize,
    #[define(F)] _dtype: ElemType,
) {
    let (before, after, first_query) = (before as usize, after as usize, first_query as usize);
    let each = comptime!(tile / SPREAD);
    let row = UNIT_POS as usize / SPREAD * 2;
    let column = UNIT_POS as usize % SPREAD;
    let pair = CUBE_POS_Y as usize;
    let first = CUBE_POS_X as usize * tile;
    let query_count = queries.shape(2);
    let key_count = keys.shape(2);
    let of_queries = pair * query_count * width;
    let of_keys = pair * key_count * width;
    // The queries that see any of these keys.
    let query_start = difference(first, after + first_query);
    let query_end = min(difference(first + tile + before, first_query), query_count);

    let mut own_keys = Shared::<[f32]>::new_slice(comptime!(tile * stride_of(width)));
    let mut own_values = Shared::<[f32]>::new_slice(comptime!(tile * stride_of(width)));
    let mut query_block = Shared::<[f32]>::new_slice(comptime!(tile * stride_of(width)));
    let mut upstream_block = Shared::<[f32]>::new_slice(comptime!(tile * stride_of(width)));
    let mut probabilities = Shared::<[f32]>::new_slice(comptime!(tile * (tile + 1)));
    let mut weights = Shared::<[f32]>::new_slice(comptime!(tile * (tile + 1)));
    load::<F>(keys, &mut own_keys, of_keys, first, key_count, width, tile);
    load::<F>(values, &mut own_values, of_keys, first, key_count, width, tile);
    let mut key_sums = no_sums(width);
    let mut value_sums = no_sums(width);

    for index in 0..difference(query_end, query_start).div_ceil(tile) {
        let block_start = query_start + index * tile;
        load::<F>(queries, &mut query_block, of_queries, block_start, query_end, width, tile);
        load::<F>(upstream, &mut upstream_block, of_queries, block_start, query_end, width, tile);
        sync_cube();
        let own_scores = products(&own_keys, &query_block, row, column, width, tile);
        let shares = products(&own_values, &upstream_block, row, column, width, tile);
        #[unroll]
        for c in 0..each {
            let other = column + SPREAD * c;
            let query = min(block_start + other, query_count - 1);
            let at = (pair * query_count + query) * STATISTICS;
            #[unroll]
            for r in 0..2usize {
                let key = first + row + r;
                let bias = bias(key, query + first_query, key_count, before, after, statistics[at + 2]);
                let mut probability = 0.0f32;
                if bias > UNSEEN && block_start + other < query_end {
                    probability = (own_scores[r * each + c] * scale + bias - statistics[at]).exp();
                }
                let cell = (row + r) * (tile + 1) + other;
                probabilities[cell] = probability;
                weights[cell] = probability * (shares[r * each + c] - statistics[at + 1]);
            }
        }
        sync_cube();
        mix(&weights, &query_block, &mut key_sums, row, column, width, tile);
        mix(&probabilities, &upstream_block, &mut value_sums, row, column, width, tile);
        sync_cube();
    }
    store::<F>(&key_sums, for_keys, of_keys, first + row, key_count, scale, scale, width);
    store::<F>(&value_sums, for_values, of_keys, first + row, key_count, 1.0, 1.0, width);
}

/// Rows of a block whose shared memory, `blocks` of them, stays within the 32 KiB that every GPU has.
fn tile_for(width: usize, blocks: usize) -> usize {
    let bytes = |tile: usize| 4 * tile * (blocks * stride_of(width) + 2 * (tile + 1));
    if bytes(32) <= 32 * 1024 {
        32
    } else if bytes(16) <= 32 * 1024 {
        16
    } else {
        8
    }
}

/// Cubes for blocks of `rows`, and the units of each.
fn grid(sizes: Sizes, rows: usize, tile: usize) -> (CubeCount, CubeDim) {
    let cubes = CubeCount::Static(rows.div_ceil(tile) as u32, sizes.pairs as u32, 1);
    (cubes, CubeDim::new_1d((tile / 2 * SPREAD) as u32))
}

/// Frames before and after, no more than there are keys, and the first query.
fn limits(band: Band, sizes: Sizes) -> [u32; 3] {
    [band.before_frames.min(sizes.keys), band.after_frames.min(sizes.keys), band.first_query]
        .map(|frames| frames as u32)
}

fn empty_f32(like: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    empty_device_dtype(like.client.clone(), like.device.clone(), shape.into(), DType::F32)
}

pub(crate) fn attend_on_cube(
    queries: CubeTensor,
    keys: CubeTensor,
    values: CubeTensor,
    slopes: CubeTensor,
    band: Band,
) -> (CubeTensor, CubeTensor) {
    let [queries, keys, values, slopes] = [queries, keys, values, slopes].map(contiguous);
    let sizes = Sizes::of(&queries.shape(), &keys.shape());
    let tile = tile_for(sizes.width, 2);
    let (cubes, units) = grid(sizes, sizes.queries, tile);
    let [before, after, first_query] = limits(band, sizes);
    let shape = queries.shape();
    let outputs = empty_like(&queries, shape.clone());
    let log_sums = empty_f32(&queries, [shape[0], shape[1], shape[2]]);
    let (client, dtype) = (outputs.client.clone(), dtype_to_storage_type(outputs.dtype));
    attend::launch(
        &client,
        cubes,
        units,
        queries.into_tensor_arg(),
        keys.into_tensor_arg(),
        values.into_tensor_arg(),
        slopes.into_tensor_arg(),
        outputs.clone().into_tensor_arg(),
        log_sums.clone().into_tensor_arg(),
        before,
        after,
        first_query,
        sizes.scale(),
        sizes.width,
        tile,
        dtype,
    );
    (outputs, log_sums)
}

pub(crate) fn slopes_on_cube(
    forward: Forward<CubeTensor>,
    upstream: CubeTensor,
    band: Band,
) -> [CubeTensor; 3] {
    let Forward { queries, keys, values, slopes, outputs, log_sums } = forward;
    let [queries, keys, values, upstream] = [queries, keys, values, upstream].map(contiguous);
    let sizes = Sizes::of(&queries.shape(), &keys.shape());
    let statistics = statistics_of(contiguous(outputs), upstream.clone(), log_sums, contiguous(slopes));
    let [for_queries, for_keys, for_values] =
        [&queries, &keys, &values].map(|tensor| empty_like(tensor, tensor.shape()));
    let (client, dtype) = (queries.client.clone(), dtype_to_storage_type(queries.dtype));
    let tile = tile_for(sizes.width, 4);
    let [before, after, first_query] = limits(band, sizes);
    let (cubes, units) = grid(sizes, sizes.queries, tile);
    query_slopes::launch(
        &client,
        cubes,
        units,
        queries.clone().into_tensor_arg(),
        keys.clone().into_tensor_arg(),
        values.clone().into_tensor_arg(),
        upstream.clone().into_tensor_arg(),
        statistics.clone().into_tensor_arg(),
        for_queries.clone().into_tensor_arg(),
        before,
        after,
        first_query,
        sizes.scale(),
        sizes.width,
        tile,
        dtype,
    );
    let (cubes, units) = grid(sizes, sizes.keys, tile);
    key_value_slopes::launch(
        &client,
        cubes,
        units,
        queries.into_tensor_arg(),
        keys.into_tensor_arg(),
        values.into_tensor_arg(),
        upstream.into_tensor_arg(),
        statistics.into_tensor_arg(),
        for_keys.clone().into_tensor_arg(),
        for_values.clone().into_tensor_arg(),
        before,
        after,
        first_query,
        sizes.scale(),
        sizes.width,
        tile,
        dtype,
    );
    [for_queries, for_keys, for_values]
}

fn statistics_of(
    outputs: CubeTensor,
    upstream: CubeTensor,
    log_sums: CubeTensor,
    slopes: CubeTensor,
) -> CubeTensor {
    let shape = outputs.shape();
    let result = empty_f32(&outputs, [shape[0], shape[1], shape[2], STATISTICS]);
    let (cubes, units) = crate::tensors::one_unit_each(&outputs, shape[0] * shape[1] * shape[2]);
    let (client, dtype) = (outputs.client.clone(), dtype_to_storage_type(outputs.dtype));
    statistics::launch(
        &client,
        cubes,
        units,
        outputs.into_tensor_arg(),
        upstream.into_tensor_arg(),
        log_sums.into_tensor_arg(),
        slopes.into_tensor_arg(),
        result.clone().into_tensor_arg(),
        dtype,
    );
    result
}
