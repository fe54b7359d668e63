//! A rig as one mesh, with the parts of the face that metrics look at, found from its morph targets by name.

use burn::tensor::{Device, Tensor, TensorData};
use esarm_kernels::KernelError;
use esarm_kernels::morph::{MorphError, MorphMesh, SparseMorph, SparseTarget};
use esarm_kernels::vertex_metrics::FaceRegions;
use esarm_values::names::arkit_spellings;
use esarm_values::{ARKIT_SHAPES, Rig, Track, arkit_index};
use std::collections::BTreeMap;

/// Shapes that move the lips themselves; the jaw would bring in the chin.
const LIP_SHAPES: [&str; 11] = [
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
];
/// Shapes of the upper face; the looks of the eyes would bring in the eyeballs.
const UPPER_SHAPES: [&str; 11] = [
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
];
/// Share of the greatest displacement from which a vertex belongs to a part.
const LIP_SHARE: f32 = 0.5;
const UPPER_SHARE: f32 = 0.35;
/// Displacement by any shape from which a vertex belongs to the face, metres.
const MOVED_METRES: f32 = 1e-5;

/// Why a rig or motions cannot be measured.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FaceError {
    /// No morph target is an ARKit shape.
    #[error(
        "rig \"{0}\" has no morph target named like an ARKit shape; rename its targets or choose another rig"
    )]
    NoShapes(String),
    /// A part of the face cannot be found.
    #[error(
        "rig \"{rig}\" lacks the morph targets that show where its {part} is; it needs some of: {shapes}"
    )]
    NoPart {
        /// Name of the rig.
        rig: String,
        /// What was looked for.
        part: &'static str,
        /// The shapes that would show it.
        shapes: String,
    },
    /// A motion is empty or drives nothing of the rig.
    #[error("the {which} {what}")]
    Motion {
        /// Motion, reference or take.
        which: String,
        /// What is wrong and what to do.
        what: &'static str,
    },
    /// The rig's meshes and targets do not fit together.
    #[error(transparent)]
    Mesh(#[from] MorphError),
    /// A kernel refused its input.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

/// Vertices that a metric looks at, and how they were found.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    /// Vertices of all meshes, counted through.
    pub vertices: Vec<u32>,
    /// Words for a report.
    pub description: String,
}

/// A rig, ready to be measured.
pub struct Face {
    /// The whole face, lips and upper face on the device.
    pub regions: FaceRegions,
    /// Vertices that any shape moves.
    pub whole: Mask,
    /// The lips.
    pub lips: Mask,
    /// Brows, lids and forehead.
    pub upper: Mask,
    device: Device,
}

/// The ARKit shapes of all meshes of a rig, joined to one mesh.
struct Joined {
    positions: Vec<[f32; 3]>,
    normals: Vec<[f32; 3]>,
    /// By index of the ARKit shape.
    targets: BTreeMap<usize, (Vec<u32>, Vec<[f32; 3]>)>,
}

impl Joined {
    fn of(rig: &Rig) -> Self {
        let mut joined = Self { positions: Vec::new(), normals: Vec::new(), targets: BTreeMap::new() };
        for mesh in &rig.meshes {
            let first = joined.positions.len() as u32;
            joined.positions.extend(&mesh.positions);
            joined.normals.extend(&mesh.normals);
            // Meshes without a normal for each vertex are measured all the same.
            joined.normals.resize(joined.positions.len(), [0.0, 0.0, 1.0]);
            let names: Vec<String> = mesh.morphs.iter().map(|morph| morph.name.clone()).collect();
            for (morph, name) in mesh.morphs.iter().zip(arkit_spellings(&names)) {
                let Some(shape) = arkit_index(&name) else { continue };
                let (indices, offsets) = joined.targets.entry(shape).or_default();
                indices.extend(morph.indices.iter().map(|index| first + index));
                offsets.extend(&morph.position_offsets);
            }
        }
        joined
    }

    /// Vertices that `shapes` move most: each shape's displacements count as shares of its greatest, their sum over the
    /// shapes has to reach `share` of the greatest sum. What only one of many shapes moves, such as the chin or a cheek,
    /// is not among them.
    fn moved_most_by(&self, shapes: &[&str], share: f32) -> Vec<u32> {
        let mut sums: BTreeMap<u32, f32> = BTreeMap::new();
        for (indices, offsets) in shapes.iter().filter_map(|shape| self.targets.get(&arkit_index(shape)?)) {
            let greatest = offsets.iter().map(length).fold(MOVED_METRES, f32::max);
            for (index, offset) in indices.iter().zip(offsets) {
                *sums.entry(*index).or_default() += length(offset) / greatest;
            }
        }
        let most = sums.values().copied().fold(0.0, f32::max);
        let reaches = |(_, sum): &(&u32, &f32)| most > 0.0 && **sum >= share * most;
        sums.iter().filter(reaches).map(|(index, _)| *index).collect()
    }

    /// Vertices that any shape moves.
    fn moved(&self) -> Vec<u32> {
        let all = self.targets.values().flat_map(|(indices, offsets)| indices.iter().zip(offsets));
        let mut vertices: Vec<u32> =
            all.filter(|(_, offset)| length(offset) >= MOVED_METRES).map(|(index, _)| *index).collect();
        vertices.sort_unstable();
        vertices.dedup();
        vertices
    }
}

fn length(offset: &[f32; 3]) -> f32 {
    offset.iter().map(|value| value * value).sum::<f32>().sqrt()
}

impl Face {
    /// Finds the face, the lips and the upper face of a rig.
    ///
    /// # Errors
    /// When the rig has no ARKit shape, or none that shows its lips or its upper face.
    pub fn new(rig: &Rig) -> Result<Self, FaceError> {
        let joined = Joined::of(rig);
        if joined.targets.is_empty() {
            return Err(FaceError::NoShapes(rig.name.clone()));
        }
        let part = |part: &'static str, shapes: &[&str], share: f32| {
            let vertices = joined.moved_most_by(shapes, share);
            if vertices.is_empty() {
                return Err(FaceError::NoPart { rig: rig.name.clone(), part, shapes: shapes.join(", ") });
            }
            let description = format!(
                "{part}: {} vertices whose displacement, summed over {} each as a share of its greatest, reaches {:.0} % of \
                 the greatest sum",
                vertices.len(),
                shapes.join(", "),
                share * 100.0
            );
            Ok(Mask { vertices, description })
        };
        let lips = part("lips", &LIP_SHAPES, LIP_SHARE)?;
        let mut upper = part("upper face", &UPPER_SHAPES, UPPER_SHARE)?;
        upper.vertices.retain(|vertex| lips.vertices.binary_search(vertex).is_err());
        let vertices = joined.moved();
        let description = format!("face: {} vertices that a shape moves by 0.01 mm or more", vertices.len());
        let whole = Mask { vertices, description };
        let device = Device::flex();
        let regions = regions(&joined, [&whole, &lips, &upper], &device)?;
        Ok(Self { regions, whole, lips, upper, device })
    }

    /// Weights `[frames, 52]` of a motion at the frames of `timing`, for the kernels.
    pub(super) fn weights(
        &self,
        which: &str,
        motion: &Track,
        timing: &Track,
    ) -> Result<Tensor<2>, FaceError> {
        let wrong = |what| FaceError::Motion { which: which.to_owned(), what };
        if motion.frame_count() == 0 {
            return Err(wrong("has no frames; choose one that is not empty"));
        }
        let columns: Vec<Option<usize>> =
            ARKIT_SHAPES.iter().map(|shape| motion.channel_index(shape)).collect();
        if columns.iter().all(Option::is_none) {
            return Err(wrong("has none of the 52 ARKit shapes; retarget it with face.retarget first"));
        }
        if motion.values().iter().any(|value| !value.is_finite()) {
            return Err(wrong("has weights that are not finite; make it again"));
        }
        let rate = timing.rate();
        let mut sampled = vec![0.0; motion.channels().len()];
        let mut values = Vec::with_capacity(timing.frame_count() * columns.len());
        for frame in timing.start_frame()..timing.end_frame() {
            motion.sample_into(rate.secs_of(frame), &mut sampled);
            values.extend(columns.iter().map(|column| column.map_or(0.0, |column| sampled[column])));
        }
        let shape = [timing.frame_count(), columns.len()];
        Ok(Tensor::from_data(TensorData::new(values, shape), &self.device))
    }
}

fn regions(joined: &Joined, masks: [&Mask; 3], device: &Device) -> Result<FaceRegions, FaceError> {
    let none = (Vec::new(), Vec::new());
    let target = |shape: usize| {
        let (indices, offsets) = joined.targets.get(&shape).unwrap_or(&none);
        SparseTarget { indices, position_offsets: offsets, normal_offsets: &[] }
    };
    let targets = (0..ARKIT_SHAPES.len()).map(target).collect();
    let morph = SparseMorph::new(&joined.positions, &joined.normals, targets)?;
    let part = |mask: &Mask| MorphMesh::of_vertices(&morph, &mask.vertices, device);
    Ok(FaceRegions { face: part(masks[0])?, lips: part(masks[1])?, upper: part(masks[2])? })
}
