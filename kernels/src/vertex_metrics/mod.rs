//! Errors of an animated face in vertex space, from blendshape weights: vertices are computed where they are needed and
//! never stored.
//!
//! With `v` the vertices of the motion, `v'` those of the reference, `n` those at rest and L, U sets of vertices:
//! - MVE, mean vertex error: `mean_{t,v} ‖v - v'‖`, mm;
//! - LVE, lip vertex error: `mean_t max_{l ∈ L} ‖v_l - v'_l‖²`, mm² (Xing et al., CVPR 2023), its root
//!   taken frame by frame `mean_t √max`, mm, and with the mean in place of the maximum, mm²;
//! - EVE, the same on the upper face U (Peng et al., ICCV 2023);
//! - FDD, upper-face dynamics deviation: `mean_{u ∈ U} (std_t ‖v'_u - n_u‖² - std_t ‖v_u - n_u‖²)`, mm², positive when
//!   the motion moves less than the reference (Xing et al., whose code squares the norm);
//! - diversity of `2 k` takes: `mean_i mean_{t,v} ‖a_i - b_i‖`, mm, over the pairs of take `i` and take `k + i`
//!   (`ProbTalk3D`, Wu et al., MIG 2024, which shuffles them before);
//! - lip gap: `mean over pairs of inner-lip vertices ‖upper - lower‖` of each frame, mm.
//!
//! Meshes are in metres. Nothing learns through these: no gradient flows.

#[cfg(feature = "gpu")]
mod cube;
mod figures;
mod twin;

pub use figures::{Movement, RegionErrors, VertexErrors};

#[cfg(feature = "gpu")]
pub(crate) use cube::{distances_on_cube, energies_on_cube};
pub(crate) use twin::{distances_on_flex, energies_on_flex};

use crate::KernelError;
use crate::error::require_same_shape;
use crate::extension::KernelOps;
use crate::morph::MorphMesh;
use burn::backend::Dispatch;
use burn::tensor::Tensor;

/// Millimetres of a metre.
const MM_PER_METRE: f32 = 1000.0;

/// The vertices that the metrics look at, as meshes of their own ([`MorphMesh::of_vertices`]).
#[derive(Clone, Debug)]
pub struct FaceRegions {
    /// The whole face.
    pub face: MorphMesh,
    /// The lips.
    pub lips: MorphMesh,
    /// The upper face: brows, eyes and forehead.
    pub upper: MorphMesh,
}

/// How far the vertices of two motions are apart in each frame.
///
/// `motion` and `reference`: weights `[frames, targets]` of the same frames.
///
/// # Errors
/// When the shapes differ or there is not one weight per target.
pub fn vertex_errors(
    motion: Tensor<2>,
    reference: Tensor<2>,
    regions: &FaceRegions,
) -> Result<VertexErrors, KernelError> {
    require_same_shape(("motion", &motion.dims()), ("reference", &reference.dims()))?;
    let difference = motion.clone() - reference.clone();
    Ok(VertexErrors {
        face: region_errors("motion", difference.clone(), &regions.face)?,
        lips: region_errors("motion", difference.clone(), &regions.lips)?,
        upper: region_errors("motion", difference, &regions.upper)?,
        motion: movement(motion, &regions.upper)?,
        reference: movement(reference, &regions.upper)?,
    })
}

/// Diversity of takes of the same clip, in mm. `takes`: weights `[takes, frames, targets]`, an even number of takes.
///
/// # Errors
/// When the number of takes is odd or there is not one weight per target.
pub fn diversity_mm(takes: Tensor<3>, face: &MorphMesh) -> Result<f64, KernelError> {
    face.check_weights("takes", &takes.dims())?;
    let [count, frames, targets] = takes.dims();
    if !count.is_multiple_of(2) {
        let expected = "[an even number of takes, frames, targets]".to_owned();
        return Err(KernelError::Shape { argument: "takes", found: takes.dims().to_vec(), expected });
    }
    let pairs = count / 2;
    if pairs == 0 {
        return Ok(0.0);
    }
    let differences = takes.clone().narrow(0, 0, pairs) - takes.narrow(0, pairs, pairs);
    let errors = region_errors("takes", differences.reshape([pairs * frames, targets]), face)?;
    Ok(errors.mean_mm())
}

/// Opening of the lips in each frame: `[frames]`, mm. `weights`: `[frames, targets]`; `lip_pairs`: the way from a vertex
/// of the lower inner lip to its counterpart of the upper one ([`MorphMesh::of_differences`]).
///
/// # Errors
/// When there is not one weight per target.
pub fn lip_gap_mm(weights: Tensor<2>, lip_pairs: &MorphMesh) -> Result<Tensor<1>, KernelError> {
    lip_pairs.check_weights("weights", &weights.dims())?;
    let frames = weights.dims()[0];
    if frames == 0 || lip_pairs.vertex_count() == 0 {
        return Ok(Tensor::zeros([frames], (&weights.device(), weights.dtype())));
    }
    let ways = lip_pairs.positions.clone();
    Ok(distances(weights, lip_pairs, ways).narrow(1, 0, 1).reshape([frames]))
}

/// How the squared displacement of every vertex from its rest is spread over the frames of `weights`
/// `[frames, targets]`. Windows of a clip can be [joined](Movement::joined).
///
/// # Errors
/// When there is not one weight per target.
pub fn movement(weights: Tensor<2>, region: &MorphMesh) -> Result<Movement, KernelError> {
    region.check_weights("weights", &weights.dims())?;
    let (frames, vertices) = (weights.dims()[0], region.vertex_count());
    if frames == 0 || vertices == 0 || region.target_count() == 0 {
        return Ok(Movement { frames, means_mm2: vec![0.0; vertices], variances_mm4: vec![0.0; vertices] });
    }
    let offsets = region.position_offsets.clone() * MM_PER_METRE;
    let dtype = weights.dtype();
    let energies = Dispatch::displacement_energies(
        weights.into_dispatch(),
        offsets.cast(dtype).into_dispatch(),
        region.by_vertex.clone().into_dispatch(),
        vertices,
    );
    Ok(Movement::of(frames, &Tensor::<2>::from_dispatch(energies)))
}

fn region_errors(
    argument: &'static str,
    difference: Tensor<2>,
    region: &MorphMesh,
) -> Result<RegionErrors, KernelError> {
    region.check_weights(argument, &difference.dims())?;
    let frames = difference.dims()[0];
    if frames == 0 || region.vertex_count() == 0 || region.target_count() == 0 {
        return Ok(RegionErrors::at_rest(frames));
    }
    let rest = region.positions.zeros_like();
    Ok(RegionErrors::of(&distances(difference, region, rest)))
}

/// For each frame the mean distance, the mean squared distance and the greatest squared distance of
/// `start + Σ weight · offset` over the vertices of a region: `[frames, 3]`, mm and mm².
fn distances(weights: Tensor<2>, region: &MorphMesh, start: Tensor<2>) -> Tensor<2> {
    let dtype = weights.dtype();
    let distances = Dispatch::displacement_distances(
        weights.into_dispatch(),
        (start * MM_PER_METRE).cast(dtype).into_dispatch(),
        (region.position_offsets.clone() * MM_PER_METRE).cast(dtype).into_dispatch(),
        region.by_vertex.clone().into_dispatch(),
    );
    Tensor::from_dispatch(distances)
}
