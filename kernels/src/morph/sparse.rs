//! Deformation target by target: every target names the vertices that it moves, so a frame costs as much as the moved
//! vertices, not targets times vertices. Weights are taken as they are: they may be negative or above 1.

use rayon::prelude::*;

/// A sparse morph target, borrowed.
#[derive(Clone, Copy, Debug, Default)]
pub struct SparseTarget<'a> {
    /// Moved vertices.
    pub indices: &'a [u32],
    /// Offset of each moved vertex at weight 1, one per index.
    pub position_offsets: &'a [[f32; 3]],
    /// Offset of each moved vertex's normal at weight 1, one per index, or none.
    pub normal_offsets: &'a [[f32; 3]],
}

/// A base mesh with its targets, checked once so that evaluation cannot fail.
#[derive(Clone, Debug)]
pub struct SparseMorph<'a> {
    pub(super) positions: &'a [[f32; 3]],
    pub(super) normals: &'a [[f32; 3]],
    pub(super) targets: Vec<SparseTarget<'a>>,
}

/// One deformed frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeformedFrame {
    /// Vertex positions.
    pub positions: Vec<[f32; 3]>,
    /// Unit vertex normals.
    pub normals: Vec<[f32; 3]>,
}

/// Why a base mesh and its targets do not fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MorphError {
    /// There is not one normal per position.
    Normals {
        /// Positions given.
        positions: usize,
        /// Normals given.
        normals: usize,
    },
    /// A target's offsets are not one per index.
    Offsets {
        /// Position of the target in the list.
        target: usize,
        /// Indices given.
        indices: usize,
        /// Offsets given.
        offsets: usize,
    },
    /// A target moves a vertex that the mesh does not have.
    Index {
        /// Position of the target in the list.
        target: usize,
        /// The vertex asked for.
        index: u32,
        /// Vertices in the mesh.
        vertices: usize,
    },
    /// A vertex that was asked for is not in the mesh.
    Vertex {
        /// The vertex asked for.
        index: u32,
        /// Vertices in the mesh.
        vertices: usize,
    },
    /// Weights do not fill whole frames.
    Weights {
        /// Weights given.
        weights: usize,
        /// Targets in the mesh.
        targets: usize,
    },
}

impl std::fmt::Display for MorphError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Normals { positions, normals } => {
                write!(
                    f,
                    "the mesh has {positions} positions but {normals} normals; give one normal per position"
                )
            }
            Self::Offsets { target, indices, offsets } => {
                write!(
                    f,
                    "morph target {target} has {indices} indices but {offsets} offsets; give one per index"
                )
            }
            Self::Index { target, index, vertices } => {
                write!(f, "morph target {target} moves vertex {index}, but the mesh has {vertices} vertices")
            }
            Self::Vertex { index, vertices } => {
                write!(f, "vertex {index} is asked for, but the mesh has {vertices} vertices")
            }
            Self::Weights { weights, targets } => {
                write!(f, "{weights} weights do not fill whole frames of {targets} targets")
            }
        }
    }
}

impl std::error::Error for MorphError {}

impl<'a> SparseMorph<'a> {
    /// Checks a base mesh and its targets: one normal per position, offsets one per index, every index in range.
    ///
    /// # Errors
    /// [`MorphError`] names the first target that does not fit.
    pub fn new(
        positions: &'a [[f32; 3]],
        normals: &'a [[f32; 3]],
        targets: Vec<SparseTarget<'a>>,
    ) -> Result<Self, MorphError> {
        if positions.len() != normals.len() {
            return Err(MorphError::Normals { positions: positions.len(), normals: normals.len() });
        }
        for (position, target) in targets.iter().enumerate() {
            check_target(position, target, positions.len())?;
        }
        Ok(Self { positions, normals, targets })
    }

    /// Number of targets, which is the number of weights of a frame.
    pub fn target_count(&self) -> usize {
        self.targets.len()
    }

    /// Deforms one frame into `frame`, reusing its memory. `weights`: one per target.
    ///
    /// # Errors
    /// [`MorphError::Weights`] when there is not one weight per target.
    pub fn deform_into(&self, weights: &[f32], frame: &mut DeformedFrame) -> Result<(), MorphError> {
        if weights.len() != self.targets.len() {
            return Err(MorphError::Weights { weights: weights.len(), targets: self.targets.len() });
        }
        self.apply(weights, frame);
        Ok(())
    }

    /// Deforms many frames at once, one per core at a time. `weights`: `[frames, targets]`, frame-major.
    ///
    /// # Errors
    /// [`MorphError::Weights`] when the weights do not fill whole frames.
    pub fn deform_frames(&self, weights: &[f32]) -> Result<Vec<DeformedFrame>, MorphError> {
        let width = self.targets.len();
        if width == 0 || !weights.len().is_multiple_of(width) {
            return Err(MorphError::Weights { weights: weights.len(), targets: width });
        }
        let deform = |frame_weights: &[f32]| {
            let mut frame = DeformedFrame::default();
            self.apply(frame_weights, &mut frame);
            frame
        };
        Ok(weights.par_chunks(width).map(deform).collect())
    }

    fn apply(&self, weights: &[f32], frame: &mut DeformedFrame) {
        frame.positions.clear();
        frame.positions.extend_from_slice(self.positions);
        frame.normals.clear();
        frame.normals.extend_from_slice(self.normals);
        for (target, &weight) in self.targets.iter().zip(weights) {
            if weight != 0.0 {
                add_scaled(&mut frame.positions, target.indices, target.position_offsets, weight);
                add_scaled(&mut frame.normals, target.indices, target.normal_offsets, weight);
            }
        }
        frame.normals.iter_mut().for_each(normalise);
    }
}

fn check_target(position: usize, target: &SparseTarget<'_>, vertices: usize) -> Result<(), MorphError> {
    let indices = target.indices.len();
    let wrong_length = |offsets: usize| MorphError::Offsets { target: position, indices, offsets };
    if target.position_offsets.len() != indices {
        return Err(wrong_length(target.position_offsets.len()));
    }
    if !target.normal_offsets.is_empty() && target.normal_offsets.len() != indices {
        return Err(wrong_length(target.normal_offsets.len()));
    }
    match target.indices.iter().find(|index| **index as usize >= vertices) {
        Some(&index) => Err(MorphError::Index { target: position, index, vertices }),
        None => Ok(()),
    }
}

fn add_scaled(values: &mut [[f32; 3]], indices: &[u32], offsets: &[[f32; 3]], weight: f32) {
    for (&index, offset) in indices.iter().zip(offsets) {
        let value = &mut values[index as usize];
        for axis in 0..3 {
            value[axis] += weight * offset[axis];
        }
    }
}

/// Scales a normal to length 1; one that the offsets cancelled out is left as it is.
fn normalise(normal: &mut [f32; 3]) {
    let length = normal.iter().map(|axis| axis * axis).sum::<f32>().sqrt();
    if length > 1e-12 {
        normal.iter_mut().for_each(|axis| *axis /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSITIONS: [[f32; 3]; 3] = [[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
    const NORMALS: [[f32; 3]; 3] = [[0.0, 0.0, 1.0]; 3];

    fn lift() -> SparseTarget<'static> {
        SparseTarget {
            indices: &[1, 2],
            position_offsets: &[[0.0, 0.0, 1.0], [0.0, 0.0, 2.0]],
            normal_offsets: &[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        }
    }

    fn spread() -> SparseTarget<'static> {
        SparseTarget { indices: &[2], position_offsets: &[[4.0, 0.0, 0.0]], normal_offsets: &[] }
    }

    #[test]
    fn offsets_add_up_and_untouched_vertices_stay() {
        let morph = SparseMorph::new(&POSITIONS, &NORMALS, vec![lift(), spread()]).unwrap();
        let mut frame = DeformedFrame::default();
        morph.deform_into(&[0.5, 0.25], &mut frame).unwrap();
        assert_eq!(frame.positions, [[0.0; 3], [1.0, 0.0, 0.5], [1.0, 1.0, 1.0]]);
        assert_eq!(frame.normals[0], NORMALS[0]);
        let length: f32 = frame.normals[1].iter().map(|axis| axis * axis).sum();
        assert!((length - 1.0).abs() < 1e-6);
        assert!((frame.normals[1][0] / frame.normals[1][2] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn many_frames_equal_single_frames() {
        let morph = SparseMorph::new(&POSITIONS, &NORMALS, vec![lift(), spread()]).unwrap();
        let weights = [0.0, 0.0, 1.0, -0.5, 0.3, 2.0];
        let frames = morph.deform_frames(&weights).unwrap();
        assert_eq!(frames.len(), 3);
        for (frame, weights) in frames.iter().zip(weights.chunks(2)) {
            let mut single = DeformedFrame::default();
            morph.deform_into(weights, &mut single).unwrap();
            assert_eq!(frame, &single);
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let bad = |target| SparseMorph::new(&POSITIONS, &NORMALS, vec![lift(), target]).unwrap_err();
        let outside = SparseTarget { indices: &[3], position_offsets: &[[0.0; 3]], normal_offsets: &[] };
        assert_eq!(bad(outside), MorphError::Index { target: 1, index: 3, vertices: 3 });
        let short = SparseTarget { indices: &[0, 1], position_offsets: &[[0.0; 3]], normal_offsets: &[] };
        assert_eq!(bad(short), MorphError::Offsets { target: 1, indices: 2, offsets: 1 });
        let normals = SparseMorph::new(&POSITIONS, &NORMALS[..2], vec![]).unwrap_err();
        assert_eq!(normals, MorphError::Normals { positions: 3, normals: 2 });
        let morph = SparseMorph::new(&POSITIONS, &NORMALS, vec![lift()]).unwrap();
        assert_eq!(morph.deform_frames(&[]).unwrap(), vec![]);
        let two = SparseMorph::new(&POSITIONS, &NORMALS, vec![lift(), spread()]).unwrap();
        assert_eq!(two.deform_frames(&[1.0; 3]).unwrap_err(), MorphError::Weights { weights: 3, targets: 2 });
    }
}
