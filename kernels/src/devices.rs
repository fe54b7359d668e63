//! The devices that kernels run on, by the names that users give them.
//!
//! `cpu` is Burn's `flex` with the plain-Rust twins; `gpu` is whatever wgpu finds (Vulkan, Metal, DX12, OpenGL), hardware before
//! software; `cuda` is NVIDIA's own driver. The last two need the features of their names.

use crate::KernelError;
pub use burn::tensor::Device;
#[cfg(feature = "gpu")]
use burn::tensor::DeviceType;
use burn::tensor::{DType, Tensor, TensorData};

/// The names that [`device`] takes.
pub const NAMES: [&str; 3] = ["cpu", "gpu", "cuda"];

/// The processor.
pub fn cpu() -> Device {
    Device::flex()
}

/// The device of one of [`NAMES`]. Opened once, since that wakes a driver.
///
/// # Errors
/// When this build has no kernels for it, or there is no such device here.
pub fn device(name: &str) -> Result<Device, KernelError> {
    match name {
        "cpu" => Ok(cpu()),
        "gpu" => gpu(),
        "cuda" => cuda(),
        other => Err(unavailable(other, format!("there is no such device; there are {}", NAMES.join(", ")))),
    }
}

/// What a device is and what it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The name that its driver gives it.
    pub adapter: String,
    /// Whether it computes on the processor: a driver without hardware, or no driver at all.
    pub software: bool,
    /// Whether it computes in half precision.
    pub half_precision: bool,
    /// What it allows, by name.
    pub limits: Vec<(&'static str, u64)>,
}

/// Describes a device.
pub fn describe(device: &Device) -> Description {
    Description {
        adapter: adapter(device),
        software: is_software(device),
        half_precision: device.supports_dtype(DType::F16),
        limits: limits(device),
    }
}

/// The name of the device for reports.
pub fn adapter(device: &Device) -> String {
    #[cfg(feature = "gpu")]
    if let Some(identity) = device.identity() {
        return identity.name;
    }
    let _ = device;
    "processor".to_owned()
}

fn is_software(device: &Device) -> bool {
    #[cfg(feature = "gpu")]
    return device.identity().is_none_or(|identity| identity.physical.is_none());
    #[cfg(not(feature = "gpu"))]
    {
        let _ = device;
        true
    }
}

#[cfg(feature = "gpu")]
fn limits(device: &Device) -> Vec<(&'static str, u64)> {
    let burn::backend::DispatchDevice::Cube(device) = device.as_dispatch() else { return cores() };
    let properties = device.client().properties().clone();
    let (hardware, memory) = (properties.hardware, properties.memory);
    vec![
        ("largest_buffer_bytes", memory.max_page_size),
        ("shared_memory_bytes", hardware.max_shared_memory_size as u64),
        ("units_per_cube", hardware.max_units_per_cube.into()),
        ("plane_size_min", hardware.plane_size_min.into()),
        ("plane_size_max", hardware.plane_size_max.into()),
        ("bindings", hardware.max_bindings.into()),
    ]
}

#[cfg(not(feature = "gpu"))]
fn limits(_: &Device) -> Vec<(&'static str, u64)> {
    cores()
}

fn cores() -> Vec<(&'static str, u64)> {
    vec![("threads", rayon::current_num_threads() as u64)]
}

#[cfg(feature = "gpu")]
fn gpu() -> Result<Device, KernelError> {
    use std::sync::OnceLock;
    static GPU: OnceLock<Option<Device>> = OnceLock::new();
    let found = GPU.get_or_init(|| {
        let all = Device::enumerate(DeviceType::Wgpu).into_vec();
        all.iter().find(|device| !is_software(device)).or(all.first()).cloned()
    });
    found.clone().ok_or_else(|| {
        unavailable(
            "gpu",
            "there is no driver for Vulkan, Metal, DirectX 12 or OpenGL; install the driver of the graphics card, or mesa-vulkan-drivers on Debian without one",
        )
    })
}

#[cfg(not(feature = "gpu"))]
fn gpu() -> Result<Device, KernelError> {
    Err(unavailable(
        "gpu",
        "this build computes on the processor only; build it with `cargo build --release --features gpu`",
    ))
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<Device, KernelError> {
    use std::sync::OnceLock;
    static CUDA: OnceLock<Option<Device>> = OnceLock::new();
    let found = CUDA.get_or_init(|| Device::enumerate(DeviceType::Cuda).into_vec().into_iter().next());
    found.clone().ok_or_else(|| unavailable("cuda", "no NVIDIA driver with CUDA was found"))
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<Device, KernelError> {
    Err(unavailable("cuda", "this build has no CUDA; build it with `cargo build --release --features cuda`"))
}

fn unavailable(name: &str, reason: impl Into<String>) -> KernelError {
    KernelError::Device { name: name.to_owned(), reason: reason.into() }
}

/// One clip as a tensor `[1, samples]` on a device.
pub(crate) fn clip_on(device: &Device, samples: &[f32]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(samples.to_vec(), [1, samples.len()]), device)
}

/// The values of a tensor in row-major order. What went wrong on the device since it was made shows here.
///
/// # Errors
/// When the device could not compute them.
pub fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, KernelError> {
    let device = tensor.device();
    let values = tensor.try_into_vec_as::<f32>().map_err(|error| error.to_string());
    values.map_err(|reason| KernelError::Device { name: adapter(&device), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_devices_or_say_what_to_do() {
        assert_eq!(device("cpu").unwrap(), cpu());
        let error = device("tpu").unwrap_err().to_string();
        assert!(error.contains("cpu, gpu, cuda"), "{error}");
        #[cfg(not(feature = "gpu"))]
        assert!(device("gpu").unwrap_err().to_string().contains("--features gpu"));
        #[cfg(not(feature = "cuda"))]
        assert!(device("cuda").unwrap_err().to_string().contains("--features cuda"));
    }

    #[test]
    fn the_processor_is_described() {
        let description = describe(&cpu());
        assert_eq!(description.adapter, "processor");
        assert!(description.software && description.limits[0].1 > 0);
    }

    #[test]
    fn values_come_back_in_order() {
        let tensor = Tensor::<2>::from_data([[1.0, 2.0], [3.0, 4.0]], &cpu());
        assert_eq!(read(tensor.transpose()).unwrap(), [1.0, 3.0, 2.0, 4.0]);
    }
}
