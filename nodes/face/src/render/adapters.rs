//! What this machine can draw with.

use super::{RenderError, RenderOptions, gpu};
use std::sync::OnceLock;

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
    let found = pollster::block_on(gpu::instance().enumerate_adapters(gpu::BACKENDS));
    let described = found.iter().map(wgpu::Adapter::get_info).map(|info| Adapter {
        software: info.device_type == wgpu::DeviceType::Cpu,
        backend: format!("{:?}", info.backend),
        name: info.name,
    });
    described.collect()
}

/// The adapter that pictures are drawn with, with its interface and driver: two adapters whose pixels may differ have
/// two names. Asked once, since waking a driver takes time and adapters stay while a program runs.
///
/// # Errors
/// [`RenderError::NoAdapter`] with what to install.
pub fn drawing_adapter() -> Result<&'static str, RenderError> {
    static NAME: OnceLock<String> = OnceLock::new();
    if let Some(name) = NAME.get() {
        return Ok(name);
    }
    let adapter = pollster::block_on(gpu::find_adapter(RenderOptions::default().software))?.get_info();
    let name =
        format!("{} ({:?}, {} {})", adapter.name, adapter.backend, adapter.driver, adapter.driver_info);
    Ok(NAME.get_or_init(|| name))
}
