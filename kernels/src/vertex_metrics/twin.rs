//! The twins: some frames side by side in vector registers.

use crate::morph::{Block, FRAMES, Offsets, transposed_blocks};
use crate::tensors::{indices, numbers, of_f32, tensor_like};
use burn::backend::{Flex, TensorMetadata, tensor::FloatTensor, tensor::IntTensor};
use macerator::Simd;
use rayon::prelude::*;

/// Vertices that a thread takes at a time.
const VERTICES: usize = 64;

/// Mean distance, mean square and greatest square of each frame of a block.
#[macerator::with_simd]
fn distances_of_block<'a, S: Simd>(
    weights: &[Block],
    start: &[[f32; 3]],
    offsets: Offsets<'a>,
) -> [Block; 3] {
    let mut distances = [0.0; FRAMES];
    let mut squares = [0.0; FRAMES];
    let mut greatest = [0.0_f32; FRAMES];
    for (vertex, start) in start.iter().enumerate() {
        let square = squared_length(offsets.moved::<S>(vertex, *start, weights));
        for frame in 0..FRAMES {
            distances[frame] += square[frame].sqrt();
            squares[frame] += square[frame];
            greatest[frame] = if square[frame] > greatest[frame] { square[frame] } else { greatest[frame] };
        }
    }
    let share = 1.0 / start.len() as f32;
    [distances.map(|sum| sum * share), squares.map(|sum| sum * share), greatest]
}

#[inline(always)]
fn squared_length([x, y, z]: [Block; 3]) -> Block {
    let mut squares = [0.0; FRAMES];
    for frame in 0..FRAMES {
        squares[frame] = x[frame] * x[frame] + y[frame] * y[frame] + z[frame] * z[frame];
    }
    squares
}

pub(crate) fn distances_on_flex(
    weights: FloatTensor<Flex>,
    start: FloatTensor<Flex>,
    offsets: FloatTensor<Flex>,
    by_vertex: IntTensor<Flex>,
) -> FloatTensor<Flex> {
    let [frames, targets] = weights.shape().dims::<2>();
    let (weights_f32, start, offsets) = (of_f32(&weights), of_f32(&start), of_f32(&offsets));
    let start = numbers(&start).as_chunks::<3>().0;
    let by_vertex = indices(&by_vertex);
    let offsets = Offsets::new(&by_vertex, numbers(&offsets), start.len());
    let blocks = transposed_blocks(numbers(&weights_f32), targets);
    let measured: Vec<[Block; 3]> =
        blocks.par_iter().map(|block| distances_of_block(block, start, offsets)).collect();
    let rows = measured.iter().flat_map(|block| (0..FRAMES).map(|frame| block.map(|column| column[frame])));
    let distances: Vec<f32> = rows.take(frames).flatten().collect();
    tensor_like(&weights, [frames, 3], distances)
}

/// Mean and variance over all frames of the squared displacement of each vertex.
#[macerator::with_simd]
fn energies_of_vertices<'a, S: Simd>(
    blocks: &[Vec<Block>],
    frames: usize,
    first: usize,
    offsets: Offsets<'a>,
    energies: &mut [[f32; 2]],
) {
    let mut squares = vec![[0.0; FRAMES]; blocks.len()];
    for (index, energy) in energies.iter_mut().enumerate() {
        for (square, weights) in squares.iter_mut().zip(blocks) {
            *square = squared_length(offsets.moved::<S>(first + index, [0.0; 3], weights));
        }
        let squares = &squares.as_flattened()[..frames];
        let mean = sum_of(squares, |square| square) / frames as f32;
        *energy = [mean, sum_of(squares, |square| (square - mean) * (square - mean)) / frames as f32];
    }
}

/// The sum of a function of every number, in lanes.
#[inline(always)]
fn sum_of(numbers: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (blocks, rest) = numbers.as_chunks::<FRAMES>();
    let mut sums = [0.0; FRAMES];
    for block in blocks {
        for (sum, number) in sums.iter_mut().zip(block) {
            *sum += of(*number);
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|number| of(*number)).sum::<f32>()
}

pub(crate) fn energies_on_flex(
    weights: FloatTensor<Flex>,
    offsets: FloatTensor<Flex>,
    by_vertex: IntTensor<Flex>,
    vertices: usize,
) -> FloatTensor<Flex> {
    let [frames, targets] = weights.shape().dims::<2>();
    let (weights_f32, offsets) = (of_f32(&weights), of_f32(&offsets));
    let by_vertex = indices(&by_vertex);
    let offsets = Offsets::new(&by_vertex, numbers(&offsets), vertices);
    let blocks = transposed_blocks(numbers(&weights_f32), targets);
    let mut energies = vec![[0.0; 2]; vertices];
    energies.par_chunks_mut(VERTICES).enumerate().for_each(|(chunk, energies)| {
        energies_of_vertices(&blocks, frames, chunk * VERTICES, offsets, energies);
    });
    tensor_like(&weights, [vertices, 2], energies.into_flattened())
}
