//! The built-in head: a stylised human bust made by code, with the 52 ARKit shapes.

mod anatomy;
mod builder;
mod ears;
mod eyes;
mod hair;
mod loft;
mod mesh;
mod mouth;
mod sdf;
mod shapes;
mod site;
mod skin;
#[cfg(test)]
mod tests;

use builder::{Half, LOOKS, Look, Whole};
use esarm_values::{Material, Mesh, Primitive, Rig};
use glam::Vec3;
use mesh::Faces;
use skin::SkinEdges;
use std::sync::{Arc, OnceLock};

/// Millimetres to metres.
const METRES: f32 = 0.001;

/// The built-in head: about 0.25 m tall, origin at its centre, all 52 ARKit shapes. Built once, then shared.
pub fn built_in() -> Arc<Rig> {
    head().rig.clone()
}

/// Vertices of the built-in head's mesh 0 where the lips meet: the distance between the two in the middle is the
/// lip gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LipLandmarks {
    /// Middle of the upper lip's inner edge.
    pub upper_middle: u32,
    /// Middle of the lower lip's inner edge.
    pub lower_middle: u32,
    /// Corner on the subject's left.
    pub left_corner: u32,
    /// Corner on the subject's right.
    pub right_corner: u32,
}

/// Where the lips of the built-in head meet.
pub fn lip_landmarks() -> LipLandmarks {
    head().lips
}

struct Head {
    rig: Arc<Rig>,
    lips: LipLandmarks,
}

fn head() -> &'static Head {
    static HEAD: OnceLock<Head> = OnceLock::new();
    HEAD.get_or_init(build)
}

fn build() -> Head {
    let (whole, edges) = sculpt();
    let corner = edges.upper_lip[edges.upper_lip.len() - 1];
    let lips = LipLandmarks {
        upper_middle: edges.upper_lip[0],
        lower_middle: edges.lower_lip[0],
        left_corner: corner,
        right_corner: whole.mirror[corner as usize],
    };
    Head { rig: Arc::new(rig(&whole)), lips }
}

/// Makes the geometry, in millimetres.
fn sculpt() -> (Whole, SkinEdges) {
    let mut half = Half::default();
    let edges = skin::add_skin(&mut half);
    eyes::add_lid_edges(&mut half, &edges);
    eyes::add_lashes(&mut half, &edges);
    eyes::add_eyeball(&mut half);
    ears::add_ear(&mut half);
    hair::add_brow(&mut half);
    hair::add_hair(&mut half);
    mouth::add_lining(&mut half, &edges);
    mouth::add_teeth(&mut half);
    mouth::add_tongue(&mut half);
    (Whole::from_half(half), edges)
}

fn rig(whole: &Whole) -> Rig {
    let faces = Faces::new(whole);
    let normals: Vec<Vec3> =
        (0..whole.positions.len()).map(|vertex| faces.normal(vertex, &whole.positions)).collect();
    let mesh = Mesh {
        name: "head".to_owned(),
        positions: whole.positions.iter().map(|p| (*p * METRES).to_array()).collect(),
        normals: normals.iter().map(|n| n.to_array()).collect(),
        primitives: primitives(whole),
        morphs: shapes::morph_targets(whole, &faces, &normals),
        source_node: None,
    };
    Rig { name: "built-in head".to_owned(), meshes: vec![mesh], materials: materials(), source: None }
}

fn primitives(whole: &Whole) -> Vec<Primitive> {
    let of_look = |(material, look): (usize, &Look)| {
        let own = whole.triangles.iter().filter(|(other, _)| other == look);
        Primitive { material, triangles: own.map(|(_, triangle)| *triangle).collect() }
    };
    LOOKS.iter().enumerate().map(of_look).collect()
}

fn materials() -> Vec<Material> {
    let look = |look: &Look| {
        let (name, colour, roughness) = match look {
            Look::Skin => ("skin", [0.70, 0.40, 0.285], 0.46),
            Look::Lips => ("lips", [0.56, 0.21, 0.18], 0.36),
            Look::Brows => ("brows", [0.075, 0.042, 0.026], 0.7),
            Look::Hair => ("hair", [0.075, 0.036, 0.02], 0.5),
            Look::Sclera => ("sclera", [0.74, 0.71, 0.69], 0.12),
            Look::Iris => ("iris", [0.13, 0.24, 0.26], 0.08),
            Look::IrisRim => ("iris rim", [0.03, 0.06, 0.075], 0.08),
            Look::Pupil => ("pupil", [0.004, 0.004, 0.005], 0.06),
            Look::Lashes => ("lashes", [0.03, 0.018, 0.013], 0.7),
            Look::Teeth => ("teeth", [0.95, 0.90, 0.81], 0.22),
            Look::Gums => ("gums", [0.58, 0.22, 0.21], 0.3),
            Look::Tongue => ("tongue", [0.72, 0.32, 0.30], 0.38),
            Look::Mouth => ("mouth interior", [0.46, 0.14, 0.13], 0.5),
        };
        let [red, green, blue] = colour;
        Material {
            name: name.to_owned(),
            base_color: [red, green, blue, 1.0],
            metallic: 0.0,
            roughness,
            double_sided: matches!(look, Look::Lashes | Look::Brows | Look::Hair),
        }
    };
    LOOKS.iter().map(look).collect()
}
