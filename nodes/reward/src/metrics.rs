//! Metrics of a motion by itself, against its speech, and against a reference motion. All work on blendshape weights
//! by channel name, so that they need no rig; vertex metrics need one and are not here.

use crate::frechet::frechet_distance;
use crate::movement::{
    beat_alignment, high_frequency_share, l1_diversity, mean_jerk, moving_deviations, out_of_range_share,
};
use crate::signal::{best_lag, mean, pearson, standard_deviation};
use esarm_values::{Audio, Track};
use serde::Serialize;
use std::borrow::Cow;

/// A figure with what a reader needs to compare it: formula, mask, unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// Stable name.
    pub name: &'static str,
    /// The figure; absent where it is not defined, such as a correlation with something constant.
    pub value: Option<f64>,
    /// Unit of the figure.
    pub unit: &'static str,
    /// How it is computed.
    pub formula: &'static str,
    /// The channels or frames it looks at.
    pub mask: Cow<'static, str>,
}

/// Lips count as closed below this aperture, a share of the fully opened jaw.
pub(crate) const CLOSED_APERTURE: f64 = 0.08;
/// Frames more than this far below the loudest count as silent, decibels.
const SILENCE_BELOW_PEAK_DB: f64 = 40.0;
/// Length of the stretch around a frame over which its loudness is measured, seconds: a few periods of the lowest voices,
/// and the same at every frame rate.
const LOUDNESS_SECS: f64 = 0.05;
/// Lip sync is searched within this lag, seconds.
const LAG_REACH_SECS: f64 = 0.2;

/// Metrics of `motion` by itself and against the speech it belongs to.
pub fn motion_metrics(audio: &Audio, motion: &Track) -> Vec<Metric> {
    let loudness_db = frame_loudness_db(audio, motion);
    let aperture = lip_aperture(motion);
    let peak_db = loudness_db.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let is_silent = are_silent(&loudness_db);
    let silent: Vec<f64> =
        aperture.iter().zip(is_silent).filter(|(_, silent)| *silent).map(|(aperture, _)| *aperture).collect();
    let reach = (LAG_REACH_SECS * motion.rate().frames_per_sec()).round() as usize;
    let energy: Vec<f64> =
        loudness_db.iter().map(|level| (level - peak_db).max(-SILENCE_BELOW_PEAK_DB)).collect();
    let sync = best_lag(&energy, &aperture, reach);
    let closed = silent.iter().filter(|aperture| **aperture < CLOSED_APERTURE).count();
    vec![
        Metric {
            name: "lip_sync_correlation",
            value: sync.map(|(_, correlation)| correlation),
            unit: "1",
            formula: "max over lags within 200 ms of pearson(lip aperture, loudness in dB)",
            mask: Cow::Borrowed("aperture = max(jawOpen - mouthClose, 0)"),
        },
        Metric {
            name: "lip_sync_lag",
            value: sync.map(|(lag, _)| lag as f64 * 1000.0 / motion.rate().frames_per_sec()),
            unit: "ms",
            formula: "the lag of lip_sync_correlation; positive when the lips come after the sound",
            mask: Cow::Borrowed("aperture = max(jawOpen - mouthClose, 0)"),
        },
        Metric {
            name: "silence_closure",
            value: (!silent.is_empty()).then(|| closed as f64 / silent.len() as f64),
            unit: "share of silent frames",
            formula: "share with lip aperture < 0.08",
            mask: Cow::Borrowed("frames more than 40 dB below the loudest"),
        },
        Metric {
            name: "silence_aperture",
            value: (!silent.is_empty()).then(|| mean(&silent)),
            unit: "weight",
            formula: "mean lip aperture",
            mask: Cow::Borrowed("frames more than 40 dB below the loudest"),
        },
        Metric {
            name: "liveliness",
            value: Some(mean(&moving_deviations(motion))),
            unit: "weight",
            formula: "mean over channels of std over time",
            mask: Cow::Borrowed("blendshape channels"),
        },
        Metric {
            name: "jerk",
            value: Some(mean_jerk(motion)),
            unit: "weight/s^3",
            formula: "mean |third difference| * fps^3",
            mask: Cow::Borrowed("blendshape channels"),
        },
        Metric {
            name: "high_frequency_share",
            value: high_frequency_share(motion),
            unit: "share of energy",
            formula: "energy above 8 Hz / energy above 0 Hz of the discrete Fourier transform, summed over channels",
            mask: Cow::Borrowed("blendshape channels"),
        },
        Metric {
            name: "beat_alignment",
            value: beat_alignment(&loudness_db, motion),
            unit: "1",
            formula: "mean over sound beats of exp(-distance^2 / (2 (0.1 s)^2)) to the nearest motion beat; sound beats: \
                      steepest rises of loudness, motion beats: minima of the speed of jaw, lips, brows and head",
            mask: Cow::Borrowed("jaw*, mouth*, brow*, head*"),
        },
        Metric {
            name: "l1_diversity",
            value: Some(l1_diversity(motion)),
            unit: "weight",
            formula: "mean over frames of sum over channels of |w - mean over frames of w|",
            mask: Cow::Borrowed("blendshape channels"),
        },
        Metric {
            name: "out_of_range",
            value: Some(out_of_range_share(motion)),
            unit: "share of weights",
            formula: "share outside 0..1",
            mask: Cow::Borrowed("blendshape channels"),
        },
    ]
}

/// Metrics of `motion` against `reference`, sampled at the reference's frames over the channels that both have.
pub fn reference_metrics(motion: &Track, reference: &Track) -> Vec<Metric> {
    let pairs = shared_channels(motion, reference);
    let named = |wanted: fn(&str) -> bool| -> Vec<&ChannelPair> {
        pairs.iter().filter(|pair| wanted(&pair.name)).collect()
    };
    let all = named(|_| true);
    let mouth = named(is_mouth);
    let upper = named(is_upper);
    let correlations: Vec<f64> = all
        .iter()
        .filter(|pair| standard_deviation(&pair.reference) > 0.01)
        .map(|pair| pearson(&pair.motion, &pair.reference).unwrap_or(0.0))
        .collect();
    let jaw = pairs.iter().find(|pair| pair.name == "jawOpen");
    let motions: Vec<&[f64]> = all.iter().map(|pair| &*pair.motion).collect();
    let references: Vec<&[f64]> = all.iter().map(|pair| &*pair.reference).collect();
    vec![
        Metric {
            name: "mean_blendshape_error",
            value: Some(mean(&all.iter().map(|pair| pair.mean_absolute_error()).collect::<Vec<_>>())),
            unit: "weight",
            formula: "mean |w - w_ref|, not squared",
            mask: Cow::Borrowed("shared blendshape channels"),
        },
        Metric {
            name: "lip_blendshape_error",
            value: Some(mean_frame_distance(&mouth)),
            unit: "weight",
            formula: "mean over frames of ||w - w_ref||_2, not squared",
            mask: Cow::Borrowed("jaw*, mouth*, tongueOut"),
        },
        Metric {
            name: "upper_face_blendshape_error",
            value: Some(mean_frame_distance(&upper)),
            unit: "weight",
            formula: "mean over frames of ||w - w_ref||_2, not squared",
            mask: Cow::Borrowed("brow*, eye*, cheekSquint*, noseSneer*"),
        },
        Metric {
            name: "upper_face_dynamics_deviation",
            value: Some(frame_energy_deviation(&upper)),
            unit: "weight^2",
            formula: "std over frames of sum w_ref^2 minus the same of w; positive when under-animated",
            mask: Cow::Borrowed("brow*, eye*, cheekSquint*, noseSneer*"),
        },
        Metric {
            name: "velocity_error",
            value: Some(velocity_error(&all, reference.rate().frames_per_sec())),
            unit: "weight/s",
            formula: "mean over frames of ||dw - dw_ref||_2 * fps, not squared",
            mask: Cow::Borrowed("shared blendshape channels"),
        },
        Metric {
            name: "jaw_correlation",
            value: jaw.and_then(|pair| pearson(&pair.motion, &pair.reference)),
            unit: "1",
            formula: "pearson over frames",
            mask: Cow::Borrowed("jawOpen"),
        },
        Metric {
            name: "mean_correlation",
            value: (!correlations.is_empty()).then(|| mean(&correlations)),
            unit: "1",
            formula: "mean over channels of pearson over frames; a channel that stays still counts 0",
            mask: Cow::Borrowed("shared channels whose reference has std > 0.01"),
        },
        Metric {
            name: "frechet_distance",
            value: frechet_distance(&motions, &references),
            unit: "weight^2",
            formula: "||m - m_ref||^2 + Tr(S + S_ref - 2 (S S_ref)^(1/2)), m and S mean and covariance of the frames' weights \
                      themselves, not of an encoder's features; squared; blind to the order of frames",
            mask: Cow::Borrowed("shared blendshape channels"),
        },
    ]
}

fn is_mouth(name: &str) -> bool {
    name.starts_with("jaw") || name.starts_with("mouth") || name == "tongueOut"
}

fn is_upper(name: &str) -> bool {
    ["brow", "eye", "cheekSquint", "noseSneer"].iter().any(|prefix| name.starts_with(prefix))
}

pub(crate) fn is_blendshape(name: &str) -> bool {
    esarm_values::ARKIT_SHAPES.contains(&name)
}

/// Level of the speech around the moment of each motion frame, decibels relative to full scale, at least -120.
fn frame_loudness_db(audio: &Audio, motion: &Track) -> Vec<f64> {
    let rate_hz = f64::from(audio.sample_rate_hz);
    let level = |frame: usize| {
        let moment_secs = motion.rate().secs_of(motion.start_frame() + frame as i64) - audio.start_secs();
        let at = |secs: f64| ((secs * rate_hz).round().max(0.0) as usize).min(audio.samples.len());
        let first = at(moment_secs - LOUDNESS_SECS / 2.0);
        let last = at(moment_secs + LOUDNESS_SECS / 2.0);
        let power: f64 = audio.samples[first..last].iter().map(|sample| f64::from(*sample).powi(2)).sum();
        10.0 * (power / (last - first).max(1) as f64 + 1e-12).log10()
    };
    (0..motion.frame_count()).map(level).collect()
}

/// Whether nothing is said at each frame of a motion: its sound is more than 40 dB below the loudest.
pub(crate) fn silent_frames(audio: &Audio, motion: &Track) -> Vec<bool> {
    are_silent(&frame_loudness_db(audio, motion))
}

fn are_silent(loudness_db: &[f64]) -> Vec<bool> {
    let peak_db = loudness_db.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    loudness_db.iter().map(|level| *level < peak_db - SILENCE_BELOW_PEAK_DB).collect()
}

fn column(motion: &Track, name: &str) -> Option<Vec<f64>> {
    motion.channel_index(name).map(|column| motion.channel(column).map(f64::from).collect())
}

/// How far the lips part, as a share of the opened jaw: max(jawOpen - mouthClose, 0).
pub(crate) fn lip_aperture(motion: &Track) -> Vec<f64> {
    let zeros = || vec![0.0; motion.frame_count()];
    let open = column(motion, "jawOpen").unwrap_or_else(zeros);
    let close = column(motion, "mouthClose").unwrap_or_else(zeros);
    open.iter().zip(&close).map(|(open, close)| (open - close).max(0.0)).collect()
}

fn velocity_error(pairs: &[&ChannelPair], frames_per_sec: f64) -> f64 {
    let frames = pairs.first().map_or(0, |pair| pair.reference.len());
    let step = |values: &[f64], frame: usize| values[frame + 1] - values[frame];
    let apart = |frame: usize| {
        let square = |pair: &&ChannelPair| (step(&pair.motion, frame) - step(&pair.reference, frame)).powi(2);
        pairs.iter().map(square).sum::<f64>().sqrt() * frames_per_sec
    };
    mean(&(0..frames.saturating_sub(1)).map(apart).collect::<Vec<_>>())
}

struct ChannelPair {
    name: String,
    motion: Vec<f64>,
    reference: Vec<f64>,
}

impl ChannelPair {
    fn mean_absolute_error(&self) -> f64 {
        mean(&self.motion.iter().zip(&self.reference).map(|(a, b)| (a - b).abs()).collect::<Vec<_>>())
    }
}

fn shared_channels(motion: &Track, reference: &Track) -> Vec<ChannelPair> {
    let frames = reference.frame_count();
    let rate = reference.rate();
    let resampled: Vec<Vec<f32>> = (0..frames)
        .map(|frame| motion.sample(rate.secs_of(reference.start_frame() + frame as i64)))
        .collect();
    let shared = reference.channels().iter().enumerate().filter(|(_, name)| is_blendshape(name));
    shared
        .filter_map(|(index, name)| {
            let column = motion.channel_index(name)?;
            Some(ChannelPair {
                name: name.clone(),
                motion: resampled.iter().map(|frame| f64::from(frame[column])).collect(),
                reference: reference.channel(index).map(f64::from).collect(),
            })
        })
        .collect()
}

fn per_frame(pairs: &[&ChannelPair], value: impl Fn(&ChannelPair, usize) -> f64) -> Vec<f64> {
    let frames = pairs.first().map_or(0, |pair| pair.reference.len());
    (0..frames).map(|frame| pairs.iter().map(|pair| value(pair, frame)).sum()).collect()
}

fn mean_frame_distance(pairs: &[&ChannelPair]) -> f64 {
    let squares = per_frame(pairs, |pair, frame| (pair.motion[frame] - pair.reference[frame]).powi(2));
    mean(&squares.iter().map(|square| square.sqrt()).collect::<Vec<_>>())
}

fn frame_energy_deviation(pairs: &[&ChannelPair]) -> f64 {
    let reference = per_frame(pairs, |pair, frame| pair.reference[frame].powi(2));
    let motion = per_frame(pairs, |pair, frame| pair.motion[frame].powi(2));
    standard_deviation(&reference) - standard_deviation(&motion)
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_values::FrameRate;

    fn find(metrics: &[Metric], name: &str) -> Option<f64> {
        metrics.iter().find(|metric| metric.name == name).and_then(|metric| metric.value)
    }

    /// A second of silence, then two seconds of a tone whose loudness swings, and a jaw that follows it.
    fn talking() -> (Audio, Track) {
        let swing = |time: f64| if time < 1.0 { 0.0 } else { 0.5 - 0.5 * (time * 9.0).cos() };
        let samples: Vec<f32> = (0..48_000)
            .map(|i| f64::from(i) / 16_000.0)
            .map(|time| (swing(time).powi(2) * (time * 800.0).sin()) as f32)
            .collect();
        let rate = FrameRate::whole(60);
        let jaw: Vec<f32> = (0..180).map(|frame| (swing(rate.secs_of(frame)) * 0.6) as f32).collect();
        let motion = Track::new(rate, vec!["jawOpen".to_owned()], jaw).unwrap();
        (Audio::new("tone", 16_000, samples), motion)
    }

    #[test]
    fn a_jaw_that_follows_the_sound_is_in_sync_and_closed_in_silence() {
        let (audio, motion) = talking();
        let metrics = motion_metrics(&audio, &motion);
        assert!(find(&metrics, "lip_sync_correlation").unwrap() > 0.75);
        assert!(find(&metrics, "lip_sync_lag").unwrap().abs() < 40.0);
        assert!(find(&metrics, "silence_closure").unwrap() > 0.9);
        assert_eq!(find(&metrics, "out_of_range"), Some(0.0));
    }

    #[test]
    fn loudness_is_that_around_the_frame_at_every_rate() {
        // A burst around a moment that is a frame at every rate.
        let burst_secs = 1.0;
        let samples = (0..32_000).map(|i| if (15_600..16_400).contains(&i) { 0.5 } else { 0.0 }).collect();
        let audio = Audio::new("burst", 16_000, samples);
        for frames_per_sec in [12, 25, 30, 60, 120] {
            let rate = FrameRate::whole(frames_per_sec);
            let still = Track::zeros(rate, vec!["jawOpen".to_owned()], rate.frames_in(2.0)).unwrap();
            let levels = frame_loudness_db(&audio, &still);
            let on_burst = (burst_secs * f64::from(frames_per_sec)) as usize;
            for step in 1..on_burst {
                let (before, after) = (levels[on_burst - step], levels[on_burst + step]);
                assert!((before - after).abs() < 0.1, "{frames_per_sec} fps, {step}: {before} {after}");
            }
            assert!((levels[on_burst] - 10.0 * 0.25_f64.log10()).abs() < 0.01, "{}", levels[on_burst]);
        }
    }

    #[test]
    fn the_truth_beats_a_still_and_a_shifted_motion() {
        let (_, truth) = talking();
        let still = Track::zeros(truth.rate(), truth.channels().clone(), truth.frame_count()).unwrap();
        let shifted = truth.window(12, 180).starting_at(0);
        let correlation =
            |motion: &Track| find(&reference_metrics(motion, &truth), "mean_correlation").unwrap();
        assert!((correlation(&truth) - 1.0).abs() < 1e-9);
        assert!(correlation(&shifted) < 0.6);
        assert_eq!(correlation(&still), 0.0);
        let error =
            |motion: &Track| find(&reference_metrics(motion, &truth), "lip_blendshape_error").unwrap();
        assert_eq!(error(&truth), 0.0);
        assert!(error(&still) > 0.1 && error(&shifted) > 0.05);
    }

    #[test]
    fn new_figures_rank_the_truth_first() {
        let (audio, truth) = talking();
        let still = Track::zeros(truth.rate(), truth.channels().clone(), truth.frame_count()).unwrap();
        let found = |motion: &Track, name: &str| find(&motion_metrics(&audio, motion), name);
        assert!(found(&truth, "beat_alignment").unwrap() > 0.3);
        assert_eq!(found(&still, "beat_alignment"), None);
        assert!(found(&truth, "l1_diversity").unwrap() > found(&still, "l1_diversity").unwrap());
        assert!(found(&truth, "silence_aperture").unwrap() < 0.01);
        let velocity = |motion: &Track| find(&reference_metrics(motion, &truth), "velocity_error").unwrap();
        assert!(velocity(&truth) == 0.0 && velocity(&still) > 0.5);
    }

    #[test]
    fn an_empty_motion_has_no_figures_but_no_panic() {
        let empty = Track::new(FrameRate::whole(60), vec!["jawOpen".to_owned()], vec![]).unwrap();
        let metrics = motion_metrics(&Audio::new("none", 16_000, vec![]), &empty);
        assert_eq!(find(&metrics, "lip_sync_correlation"), None);
        reference_metrics(&empty, &empty);
    }
}
