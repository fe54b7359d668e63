//! Small statistics that the metrics share.

/// Arithmetic mean; 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Population standard deviation; 0 of nothing.
pub(crate) fn standard_deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    mean(&values.iter().map(|value| (value - centre).powi(2)).collect::<Vec<_>>()).sqrt()
}

/// Pearson's correlation of two sequences of equal length; `None` when one of them does not vary.
pub(crate) fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sums = a.iter().zip(b).fold([0.0; 3], |[ab, aa, bb], (a, b)| {
        let (a, b) = (a - mean_a, b - mean_b);
        [ab + a * b, aa + a * a, bb + b * b]
    });
    let scale = (sums[1] * sums[2]).sqrt();
    (scale > 1e-12).then(|| sums[0] / scale)
}

/// The lag, in frames within `-reach..=reach`, at which `b` shifted earlier by it matches `a` best, and the
/// correlation there. Positive: `b` comes after `a`.
pub(crate) fn best_lag(a: &[f64], b: &[f64], reach: usize) -> Option<(i64, f64)> {
    let reach = reach.min(a.len() / 2) as i64;
    let at_lag = |lag: i64| {
        let skip_a = (-lag).max(0) as usize;
        let skip_b = lag.max(0) as usize;
        let count = a.len().checked_sub(skip_a.max(skip_b))?;
        pearson(&a[skip_a..skip_a + count], &b[skip_b..skip_b + count]).map(|correlation| (lag, correlation))
    };
    (-reach..=reach).filter_map(at_lag).max_by(|(_, a), (_, b)| a.total_cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_copy_is_found_at_its_shift() {
        let a: Vec<f64> =
            (0..200).map(|i| (f64::from(i) * 0.21).sin() + (f64::from(i) * 0.05).cos()).collect();
        let mut b = vec![0.0; 5];
        b.extend_from_slice(&a[..195]);
        let (lag, correlation) = best_lag(&a, &b, 12).unwrap();
        assert_eq!(lag, 5);
        assert!(correlation > 0.999);
    }

    #[test]
    fn what_does_not_vary_has_no_correlation() {
        assert_eq!(pearson(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]), None);
        assert!((pearson(&[1.0, 2.0, 3.0], &[6.0, 4.0, 2.0]).unwrap() + 1.0).abs() < 1e-12);
    }
}
