//! Preference loss of ranked takes (Bradley and Terry 1952; Luce 1959 and Shepard 1957 for the choice rule; as D-REX
//! uses it: Brown, Goo, Niekum, CoRL 2019).
//!
//! For rewards `r` and ranks `k` of the takes of each batch, smaller ranks being better, the loss is the mean over all
//! pairs with `k_i < k_j` of `-ln P(i over j) = ln(1 + exp(r_j - r_i))`. Takes of equal rank make no pair.

use crate::KernelError;
use crate::extension::KernelOps;
use burn::backend::{Dispatch, Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::tensors::{numbers, of_f32, tensor_like};

/// The mean preference loss of `[batch, takes]` rewards under `[batch, takes]` ranks, smaller being better: `[1]`, 0
/// where there is no pair. Differentiable in the rewards.
///
/// # Errors
/// When the shapes differ.
pub fn preference_loss(rewards: Tensor<2>, ranks: Tensor<2>) -> Result<Tensor<1>, KernelError> {
    crate::error::require_same_shape(("rewards", &rewards.dims()), ("ranks", &ranks.dims()))?;
    if rewards.dims().contains(&0) {
        return Ok(rewards.sum());
    }
    let pairs = pair_count(ranks.clone()).clamp_min(1.0);
    let losses = Dispatch::preference_losses(rewards.into_dispatch(), ranks.into_dispatch());
    Ok(Tensor::<2>::from_dispatch(losses).sum() / pairs)
}

/// Number of pairs of different rank: `[1]`.
fn pair_count(ranks: Tensor<2>) -> Tensor<1> {
    let better: Tensor<3> = ranks.clone().unsqueeze_dim(2);
    let worse = ranks.unsqueeze_dim(1);
    better.lower(worse).float().sum()
}

/// `ln(1 + exp(x))` without overflow.
fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// `1 / (1 + exp(-x))`.
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The twin of the losses: for each take the sum over the takes that it should beat.
fn losses(rewards: &[f32], ranks: &[f32], takes: usize) -> Vec<f32> {
    let batches = rewards.par_chunks_exact(takes).zip(ranks.par_chunks_exact(takes));
    let loss = |(rewards, ranks): (&[f32], &[f32])| -> Vec<f32> {
        let of = |own: usize| -> f32 {
            (0..takes)
                .filter(|other| ranks[own] < ranks[*other])
                .map(|other| softplus(rewards[other] - rewards[own]))
                .sum()
        };
        (0..takes).map(of).collect()
    };
    batches.flat_map_iter(loss).collect()
}

/// The twin of the backward pass: the slope of `Σ upstream · losses` in each reward.
fn slopes(rewards: &[f32], ranks: &[f32], upstream: &[f32], takes: usize) -> Vec<f32> {
    let batches = rewards.par_chunks_exact(takes).zip(ranks.par_chunks_exact(takes));
    let slope = |((rewards, ranks), upstream): ((&[f32], &[f32]), &[f32])| -> Vec<f32> {
        let of = |own: usize| -> f32 {
            let term = |other: usize| {
                if ranks[own] < ranks[other] {
                    -upstream[own] * sigmoid(rewards[other] - rewards[own])
                } else if ranks[other] < ranks[own] {
                    upstream[other] * sigmoid(rewards[own] - rewards[other])
                } else {
                    0.0
                }
            };
            (0..takes).map(term).sum()
        };
        (0..takes).map(of).collect()
    };
    batches.zip(upstream.par_chunks_exact(takes)).flat_map_iter(slope).collect()
}

pub(crate) fn losses_on_flex(rewards: FloatTensor<Flex>, ranks: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let shape = rewards.shape();
    let [rewards_f32, ranks] = [&rewards, &ranks].map(of_f32);
    tensor_like(&rewards, shape.clone(), losses(numbers(&rewards_f32), numbers(&ranks), shape[1]))
}

pub(crate) fn slopes_on_flex(
    rewards: FloatTensor<Flex>,
    ranks: FloatTensor<Flex>,
    upstream: FloatTensor<Flex>,
) -> FloatTensor<Flex> {
    let shape = rewards.shape();
    let [rewards_f32, ranks, upstream] = [&rewards, &ranks, &upstream].map(of_f32);
    let slopes = slopes(numbers(&rewards_f32), numbers(&ranks), numbers(&upstream), shape[1]);
    tensor_like(&rewards, shape, slopes)
}

#[cfg(feature = "gpu")]
pub(crate) use cube::{losses_on_cube, slopes_on_cube};

#[cfg(feature = "gpu")]
mod cube {
    use crate::tensors::{contiguous, empty_like, one_unit_each};
    use burn::backend::TensorMetadata;
    use burn::backend::cubecl::dtype_to_storage_type;
    use burn_cubecl::tensor::CubeTensor;
    use cubecl::prelude::*;

    #[cube]
    fn softplus(x: f32) -> f32 {
        max(x, 0.0) + (-x.abs()).exp().log1p()
    }

    #[cube]
    fn sigmoid(x: f32) -> f32 {
        1.0 / (1.0 + (-x).exp())
    }

    /// One unit for each take: its losses against every take that it should beat.
    #[cube(launch)]
    fn losses<F: Float>(
        rewards: &Tensor<F>,
        ranks: &Tensor<F>,
        output: &mut Tensor<F>,
        #[define(F)] _dtype: ElemType,
    ) {
        if ABSOLUTE_POS >= output.len() {
            terminate!();
        }
        let takes = rewards.shape(1);
        let first = ABSOLUTE_POS / takes * takes;
        let reward = f32::cast_from(rewards[ABSOLUTE_POS]);
        let rank = ranks[ABSOLUTE_POS];
        let mut sum = 0.0f32;
        for other in first..first + takes {
            if rank < ranks[other] {
                sum += softplus(f32::cast_from(rewards[other]) - reward);
            }
        }
        output[ABSOLUTE_POS] = F::cast_from(sum);
    }

    /// One unit for each take: the slope of the loss in its reward.
    #[cube(launch)]
    fn slopes<F: Float>(
        rewards: &Tensor<F>,
        ranks: &Tensor<F>,
        upstream: &Tensor<F>,
        output: &mut Tensor<F>,
        #[define(F)] _dtype: ElemType,
    ) {
        if ABSOLUTE_POS >= output.len() {
            terminate!();
        }
        let takes = rewards.shape(1);
        let first = ABSOLUTE_POS / takes * takes;
        let reward = f32::cast_from(rewards[ABSOLUTE_POS]);
        let rank = ranks[ABSOLUTE_POS];
        let mut sum = 0.0f32;
        for other in first..first + takes {
            let difference = f32::cast_from(rewards[other]) - reward;
            if rank < ranks[other] {
                sum -= f32::cast_from(upstream[ABSOLUTE_POS]) * sigmoid(difference);
            } else if ranks[other] < rank {
                sum += f32::cast_from(upstream[other]) * sigmoid(-difference);
            }
        }
        output[ABSOLUTE_POS] = F::cast_from(sum);
    }

    pub(crate) fn losses_on_cube(rewards: CubeTensor, ranks: CubeTensor) -> CubeTensor {
        let (rewards, ranks) = (contiguous(rewards), contiguous(ranks));
        let output = empty_like(&rewards, rewards.shape());
        let (cubes, units) = one_unit_each(&output, output.shape().num_elements());
        let (client, dtype) = (output.client.clone(), dtype_to_storage_type(output.dtype));
        losses::launch(
            &client,
            cubes,
            units,
            rewards.into_tensor_arg(),
            ranks.into_tensor_arg(),
            output.clone().into_tensor_arg(),
            dtype,
        );
        output
    }

    pub(crate) fn slopes_on_cube(rewards: CubeTensor, ranks: CubeTensor, upstream: CubeTensor) -> CubeTensor {
        let (rewards, ranks, upstream) = (contiguous(rewards), contiguous(ranks), contiguous(upstream));
        let output = empty_like(&rewards, rewards.shape());
        let (cubes, units) = one_unit_each(&output, output.shape().num_elements());
        let (client, dtype) = (output.client.clone(), dtype_to_storage_type(output.dtype));
        slopes::launch(
            &client,
            cubes,
            units,
            rewards.into_tensor_arg(),
            ranks.into_tensor_arg(),
            upstream.into_tensor_arg(),
            output.clone().into_tensor_arg(),
            dtype,
        );
        output
    }
}
