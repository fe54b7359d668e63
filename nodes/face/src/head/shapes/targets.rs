//! Movements evaluated on the mesh: sparse morph targets with normals.

use super::{Place, SHAPES, Shape};
use crate::head::METRES;
use crate::head::builder::{Whole, flip};
use crate::head::mesh::Faces;
use crate::head::site::Part;
use esarm_values::{MorphTarget, mirrored_name};
use glam::Vec3;
use rayon::prelude::*;

/// Offsets below this many millimetres are not worth storing.
const SMALLEST_OFFSET: f32 = 0.01;
/// Changes of a unit normal below this are not worth storing.
const SMALLEST_NORMAL_OFFSET: f32 = 0.004;

/// The 52 shapes in alphabetical order, which is ARKit's.
pub(in crate::head) fn morph_targets(whole: &Whole, faces: &Faces, normals: &[Vec3]) -> Vec<MorphTarget> {
    let movable = Movable::of(whole);
    let sculptor = || Sculptor {
        whole,
        faces,
        normals,
        movable: &movable,
        moved: whole.positions.clone(),
        touched: vec![false; whole.positions.len()],
    };
    let sides = |target: MorphTarget| {
        let name = mirrored_name(&target.name);
        let other = (name != target.name).then(|| mirrored(&target, name, &whole.mirror));
        std::iter::once(target).chain(other)
    };
    let own = SHAPES.par_iter().map_init(sculptor, |sculptor, shape| sculptor.target(shape));
    let mut targets: Vec<MorphTarget> = own.flat_map_iter(sides).collect();
    targets.sort_by(|a, b| a.name.cmp(&b.name));
    targets
}

/// The vertices that any shape can move: the others are not asked.
struct Movable {
    skin: Vec<u32>,
    inside: Vec<u32>,
}

impl Movable {
    fn of(whole: &Whole) -> Self {
        let is_face = |p: Vec3| p.z > -21.0 && p.y < 66.0;
        let every = 0..whole.positions.len() as u32;
        let part = |vertex: &u32| whole.sites[*vertex as usize].part;
        let on_face = |vertex: &u32| {
            matches!(part(vertex), Part::Skin | Part::Brow) && is_face(whole.positions[*vertex as usize])
        };
        let in_face = |vertex: &u32| matches!(part(vertex), Part::Eye | Part::LowerTeeth | Part::Tongue);
        Self { skin: every.clone().filter(on_face).collect(), inside: every.filter(in_face).collect() }
    }
}

/// Makes targets one after the other in the same memory.
struct Sculptor<'a> {
    whole: &'a Whole,
    faces: &'a Faces,
    normals: &'a [Vec3],
    movable: &'a Movable,
    /// All positions: those of the shape at hand while it is made, the neutral ones between shapes.
    moved: Vec<Vec3>,
    /// Vertices whose normal may turn.
    touched: Vec<bool>,
}

impl Sculptor<'_> {
    fn target(&mut self, shape: &Shape) -> MorphTarget {
        let offsets = self.offsets(shape);
        self.touched.fill(false);
        for (vertex, offset) in &offsets {
            self.moved[*vertex as usize] += *offset;
            self.faces.around(*vertex as usize).for_each(|corner| self.touched[corner as usize] = true);
        }
        let target = self.sparse(shape.name);
        for (vertex, _) in &offsets {
            self.moved[*vertex as usize] = self.whole.positions[*vertex as usize];
        }
        target
    }

    /// The moved vertices. Shapes without a side are evaluated on the left half and mirrored, so that they are
    /// exactly symmetric.
    fn offsets(&self, shape: &Shape) -> Vec<(u32, Vec3)> {
        let symmetric = mirrored_name(shape.name) == shape.name;
        let mut offsets = Vec::new();
        for &vertex in self.movable.skin.iter().chain(&self.movable.inside) {
            let mirror = self.whole.mirror[vertex as usize];
            if symmetric && mirror < vertex {
                continue;
            }
            let site = &self.whole.sites[vertex as usize];
            let mut offset = shape.movement(&Place { site, position: self.whole.positions[vertex as usize] });
            if symmetric && mirror == vertex {
                offset.x = 0.0;
            }
            if offset.abs().max_element() >= SMALLEST_OFFSET {
                offsets.push((vertex, offset));
                if symmetric && mirror != vertex {
                    offsets.push((mirror, flip(offset)));
                }
            }
        }
        offsets
    }

    fn sparse(&self, name: &str) -> MorphTarget {
        let mut target = MorphTarget { name: name.to_owned(), ..MorphTarget::default() };
        for index in (0..self.touched.len()).filter(|index| self.touched[*index]) {
            let turn = self.faces.normal(index, &self.moved) - self.normals[index];
            let offset = self.moved[index] - self.whole.positions[index];
            if offset != Vec3::ZERO || turn.length() > SMALLEST_NORMAL_OFFSET {
                target.indices.push(index as u32);
                target.position_offsets.push((offset * METRES).to_array());
                target.normal_offsets.push(turn.to_array());
            }
        }
        target
    }
}

fn mirrored(target: &MorphTarget, name: String, mirror: &[u32]) -> MorphTarget {
    let mut order: Vec<usize> = (0..target.indices.len()).collect();
    let image = |entry: &usize| mirror[target.indices[*entry] as usize];
    order.sort_by_key(image);
    let flipped =
        |offsets: &[[f32; 3]]| order.iter().map(|entry| flip(offsets[*entry].into()).to_array()).collect();
    MorphTarget {
        name,
        indices: order.iter().map(image).collect(),
        position_offsets: flipped(&target.position_offsets),
        normal_offsets: flipped(&target.normal_offsets),
    }
}
