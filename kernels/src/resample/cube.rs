//! The resampler on a GPU: a unit an output sample.

use super::Resampler;
use crate::tensors::{constants, contiguous, empty_like, one_unit_each};
use burn::backend::TensorMetadata;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;
use std::ops::Range;

/// Numbers that describe an output sample: its distance in input samples to the first one, and its row of weights.
const STEP_FIELDS: usize = 2;
/// Input samples further than this from the first one are silence; so whole numbers cannot overflow.
const FAR: i64 = 1 << 30;

/// One unit for each output sample. Weights are stored `[taps, rows]`, so that neighbours read neighbours; the steps
/// repeat after as many output samples as there are.
#[cube(launch)]
fn resample<F: Float>(
    samples: &Tensor<F>,
    steps: &[u32],
    mixes: &[f32],
    weights: &[f32],
    output: &mut Tensor<F>,
    first_input: i32,
    inputs_a_period: u32,
    rows: u32,
    #[comptime] mixed: bool,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= output.len() {
        terminate!();
    }
    let (count, outputs) = (samples.shape(1), output.shape(1));
    let rows = rows as usize;
    let clip = ABSOLUTE_POS / outputs * count;
    let index = ABSOLUTE_POS % outputs;
    let period = steps.len() / STEP_FIELDS;
    let step = index % period;
    let distance = index / period * inputs_a_period as usize + steps[STEP_FIELDS * step] as usize;
    let row = steps[STEP_FIELDS * step + 1] as usize;
    let first = first_input + distance as i32;
    let taps = weights.len() / rows;
    let from = max(0, -first) as usize;
    let to = min(taps as i32, count as i32 - first);
    let mut sum = 0.0f32;
    let mut next = 0.0f32;
    let mut tap = from;
    while (tap as i32) < to {
        let sample = f32::cast_from(samples[clip + (first + tap as i32) as usize]);
        sum += weights[tap * rows + row] * sample;
        if comptime!(mixed) {
            next += weights[tap * rows + row + 1] * sample;
        }
        tap += 1usize;
    }
    if comptime!(mixed) {
        sum += mixes[step] * (next - sum);
    }
    output[ABSOLUTE_POS] = F::cast_from(sum);
}

/// The weights as `[taps, rows]`.
fn by_tap(resampler: &Resampler) -> Vec<f32> {
    let taps = 2 * resampler.half;
    let rows = resampler.weights.len() / taps;
    (0..taps * rows).map(|index| resampler.weights[index % rows * taps + index / rows]).collect()
}

pub(crate) fn resample_on_cube(
    samples: CubeTensor,
    resampler: &Resampler,
    first_sample: i64,
    outputs: Range<i64>,
) -> CubeTensor {
    let samples = contiguous(samples);
    let count = (outputs.end - outputs.start) as usize;
    let output = empty_like(&samples, [samples.shape()[0], count]);
    let start = resampler.position_of(outputs.start);
    let (mut steps, mut mixes) = (Vec::new(), Vec::new());
    let mut position = start;
    for _ in 0..resampler.up.min(count as i64) {
        let (row, mix) = resampler.row_of(position);
        steps.extend([(position.base - start.base) as u32, row as u32]);
        mixes.push(mix);
        position = resampler.next(position);
    }
    let first_input = resampler.first_input_of(outputs.start) - first_sample;
    let (cubes, units) = one_unit_each(&output, output.shape().num_elements());
    resample::launch(
        &output.client,
        cubes,
        units,
        samples.clone().into_tensor_arg(),
        constants(&samples, &steps).into_buffer_arg(),
        constants(&samples, &mixes).into_buffer_arg(),
        constants(&samples, &by_tap(resampler)).into_buffer_arg(),
        output.clone().into_tensor_arg(),
        first_input.clamp(-FAR, FAR) as i32,
        resampler.down as u32,
        (resampler.weights.len() / (2 * resampler.half)) as u32,
        resampler.mixes,
        dtype_to_storage_type(output.dtype),
    );
    output
}
