//! One mesh of a document: its primitives joined, placed in the world.

use super::RigError;
use super::accessor::{Data, SparseVectors};
use super::document::{self, Attributes};
use esarm_values::{Mesh, MorphTarget, Primitive};
use glam::{Mat3, Mat4, Vec3};

/// Reads mesh `index` placed by `world`. Triangles without a material use `default_material`.
pub(super) fn read(
    data: &Data<'_>,
    index: usize,
    name: &str,
    world: Mat4,
    default_material: usize,
) -> Result<Mesh, RigError> {
    let place = |primitive: usize| format!("meshes[{index}].primitives[{primitive}]");
    let source = data.document.meshes.get(index).ok_or_else(|| {
        RigError::invalid(format!("meshes[{index}]"), "is pointed at by a node, but is not there")
    })?;
    let mut joined = Joined { place: Placement::new(world), ..Joined::default() };
    let drawn = |primitive: &&document::Primitive| matches!(primitive.mode.unwrap_or(4), 4..=6);
    let targets = source.primitives.iter().find(drawn).map_or(0, |primitive| primitive.targets.len());
    joined.morphs = vec![MorphTarget::default(); targets];
    let mut seen: Vec<(&Attributes, &[Attributes], usize, usize)> = Vec::new();
    for (number, primitive) in source.primitives.iter().enumerate().filter(|(_, primitive)| drawn(primitive))
    {
        if primitive.targets.len() != targets {
            let message = format!(
                "has {} morph targets where the mesh's first primitive has {targets}; export the mesh again",
                primitive.targets.len()
            );
            return Err(RigError::invalid(place(number), message));
        }
        let material = primitive.material.unwrap_or(default_material);
        if material > default_material {
            return Err(RigError::invalid(
                place(number),
                format!("uses materials[{material}], which is not there"),
            ));
        }
        let same = seen.iter().find(|(attributes, targets, ..)| {
            **attributes == primitive.attributes && **targets == *primitive.targets
        });
        let (first, vertices) = match same {
            Some((.., first, vertices)) => (*first, *vertices),
            None => joined.add_vertices(data, primitive, &place(number))?,
        };
        seen.push((&primitive.attributes, &primitive.targets, first, vertices));
        let corners = match primitive.indices {
            Some(indices) => data.corners(indices, vertices)?,
            None => (0..vertices as u32).collect(),
        };
        let mut triangles = triangles_of(&corners, primitive.mode.unwrap_or(4), joined.place.mirrors);
        triangles.as_flattened_mut().iter_mut().for_each(|corner| *corner += first as u32);
        joined.primitives.push(Primitive { material, triangles });
    }
    let offsets = joined.morphs.iter().flat_map(|morph| morph.position_offsets.as_flattened());
    if !joined.positions.as_flattened().iter().chain(offsets).all(|part| part.is_finite()) {
        return Err(RigError::invalid(format!("meshes[{index}]"), "is scaled beyond what a number can hold"));
    }
    Ok(joined.finish(name, &target_names(source, targets)))
}

/// How local vectors become vectors of the world.
struct Placement {
    world: Mat4,
    linear: Mat3,
    normal: Mat3,
    /// Whether the transform turns triangles inside out.
    mirrors: bool,
}

impl Default for Placement {
    fn default() -> Self {
        Self::new(Mat4::IDENTITY)
    }
}

impl Placement {
    fn new(world: Mat4) -> Self {
        let linear = Mat3::from_mat4(world);
        let determinant = linear.determinant();
        let normal = if determinant.is_normal() { linear.inverse().transpose() } else { linear };
        Self { world, linear, normal, mirrors: determinant < 0.0 }
    }
}

#[derive(Default)]
struct Joined {
    place: Placement,
    positions: Vec<[f32; 3]>,
    normals: Vec<[f32; 3]>,
    /// Whether a primitive came without normals; all are then made from the triangles.
    lacks_normals: bool,
    primitives: Vec<Primitive>,
    morphs: Vec<MorphTarget>,
}

impl Joined {
    /// Adds a primitive's vertices and gives the first and their number.
    fn add_vertices(
        &mut self,
        data: &Data<'_>,
        primitive: &document::Primitive,
        place: &str,
    ) -> Result<(usize, usize), RigError> {
        let position = primitive
            .attributes
            .position
            .ok_or_else(|| RigError::invalid(place, "has no POSITION attribute; export the mesh again"))?;
        let positions = data.vectors(position)?;
        let (first, vertices) = (self.positions.len(), positions.len());
        if u32::try_from(first + vertices).is_err() {
            return Err(RigError::invalid(place, "the mesh has more vertices than 32 bits can count"));
        }
        let same_count = |index: usize| -> Result<(), RigError> {
            let count = data.count(index)?;
            if count == vertices {
                return Ok(());
            }
            let message = format!("accessors[{index}] has {count} elements for {vertices} vertices");
            Err(RigError::invalid(place, message))
        };
        match primitive.attributes.normal {
            Some(normal) => {
                same_count(normal)?;
                let normals = data.vectors(normal)?;
                self.normals.extend(normals.into_iter().map(|normal| self.place.unit_normal(normal)));
            }
            None => {
                self.lacks_normals = true;
                self.normals.resize(first + vertices, [0.0; 3]);
            }
        }
        self.positions.extend(positions.into_iter().map(|position| self.place.point(position)));
        for (morph, target) in self.morphs.iter_mut().zip(&primitive.targets) {
            let read = |index: Option<usize>| -> Result<SparseVectors, RigError> {
                let Some(index) = index else { return Ok(SparseVectors::default()) };
                same_count(index)?;
                data.moved(index)
            };
            self.place.append(morph, first, &read(target.position)?, &read(target.normal)?);
        }
        Ok((first, vertices))
    }

    fn finish(mut self, name: &str, names: &[String]) -> Mesh {
        if self.lacks_normals {
            self.normals = face_normals(&self.positions, &self.primitives);
        }
        for (morph, name) in self.morphs.iter_mut().zip(names) {
            morph.name.clone_from(name);
            if morph.normal_offsets.iter().all(|offset| *offset == [0.0; 3]) {
                morph.normal_offsets.clear();
            }
        }
        Mesh {
            name: name.to_owned(),
            positions: self.positions,
            normals: self.normals,
            primitives: self.primitives,
            morphs: self.morphs,
            source_node: None,
        }
    }
}

impl Placement {
    fn point(&self, position: [f32; 3]) -> [f32; 3] {
        self.world.transform_point3(Vec3::from(position)).to_array()
    }

    fn unit_normal(&self, normal: [f32; 3]) -> [f32; 3] {
        (self.normal * Vec3::from(normal)).normalize_or(Vec3::Y).to_array()
    }

    /// Adds the vertices that a primitive's target moves or whose normals it turns.
    fn append(
        &self,
        morph: &mut MorphTarget,
        first: usize,
        positions: &SparseVectors,
        normals: &SparseVectors,
    ) {
        let (mut at_position, mut at_normal) = (0, 0);
        loop {
            let (position, normal) = (positions.indices.get(at_position), normals.indices.get(at_normal));
            let Some(vertex) = position.into_iter().chain(normal).min().copied() else { break };
            let take = |moved: &SparseVectors, at: &mut usize| -> Vec3 {
                if moved.indices.get(*at) != Some(&vertex) {
                    return Vec3::ZERO;
                }
                *at += 1;
                Vec3::from(moved.values[*at - 1])
            };
            let offset = self.linear * take(positions, &mut at_position);
            let turn = self.normal * take(normals, &mut at_normal);
            morph.indices.push(first as u32 + vertex);
            morph.position_offsets.push(offset.to_array());
            morph.normal_offsets.push(turn.to_array());
        }
    }
}

/// Triangles of a list (mode 4), strip (5) or fan (6).
fn triangles_of(corners: &[u32], mode: u32, mirrored: bool) -> Vec<[u32; 3]> {
    let mut triangles: Vec<[u32; 3]> = match mode {
        5 => {
            let strip = corners.windows(3).enumerate();
            strip.map(|(at, c)| if at % 2 == 0 { [c[0], c[1], c[2]] } else { [c[1], c[0], c[2]] }).collect()
        }
        6 => match corners.split_first() {
            Some((hub, rim)) => rim.windows(2).map(|pair| [*hub, pair[0], pair[1]]).collect(),
            None => Vec::new(),
        },
        _ => corners.chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect(),
    };
    if mirrored {
        triangles.iter_mut().for_each(|triangle| triangle.swap(1, 2));
    }
    triangles
}

/// Normals from the triangles around each vertex, weighted by area.
fn face_normals(positions: &[[f32; 3]], primitives: &[Primitive]) -> Vec<[f32; 3]> {
    let mut sums = vec![Vec3::ZERO; positions.len()];
    for triangle in primitives.iter().flat_map(|primitive| &primitive.triangles) {
        let [a, b, c] = triangle.map(|corner| Vec3::from(positions[corner as usize]));
        let normal = (b - a).cross(c - a);
        triangle.iter().for_each(|corner| sums[*corner as usize] += normal);
    }
    sums.into_iter().map(|sum| sum.normalize_or(Vec3::Y).to_array()).collect()
}

/// Names from `extras.targetNames` of the mesh or its first primitive; targets without a name are numbered.
fn target_names(mesh: &document::Mesh, targets: usize) -> Vec<String> {
    let extras =
        std::iter::once(&mesh.extras).chain(mesh.primitives.iter().map(|primitive| &primitive.extras));
    let mut lists = extras.filter_map(|extras| extras.get("targetNames")?.as_array());
    let names = lists.next();
    let name = |index: usize| names?.get(index)?.as_str().map(str::to_owned);
    (0..targets).map(|index| name(index).unwrap_or_else(|| format!("target_{index}"))).collect()
}
