//! How a motion moves by itself: how much, how smoothly, and when.

use crate::metrics::is_blendshape;
use crate::signal::{mean, standard_deviation};
use esarm_kernels::onsets::{PeakSettings, pick_peaks};
use esarm_values::Track;

fn blendshape_columns(motion: &Track) -> impl Iterator<Item = Vec<f64>> + '_ {
    let names = motion.channels().iter().enumerate().filter(|(_, name)| is_blendshape(name));
    names.map(|(index, _)| motion.channel(index).map(f64::from).collect())
}

/// Standard deviation over time of each blendshape channel.
pub(crate) fn moving_deviations(motion: &Track) -> Vec<f64> {
    blendshape_columns(motion).map(|values| standard_deviation(&values)).collect()
}

/// Mean size of the third differences, weight/s³.
pub(crate) fn mean_jerk(motion: &Track) -> f64 {
    let scale = motion.rate().frames_per_sec().powi(3);
    let jerk = |values: Vec<f64>| -> f64 {
        mean(
            &values
                .windows(4)
                .map(|w| (w[3] - 3.0 * w[2] + 3.0 * w[1] - w[0]).abs() * scale)
                .collect::<Vec<_>>(),
        )
    };
    mean(&blendshape_columns(motion).map(jerk).collect::<Vec<_>>())
}

/// Share of weights outside 0..1.
pub(crate) fn out_of_range_share(motion: &Track) -> f64 {
    let outside = |values: Vec<f64>| {
        values.iter().filter(|value| !(0.0..=1.0).contains(*value)).count() as f64
            / values.len().max(1) as f64
    };
    mean(&blendshape_columns(motion).map(outside).collect::<Vec<_>>())
}

/// Frequency from which movement is jitter, Hz.
const JITTER_HZ: f64 = 8.0;
/// Distance of beats that still counts well, seconds.
const BEAT_SIGMA_SECS: f64 = 0.1;

/// Share of the energy of movement that lies above [`JITTER_HZ`]; `None` when nothing moves or the frame rate cannot
/// hold it. Energies are taken in
/// stretches of 64 frames, so that long clips stay cheap.
pub(crate) fn high_frequency_share(motion: &Track) -> Option<f64> {
    const STRETCH: usize = 64;
    let frames_per_sec = motion.rate().frames_per_sec();
    let first = (JITTER_HZ * STRETCH as f64 / frames_per_sec).ceil() as usize;
    let (mut high, mut all) = (0.0, 0.0);
    for values in blendshape_columns(motion) {
        for stretch in values.chunks_exact(STRETCH) {
            for (bin, energy) in energies(stretch).into_iter().enumerate().skip(1) {
                all += energy;
                high += if bin >= first { energy } else { 0.0 };
            }
        }
    }
    (all > 1e-12 && first <= STRETCH / 2).then(|| high / all)
}

/// Energy of each frequency of a short stretch, its straight line taken away so that its ends do not count as jumps.
fn energies(values: &[f64]) -> Vec<f64> {
    let count = values.len();
    let slope = (values[count - 1] - values[0]) / (count - 1) as f64;
    let level: Vec<f64> = values.iter().enumerate().map(|(at, value)| value - slope * at as f64).collect();
    let energy = |bin: usize| {
        let turn = std::f64::consts::TAU * bin as f64 / count as f64;
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (at, value) in level.iter().enumerate() {
            real += value * (turn * at as f64).cos();
            imaginary += value * (turn * at as f64).sin();
        }
        real * real + imaginary * imaginary
    };
    (0..=count / 2).map(energy).collect()
}

/// How near beats of the motion lie to those of the sound; `None` when one of them has none.
pub(crate) fn beat_alignment(loudness_db: &[f64], motion: &Track) -> Option<f64> {
    let frames_per_sec = motion.rate().frames_per_sec();
    let reach = (0.1 * frames_per_sec).round().max(1.0) as usize;
    let rises: Vec<f64> = loudness_db.windows(2).map(|pair| (pair[1] - pair[0]).max(0.0)).collect();
    let sound: Vec<usize> = peaks(&rises, reach)?.into_iter().filter(|frame| rises[*frame] > 1.0).collect();
    let moving = ["jaw", "mouth", "brow", "head"];
    let columns: Vec<usize> = (0..motion.channels().len())
        .filter(|column| moving.iter().any(|prefix| motion.channels()[*column].starts_with(prefix)))
        .collect();
    let speed = |frame: usize| {
        let (now, next) = (motion.frame(frame), motion.frame(frame + 1));
        -columns.iter().map(|column| f64::from(next[*column] - now[*column]).powi(2)).sum::<f64>().sqrt()
    };
    let stillness: Vec<f64> = (0..motion.frame_count().saturating_sub(1)).map(speed).collect();
    let beats = peaks(&stillness, reach)?;
    if beats.is_empty() || sound.is_empty() {
        return None;
    }
    let nearness = |beat: &usize| {
        let distance =
            beats.iter().map(|other| beat.abs_diff(*other)).min().unwrap_or(0) as f64 / frames_per_sec;
        (-distance * distance / (2.0 * BEAT_SIGMA_SECS * BEAT_SIGMA_SECS)).exp()
    };
    Some(mean(&sound.iter().map(nearness).collect::<Vec<_>>()))
}

/// Frames whose value is the highest of those within `reach` on both sides, all of which are there; `None` of values
/// that are not finite.
fn peaks(values: &[f64], reach: usize) -> Option<Vec<usize>> {
    let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
    let inner = reach..values.len().saturating_sub(reach);
    let alone = PeakSettings { max_frames: reach, mean_frames: 0, delta: 0.0 };
    let peaks = pick_peaks(&values, &alone).ok()?;
    Some(peaks.into_iter().filter(|frame| inner.contains(frame)).collect())
}

/// Mean over frames of the summed distances from each channel's mean.
pub(crate) fn l1_diversity(motion: &Track) -> f64 {
    let spread = |values: Vec<f64>| {
        let centre = mean(&values);
        mean(&values.iter().map(|value| (value - centre).abs()).collect::<Vec<_>>())
    };
    blendshape_columns(motion).map(spread).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_values::FrameRate;

    #[test]
    fn jitter_is_high_frequency_and_slow_motion_is_not() {
        let rate = FrameRate::whole(60);
        let wave = |hz: f64| {
            let values = (0..256).map(|frame| (0.5 + 0.3 * (rate.secs_of(frame) * hz * 6.3).sin()) as f32);
            Track::new(rate, vec!["jawOpen".to_owned()], values.collect()).unwrap()
        };
        let (slow, quick) =
            (high_frequency_share(&wave(2.0)).unwrap(), high_frequency_share(&wave(20.0)).unwrap());
        assert!(slow < 0.05 && quick > 0.9, "{slow} {quick}");
        let still = Track::zeros(rate, vec!["jawOpen".to_owned()], 128).unwrap();
        assert_eq!(high_frequency_share(&still), None);
    }
}
