//! Smooth noise over time, the same for any stretch of it.

use super::smoothstep;
use esarm_kernels::random::Random;

/// Noise around 0 with a deviation of about 0.55 and extremes near 2, without steps or kinks: random values a
/// `period_secs` apart, joined smoothly, in two layers whose knots lie half a period apart.
pub(super) fn smooth_noise(random: Random, period_secs: f64, time_secs: f64) -> f64 {
    let layer = |label: u64, offset: f64| {
        let position = time_secs / period_secs + offset;
        let knot = position.floor();
        let value =
            |knot: f64| f64::from(random.split(label).normal((knot as i64).cast_unsigned())).clamp(-2.0, 2.0);
        let (before, after) = (value(knot), value(knot + 1.0));
        before + (after - before) * smoothstep(position - knot)
    };
    0.5 * (layer(0, 0.0) + layer(1, 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_smooth_and_centred() {
        let random = Random::new(1, 2);
        let values: Vec<f64> =
            (0..20_000).map(|step| smooth_noise(random, 0.8, f64::from(step) * 0.01)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.1 && (0.4..0.75).contains(&variance.sqrt()), "{mean} {variance}");
        assert!(values.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.1));
    }
}
