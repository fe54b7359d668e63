//! Rigs from files: GLB and glTF with morph targets.
//!
//! Read: positions, normals, morph targets (plain, sparse, normalised and quantised by `KHR_mesh_quantization`), base
//! materials, and the transforms of the scene. The document itself is kept, so that an export can give the artist's own
//! file back. Nothing outside the given bytes is read.

mod accessor;
mod assemble;
mod container;
mod document;
mod error;
mod mesh;

pub use error::RigError;

use esarm_values::Rig;
use std::sync::Arc;

/// Reads a rig from the bytes of a GLB file, or of a glTF file whose buffers are embedded as data URIs.
///
/// Vertices are placed as the scene places them, in metres, with Y up. A skinned mesh is placed as its first joint
/// places it. Primitives of one mesh become one mesh; those that share their vertices go on sharing them.
///
/// # Errors
/// What is malformed and where; compression and outside files that are not read; no morph targets.
pub fn import(bytes: &[u8], name: &str) -> Result<Rig, RigError> {
    let container = container::open(bytes)?;
    let document = document::parse(&container.json)?;
    document::check_extensions(&document)?;
    let source = container.pack(&document)?;
    let document = if source.repacked { document::parse(&source.document.json)? } else { document };
    let mut rig = assemble::assemble(&document, &source.document.binary)?;
    if rig.meshes.iter().all(|mesh| mesh.morphs.is_empty()) {
        return Err(RigError::NoMorphTargets { name: name.to_owned(), meshes: rig.meshes.len() });
    }
    name.clone_into(&mut rig.name);
    rig.source = Some(Arc::new(source.document));
    Ok(rig)
}
