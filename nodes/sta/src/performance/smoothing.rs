//! Smoothing of motions.

use esarm_kernels::KernelError;
use esarm_kernels::devices::Device;
use esarm_kernels::temporal_filter::{OneEuro, SavitzkyGolay, TemporalFilter, temporal_filter_on};
use esarm_values::Track;

/// Smoothing by a polynomial over a sliding window (Savitzky and Golay 1964).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolynomialSmoothing {
    /// Length of the window in seconds; the nearest odd number of frames is taken.
    pub window_secs: f64,
    /// Degree of the polynomial, below the frames of the window.
    pub order: usize,
}

/// Smoothing that gives way to fast motion (Casiez, Roussel and Vogel, CHI 2012).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneEuroSmoothing {
    /// Cutoff at rest, in Hz: lower is calmer.
    pub min_cutoff_hz: f64,
    /// Rise of the cutoff per unit of speed, in Hz: higher lags less.
    pub beta: f64,
}

/// Smooths the channels of a motion that `chosen` picks by name. Where the window is too short for the polynomial at
/// the motion's rate, the degree falls.
pub fn smooth(
    motion: &Track,
    settings: &PolynomialSmoothing,
    chosen: impl Fn(&str) -> bool,
    device: &Device,
) -> Result<Track, KernelError> {
    let frames = settings.window_secs * motion.rate().frames_per_sec();
    let half = ((frames - 1.0) / 2.0).round().max(0.0) as usize;
    let window_frames = 2 * half + 1;
    let filter = SavitzkyGolay { window_frames, order: settings.order.min(window_frames - 1) };
    let filter = TemporalFilter::SavitzkyGolay(vec![filter]);
    let smoothed = temporal_filter_on(device, motion.values(), motion.channels().len(), &filter)?;
    Ok(merged(motion, &smoothed, chosen))
}

/// Smooths the channels of a motion that `chosen` picks by name. Each frame depends on all before it.
pub fn smooth_one_euro(
    motion: &Track,
    settings: &OneEuroSmoothing,
    chosen: impl Fn(&str) -> bool,
    device: &Device,
) -> Result<Track, KernelError> {
    let filter =
        OneEuro { min_cutoff_hz: settings.min_cutoff_hz, beta: settings.beta, derivative_cutoff_hz: 1.0 };
    let frames_per_sec = motion.rate().frames_per_sec();
    let filter = TemporalFilter::OneEuro { frames_per_sec, settings: vec![filter] };
    let smoothed = temporal_filter_on(device, motion.values(), motion.channels().len(), &filter)?;
    Ok(merged(motion, &smoothed, chosen))
}

/// The motion with the chosen channels taken from `smoothed`. Weights stay within 0..1 where they were, so that a
/// polynomial that overshoots opens no lip and closes no lid further.
fn merged(motion: &Track, smoothed: &[f32], chosen: impl Fn(&str) -> bool) -> Track {
    let mut result = motion.clone();
    let width = motion.channels().len().max(1);
    for (column, name) in motion.channels().iter().enumerate().filter(|(_, name)| chosen(name)) {
        let is_weight = esarm_values::arkit_index(name).is_some();
        let values = result.values_mut().iter_mut().skip(column).step_by(width);
        for (slot, value) in values.zip(smoothed.iter().skip(column).step_by(width)) {
            let was_within = is_weight && (0.0..=1.0).contains(slot);
            *slot = if was_within { value.clamp(0.0, 1.0) } else { *value };
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_windows_equal, channel, still};
    use super::*;
    use esarm_kernels::devices::cpu;

    fn noisy() -> Track {
        let mut motion = still(60, 10.0);
        let width = motion.channels().len();
        for (index, value) in motion.values_mut().iter_mut().enumerate() {
            let frame = index / width;
            *value =
                0.5 + 0.3 * (frame as f32 * 0.05).sin() + if frame.is_multiple_of(2) { 0.05 } else { -0.05 };
        }
        motion
    }

    fn roughness(values: &[f32]) -> f32 {
        values.windows(3).map(|frames| (frames[0] - 2.0 * frames[1] + frames[2]).abs()).sum()
    }

    #[test]
    fn chosen_channels_become_smooth() {
        let settings = PolynomialSmoothing { window_secs: 0.12, order: 2 };
        let motion = noisy();
        for smoothed in [
            smooth(&motion, &settings, |name| name.starts_with("jaw"), &cpu()).unwrap(),
            smooth_one_euro(
                &motion,
                &OneEuroSmoothing { min_cutoff_hz: 3.0, beta: 0.0 },
                |name| name.starts_with("jaw"),
                &cpu(),
            )
            .unwrap(),
        ] {
            let jaw = channel(&smoothed, "jawOpen");
            assert!(roughness(&jaw) < 0.35 * roughness(&channel(&motion, "jawOpen")));
            assert_eq!(channel(&smoothed, "browInnerUp"), channel(&motion, "browInnerUp"));
        }
    }

    #[test]
    fn weights_do_not_overshoot() {
        let mut motion = still(60, 1.0);
        let jaw = motion.channel_index("jawOpen").unwrap();
        motion.values_mut()[30 * 61 + jaw] = 1.0;
        let smoothed =
            smooth(&motion, &PolynomialSmoothing { window_secs: 0.15, order: 2 }, |_| true, &cpu()).unwrap();
        assert!(channel(&smoothed, "jawOpen").iter().all(|weight| (0.0..=1.0).contains(weight)));
    }

    #[test]
    fn short_motions_and_windows_pass() {
        let settings = PolynomialSmoothing { window_secs: 0.001, order: 3 };
        assert_eq!(smooth(&noisy(), &settings, |_| true, &cpu()).unwrap(), noisy());
        let empty = still(60, 0.0);
        assert_eq!(smooth(&empty, &settings, |_| true, &cpu()).unwrap(), empty);
    }

    #[test]
    fn windows_equal_the_whole() {
        let settings = PolynomialSmoothing { window_secs: 0.2, order: 2 };
        assert_windows_equal(&noisy(), |motion| smooth(motion, &settings, |_| true, &cpu()).unwrap(), 0.25);
    }
}
