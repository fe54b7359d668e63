//! From the times of captured lines to frames at one exact rate.

use super::timecode::{Timecode, base_of, median};
use esarm_values::FrameRate;

/// Where each frame of the track takes its values.
pub(super) struct Grid {
    /// The exact rate.
    pub(super) rate: FrameRate,
    /// For each frame: the line before or at it, and the fraction of the way to the next line.
    pub(super) frames: Vec<(usize, f32)>,
    /// Frames that no line was captured for.
    pub(super) filled: usize,
    /// Whether the capture clock ran off the frames of the rate, so that every frame is interpolated.
    pub(super) resampled: bool,
}

/// Frames that `lines` captured lines may stand for: a jump in the timecodes cannot make memory grow without end.
fn most_frames(lines: usize) -> usize {
    lines.saturating_mul(10).saturating_add(10 * 60 * 60)
}

/// Seconds of each line from the first, rising across midnight; the index of a line that goes back in time otherwise.
pub(super) fn line_times(codes: &[Timecode]) -> Result<Vec<f64>, usize> {
    let base = f64::from(base_of(codes));
    let mut times = Vec::with_capacity(codes.len());
    let mut day = 0.0;
    for (index, code) in codes.iter().enumerate() {
        let mut time = code.secs_at(base) + day;
        if let Some(previous) = times.last() {
            if previous - time > 43_200.0 {
                day += 86_400.0;
                time += 86_400.0;
            }
            if time < *previous {
                return Err(index);
            }
        }
        times.push(time);
    }
    let first = times.first().copied().unwrap_or(0.0);
    times.iter_mut().for_each(|time| *time -= first);
    Ok(times)
}

/// Lays frames over line times that do not fall, at the nearest usual rate; `None` when the times span too much or
/// give no rate.
pub(super) fn lay(times: &[f64]) -> Option<Grid> {
    let mut steps: Vec<f64> =
        times.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0.0).collect();
    let Some(step) = median(&mut steps) else {
        // A single line has no rate of its own; the app's default stands in.
        return Some(Grid {
            rate: FrameRate::whole(60),
            frames: vec![(0, 0.0)],
            filled: 0,
            resampled: false,
        });
    };
    let fitted_fps = fitted_rate(times, step)?;
    let span_secs = times.last().copied().unwrap_or(0.0);
    let rate = usual_rate(fitted_fps, span_secs)?;
    let count = (span_secs * rate.frames_per_sec()).round() as usize + 1;
    if count > most_frames(times.len()) {
        return None;
    }
    let drift_frames = span_secs * (fitted_fps - rate.frames_per_sec()).abs();
    if drift_frames > 0.5 {
        return Some(resampled(times, rate));
    }
    Some(on_frames(times, rate, fitted_fps, count))
}

/// Frames per second by the number of median steps between the first and the last line.
fn fitted_rate(times: &[f64], step: f64) -> Option<f64> {
    let mut frames = 0.0;
    let mut fps = 1.0 / step;
    for pair in times.windows(2) {
        frames += ((pair[1] - pair[0]) * fps).round();
    }
    if frames > 0.0 {
        fps = frames / times.last()?;
    }
    fps.is_finite().then_some(fps)
}

/// The usual rate that `fps` means. A timecode is good to a thousandth of a sixtieth, which bounds how well a rate can
/// be told from a take of `span_secs`; capture clocks also run up to half a percent off their nominal rate.
fn usual_rate(fps: f64, span_secs: f64) -> Option<FrameRate> {
    let told_apart = (2.0 / 60_000.0 / span_secs.max(1e-3)).max(2e-5);
    let off = |rate: FrameRate| (fps / rate.frames_per_sec() - 1.0).abs();
    let whole = FrameRate::from_decimal(fps.round().max(1.0))?;
    if off(whole) <= told_apart {
        return Some(whole);
    }
    let ntsc = FrameRate::new((fps.round() as u32).max(1).checked_mul(1000)?, 1001)?;
    if off(ntsc) <= told_apart {
        return Some(ntsc);
    }
    let decimal = FrameRate::new((fps * 1000.0).round() as u32, 1000)?;
    let usual = [24, 25, 30, 48, 50, 60, 90, 100, 120, 240].map(FrameRate::whole);
    let nearest = usual.into_iter().find(|rate| off(*rate) < 5e-3);
    Some(nearest.unwrap_or(decimal))
}

/// Lines as they are, with gaps interpolated; of lines on the same frame the last counts.
fn on_frames(times: &[f64], rate: FrameRate, fitted_fps: f64, count: usize) -> Grid {
    let mut line_of = vec![None; count];
    for (line, time) in times.iter().enumerate() {
        let frame = ((time * fitted_fps).round() as usize).min(count - 1);
        line_of[frame] = Some(line);
    }
    let mut frames = Vec::with_capacity(count);
    let mut filled = 0;
    let mut at = 0;
    while at < count {
        let Some(line) = line_of[at] else {
            // The first frame always has a line, and each gap is filled up to the next one.
            at += 1;
            continue;
        };
        frames.push((line, 0.0));
        let next = (at + 1..count).find(|frame| line_of[*frame].is_some()).unwrap_or(count);
        for gap in at + 1..next {
            frames.push((line, (gap - at) as f32 / (next - at) as f32));
            filled += 1;
        }
        at = next;
    }
    Grid { rate, frames, filled, resampled: false }
}

/// Every frame interpolated at its true time.
fn resampled(times: &[f64], rate: FrameRate) -> Grid {
    let span_secs = times.last().copied().unwrap_or(0.0);
    let count = (span_secs * rate.frames_per_sec() + 1e-6).floor() as usize + 1;
    let step_secs = 1.0 / rate.frames_per_sec();
    let (mut frames, mut filled) = (Vec::with_capacity(count), 0);
    let mut line = 0;
    for frame in 0..count {
        let time = rate.secs_of(frame as i64);
        while line + 2 < times.len() && times[line + 1] <= time {
            line += 1;
        }
        let gap = times.get(line + 1).map_or(0.0, |next| next - times[line]);
        if gap > 1.5 * step_secs
            && time - times[line] > 0.5 * step_secs
            && times[line] + gap - time > 0.5 * step_secs
        {
            filled += 1;
        }
        let fraction = if gap > 0.0 { ((time - times[line]) / gap).clamp(0.0, 1.0) } else { 0.0 };
        frames.push((line, fraction as f32));
    }
    Grid { rate, frames, filled, resampled: true }
}
