//! Fréchet's distance of the frames of two motions as normal distributions (Dowson and Landau, 1982), which the field
//! uses on features of an encoder (Heusel et al., 2017). Here it is of the weights themselves.

/// Rotations stop once what is off the diagonal is this share of the whole.
const SMALL: f64 = 1e-12;
const MOST_SWEEPS: usize = 60;

/// `||m - n||^2 + Tr(S + T - 2 (S T)^(1/2))` of two sets of columns, each a channel over time; `None` without frames.
/// Both have the same channels, but may have other lengths.
pub(crate) fn frechet_distance(a: &[&[f64]], b: &[&[f64]]) -> Option<f64> {
    if a.is_empty() || a.iter().chain(b).any(|column| column.is_empty()) {
        return None;
    }
    let means =
        |columns: &[&[f64]]| -> Vec<f64> { columns.iter().map(|it| crate::signal::mean(it)).collect() };
    let (mean_a, mean_b) = (means(a), means(b));
    let apart: f64 = mean_a.iter().zip(&mean_b).map(|(a, b)| (a - b).powi(2)).sum();
    let (covariance_a, covariance_b) = (covariance(a, &mean_a), covariance(b, &mean_b));
    let root = square_root(&covariance_a);
    let product = root.times(&covariance_b).times(&root);
    let common: f64 = product.eigen().0.iter().map(|value| value.max(0.0).sqrt()).sum();
    Some((apart + covariance_a.trace() + covariance_b.trace() - 2.0 * common).max(0.0))
}

/// A square matrix, row by row.
#[derive(Clone, Debug)]
struct Matrix {
    size: usize,
    values: Vec<f64>,
}

impl Matrix {
    fn of(size: usize, value: impl Fn(usize, usize) -> f64) -> Self {
        let values = (0..size * size).map(|at| value(at / size, at % size)).collect();
        Self { size, values }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.size + column]
    }

    fn times(&self, other: &Self) -> Self {
        Self::of(self.size, |row, column| {
            (0..self.size).map(|index| self.at(row, index) * other.at(index, column)).sum()
        })
    }

    fn trace(&self) -> f64 {
        (0..self.size).map(|index| self.at(index, index)).sum()
    }

    /// Eigenvalues and eigenvectors (columns) of a symmetric matrix, by Jacobi's rotations (Golub and Van Loan,
    /// "Matrix computations", 8.5).
    fn eigen(&self) -> (Vec<f64>, Self) {
        let size = self.size;
        let mut matrix = self.clone();
        let mut vectors = Self::of(size, |row, column| if row == column { 1.0 } else { 0.0 });
        let whole: f64 = matrix.values.iter().map(|value| value * value).sum();
        for _ in 0..MOST_SWEEPS {
            let off: f64 = (0..size * size)
                .filter(|at| at / size != at % size)
                .map(|at| matrix.values[at] * matrix.values[at])
                .sum();
            if off <= SMALL * SMALL * whole {
                break;
            }
            for first in 0..size {
                for second in first + 1..size {
                    matrix.rotate(&mut vectors, first, second);
                }
            }
        }
        ((0..size).map(|index| matrix.at(index, index)).collect(), vectors)
    }

    /// Turns two axes so that what couples them vanishes.
    fn rotate(&mut self, vectors: &mut Self, first: usize, second: usize) {
        let coupling = self.at(first, second);
        if coupling == 0.0 {
            return;
        }
        let ratio = (self.at(second, second) - self.at(first, first)) / (2.0 * coupling);
        let tangent = ratio.signum() / (ratio.abs() + (ratio * ratio + 1.0).sqrt());
        let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
        let sine = tangent * cosine;
        let size = self.size;
        let turn = |values: &mut Vec<f64>, a: usize, b: usize| {
            let (old_a, old_b) = (values[a], values[b]);
            values[a] = cosine * old_a - sine * old_b;
            values[b] = sine * old_a + cosine * old_b;
        };
        for index in 0..size {
            turn(&mut self.values, index * size + first, index * size + second);
            turn(&mut vectors.values, index * size + first, index * size + second);
        }
        for index in 0..size {
            turn(&mut self.values, first * size + index, second * size + index);
        }
    }
}

fn covariance(columns: &[&[f64]], means: &[f64]) -> Matrix {
    Matrix::of(columns.len(), |a, b| {
        let products = columns[a].iter().zip(columns[b]);
        let sum: f64 = products.map(|(x, y)| (x - means[a]) * (y - means[b])).sum();
        sum / columns[a].len() as f64
    })
}

/// The symmetric square root of a symmetric matrix without negative eigenvalues.
fn square_root(matrix: &Matrix) -> Matrix {
    let (values, vectors) = matrix.eigen();
    Matrix::of(matrix.size, |row, column| {
        let part =
            |index: usize| vectors.at(row, index) * values[index].max(0.0).sqrt() * vectors.at(column, index);
        (0..matrix.size).map(part).sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_kernels::random::Random;

    /// Two channels that vary together.
    fn columns(scale: f64, shift: f64) -> Vec<Vec<f64>> {
        let random = Random::new(5, 0);
        let normal = |n: u64| f64::from(random.normal(n));
        let a: Vec<f64> = (0..400).map(|n| shift + scale * normal(n)).collect();
        let b = (0..400).map(|n| scale * (0.6 * normal(n) + 0.8 * normal(1000 + n))).collect();
        vec![a, b]
    }

    fn distance(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let [a, b] = [a, b].map(|columns| columns.iter().map(Vec::as_slice).collect::<Vec<&[f64]>>());
        frechet_distance(&a, &b).unwrap()
    }

    #[test]
    fn distances_are_those_computed_by_hand() {
        let own = columns(1.0, 0.0);
        assert!(distance(&own, &own) < 1e-9);
        // Only the mean differs.
        assert!((distance(&own, &columns(1.0, 3.0)) - 9.0).abs() < 1e-9);
        // Twice the spread: Tr(S + 4 S - 4 S) = Tr(S).
        let spread: f64 = own.iter().map(|it| crate::signal::standard_deviation(it).powi(2)).sum();
        let twice = distance(&own, &columns(2.0, 0.0));
        let mean_apart: f64 = own.iter().map(|it| crate::signal::mean(it).powi(2)).sum();
        assert!((twice - spread - mean_apart).abs() < 1e-6, "{twice} {spread}");
        // The order of frames does not count.
        let backwards: Vec<Vec<f64>> = own.iter().map(|it| it.iter().rev().copied().collect()).collect();
        assert!(distance(&own, &backwards) < 1e-9);
        assert_eq!(frechet_distance(&[], &[]), None);
    }

    #[test]
    fn roots_of_matrices_multiply_to_them() {
        let matrix = Matrix::of(5, |row, column| 1.0 / (1.0 + row as f64 + column as f64));
        let root = square_root(&matrix);
        for (a, b) in root.times(&root).values.iter().zip(&matrix.values) {
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }
}
