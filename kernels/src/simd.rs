//! Building blocks of the processor's twins, written so that the compiler turns them into vector instructions.
//!
//! They are inlined into functions marked `#[macerator::with_simd]`, which exist once for each instruction set and are
//! chosen at run time. `S` is that instruction set.

use macerator::{Scalar, Simd, VFma, Vector};

/// Numbers that the building blocks work on side by side: one register of AVX-512, two of AVX2, four of NEON.
pub(crate) const LANES: usize = 16;
/// Rows of a tile: enough independent sums to hide the latency of a multiply-add.
pub(crate) const ROWS: usize = 8;

/// Sums of a tile of [`ROWS`] x [`LANES`].
pub(crate) type Tile = [[f32; LANES]; ROWS];

/// `a * b + c`, rounded once where the instruction set can.
#[inline(always)]
pub(crate) fn fused<S: Simd>(a: f32, b: f32, c: f32) -> f32 {
    if f32::is_accelerated::<S>() { a.mul_add(b, c) } else { a * b + c }
}

/// As many numbers as the instruction set works on at once.
type Register<S> = Vector<S, f32>;
/// A tile in `N` registers for each row.
type Sums<S, const N: usize> = [[Register<S>; N]; ROWS];

/// `tile[r] += Σ_k rows[r][k] · lanes[k]`, where `lanes` starts every `stride` numbers.
#[inline(always)]
pub(crate) fn add_rows_product<S: Simd>(
    tile: &mut Tile,
    rows: [&[f32]; ROWS],
    lanes: &[f32],
    stride: usize,
    depth: usize,
) {
    match LANES / S::lanes32() {
        1 => add_rows::<S, 1, false>(tile, rows, lanes, stride, depth),
        2 => add_rows::<S, 2, false>(tile, rows, lanes, stride, depth),
        4 => add_rows::<S, 4, false>(tile, rows, lanes, stride, depth),
        _ => add_rows::<S, 8, false>(tile, rows, lanes, stride, depth),
    }
}

/// `tile[r] += Σ_k (rows[r][k] - lanes[k])²`, where `lanes` starts every [`LANES`] numbers.
#[inline(always)]
pub(crate) fn add_rows_distance<S: Simd>(tile: &mut Tile, rows: [&[f32]; ROWS], lanes: &[f32], depth: usize) {
    match LANES / S::lanes32() {
        1 => add_rows::<S, 1, true>(tile, rows, lanes, LANES, depth),
        2 => add_rows::<S, 2, true>(tile, rows, lanes, LANES, depth),
        4 => add_rows::<S, 4, true>(tile, rows, lanes, LANES, depth),
        _ => add_rows::<S, 8, true>(tile, rows, lanes, LANES, depth),
    }
}

/// `tile[r] += Σ_k columns[k][r] · lanes[k]`, where `columns` and `lanes` start every so many numbers.
#[inline(always)]
pub(crate) fn add_columns_product<S: Simd>(
    tile: &mut Tile,
    columns: (&[f32], usize),
    lanes: (&[f32], usize),
) {
    match LANES / S::lanes32() {
        1 => add_columns::<S, 1>(tile, columns, lanes),
        2 => add_columns::<S, 2>(tile, columns, lanes),
        4 => add_columns::<S, 4>(tile, columns, lanes),
        _ => add_columns::<S, 8>(tile, columns, lanes),
    }
}

/// `tile[r] += Σ_k block[r][k] · lanes[k]` over [`LANES`] of `lanes`, which start every `stride` numbers.
#[inline(always)]
pub(crate) fn add_block_product<S: Simd>(tile: &mut Tile, block: &Tile, lanes: &[f32], stride: usize) {
    match LANES / S::lanes32() {
        1 => add_block::<S, 1>(tile, block, lanes, stride),
        2 => add_block::<S, 2>(tile, block, lanes, stride),
        4 => add_block::<S, 4>(tile, block, lanes, stride),
        _ => add_block::<S, 8>(tile, block, lanes, stride),
    }
}

#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "a step takes one number of each of several rows")]
fn add_block<S: Simd, const N: usize>(tile: &mut Tile, block: &Tile, lanes: &[f32], stride: usize) {
    let mut sums = in_registers::<S, N>(tile);
    for k in 0..LANES {
        let Some(lanes) = lanes.get(k * stride..).and_then(|lanes| lanes.first_chunk()) else { break };
        let lanes = load::<S, N>(lanes);
        for r in 0..ROWS {
            add::<S, N, false>(&mut sums[r], block[r][k], &lanes);
        }
    }
    in_memory(&sums, tile);
}

#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "a step takes one number of each of several rows")]
fn add_rows<S: Simd, const N: usize, const SQUARED: bool>(
    tile: &mut Tile,
    rows: [&[f32]; ROWS],
    lanes: &[f32],
    stride: usize,
    depth: usize,
) {
    let rows = rows.map(|row| &row[..depth]);
    let mut sums = in_registers::<S, N>(tile);
    for k in 0..depth {
        let Some(lanes) = lanes.get(k * stride..).and_then(|lanes| lanes.first_chunk()) else { break };
        let lanes = load::<S, N>(lanes);
        for r in 0..ROWS {
            add::<S, N, SQUARED>(&mut sums[r], rows[r][k], &lanes);
        }
    }
    in_memory(&sums, tile);
}

#[inline(always)]
fn add_columns<S: Simd, const N: usize>(
    tile: &mut Tile,
    (columns, column_stride): (&[f32], usize),
    (lanes, lane_stride): (&[f32], usize),
) {
    let mut sums = in_registers::<S, N>(tile);
    for (column, lanes) in columns.chunks(column_stride).zip(lanes.chunks(lane_stride)) {
        let (Some(column), Some(lanes)) = (column.first_chunk::<ROWS>(), lanes.first_chunk::<LANES>()) else {
            break;
        };
        let lanes = load::<S, N>(lanes);
        for r in 0..ROWS {
            add::<S, N, false>(&mut sums[r], column[r], &lanes);
        }
    }
    in_memory(&sums, tile);
}

/// Adds to a row's sums the factor times the lanes, or the squares of the lanes' distances from it.
#[inline(always)]
fn add<S: Simd, const N: usize, const SQUARED: bool>(
    sums: &mut [Register<S>; N],
    factor: f32,
    lanes: &[Register<S>; N],
) {
    let factor = factor.splat::<S>();
    for n in 0..N {
        sums[n] = if SQUARED {
            let difference = lanes[n] - factor;
            difference.mul_add(difference, sums[n])
        } else {
            factor.mul_add(lanes[n], sums[n])
        };
    }
}

#[inline(always)]
fn load<S: Simd, const N: usize>(numbers: &[f32; LANES]) -> [Register<S>; N] {
    let mut registers = [0.0.splat::<S>(); N];
    for n in 0..N {
        registers[n] =
            bytemuck::pod_read_unaligned(bytemuck::cast_slice(&numbers[n * LANES / N..][..LANES / N]));
    }
    registers
}

#[inline(always)]
fn in_registers<S: Simd, const N: usize>(tile: &Tile) -> Sums<S, N> {
    let mut sums = [[0.0.splat::<S>(); N]; ROWS];
    for r in 0..ROWS {
        sums[r] = load::<S, N>(&tile[r]);
    }
    sums
}

#[inline(always)]
fn in_memory<S: Simd, const N: usize>(sums: &Sums<S, N>, tile: &mut Tile) {
    for r in 0..ROWS {
        for n in 0..N {
            tile[r][n * LANES / N..][..LANES / N]
                .copy_from_slice(bytemuck::cast_slice(bytemuck::bytes_of(&sums[r][n])));
        }
    }
}

/// `e^x` within 2 units in the last place; 0 below -87, where f32 has no normal numbers left.
///
/// `x` is `n ln 2 + r` with `|r| <= ln 2 / 2`, so `e^x` is `2^n` times the Taylor series of `e^r`, whose terms after the
/// seventh power are below 1e-8.
#[inline(always)]
pub(crate) fn exp<S: Simd>(x: f32) -> f32 {
    /// Adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUNDER: f32 = 12_582_912.0;
    /// ln 2 in two parts, of which the first has few enough bits to be multiplied exactly.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    const SERIES: [f32; 8] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let bounded = x.clamp(-87.0, 88.0);
    let shifted = fused::<S>(bounded, std::f32::consts::LOG2_E, ROUNDER);
    let whole = shifted - ROUNDER;
    let rest = fused::<S>(whole, -LN_2[1], fused::<S>(whole, -LN_2[0], bounded));
    let mut series = 0.0;
    for term in SERIES {
        series = fused::<S>(series, rest, term);
    }
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    if x < -87.0 { 0.0 } else { series * power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[macerator::with_simd]
    fn exps<S: Simd>(numbers: &mut [f32]) {
        for number in numbers {
            *number = exp::<S>(*number);
        }
    }

    #[test]
    fn exponentials_are_those_of_the_platform() {
        let inputs: Vec<f32> = (-8700..=8800).map(|step| step as f32 * 0.01).collect();
        let mut found = inputs.clone();
        exps(&mut found);
        for (input, found) in inputs.iter().zip(&found) {
            let expected = f64::from(*input).exp();
            assert!(
                (f64::from(*found) / expected - 1.0).abs() < 2.4e-7,
                "e^{input} is {found}, not {expected}"
            );
        }
        let mut edges = [0.0, -1e30, f32::NEG_INFINITY];
        exps(&mut edges);
        assert_eq!(edges, [1.0, 0.0, 0.0]);
    }

    #[macerator::with_simd]
    fn products<S: Simd>(tiles: &mut [Tile; 3], left: &[f32], right: &[f32], depth: usize) {
        let rows = std::array::from_fn(|row| &left[row * depth..]);
        add_rows_product::<S>(&mut tiles[0], rows, right, LANES, depth);
        let columns: Vec<f32> = (0..depth * ROWS).map(|at| left[at % ROWS * depth + at / ROWS]).collect();
        add_columns_product::<S>(&mut tiles[1], (&columns, ROWS), (right, LANES));
        let mut block: Tile = [[0.0; LANES]; ROWS];
        for (row, numbers) in block.iter_mut().zip(left.chunks(depth)) {
            row[..depth].copy_from_slice(numbers);
        }
        add_block_product::<S>(&mut tiles[2], &block, right, LANES);
    }

    #[test]
    fn tiles_are_matrix_products() {
        let depth = 5;
        let left: Vec<f32> = (0..ROWS * depth).map(|n| (n % 7) as f32 - 3.0).collect();
        let right: Vec<f32> = (0..depth * LANES).map(|n| (n % 11) as f32 * 0.5).collect();
        let mut tiles = [[[1.0; LANES]; ROWS]; 3];
        products(&mut tiles, &left, &right, depth);
        for row in 0..ROWS {
            for lane in 0..LANES {
                let sum: f32 = (0..depth).map(|k| left[row * depth + k] * right[k * LANES + lane]).sum();
                assert_eq!(tiles.map(|tile| tile[row][lane]), [1.0 + sum; 3]);
            }
        }
    }
}
