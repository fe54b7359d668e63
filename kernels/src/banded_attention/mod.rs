//! Attention within a window of time, with a bias that falls off linearly with the distance.
//!
//! For queries `q`, keys `k` and values `v` of a head, with `d` the distance in frames between the query `i` and the
//! key `j`, the output is `o_i = Σ_j p_ij v_j` over the keys from `before` frames before the query to `after` frames
//! after it, `p_ij = softmax_j(q_i · k_j / √width - slope · d)`.
//!
//! The bias is that of Press, Smith and Lewis, "Train short, test long", ICLR 2022; the softmax while passing over the
//! keys is that of Milakov and Gimelshein, 2018, the backward pass from the logarithms of its sums that of Dao et al.,
//! "FlashAttention", NeurIPS 2022. Time and memory grow with frames times window, not with the square of the frames.

#[cfg(feature = "gpu")]
mod cube;
mod twin;

use crate::KernelError;
use crate::error::require_same_shape;
use crate::extension::KernelOps;
use crate::tensors::{numbers, of_f32, tensor_like};
use burn::backend::{Dispatch, Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::Tensor;
use std::ops::Range;

#[cfg(feature = "gpu")]
pub(crate) use cube::{attend_on_cube, slopes_on_cube};

/// Widest head that fits the shared memory of every GPU.
pub const MOST_WIDTH: usize = 128;

/// Which keys a query sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Keys before the query's own frame, in frames.
    pub before_frames: usize,
    /// Keys after the query's own frame, in frames; 0 for causal attention.
    pub after_frames: usize,
    /// Index of the first query's frame among the keys: 0 for a whole clip. With it a window of the queries over the
    /// keys around it gives what the whole clip gives.
    pub first_query: usize,
}

impl Band {
    /// The keys, out of `keys`, that any query of these sees.
    fn keys_of(self, queries: Range<usize>, keys: usize) -> Range<usize> {
        let first = (queries.start + self.first_query).saturating_sub(self.before_frames);
        let end = (queries.end + self.first_query).saturating_add(self.after_frames);
        first..end.min(keys)
    }
}

/// Slopes `2^(-8 h / heads)` for heads `h` from 1 on, as Press, Smith and Lewis choose them.
pub fn alibi_slopes(heads: usize) -> Vec<f32> {
    (1..=heads).map(|head| (-8.0 * head as f32 / heads as f32).exp2()).collect()
}

/// What queries attend to.
#[derive(Clone, Debug)]
pub struct Attended {
    /// Keys: `[batch, heads, frames, width]`.
    pub keys: Tensor<4>,
    /// Values, shaped like the keys.
    pub values: Tensor<4>,
    /// What each frame of distance takes from a score, for each head: `[heads]`. No gradient flows to it.
    pub slopes: Tensor<1>,
}

/// Attention of `[batch, heads, frames, width]` queries within a band: shaped like the queries. Differentiable in
/// queries, keys and values. Queries may be fewer than keys, see [`Band::first_query`].
///
/// # Errors
/// When shapes do not fit, when a query's frame is none of the keys', or when the width is above [`MOST_WIDTH`].
pub fn banded_attention(
    queries: Tensor<4>,
    attended: Attended,
    band: Band,
) -> Result<Tensor<4>, KernelError> {
    check(&queries, &attended, band)?;
    if queries.dims().contains(&0) {
        return Ok(queries);
    }
    let (outputs, _) = Dispatch::banded_attention(
        queries.into_dispatch(),
        attended.keys.into_dispatch(),
        attended.values.into_dispatch(),
        attended.slopes.into_dispatch(),
        band,
    );
    Ok(Tensor::from_dispatch(outputs))
}

fn check(queries: &Tensor<4>, attended: &Attended, band: Band) -> Result<(), KernelError> {
    let [batch, heads, frames, width] = queries.dims();
    let keys = attended.keys.dims();
    if [keys[0], keys[1], keys[3]] != [batch, heads, width] {
        let expected = format!("[{batch}, {heads}, any, {width}], that of `queries` but for the frames");
        return Err(KernelError::Shape { argument: "keys", found: keys.to_vec(), expected });
    }
    require_same_shape(("keys", &keys), ("values", &attended.values.dims()))?;
    if attended.slopes.dims() != [heads] {
        let expected = format!("[{heads}], one slope for each head of `queries`");
        return Err(KernelError::Shape {
            argument: "slopes",
            found: attended.slopes.dims().to_vec(),
            expected,
        });
    }
    KernelError::unless(width <= MOST_WIDTH, "width", width, format!("at most {MOST_WIDTH}"))?;
    let room = keys[2].saturating_sub(frames);
    KernelError::unless(
        frames <= keys[2] && band.first_query <= room,
        "first_query",
        band.first_query,
        format!("at most {room}, so that each of {frames} queries lies on one of {} keys", keys[2]),
    )
}

/// The sizes of one call.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Batch times heads.
    pairs: usize,
    heads: usize,
    queries: usize,
    keys: usize,
    width: usize,
}

impl Sizes {
    fn of(queries: &[usize], keys: &[usize]) -> Self {
        let (pairs, heads) = (queries[0] * queries[1], queries[1]);
        Self { pairs, heads, queries: queries[2], keys: keys[2], width: queries[3] }
    }

    /// Factor of the scores, `1 / √width`.
    fn scale(self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }
}

pub(crate) fn attend_on_flex(
    queries: FloatTensor<Flex>,
    keys: FloatTensor<Flex>,
    values: FloatTensor<Flex>,
    slopes: FloatTensor<Flex>,
    band: Band,
) -> (FloatTensor<Flex>, FloatTensor<Flex>) {
    let sizes = Sizes::of(&queries.shape(), &keys.shape());
    let [own, k, v, s] = [&queries, &keys, &values, &slopes].map(of_f32);
    let inputs =
        twin::Inputs { queries: numbers(&own), keys: numbers(&k), values: numbers(&v), slopes: numbers(&s) };
    let (outputs, log_sums) = twin::attend(inputs, sizes, band);
    let shape = queries.shape();
    let outputs = tensor_like(&queries, shape.clone(), outputs);
    // The sums stay in f32, whatever the type of the queries is.
    (outputs, tensor_like(&own, [shape[0], shape[1], shape[2]], log_sums))
}

/// What the backward pass keeps of the forward pass, and the slope of the loss in its outputs.
#[derive(Clone, Debug)]
pub(crate) struct Forward<T> {
    pub queries: T,
    pub keys: T,
    pub values: T,
    pub slopes: T,
    pub outputs: T,
    pub log_sums: T,
}

pub(crate) fn slopes_on_flex(
    forward: Forward<FloatTensor<Flex>>,
    upstream: FloatTensor<Flex>,
    band: Band,
) -> [FloatTensor<Flex>; 3] {
    let Forward { queries, keys, values, slopes, outputs, log_sums } = forward;
    let sizes = Sizes::of(&queries.shape(), &keys.shape());
    let [q, k, v, s, o, l, u] =
        [&queries, &keys, &values, &slopes, &outputs, &log_sums, &upstream].map(of_f32);
    let inputs =
        twin::Inputs { queries: numbers(&q), keys: numbers(&k), values: numbers(&v), slopes: numbers(&s) };
    let results = twin::Results { outputs: numbers(&o), log_sums: numbers(&l), upstream: numbers(&u) };
    let [for_queries, for_keys, for_values] = twin::slopes(inputs, results, sizes, band);
    [
        tensor_like(&queries, queries.shape(), for_queries),
        tensor_like(&keys, keys.shape(), for_keys),
        tensor_like(&values, values.shape(), for_values),
    ]
}
