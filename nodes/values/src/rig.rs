//! A face rig: meshes with named morph targets.

use crate::{Digest, Digestible, Hasher};
use std::sync::Arc;

/// A mesh or set of meshes with named morph targets. Right-handed, Y up, the face looks along +Z, units metres.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Rig {
    /// Name shown to the user and written into exports.
    pub name: String,
    /// The meshes.
    pub meshes: Vec<Mesh>,
    /// The materials that primitives point at.
    pub materials: Vec<Material>,
    /// The file the rig was read from, kept so that an export gives the artist's own file back with animation added.
    pub source: Option<Arc<SourceDocument>>,
}

/// The glTF document a rig was imported from.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceDocument {
    /// The JSON chunk.
    pub json: Vec<u8>,
    /// The binary chunk.
    pub binary: Vec<u8>,
}

/// One mesh: vertices shared by its primitives and morph targets.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Mesh {
    /// Mesh name.
    pub name: String,
    /// Vertex positions in metres, in the rig's space.
    pub positions: Vec<[f32; 3]>,
    /// Unit vertex normals, one per position.
    pub normals: Vec<[f32; 3]>,
    /// Triangles by material.
    pub primitives: Vec<Primitive>,
    /// Named morph targets.
    pub morphs: Vec<MorphTarget>,
    /// Index of the node that carries the mesh in the source document, when imported.
    pub source_node: Option<usize>,
}

/// Triangles that share a material.
#[derive(Clone, Debug, PartialEq)]
pub struct Primitive {
    /// Index into [`Rig::materials`].
    pub material: usize,
    /// Vertex indices of each triangle, counter-clockwise seen from outside.
    pub triangles: Vec<[u32; 3]>,
}

/// A sparse morph target: offsets added to some vertices at weight 1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct MorphTarget {
    /// Target name as the rig spells it.
    pub name: String,
    /// Moved vertices, strictly increasing.
    pub indices: Vec<u32>,
    /// Position offsets in metres, one per index.
    pub position_offsets: Vec<[f32; 3]>,
    /// Normal offsets, one per index, or none.
    pub normal_offsets: Vec<[f32; 3]>,
}

/// How a surface looks: the glTF metallic-roughness model.
#[derive(Clone, Debug, PartialEq)]
pub struct Material {
    /// Material name.
    pub name: String,
    /// Linear red, green, blue and opacity, 0 to 1.
    pub base_color: [f32; 4],
    /// 0 dielectric to 1 metal.
    pub metallic: f32,
    /// 0 mirror to 1 matt.
    pub roughness: f32,
    /// Whether both faces of a triangle are seen.
    pub double_sided: bool,
}

impl Rig {
    /// Every morph-target name, each once, in order of first appearance.
    pub fn morph_names(&self) -> Vec<&str> {
        let mut seen = std::collections::HashSet::new();
        let names = self.meshes.iter().flat_map(|mesh| &mesh.morphs).map(|morph| morph.name.as_str());
        names.filter(|name| seen.insert(*name)).collect()
    }

    /// Number of vertices over all meshes.
    pub fn vertex_count(&self) -> usize {
        self.meshes.iter().map(|mesh| mesh.positions.len()).sum()
    }
}

fn vectors(hasher: &mut Hasher, vectors: &[[f32; 3]]) {
    hasher.floats(vectors.as_flattened());
}

impl Digestible for Rig {
    fn digest_into(&self, hasher: &mut Hasher) {
        hasher.text(&self.name).integer(self.meshes.len() as i64);
        for mesh in &self.meshes {
            hasher.text(&mesh.name).integer(mesh.source_node.map_or(-1, |node| node as i64));
            vectors(hasher, &mesh.positions);
            vectors(hasher, &mesh.normals);
            hasher.integer(mesh.primitives.len() as i64);
            for primitive in &mesh.primitives {
                hasher.integer(primitive.material as i64).integer(primitive.triangles.len() as i64);
                primitive.triangles.as_flattened().iter().for_each(|index| {
                    hasher.integer(i64::from(*index));
                });
            }
            hasher.integer(mesh.morphs.len() as i64);
            for morph in &mesh.morphs {
                hasher.text(&morph.name).integer(morph.indices.len() as i64);
                morph.indices.iter().for_each(|index| {
                    hasher.integer(i64::from(*index));
                });
                vectors(hasher, &morph.position_offsets);
                vectors(hasher, &morph.normal_offsets);
            }
        }
        hasher.integer(self.materials.len() as i64);
        for material in &self.materials {
            hasher.text(&material.name).floats(&material.base_color);
            hasher.floats(&[material.metallic, material.roughness]).integer(i64::from(material.double_sided));
        }
        if let Some(source) = &self.source {
            hasher.bytes(&Digest::of(&source.json).0).bytes(&Digest::of(&source.binary).0);
        }
    }
}
