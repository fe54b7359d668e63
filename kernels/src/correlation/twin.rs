//! The processor's side: for each emotion the frames that have it, times their weights, as a matrix product.

use super::PART_FRAMES;
use crate::simd::{LANES, ROWS, Tile, add_columns_product};
use macerator::Simd;
use rayon::prelude::*;

/// Sums `[parts, emotions, 1 + channels, 1 + channels]` over parts of [`PART_FRAMES`] frames.
pub(super) fn moment_sums(tracks: &[f32], weights: &[f32], channels: usize, emotions: usize) -> Vec<f32> {
    let side = 1 + channels;
    let frames = weights.len() / emotions;
    let mut sums = vec![0.0; frames.div_ceil(PART_FRAMES) * emotions * side * side];
    let matrices = sums.par_chunks_exact_mut(side * side).enumerate();
    matrices.for_each_init(Panels::default, |panels, (index, matrix)| {
        let (part, emotion) = (index / emotions, index % emotions);
        let part = part * PART_FRAMES..frames.min((part + 1) * PART_FRAMES);
        panels.gather(tracks, weights, (channels, emotions), part, emotion);
        products(panels, side, matrix);
    });
    sums
}

/// Frames that have an emotion: each begins with a 1 and ends with zeros up to a full register.
#[derive(Default)]
struct Panels {
    plain: Vec<f32>,
    weighted: Vec<f32>,
}

impl Panels {
    fn gather(
        &mut self,
        tracks: &[f32],
        weights: &[f32],
        (channels, emotions): (usize, usize),
        frames: std::ops::Range<usize>,
        emotion: usize,
    ) {
        let width = (1 + channels).next_multiple_of(LANES);
        self.plain.clear();
        self.weighted.clear();
        for frame in frames {
            let weight = weights[frame * emotions + emotion];
            // A frame of no weight is left out, whatever is on it.
            if weight == 0.0 {
                continue;
            }
            let track = &tracks[frame * channels..][..channels];
            self.plain.push(1.0);
            self.plain.extend_from_slice(track);
            self.plain.resize(self.plain.len().next_multiple_of(width), 0.0);
            self.weighted.push(weight);
            self.weighted.extend(track.iter().map(|value| value * weight));
            self.weighted.resize(self.weighted.len().next_multiple_of(width), 0.0);
        }
    }
}

/// The product of the weighted frames, transposed, with the plain ones: tiles on and above the diagonal, mirrored.
#[macerator::with_simd]
fn products<S: Simd>(panels: &Panels, side: usize, matrix: &mut [f32]) {
    let width = side.next_multiple_of(LANES);
    if panels.plain.is_empty() {
        return;
    }
    for first_row in (0..side).step_by(ROWS) {
        for first_column in (first_row / LANES * LANES..side).step_by(LANES) {
            let mut tile: Tile = [[0.0; LANES]; ROWS];
            let columns = (&panels.weighted[first_row..], width);
            add_columns_product::<S>(&mut tile, columns, (&panels.plain[first_column..], width));
            for (row, sums) in (first_row..side).zip(&tile) {
                for (column, sum) in (first_column..side).zip(sums) {
                    matrix[row * side + column] = *sum;
                    matrix[column * side + row] = *sum;
                }
            }
        }
    }
}
