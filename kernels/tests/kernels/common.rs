//! Devices, comparisons and gradients for the tests of kernels.

use burn::tensor::{DType, Device, Tensor, TensorData};
use esarm_kernels::devices;
use esarm_kernels::random::Random;

/// The processor.
pub(crate) fn cpu() -> Device {
    Device::flex()
}

/// The GPU or its software stand-in, or the device that `ESARM_TEST_DEVICE` names. Where there is none, or this build
/// has no kernels for it, says that `test` is skipped.
pub(crate) fn gpu(test: &str) -> Option<Device> {
    let wanted = std::env::var("ESARM_TEST_DEVICE").unwrap_or_else(|_| "gpu".to_owned());
    let found = devices::device(&wanted);
    found.inspect_err(|reason| println!("SKIPPED {test}: {reason}")).ok()
}

/// Whether `device` computes in half precision; where not, says that this part of `test` is skipped.
pub(crate) fn has_half(test: &str, device: &Device) -> bool {
    let has = device.supports_dtype(DType::F16);
    if !has {
        println!("SKIPPED {test}, in half precision: the adapter has none");
    }
    has
}

/// Random normal numbers of this shape on `device`.
pub(crate) fn normal<const D: usize>(shape: [usize; D], stream: u64, device: &Device) -> Tensor<D> {
    let random = Random::new(7, stream);
    let values: Vec<f32> = (0..shape.iter().product::<usize>() as u64).map(|n| random.normal(n)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The same values, of the same type, on another device.
pub(crate) fn moved<const D: usize>(tensor: &Tensor<D>, device: &Device) -> Tensor<D> {
    Tensor::from_data(tensor.clone().into_data(), (device, tensor.dtype()))
}

/// The values of a tensor in row-major order.
pub(crate) fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.clone().into_data().iter::<f32>().collect()
}

/// Fails when a value is further than `tolerance` (of 1, or of the expected value where that is larger) from what is
/// expected.
#[track_caller]
pub(crate) fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "another number of values");
    for (index, (a, b)) in found.iter().zip(expected).enumerate() {
        let close = (a - b).abs() <= tolerance * b.abs().max(1.0) || (a.is_nan() && b.is_nan());
        assert!(close, "value {index} is {a}, expected {b}");
    }
}

/// The slopes of `function` in the values of `at`, by central differences of `step`.
pub(crate) fn finite_differences<const D: usize>(
    at: &Tensor<D>,
    step: f32,
    function: impl Fn(Tensor<D>) -> f32,
) -> Vec<f32> {
    let (device, shape) = (at.device(), at.dims());
    let base = values(at);
    let moved = |index: usize, by: f32| {
        let mut values = base.clone();
        values[index] += by;
        function(Tensor::from_data(TensorData::new(values, shape), &device))
    };
    (0..base.len()).map(|index| (moved(index, step) - moved(index, -step)) / (2.0 * step)).collect()
}

/// A tensor of the rows of a reference file.
pub(crate) fn rows(json: &serde_json::Value, device: &Device) -> Tensor<2> {
    let rows: Vec<Vec<f32>> = serde_json::from_value(json.clone()).unwrap();
    let shape = [rows.len(), rows.first().map_or(0, Vec::len)];
    Tensor::from_data(TensorData::new(rows.concat(), shape), device)
}

/// The values that the script of this name wrote.
pub(crate) fn reference(name: &str) -> serde_json::Value {
    let path = format!("{}/tests/reference/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The numbers of nested lists in order.
pub(crate) fn numbers(value: &serde_json::Value) -> Vec<f32> {
    match value {
        serde_json::Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap() as f32],
    }
}
