//! How channels of the face move together under each emotion: means, covariances, correlations, and ridge regression
//! from some channels (a region of the face) to others.
//!
//! Everything follows from moments: with frames `x`, preceded by a 1, and weights `w` of an emotion, `M = Σ_t w_t x_t x_tᵀ`
//! holds the sum of the weights, the weighted sums and the weighted products. The device sums parts of the frames in
//! f32, the processor adds up parts and solves in f64. Moments of windows add up to those of the whole. The regression
//! is that of Hoerl and Kennard, "Ridge regression", Technometrics 1970.

#[cfg(feature = "gpu")]
mod cube;
mod twin;

use crate::KernelError;
use crate::extension::KernelOps;
use crate::linear::solve_symmetric;
use crate::tensors::{numbers, of_f32, tensor_like};
use burn::backend::{Dispatch, Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::Tensor;

#[cfg(feature = "gpu")]
pub(crate) use cube::moments_on_cube;

/// Frames that are summed in f32 before f64 takes over.
const PART_FRAMES: usize = 1024;

/// Weighted sums over frames, for each emotion.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    emotions: usize,
    channels: usize,
    /// `[emotions, 1 + channels, 1 + channels]`, the first row and column belonging to the 1 before the channels.
    sums: Vec<f64>,
}

/// The moments of tracks `[frames, channels]` under weights `[frames, emotions]`.
///
/// # Errors
/// When there are not as many frames of weights as of tracks, or the device fails.
pub fn moments(tracks: Tensor<2>, weights: Tensor<2>) -> Result<Moments, KernelError> {
    let ([frames, channels], [weight_frames, emotions]) = (tracks.dims(), weights.dims());
    if weight_frames != frames {
        let expected = format!("[{frames}, emotions], as many frames as `tracks`");
        return Err(KernelError::Shape { argument: "weights", found: weights.dims().to_vec(), expected });
    }
    let mut sums = vec![0.0; emotions * (1 + channels) * (1 + channels)];
    if frames > 0 && emotions > 0 {
        let weights = weights.cast(tracks.dtype());
        let parts = Dispatch::moment_sums(tracks.into_dispatch(), weights.into_dispatch());
        let parts = crate::devices::read(Tensor::<4>::from_dispatch(parts))?;
        for part in parts.chunks_exact(sums.len()) {
            for (sum, number) in sums.iter_mut().zip(part) {
                *sum += f64::from(*number);
            }
        }
    }
    Ok(Moments { emotions, channels, sums })
}

impl Moments {
    /// Number of emotions.
    pub fn emotions(&self) -> usize {
        self.emotions
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The moments of both, as if their frames were one clip.
    ///
    /// # Errors
    /// When they differ in emotions or channels.
    pub fn plus(mut self, other: &Self) -> Result<Self, KernelError> {
        if [other.emotions, other.channels] != [self.emotions, self.channels] {
            let expected = format!("[{}, {}], emotions and channels", self.emotions, self.channels);
            let found = vec![other.emotions, other.channels];
            return Err(KernelError::Shape { argument: "other", found, expected });
        }
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, other)| *sum += other);
        Ok(self)
    }

    /// The moments of all emotions together, as the only emotion.
    #[must_use]
    pub fn pooled(&self) -> Self {
        let size = (1 + self.channels) * (1 + self.channels);
        let mut sums = vec![0.0; size];
        for own in self.sums.chunks_exact(size) {
            sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
        Self { emotions: 1, channels: self.channels, sums }
    }

    /// Sum of the weights of an emotion.
    ///
    /// # Errors
    /// When there is no such emotion.
    pub fn weight(&self, emotion: usize) -> Result<f64, KernelError> {
        Ok(self.of(emotion)?[0])
    }

    /// Weighted means of the channels: `[channels]`.
    ///
    /// # Errors
    /// When there is no such emotion, or it has no weight.
    pub fn means(&self, emotion: usize) -> Result<Vec<f64>, KernelError> {
        let sums = self.with_weight(emotion)?;
        Ok(sums[1..=self.channels].iter().map(|sum| sum / sums[0]).collect())
    }

    /// Weighted covariances `Σ w (x - mean)(y - mean) / Σ w` of the channels: `[channels, channels]`.
    ///
    /// # Errors
    /// When there is no such emotion, or it has no weight.
    pub fn covariances(&self, emotion: usize) -> Result<Vec<f64>, KernelError> {
        let sums = self.with_weight(emotion)?;
        let means = self.means(emotion)?;
        let rows = sums.chunks_exact(1 + self.channels).skip(1).zip(&means);
        let covariance = |row: &[f64], mean: f64| -> Vec<f64> {
            row[1..].iter().zip(&means).map(|(product, other)| product / sums[0] - mean * other).collect()
        };
        Ok(rows.flat_map(|(row, mean)| covariance(row, *mean)).collect())
    }

    /// Pearson correlations of the channels, 0 with a channel that does not vary: `[channels, channels]`.
    ///
    /// # Errors
    /// When there is no such emotion, or it has no weight.
    pub fn correlations(&self, emotion: usize) -> Result<Vec<f64>, KernelError> {
        let mut covariances = self.covariances(emotion)?;
        let deviations: Vec<f64> = (0..self.channels)
            .map(|channel| covariances[channel * (1 + self.channels)].max(0.0).sqrt())
            .collect();
        for (row, deviation) in covariances.chunks_exact_mut(self.channels.max(1)).zip(&deviations) {
            for (value, other) in row.iter_mut().zip(&deviations) {
                let product = deviation * other;
                *value = if product > 0.0 { (*value / product).clamp(-1.0, 1.0) } else { 0.0 };
            }
        }
        Ok(covariances)
    }

    /// The affine map from the channels `from` to the channels `to` that has the least weighted mean square error plus
    /// `penalty` times the sum of its squared coefficients.
    ///
    /// # Errors
    /// When there is no such emotion or channel, the emotion has no weight, or the penalty is negative or too small for
    /// channels that depend on one another.
    pub fn ridge(
        &self,
        emotion: usize,
        from: &[usize],
        to: &[usize],
        penalty: f64,
    ) -> Result<Ridge, KernelError> {
        let (means, covariances) = (self.means(emotion)?, self.covariances(emotion)?);
        for channel in from.iter().chain(to) {
            let allowed = format!("below {}, the number of channels", self.channels);
            KernelError::unless(*channel < self.channels, "channel", channel, allowed)?;
        }
        KernelError::unless(
            penalty >= 0.0 && penalty.is_finite(),
            "penalty",
            penalty,
            "0 or more and finite",
        )?;
        let covariance = |a: usize, b: usize| covariances[a * self.channels + b];
        let mut system: Vec<f64> =
            from.iter().flat_map(|a| from.iter().map(|b| covariance(*a, *b))).collect();
        system.iter_mut().step_by(from.len() + 1).for_each(|diagonal| *diagonal += penalty);
        let targets = from.iter().flat_map(|a| to.iter().map(|b| covariance(*a, *b))).collect();
        let solution = solve_symmetric(system, targets, from.len(), to.len());
        let solution = solution.ok_or_else(|| KernelError::Setting {
            name: "penalty",
            found: penalty.to_string(),
            allowed: "large enough for channels that depend on one another; 1e-6 usually is".to_owned(),
        })?;
        let mut coefficients = Vec::with_capacity(to.len() * from.len());
        let mut intercepts = Vec::with_capacity(to.len());
        for (column, target) in to.iter().enumerate() {
            let row: Vec<f64> = solution.iter().skip(column).step_by(to.len()).copied().collect();
            let explained: f64 = row.iter().zip(from).map(|(coefficient, a)| coefficient * means[*a]).sum();
            intercepts.push(means[*target] - explained);
            coefficients.extend(row);
        }
        Ok(Ridge { coefficients, intercepts })
    }

    fn of(&self, emotion: usize) -> Result<&[f64], KernelError> {
        let allowed = format!("below {}, the number of emotions", self.emotions);
        KernelError::unless(emotion < self.emotions, "emotion", emotion, allowed)?;
        let size = (1 + self.channels) * (1 + self.channels);
        Ok(&self.sums[emotion * size..][..size])
    }

    fn with_weight(&self, emotion: usize) -> Result<&[f64], KernelError> {
        let sums = self.of(emotion)?;
        KernelError::unless(
            sums[0] > 0.0,
            "emotion",
            emotion,
            "one that some frame has a weight above 0 of",
        )?;
        Ok(sums)
    }
}

/// An affine map between channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Ridge {
    /// `[to, from]`.
    pub coefficients: Vec<f64>,
    /// `[to]`.
    pub intercepts: Vec<f64>,
}

impl Ridge {
    /// The channels `to` that belong to these values of the channels `from`.
    ///
    /// # Errors
    /// When there are not as many values as the map takes.
    pub fn predict(&self, from: &[f64]) -> Result<Vec<f64>, KernelError> {
        if from.len() * self.intercepts.len() != self.coefficients.len() {
            let expected = format!("[{}]", self.coefficients.len() / self.intercepts.len().max(1));
            return Err(KernelError::Shape { argument: "from", found: vec![from.len()], expected });
        }
        let products = |to: usize| -> f64 {
            let row = &self.coefficients[to * from.len()..][..from.len()];
            row.iter().zip(from).map(|(coefficient, value)| coefficient * value).sum()
        };
        Ok(self.intercepts.iter().enumerate().map(|(to, intercept)| intercept + products(to)).collect())
    }
}

pub(crate) fn moments_on_flex(tracks: FloatTensor<Flex>, weights: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let (shape, emotions) = (tracks.shape(), weights.shape()[1]);
    let [tracks, weights] = [&tracks, &weights].map(of_f32);
    let sums = twin::moment_sums(numbers(&tracks), numbers(&weights), shape[1], emotions);
    let (parts, side) = (shape[0].div_ceil(PART_FRAMES), 1 + shape[1]);
    // Sums stay in f32, whatever the type of the tracks is.
    tensor_like(&tracks, [parts, emotions, side, side], sums)
}
