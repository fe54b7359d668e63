//! Vectors as the codes of a codebook: the nearest one, or one drawn at a temperature.
//!
//! With `d` the squared distance of a vector to a code, the nearest code has the least `d`, and a drawn code `c` has
//! the probability `softmax_c(-d_c / temperature)`: it is the one with the least `d_c / temperature - g_c`, where `g` is
//! Gumbel noise (Gumbel 1954; Maddison, Tarlow, Minka, NeurIPS 2014). Of equally good codes the first is taken. Learning
//! follows van den Oord, Vinyals and Kavukcuoglu, "Neural discrete representation learning", NeurIPS 2017.

#[cfg(feature = "gpu")]
mod cube;
mod twin;

use crate::KernelError;
use crate::extension::KernelOps;
use crate::random::Random;
use crate::tensors::{numbers, of_f32};
use burn::backend::flex::FlexTensor;
use burn::backend::{Dispatch, Flex, TensorMetadata, tensor::FloatTensor, tensor::IntTensor};
use burn::tensor::{DType, Int, Tensor, TensorData};

#[cfg(feature = "gpu")]
pub(crate) use cube::codes_on_cube;

/// How codes are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// Squared distance that makes a code less likely by a factor of e: above 0.
    pub temperature: f32,
    /// Where the noise comes from: a vector's draw depends on it and on the vector's place alone, on every device.
    pub random: Random,
    /// Place of the first vector among all vectors of the clip, so that a window draws what the whole clip draws.
    pub first_vector: u32,
}

/// For each of `[vectors, width]` the index of the nearest of `[codes, width]`: `[vectors]`.
///
/// # Errors
/// When the widths differ or there is no code.
pub fn nearest_codes(vectors: Tensor<2>, codebook: Tensor<2>) -> Result<Tensor<1, Int>, KernelError> {
    codes(vectors, codebook, None)
}

/// For each of `[vectors, width]` the index of one of `[codes, width]` drawn by its distance: `[vectors]`.
///
/// # Errors
/// When the widths differ, there is no code or the temperature is not above 0.
pub fn drawn_codes(
    vectors: Tensor<2>,
    codebook: Tensor<2>,
    draw: Draw,
) -> Result<Tensor<1, Int>, KernelError> {
    let fine = draw.temperature > 0.0 && draw.temperature.is_finite();
    KernelError::unless(fine, "temperature", draw.temperature, "above 0 and finite")?;
    codes(vectors, codebook, Some(draw))
}

fn codes(vectors: Tensor<2>, codebook: Tensor<2>, draw: Option<Draw>) -> Result<Tensor<1, Int>, KernelError> {
    check(&vectors, &codebook)?;
    let [count, width] = vectors.dims();
    if count == 0 || width == 0 {
        return Ok(Tensor::zeros([count], (&vectors.device(), DType::I32)));
    }
    let codebook = codebook.cast(vectors.dtype());
    let codes = Dispatch::chosen_codes(vectors.into_dispatch(), codebook.into_dispatch(), draw);
    Ok(Tensor::from_dispatch(codes))
}

fn check(vectors: &Tensor<2>, codebook: &Tensor<2>) -> Result<(), KernelError> {
    let ([_, width], found) = (vectors.dims(), codebook.dims());
    if found[1] == width && found[0] > 0 {
        return Ok(());
    }
    let expected = format!("[1 or more, {width}], as wide as `vectors`");
    Err(KernelError::Shape { argument: "codebook", found: found.to_vec(), expected })
}

/// The codes themselves, `[vectors, width]`, in place of the vectors: slopes pass straight through to the vectors, as if
/// nothing had been replaced, and none reach the codebook.
///
/// # Errors
/// When shapes do not fit.
pub fn quantised(
    vectors: Tensor<2>,
    codebook: Tensor<2>,
    codes: Tensor<1, Int>,
) -> Result<Tensor<2>, KernelError> {
    let chosen = chosen(&vectors, codebook, codes)?.detach();
    if vectors.dims().contains(&0) {
        return Ok(vectors);
    }
    Ok(Tensor::from_dispatch(Dispatch::straight_through(vectors.into_dispatch(), chosen.into_dispatch())))
}

/// What vectors and codebook learn from.
#[derive(Clone, Debug)]
pub struct QuantisationLosses {
    /// Draws the vectors to their codes: the mean of `(vector - code)²` with the code held fixed, `[1]`.
    pub commitment: Tensor<1>,
    /// Draws the codes to their vectors: the same with the vector held fixed, `[1]`.
    pub codebook: Tensor<1>,
}

/// The losses of vectors and the codes chosen for them; usually summed with the commitment's weighted 0.25.
///
/// # Errors
/// When shapes do not fit.
pub fn quantisation_losses(
    vectors: Tensor<2>,
    codebook: Tensor<2>,
    codes: Tensor<1, Int>,
) -> Result<QuantisationLosses, KernelError> {
    let chosen = chosen(&vectors, codebook, codes)?;
    if vectors.dims().contains(&0) {
        let (commitment, codebook) = (vectors.sum(), chosen.sum());
        return Ok(QuantisationLosses { commitment, codebook });
    }
    let commitment = (vectors.clone() - chosen.clone().detach()).square().mean();
    Ok(QuantisationLosses { commitment, codebook: (vectors.detach() - chosen).square().mean() })
}

/// The codebook's rows of these codes.
fn chosen(vectors: &Tensor<2>, codebook: Tensor<2>, codes: Tensor<1, Int>) -> Result<Tensor<2>, KernelError> {
    check(vectors, &codebook)?;
    let [count, _] = vectors.dims();
    if codes.dims() != [count] {
        let expected = format!("[{count}], one code for each of `vectors`");
        return Err(KernelError::Shape { argument: "codes", found: codes.dims().to_vec(), expected });
    }
    Ok(if count == 0 { vectors.clone() } else { codebook.cast(vectors.dtype()).select(0, codes) })
}

pub(crate) fn codes_on_flex(
    vectors: FloatTensor<Flex>,
    codebook: FloatTensor<Flex>,
    draw: Option<Draw>,
) -> IntTensor<Flex> {
    let shape = vectors.shape();
    let [vectors, codebook] = [&vectors, &codebook].map(of_f32);
    let codes = twin::codes(numbers(&vectors), numbers(&codebook), shape[1], draw);
    FlexTensor::from_data(TensorData::new(codes, [shape[0]]))
}
