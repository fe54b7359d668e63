//! Filters along time over `[frames, channels]`.
//!
//! Every filter takes settings per channel: one for all, or as many as there are channels.
//! [`savitzky_golay`] and [`median`] look a bounded number of frames to both sides, so a window of a clip gives the
//! values of the whole clip as long as it holds that margin or reaches the clip's end. [`one_euro`] and
//! [`exponential`] are recursive and causal: each frame depends on all frames before it and on none after.

use crate::KernelError;
use crate::error::require_finite;
use std::f64::consts::TAU;

/// A least-squares polynomial over a sliding window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavitzkyGolay {
    /// Length of the window; odd. 1 passes values through.
    pub window_frames: usize,
    /// Degree of the polynomial, below the length of the window and at most 9.
    pub order: usize,
}

/// A low-pass whose cutoff rises with the speed of the signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneEuro {
    /// Cutoff at rest, in Hz, above 0: lower is calmer.
    pub min_cutoff_hz: f64,
    /// Rise of the cutoff per unit of speed (value per second), in Hz: higher lags less.
    pub beta: f64,
    /// Cutoff for the speed itself, in Hz, above 0.
    pub derivative_cutoff_hz: f64,
}

/// A first-order low-pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    /// Time after which a step is followed to 63 %, in seconds; 0 passes values through.
    pub time_constant_secs: f64,
}

/// Length of a sliding median; odd. 1 passes values through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Median {
    /// Length of the window in frames.
    pub window_frames: usize,
}

/// Smooths by the polynomial that fits the window around each frame best (Savitzky and Golay 1964).
///
/// The first and last half window take the values of the polynomial fitted to the first and last whole window, as
/// SciPy's `savgol_filter(mode="interp")`. Where the clip is shorter than the window, the window shrinks to the
/// largest odd length that fits and the order below it. A frame depends on `window_frames - 1` frames on both sides.
pub fn savitzky_golay(
    values: &[f32],
    channels: usize,
    settings: &[SavitzkyGolay],
) -> Result<Vec<f32>, KernelError> {
    for setting in settings {
        check_window(setting.window_frames)?;
        let order_is_fine = setting.order < setting.window_frames && setting.order <= 9;
        KernelError::unless(order_is_fine, "order", setting.order, "below window_frames and at most 9")?;
    }
    each_channel(values, channels, settings, |setting, column| {
        let window = setting.window_frames.min(largest_odd(column.len()));
        if window <= 1 {
            return column.to_vec();
        }
        let fit = polynomial_fit(window, setting.order.min(window - 1));
        let (half, last) = (window / 2, column.len() - window);
        let smooth = |index: usize| {
            let first = index.saturating_sub(half).min(last);
            let weights = &fit[(index - first) * window..][..window];
            weights
                .iter()
                .zip(&column[first..])
                .map(|(weight, value)| weight * f64::from(*value))
                .sum::<f64>() as f32
        };
        (0..column.len()).map(smooth).collect()
    })
}

/// Smooths by a low-pass that opens with speed: `cutoff = min_cutoff + beta |dx/dt|`, `alpha = 1 / (1 + rate / (2π
/// cutoff))` (Casiez, Roussel, Vogel: "1€ filter", CHI 2012).
pub fn one_euro(
    values: &[f32],
    channels: usize,
    frames_per_sec: f64,
    settings: &[OneEuro],
) -> Result<Vec<f32>, KernelError> {
    check_rate(frames_per_sec)?;
    for setting in settings {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        KernelError::unless(
            positive(setting.min_cutoff_hz),
            "min_cutoff_hz",
            setting.min_cutoff_hz,
            "above 0",
        )?;
        KernelError::unless(setting.beta >= 0.0, "beta", setting.beta, "at least 0")?;
        let derivative = setting.derivative_cutoff_hz;
        KernelError::unless(positive(derivative), "derivative_cutoff_hz", derivative, "above 0")?;
    }
    each_channel(values, channels, settings, |setting, column| {
        let alpha = |cutoff_hz: f64| 1.0 / (1.0 + frames_per_sec / (TAU * cutoff_hz));
        let derivative_alpha = alpha(setting.derivative_cutoff_hz);
        let (mut smooth, mut speed) = (column.first().copied().map_or(0.0, f64::from), 0.0);
        let step = |value: &f32| {
            let value = f64::from(*value);
            speed += derivative_alpha * ((value - smooth) * frames_per_sec - speed);
            smooth += alpha(setting.min_cutoff_hz + setting.beta * speed.abs()) * (value - smooth);
            smooth as f32
        };
        column.iter().map(step).collect()
    })
}

/// Smooths by `y += (1 - exp(-1 / (rate · time constant))) (x - y)`, starting at the first value.
pub fn exponential(
    values: &[f32],
    channels: usize,
    frames_per_sec: f64,
    settings: &[Exponential],
) -> Result<Vec<f32>, KernelError> {
    check_rate(frames_per_sec)?;
    for setting in settings {
        let time = setting.time_constant_secs;
        KernelError::unless(time >= 0.0 && time.is_finite(), "time_constant_secs", time, "at least 0")?;
    }
    each_channel(values, channels, settings, |setting, column| {
        let frames = frames_per_sec * setting.time_constant_secs;
        let alpha = if frames > 0.0 { 1.0 - (-1.0 / frames).exp() } else { 1.0 };
        let mut smooth = column.first().copied().map_or(0.0, f64::from);
        let step = |value: &f32| {
            smooth += alpha * (f64::from(*value) - smooth);
            smooth as f32
        };
        column.iter().map(step).collect()
    })
}

/// Replaces each value by the median of the window around it; at the ends, of the part of the window that exists
/// (the lower middle when that is even). A frame depends on half a window on both sides.
pub fn median(values: &[f32], channels: usize, settings: &[Median]) -> Result<Vec<f32>, KernelError> {
    settings.iter().try_for_each(|setting| check_window(setting.window_frames))?;
    each_channel(values, channels, settings, |setting, column| {
        let half = setting.window_frames / 2;
        let mut window = Vec::with_capacity(setting.window_frames.min(column.len()));
        let middle = |index: usize| {
            window.clear();
            window.extend_from_slice(&column[index.saturating_sub(half)..column.len().min(index + half + 1)]);
            let middle = (window.len() - 1) / 2;
            *window.select_nth_unstable_by(middle, f32::total_cmp).1
        };
        (0..column.len()).map(middle).collect()
    })
}

/// Applies `filter` to each channel with its settings.
fn each_channel<S>(
    values: &[f32],
    channels: usize,
    settings: &[S],
    filter: impl Fn(&S, &[f32]) -> Vec<f32>,
) -> Result<Vec<f32>, KernelError> {
    check_shapes(values, channels, settings.len())?;
    require_finite("values", values)?;
    let mut output = vec![0.0; values.len()];
    let mut column = Vec::with_capacity(values.len() / channels);
    for channel in 0..channels {
        column.clear();
        column.extend(values.iter().skip(channel).step_by(channels));
        let filtered = filter(&settings[channel.min(settings.len() - 1)], &column);
        for (slot, value) in output.iter_mut().skip(channel).step_by(channels).zip(filtered) {
            *slot = value;
        }
    }
    Ok(output)
}

fn check_shapes(values: &[f32], channels: usize, settings: usize) -> Result<(), KernelError> {
    if channels == 0 || !values.len().is_multiple_of(channels) {
        let expected = format!("[frames, {channels}] with at least one channel");
        return Err(KernelError::Shape { argument: "values", found: vec![values.len()], expected });
    }
    if settings != 1 && settings != channels {
        let expected = format!("[1] or [{channels}], one per channel");
        return Err(KernelError::Shape { argument: "settings", found: vec![settings], expected });
    }
    Ok(())
}

fn check_window(window_frames: usize) -> Result<(), KernelError> {
    let fine = window_frames % 2 == 1 && window_frames < 1 << 12;
    KernelError::unless(fine, "window_frames", window_frames, "odd and at most 4095")
}

fn check_rate(frames_per_sec: f64) -> Result<(), KernelError> {
    let fine = frames_per_sec > 0.0 && frames_per_sec.is_finite();
    KernelError::unless(fine, "frames_per_sec", frames_per_sec, "above 0")
}

fn largest_odd(count: usize) -> usize {
    if count.is_multiple_of(2) { count.saturating_sub(1) } else { count }
}

/// The matrix `[window, window]` that turns the values of a window into those of the best polynomial: `Σ p pᵀ` over
/// the polynomials up to `order` that are orthonormal on the window.
fn polynomial_fit(window: usize, order: usize) -> Vec<f64> {
    let position = |index: usize| 2.0 * index as f64 / (window - 1) as f64 - 1.0;
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(order + 1);
    for _ in 0..=order {
        let mut next: Vec<f64> = match basis.last() {
            None => vec![1.0; window],
            Some(last) => last.iter().enumerate().map(|(index, value)| value * position(index)).collect(),
        };
        // Twice is enough: the second pass removes what rounding left in the first.
        for _ in 0..2 {
            for earlier in &basis {
                let overlap = inner(&next, earlier);
                next.iter_mut().zip(earlier).for_each(|(value, earlier)| *value -= overlap * earlier);
            }
        }
        let norm = inner(&next, &next).sqrt();
        next.iter_mut().for_each(|value| *value /= norm);
        basis.push(next);
    }
    let entry = |index: usize| basis.iter().map(|p| p[index / window] * p[index % window]).sum();
    (0..window * window).map(entry).collect()
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn noise(count: usize) -> Vec<f32> {
        (0..count as u64).map(|index| Random::new(11, 0).uniform(index)).collect()
    }

    fn reference() -> serde_json::Value {
        serde_json::from_str(include_str!("../tests/reference/temporal_filter.json")).unwrap()
    }

    fn numbers(value: &serde_json::Value) -> Vec<f32> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
    }

    fn assert_close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-5, "{index}: {found} {expected}");
        }
    }

    #[test]
    fn savitzky_golay_agrees_with_scipy() {
        let reference = reference();
        for case in reference["savitzky_golay"].as_array().unwrap() {
            let setting = SavitzkyGolay {
                window_frames: case["window"].as_u64().unwrap() as usize,
                order: case["order"].as_u64().unwrap() as usize,
            };
            let smooth = savitzky_golay(&numbers(&reference["signal"]), 1, &[setting]).unwrap();
            assert_close(&smooth, &numbers(&case["values"]));
        }
    }

    #[test]
    fn one_euro_and_exponential_agree_with_their_formulas() {
        let reference = reference();
        let signal = numbers(&reference["signal"]);
        let setting = OneEuro { min_cutoff_hz: 1.5, beta: 0.7, derivative_cutoff_hz: 1.0 };
        assert_close(&one_euro(&signal, 1, 60.0, &[setting]).unwrap(), &numbers(&reference["one_euro"]));
        let setting = Exponential { time_constant_secs: 0.05 };
        assert_close(
            &exponential(&signal, 1, 60.0, &[setting]).unwrap(),
            &numbers(&reference["exponential"]),
        );
    }

    #[test]
    fn median_agrees_with_scipy() {
        let reference = reference();
        let smooth = median(&numbers(&reference["signal"]), 1, &[Median { window_frames: 5 }]).unwrap();
        let expected = numbers(&reference["median_5"]);
        assert_close(&smooth[2..smooth.len() - 2], &expected[2..expected.len() - 2]);
    }

    #[test]
    fn channels_have_their_own_settings() {
        let values = noise(60);
        let settings =
            [1, 5, 3].map(|window_frames| SavitzkyGolay { window_frames, order: window_frames.min(3) - 1 });
        let all = savitzky_golay(&values, 3, &settings).unwrap();
        for (channel, setting) in settings.iter().enumerate() {
            let column: Vec<f32> = values.iter().skip(channel).step_by(3).copied().collect();
            let alone = savitzky_golay(&column, 1, &[*setting]).unwrap();
            assert_eq!(alone, all.iter().skip(channel).step_by(3).copied().collect::<Vec<f32>>());
        }
    }

    #[test]
    fn polynomials_pass_through_savitzky_golay() {
        let cubic: Vec<f32> = (0..40).map(|n| n as f32 / 20.0 - 1.0).map(|x| x * x * x - 0.5 * x).collect();
        let smooth = savitzky_golay(&cubic, 1, &[SavitzkyGolay { window_frames: 9, order: 3 }]).unwrap();
        assert_close(&smooth, &cubic);
    }

    #[test]
    fn windows_give_the_values_of_the_whole() {
        let values = noise(200);
        let setting = SavitzkyGolay { window_frames: 7, order: 2 };
        let whole = savitzky_golay(&values, 2, &[setting]).unwrap();
        let inner = savitzky_golay(&values[60..140], 2, &[setting]).unwrap();
        assert_eq!(inner[12..80 - 12], whole[72..128]);
        let start = savitzky_golay(&values[..60], 2, &[setting]).unwrap();
        assert_eq!(start[..60 - 12], whole[..48]);
        let middle = Median { window_frames: 7 };
        let whole = median(&values, 2, &[middle]).unwrap();
        assert_eq!(median(&values[60..140], 2, &[middle]).unwrap()[6..74], whole[66..134]);
        let causal = OneEuro { min_cutoff_hz: 1.0, beta: 0.1, derivative_cutoff_hz: 1.0 };
        let whole = one_euro(&values, 2, 60.0, &[causal]).unwrap();
        assert_eq!(one_euro(&values[..100], 2, 60.0, &[causal]).unwrap(), whole[..100]);
    }

    #[test]
    fn clips_shorter_than_the_window_are_smoothed_by_what_fits() {
        let setting = SavitzkyGolay { window_frames: 9, order: 1 };
        assert_eq!(savitzky_golay(&[], 1, &[setting]).unwrap(), Vec::<f32>::new());
        assert_eq!(savitzky_golay(&[2.0], 1, &[setting]).unwrap(), [2.0]);
        assert_close(&savitzky_golay(&[0.0, 3.0, 0.0], 1, &[setting]).unwrap(), &[1.0, 1.0, 1.0]);
        assert_eq!(median(&[4.0, 1.0], 1, &[Median { window_frames: 9 }]).unwrap(), [1.0, 1.0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let setting = SavitzkyGolay { window_frames: 5, order: 2 };
        let message = |result: Result<Vec<f32>, KernelError>| result.unwrap_err().to_string();
        assert!(message(savitzky_golay(&[0.0; 5], 2, &[setting])).contains("`values`"));
        assert!(message(savitzky_golay(&[0.0; 6], 3, &[setting; 2])).contains("`settings`"));
        assert!(message(savitzky_golay(&[], 0, &[setting])).contains("`values`"));
        assert!(message(median(&[0.0], 1, &[Median { window_frames: 4 }])).contains("`window_frames`"));
        let order = SavitzkyGolay { order: 5, ..setting };
        assert!(message(savitzky_golay(&[0.0], 1, &[order])).contains("`order`"));
        let exponential = |secs, rate| {
            message(super::exponential(&[0.0], 1, rate, &[Exponential { time_constant_secs: secs }]))
        };
        assert!(exponential(-1.0, 60.0).contains("`time_constant_secs`"));
        assert!(exponential(1.0, 0.0).contains("`frames_per_sec`"));
        assert!(message(median(&[f32::NAN], 1, &[Median { window_frames: 3 }])).contains("index 0"));
    }
}
