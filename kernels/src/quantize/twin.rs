//! The processor's side: blocks of [`LANES`] vectors side by side against the codes in turn.

use super::Draw;
use crate::simd::{LANES, ROWS, Tile, add_rows_distance, fused};
use macerator::Simd;
use rayon::prelude::*;

/// The codes of vectors of this width, as one block of a thread after the other.
pub(super) fn codes(vectors: &[f32], codebook: &[f32], width: usize, draw: Option<Draw>) -> Vec<i32> {
    let mut codes = vec![0; vectors.len() / width];
    let blocks = codes.par_chunks_mut(LANES).zip(vectors.par_chunks(LANES * width));
    blocks.enumerate().for_each_init(Vec::new, |turned, (block, (codes, vectors))| {
        let first = (block * LANES) as u32;
        block_codes(vectors, codebook, width, draw, first, turned, codes);
    });
    codes
}

#[macerator::with_simd]
fn block_codes<S: Simd>(
    vectors: &[f32],
    codebook: &[f32],
    width: usize,
    draw: Option<Draw>,
    first: u32,
    turned: &mut Vec<f32>,
    codes: &mut [i32],
) {
    turned.clear();
    turned.resize(width * LANES, 0.0);
    for (lane, vector) in vectors.chunks_exact(width).enumerate() {
        for (column, number) in turned.chunks_exact_mut(LANES).zip(vector) {
            column[lane] = *number;
        }
    }
    let count = codebook.len() / width;
    let mut best = [f32::MAX; LANES];
    let mut best_codes = [0_i32; LANES];
    for first_code in (0..count).step_by(ROWS) {
        // Beyond the last code that one again, which is never better than itself.
        let rows = std::array::from_fn(|row| &codebook[(first_code + row).min(count - 1) * width..][..width]);
        let mut costs: Tile = [[0.0; LANES]; ROWS];
        add_rows_distance::<S>(&mut costs, rows, turned, width);
        if let Some(draw) = draw {
            disturb::<S>(&mut costs, draw, first, first_code as u32);
        }
        for (row, costs) in costs.iter().enumerate().take(count - first_code) {
            let code = (first_code + row) as i32;
            for ((cost, best), best_code) in costs.iter().zip(&mut best).zip(&mut best_codes) {
                let better = *cost < *best;
                *best = if better { *cost } else { *best };
                *best_code = if better { code } else { *best_code };
            }
        }
    }
    codes.copy_from_slice(&best_codes[..codes.len()]);
}

/// Replaces squared distances by costs: over the temperature, less noise.
#[inline(always)]
fn disturb<S: Simd>(costs: &mut Tile, draw: Draw, first: u32, first_code: u32) {
    let inverse = 1.0 / draw.temperature;
    for (group, costs) in costs.chunks_exact_mut(4).enumerate() {
        let low = u64::from(first_code / 4 + group as u32);
        let counters: [u64; LANES] = std::array::from_fn(|lane| {
            let vector = draw.first_vector.wrapping_add(first).wrapping_add(lane as u32);
            u64::from(vector) << 32 | low
        });
        for (costs, words) in costs.iter_mut().zip(draw.random.word_lanes(counters)) {
            for (cost, word) in costs.iter_mut().zip(words) {
                *cost = fused::<S>(*cost, inverse, -gumbel::<S>(word));
            }
        }
    }
}

/// A number of the Gumbel distribution from a random word: `-ln(-ln u)`, `u` in the middle of one of 2^23 steps of 0..1.
#[inline(always)]
fn gumbel<S: Simd>(word: u32) -> f32 {
    let uniform = ((word >> 9) as i32 as f32 + 0.5) * (1.0 / 8_388_608.0);
    -ln::<S>(-ln::<S>(uniform))
}

/// Natural logarithm of a normal number above 0, by the same steps as on the GPU, whose own is too coarse near 1.
///
/// The number is `m 2^e` with `m` within a factor of √2 of 1; `ln m` is `2 artanh(s)`, `s = (m - 1) / (m + 1)`.
#[inline(always)]
fn ln<S: Simd>(x: f32) -> f32 {
    const HALF_ROOT: u32 = 0x3F35_04F3;
    let shifted = x.to_bits().wrapping_add(0x3F80_0000 - HALF_ROOT);
    let exponent = (shifted >> 23) as i32 - 127;
    let mantissa = f32::from_bits((shifted & 0x007F_FFFF) + HALF_ROOT);
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut series = 1.0 / 9.0;
    for term in [1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0, 1.0] {
        series = fused::<S>(series, square, term);
    }
    fused::<S>(exponent as f32, std::f32::consts::LN_2, 2.0 * s * series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[macerator::with_simd]
    fn logarithms<S: Simd>(numbers: &mut [f32]) {
        for number in numbers {
            *number = ln::<S>(*number);
        }
    }

    #[test]
    fn logarithms_are_those_of_the_platform() {
        let near_one = (1..2000).map(|step| 1.0 - step as f32 * f32::EPSILON * 0.5);
        let inputs: Vec<f32> = near_one.chain((-60..10).map(|power| 1.37_f32.powi(power))).collect();
        let mut found = inputs.clone();
        logarithms(&mut found);
        for (input, found) in inputs.iter().zip(found) {
            let expected = f64::from(*input).ln();
            let error = (f64::from(found) - expected).abs();
            assert!(error <= 4e-7 * expected.abs(), "ln {input} is {found}, not {expected}");
        }
    }

    #[macerator::with_simd]
    fn gumbels<S: Simd>(words: &[u32]) -> Vec<f32> {
        words.iter().map(|word| gumbel::<S>(*word)).collect()
    }

    #[test]
    fn noise_is_finite_at_both_ends_and_rises_with_the_word() {
        let found = gumbels(&[0, 1 << 20, 1 << 31, u32::MAX - (1 << 20), u32::MAX]);
        assert!(found.iter().all(|noise| noise.is_finite()), "{found:?}");
        assert!(found.is_sorted(), "{found:?}");
        assert!((found[0] + 16.64_f32.ln()).abs() < 1e-2 && (found[4] - 16.64).abs() < 1e-2, "{found:?}");
    }
}
