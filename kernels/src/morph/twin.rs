//! The twins: some frames side by side in vector registers.

use crate::simd::fused;
use crate::tensors::{indices, numbers, of_f32, tensor_like};
use burn::backend::{Flex, TensorMetadata, tensor::FloatTensor, tensor::IntTensor};
use macerator::Simd;
use rayon::prelude::*;

/// Frames that are computed side by side.
pub(crate) const FRAMES: usize = 16;
/// The same number for each frame of a block.
pub(crate) type Block = [f32; FRAMES];

/// What moves each vertex: the first entry of each vertex and their end, then target and offset of each entry.
#[derive(Clone, Copy)]
pub(crate) struct Offsets<'a> {
    pub(crate) starts: &'a [u32],
    pub(crate) targets: &'a [u32],
    pub(crate) offsets: &'a [[f32; 3]],
}

impl<'a> Offsets<'a> {
    /// Of [`super::MorphMesh::by_vertex`] and the offsets.
    pub(crate) fn new(by_vertex: &'a [u32], offsets: &'a [f32], vertices: usize) -> Self {
        let (starts, targets) = by_vertex.split_at(vertices + 1);
        Self { starts, targets, offsets: offsets.as_chunks::<3>().0 }
    }

    /// `start` of each frame plus the weighted offsets of a vertex.
    #[inline(always)]
    pub(crate) fn moved<S: Simd>(self, vertex: usize, start: [f32; 3], weights: &[Block]) -> [Block; 3] {
        let mut sums = start.map(|axis| [axis; FRAMES]);
        let entries = self.starts[vertex] as usize..self.starts[vertex + 1] as usize;
        let offsets = self.offsets[entries.clone()].iter();
        for (target, offset) in self.targets[entries].iter().zip(offsets) {
            let weights = &weights[*target as usize];
            for (sums, offset) in sums.iter_mut().zip(offset) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = fused::<S>(*weight, *offset, *sum);
                }
            }
        }
        sums
    }
}

/// The weights of [`FRAMES`] frames at a time, target by target; frames beyond the last have weights of 0.
pub(crate) fn transposed_blocks(weights: &[f32], targets: usize) -> Vec<Vec<Block>> {
    let transposed = |frames: &[f32]| -> Vec<Block> {
        let mut block = vec![[0.0; FRAMES]; targets];
        for (frame, weights) in frames.chunks_exact(targets).enumerate() {
            for (block, weight) in block.iter_mut().zip(weights) {
                block[frame] = *weight;
            }
        }
        block
    };
    weights.chunks(FRAMES * targets).map(transposed).collect()
}

/// Writes the frames of a block, `[frames, vertices, 3]`.
#[macerator::with_simd]
fn deform_block<'a, S: Simd>(
    weights: &[Block],
    base: &[[f32; 3]],
    offsets: Offsets<'a>,
    unit_length: bool,
    frames: &mut [&'a mut [[f32; 3]]],
) {
    for (vertex, start) in base.iter().enumerate() {
        let mut moved = offsets.moved::<S>(vertex, *start, weights);
        if unit_length {
            moved = scaled_to_unit_length(moved);
        }
        for (index, frame) in frames.iter_mut().enumerate() {
            frame[vertex] = [moved[0][index], moved[1][index], moved[2][index]];
        }
    }
}

/// Vectors of length 1; those that the offsets cancelled out stay as they are.
#[inline(always)]
fn scaled_to_unit_length([x, y, z]: [Block; 3]) -> [Block; 3] {
    let mut scaled = [x, y, z];
    for frame in 0..FRAMES {
        let length = (x[frame] * x[frame] + y[frame] * y[frame] + z[frame] * z[frame]).sqrt();
        let scale = if length > 1e-12 { length } else { 1.0 };
        scaled.iter_mut().for_each(|axis| axis[frame] /= scale);
    }
    scaled
}

fn deform(
    weights: &[f32],
    base: &[[f32; 3]],
    offsets: Offsets<'_>,
    unit_length: bool,
    targets: usize,
) -> Vec<f32> {
    let frames = weights.len() / targets;
    let mut deformed = vec![[0.0; 3]; frames * base.len()];
    let blocks = transposed_blocks(weights, targets);
    deformed.par_chunks_mut(FRAMES * base.len()).zip(&blocks).for_each(|(deformed, weights)| {
        let mut frames: Vec<&mut [[f32; 3]]> = deformed.chunks_exact_mut(base.len()).collect();
        deform_block(weights, base, offsets, unit_length, &mut frames);
    });
    deformed.into_flattened()
}

pub(crate) fn deform_on_flex(
    weights: FloatTensor<Flex>,
    base: FloatTensor<Flex>,
    offsets: FloatTensor<Flex>,
    by_vertex: IntTensor<Flex>,
    unit_length: bool,
) -> FloatTensor<Flex> {
    let ([frames, targets], vertices) = (weights.shape().dims::<2>(), base.shape()[0]);
    let (weights_f32, rest, offsets) = (of_f32(&weights), of_f32(&base), of_f32(&offsets));
    let by_vertex = indices(&by_vertex);
    let offsets = Offsets::new(&by_vertex, numbers(&offsets), vertices);
    let rest = numbers(&rest).as_chunks::<3>().0;
    let deformed = deform(numbers(&weights_f32), rest, offsets, unit_length, targets);
    tensor_like(&weights, [frames, vertices, 3], deformed)
}

/// The twin of the backward pass: the slope of `Σ upstream · positions` in each weight.
fn weight_slopes(
    upstream: &[[f32; 3]],
    vertices: usize,
    offsets: &[[f32; 3]],
    lists: &[u32],
    targets: usize,
) -> Vec<f32> {
    let (starts, items) = lists.split_at(targets + 1);
    let (items, _) = items.as_chunks::<2>();
    let slope = |upstream: &[[f32; 3]], target: usize| -> f32 {
        let items = &items[starts[target] as usize..starts[target + 1] as usize];
        let term = |[entry, vertex]: &[u32; 2]| -> f32 {
            let (offset, upstream) = (offsets[*entry as usize], upstream[*vertex as usize]);
            offset.iter().zip(upstream).map(|(offset, upstream)| offset * upstream).sum()
        };
        items.iter().map(term).sum()
    };
    let frames = upstream.par_chunks_exact(vertices);
    frames.flat_map_iter(|upstream| (0..targets).map(move |target| slope(upstream, target))).collect()
}

pub(crate) fn weight_slopes_on_flex(
    upstream: FloatTensor<Flex>,
    offsets: FloatTensor<Flex>,
    by_target: IntTensor<Flex>,
    targets: usize,
) -> FloatTensor<Flex> {
    let [frames, vertices, _] = upstream.shape().dims::<3>();
    let (slopes, moves) = (of_f32(&upstream), of_f32(&offsets));
    let (slopes, moves) = (numbers(&slopes).as_chunks::<3>().0, numbers(&moves).as_chunks::<3>().0);
    let slopes = weight_slopes(slopes, vertices, moves, &indices(&by_target), targets);
    tensor_like(&upstream, [frames, targets], slopes)
}
