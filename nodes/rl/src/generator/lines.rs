//! Lines of speech with an emotion, prepared for a generator and its judges.

use super::GeneratorPolicy;
use crate::RlError;
use esarm_reward::Scene;
use esarm_reward::features::{AudioFeatures, REWARD_RATE};
use esarm_sta::policy::PolicyClip;
use esarm_sta::training::corpus::GridClip;
use esarm_sta::training::phones::Phone;
use esarm_sta::visemes::Viseme;
use esarm_values::{Audio, Digestible, Emotion, Hasher};

/// Sampling rate of the generator, Hz.
const SAMPLE_RATE_HZ: u32 = 16_000;

/// A clip of speech with what is felt in it.
pub struct SpeechLine {
    /// Name, for messages.
    pub name: String,
    /// The speech, mono at 16 kHz.
    pub audio: Audio,
    /// What is felt.
    pub emotion: Emotion,
    /// When the lips must meet: start and end of every p, b and m in seconds; empty where phones are not known.
    pub closures: Vec<(f64, f64)>,
    /// What the generator makes of the clip before any choice.
    pub(super) clip: PolicyClip,
    /// What judges see of speech and emotion.
    pub(super) scene: Scene,
}

impl SpeechLine {
    /// Prepares a clip for takes of `policy` and of all policies over the same generator.
    ///
    /// # Errors
    /// When the audio is silent, not mono at 16 kHz, or holds a sample that is no number.
    pub fn new(
        name: impl Into<String>,
        audio: Audio,
        emotion: Emotion,
        closures: Vec<(f64, f64)>,
        policy: &GeneratorPolicy,
        features: &AudioFeatures,
    ) -> Result<Self, RlError> {
        let name = name.into();
        let clip = policy.generator().prepare(&audio, &emotion)?;
        let frames = 0..REWARD_RATE.frames_in(audio.duration_secs()) as i64;
        let scene = Scene::new(&name, Some(&audio), Some(&emotion), frames, features)?;
        Ok(Self { name, audio, emotion, closures, clip, scene })
    }

    /// Digest of speech and emotion.
    pub fn digest_into(&self, hasher: &mut Hasher) {
        hasher.text(&self.name);
        self.audio.digest_into(hasher);
        self.emotion.track().digest_into(hasher);
    }
}

/// The line of a recording of a corpus, whose emotion is shown fully; `None` where it has none of the eight emotions.
///
/// # Errors
/// As [`SpeechLine::new`].
pub fn speech_line(
    clip: &GridClip,
    policy: &GeneratorPolicy,
    features: &AudioFeatures,
) -> Result<Option<SpeechLine>, RlError> {
    let Some(emotion) = clip.emotion else { return Ok(None) };
    let name = std::path::Path::new(&clip.name);
    let name = name.file_stem().map_or_else(|| clip.name.clone(), |stem| stem.to_string_lossy().into_owned());
    let audio = Audio::new(name.clone(), SAMPLE_RATE_HZ, clip.samples.clone());
    SpeechLine::new(name, audio, Emotion::constant(emotion, 1.0), closures(clip), policy, features).map(Some)
}

/// When the lips must meet: start and end of every p, b and m of a recording, in seconds.
pub(crate) fn closures(clip: &GridClip) -> Vec<(f64, f64)> {
    let meets = |phone: &&Phone| phone.viseme == Viseme::Bilabial;
    clip.phones.iter().filter(meets).map(|phone| (phone.start_secs, phone.end_secs)).collect()
}

/// At most `most` of several things, spread evenly over them, so that every kind is among them.
pub fn cut<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let count = all.len();
    let kept = most.min(count);
    let is_kept = |index: usize| index * kept / count.max(1) != (index + 1) * kept / count.max(1);
    all.into_iter().enumerate().filter(|(index, _)| is_kept(*index)).map(|(_, it)| it).collect()
}
