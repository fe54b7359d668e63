//! What this machine can draw with.

/// A graphics adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// Name that its driver gives it.
    pub name: String,
    /// The interface it is reached by, such as Vulkan.
    pub backend: String,
    /// Whether it draws on the processor.
    pub software: bool,
}

/// Every adapter that pictures can be drawn with, the software ones included.
pub fn adapters() -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let described = found.iter().map(wgpu::Adapter::get_info).map(|info| Adapter {
        software: info.device_type == wgpu::DeviceType::Cpu,
        backend: format!("{:?}", info.backend),
        name: info.name,
    });
    described.collect()
}
