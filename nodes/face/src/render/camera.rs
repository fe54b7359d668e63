//! Where the picture is taken from.

use super::scene::Subject;
use glam::camera::rh::{proj::directx, view};
use glam::{Mat4, Vec3};

/// Vertical field of view in radians: a long lens, as portraits are taken with.
const FIELD_OF_VIEW: f32 = 0.36;

/// A camera position relative to the subject; it fits any rig.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Camera {
    /// Straight at the face.
    #[default]
    Front,
    /// From 35 degrees towards the subject's left.
    ThreeQuarter,
    /// From the subject's left.
    Side,
    /// Close to the mouth, slightly from the subject's left.
    Mouth,
    /// From any angle: radians around the subject towards its left, radians upwards, and a zoom where 1 shows the
    /// whole head.
    Orbit {
        /// Radians towards the subject's left.
        yaw: f32,
        /// Radians upwards.
        pitch: f32,
        /// Magnification: 1 shows the whole head.
        zoom: f32,
    },
}

/// The matrices and position of a camera that looks at a subject.
pub(super) struct View {
    pub(super) view_projection: Mat4,
    pub(super) position: Vec3,
}

impl Camera {
    /// The preset of that name: `front`, `three-quarter`, `side` or `mouth`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "front" => Some(Self::Front),
            "three-quarter" => Some(Self::ThreeQuarter),
            "side" => Some(Self::Side),
            "mouth" => Some(Self::Mouth),
            _ => None,
        }
    }

    pub(super) fn view(self, subject: &Subject, aspect: f32) -> View {
        let (yaw, pitch, zoom, target) = match self {
            Self::Front => (0.0, 0.03, 1.0, subject.head_centre),
            Self::ThreeQuarter => (0.61, 0.06, 1.0, subject.head_centre),
            Self::Side => (std::f32::consts::FRAC_PI_2, 0.03, 1.0, subject.head_centre),
            Self::Mouth => (0.3, 0.02, 3.2, subject.mouth_centre),
            Self::Orbit { yaw, pitch, zoom } => (yaw, pitch, zoom.clamp(0.05, 50.0), subject.head_centre),
        };
        let towards_camera = Vec3::new(yaw.sin() * pitch.cos(), pitch.sin(), yaw.cos() * pitch.cos());
        let visible_height = subject.frame_height / zoom / aspect.min(1.0);
        let distance = visible_height / 2.0 / (FIELD_OF_VIEW / 2.0).tan();
        let position = target + towards_camera * distance;
        let reach = subject.radius * 2.5;
        let near = (distance - reach).max(distance * 0.02);
        let projection = directx::perspective(FIELD_OF_VIEW, aspect, near, distance + reach);
        let view = view::look_at_mat4(position, target, Vec3::Y);
        View { view_projection: projection * view, position }
    }
}
