//! Automatically ranked demonstrations: takes of a clip that are known to be better or worse than one another, because
//! each was made worse on purpose and by how much is known (D-REX: Brown, Goo, Niekum, CoRL 2019).

mod bundle;
mod families;
mod file;
mod order;
mod pairs;

pub use bundle::{bundle, unbundle};
pub use families::Family;
pub use file::FILE_EXTENSION;
pub use order::{HandOrder, Order};
pub use pairs::{Group, Pair};

pub(crate) use families::deviations;

use crate::RewardError;
use crate::features::{
    AudioFeatures, EMOTION_COLUMNS, MOTION_COLUMNS, check_rate, covered_frames, emotion_rows, is_heard,
    motion_rows, silence, unheard_rows,
};
use esarm_kernels::random::Random;
use esarm_values::{Audio, Emotion, Track};
use std::ops::Range;

/// Longest difference between a motion and its audio, seconds.
const LENGTH_TOLERANCE_SECS: f64 = 0.5;
/// Standard deviation below which a weight does not move.
const STILL: f32 = 1e-3;

/// What a take is judged against: the speech and the emotion of a clip, frame by frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Name of the clip.
    pub name: String,
    /// Audio rows `[frames, AUDIO_COLUMNS]`; zeros when the clip has no sound.
    pub audio: Vec<f32>,
    /// Emotion rows `[frames, EMOTION_COLUMNS]`; zeros when the emotion is not known.
    pub emotion: Vec<f32>,
    /// 1 for frames in which nothing is said.
    pub silence: Vec<f32>,
}

impl Scene {
    /// The scene of `frames` of a clip. Without audio or emotion it says that they are not known.
    ///
    /// # Errors
    /// When the audio is silent, not at 16 kHz, or not finite.
    pub fn new(
        name: &str,
        audio: Option<&Audio>,
        emotion: Option<&Emotion>,
        frames: Range<i64>,
        features: &AudioFeatures,
    ) -> Result<Self, RewardError> {
        let count = usize::try_from(frames.end - frames.start).unwrap_or(0);
        let rows = match audio {
            None => unheard_rows(count),
            Some(audio) => features.extract(audio, frames.clone())?,
        };
        let silence = silence(&rows);
        if audio.is_some() && !silence.contains(&0.0) {
            return Err(RewardError::Silent { name: name.to_owned() });
        }
        let emotion = match emotion {
            None => vec![0.0; count * EMOTION_COLUMNS],
            Some(emotion) => emotion_rows(emotion, frames),
        };
        Ok(Self { name: name.to_owned(), audio: rows, emotion, silence })
    }

    /// Number of frames.
    pub fn frame_count(&self) -> usize {
        self.silence.len()
    }

    /// Whether the clip has sound.
    pub fn is_heard(&self) -> bool {
        is_heard(&self.audio)
    }

    /// Whether the emotion is known.
    pub fn is_felt(&self) -> bool {
        self.emotion.first_chunk::<EMOTION_COLUMNS>().is_some_and(|row| row.iter().sum::<f32>() > 0.5)
    }
}

/// Where a ranked take comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A real demonstration: the best bin.
    Demonstration,
    /// A take as the policy made it.
    Take,
    /// A demonstration or take made worse.
    Varied(Family),
    /// The neutral face that never moves: the worst bin.
    Still,
}

/// A take with the level of its noise.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedTake {
    /// Name, unique among the takes of its clip, such as `white 0.30`.
    pub name: String,
    /// Where it comes from.
    pub kind: Kind,
    /// Level of the noise: 0 for none, 1 for the most, more for the still face. Smaller is better within a family.
    pub level: f32,
    /// Weights of the 52 ARKit shapes `[frames, MOTION_COLUMNS]` at 30 frames per second.
    pub motion: Vec<f32>,
    /// The emotion it is judged against, where that is not the scene's: `[frames, EMOTION_COLUMNS]`.
    pub emotion: Option<Vec<f32>>,
    /// The seed that a take of a generator was drawn with, by which it can be drawn again.
    pub seed: Option<u64>,
}

/// Ranked takes of one clip and the pairs that a reward learns from.
#[derive(Clone, Debug, PartialEq)]
pub struct Demonstrations {
    /// The speech and the emotion.
    pub scene: Scene,
    /// The takes.
    pub takes: Vec<RankedTake>,
    /// Which take is better than which.
    pub pairs: Vec<Pair>,
}

/// How demonstrations are made.
#[derive(Clone, Debug, PartialEq)]
pub struct RankSettings {
    /// Families to use; those without anything to act on in a clip are left out.
    pub families: Vec<Family>,
    /// Levels of noise, each within 0..=1 and above 0.
    pub levels: Vec<f32>,
    /// Smallest difference of level that makes a pair.
    pub margin: f32,
    /// Whether the still face is a worst bin.
    pub still: bool,
    /// Everything random is drawn from it.
    pub seed: u64,
}

impl Default for RankSettings {
    /// All families at five levels; the margin is the one of D-REX.
    fn default() -> Self {
        Self {
            families: Family::ALL.to_vec(),
            levels: vec![0.1, 0.3, 0.5, 0.7, 0.9],
            margin: 0.3,
            still: true,
            seed: 0,
        }
    }
}

/// A motion to make demonstrations of.
#[derive(Clone, Copy, Debug)]
pub struct Base<'a> {
    /// Name of the take; empty for the only one of its clip.
    pub name: &'a str,
    /// The motion.
    pub motion: &'a Track,
    /// Whether it is a real demonstration rather than a take of a policy.
    pub is_demonstration: bool,
    /// The seed that a take was drawn with, where it is known.
    pub seed: Option<u64>,
}

impl<'a> Base<'a> {
    /// A real demonstration.
    pub const fn demonstration(name: &'a str, motion: &'a Track) -> Self {
        Self { name, motion, is_demonstration: true, seed: None }
    }

    /// A take of a policy whose seed is not known.
    pub const fn take(name: &'a str, motion: &'a Track) -> Self {
        Self { name, motion, is_demonstration: false, seed: None }
    }
}

/// Ranked takes of a clip: every base as it is, made worse in every family at every level, and the still face.
///
/// Takes of a level draw their own noise, but see [`Family::Emotion`]. A margin between levels makes pairs of which it is sure that one is better.
///
/// # Errors
/// When a base has no frame or does not move, lengths of motion and audio differ by more than half a second, the audio is
/// silent, or a setting is out of range.
pub fn rank(
    name: &str,
    bases: &[Base<'_>],
    audio: Option<&Audio>,
    emotion: Option<&Emotion>,
    settings: &RankSettings,
) -> Result<Demonstrations, RewardError> {
    let frames = shared_frames(name, bases)?;
    if let Some(audio) = audio {
        check_lengths(name, bases, audio)?;
    }
    let scene = Scene::new(name, audio, emotion, frames.clone(), &AudioFeatures::new()?)?;
    let mut takes = Vec::new();
    for (number, base) in bases.iter().enumerate() {
        let motion = motion_rows(name, base.motion, frames.clone())?;
        if deviations(&motion).iter().all(|deviation| *deviation < STILL) {
            return Err(RewardError::motion(name, "does not move; demonstrations need a motion with life"));
        }
        let random = Random::new(settings.seed, number as u64);
        takes.extend(varied(&scene, base, &motion, settings, random)?);
    }
    if settings.still {
        takes.push(RankedTake {
            name: "still".to_owned(),
            kind: Kind::Still,
            level: 1.0 + settings.margin,
            motion: vec![0.0; scene.frame_count() * MOTION_COLUMNS],
            emotion: None,
            seed: None,
        });
    }
    let pairs = pairs::machine_pairs(&takes, settings.margin);
    Ok(Demonstrations { scene, takes, pairs })
}

/// The base and its variations.
fn varied(
    scene: &Scene,
    base: &Base<'_>,
    motion: &[f32],
    settings: &RankSettings,
    random: Random,
) -> Result<Vec<RankedTake>, RewardError> {
    let kind = if base.is_demonstration { Kind::Demonstration } else { Kind::Take };
    let own = match (base.name, kind) {
        ("", Kind::Demonstration) => "demonstration",
        ("", _) => "take",
        (name, _) => name,
    };
    let mut takes = vec![RankedTake {
        name: own.to_owned(),
        kind,
        level: 0.0,
        motion: motion.to_vec(),
        emotion: None,
        seed: base.seed,
    }];
    for family in settings.families.iter().filter(|family| family.fits(scene)) {
        for (index, level) in settings.levels.iter().enumerate() {
            let draw = if family.is_nested() { 0 } else { index as u64 };
            let seed = u64::from(random.split(*family as u64).words(draw)[0]);
            let varied = family.vary(scene, motion, *level, seed)?;
            let name = format!("{} {} {level:.2}", base.name, family.name());
            takes.push(RankedTake {
                name: name.trim_start().to_owned(),
                kind: Kind::Varied(*family),
                level: *level,
                motion: varied.motion,
                emotion: varied.emotion,
                seed: None,
            });
        }
    }
    Ok(takes)
}

/// The frames that all bases have.
fn shared_frames(name: &str, bases: &[Base<'_>]) -> Result<Range<i64>, RewardError> {
    let covered = bases.iter().map(|base| covered_frames(base.motion));
    let shared = covered.reduce(|a, b| a.start.max(b.start)..a.end.min(b.end)).unwrap_or(0..0);
    if shared.start >= shared.end {
        return Err(RewardError::motion(name, "has no frames; wire a motion or takes of the same time"));
    }
    Ok(shared)
}

fn check_lengths(name: &str, bases: &[Base<'_>], audio: &Audio) -> Result<(), RewardError> {
    check_rate(audio)?;
    let audio_secs = audio.duration_secs();
    let unequal = |base: &&Base<'_>| (base.motion.duration_secs() - audio_secs).abs() > LENGTH_TOLERANCE_SECS;
    match bases.iter().find(unequal) {
        None => Ok(()),
        Some(base) => {
            let motion_secs = base.motion.duration_secs();
            Err(RewardError::Unequal { name: name.to_owned(), motion_secs, audio_secs })
        }
    }
}

#[cfg(test)]
mod tests;
