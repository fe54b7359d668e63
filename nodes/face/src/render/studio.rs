//! Lights: what the shader is told of the studio.

use super::camera::View;
use super::scene::Subject;
use glam::camera::rh::{proj::directx, view};
use glam::{Mat4, Vec3, Vec4};

/// Directions that the soft light of the dome is gathered from.
pub(super) const DOME_LIGHTS: usize = 24;

/// The uniform block `Studio` of the shader.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct StudioUniform {
    view_projection: [[f32; 4]; 4],
    key_projection: [[f32; 4]; 4],
    camera: [f32; 4],
    key_direction: [f32; 4],
    fill_direction: [f32; 4],
    rim_direction: [f32; 4],
    key_colour: [f32; 4],
    fill_colour: [f32; 4],
    rim_colour: [f32; 4],
    picture: [f32; 4],
    dome_projections: [[[f32; 4]; 4]; DOME_LIGHTS],
    dome_directions: [[f32; 4]; DOME_LIGHTS],
    dome_colours: [[f32; 4]; DOME_LIGHTS],
}

/// The lights around a subject, set for a camera as a photographer would set them.
pub(super) struct Studio {
    pub(super) uniform: StudioUniform,
    /// World to clip space of every shadow map: the key light's, then the dome's.
    pub(super) shadow_projections: Vec<Mat4>,
}

impl Studio {
    pub(super) fn new(subject: &Subject, view: &View, aspect: f32) -> Self {
        let around = view.position - subject.head_centre;
        let turned = Mat4::from_rotation_y(around.x.atan2(around.z));
        let light = |x: f32, y: f32, z: f32| turned.transform_vector3(Vec3::new(x, y, z).normalize());
        let (key, fill, rim) = (light(-0.62, 0.62, 0.85), light(0.9, 0.12, 0.62), light(0.75, 0.55, -0.8));
        let key_projection = shadow_projection(subject, key);
        let dome: Vec<Vec3> = dome_directions().map(|at| turned.transform_vector3(at)).collect();
        let dome_projections: Vec<Mat4> = dome.iter().map(|at| shadow_projection(subject, *at)).collect();
        let bias = 0.006 * subject.radius;
        let uniform = StudioUniform {
            view_projection: view.view_projection.to_cols_array_2d(),
            key_projection: key_projection.to_cols_array_2d(),
            camera: view.position.extend(1.0).to_array(),
            key_direction: key.extend(bias).to_array(),
            fill_direction: fill.extend(0.0).to_array(),
            rim_direction: rim.extend(0.0).to_array(),
            key_colour: [1.75, 1.62, 1.46, 0.0],
            fill_colour: [0.30, 0.36, 0.46, 0.0],
            rim_colour: [1.10, 1.15, 1.30, 0.0],
            picture: [aspect, 0.0, 0.0, 0.0],
            dome_projections: std::array::from_fn(|i| dome_projections[i].to_cols_array_2d()),
            dome_directions: std::array::from_fn(|i| dome[i].extend(0.0).to_array()),
            dome_colours: std::array::from_fn(|i| dome_colour(dome[i]).to_array()),
        };
        let shadow_projections = std::iter::once(key_projection).chain(dome_projections).collect();
        Self { uniform, shadow_projections }
    }
}

/// An orthographic projection along a light that holds the whole subject.
fn shadow_projection(subject: &Subject, towards: Vec3) -> Mat4 {
    let reach = subject.radius * 1.15;
    let up = if towards.y.abs() > 0.95 { Vec3::Z } else { Vec3::Y };
    let view = view::look_at_mat4(subject.centre + towards * 2.0 * reach, subject.centre, up);
    directx::orthographic(-reach, reach, -reach, reach, 0.0, 4.0 * reach) * view
}

/// Directions spread evenly over the sphere down to 37 degrees below the horizon, along a golden-angle spiral.
fn dome_directions() -> impl Iterator<Item = Vec3> {
    const GOLDEN_ANGLE: f32 = 2.399_963;
    (0..DOME_LIGHTS).map(|i| {
        let y = 1.0 - 1.6 * (i as f32 + 0.5) / DOME_LIGHTS as f32;
        let (sin, cos) = (i as f32 * GOLDEN_ANGLE).sin_cos();
        let across = (1.0 - y * y).sqrt();
        Vec3::new(across * sin, y, across * cos)
    })
}

/// Bright and cool from above, dim and warm from below.
fn dome_colour(towards: Vec3) -> Vec4 {
    let sky = Vec3::new(0.92, 0.97, 1.05);
    let floor = Vec3::new(0.34, 0.30, 0.27);
    let colour = floor.lerp(sky, (towards.y * 0.5 + 0.5).clamp(0.0, 1.0).powf(0.8));
    (colour * (2.2 / DOME_LIGHTS as f32)).extend(0.0)
}
