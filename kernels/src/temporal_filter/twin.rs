//! The filters on plain slices, `[frames, channels]`.

use super::{Exponential, Median, OneEuro, SavitzkyGolay};
use crate::KernelError;
use crate::error::require_finite;
use rayon::prelude::*;
use std::f64::consts::TAU;

/// Outputs whose sums are kept side by side.
const LANES: usize = 16;
/// Side of the squares that are transposed at a time.
const TILE: usize = 32;

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
    check(values, channels, settings.len())?;
    settings.iter().try_for_each(SavitzkyGolay::check)?;
    Ok(smooth_by_polynomials(values, channels, settings))
}

/// Smooths by a low-pass that opens with speed: `cutoff = min_cutoff + beta |dx/dt|`, `alpha = 1 / (1 + rate / (2π
/// cutoff))` (Casiez, Roussel, Vogel: "1€ filter", CHI 2012).
pub fn one_euro(
    values: &[f32],
    channels: usize,
    frames_per_sec: f64,
    settings: &[OneEuro],
) -> Result<Vec<f32>, KernelError> {
    check(values, channels, settings.len())?;
    check_rate(frames_per_sec)?;
    settings.iter().try_for_each(OneEuro::check)?;
    Ok(smooth_by_speed(values, channels, frames_per_sec, settings))
}

/// Smooths by `y += (1 - exp(-1 / (rate · time constant))) (x - y)`, starting at the first value.
pub fn exponential(
    values: &[f32],
    channels: usize,
    frames_per_sec: f64,
    settings: &[Exponential],
) -> Result<Vec<f32>, KernelError> {
    check(values, channels, settings.len())?;
    check_rate(frames_per_sec)?;
    settings.iter().try_for_each(Exponential::check)?;
    Ok(smooth_exponentially(values, channels, frames_per_sec, settings))
}

/// Replaces each value by the median of the window around it; at the ends, of the part of the window that exists
/// (the lower middle when that is even). A frame depends on half a window on both sides.
pub fn median(values: &[f32], channels: usize, settings: &[Median]) -> Result<Vec<f32>, KernelError> {
    check(values, channels, settings.len())?;
    settings.iter().try_for_each(Median::check)?;
    Ok(medians(values, channels, settings))
}

/// The settings of a channel: its own, or those of all.
pub(super) fn of_channel<S>(settings: &[S], channel: usize) -> &S {
    &settings[channel.min(settings.len() - 1)]
}

pub(super) fn smooth_by_polynomials(values: &[f32], channels: usize, settings: &[SavitzkyGolay]) -> Vec<f32> {
    each_column(values, channels, |channel, column, output| {
        let fit = Fit::new(of_channel(settings, channel), column.len());
        if fit.window <= 1 {
            return output.copy_from_slice(column);
        }
        let (half, last) = (fit.window / 2, column.len() - fit.window);
        for index in 0..half {
            output[index] = weighted(fit.row(index), &column[..fit.window]);
            let from_end = fit.window - 1 - index;
            output[last + from_end] = weighted(fit.row(from_end), &column[last..]);
        }
        convolve(fit.row(half), column, &mut output[half..=half + last]);
    })
}

fn weighted(weights: &[f64], values: &[f32]) -> f32 {
    weights.iter().zip(values).map(|(weight, value)| weight * f64::from(*value)).sum::<f64>() as f32
}

/// `output[n] = Σ weights[k] column[n + k]`.
fn convolve(weights: &[f64], column: &[f32], output: &mut [f32]) {
    let mut blocks = output.chunks_exact_mut(LANES);
    let mut first = 0;
    for block in &mut blocks {
        let mut sums = [0.0_f64; LANES];
        for (weight, values) in weights.iter().zip(column[first..].windows(LANES)) {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * f64::from(*value));
        }
        block.iter_mut().zip(sums).for_each(|(slot, sum)| *slot = sum as f32);
        first += LANES;
    }
    for (offset, slot) in blocks.into_remainder().iter_mut().enumerate() {
        *slot = weighted(weights, &column[first + offset..]);
    }
}

pub(super) fn smooth_by_speed(
    values: &[f32],
    channels: usize,
    frames_per_sec: f64,
    settings: &[OneEuro],
) -> Vec<f32> {
    let alpha = |cutoff_hz: f64| 1.0 / (1.0 + frames_per_sec / (TAU * cutoff_hz));
    let each = |of: fn(&OneEuro) -> f64| -> Vec<f64> {
        (0..channels).map(|channel| of(of_channel(settings, channel))).collect()
    };
    let (rest, beta) = (each(|setting| setting.min_cutoff_hz), each(|setting| setting.beta));
    let speed_alpha: Vec<f64> = each(|setting| setting.derivative_cutoff_hz).into_iter().map(alpha).collect();
    let mut smooth = first_row(values, channels);
    let mut speed = vec![0.0; channels];
    let mut output = vec![0.0; values.len()];
    for (row, slots) in values.chunks_exact(channels).zip(output.chunks_exact_mut(channels)) {
        let states = smooth.iter_mut().zip(&mut speed).zip(rest.iter().zip(&beta).zip(&speed_alpha));
        for ((value, slot), ((smooth, speed), ((rest, beta), speed_alpha))) in
            row.iter().zip(slots).zip(states)
        {
            let value = f64::from(*value);
            *speed += speed_alpha * ((value - *smooth) * frames_per_sec - *speed);
            *smooth += alpha(rest + beta * speed.abs()) * (value - *smooth);
            *slot = *smooth as f32;
        }
    }
    output
}

/// The share of a new value that an exponential filter takes.
pub(super) fn share(setting: &Exponential, frames_per_sec: f64) -> f64 {
    let frames = frames_per_sec * setting.time_constant_secs;
    if frames > 0.0 { 1.0 - (-1.0 / frames).exp() } else { 1.0 }
}

pub(super) fn smooth_exponentially(
    values: &[f32],
    channels: usize,
    frames_per_sec: f64,
    settings: &[Exponential],
) -> Vec<f32> {
    let shares: Vec<f64> =
        (0..channels).map(|channel| share(of_channel(settings, channel), frames_per_sec)).collect();
    let mut smooth = first_row(values, channels);
    let mut output = vec![0.0; values.len()];
    for (row, slots) in values.chunks_exact(channels).zip(output.chunks_exact_mut(channels)) {
        for (((value, slot), smooth), share) in row.iter().zip(slots).zip(&mut smooth).zip(&shares) {
            *smooth += share * (f64::from(*value) - *smooth);
            *slot = *smooth as f32;
        }
    }
    output
}

fn first_row(values: &[f32], channels: usize) -> Vec<f64> {
    values.iter().take(channels).map(|value| f64::from(*value)).collect()
}

pub(super) fn medians(values: &[f32], channels: usize, settings: &[Median]) -> Vec<f32> {
    each_column(values, channels, |channel, column, output| {
        let half = of_channel(settings, channel).window_frames / 2;
        let mut sorted: Vec<f32> = Vec::with_capacity(2 * half.min(column.len()) + 1);
        let place =
            |sorted: &[f32], value: f32| sorted.partition_point(|other| other.total_cmp(&value).is_lt());
        for value in &column[..half.min(column.len())] {
            sorted.insert(place(&sorted, *value), *value);
        }
        for (index, slot) in output.iter_mut().enumerate() {
            if let Some(value) = column.get(index + half) {
                sorted.insert(place(&sorted, *value), *value);
            }
            *slot = sorted[(sorted.len() - 1) / 2];
            if let Some(first) = index.checked_sub(half) {
                sorted.remove(place(&sorted, column[first]));
            }
        }
    })
}

/// Applies `filter` (channel, its values, its output) to each channel.
fn each_column(
    values: &[f32],
    channels: usize,
    filter: impl Fn(usize, &[f32], &mut [f32]) + Sync,
) -> Vec<f32> {
    let frames = values.len() / channels;
    if frames == 0 {
        return Vec::new();
    }
    let columns = transposed(values, channels);
    let mut filtered = vec![0.0; values.len()];
    let outputs = filtered.par_chunks_exact_mut(frames).zip(columns.par_chunks_exact(frames));
    outputs.enumerate().for_each(|(channel, (output, column))| filter(channel, column, output));
    transposed(&filtered, frames)
}

/// The transpose of `[rows, width]`: `[width, rows]`.
fn transposed(values: &[f32], width: usize) -> Vec<f32> {
    let rows = values.len() / width;
    let mut output = vec![0.0; values.len()];
    output.par_chunks_mut(TILE * rows).enumerate().for_each(|(tile, output)| {
        let first = tile * TILE;
        let columns = output.len() / rows;
        for row in (0..rows).step_by(TILE) {
            for column in 0..columns {
                for inner in row..rows.min(row + TILE) {
                    output[column * rows + inner] = values[inner * width + first + column];
                }
            }
        }
    });
    output
}

fn check(values: &[f32], channels: usize, settings: usize) -> Result<(), KernelError> {
    if channels == 0 || !values.len().is_multiple_of(channels) {
        let expected = format!("[frames, {channels}] with at least one channel");
        return Err(KernelError::Shape { argument: "values", found: vec![values.len()], expected });
    }
    check_count(settings, channels)?;
    require_finite("values", values)
}

pub(super) fn check_count(settings: usize, channels: usize) -> Result<(), KernelError> {
    if settings == 1 || settings == channels {
        return Ok(());
    }
    let expected = format!("[1] or [{channels}], one per channel");
    Err(KernelError::Shape { argument: "settings", found: vec![settings], expected })
}

fn check_window(window_frames: usize) -> Result<(), KernelError> {
    let fine = window_frames % 2 == 1 && window_frames < 1 << 12;
    KernelError::unless(fine, "window_frames", window_frames, "odd and at most 4095")
}

pub(super) fn check_rate(frames_per_sec: f64) -> Result<(), KernelError> {
    let fine = frames_per_sec > 0.0 && frames_per_sec.is_finite();
    KernelError::unless(fine, "frames_per_sec", frames_per_sec, "above 0")
}

fn check_positive(name: &'static str, value: f64) -> Result<(), KernelError> {
    KernelError::unless(value > 0.0 && value.is_finite(), name, value, "above 0")
}

impl SavitzkyGolay {
    pub(super) fn check(&self) -> Result<(), KernelError> {
        check_window(self.window_frames)?;
        let order_is_fine = self.order < self.window_frames && self.order <= 9;
        KernelError::unless(order_is_fine, "order", self.order, "below window_frames and at most 9")
    }
}

impl OneEuro {
    pub(super) fn check(&self) -> Result<(), KernelError> {
        check_positive("min_cutoff_hz", self.min_cutoff_hz)?;
        KernelError::unless(self.beta >= 0.0, "beta", self.beta, "at least 0")?;
        check_positive("derivative_cutoff_hz", self.derivative_cutoff_hz)
    }
}

impl Exponential {
    pub(super) fn check(&self) -> Result<(), KernelError> {
        let time = self.time_constant_secs;
        KernelError::unless(time >= 0.0 && time.is_finite(), "time_constant_secs", time, "at least 0")
    }
}

impl Median {
    pub(super) fn check(&self) -> Result<(), KernelError> {
        check_window(self.window_frames)
    }
}

/// What turns the values of a window into those of the best polynomial.
pub(super) struct Fit {
    /// Length of the window, no longer than the clip; 1 or less passes values through.
    pub(super) window: usize,
    /// `[window, window]`.
    pub(super) weights: Vec<f64>,
}

impl Fit {
    pub(super) fn new(setting: &SavitzkyGolay, frames: usize) -> Self {
        let window = setting.window_frames.min(largest_odd(frames));
        let weights =
            if window <= 1 { Vec::new() } else { polynomial_fit(window, setting.order.min(window - 1)) };
        Self { window, weights }
    }

    /// The weights of the window's frame `index`.
    fn row(&self, index: usize) -> &[f64] {
        &self.weights[index * self.window..][..self.window]
    }
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
        serde_json::from_str(include_str!("../../tests/reference/temporal_filter.json")).unwrap()
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
