//! How far the probabilities of preferences can be trusted.

/// Bins of confidence between a half and one.
const BINS: usize = 10;

/// Figures of preferences on held-out pairs.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Calibration {
    /// Number of pairs.
    pub pairs: usize,
    /// Difference of rewards that makes a preference of 73 %.
    pub temperature: f64,
    /// Share of pairs whose better take has the higher reward.
    pub accuracy: f64,
    /// Mean of `-ln P(better over worse)`.
    pub loss: f64,
    /// Expected calibration error: mean over pairs of |confidence - accuracy| of their bin of confidence, ten bins.
    pub expected_error: f64,
    /// Mean squared error of `P(better over worse)` against 1 (Brier 1950).
    pub brier: f64,
}

/// The figures of reward differences, better minus worse, at a temperature.
pub fn calibration(differences: &[f64], temperature: f64) -> Calibration {
    let count = differences.len().max(1) as f64;
    let probability = |difference: &f64| 1.0 / (1.0 + (-difference / temperature).exp());
    let right = differences.iter().filter(|difference| **difference > 0.0).count() as f64;
    let brier = differences.iter().map(|it| (1.0 - probability(it)).powi(2)).sum::<f64>() / count;
    Calibration {
        pairs: differences.len(),
        temperature,
        accuracy: right / count,
        loss: mean_surprise(differences, temperature),
        expected_error: expected_error(differences, temperature),
        brier,
    }
}

/// The temperature with the least mean surprise, by golden-section search over its logarithm (Guo et al. 2017).
pub fn best_temperature(differences: &[f64]) -> f64 {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.01_f64.ln(), 10.0_f64.ln());
    for _ in 0..60 {
        let (left, right) = (high - ratio * (high - low), low + ratio * (high - low));
        let surprise = |log: f64| mean_surprise(differences, log.exp());
        if surprise(left) < surprise(right) { high = right } else { low = left }
    }
    (0.5 * (low + high)).exp()
}

fn mean_surprise(differences: &[f64], temperature: f64) -> f64 {
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let sum: f64 = differences.iter().map(|difference| softplus(-difference / temperature)).sum();
    sum / differences.len().max(1) as f64
}

fn expected_error(differences: &[f64], temperature: f64) -> f64 {
    let mut bins = [(0.0, 0.0); BINS];
    for difference in differences {
        let confidence = 1.0 / (1.0 + (-difference.abs() / temperature).exp());
        let bin = (((confidence - 0.5) * 2.0 * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += confidence;
        bins[bin].1 += if *difference > 0.0 { 1.0 } else { 0.0 };
    }
    let apart: f64 = bins.iter().map(|(confidence, right)| (confidence - right).abs()).sum();
    apart / differences.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_kernels::random::Random;

    /// Differences whose signs are right as often as a logistic of the given temperature says.
    fn drawn(temperature: f64) -> Vec<f64> {
        let random = Random::new(1, 2);
        let difference = |index: u64| {
            let size = f64::from(random.uniform(2 * index)) * 4.0;
            let right = f64::from(random.uniform(2 * index + 1)) < 1.0 / (1.0 + (-size / temperature).exp());
            if right { size } else { -size }
        };
        (0..20_000).map(difference).collect()
    }

    #[test]
    fn the_temperature_that_made_the_choices_is_found() {
        for temperature in [0.5, 2.0] {
            let differences = drawn(temperature);
            let found = best_temperature(&differences);
            assert!((found / temperature - 1.0).abs() < 0.1, "{found} for {temperature}");
            let honest = calibration(&differences, found);
            let bold = calibration(&differences, found / 4.0);
            assert!(honest.expected_error < 0.015 && bold.expected_error > 0.05, "{honest:?} {bold:?}");
            assert!(honest.brier < bold.brier && honest.accuracy == bold.accuracy);
        }
    }

    #[test]
    fn nothing_gives_no_figures() {
        assert_eq!(calibration(&[], 1.0).accuracy, 0.0);
    }
}
