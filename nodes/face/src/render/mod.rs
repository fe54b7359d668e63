//! Pictures of a rig, drawn off screen with wgpu.
//!
//! [`Renderer`] draws any rig in a pose given by channel names; [`contact_sheet`] lays several pictures out on one.
//! The same rig, pose, options and adapter give the same pixels.

mod adapters;
mod camera;
mod gpu;
mod image;
mod scene;
mod sheet;
mod studio;
#[cfg(test)]
mod tests;
mod text;

pub use adapters::{Adapter, adapters, drawing_adapter};
pub use camera::Camera;
pub use image::RgbaImage;
pub use sheet::contact_sheet;

use esarm_values::{Rig, Track};
use gpu::Gpu;
use scene::{Pose, Scene, Subject};
use studio::Studio;

/// Largest width and height in pixels: what every device can draw.
const MAX_PIXELS: u32 = 2048;

/// Size and quality of the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// Pixels in a row, 1 to 2048.
    pub width: u32,
    /// Rows, 1 to 2048.
    pub height: u32,
    /// Samples a pixel against jagged edges: 1 or 4.
    pub samples: u32,
    /// Draw on the processor even where there is a graphics card, for the same pixels on every machine with the
    /// same software driver.
    pub software: bool,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { width: 512, height: 512, samples: 4, software: false }
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Nothing to draw with.
    #[error(
        "no graphics adapter was found ({0}); install a graphics driver, or draw in software with \
         `apt-get install mesa-vulkan-drivers`"
    )]
    NoAdapter(String),
    /// The adapter refused or was lost.
    #[error("the graphics device failed: {0}")]
    Device(String),
    /// Sizes or samples outside what can be drawn.
    #[error("render option {option} is {value}; allowed is {allowed}")]
    Options {
        /// The option.
        option: &'static str,
        /// Its value.
        value: u32,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The rig cannot be drawn.
    #[error("the rig cannot be drawn: {0}")]
    Rig(String),
    /// A contact sheet cannot be laid out.
    #[error("the contact sheet cannot be laid out: {0}")]
    Sheet(String),
    /// The picture cannot be encoded.
    #[error("the picture cannot be written as PNG: {0}")]
    Png(#[from] png::EncodingError),
}

/// Draws rigs off screen, all pictures in one size.
pub struct Renderer {
    gpu: Gpu,
    aspect: f32,
}

impl Renderer {
    /// Opens the fastest adapter, or the software one where nothing else is.
    ///
    /// # Errors
    /// [`RenderError::NoAdapter`] with what to install, [`RenderError::Options`] for sizes out of range.
    pub fn new(options: RenderOptions) -> Result<Self, RenderError> {
        let sizes = [("width", options.width), ("height", options.height)];
        if let Some((option, value)) = sizes.into_iter().find(|(_, size)| !(1..=MAX_PIXELS).contains(size)) {
            return Err(RenderError::Options { option, value, allowed: "1 to 2048" });
        }
        if ![1, 4].contains(&options.samples) {
            return Err(RenderError::Options {
                option: "samples",
                value: options.samples,
                allowed: "1 or 4",
            });
        }
        Ok(Self { gpu: Gpu::new(options)?, aspect: options.width as f32 / options.height as f32 })
    }

    /// Name of the adapter that draws.
    pub fn adapter_name(&self) -> &str {
        &self.gpu.adapter().name
    }

    /// Draws the rig in a pose. `weights`: channel names (morph targets and head rotations in radians, any case)
    /// with their values; names that the rig does not have are passed over.
    ///
    /// # Errors
    /// [`RenderError::Rig`] when the rig has no vertices or is inconsistent, [`RenderError::Device`] when drawing
    /// fails.
    pub fn render_frame<'a>(
        &mut self,
        rig: &Rig,
        weights: impl IntoIterator<Item = (&'a str, f32)>,
        camera: Camera,
    ) -> Result<RgbaImage, RenderError> {
        let subject = Subject::of(rig)?;
        let scene = Scene::posed(rig, &subject, &Pose::new(weights))?;
        let studio = Studio::new(&subject, &camera.view(&subject, self.aspect), self.aspect);
        self.gpu.draw(&scene, &studio)
    }

    /// Draws the rig as a motion has it at a clip time in seconds.
    ///
    /// # Errors
    /// As [`Self::render_frame`].
    pub fn render_motion(
        &mut self,
        rig: &Rig,
        motion: &Track,
        time_secs: f64,
        camera: Camera,
    ) -> Result<RgbaImage, RenderError> {
        let values = motion.sample(time_secs);
        let names = motion.channels().iter().map(String::as_str);
        self.render_frame(rig, names.zip(values), camera)
    }
}
