//! Small symmetric systems by Cholesky's factors.

/// The lower factor of a positive definite matrix `[size, size]`; none where it is not positive definite.
pub(super) fn cholesky(mut matrix: Vec<f64>, size: usize) -> Option<Vec<f64>> {
    for row in 0..size {
        // What is left of the diagonal when rounding is all that remains.
        let least = matrix[row * size + row] * 1e-13;
        for column in 0..=row {
            let products: f64 = (0..column).map(|k| matrix[row * size + k] * matrix[column * size + k]).sum();
            let rest = matrix[row * size + column] - products;
            matrix[row * size + column] = if row == column {
                if rest.is_nan() || rest <= least {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / matrix[column * size + column]
            };
        }
    }
    Some(matrix)
}

/// The solution of the system with this lower factor.
pub(super) fn substitute(factor: &[f64], mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for row in 0..size {
        let known: f64 = (0..row).map(|k| factor[row * size + k] * right[k]).sum();
        right[row] = (right[row] - known) / factor[row * size + row];
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|k| factor[k * size + row] * right[k]).sum();
        right[row] = (right[row] - known) / factor[row * size + row];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solutions_fulfil_their_systems() {
        let matrix = [4.0, 2.0, 0.6, 2.0, 5.0, 1.0, 0.6, 1.0, 3.0];
        let right = [1.0, -2.0, 0.5];
        let factor = cholesky(matrix.to_vec(), 3).unwrap();
        let solution = substitute(&factor, right.to_vec());
        for row in 0..3 {
            let product: f64 = (0..3).map(|k| matrix[row * 3 + k] * solution[k]).sum();
            assert!((product - right[row]).abs() < 1e-12);
        }
    }

    #[test]
    fn dependent_rows_have_no_factor() {
        assert_eq!(cholesky(vec![1.0, 2.0, 2.0, 4.0], 2), None);
        assert_eq!(cholesky(vec![0.0], 1), None);
        assert_eq!(cholesky(Vec::new(), 0), Some(Vec::new()));
    }
}
