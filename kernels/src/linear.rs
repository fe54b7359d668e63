//! Small dense linear algebra of the processor: inner products and symmetric systems.

/// What is left of a diagonal element, as a share of it, when rounding is all that remains.
const ROUNDING: f64 = 1e-13;

/// Inner product of two slices of equal length, summed in eight lanes so that it can be vectorised and is the same on
/// every machine.
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (a_blocks, b_blocks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_blocks.remainder().iter().zip(b_blocks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_blocks.zip(b_blocks) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += x * y;
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// The solution `X` of `A X = B` for a symmetric positive definite `A`, by its Cholesky factor.
///
/// `matrix` holds `A`, `[size, size]`, of which the lower triangle is read; `targets` holds `B`, `[size, columns]`, and
/// so does the solution. `None` when `A` is not positive definite, as far as can be told from rounding, or is not of
/// that size.
pub fn solve_symmetric(
    matrix: Vec<f64>,
    mut targets: Vec<f64>,
    size: usize,
    columns: usize,
) -> Option<Vec<f64>> {
    if matrix.len() != size * size || targets.len() != size * columns {
        return None;
    }
    let factor = lower_factor(matrix, size)?;
    for row in 0..size {
        let before = (0..row).map(|other| (other, factor[row * size + other]));
        eliminate(&mut targets, row, columns, before, factor[row * size + row]);
    }
    for row in (0..size).rev() {
        let behind = (row + 1..size).map(|other| (other, factor[other * size + row]));
        eliminate(&mut targets, row, columns, behind, factor[row * size + row]);
    }
    Some(targets)
}

/// The matrix with its lower triangle replaced by its Cholesky factor.
fn lower_factor(mut matrix: Vec<f64>, size: usize) -> Option<Vec<f64>> {
    for row in 0..size {
        for column in 0..=row {
            let (above, below) = matrix.split_at(row * size);
            let other = if column == row { &below[..row] } else { &above[column * size..][..column] };
            let product: f64 = below[..column].iter().zip(other).map(|(a, b)| a * b).sum();
            let element = matrix[row * size + column];
            let rest = element - product;
            matrix[row * size + column] = if column < row {
                rest / matrix[column * size + column]
            } else if rest > element * ROUNDING {
                rest.sqrt()
            } else {
                return None;
            };
        }
    }
    Some(matrix)
}

/// Takes the solved rows, times their factors, from `row`, and divides what is left.
fn eliminate(
    targets: &mut [f64],
    row: usize,
    columns: usize,
    factors: impl Iterator<Item = (usize, f64)>,
    divisor: f64,
) {
    for (other, factor) in factors {
        for column in 0..columns {
            targets[row * columns + column] -= factor * targets[other * columns + column];
        }
    }
    targets[row * columns..][..columns].iter_mut().for_each(|value| *value /= divisor);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// A positive definite matrix with its upper triangle, and columns of targets.
    fn system(size: usize, columns: usize) -> (Vec<f64>, Vec<f64>) {
        let random = Random::new(6, size as u64);
        let base: Vec<f64> = (0..(size * size) as u64).map(|n| f64::from(random.normal(n))).collect();
        let product = |row: usize, column: usize| -> f64 {
            (0..size).map(|k| base[row * size + k] * base[column * size + k]).sum()
        };
        let diagonal = |index: usize| f64::from(u8::from(index.is_multiple_of(size + 1)));
        let matrix = (0..size * size).map(|n| product(n / size, n % size) + 0.1 * diagonal(n)).collect();
        let targets = (0..(size * columns) as u64).map(|n| f64::from(random.split(1).normal(n))).collect();
        (matrix, targets)
    }

    #[test]
    fn solutions_fulfil_their_systems() {
        for (size, columns) in [(0, 2), (1, 1), (3, 2), (17, 1), (40, 7)] {
            let (matrix, targets) = system(size, columns);
            let solution = solve_symmetric(matrix.clone(), targets.clone(), size, columns).unwrap();
            for (index, target) in targets.iter().enumerate() {
                let (row, column) = (index / columns, index % columns);
                let product: f64 =
                    (0..size).map(|k| matrix[row * size + k] * solution[k * columns + column]).sum();
                assert!((product - target).abs() < 1e-9, "{size} {row} {column}: {product} {target}");
            }
        }
    }

    #[test]
    fn only_the_lower_triangle_is_read() {
        let (matrix, targets) = system(5, 2);
        let above = |index: usize| index % 5 > index / 5;
        let lower = matrix.iter().enumerate().map(|(n, value)| if above(n) { f64::NAN } else { *value });
        let expected = solve_symmetric(matrix.clone(), targets.clone(), 5, 2);
        assert_eq!(solve_symmetric(lower.collect(), targets, 5, 2), expected);
    }

    #[test]
    fn what_is_not_positive_definite_has_no_solution() {
        for matrix in [
            [1.0, 0.0, 2.0, 4.0],
            [1.0, 0.0, 2.0, 1.0],
            [0.0, 0.0, 0.0, 1.0],
            [-1.0, 0.0, 0.0, 1.0],
            [1.0, 0.0, f64::NAN, 1.0],
        ] {
            assert_eq!(solve_symmetric(matrix.to_vec(), vec![1.0; 2], 2, 1), None, "{matrix:?}");
        }
    }

    #[test]
    fn sizes_that_do_not_fit_have_no_solution() {
        assert_eq!(solve_symmetric(vec![1.0; 3], vec![1.0; 2], 2, 1), None);
        assert_eq!(solve_symmetric(vec![1.0], vec![1.0; 2], 1, 1), None);
    }

    #[test]
    fn inner_products_count_every_element() {
        for count in [0, 1, 7, 8, 9, 35] {
            let numbers: Vec<f32> = (0..count).map(|n| n as f32 - 3.0).collect();
            let expected: f32 = numbers.iter().map(|n| n * 2.0 * n).sum();
            let doubled: Vec<f32> = numbers.iter().map(|n| 2.0 * n).collect();
            assert_eq!(dot(&numbers, &doubled), expected);
        }
    }
}
