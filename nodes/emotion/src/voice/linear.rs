//! The one linear system that training solves.

/// Solves `A X = B` for a symmetric positive definite `A` by its Cholesky factor.
///
/// `matrix` holds `[size, size]`, of which the lower triangle is read; `targets` holds `[size, columns]`, and so does
/// the solution. `None` when `A` is not positive definite.
pub(crate) fn solve_symmetric(
    mut matrix: Vec<f64>,
    mut targets: Vec<f64>,
    size: usize,
    columns: usize,
) -> Option<Vec<f64>> {
    for row in 0..size {
        for column in 0..=row {
            let (above, below) = matrix.split_at(row * size);
            let other = if column == row { &below[..row] } else { &above[column * size..][..column] };
            let product: f64 = below[..column].iter().zip(other).map(|(a, b)| a * b).sum();
            let rest = matrix[row * size + column] - product;
            matrix[row * size + column] = if column < row {
                rest / matrix[column * size + column]
            } else if rest > 0.0 {
                rest.sqrt()
            } else {
                return None;
            };
        }
    }
    for row in 0..size {
        eliminate(&mut targets, row, columns, (0..row).map(|other| (other, matrix[row * size + other])));
        scale(&mut targets[row * columns..][..columns], matrix[row * size + row]);
    }
    for row in (0..size).rev() {
        eliminate(
            &mut targets,
            row,
            columns,
            (row + 1..size).map(|other| (other, matrix[other * size + row])),
        );
        scale(&mut targets[row * columns..][..columns], matrix[row * size + row]);
    }
    Some(targets)
}

/// Takes the solved rows, times their factors, from `row`.
fn eliminate(targets: &mut [f64], row: usize, columns: usize, factors: impl Iterator<Item = (usize, f64)>) {
    for (other, factor) in factors {
        for column in 0..columns {
            targets[row * columns + column] -= factor * targets[other * columns + column];
        }
    }
}

fn scale(row: &mut [f64], divisor: f64) {
    row.iter_mut().for_each(|value| *value /= divisor);
}

#[cfg(test)]
mod tests {
    use super::solve_symmetric;

    #[test]
    fn a_small_system_is_solved() {
        let matrix = vec![4.0, 0.0, 0.0, 2.0, 5.0, 0.0, 0.0, 1.0, 3.0];
        let solution = solve_symmetric(matrix, vec![8.0, 1.0, 17.0, 2.0, 11.0, 3.0], 3, 2).unwrap();
        let product = |row: [f64; 3], column: usize| -> f64 {
            row.iter().enumerate().map(|(index, value)| value * solution[index * 2 + column]).sum()
        };
        for (row, expected) in
            [([4.0, 2.0, 0.0], [8.0, 1.0]), ([2.0, 5.0, 1.0], [17.0, 2.0]), ([0.0, 1.0, 3.0], [11.0, 3.0])]
        {
            assert!(
                (product(row, 0) - expected[0]).abs() < 1e-12
                    && (product(row, 1) - expected[1]).abs() < 1e-12
            );
        }
    }

    #[test]
    fn an_indefinite_matrix_is_refused() {
        assert_eq!(solve_symmetric(vec![1.0, 0.0, 2.0, 1.0], vec![1.0, 1.0], 2, 1), None);
    }
}
