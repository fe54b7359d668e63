//! Soft grabs of the skin.

use crate::head::anatomy::hill;
use glam::Vec3;

/// How strongly an ellipsoidal brush takes a point: 1 at its centre, 0 from its surface outwards.
pub(super) fn grip(point: Vec3, centre: [f32; 3], radii: [f32; 3]) -> f32 {
    let from_centre = (point - Vec3::from_array(centre)) / Vec3::from_array(radii);
    let distance_squared = from_centre.length_squared();
    if distance_squared >= 1.0 { 0.0 } else { hill(distance_squared.sqrt()) }
}

/// Moves what an ellipsoidal brush takes.
pub(super) fn pull(point: Vec3, centre: [f32; 3], radii: [f32; 3], by: [f32; 3]) -> Vec3 {
    grip(point, centre, radii) * Vec3::from_array(by)
}
