//! The figures of the metrics, from what the kernels measured.

use burn::tensor::Tensor;

/// How far the vertices of a region are apart, frame by frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegionErrors {
    /// Mean distance of each frame, mm.
    pub distances_mm: Vec<f32>,
    /// Mean squared distance of each frame, mm².
    pub squares_mm2: Vec<f32>,
    /// Greatest squared distance of each frame, mm².
    pub greatest_squares_mm2: Vec<f32>,
}

impl RegionErrors {
    pub(super) fn at_rest(frames: usize) -> Self {
        let zeros = vec![0.0; frames];
        Self { distances_mm: zeros.clone(), squares_mm2: zeros.clone(), greatest_squares_mm2: zeros }
    }

    /// Of `[frames, 3]`.
    pub(super) fn of(distances: &Tensor<2>) -> Self {
        let values: Vec<f32> = distances.clone().into_data().iter::<f32>().collect();
        let column = |column: usize| values.iter().skip(column).step_by(3).copied().collect();
        Self { distances_mm: column(0), squares_mm2: column(1), greatest_squares_mm2: column(2) }
    }

    /// Mean distance over frames and vertices, mm; 0 without frames.
    pub fn mean_mm(&self) -> f64 {
        mean(self.distances_mm.iter().copied().map(f64::from))
    }

    /// Mean over frames of the greatest squared distance, mm².
    pub fn greatest_mm2(&self) -> f64 {
        mean(self.greatest_squares_mm2.iter().copied().map(f64::from))
    }

    /// Mean over frames of the greatest distance, mm.
    pub fn greatest_mm(&self) -> f64 {
        mean(self.greatest_squares_mm2.iter().map(|square| f64::from(*square).sqrt()))
    }

    /// Mean over frames and vertices of the squared distance, mm².
    pub fn mean_mm2(&self) -> f64 {
        mean(self.squares_mm2.iter().copied().map(f64::from))
    }

    /// The errors of this window and of the one that follows it.
    #[must_use]
    pub fn joined(mut self, next: &Self) -> Self {
        self.distances_mm.extend(&next.distances_mm);
        self.squares_mm2.extend(&next.squares_mm2);
        self.greatest_squares_mm2.extend(&next.greatest_squares_mm2);
        self
    }
}

/// How the squared displacement of every vertex of a region is spread over frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Movement {
    /// Number of frames.
    pub frames: usize,
    /// Mean of each vertex, mm².
    pub means_mm2: Vec<f64>,
    /// Population variance of each vertex, mm⁴.
    pub variances_mm4: Vec<f64>,
}

impl Movement {
    /// Of `[vertices, 2]`: mean and variance.
    pub(super) fn of(frames: usize, energies: &Tensor<2>) -> Self {
        let values: Vec<f64> = energies.clone().into_data().iter::<f64>().collect();
        let column = |column: usize| values.iter().skip(column).step_by(2).copied().collect();
        Self { frames, means_mm2: column(0), variances_mm4: column(1) }
    }

    /// The movement over the frames of both windows (Chan, Golub and `LeVeque` 1979).
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        let frames = self.frames + other.frames;
        let share = if frames == 0 { 0.0 } else { other.frames as f64 / frames as f64 };
        let ours = self.means_mm2.iter().zip(&self.variances_mm4);
        let theirs = other.means_mm2.iter().zip(&other.variances_mm4);
        let join = |((mean, variance), (other_mean, other_variance)): ((&f64, &f64), (&f64, &f64))| {
            let apart = other_mean - mean;
            let spread = variance * (1.0 - share) + other_variance * share;
            (mean + apart * share, spread + apart * apart * share * (1.0 - share))
        };
        let (means_mm2, variances_mm4) = ours.zip(theirs).map(join).unzip();
        Self { frames, means_mm2, variances_mm4 }
    }
}

/// Errors of a motion against a reference.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VertexErrors {
    /// Over the whole face.
    pub face: RegionErrors,
    /// Over the lips.
    pub lips: RegionErrors,
    /// Over the upper face.
    pub upper: RegionErrors,
    /// Movement of the upper face of the motion.
    pub motion: Movement,
    /// Movement of the upper face of the reference.
    pub reference: Movement,
}

impl VertexErrors {
    /// Mean vertex error, mm.
    pub fn mve_mm(&self) -> f64 {
        self.face.mean_mm()
    }

    /// Lip vertex error: mean over frames of the greatest squared distance, mm².
    pub fn lve_mm2(&self) -> f64 {
        self.lips.greatest_mm2()
    }

    /// Lip vertex error by distances in place of their squares, mm.
    pub fn lve_norm_mm(&self) -> f64 {
        self.lips.greatest_mm()
    }

    /// Lip vertex error by the mean in place of the greatest, mm².
    pub fn lve_mean_mm2(&self) -> f64 {
        self.lips.mean_mm2()
    }

    /// Upper-face vertex error: mean over frames of the greatest squared distance, mm².
    pub fn eve_mm2(&self) -> f64 {
        self.upper.greatest_mm2()
    }

    /// Upper-face vertex error by distances in place of their squares, mm.
    pub fn eve_norm_mm(&self) -> f64 {
        self.upper.greatest_mm()
    }

    /// Upper-face dynamics deviation, mm²: positive when the motion moves less than the reference.
    pub fn fdd_mm2(&self) -> f64 {
        let deviations = |movement: &Movement| mean(movement.variances_mm4.iter().map(|v| v.max(0.0).sqrt()));
        deviations(&self.reference) - deviations(&self.motion)
    }

    /// The errors of this window and of the one that follows it.
    #[must_use]
    pub fn joined(self, next: &Self) -> Self {
        Self {
            face: self.face.joined(&next.face),
            lips: self.lips.joined(&next.lips),
            upper: self.upper.joined(&next.upper),
            motion: self.motion.joined(&next.motion),
            reference: self.reference.joined(&next.reference),
        }
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len();
    if count == 0 { 0.0 } else { values.sum::<f64>() / count as f64 }
}
