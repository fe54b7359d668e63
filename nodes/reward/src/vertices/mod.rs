//! Errors of a motion in millimetres of a rig's surface.

mod face;
mod metrics;

pub use face::{Face, FaceError, Mask};
pub use metrics::{take_vertex_metrics, vertex_metrics};
