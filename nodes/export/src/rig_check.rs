//! Refuses rigs that no file could carry.

use crate::ExportError;
use esarm_values::{Mesh, Rig};

/// Checks that a rig has meshes and that their numbers fit together.
pub(crate) fn check_rig(rig: &Rig) -> Result<(), ExportError> {
    let broken = |message: String| ExportError::Rig { rig: rig.name.clone(), message };
    if rig.meshes.iter().all(|mesh| mesh.morphs.is_empty()) {
        return Err(broken("it has no morph targets to animate; use a head with blendshapes".to_owned()));
    }
    // An imported document is given back as it came; only its animation is ours.
    let written = if rig.source.is_some() { &[] } else { rig.meshes.as_slice() };
    for mesh in written {
        check_mesh(mesh, rig.materials.len())
            .map_err(|message| broken(format!("mesh \"{}\" {message}", mesh.name)))?;
    }
    Ok(())
}

fn check_mesh(mesh: &Mesh, materials: usize) -> Result<(), String> {
    let vertices = mesh.positions.len();
    if vertices == 0 || mesh.primitives.iter().all(|primitive| primitive.triangles.is_empty()) {
        return Err("has no triangles; leave it out".to_owned());
    }
    if mesh.normals.len() != vertices {
        return Err(format!(
            "has {} normals for {vertices} positions; give one for each",
            mesh.normals.len()
        ));
    }
    if !mesh.positions.as_flattened().iter().all(|part| part.is_finite()) {
        return Err("has a position that is not a finite number".to_owned());
    }
    for primitive in &mesh.primitives {
        if primitive.material >= materials {
            return Err(format!("uses material {} of {materials}", primitive.material));
        }
        if primitive.triangles.as_flattened().iter().any(|index| *index as usize >= vertices) {
            return Err(format!("has a triangle that points beyond its {vertices} vertices"));
        }
    }
    mesh.morphs.iter().try_for_each(|morph| {
        let named = |message: &str| Err(format!("has a morph target \"{}\" {message}", morph.name));
        let (moved, normals) = (morph.indices.len(), morph.normal_offsets.len());
        if morph.position_offsets.len() != moved || (normals != 0 && normals != moved) {
            return named("whose offsets are not one for each index");
        }
        if !morph.indices.is_sorted_by(|a, b| a < b) {
            return named("whose indices do not rise");
        }
        if morph.indices.last().is_some_and(|last| *last as usize >= vertices) {
            return named("that points beyond its vertices");
        }
        if !morph.position_offsets.as_flattened().iter().all(|part| part.is_finite()) {
            return named("with an offset that is not a finite number");
        }
        Ok(())
    })
}
