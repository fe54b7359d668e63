//! Onsets and beats: where sounds begin, and the pulse behind them.

use crate::KernelError;
use crate::error::require_finite;

/// Onset strength `[frames]` of a log-mel spectrogram `[frames, mel_count]` (natural logarithm of power): the mean
/// over the bands of the rise since the frame before, in decibels, falls counting 0. The first frame has 0, so a
/// window of a clip needs one frame before it.
///
/// The spectral flux of librosa's `onset_strength` (Böck and Widmer 2013, without vibrato suppression).
pub fn onset_strength(log_mel: &[f32], mel_count: usize) -> Result<Vec<f32>, KernelError> {
    if mel_count == 0 || !log_mel.len().is_multiple_of(mel_count) {
        let expected = format!("[frames, {mel_count}] with at least one band");
        return Err(KernelError::Shape { argument: "log_mel", found: vec![log_mel.len()], expected });
    }
    require_finite("log_mel", log_mel)?;
    let decibels = 10.0 / std::f32::consts::LN_10;
    let rise = |index: usize| {
        let rows = &log_mel[(index - 1) * mel_count..(index + 1) * mel_count];
        let (before, now) = rows.split_at(mel_count);
        before.iter().zip(now).map(|(before, now)| (now - before).max(0.0)).sum::<f32>() / mel_count as f32
    };
    Ok((0..log_mel.len() / mel_count)
        .map(|index| if index == 0 { 0.0 } else { rise(index) * decibels })
        .collect())
}

/// Which maxima are peaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeakSettings {
    /// A peak is the highest value within so many frames on both sides.
    pub max_frames: usize,
    /// Frames on both sides whose mean a peak is compared with.
    pub mean_frames: usize,
    /// A peak lies at least so far above that mean.
    pub delta: f32,
}

impl Default for PeakSettings {
    /// For onset strength at 100 frames a second: peaks at least 30 ms apart, 3 dB above the mean of 200 ms.
    fn default() -> Self {
        Self { max_frames: 3, mean_frames: 10, delta: 3.0 }
    }
}

/// Indices of the peaks of `[frames]` values, in increasing order (the conditions of Böck, Krebs, Schedl 2012, with
/// the same reach on both sides). Of equal neighbours the first is the peak. A peak depends on
/// `max(max_frames, mean_frames)` frames on both sides.
pub fn pick_peaks(values: &[f32], settings: &PeakSettings) -> Result<Vec<usize>, KernelError> {
    require_finite("values", values)?;
    let is_peak = |&index: &usize| {
        let around =
            |reach: usize| (index.saturating_sub(reach), values.len().min(index.saturating_add(reach + 1)));
        let (first, last) = around(settings.max_frames.min(values.len()));
        let is_highest = values[first..index].iter().all(|other| *other < values[index])
            && values[index + 1..last].iter().all(|other| *other <= values[index]);
        let (first, last) = around(settings.mean_frames.min(values.len()));
        is_highest && values[index] >= mean(&values[first..last]) + settings.delta
    };
    Ok((0..values.len()).filter(is_peak).collect())
}

/// How to find a pulse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BeatSettings {
    /// Frames of onset strength per second.
    pub frames_per_sec: f64,
    /// Beats per minute; `None` estimates them.
    pub tempo_bpm: Option<f64>,
    /// How strictly beats keep their distance; 100 is usual.
    pub tightness: f64,
}

impl Default for BeatSettings {
    /// 100 frames a second, an estimated tempo, the usual tightness.
    fn default() -> Self {
        Self { frames_per_sec: 100.0, tempo_bpm: None, tightness: 100.0 }
    }
}

/// Slowest and fastest tempo, in beats per minute.
const TEMPO_RANGE_BPM: (f64, f64) = (30.0, 300.0);
/// Tempo that the estimate prefers, and the width of the preference in octaves.
const PREFERRED_BPM: f64 = 120.0;
const PREFERENCE_OCTAVES: f64 = 1.0;

/// Tempo of `[frames]` onset strengths in beats per minute: the lag whose autocorrelation, weighted by a log-normal
/// preference for 120, is highest (Ellis 2007). `None` when nothing repeats. Depends on the whole clip.
pub fn estimate_tempo(strength: &[f32], frames_per_sec: f64) -> Result<Option<f64>, KernelError> {
    check_strength(strength, frames_per_sec)?;
    let lag_of = |bpm: f64| 60.0 * frames_per_sec / bpm;
    let shortest = lag_of(TEMPO_RANGE_BPM.1).ceil().max(1.0) as usize;
    let longest = (lag_of(TEMPO_RANGE_BPM.0).floor() as usize).min(strength.len() / 2);
    let average = mean(strength);
    let centred: Vec<f64> = strength.iter().map(|value| f64::from(value - average)).collect();
    let score = |lag: usize| {
        let products: f64 = centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum();
        let octaves = (60.0 * frames_per_sec / lag as f64 / PREFERRED_BPM).log2() / PREFERENCE_OCTAVES;
        products * (-0.5 * octaves * octaves).exp()
    };
    let scores: Vec<f64> = (shortest..=longest.max(shortest))
        .map(|lag| if lag < centred.len() { score(lag) } else { 0.0 })
        .collect();
    let best =
        (0..scores.len()).fold(0, |best, index| if scores[index] > scores[best] { index } else { best });
    let lag = (shortest + best) as f64 + parabola_offset(&scores, best);
    Ok((scores[best] > 0.0).then(|| 60.0 * frames_per_sec / lag))
}

/// Frames of the beats of `[frames]` onset strengths, in increasing order (Ellis: "Beat tracking by dynamic
/// programming", 2007). Depends on the whole clip.
///
/// The strength, in units of its standard deviation and smoothed by a Gaussian of a 32nd of a beat, is the score of
/// a beat; the score of a sequence adds `-tightness · ln²(distance / period)` for each distance.
pub fn track_beats(strength: &[f32], settings: &BeatSettings) -> Result<Vec<usize>, KernelError> {
    check_strength(strength, settings.frames_per_sec)?;
    let tightness_is_fine = settings.tightness > 0.0 && settings.tightness.is_finite();
    KernelError::unless(tightness_is_fine, "tightness", settings.tightness, "above 0")?;
    let tempo_bpm = match settings.tempo_bpm {
        Some(bpm) => Some(bpm),
        None => estimate_tempo(strength, settings.frames_per_sec)?,
    };
    let (Some(bpm), true) = (tempo_bpm, strength.iter().any(|value| *value > 0.0)) else {
        return Ok(Vec::new());
    };
    let allowed = format!("between {} and {}", TEMPO_RANGE_BPM.0, TEMPO_RANGE_BPM.1);
    KernelError::unless((TEMPO_RANGE_BPM.0..=TEMPO_RANGE_BPM.1).contains(&bpm), "tempo_bpm", bpm, allowed)?;
    let period = (60.0 * settings.frames_per_sec / bpm).round().max(1.0);
    let local = local_scores(strength, period);
    let (totals, links) = best_sequences(&local, period, settings.tightness);
    Ok(trace_back(&totals, &links))
}

fn check_strength(strength: &[f32], frames_per_sec: f64) -> Result<(), KernelError> {
    require_finite("strength", strength)?;
    let rate_is_fine = (1.0..=100_000.0).contains(&frames_per_sec);
    KernelError::unless(rate_is_fine, "frames_per_sec", frames_per_sec, "between 1 and 100000")
}

/// Strength in standard deviations, smoothed by a Gaussian of a 32nd of the period.
fn local_scores(strength: &[f32], period: f64) -> Vec<f64> {
    let average = mean(strength);
    let squares: f64 = strength.iter().map(|value| f64::from(value - average).powi(2)).sum();
    let deviation = (squares / (strength.len() as f64 - 1.0).max(1.0)).sqrt();
    let scale = if deviation > 0.0 { 1.0 / deviation } else { 1.0 };
    // Beyond six deviations of the Gaussian nothing is left.
    let reach = (6.0 * period / 32.0).ceil().min(period) as i64;
    let kernel: Vec<f64> =
        (-reach..=reach).map(|n| (-0.5 * (n as f64 * 32.0 / period).powi(2)).exp()).collect();
    let smooth = |index: usize| -> f64 {
        let first = index as i64 - reach;
        let at =
            |offset: usize| usize::try_from(first + offset as i64).ok().and_then(|index| strength.get(index));
        kernel
            .iter()
            .enumerate()
            .map(|(offset, weight)| weight * at(offset).map_or(0.0, |value| f64::from(*value)))
            .sum()
    };
    (0..strength.len()).map(|index| scale * smooth(index)).collect()
}

/// Score of the best sequence that ends at each frame, and its beat before.
fn best_sequences(local: &[f64], period: f64, tightness: f64) -> (Vec<f64>, Vec<Option<usize>>) {
    let (nearest, furthest) = ((period / 2.0).round().max(1.0) as usize, (2.0 * period).round() as usize);
    let costs: Vec<f64> =
        (nearest..=furthest).map(|lag| tightness * (lag as f64 / period).ln().powi(2)).collect();
    let threshold = 0.01 * local.iter().copied().fold(0.0, f64::max);
    let mut totals = vec![0.0; local.len()];
    let mut links = vec![None; local.len()];
    let mut has_begun = false;
    for index in 0..local.len() {
        // Frames before the clip count as sequences of score 0, so that the first beats are free to fall anywhere.
        let total_at = |lag: usize| index.checked_sub(lag).map_or(0.0, |before| totals[before]);
        let ways = (nearest..=furthest).zip(&costs).map(|(lag, cost)| (total_at(lag) - cost, lag));
        let (best, lag) =
            ways.fold((f64::NEG_INFINITY, 0), |best, way| if way.0 > best.0 { way } else { best });
        totals[index] = local[index] + best;
        has_begun |= local[index] >= threshold;
        links[index] = if has_begun { index.checked_sub(lag) } else { None };
    }
    (totals, links)
}

/// Follows the links from the last strong maximum of the totals.
fn trace_back(totals: &[f64], links: &[Option<usize>]) -> Vec<usize> {
    let is_peak = |index: &usize| {
        let before = index.checked_sub(1).map_or(f64::NEG_INFINITY, |index| totals[index]);
        // The totals may still rise at the last frame, so that it is no maximum.
        let after = totals.get(index + 1).copied().unwrap_or(f64::INFINITY);
        totals[*index] > before && totals[*index] >= after
    };
    let peaks: Vec<usize> = (0..totals.len()).filter(is_peak).collect();
    let mut heights: Vec<f64> = peaks.iter().map(|&index| totals[index]).collect();
    heights.sort_by(f64::total_cmp);
    let Some(median) = heights.get(heights.len() / 2) else { return Vec::new() };
    let last = peaks.iter().rev().find(|&&index| totals[index] * 2.0 > *median);
    let mut beats: Vec<usize> = std::iter::successors(last.copied(), |&index| links[index]).collect();
    beats.reverse();
    beats
}

fn mean(values: &[f32]) -> f32 {
    let sum: f64 = values.iter().copied().map(f64::from).sum();
    if values.is_empty() { 0.0 } else { (sum / values.len() as f64) as f32 }
}

/// Where the parabola through a maximum and its neighbours peaks, relative to the maximum.
fn parabola_offset(values: &[f64], index: usize) -> f64 {
    let (Some(before), Some(after)) =
        (index.checked_sub(1).map(|index| values[index]), values.get(index + 1))
    else {
        return 0.0;
    };
    let curvature = before - 2.0 * values[index] + after;
    if curvature < 0.0 { (0.5 * (before - after) / curvature).clamp(-0.5, 0.5) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn reference() -> serde_json::Value {
        serde_json::from_str(include_str!("../tests/reference/onsets.json")).unwrap()
    }

    fn numbers(value: &serde_json::Value) -> Vec<f32> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
    }

    #[test]
    fn strength_agrees_with_librosa() {
        let reference = reference();
        let found = onset_strength(&numbers(&reference["log_mel"]), 4).unwrap();
        let expected = numbers(&reference["strength"]);
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-3), "{found:?} {expected:?}");
    }

    #[test]
    fn beats_agree_with_librosa() {
        let reference = reference();
        for case in reference["beats"].as_array().unwrap() {
            let settings = BeatSettings { tempo_bpm: case["tempo_bpm"].as_f64(), ..BeatSettings::default() };
            let beats = track_beats(&numbers(&case["strength"]), &settings).unwrap();
            let expected: Vec<usize> = numbers(&case["frames"]).iter().map(|frame| *frame as usize).collect();
            // librosa takes the last frame for a beat when the score still rises there, and fits the one before.
            let settled = expected.len() - 2;
            assert_eq!(beats[..settled], expected[..settled]);
        }
    }

    /// Clicks every `period` frames over a little noise.
    fn clicks(period: usize, count: usize) -> Vec<f32> {
        let noise = |index: usize| 0.1 * Random::new(4, 0).uniform(index as u64);
        (0..count).map(|index| if index % period == 20 { 5.0 } else { 0.0 } + noise(index)).collect()
    }

    #[test]
    fn the_tempo_of_clicks_is_found() {
        for (period, bpm) in [(50, 120.0), (60, 100.0), (75, 80.0)] {
            let found = estimate_tempo(&clicks(period, 1000), 100.0).unwrap().unwrap();
            assert!((found - bpm).abs() < 1.0, "{period}: {found}");
            let beats = track_beats(&clicks(period, 1000), &BeatSettings::default()).unwrap();
            let on_clicks = beats.iter().filter(|beat| *beat % period == 20).count();
            assert!(on_clicks == beats.len() && on_clicks >= 1000 / period - 1, "{period}: {beats:?}");
        }
    }

    #[test]
    fn silence_has_no_beats() {
        assert!(track_beats(&[0.0; 500], &BeatSettings::default()).unwrap().is_empty());
        assert!(track_beats(&[], &BeatSettings::default()).unwrap().is_empty());
        assert!(track_beats(&[1.0], &BeatSettings::default()).unwrap().is_empty());
        assert_eq!(estimate_tempo(&[0.0; 500], 100.0).unwrap(), None);
    }

    #[test]
    fn peaks_stand_out_and_keep_their_distance() {
        let settings = PeakSettings { max_frames: 2, mean_frames: 4, delta: 0.5 };
        let values = [0.0, 0.0, 2.0, 1.9, 0.0, 0.0, 0.1, 0.0, 0.0, 3.0, 3.0, 0.0];
        assert_eq!(pick_peaks(&values, &settings).unwrap(), [2, 9]);
        assert!(pick_peaks(&[], &settings).unwrap().is_empty());
    }

    #[test]
    fn windows_give_the_peaks_of_the_whole() {
        let settings = PeakSettings::default();
        let values = clicks(17, 400);
        let whole = pick_peaks(&values, &settings).unwrap();
        let part = pick_peaks(&values[90..210], &settings).unwrap();
        let within = |peaks: &[usize], offset: usize| -> Vec<usize> {
            peaks.iter().map(|peak| peak + offset).filter(|peak| (100..200).contains(peak)).collect()
        };
        assert_eq!(within(&part, 90), within(&whole, 0));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        assert!(onset_strength(&[0.0; 5], 2).unwrap_err().to_string().contains("`log_mel`"));
        assert!(onset_strength(&[], 0).unwrap_err().to_string().contains("`log_mel`"));
        assert!(
            pick_peaks(&[f32::NAN], &PeakSettings::default()).unwrap_err().to_string().contains("`values`")
        );
        let fails = |settings: BeatSettings| track_beats(&[1.0; 50], &settings).unwrap_err().to_string();
        assert!(
            fails(BeatSettings { frames_per_sec: 0.0, ..BeatSettings::default() }).contains("frames_per_sec")
        );
        assert!(
            fails(BeatSettings { tempo_bpm: Some(5.0), ..BeatSettings::default() }).contains("tempo_bpm")
        );
        assert!(fails(BeatSettings { tightness: 0.0, ..BeatSettings::default() }).contains("tightness"));
    }
}
