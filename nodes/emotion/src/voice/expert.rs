//! Kernel ridge regression from feature vectors to class scores.
//!
//! Features are standardised and clamped; features whose mean differs between speakers of the same emotion are
//! weighted down, so that the judgement rests on what speakers have in common. The standardised training vectors are
//! kept in 8 bits, and fitting sees them as they are kept.

use super::VoiceError;
use esarm_kernels::linear::solve_symmetric;

/// Standardised features are clamped to this many deviations.
const CLAMP: f32 = 3.0;
/// Steps of a kept feature per deviation.
const STEPS: f32 = 127.0 / CLAMP;

/// Largest factor of a whole-number product: with steps of up to 127, sums of 4,000 features stay within 32 bits.
const MAX_FACTOR: f32 = 4095.0;

/// How an expert compares vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kernel {
    /// `exp(-sharpness * mean squared difference)`.
    Gaussian {
        /// How fast likeness falls.
        sharpness: f32,
    },
    /// Mean product plus 1.
    Linear,
}

/// What to fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExpertSettings {
    /// How vectors are compared.
    pub(crate) kernel: Kernel,
    /// Ridge added to the kernel matrix.
    pub(crate) ridge: f64,
    /// How strongly differences between speakers weigh a feature down.
    pub(crate) speaker_penalty: f32,
}

/// A vector to fit, with its class and speaker.
#[derive(Clone, Copy)]
pub(crate) struct Sample<'a> {
    pub(crate) features: &'a [f32],
    pub(crate) class: usize,
    pub(crate) speaker: usize,
}

/// A fitted regression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expert {
    pub(crate) kernel: Kernel,
    /// Mean of each feature.
    pub(crate) means: Vec<f32>,
    /// Reciprocal deviation of each feature.
    pub(crate) scales: Vec<f32>,
    /// Weight of each feature in a comparison.
    pub(crate) weights: Vec<f32>,
    /// Kept vectors `[vectors, features]`; none for [`Kernel::Linear`].
    pub(crate) vectors: Vec<i8>,
    /// Coefficients `[vectors, classes]`; for [`Kernel::Linear`] the weights and bias `[features + 1, classes]`.
    pub(crate) coefficients: Vec<f32>,
    /// Number of classes.
    pub(crate) classes: usize,
    /// Squared lengths of the weighted kept vectors, see [`Expert::prepared`].
    pub(crate) norms: Vec<f32>,
}

impl Expert {
    /// Fits the class scores (1 for the right class, `-1 / (classes - 1)` for others) with equal total weight for
    /// every class.
    pub(crate) fn fit(
        samples: &[Sample<'_>],
        classes: usize,
        settings: &ExpertSettings,
    ) -> Result<Self, VoiceError> {
        let width = samples.first().map_or(0, |sample| sample.features.len());
        let (means, scales) = moments(samples, width);
        let mut expert = Self {
            kernel: settings.kernel,
            means,
            scales,
            weights: vec![1.0; width],
            vectors: Vec::with_capacity(samples.len() * width),
            coefficients: Vec::new(),
            classes,
            norms: Vec::new(),
        };
        for sample in samples {
            let kept = expert.standardised(sample.features);
            expert.vectors.extend(kept.iter().map(|value| (value * STEPS).round() as i8));
        }
        expert.weights = expert.feature_weights(samples, settings.speaker_penalty);
        expert.coefficients = expert.solve(samples, settings.ridge)?;
        if expert.kernel == Kernel::Linear {
            expert.collapse();
        }
        Ok(expert.prepared())
    }

    /// Sums the kept vectors of a linear expert up into one weight per feature and class.
    fn collapse(&mut self) {
        let width = self.means.len();
        let mut weights = vec![0.0_f32; (width + 1) * self.classes];
        let rows = self.vectors.chunks_exact(width).zip(self.coefficients.chunks_exact(self.classes));
        for (row, coefficients) in rows {
            let steps = row.iter().zip(&self.weights).map(|(step, weight)| f32::from(*step) * weight / STEPS);
            let factors = steps.map(|value| value / width as f32).chain([1.0]);
            for (slots, factor) in weights.chunks_exact_mut(self.classes).zip(factors) {
                slots
                    .iter_mut()
                    .zip(coefficients)
                    .for_each(|(slot, coefficient)| *slot += factor * coefficient);
            }
        }
        self.coefficients = weights;
        self.vectors = Vec::new();
    }

    /// The class scores of a feature vector: `[classes]`.
    pub(crate) fn scores(&self, features: &[f32]) -> Vec<f32> {
        let mut vector = self.standardised(features);
        vector.iter_mut().zip(&self.weights).for_each(|(value, weight)| *value *= weight);
        let likenesses: Vec<f32> = match self.kernel {
            Kernel::Linear => vector.into_iter().chain([1.0]).collect(),
            Kernel::Gaussian { sharpness } => self.likenesses(&vector, sharpness),
        };
        let mut scores = vec![0.0; self.classes];
        for (likeness, coefficients) in likenesses.iter().zip(self.coefficients.chunks_exact(self.classes)) {
            scores
                .iter_mut()
                .zip(coefficients)
                .for_each(|(score, coefficient)| *score += likeness * coefficient);
        }
        scores
    }

    /// `exp(-sharpness * mean squared difference)` to every kept vector, from
    /// `|a - b|² = |a|² + |b|² - 2 a·b` with the inner product in whole numbers.
    fn likenesses(&self, vector: &[f32], sharpness: f32) -> Vec<f32> {
        let width = vector.len() as f32;
        let own: f32 = vector.iter().map(|value| value * value).sum();
        let onto_steps: Vec<f32> =
            vector.iter().zip(&self.weights).map(|(value, weight)| value * weight / STEPS).collect();
        let largest = onto_steps.iter().fold(1e-12_f32, |largest, value| largest.max(value.abs()));
        let scale = MAX_FACTOR / largest;
        let factors: Vec<i16> = onto_steps.iter().map(|value| (value * scale).round() as i16).collect();
        let rows = self.vectors.chunks_exact(vector.len());
        rows.zip(&self.norms)
            .map(|(row, norm)| {
                let product = whole_product(&factors, row) as f32 / scale;
                (-sharpness * (own + norm - 2.0 * product).max(0.0) / width).exp()
            })
            .collect()
    }

    /// Prepares comparisons; called once the kept vectors and weights are there.
    pub(crate) fn prepared(mut self) -> Self {
        let length = |row: &[i8]| {
            let weighted =
                row.iter().zip(&self.weights).map(|(step, weight)| f32::from(*step) * weight / STEPS);
            weighted.map(|value| value * value).sum()
        };
        self.norms = self.vectors.chunks_exact(self.means.len().max(1)).map(length).collect();
        self
    }

    fn standardised(&self, features: &[f32]) -> Vec<f32> {
        let constants = self.means.iter().zip(&self.scales);
        let standard =
            |(value, (mean, scale)): (&f32, (&f32, &f32))| ((value - mean) * scale).clamp(-CLAMP, CLAMP);
        features.iter().zip(constants).map(standard).collect()
    }

    /// Likeness of a weighted vector and a kept one.
    fn likeness(&self, vector: &[f32], kept: &[i8], step_weights: &[f32]) -> f32 {
        let width = vector.len() as f32;
        match self.kernel {
            Kernel::Gaussian { sharpness } => {
                let distance =
                    lane_sum(vector, kept, step_weights, |value, kept| (value - kept) * (value - kept));
                (-sharpness * distance / width).exp()
            }
            Kernel::Linear => 1.0 + lane_sum(vector, kept, step_weights, |value, kept| value * kept) / width,
        }
    }

    /// `1 / (1 + penalty * variance over speakers of their mean offset from the class means)`, scaled so that the
    /// weighted training vectors have a mean square of 1.
    fn feature_weights(&self, samples: &[Sample<'_>], penalty: f32) -> Vec<f32> {
        let width = self.means.len();
        let kept = |row: usize, column: usize| f32::from(self.vectors[row * width + column]) / STEPS;
        let speakers = samples.iter().map(|sample| sample.speaker + 1).max().unwrap_or(0);
        let mut square_sum = 0.0_f64;
        let mut weights: Vec<f32> = (0..width)
            .map(|column| {
                let class_means =
                    group_means(samples, self.classes, |row, sample| (sample.class, kept(row, column)));
                let offsets = group_means(samples, speakers, |row, sample| {
                    (sample.speaker, kept(row, column) - class_means[sample.class].unwrap_or_default())
                });
                let offsets: Vec<f32> = offsets.into_iter().flatten().collect();
                let variance =
                    offsets.iter().map(|offset| offset * offset).sum::<f32>() / offsets.len().max(1) as f32;
                let weight = 1.0 / (1.0 + penalty * variance);
                square_sum +=
                    (0..samples.len()).map(|row| f64::from(weight * kept(row, column)).powi(2)).sum::<f64>();
                weight
            })
            .collect();
        let root_mean_square = (square_sum / (samples.len() * width).max(1) as f64).sqrt().max(1e-12) as f32;
        weights.iter_mut().for_each(|weight| *weight /= root_mean_square);
        weights
    }

    fn solve(&self, samples: &[Sample<'_>], ridge: f64) -> Result<Vec<f32>, VoiceError> {
        let (count, width) = (samples.len(), self.means.len());
        let step_weights: Vec<f32> = self.weights.iter().map(|weight| weight / STEPS).collect();
        let class_sizes =
            (0..self.classes).map(|class| samples.iter().filter(|it| it.class == class).count());
        let class_sizes: Vec<f64> = class_sizes.map(|size| size.max(1) as f64).collect();
        let mut matrix = vec![0.0; count * count];
        for row in 0..count {
            let kept = &self.vectors[row * width..][..width];
            let vector: Vec<f32> =
                kept.iter().zip(&step_weights).map(|(step, weight)| f32::from(*step) * weight).collect();
            for column in 0..=row {
                let other = &self.vectors[column * width..][..width];
                matrix[row * count + column] = f64::from(self.likeness(&vector, other, &step_weights));
            }
            let balance = class_sizes[samples[row].class] * self.classes as f64 / count as f64;
            matrix[row * count + row] += ridge * balance;
        }
        let wrong = -1.0 / (self.classes as f64 - 1.0);
        let target = |sample: &Sample<'_>, class: usize| if sample.class == class { 1.0 } else { wrong };
        let targets =
            samples.iter().flat_map(|sample| (0..self.classes).map(move |class| target(sample, class)));
        let solution = solve_symmetric(matrix, targets.collect(), count, self.classes);
        let solution =
            solution.ok_or(VoiceError::Training("the kernel matrix is singular: raise the ridge".into()))?;
        Ok(solution.iter().map(|value| *value as f32).collect())
    }
}

/// Mean and reciprocal deviation of each feature.
fn moments(samples: &[Sample<'_>], width: usize) -> (Vec<f32>, Vec<f32>) {
    let count = samples.len().max(1) as f64;
    (0..width)
        .map(|column| {
            let values = samples.iter().map(|sample| f64::from(sample.features[column]));
            let mean = values.clone().sum::<f64>() / count;
            let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            let scale = if variance > 1e-12 { 1.0 / variance.sqrt() } else { 0.0 };
            (mean as f32, scale as f32)
        })
        .unzip()
}

/// Mean of the values of each group; `None` for groups without one.
fn group_means(
    samples: &[Sample<'_>],
    groups: usize,
    entry: impl Fn(usize, &Sample<'_>) -> (usize, f32),
) -> Vec<Option<f32>> {
    let mut sums = vec![(0.0, 0.0); groups];
    for (row, sample) in samples.iter().enumerate() {
        let (group, value) = entry(row, sample);
        sums[group].0 += value;
        sums[group].1 += 1.0;
    }
    sums.iter().map(|(sum, count)| (*count > 0.0).then(|| sum / count)).collect()
}

/// The sum of `term(value, kept)`, in eight lanes so that it can be vectorised and is the same on every machine.
fn lane_sum(vector: &[f32], kept: &[i8], step_weights: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let blocks = vector.chunks(8).zip(kept.chunks(8)).zip(step_weights.chunks(8));
    for ((vector, kept), weights) in blocks {
        for (lane, ((value, step), weight)) in lanes.iter_mut().zip(vector.iter().zip(kept).zip(weights)) {
            *lane += term(*value, f32::from(*step) * weight);
        }
    }
    lanes.iter().sum()
}

/// The inner product in whole numbers, exact for up to 4,000 factors within [`MAX_FACTOR`], which cannot overflow;
/// arithmetic that need not check for it can be vectorised in every profile.
fn whole_product(factors: &[i16], steps: &[i8]) -> i32 {
    let products =
        factors.iter().zip(steps).map(|(factor, step)| i32::from(*factor).wrapping_mul(i32::from(*step)));
    products.fold(0, i32::wrapping_add)
}
