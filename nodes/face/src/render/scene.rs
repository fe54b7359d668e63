//! A rig in one pose, flattened to one vertex and one index list for the graphics processor.

use super::RenderError;
use esarm_kernels::morph::{DeformedFrame, SparseMorph, SparseTarget};
use esarm_values::{Material, Mesh, Rig};
use glam::{Mat3, Vec3};
use std::collections::HashMap;

/// One vertex with the look of its material.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Vertex {
    pub(super) position: [f32; 3],
    pub(super) normal: [f32; 3],
    /// Linear red, green, blue.
    pub(super) colour: [f32; 3],
    /// Roughness, metallic, how much light scatters under the surface (0 to 1).
    pub(super) surface: [f32; 3],
}

/// A posed rig, ready to draw.
#[derive(Default)]
pub(super) struct Scene {
    pub(super) vertices: Vec<Vertex>,
    pub(super) indices: Vec<u32>,
}

/// What cameras and lights need to know of a rig, from its neutral pose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Subject {
    pub(super) centre: Vec3,
    pub(super) radius: f32,
    pub(super) head_centre: Vec3,
    pub(super) frame_height: f32,
    pub(super) mouth_centre: Vec3,
    bottom: f32,
    height: f32,
}

impl Subject {
    pub(super) fn of(rig: &Rig) -> Result<Self, RenderError> {
        let positions = || rig.meshes.iter().flat_map(|mesh| &mesh.positions).map(|p| Vec3::from_array(*p));
        let finite = positions().all(Vec3::is_finite);
        let low = positions().reduce(Vec3::min).filter(|_| finite);
        let (Some(low), Some(high)) = (low, positions().reduce(Vec3::max)) else {
            return Err(RenderError::Rig("it has no vertices, or some are not finite".to_owned()));
        };
        let centre = (low + high) / 2.0;
        let radius = (high - low).length() / 2.0;
        let height = high.y - low.y;
        let frame_height = 1.02 * height.min(1.34 * (high.z - low.z)).max(1e-4);
        let head_centre = Vec3::new(centre.x, high.y + 0.03 * frame_height - frame_height / 2.0, centre.z);
        let fallback = Vec3::new(centre.x, low.y + 0.35 * height, high.z);
        let mouth_centre = mouth_centre(rig).unwrap_or(fallback);
        Ok(Self { centre, radius, head_centre, frame_height, mouth_centre, bottom: low.y, height })
    }

    /// How much of the head's rotation a point follows: nothing at the foot of the bust, all of it from the chin up.
    fn follow(&self, y: f32) -> f32 {
        let t = ((y - self.bottom) / (0.3 * self.height).max(1e-6)).clamp(0.0, 1.0);
        t * t * (3.0 - 2.0 * t)
    }
}

/// The middle of what puckering the lips moves most.
fn mouth_centre(rig: &Rig) -> Option<Vec3> {
    let named = |mesh: &&Mesh| mesh.morphs.iter().any(|morph| morph.name.eq_ignore_ascii_case("mouthPucker"));
    let mesh = rig.meshes.iter().filter(named).max_by_key(|mesh| mesh.positions.len())?;
    let pucker = mesh.morphs.iter().find(|morph| morph.name.eq_ignore_ascii_case("mouthPucker"))?;
    let mut sum = Vec3::ZERO;
    let mut total = 0.0;
    for (index, offset) in pucker.indices.iter().zip(&pucker.position_offsets) {
        let weight = Vec3::from_array(*offset).length();
        sum += weight * Vec3::from_array(*mesh.positions.get(*index as usize)?);
        total += weight;
    }
    (total > 0.0).then(|| sum / total)
}

/// Weights by channel name, with morph targets matched ignoring case.
pub(super) struct Pose {
    weights: HashMap<String, f32>,
}

impl Pose {
    pub(super) fn new<'a>(weights: impl IntoIterator<Item = (&'a str, f32)>) -> Self {
        let finite = |weight: f32| if weight.is_finite() { weight } else { 0.0 };
        Self { weights: weights.into_iter().map(|(n, w)| (n.to_ascii_lowercase(), finite(w))).collect() }
    }

    fn weight(&self, name: &str) -> f32 {
        self.weights.get(&name.to_ascii_lowercase()).copied().unwrap_or(0.0)
    }

    /// The head's rotation. Yaw turns to the subject's right, pitch down, roll to the right shoulder.
    fn head_rotation(&self) -> Mat3 {
        Mat3::from_rotation_y(-self.weight("headYaw"))
            * Mat3::from_rotation_x(self.weight("headPitch"))
            * Mat3::from_rotation_z(self.weight("headRoll"))
    }
}

impl Scene {
    pub(super) fn posed(rig: &Rig, subject: &Subject, pose: &Pose) -> Result<Self, RenderError> {
        let mut scene = Self::default();
        let mut frame = DeformedFrame::default();
        for mesh in &rig.meshes {
            deform(mesh, pose, &mut frame)?;
            turn_head(&mut frame, subject, pose.head_rotation());
            scene.add(rig, mesh, &frame)?;
        }
        Ok(scene)
    }

    fn add(&mut self, rig: &Rig, mesh: &Mesh, frame: &DeformedFrame) -> Result<(), RenderError> {
        let mut placed = vec![u32::MAX; frame.positions.len()];
        for primitive in &mesh.primitives {
            let look = rig.materials.get(primitive.material);
            placed.fill(u32::MAX);
            for &index in primitive.triangles.as_flattened() {
                let slot = placed.get_mut(index as usize).ok_or_else(|| {
                    RenderError::Rig(format!(
                        "mesh \"{}\" has a triangle with missing vertex {index}",
                        mesh.name
                    ))
                })?;
                if *slot == u32::MAX {
                    *slot = self.vertices.len() as u32;
                    self.vertices.push(vertex(frame, index as usize, look));
                }
                self.indices.push(*slot);
            }
        }
        Ok(())
    }
}

fn deform(mesh: &Mesh, pose: &Pose, frame: &mut DeformedFrame) -> Result<(), RenderError> {
    let targets = mesh.morphs.iter().map(|morph| SparseTarget {
        indices: &morph.indices,
        position_offsets: &morph.position_offsets,
        normal_offsets: &morph.normal_offsets,
    });
    let weights: Vec<f32> = mesh.morphs.iter().map(|morph| pose.weight(&morph.name)).collect();
    let wrong = |error| RenderError::Rig(format!("mesh \"{}\": {error}", mesh.name));
    let morph = SparseMorph::new(&mesh.positions, &mesh.normals, targets.collect()).map_err(wrong)?;
    morph.deform_into(&weights, frame).map_err(wrong)
}

fn turn_head(frame: &mut DeformedFrame, subject: &Subject, rotation: Mat3) {
    if rotation == Mat3::IDENTITY {
        return;
    }
    let pivot = Vec3::new(subject.centre.x, subject.bottom + 0.25 * subject.height, subject.centre.z - 0.01);
    for (position, normal) in frame.positions.iter_mut().zip(&mut frame.normals) {
        let point = Vec3::from_array(*position);
        let follow = subject.follow(point.y);
        *position = point.lerp(pivot + rotation * (point - pivot), follow).to_array();
        let normal_now = Vec3::from_array(*normal);
        *normal = normal_now.lerp(rotation * normal_now, follow).normalize_or(Vec3::Z).to_array();
    }
}

fn vertex(frame: &DeformedFrame, index: usize, look: Option<&Material>) -> Vertex {
    let [red, green, blue, _] = look.map_or([0.8, 0.8, 0.8, 1.0], |look| look.base_color);
    let roughness = look.map_or(0.6, |look| look.roughness).clamp(0.03, 1.0);
    let surface = [roughness, look.map_or(0.0, |look| look.metallic), look.map_or(0.0, scatter)];
    Vertex {
        position: frame.positions[index],
        normal: frame.normals[index],
        colour: [red, green, blue],
        surface,
    }
}

/// How much light scatters under a surface, judged by the material's name: skin glows, hair and cloth do not.
fn scatter(look: &Material) -> f32 {
    let name = look.name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["skin", "face", "head", "lip", "gum", "tongue", "mouth", "teeth", "tooth", "ear"]) {
        1.0
    } else if has(&["sclera", "eye"]) {
        0.4
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_right_moves_the_nose_to_the_subjects_right() {
        let pose = |name| Pose::new([(name, 0.5)]).head_rotation() * Vec3::Z;
        assert!(pose("headYaw").x < -0.4);
        assert!(pose("headPitch").y < -0.4);
        let crown = Pose::new([("headRoll", 0.5)]).head_rotation() * Vec3::Y;
        assert!(crown.x < -0.4, "rolling to the right shoulder tips the crown to -X, got {crown}");
    }

    #[test]
    fn a_rig_without_vertices_is_refused() {
        assert!(matches!(Subject::of(&Rig::default()), Err(RenderError::Rig(_))));
    }
}
