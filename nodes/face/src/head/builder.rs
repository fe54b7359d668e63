//! Collects the left half of the head and mirrors it.

use super::site::Site;
use glam::Vec3;

/// The materials of the head, in order of the rig's material list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Skin,
    Lips,
    Brows,
    Hair,
    Sclera,
    Iris,
    IrisRim,
    Pupil,
    Lashes,
    Teeth,
    Gums,
    Tongue,
    Mouth,
}

/// All looks, in material order.
pub(super) const LOOKS: [Look; 13] = [
    Look::Skin,
    Look::Lips,
    Look::Brows,
    Look::Hair,
    Look::Sclera,
    Look::Iris,
    Look::IrisRim,
    Look::Pupil,
    Look::Lashes,
    Look::Teeth,
    Look::Gums,
    Look::Tongue,
    Look::Mouth,
];

/// The left half of the mesh (x at least 0) while it grows, in millimetres.
#[derive(Default)]
pub(super) struct Half {
    pub(super) positions: Vec<Vec3>,
    pub(super) sites: Vec<Site>,
    pub(super) triangles: Vec<(Look, [u32; 3])>,
}

impl Half {
    /// Adds a vertex and returns its index. A vertex with x 0 lies in the middle and is its own mirror.
    pub(super) fn vertex(&mut self, position: Vec3, site: Site) -> u32 {
        self.positions.push(position);
        self.sites.push(site);
        (self.positions.len() - 1) as u32
    }

    /// Adds a four-sided face, counter-clockwise seen from outside; corners that coincide make it a triangle.
    pub(super) fn quad(&mut self, look: Look, [a, b, c, d]: [u32; 4]) {
        for triangle in [[a, b, c], [a, c, d]] {
            let [i, j, k] = triangle;
            if i != j && j != k && k != i {
                self.triangles.push((look, triangle));
            }
        }
    }

    /// Joins two rows of equally many vertices by faces; `upper` lies above `lower` seen from outside with the
    /// vertices running to the right.
    pub(super) fn strip(&mut self, look: Look, upper: &[u32], lower: &[u32]) {
        for (u, l) in upper.windows(2).zip(lower.windows(2)) {
            self.quad(look, [u[0], l[0], l[1], u[1]]);
        }
    }
}

/// The whole mesh, in millimetres.
pub(super) struct Whole {
    pub(super) positions: Vec<Vec3>,
    pub(super) sites: Vec<Site>,
    /// The vertex on the other side of each vertex; itself in the middle.
    pub(super) mirror: Vec<u32>,
    pub(super) triangles: Vec<(Look, [u32; 3])>,
}

impl Whole {
    pub(super) fn from_half(half: Half) -> Self {
        let Half { mut positions, mut sites, mut triangles } = half;
        let count = positions.len();
        let mut mirror: Vec<u32> = (0..count as u32).collect();
        for index in 0..count {
            let position = positions[index];
            if position.x != 0.0 {
                mirror[index] = positions.len() as u32;
                mirror.push(index as u32);
                positions.push(flip(position));
                sites.push(sites[index].mirrored());
            }
        }
        let flipped = |&(look, [a, b, c]): &(Look, [u32; 3])| {
            (look, [mirror[a as usize], mirror[c as usize], mirror[b as usize]])
        };
        let other_side: Vec<_> = triangles.iter().map(flipped).collect();
        triangles.extend(other_side);
        Self { positions, sites, mirror, triangles }
    }
}

/// The mirror image of a point or offset.
pub(super) fn flip(v: Vec3) -> Vec3 {
    Vec3::new(-v.x, v.y, v.z)
}
