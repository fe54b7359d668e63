//! Named terms beside the learnt reward, so that every rank says why.
//!
//! Each term is a plain function of a motion and what it belongs to. Values lie within 0..1, 1 being best, for the clip
//! and for every frame; a frame looks at most [`TERM_REACH_SECS`] to both sides.

use crate::RewardError;
use crate::demonstrations::deviations;
use crate::features::{
    AudioFeatures, EMOTION_COLUMNS, MOTION_COLUMNS, covered_frames, emotion_rows, loudness, motion_rows,
    silence,
};
use crate::signal::{best_lag, mean, pearson, standard_deviation};
use esarm_values::{ARKIT_SHAPES, Audio, Emotion, Track, arkit_index};
use serde::Serialize;

/// Seconds on both sides of a frame on which its terms depend.
pub const TERM_REACH_SECS: f64 = 1.0;
/// The same in frames.
const REACH: usize = 30;
/// Lips count as closed below this aperture, a share of the fully opened jaw, and as open from the second on.
const CLOSED: [f64; 2] = [0.08, 0.2];
/// Lip sync is searched within this lag, frames: 200 ms.
const LAG_REACH: usize = 6;
/// Standard deviation from which a channel counts as one that speech usually moves.
const USUALLY_MOVES: f32 = 0.01;
/// Most that a channel which stands still takes from liveliness: a frozen face has exp(-3), 0.05.
const MOST_LACK: f64 = 3.0;
/// Ratio of second to first differences of smooth motion and of independent noise (the square root of 3).
const ROUGHNESS: [f64; 2] = [0.8, 1.732];
/// Expression of a face, as length of its weights, that is no longer neutral.
const EXPRESSIVE: f64 = 1.2;
/// Share of emotions other than neutral below which only neutrality is asked for.
const LEAST_EMOTION: f64 = 0.05;

/// A named term.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Term {
    /// Stable name.
    pub name: &'static str,
    /// The clip's value, 0 to 1; absent where it is not defined.
    pub value: Option<f64>,
    /// How it is computed.
    pub formula: &'static str,
    /// What was found, in words.
    pub finding: String,
    /// The value of every frame; 1 where nothing is asked of a frame.
    #[serde(skip)]
    pub frames: Vec<f32>,
}

/// A motion and what it belongs to, at 30 frames per second.
pub struct Performance {
    motion: Vec<f32>,
    audio: Option<Vec<f32>>,
    emotion: Option<Vec<f32>>,
}

/// Names of the terms, in the order of [`Performance::terms`].
pub const TERM_NAMES: [&str; 5] = ["lip_sync", "closures", "emotion_agreement", "liveliness", "smoothness"];

impl Performance {
    /// Reads a motion with its speech and emotion, where they are known.
    ///
    /// # Errors
    /// When the motion has no frame, no ARKit shape or a weight that is not finite, or the audio is not at 16 kHz.
    pub fn new(
        motion: &Track,
        audio: Option<&Audio>,
        emotion: Option<&Emotion>,
    ) -> Result<Self, RewardError> {
        let frames = covered_frames(motion);
        let name = audio.map_or("motion", |audio| audio.name.as_str());
        let audio = match audio {
            None => None,
            Some(audio) => Some(AudioFeatures::new()?.extract(audio, frames.clone())?),
        };
        Ok(Self {
            motion: motion_rows(name, motion, frames.clone())?,
            audio,
            emotion: emotion.map(|emotion| emotion_rows(emotion, frames)),
        })
    }

    /// All terms, in the order of [`TERM_NAMES`]. `usual`: how much each ARKit weight usually moves, as standard
    /// deviation, see [`crate::RewardWeights::liveliness`].
    pub fn terms(&self, usual: &[f32]) -> Vec<Term> {
        vec![
            self.lip_sync(),
            self.closures(),
            self.emotion_agreement(),
            self.liveliness(usual),
            self.smoothness(),
        ]
    }

    /// Whether the lips part with the sound.
    pub fn lip_sync(&self) -> Term {
        let formula =
            "pearson(max(jawOpen - mouthClose, 0), loudness), at least 0; frames: over 2 s around each";
        let Some(audio) = &self.audio else {
            return self.undefined("lip_sync", formula, "there is no sound");
        };
        let (aperture, loudness) = (self.aperture(), loudness(audio));
        let local = |around: std::ops::Range<usize>| {
            pearson(&aperture[around.clone()], &loudness[around]).map_or(0.0, |value| value.max(0.0))
        };
        let finding = match best_lag(&loudness, &aperture, LAG_REACH) {
            None => "mouth or sound does not vary".to_owned(),
            Some((lag, best)) => {
                let lag_ms = lag as f64 * 1000.0 / 30.0;
                format!("mouth and sound agree best ({best:.2}) with the mouth {lag_ms:.0} ms late")
            }
        };
        Term {
            name: "lip_sync",
            value: pearson(&aperture, &loudness).map(|value| value.max(0.0)),
            formula,
            finding,
            frames: self.around_each(local),
        }
    }

    /// Whether the lips are closed where nothing is said.
    pub fn closures(&self) -> Term {
        let formula = "mean over silent frames of 1 - (aperture - 0.08) / 0.12 within 0..1; silent: 30 dB under the \
                       loudest nearby for 0.17 s";
        let Some(audio) = &self.audio else {
            return self.undefined("closures", formula, "there is no sound");
        };
        let closed = |aperture: f64| (1.0 - (aperture - CLOSED[0]) / (CLOSED[1] - CLOSED[0])).clamp(0.0, 1.0);
        let aperture = self.aperture();
        let silence = silence(audio);
        let asked: Vec<f64> = aperture
            .iter()
            .zip(&silence)
            .filter(|(_, silent)| **silent > 0.5)
            .map(|(aperture, _)| closed(*aperture))
            .collect();
        let shut = asked.iter().filter(|value| **value >= 1.0).count();
        let frame =
            |(aperture, silent): (&f64, &f32)| if *silent > 0.5 { closed(*aperture) as f32 } else { 1.0 };
        Term {
            name: "closures",
            value: (!asked.is_empty()).then(|| mean(&asked)),
            formula,
            finding: format!("lips closed in {shut} of {} silent frames", asked.len()),
            frames: aperture.iter().zip(&silence).map(frame).collect(),
        }
    }

    /// Whether the face shows the emotion.
    pub fn emotion_agreement(&self) -> Term {
        let formula = "cosine of the mean expression over 2 s and the action units of the emotion, less that of the \
                       likeliest other one, halved, plus 1/2; neutral: 1 - |expression| / 1.2";
        let Some(emotion) = &self.emotion else {
            return self.undefined("emotion_agreement", formula, "the emotion is not known");
        };
        let shown = Shown::new();
        let local = |around: std::ops::Range<usize>| {
            let face = mean_row(&self.motion, MOTION_COLUMNS, around.clone());
            shown.agreement(&face, &mean_row(emotion, EMOTION_COLUMNS, around))
        };
        let frames = self.around_each(local);
        let all = 0..self.frame_count();
        let seen = shown.likeliest(&mean_row(&self.motion, MOTION_COLUMNS, all));
        let value = mean(&frames.iter().copied().map(f64::from).collect::<Vec<_>>());
        Term {
            name: "emotion_agreement",
            value: Some(value),
            formula,
            finding: format!("the face looks most like {seen}"),
            frames,
        }
    }

    /// Whether the face moves as much as faces usually do in speech: a frozen face has 0.05, and more than usual is not
    /// rewarded.
    pub fn liveliness(&self, usual: &[f32]) -> Term {
        let formula = "exp(-mean over channels of ln(usual std / std) within 0..3); channels that speech usually moves by \
                       0.01 or more; frames: over 2 s around each";
        let columns: Vec<usize> = (0..MOTION_COLUMNS)
            .filter(|column| usual.get(*column).is_some_and(|it| *it >= USUALLY_MOVES))
            .collect();
        if columns.is_empty() {
            return self.undefined("liveliness", formula, "it is not known how much faces usually move");
        }
        let lively = |around: std::ops::Range<usize>| {
            let spread = deviations(&self.motion[around.start * MOTION_COLUMNS..around.end * MOTION_COLUMNS]);
            let lack = |column: &usize| {
                f64::from(usual[*column] / spread[*column].max(1e-5)).ln().clamp(0.0, MOST_LACK)
            };
            (-mean(&columns.iter().map(lack).collect::<Vec<_>>())).exp()
        };
        let value = lively(0..self.frame_count());
        let still = columns.iter().filter(|column| self.column(**column).is_still()).count();
        Term {
            name: "liveliness",
            value: Some(value),
            formula,
            finding: format!("{still} of {} channels that usually move stand still", columns.len()),
            frames: self.around_each(lively),
        }
    }

    /// Whether the motion is free of jitter.
    pub fn smoothness(&self) -> Term {
        let formula = "1 - (q - 0.8) / 0.932 within 0..1, q = rms of second / rms of first differences over all \
                       channels at 30 fps; frames: over 2 s around each";
        let smooth = |around: std::ops::Range<usize>| {
            let q = roughness(&self.motion[around.start * MOTION_COLUMNS..around.end * MOTION_COLUMNS]);
            (1.0 - (q - ROUGHNESS[0]) / (ROUGHNESS[1] - ROUGHNESS[0])).clamp(0.0, 1.0)
        };
        let q = roughness(&self.motion);
        Term {
            name: "smoothness",
            value: Some(smooth(0..self.frame_count())),
            formula,
            finding: format!("roughness {q:.2}, where independent noise has 1.73"),
            frames: self.around_each(smooth),
        }
    }

    /// Number of frames.
    pub fn frame_count(&self) -> usize {
        self.motion.len() / MOTION_COLUMNS
    }

    fn undefined(&self, name: &'static str, formula: &'static str, why: &str) -> Term {
        Term { name, value: None, formula, finding: why.to_owned(), frames: vec![1.0; self.frame_count()] }
    }

    fn around_each(&self, value: impl Fn(std::ops::Range<usize>) -> f64) -> Vec<f32> {
        let frames = self.frame_count();
        let around = |frame: usize| frame.saturating_sub(REACH)..(frame + REACH + 1).min(frames);
        (0..frames).map(|frame| value(around(frame)) as f32).collect()
    }

    /// How far the lips part in each frame, as a share of the opened jaw.
    fn aperture(&self) -> Vec<f64> {
        let column = |shape: &str| arkit_index(shape).unwrap_or(0);
        let (open, close) = (column("jawOpen"), column("mouthClose"));
        let rows = self.motion.chunks_exact(MOTION_COLUMNS);
        rows.map(|row| f64::from((row[open] - row[close]).max(0.0))).collect()
    }

    fn column(&self, column: usize) -> Column {
        Column(self.motion.iter().skip(column).step_by(MOTION_COLUMNS).copied().map(f64::from).collect())
    }
}

struct Column(Vec<f64>);

impl Column {
    fn is_still(&self) -> bool {
        standard_deviation(&self.0) < 1e-3
    }
}

/// How much takes of one line differ: the mean over pairs of takes and frames of the distance of their ARKit weights,
/// not squared. `None` for fewer than two takes.
///
/// # Errors
/// When a take has no frame or no ARKit shape.
pub fn diversity(takes: &[&Track]) -> Result<Option<f64>, RewardError> {
    let distances = take_distances(takes)?;
    let pairs = takes.len() * takes.len().saturating_sub(1);
    Ok((pairs > 0).then(|| distances.iter().flatten().sum::<f64>() / pairs as f64))
}

/// The mean distance over frames of the ARKit weights of each take to each other one: `[takes][takes]`.
///
/// # Errors
/// When a take has no frame or no ARKit shape.
pub fn take_distances(takes: &[&Track]) -> Result<Vec<Vec<f64>>, RewardError> {
    let rows: Vec<Vec<f32>> = takes
        .iter()
        .enumerate()
        .map(|(number, take)| motion_rows(&format!("take {number}"), take, covered_frames(take)))
        .collect::<Result<_, _>>()?;
    let distance = |a: &Vec<f32>, b: &Vec<f32>| {
        let frames = a.chunks_exact(MOTION_COLUMNS).zip(b.chunks_exact(MOTION_COLUMNS));
        let apart = |(a, b): (&[f32], &[f32])| {
            a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
        };
        mean(&frames.map(apart).collect::<Vec<_>>())
    };
    Ok(rows.iter().map(|a| rows.iter().map(|b| distance(a, b)).collect()).collect())
}

fn mean_row(rows: &[f32], width: usize, frames: std::ops::Range<usize>) -> Vec<f64> {
    let count = frames.len().max(1) as f64;
    let mut sums = vec![0.0; width];
    for row in rows[frames.start * width..frames.end * width].chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    sums.iter().map(|sum| sum / count).collect()
}

/// Root mean square of second differences by that of first differences, over all channels; 0 of what does not move.
fn roughness(motion: &[f32]) -> f64 {
    let rows: Vec<&[f32]> = motion.chunks_exact(MOTION_COLUMNS).collect();
    let (mut first, mut second) = (0.0, 0.0);
    for three in rows.windows(3) {
        for ((a, b), c) in three[0].iter().zip(three[1]).zip(three[2]) {
            first += f64::from(c - b).powi(2);
            second += f64::from(c - 2.0 * b + a).powi(2);
        }
    }
    if first > 1e-9 { (second / first).sqrt() } else { 0.0 }
}

/// Action units of the emotions as ARKit shapes: EMFACS (Friesen and Ekman 1983), translated. A name without a side
/// stands for both.
const SIGNATURES: [(usize, &[(&str, f64)]); 7] = [
    (1, &[("mouthSmile", 0.8), ("cheekSquint", 0.7), ("eyeSquint", 0.3), ("mouthDimple", 0.2)]),
    (2, &[("browInnerUp", 0.7), ("mouthFrown", 0.6), ("mouthShrugLower", 0.4), ("browDown", 0.2)]),
    (3, &[("browDown", 0.8), ("mouthPress", 0.4), ("eyeSquint", 0.4), ("eyeWide", 0.3), ("noseSneer", 0.3)]),
    (4, &[("browInnerUp", 0.7), ("eyeWide", 0.7), ("mouthStretch", 0.5), ("browOuterUp", 0.4)]),
    (
        5,
        &[
            ("noseSneer", 0.8),
            ("mouthUpperUp", 0.5),
            ("browDown", 0.3),
            ("mouthFrown", 0.3),
            ("eyeSquint", 0.3),
        ],
    ),
    (6, &[("browOuterUp", 0.8), ("browInnerUp", 0.7), ("eyeWide", 0.6)]),
    (7, &[("mouthDimpleRight", 0.6), ("mouthSmileRight", 0.4), ("mouthPress", 0.2)]),
];

/// What emotions look like.
struct Shown {
    /// For each emotion from 1 on, unit vectors of ARKit weights.
    faces: Vec<Vec<f64>>,
    /// Channels that any of them uses.
    expressive: Vec<bool>,
}

impl Shown {
    fn new() -> Self {
        let face = |shapes: &[(&str, f64)]| {
            let mut row = vec![0.0; MOTION_COLUMNS];
            for (column, shape) in ARKIT_SHAPES.iter().enumerate() {
                let bare = shape.trim_end_matches("Left").trim_end_matches("Right");
                let named = shapes.iter().find(|(name, _)| name == shape || *name == bare);
                row[column] = named.map_or(0.0, |(_, weight)| *weight);
            }
            let length = length(&row);
            row.iter().map(|weight| weight / length).collect::<Vec<f64>>()
        };
        let faces: Vec<Vec<f64>> = SIGNATURES.iter().map(|(_, shapes)| face(shapes)).collect();
        let expressive =
            (0..MOTION_COLUMNS).map(|column| faces.iter().any(|face| face[column] > 0.0)).collect();
        Self { faces, expressive }
    }

    /// How well a face fits weights of emotions, 0 to 1.
    fn agreement(&self, face: &[f64], emotion: &[f64]) -> f64 {
        let expression = self.expression(face);
        let neutral = (1.0 - length(&expression) / EXPRESSIVE).clamp(0.0, 1.0);
        let felt: f64 = emotion[1..].iter().sum();
        if felt < LEAST_EMOTION {
            return neutral;
        }
        let fits: Vec<f64> = self.faces.iter().map(|face| cosine(&expression, face)).collect();
        let mut target = vec![0.0; MOTION_COLUMNS];
        for (face, weight) in self.faces.iter().zip(&emotion[1..]) {
            target.iter_mut().zip(face).for_each(|(sum, value)| *sum += weight * value);
        }
        let asked = |index: usize| emotion[1 + index] > 0.2 * felt;
        let other =
            (0..fits.len()).filter(|index| !asked(*index)).map(|index| fits[index]).fold(0.0, f64::max);
        let shown = (0.5 + 0.5 * (cosine(&expression, &target) - other)).clamp(0.0, 1.0);
        let felt = felt.min(1.0);
        felt * shown + (1.0 - felt) * shown.max(neutral)
    }

    fn likeliest(&self, face: &[f64]) -> &'static str {
        let expression = self.expression(face);
        if length(&expression) < 0.25 {
            return "neutral";
        }
        let best = SIGNATURES
            .iter()
            .zip(&self.faces)
            .max_by(|(_, a), (_, b)| cosine(&expression, a).total_cmp(&cosine(&expression, b)));
        best.map_or("neutral", |((index, _), _)| esarm_values::EMOTIONS[*index])
    }

    fn expression(&self, face: &[f64]) -> Vec<f64> {
        face.iter()
            .zip(&self.expressive)
            .map(|(weight, counts)| if *counts { *weight } else { 0.0 })
            .collect()
    }
}

fn length(row: &[f64]) -> f64 {
    row.iter().map(|value| value * value).sum::<f64>().sqrt()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let scale = length(a) * length(b);
    if scale > 1e-9 { a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / scale } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::talking;
    use esarm_values::FrameRate;

    fn value(term: &Term) -> f64 {
        assert!(term.frames.iter().all(|value| (0.0..=1.0).contains(value)), "{}", term.name);
        term.value.unwrap_or(f64::NAN)
    }

    #[test]
    fn a_mouth_that_follows_the_sound_is_in_sync_and_a_late_one_less() {
        let (audio, motion) = talking(1, 5.0);
        let of = |motion: &Track| value(&Performance::new(motion, Some(&audio), None).unwrap().lip_sync());
        let late = motion.window(0, 144).starting_at(6);
        assert!(of(&motion) > 0.6 && of(&late) < of(&motion) - 0.2, "{} {}", of(&motion), of(&late));
    }

    #[test]
    fn open_lips_in_a_pause_are_found() {
        let (audio, motion) = talking(1, 3.0);
        let of = |motion: &Track| value(&Performance::new(motion, Some(&audio), None).unwrap().closures());
        let mut open = motion.clone();
        open.values_mut().iter_mut().step_by(4).for_each(|jaw| *jaw += 0.2);
        assert!(of(&motion) > 0.9 && of(&open) < 0.2, "{} {}", of(&motion), of(&open));
    }

    #[test]
    fn faces_agree_with_their_emotion_alone() {
        let rate = FrameRate::whole(30);
        let face = |shapes: &[&str]| {
            let names: Vec<String> = shapes.iter().map(|shape| (*shape).to_owned()).collect();
            let count = 30 * names.len();
            Track::new(rate, names, vec![0.7; count]).unwrap()
        };
        let smiling = face(&["mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight"]);
        let neutral = Track::zeros(rate, vec!["jawOpen".to_owned()], 30).unwrap();
        let agreement = |motion: &Track, emotion: usize| {
            let emotion = Emotion::constant(emotion, 1.0);
            value(&Performance::new(motion, None, Some(&emotion)).unwrap().emotion_agreement())
        };
        assert!(agreement(&smiling, 1) > 0.8, "{}", agreement(&smiling, 1));
        for wrong in [0, 2, 3, 4, 5, 6] {
            assert!(agreement(&smiling, wrong) < 0.4, "{wrong}: {}", agreement(&smiling, wrong));
        }
        assert!(agreement(&neutral, 0) == 1.0 && agreement(&neutral, 3) <= 0.5);
        let term =
            Performance::new(&smiling, None, Some(&Emotion::constant(1, 1.0))).unwrap().emotion_agreement();
        assert_eq!(term.finding, "the face looks most like happy");
    }

    #[test]
    fn frozen_faces_are_not_lively_and_shaking_ones_not_smooth() {
        let (_, motion) = talking(1, 3.0);
        let usual = deviations(&motion_rows("", &motion, 0..90).unwrap());
        let of = |motion: &Track| {
            let terms = Performance::new(motion, None, None).unwrap().terms(&usual);
            (value(&terms[3]), value(&terms[4]))
        };
        let mut frozen = motion.clone();
        let held = motion.frame(20).to_vec();
        frozen.values_mut().chunks_exact_mut(4).for_each(|row| row.copy_from_slice(&held));
        let random = esarm_kernels::random::Random::new(1, 1);
        let mut shaking = motion.clone();
        let noise = |(index, value): (usize, &mut f32)| *value += 0.2 * random.normal(index as u64);
        shaking.values_mut().iter_mut().enumerate().for_each(noise);
        assert!(of(&motion).0 > 0.99 && of(&frozen).0 < 0.06, "{:?} {:?}", of(&motion), of(&frozen));
        assert!(of(&motion).1 > 0.5 && of(&shaking).1 < 0.2, "{:?} {:?}", of(&motion), of(&shaking));
    }

    #[test]
    fn terms_without_what_they_need_are_undefined() {
        let (_, motion) = talking(1, 1.0);
        let terms = Performance::new(&motion, None, None).unwrap().terms(&[]);
        assert_eq!(terms.iter().map(|term| term.name).collect::<Vec<_>>(), TERM_NAMES);
        let defined: Vec<bool> = terms.iter().map(|term| term.value.is_some()).collect();
        assert_eq!(defined, [false, false, false, false, true]);
    }

    #[test]
    fn equal_takes_are_not_diverse() {
        let (_, a) = talking(1, 1.0);
        let (_, b) = talking(2, 1.0);
        assert_eq!(diversity(&[&a, &a]).unwrap(), Some(0.0));
        assert!(diversity(&[&a, &b]).unwrap().unwrap() > 0.01);
        assert_eq!(diversity(&[&a]).unwrap(), None);
    }
}
