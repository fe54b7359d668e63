//! Figures of one clip: of its motion, of the truth, and of the controls.

use super::controls::Control;
use super::figures;
use crate::RewardError;
use crate::demonstrations::{Base, Family, Kind, RankSettings, rank};
use crate::features::REWARD_RATE;
use crate::metrics::{lip_aperture, silent_frames};
use crate::model::RewardModel;
use crate::phones::Phone;
use crate::signal::mean;
use crate::vertices::Face;
use esarm_values::{Audio, Emotion, Track};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Ending of a file of measurements, without its dot.
pub(crate) const MEASUREMENTS_EXTENSION: &str = "measurements";
/// The layout of the file; a reader refuses any other.
const LAYOUT: &str = "esarm-measurements-1";
/// Column of the motion that is measured.
pub(super) const MOTION: &str = "motion";
/// Column of the truth, where there is a reference.
pub(super) const TRUTH: &str = "truth";
/// Noise levels at which the reward is asked.
const NOISE_LEVELS: [f32; 5] = [0.2, 0.4, 0.6, 0.8, 1.0];

/// What is measured of a clip.
#[derive(Clone, Copy)]
pub struct Clip<'a> {
    /// Name in tables.
    pub name: &'a str,
    /// The motion to measure.
    pub motion: &'a Track,
    /// What it should have been: the truth. Without it the controls are made of the motion itself.
    pub reference: Option<&'a Track>,
    /// The speech, mono at 16 kHz.
    pub audio: Option<&'a Audio>,
    /// What the face should feel.
    pub emotion: Option<&'a Emotion>,
    /// Phones of the speech, for the recall of closed lips.
    pub phones: Option<&'a [Phone]>,
    /// A head on whose surface errors are measured.
    pub face: Option<&'a Face>,
    /// Seed of the noise that the reward is asked about.
    pub seed: u64,
}

/// What a figure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// The learnt reward and the named terms.
    Performance,
    /// A motion by itself and against its speech.
    Speech,
    /// Weights against the reference.
    Weights,
    /// Millimetres on a head against the reference.
    Surface,
}

/// A figure of every column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What it is about.
    pub topic: Topic,
    /// Stable name.
    pub name: String,
    /// Unit of the values.
    pub unit: String,
    /// How it is computed.
    pub formula: String,
    /// The channels, vertices or frames it looks at.
    pub mask: String,
    /// A value for each column of the measurements, where it is defined.
    pub values: Vec<Option<f64>>,
}

/// How far the lips part over time, at 30 frames per second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LipOpening {
    /// Clip time of the first frame, seconds.
    pub start_secs: f64,
    /// The motion: `max(jawOpen - mouthClose, 0)`.
    pub motion: Vec<f32>,
    /// The reference; empty where there is none.
    pub reference: Vec<f32>,
    /// Whether nothing is said; empty without speech.
    pub silent: Vec<bool>,
}

/// How the reward falls as the truth is made worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseCurve {
    /// The noise family.
    pub family: String,
    /// Level of the noise and reward less that of the truth, the truth first.
    pub points: Vec<(f32, f64)>,
}

/// The figures of one clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    layout: String,
    /// Name of the clip.
    pub name: String,
    /// Length of the motion, seconds.
    pub duration_secs: f64,
    /// What was measured: the motion, the truth where there is a reference, the controls.
    pub columns: Vec<String>,
    /// The figures.
    pub figures: Vec<Figure>,
    /// How far the lips part over time.
    pub lip_opening: LipOpening,
    /// How the reward falls with noise.
    pub noise: Vec<NoiseCurve>,
    /// Why it is not known how the reward falls with noise.
    pub noise_unknown: Option<String>,
}

/// Measures a clip.
///
/// # Errors
/// When a motion is empty, has no ARKit shape or a weight that is not finite, or the audio is not at 16 kHz.
pub fn measure(clip: &Clip<'_>, model: &RewardModel) -> Result<Measurements, RewardError> {
    let truth = clip.reference.unwrap_or(clip.motion);
    let mut subjects: Vec<(&str, Cow<'_, Track>)> = vec![(MOTION, Cow::Borrowed(clip.motion))];
    subjects.extend(clip.reference.map(|reference| (TRUTH, Cow::Borrowed(reference))));
    subjects.extend(Control::ALL.map(|control| (control.name(), Cow::Owned(control.of(truth)))));
    let mut figures: Vec<Figure> = Vec::new();
    for (number, (_, motion)) in subjects.iter().enumerate() {
        let of_one = figures::of(clip, motion, model)?;
        if number == 0 {
            figures = of_one.iter().map(figures::Measured::to_figure).collect();
        }
        for (figure, measured) in figures.iter_mut().zip(&of_one) {
            figure.values.push(measured.value);
        }
    }
    let (noise, noise_unknown) = match noise(clip, truth, model) {
        Ok(curves) => (curves, None),
        Err(reason) => (Vec::new(), Some(reason.to_string())),
    };
    Ok(Measurements {
        layout: LAYOUT.to_owned(),
        name: clip.name.to_owned(),
        duration_secs: clip.motion.duration_secs(),
        columns: subjects.iter().map(|(name, _)| (*name).to_owned()).collect(),
        figures,
        lip_opening: lip_opening(clip),
        noise,
        noise_unknown,
    })
}

/// Lip opening of motion and reference at the frames that the motion covers.
fn lip_opening(clip: &Clip<'_>) -> LipOpening {
    let frames = crate::features::covered_frames(clip.motion);
    let resampled = |track: &Track| -> Vec<f32> {
        let values = frames.clone().flat_map(|frame| track.sample(REWARD_RATE.secs_of(frame))).collect();
        let resampled = Track::new(REWARD_RATE, track.channels().clone(), values);
        resampled.map_or_else(
            |_| Vec::new(),
            |track| lip_aperture(&track).iter().map(|value| *value as f32).collect(),
        )
    };
    let timing = Track::zeros(REWARD_RATE, vec!["jawOpen".to_owned()], frames.clone().count());
    let silent = |audio| timing.map(|timing| silent_frames(audio, &timing.starting_at(frames.start)));
    LipOpening {
        start_secs: REWARD_RATE.secs_of(frames.start),
        motion: resampled(clip.motion),
        reference: clip.reference.map(resampled).unwrap_or_default(),
        silent: clip.audio.and_then(|audio| silent(audio).ok()).unwrap_or_default(),
    }
}

/// The reward of the truth made worse, less that of the truth.
fn noise(clip: &Clip<'_>, truth: &Track, model: &RewardModel) -> Result<Vec<NoiseCurve>, RewardError> {
    let settings = RankSettings {
        levels: NOISE_LEVELS.to_vec(),
        still: false,
        seed: clip.seed,
        ..RankSettings::default()
    };
    let base = Base::demonstration("", truth);
    let ranked = rank(clip.name, &[base], clip.audio, clip.emotion, &settings)?;
    let reward = |take: &crate::demonstrations::RankedTake| {
        let emotion = take.emotion.as_ref().unwrap_or(&ranked.scene.emotion);
        let (rewards, _) = model.score_rows(&take.motion, &ranked.scene.audio, emotion);
        mean(&rewards.iter().map(|reward| f64::from(*reward)).collect::<Vec<_>>())
    };
    let untouched = ranked.takes.first().map_or(0.0, reward);
    let curve = |family: Family| {
        let takes = ranked.takes.iter().filter(|take| take.kind == Kind::Varied(family));
        let points = takes.map(|take| (take.level, reward(take) - untouched));
        let points: Vec<(f32, f64)> = std::iter::once((0.0, 0.0)).chain(points).collect();
        (points.len() > 1).then(|| NoiseCurve { family: family.name().to_owned(), points })
    };
    Ok(Family::ALL.into_iter().filter_map(curve).collect())
}

impl Measurements {
    /// The file's bytes: JSON.
    ///
    /// # Errors
    /// When JSON cannot hold a value.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RewardError> {
        serde_json::to_vec(self).map_err(|error| RewardError::measurements(&self.name, error))
    }

    /// Reads a file; `name` says in errors which it is.
    ///
    /// # Errors
    /// When it is no such file or of another layout.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, RewardError> {
        let fail = |what: String| {
            RewardError::measurements(name, format!("{what}; make the file again with eval.measure"))
        };
        let read: Self = serde_json::from_slice(bytes).map_err(|error| fail(error.to_string()))?;
        if read.layout != LAYOUT {
            return Err(fail(format!("its layout is {}, but must be {LAYOUT}", read.layout)));
        }
        match read.figures.iter().find(|figure| figure.values.len() != read.columns.len()) {
            Some(figure) => Err(fail(format!("{} has not a value for each column", figure.name))),
            None => Ok(read),
        }
    }

    /// The value of a figure in a column.
    pub(super) fn value(&self, topic: Topic, figure: &str, column: &str) -> Option<f64> {
        let column = self.columns.iter().position(|name| name == column)?;
        let figure = self.figures.iter().find(|it| it.topic == topic && it.name == figure)?;
        figure.values.get(column).copied().flatten()
    }
}
