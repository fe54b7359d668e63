//! Returns and advantages of reinforcement learning, by a parallel scan over the steps.
//!
//! All are the recurrence `y_t = v_t + f_t y_{t+1}` from the last step to the first. Steps compose: two neighbours are
//! `v = v_a + f_a v_b`, `f = f_a f_b`, which is associative, so a scan of logarithmic depth computes it (Blelloch,
//! "Prefix sums and their applications", 1990). Nothing learns through the results: no gradient flows.

use crate::KernelError;
use crate::error::require_same_shape;
use crate::extension::KernelOps;
use crate::tensors::{numbers, of_f32, tensor_like};
use burn::backend::{Dispatch, Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::Tensor;
use rayon::prelude::*;

/// Added to a group's standard deviation, so that a group without spread has advantages of 0.
const LEAST_DEVIATION: f64 = 1e-6;

/// The rewards of takes, step by step.
#[derive(Clone, Debug)]
pub struct Episodes {
    /// Rewards: `[takes, steps]`.
    pub rewards: Tensor<2>,
    /// 1 where the next step belongs to the same episode, 0 where one ends: `[takes, steps]`.
    pub goes_on: Tensor<2>,
    /// What is expected after the last step, 0 where the episode ends there: `[takes]`. With it a window of the steps
    /// gives what the whole gives.
    pub after: Tensor<1>,
}

impl Episodes {
    fn check(&self) -> Result<(), KernelError> {
        let steps = self.rewards.dims();
        require_same_shape(("rewards", &steps), ("goes_on", &self.goes_on.dims()))?;
        if self.after.dims() == [steps[0]] {
            return Ok(());
        }
        let expected = format!("[{}], a value for each of the takes of `rewards`", steps[0]);
        Err(KernelError::Shape { argument: "after", found: self.after.dims().to_vec(), expected })
    }
}

/// Discounted returns `[takes, steps]`: `R_t = r_t + discount · R_{t+1}` within an episode.
///
/// # Errors
/// When shapes do not fit or the discount is outside 0..=1.
pub fn discounted_returns(episodes: &Episodes, discount: f32) -> Result<Tensor<2>, KernelError> {
    episodes.check()?;
    unit_range("discount", discount)?;
    let factors = episodes.goes_on.clone() * discount;
    Ok(reverse_scan(episodes.rewards.clone(), factors, episodes.after.clone()))
}

/// Generalised advantages `[takes, steps]` of a policy whose value function says `expected` `[takes, steps]`:
/// `A_t = δ_t + discount · trace · A_{t+1}`, `δ_t = r_t + discount · V_{t+1} - V_t` (Schulman et al., ICLR 2016).
/// `advantage_after` `[takes]` is the advantage after the last step, 0 unless a window ends there.
///
/// # Errors
/// When shapes do not fit or a factor is outside 0..=1.
pub fn generalised_advantages(
    episodes: &Episodes,
    expected: Tensor<2>,
    advantage_after: Tensor<1>,
    discount: f32,
    trace: f32,
) -> Result<Tensor<2>, KernelError> {
    episodes.check()?;
    require_same_shape(("rewards", &episodes.rewards.dims()), ("expected", &expected.dims()))?;
    require_same_shape(("after", &episodes.after.dims()), ("advantage_after", &advantage_after.dims()))?;
    unit_range("discount", discount)?;
    unit_range("trace", trace)?;
    let [takes, steps] = expected.dims();
    if takes == 0 || steps == 0 {
        return Ok(expected);
    }
    let last: Tensor<2> = episodes.after.clone().reshape([takes, 1]);
    // A tensor cannot be narrowed to nothing, so one step is a case of its own.
    let next = match steps {
        1 => last,
        _ => Tensor::cat(vec![expected.clone().narrow(1, 1, steps - 1), last], 1),
    };
    let factors = episodes.goes_on.clone() * discount;
    let surprise = episodes.rewards.clone() + next * factors.clone() - expected;
    Ok(reverse_scan(surprise, factors * trace, advantage_after))
}

/// Advantages `[groups, takes]` of takes of the same clip over one another: `(r - mean) / (deviation + 1e-6)` within
/// each group (Shao et al., "DeepSeekMath", 2024: group-relative policy optimisation).
pub fn group_advantages(rewards: Tensor<2>) -> Tensor<2> {
    if rewards.dims().contains(&0) {
        return rewards;
    }
    let centred = rewards.clone() - rewards.mean_dim(1);
    let deviation = centred.clone().square().mean_dim(1).sqrt();
    centred / (deviation + LEAST_DEVIATION)
}

fn unit_range(name: &'static str, value: f32) -> Result<(), KernelError> {
    KernelError::unless((0.0..=1.0).contains(&value), name, value, "between 0 and 1")
}

fn reverse_scan(values: Tensor<2>, factors: Tensor<2>, after: Tensor<1>) -> Tensor<2> {
    if values.dims().contains(&0) {
        return values;
    }
    let scanned =
        Dispatch::reverse_scan(values.into_dispatch(), factors.into_dispatch(), after.into_dispatch());
    Tensor::from_dispatch(scanned)
}

/// The twin: each row from its end to its start.
fn scan(values: &[f32], factors: &[f32], after: &[f32], steps: usize) -> Vec<f32> {
    let mut scanned = values.to_vec();
    let rows = scanned.par_chunks_exact_mut(steps).zip(factors.par_chunks_exact(steps)).zip(after);
    rows.for_each(|((row, factors), after)| {
        let mut next = *after;
        for (value, factor) in row.iter_mut().zip(factors).rev() {
            next = *value + factor * next;
            *value = next;
        }
    });
    scanned
}

pub(crate) fn scan_on_flex(
    values: FloatTensor<Flex>,
    factors: FloatTensor<Flex>,
    after: FloatTensor<Flex>,
) -> FloatTensor<Flex> {
    let shape = values.shape();
    let [values_f32, factors, after] = [&values, &factors, &after].map(of_f32);
    let scanned = scan(numbers(&values_f32), numbers(&factors), numbers(&after), shape[1]);
    tensor_like(&values, shape, scanned)
}

#[cfg(feature = "gpu")]
pub(crate) use cube::scan_on_cube;

#[cfg(feature = "gpu")]
mod cube {
    use crate::tensors::{contiguous, empty_like};
    use burn::backend::TensorMetadata;
    use burn::backend::cubecl::dtype_to_storage_type;
    use burn_cubecl::tensor::CubeTensor;
    use cubecl::prelude::*;

    /// Steps that a cube scans at a time.
    const BLOCK: u32 = 256;

    /// One cube for each row: blocks from the end to the start, each by doubling distances (Hillis and Steele 1986).
    #[cube(launch)]
    fn scan<F: Float>(
        values: &Tensor<F>,
        factors: &Tensor<F>,
        after: &Tensor<F>,
        output: &mut Tensor<F>,
        #[define(F)] _dtype: ElemType,
    ) {
        let steps = values.shape(1);
        let row = CUBE_POS * steps;
        let unit = UNIT_POS as usize;
        let block = BLOCK as usize;
        let mut sums = Shared::<[f32]>::new_slice(BLOCK as usize);
        let mut products = Shared::<[f32]>::new_slice(BLOCK as usize);
        let mut next = f32::cast_from(after[CUBE_POS]);
        let blocks = steps.div_ceil(block);
        for index in 0..blocks {
            // Unit 0 has the last step of the block.
            let from_end = index * block + unit;
            let inside = from_end < steps;
            let mut value = 0.0f32;
            let mut factor = 1.0f32;
            if inside {
                let at = row + steps - 1 - from_end;
                value = f32::cast_from(values[at]);
                factor = f32::cast_from(factors[at]);
            }
            sums[unit] = value;
            products[unit] = factor;
            sync_cube();
            let mut distance = 1usize;
            while distance < block {
                if unit >= distance {
                    value += factor * sums[unit - distance];
                    factor *= products[unit - distance];
                }
                sync_cube();
                sums[unit] = value;
                products[unit] = factor;
                sync_cube();
                distance *= 2;
            }
            if inside {
                output[row + steps - 1 - from_end] = F::cast_from(value + factor * next);
            }
            next = sums[block - 1] + products[block - 1] * next;
            sync_cube();
        }
    }

    pub(crate) fn scan_on_cube(values: CubeTensor, factors: CubeTensor, after: CubeTensor) -> CubeTensor {
        let (values, factors, after) = (contiguous(values), contiguous(factors), contiguous(after));
        let output = empty_like(&values, values.shape());
        let (client, dtype) = (output.client.clone(), dtype_to_storage_type(output.dtype));
        let rows = output.shape()[0] as u32;
        scan::launch(
            &client,
            CubeCount::Static(rows, 1, 1),
            CubeDim::new_1d(BLOCK),
            values.into_tensor_arg(),
            factors.into_tensor_arg(),
            after.into_tensor_arg(),
            output.clone().into_tensor_arg(),
            dtype,
        );
        output
    }
}
