//! The GPU's side: one unit for each vector; blocks of codes and of vectors stand in shared memory.

use super::Draw;
use crate::random::{
    Random,
    cube::{random_words, source_words},
};
use crate::tensors::contiguous;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::backend::{DType, TensorMetadata};
use burn_cubecl::ops::numeric::empty_device_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Units of a cube, and vectors that it works on.
const VECTORS: usize = 64;
/// Codes that a unit sums distances to at a time.
const CODES: usize = 16;
/// Numbers of vectors and codes in shared memory at a time.
const DEPTH: usize = 16;

/// Natural logarithm of a normal number above 0, by the steps of the processor's.
#[cube]
fn ln(x: f32) -> f32 {
    let shifted = u32::reinterpret(x) + comptime!(0x3F80_0000u32 - 0x3F35_04F3);
    let exponent = f32::cast_from(shifted >> 23) - 127.0;
    let mantissa = f32::reinterpret((shifted & 0x007F_FFFFu32) + 0x3F35_04F3u32);
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut series = f32::new(1.0 / 9.0);
    series = series * square + comptime!(1.0f32 / 7.0);
    series = series * square + comptime!(1.0f32 / 5.0);
    series = series * square + comptime!(1.0f32 / 3.0);
    series = series * square + 1.0;
    exponent * comptime!(std::f32::consts::LN_2) + 2.0 * s * series
}

/// A number of the Gumbel distribution from a random word.
#[cube]
fn gumbel(word: u32) -> f32 {
    let uniform = (f32::cast_from(word >> 9) + 0.5) * comptime!(1.0f32 / 8_388_608.0);
    -ln(-ln(uniform))
}

#[cube(launch)]
fn choose<F: Float>(
    vectors: &Tensor<F>,
    codebook: &Tensor<F>,
    codes: &mut Tensor<i32>,
    inverse_temperature: f32,
    first_vector: u32,
    seed: u32,
    seed_high: u32,
    stream: u32,
    stream_high: u32,
    #[comptime] drawn: bool,
    #[define(F)] _dtype: ElemType,
) {
    let unit = UNIT_POS as usize;
    let first = CUBE_POS * VECTORS;
    let vector = first + unit;
    let vector_count = vectors.shape(0);
    let width = vectors.shape(1);
    let code_count = codebook.shape(0);
    let mut vector_block = Shared::<[f32]>::new_slice(comptime!(VECTORS * (DEPTH + 1)));
    let mut code_block = Shared::<[f32]>::new_slice(comptime!(CODES * DEPTH));
    let mut best = f32::new(f32::MAX);
    let mut best_code = 0usize;
    for block in 0..code_count.div_ceil(CODES) {
        let first_code = block * CODES;
        let mut costs = Array::<f32>::new(CODES);
        #[unroll]
        for index in 0..CODES {
            costs[index] = 0.0;
        }
        for part in 0..width.div_ceil(DEPTH) {
            let from = part * DEPTH;
            let mut at = unit;
            while at < VECTORS * DEPTH {
                let (row, column) = (at / DEPTH, at % DEPTH);
                let mut value = 0.0f32;
                if first + row < vector_count && from + column < width {
                    value = f32::cast_from(vectors[(first + row) * width + from + column]);
                }
                vector_block[row * (DEPTH + 1) + column] = value;
                at += VECTORS;
            }
            let mut at = unit;
            while at < CODES * DEPTH {
                let (row, column) = (at / DEPTH, at % DEPTH);
                let mut value = 0.0f32;
                if first_code + row < code_count && from + column < width {
                    value = f32::cast_from(codebook[(first_code + row) * width + from + column]);
                }
                code_block[at] = value;
                at += VECTORS;
            }
            sync_cube();
            for column in 0..DEPTH {
                let own = vector_block[unit * (DEPTH + 1) + column];
                #[unroll]
                for index in 0..CODES {
                    let difference = own - code_block[index * DEPTH + column];
                    costs[index] += difference * difference;
                }
            }
            sync_cube();
        }
        if drawn {
            #[unroll]
            for group in 0..CODES / 4 {
                let low = (first_code / 4 + group) as u32;
                let high = first_vector + vector as u32;
                let words = random_words(low, high, seed, seed_high, stream, stream_high);
                #[unroll]
                for word in 0..4usize {
                    let cost = costs[group * 4 + word] * inverse_temperature;
                    costs[group * 4 + word] = cost - gumbel(words[word]);
                }
            }
        }
        #[unroll]
        for index in 0..CODES {
            if first_code + index < code_count && costs[index] < best {
                best = costs[index];
                best_code = first_code + index;
            }
        }
    }
    if vector < vector_count {
        codes[vector] = best_code as i32;
    }
}

pub(crate) fn codes_on_cube(vectors: CubeTensor, codebook: CubeTensor, draw: Option<Draw>) -> CubeTensor {
    let (vectors, codebook) = (contiguous(vectors), contiguous(codebook));
    let count = vectors.shape()[0];
    let codes =
        empty_device_dtype(vectors.client.clone(), vectors.device.clone(), [count].into(), DType::I32);
    let (client, dtype) = (vectors.client.clone(), dtype_to_storage_type(vectors.dtype));
    let none = Draw { temperature: 1.0, random: Random::new(0, 0), first_vector: 0 };
    let settings = draw.unwrap_or(none);
    let [seed, seed_high, stream, stream_high] = source_words(settings.random);
    let cubes = count.div_ceil(VECTORS);
    choose::launch(
        &client,
        cubecl::calculate_cube_count_elemwise(&client, cubes, CubeDim::new_single()),
        CubeDim::new_1d(VECTORS as u32),
        vectors.into_tensor_arg(),
        codebook.into_tensor_arg(),
        codes.clone().into_tensor_arg(),
        1.0 / settings.temperature,
        settings.first_vector,
        seed,
        seed_high,
        stream,
        stream_high,
        draw.is_some(),
        dtype,
    );
    codes
}
