//! From the document's scene to a rig.

use super::RigError;
use super::accessor::Data;
use super::document::{Document, Node};
use super::mesh;
use esarm_values::{Material, Rig};
use glam::{Mat4, Quat, Vec3};

/// Reads every mesh of the scene. The rig has no name and no source yet.
pub(super) fn assemble(document: &Document, binary: &[u8]) -> Result<Rig, RigError> {
    let data = Data::new(document, binary);
    let placed = place_nodes(document)?;
    let mut rig = Rig { materials: materials(document), ..Rig::default() };
    let default_material = document.materials.len();
    for (index, node) in document.nodes.iter().enumerate() {
        let (Some(mesh), Some(world)) = (node.mesh, placed[index]) else { continue };
        let world = match node.skin {
            Some(skin) => skinned(&data, skin, &placed)?.unwrap_or(world),
            None => world,
        };
        let own_name = document.meshes.get(mesh).and_then(|mesh| mesh.name.as_deref());
        let name = node.name.as_deref().or(own_name).unwrap_or("mesh");
        let mut read = mesh::read(&data, mesh, name, world, default_material)?;
        read.source_node = Some(index);
        let is_drawn = read.primitives.iter().any(|primitive| !primitive.triangles.is_empty());
        if is_drawn || !read.morphs.is_empty() {
            rig.meshes.push(read);
        }
    }
    Ok(rig)
}

/// The transform of every node that the scene shows.
fn place_nodes(document: &Document) -> Result<Vec<Option<Mat4>>, RigError> {
    let mut placed: Vec<Option<Mat4>> = vec![None; document.nodes.len()];
    let mut waiting: Vec<(usize, Mat4)> =
        roots(document)?.into_iter().map(|root| (root, Mat4::IDENTITY)).collect();
    while let Some((index, parent)) = waiting.pop() {
        let place = || format!("nodes[{index}]");
        let node = document.nodes.get(index).ok_or_else(|| RigError::invalid(place(), "is not there"))?;
        if placed[index].is_some() {
            return Err(RigError::invalid(
                place(),
                "has two parents or is its own ancestor; export the file again",
            ));
        }
        let world = parent * local_transform(node);
        if !world.is_finite() {
            return Err(RigError::invalid(
                place(),
                "has a transform that is not finite; reset it and export again",
            ));
        }
        placed[index] = Some(world);
        waiting.extend(node.children.iter().map(|child| (*child, world)));
    }
    Ok(placed)
}

/// The roots of the scene that is shown; without scenes, every node that is no child.
fn roots(document: &Document) -> Result<Vec<usize>, RigError> {
    if document.scenes.is_empty() {
        let mut is_child = vec![false; document.nodes.len()];
        for child in document.nodes.iter().flat_map(|node| &node.children) {
            if let Some(slot) = is_child.get_mut(*child) {
                *slot = true;
            }
        }
        return Ok((0..document.nodes.len()).filter(|index| !is_child[*index]).collect());
    }
    let index = document.scene.unwrap_or(0);
    let scene = document.scenes.get(index);
    scene
        .map(|scene| scene.nodes.clone())
        .ok_or_else(|| RigError::invalid(format!("scenes[{index}]"), "is not there"))
}

fn local_transform(node: &Node) -> Mat4 {
    if let Some(matrix) = node.matrix {
        return Mat4::from_cols_array(&matrix);
    }
    let rotation = Quat::from_array(node.rotation.unwrap_or([0.0, 0.0, 0.0, 1.0]));
    let rotation = if rotation.length_squared() > 1e-12 { rotation.normalize() } else { Quat::IDENTITY };
    Mat4::from_scale_rotation_translation(
        Vec3::from(node.scale.unwrap_or([1.0; 3])),
        rotation,
        Vec3::from(node.translation.unwrap_or([0.0; 3])),
    )
}

/// Where a skin's first joint puts its mesh. In the bind pose every joint puts it at the same place.
fn skinned(data: &Data<'_>, skin: usize, placed: &[Option<Mat4>]) -> Result<Option<Mat4>, RigError> {
    let Some(skin) = data.document.skins.get(skin) else {
        return Err(RigError::invalid(format!("skins[{skin}]"), "is pointed at by a node, but is not there"));
    };
    let Some(joint) = skin.joints.first().and_then(|joint| *placed.get(*joint)?) else { return Ok(None) };
    let inverse = skin.inverse_bind_matrices.map(|index| data.first_matrix(index)).transpose()?.flatten();
    Ok(Some(joint * inverse.map_or(Mat4::IDENTITY, |matrix| Mat4::from_cols_array(&matrix))))
}

/// The document's materials, and a plain one at the end for triangles that name none.
fn materials(document: &Document) -> Vec<Material> {
    let unit = |value: Option<f32>| {
        value.filter(|value| value.is_finite()).map_or(1.0, |value| value.clamp(0.0, 1.0))
    };
    let read = document.materials.iter().enumerate().map(|(index, material)| {
        let surface = &material.pbr_metallic_roughness;
        Material {
            name: material.name.clone().unwrap_or_else(|| format!("material_{index}")),
            base_color: surface.base_color_factor.unwrap_or([1.0; 4]).map(|part| unit(Some(part))),
            metallic: unit(surface.metallic_factor),
            roughness: unit(surface.roughness_factor),
            double_sided: material.double_sided,
        }
    });
    let plain = Material {
        name: "plain".to_owned(),
        base_color: [0.8, 0.8, 0.8, 1.0],
        metallic: 0.0,
        roughness: 0.7,
        double_sided: true,
    };
    read.chain([plain]).collect()
}
