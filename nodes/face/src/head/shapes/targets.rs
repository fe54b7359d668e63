//! Movements evaluated on the mesh: sparse morph targets with normals.

use super::{Place, SHAPES, Shape};
use crate::head::METRES;
use crate::head::builder::{Whole, flip};
use crate::head::mesh::Faces;
use esarm_values::{ARKIT_SHAPES, MorphTarget, mirrored_name};
use glam::Vec3;

/// Offsets below this many millimetres are not worth storing.
const SMALLEST_OFFSET: f32 = 0.01;
/// Changes of a unit normal below this are not worth storing.
const SMALLEST_NORMAL_OFFSET: f32 = 0.004;

/// The 52 shapes in the order of [`ARKIT_SHAPES`].
pub(in crate::head) fn morph_targets(whole: &Whole, faces: &Faces, normals: &[Vec3]) -> Vec<MorphTarget> {
    let mut scratch = Scratch::new(whole);
    let mut targets: Vec<MorphTarget> = Vec::with_capacity(ARKIT_SHAPES.len());
    for shape in &SHAPES {
        let mirror_name = mirrored_name(shape.name);
        let target = scratch.target(shape, whole, faces, normals);
        if mirror_name != shape.name {
            targets.push(mirrored(&target, mirror_name, &whole.mirror));
        }
        targets.push(target);
    }
    targets.sort_by(|a, b| a.name.cmp(&b.name));
    targets
}

/// Memory shared by all shapes.
struct Scratch {
    offsets: Vec<Vec3>,
    moved: Vec<Vec3>,
    touched: Vec<bool>,
}

impl Scratch {
    fn new(whole: &Whole) -> Self {
        let count = whole.positions.len();
        Self { offsets: vec![Vec3::ZERO; count], moved: whole.positions.clone(), touched: vec![false; count] }
    }

    fn target(&mut self, shape: &Shape, whole: &Whole, faces: &Faces, normals: &[Vec3]) -> MorphTarget {
        self.evaluate(shape, whole);
        self.touched.fill(false);
        for (index, offset) in self.offsets.iter_mut().enumerate() {
            if offset.abs().max_element() < SMALLEST_OFFSET {
                *offset = Vec3::ZERO;
            } else {
                faces.around(index).for_each(|corner| self.touched[corner as usize] = true);
            }
            self.moved[index] = whole.positions[index] + *offset;
        }
        self.sparse(shape.name, faces, normals)
    }

    /// Shapes without a side are evaluated on the left half and mirrored, so that they are exactly symmetric.
    fn evaluate(&mut self, shape: &Shape, whole: &Whole) {
        let symmetric = mirrored_name(shape.name) == shape.name;
        for (index, (position, site)) in whole.positions.iter().zip(&whole.sites).enumerate() {
            let mirror = whole.mirror[index] as usize;
            let mut offset = if symmetric && mirror < index {
                flip(self.offsets[mirror])
            } else {
                shape.movement(&Place { site, position: *position })
            };
            if symmetric && mirror == index {
                offset.x = 0.0;
            }
            self.offsets[index] = offset;
        }
    }

    fn sparse(&self, name: &str, faces: &Faces, normals: &[Vec3]) -> MorphTarget {
        let mut target = MorphTarget { name: name.to_owned(), ..MorphTarget::default() };
        for index in (0..self.moved.len()).filter(|index| self.touched[*index]) {
            let turn = faces.normal(index, &self.moved) - normals[index];
            let offset = self.offsets[index];
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
