//! Between Burn's tensors and the plain slices and buffers that kernels work on.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{DType, Flex, TensorMetadata};
use burn::tensor::{Shape, TensorData};

/// The same tensor in row-major order and of f32: a copy only where it was neither.
pub(crate) fn of_f32(tensor: &FloatTensor<Flex>) -> FloatTensor<Flex> {
    match tensor.dtype() {
        DType::F32 => tensor.to_contiguous(),
        _ => FlexTensor::from_data(tensor.clone().into_data().convert_dtype(DType::F32)),
    }
}

/// The values of a tensor from [`of_f32`].
pub(crate) fn numbers(tensor: &FloatTensor<Flex>) -> &[f32] {
    tensor.storage::<f32>()
}

/// The numbers of a tensor of indices, none of which is negative, in row-major order.
pub(crate) fn indices(tensor: &IntTensor<Flex>) -> Vec<u32> {
    let tensor = tensor.to_contiguous();
    match tensor.dtype() {
        DType::I32 => {
            let numbers = &tensor.storage::<i32>()[..tensor.shape().num_elements()];
            numbers.iter().map(|number| number.cast_unsigned()).collect()
        }
        _ => tensor.into_data().iter::<u32>().collect(),
    }
}

/// A tensor of the type of `like` with these values.
pub(crate) fn tensor_like(
    like: &FloatTensor<Flex>,
    shape: impl Into<Shape>,
    values: Vec<f32>,
) -> FloatTensor<Flex> {
    let data = TensorData::new(values, shape.into());
    match like.dtype() {
        DType::F32 => FlexTensor::from_data(data),
        other => FlexTensor::from_data(data.convert_dtype(other)),
    }
}

#[cfg(feature = "gpu")]
pub(crate) use on_gpu::*;

#[cfg(feature = "gpu")]
mod on_gpu {
    use burn::tensor::{Element, Shape};
    use burn_cubecl::kernel::into_contiguous;
    use burn_cubecl::ops::numeric::empty_device_dtype;
    use burn_cubecl::tensor::CubeTensor;
    use cubecl::prelude::CubeElement;
    use cubecl::{CubeCount, CubeDim, calculate_cube_count_elemwise};

    /// Cubes in a row of a grid at most.
    const GRID_ROW: usize = 32_768;

    /// A tensor without values yet, on the device and of the type of `like`.
    pub(crate) fn empty_like(like: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
        empty_device_dtype(like.client.clone(), like.device.clone(), shape.into(), like.dtype)
    }

    /// The same tensor with row-major strides.
    pub(crate) fn contiguous(tensor: CubeTensor) -> CubeTensor {
        into_contiguous(tensor)
    }

    /// A vector of these numbers, at least one, on the device of `like`.
    pub(crate) fn constants<T: CubeElement + Element>(like: &CubeTensor, numbers: &[T]) -> CubeTensor {
        let buffer = like.client.create_from_slice(T::as_bytes(numbers));
        let shape = Shape::from([numbers.len()]);
        CubeTensor::new_contiguous(like.client.clone(), like.device.clone(), shape, buffer, T::dtype())
    }

    /// Cubes and units for one unit of work for each of `count` elements.
    pub(crate) fn one_unit_each(like: &CubeTensor, count: usize) -> (CubeCount, CubeDim) {
        let units = CubeDim::new(&like.client, count);
        (calculate_cube_count_elemwise(&like.client, count, units), units)
    }

    /// A cube for each of `count` pieces of work, in a grid that every GPU takes; its last cubes may have none.
    pub(crate) fn one_cube_each(count: usize) -> CubeCount {
        let row = count.clamp(1, GRID_ROW);
        CubeCount::Static(row as u32, count.div_ceil(row) as u32, 1)
    }
}
