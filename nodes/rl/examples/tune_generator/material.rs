//! The recordings that the example tunes, checks and tests on, and the critic that tuning does not see.

use esarm_reward::features::AudioFeatures;
use esarm_reward::{Base, Family, RankSettings, RewardWeights, TrainOptions, rank, train};
use esarm_rl::generator::{GeneratorPolicy, SpeechLine, cut, speech_line};
use esarm_sta::generator::{GenerateOptions, Generator};
use esarm_sta::training::corpus::{GridClip, read_corpus};
use esarm_values::{Audio, Emotion, FrameRate, Hasher};
use std::error::Error;
use std::path::PathBuf;

/// Speakers that policies learn from.
const LEARNT: [&str; 3] = ["03", "08", "09"];
/// The speaker that runs are checked on.
const HELD_OUT: [&str; 1] = ["10"];
/// Speakers that no run has heard.
const TEST: [&str; 2] = ["11", "13"];
/// Most lines of each.
const MOST_LEARNT: usize = 96;
const MOST_HELD_OUT: usize = 16;
const MOST_TEST: usize = 40;
const MOST_CRITIC: usize = 48;
/// Speakers that the critic learns from, and its steps.
const CRITIC: [&str; 2] = ["09", "10"];
const CRITIC_STEPS: usize = 300;
/// The critic draws everything from this seed.
const CRITIC_SEED: u64 = 4242;

/// Lines of EMO-DB, apart by speaker.
pub(crate) struct Lines {
    pub(crate) learnt: Vec<SpeechLine>,
    pub(crate) held_out: Vec<SpeechLine>,
    pub(crate) test: Vec<SpeechLine>,
    pub(crate) digest: String,
}

fn recordings(speakers: &[&str], most: usize) -> Result<Vec<GridClip>, Box<dyn Error>> {
    let data = PathBuf::from(std::env::var("ESARM_DATA").unwrap_or_else(|_| "../shared/data".to_owned()));
    let mut clips = read_corpus(&data.join("emodb"))?;
    clips.retain(|clip| clip.emotion.is_some() && speakers.contains(&clip.speaker.as_str()));
    Ok(cut(clips, most))
}

pub(crate) fn read_lines(policy: &GeneratorPolicy) -> Result<Lines, Box<dyn Error>> {
    let features = AudioFeatures::new()?;
    let mut hasher = Hasher::new();
    let mut lines = |speakers: &[&str], most: usize| -> Result<Vec<SpeechLine>, Box<dyn Error>> {
        let mut lines = Vec::new();
        for clip in recordings(speakers, most)? {
            lines.extend(speech_line(&clip, policy, &features)?);
        }
        lines.iter().for_each(|line| line.digest_into(&mut hasher));
        Ok(lines)
    };
    let learnt = lines(&LEARNT, MOST_LEARNT)?;
    let held_out = lines(&HELD_OUT, MOST_HELD_OUT)?;
    let test = lines(&TEST, MOST_TEST)?;
    Ok(Lines { learnt, held_out, test, digest: hasher.finish().to_string() })
}

/// A small reward from other lines, other noise families and another seed than the shipped one: takes of the start and
/// the neutral face, made worse without any noise on single frames.
pub(crate) fn critic_weights() -> Result<RewardWeights, Box<dyn Error>> {
    let families =
        vec![Family::Replacement, Family::Desync, Family::Smoothing, Family::Amplitude, Family::Emotion];
    let generator = Generator::load_embedded()?;
    let mut sets = Vec::new();
    for (number, clip) in recordings(&CRITIC, MOST_CRITIC)?.iter().enumerate() {
        let seed = CRITIC_SEED + number as u64;
        let audio = Audio::new(clip.name.clone(), 16_000, clip.samples.clone());
        let emotion = Emotion::constant(clip.emotion.unwrap_or_default(), 1.0);
        let options = GenerateOptions { frame_rate: FrameRate::whole(30), seed, ..Default::default() };
        let motion = generator.generate(&audio, &emotion, &options)?.motion;
        let base = Base::take("", &motion);
        let settings = RankSettings {
            families: families.clone(),
            levels: vec![0.15, 0.45, 0.75, 1.0],
            seed,
            ..RankSettings::default()
        };
        sets.push(rank(&clip.name, &[base], Some(&audio), Some(&emotion), &settings)?);
    }
    let options = TrainOptions { members: 2, steps: CRITIC_STEPS, seed: CRITIC_SEED, ..Default::default() };
    let trained = train(&sets, &options, None, &mut |_, _| Ok(()))?;
    Ok(trained.weights)
}
