//! Sparse blendshape deformation: `out = base + sum over targets of weight * offset`, for positions and normals.
//!
//! [`SparseMorph`] deforms a frame on plain slices, target by target, and skips targets that are at rest: for drawing.
//! [`MorphMesh`] holds the same on a device vertex by vertex, and deforms many frames at once: each vertex gathers what
//! moves it, so nothing is written twice and no atomic operation is needed.

#[cfg(feature = "gpu")]
mod cube;
mod mesh;
mod sparse;
mod twin;

pub use mesh::MorphMesh;
pub use sparse::{DeformedFrame, MorphError, SparseMorph, SparseTarget};

#[cfg(feature = "gpu")]
pub(crate) use cube::{deform_on_cube, weight_slopes_on_cube};
pub(crate) use twin::{Block, FRAMES, Offsets, deform_on_flex, transposed_blocks, weight_slopes_on_flex};

use crate::KernelError;
use crate::extension::KernelOps;
use burn::backend::Dispatch;
use burn::tensor::Tensor;

/// Vertex positions `[frames, vertices, 3]`, in the unit of the mesh, at weights `[frames, targets]`, which may be
/// negative or above 1. Differentiable in the weights.
///
/// # Errors
/// When there is not one weight per target.
pub fn morph_positions(weights: Tensor<2>, mesh: &MorphMesh) -> Result<Tensor<3>, KernelError> {
    deform(weights, mesh, &mesh.positions, &mesh.position_offsets, false)
}

/// Unit vertex normals `[frames, vertices, 3]` at weights `[frames, targets]`; where the offsets cancel a normal out it
/// is left as it is. No gradient flows.
///
/// # Errors
/// When there is not one weight per target.
pub fn morph_normals(weights: Tensor<2>, mesh: &MorphMesh) -> Result<Tensor<3>, KernelError> {
    deform(weights, mesh, &mesh.normals, &mesh.normal_offsets, true)
}

fn deform(
    weights: Tensor<2>,
    mesh: &MorphMesh,
    base: &Tensor<2>,
    offsets: &Tensor<2>,
    unit_length: bool,
) -> Result<Tensor<3>, KernelError> {
    mesh.check_weights("weights", &weights.dims())?;
    let (frames, vertices) = (weights.dims()[0], mesh.vertex_count());
    if frames == 0 || vertices == 0 {
        return Ok(Tensor::empty([frames, vertices, 3], (&weights.device(), weights.dtype())));
    }
    let dtype = weights.dtype();
    if mesh.target_count() == 0 {
        return Ok(base.clone().cast(dtype).unsqueeze_dim::<3>(0).repeat_dim(0, frames));
    }
    let deformed = Dispatch::morph_vertices(
        weights.into_dispatch(),
        base.clone().cast(dtype).into_dispatch(),
        offsets.clone().cast(dtype).into_dispatch(),
        mesh.by_vertex.clone().into_dispatch(),
        mesh.by_target.clone().into_dispatch(),
        unit_length,
    );
    Ok(Tensor::from_dispatch(deformed))
}
