//! What a training changes: named arrays of numbers.

/// One array.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Name, such as `content.stem.weight`; unique among the parameters of a task.
    pub name: String,
    /// Sizes of its axes.
    pub shape: Vec<usize>,
    /// The numbers, the last axis fastest.
    pub values: Vec<f32>,
}

/// The arrays of a task, always in the same order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters(pub Vec<Parameter>);

impl Parameters {
    /// Adds an array.
    pub fn push(&mut self, name: impl Into<String>, shape: &[usize], values: Vec<f32>) {
        self.0.push(Parameter { name: name.into(), shape: shape.to_vec(), values });
    }

    /// The array of a name.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.0.iter().find(|parameter| parameter.name == name)
    }

    /// Arrays of the same names and shapes, all 0.
    #[must_use]
    pub fn zeros_like(&self) -> Self {
        let zeros = |parameter: &Parameter| Parameter {
            values: vec![0.0; parameter.values.len()],
            ..parameter.clone()
        };
        Self(self.0.iter().map(zeros).collect())
    }

    /// Moves every number by `share` of the way to that of `other`.
    pub(super) fn blend(&mut self, other: &Self, share: f32) {
        for (mean, new) in self.0.iter_mut().zip(&other.0) {
            mean.values.iter_mut().zip(&new.values).for_each(|(mean, new)| *mean += share * (new - *mean));
        }
    }

    /// Square root of the sum of all squares.
    pub(super) fn norm(&self) -> f64 {
        let squares =
            |parameter: &Parameter| parameter.values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
        self.0.iter().map(squares).sum::<f64>().sqrt()
    }

    /// Name of the first array that holds a number that is not finite.
    pub(super) fn not_finite(&self) -> Option<&str> {
        let broken = |parameter: &&Parameter| !parameter.values.iter().all(|value| value.is_finite());
        self.0.iter().find(broken).map(|parameter| parameter.name.as_str())
    }
}
