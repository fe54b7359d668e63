//! Training material: speech with what the content network should say about each moment, cut into examples.

use super::TrainingError;
use super::audio_files::at_rate;
use super::augment::disguise;
use super::coarticulation::{SpeechTargets, TARGET_FRAMES_PER_SEC, speech_targets};
use super::phones::Phone;
use super::recordings::AnimatedSpeech;
use crate::generator::GeneratorError;
use crate::generator::channels::{CONTENT_CHANNELS, CONTENT_COUNT, lip_opening, shapes_of_content};
use crate::generator::features::{
    FEATURE_FRAMES_BEFORE, FeatureExtractor, MEL_COUNT, MODEL_FRAMES_PER_SEC, SAMPLE_RATE_HZ,
};
use crate::generator::network::READOUT_COUNT;
use crate::visemes::VISEME_COUNT;
use esarm_kernels::random::Random;
use esarm_values::{Audio, Digest, Hasher};

/// Model frames of an example.
pub(super) const EXAMPLE_FRAMES: usize = 240;
/// Frames at the start and the end of an example that are not judged: there the networks see beyond it.
const UNJUDGED_BEFORE: usize = 14;
const UNJUDGED_AFTER: usize = 7;

/// What is known about a clip.
enum Truth {
    /// Phones, made into targets by the coarticulation model.
    Phones(SpeechTargets),
    /// Recorded postures at a frame rate, and which of them were animated.
    Postures { frames_per_sec: f64, content: Vec<[f32; CONTENT_COUNT]>, animated: [bool; CONTENT_COUNT] },
}

/// A clip with its truth.
pub(super) struct Clip {
    /// The samples, played at `speed`.
    samples: Vec<f32>,
    /// How much faster than the truth the samples are: above 1 also higher, as if from a smaller mouth.
    speed: f64,
    truth: Truth,
}

/// A set of examples as flat arrays: `[batch, EXAMPLE_FRAMES, width]`.
#[derive(Default)]
pub(super) struct Batch {
    /// Number of examples.
    pub count: usize,
    /// `[.., STACK_COUNT]`.
    pub stacks: Vec<f32>,
    /// Postures, viseme as one of many, closure, silence: `[.., READOUT_COUNT]`.
    pub targets: Vec<f32>,
    /// How much each target counts, 0 where nothing is known: `[.., READOUT_COUNT]`.
    pub weights: Vec<f32>,
}

impl Clip {
    /// A clip with phone labels.
    pub(super) fn labelled(samples: Vec<f32>, phones: &[Phone]) -> Self {
        let duration_secs = samples.len() as f64 / f64::from(SAMPLE_RATE_HZ);
        let loudness = vowel_loudness(&samples, phones);
        Self { truth: Truth::Phones(speech_targets(phones, duration_secs, &loudness)), samples, speed: 1.0 }
    }

    /// A clip with recorded animation.
    pub(super) fn animated(speech: &AnimatedSpeech) -> Self {
        let columns = CONTENT_CHANNELS.map(shapes_of_content);
        let posture = |frame: &[f32; 52]| {
            std::array::from_fn(|channel| {
                let shapes = &columns[channel];
                shapes.iter().map(|shape| frame[*shape]).sum::<f32>() / shapes.len() as f32
            })
        };
        Self {
            samples: speech.samples.clone(),
            speed: 1.0,
            truth: Truth::Postures {
                frames_per_sec: speech.frames_per_sec,
                content: speech.shapes.iter().map(posture).collect(),
                animated: speech.animated,
            },
        }
    }

    /// The same clip played faster or slower.
    pub(super) fn at_speed(mut self, speed: f64) -> Result<Self, TrainingError> {
        let rate_hz = (f64::from(SAMPLE_RATE_HZ) * speed).round() as u32;
        self.samples = at_rate(&self.samples, rate_hz).map_err(GeneratorError::from)?;
        self.speed *= f64::from(rate_hz) / f64::from(SAMPLE_RATE_HZ);
        Ok(self)
    }

    /// Length of the truth in seconds.
    fn duration_secs(&self) -> f64 {
        self.samples.len() as f64 / f64::from(SAMPLE_RATE_HZ) * self.speed
    }

    /// Writes targets and weights for the clip time `secs`.
    fn fill(&self, secs: f64, targets: &mut [f32], weights: &mut [f32]) {
        match &self.truth {
            Truth::Phones(speech) => fill_from_phones(speech, secs, targets, weights),
            Truth::Postures { frames_per_sec, content, animated } => {
                let position = (secs * frames_per_sec).clamp(0.0, (content.len() - 1) as f64);
                let (at, phase) = (position.floor() as usize, position.fract() as f32);
                let (now, next) = (&content[at], &content[(at + 1).min(content.len() - 1)]);
                for channel in 0..CONTENT_COUNT {
                    targets[channel] = now[channel] + (next[channel] - now[channel]) * phase;
                    weights[channel] = if animated[channel] { RECORDED_WEIGHTS[channel] } else { 0.0 };
                }
                if lip_opening(&targets[..CONTENT_COUNT]) > CLEARLY_OPEN {
                    // Recorded lips that are apart are neither closed nor at rest; of others nothing is known.
                    weights[READOUT_COUNT - 2] = CLOSURE_WEIGHT;
                    weights[READOUT_COUNT - 1] = SILENCE_WEIGHT;
                }
            }
        }
    }
}

/// Opening from which recorded lips are clearly apart.
const CLEARLY_OPEN: f32 = 0.1;

/// How much an error of each recorded posture counts: about the inverse variance, less for rare ones.
const RECORDED_WEIGHTS: [f32; CONTENT_COUNT] =
    [70.0, 0.0, 170.0, 70.0, 340.0, 1000.0, 500.0, 1000.0, 0.0, 400.0, 1300.0, 1300.0, 0.0, 0.0, 0.0, 0.0];
/// The same for modelled postures.
const MODELLED_WEIGHTS: [f32; CONTENT_COUNT] =
    [60.0, 20.0, 60.0, 30.0, 120.0, 150.0, 90.0, 120.0, 100.0, 90.0, 90.0, 120.0, 50.0, 50.0, 120.0, 200.0];
const VISEME_WEIGHT: f32 = 0.7;
/// Closures are rare and must not be missed: a closed frame counts twice.
const CLOSURE_WEIGHT: f32 = 4.0;
const SILENCE_WEIGHT: f32 = 1.0;

fn fill_from_phones(speech: &SpeechTargets, secs: f64, targets: &mut [f32], weights: &mut [f32]) {
    let at = (secs * TARGET_FRAMES_PER_SEC).round();
    let inside = at >= 0.0 && (at as usize) < speech.viseme.len();
    let first_viseme = 2 * CONTENT_COUNT;
    weights[CONTENT_COUNT..first_viseme].copy_from_slice(&MODELLED_WEIGHTS);
    weights[first_viseme..first_viseme + VISEME_COUNT].fill(VISEME_WEIGHT);
    weights[READOUT_COUNT - 2] = CLOSURE_WEIGHT;
    weights[READOUT_COUNT - 1] = SILENCE_WEIGHT;
    if !inside {
        targets[first_viseme] = 1.0;
        targets[READOUT_COUNT - 1] = 1.0;
        return;
    }
    let at = at as usize;
    targets[CONTENT_COUNT..first_viseme].copy_from_slice(&speech.content[at]);
    targets[first_viseme + speech.viseme[at] as usize] = 1.0;
    targets[READOUT_COUNT - 2] = speech.closure[at];
    weights[READOUT_COUNT - 2] = CLOSURE_WEIGHT * (1.0 + speech.closure[at]);
    targets[READOUT_COUNT - 1] = speech.silence[at];
}

/// Level of each target frame relative to the clip's vowels, within 0.75..1.25.
pub(super) fn vowel_loudness(samples: &[f32], phones: &[Phone]) -> Vec<f32> {
    let step = (f64::from(SAMPLE_RATE_HZ) / TARGET_FRAMES_PER_SEC) as usize;
    let level = |from: usize, to: usize| {
        let stretch = &samples[from.min(samples.len())..to.min(samples.len())];
        (stretch.iter().map(|x| x * x).sum::<f32>() / stretch.len().max(1) as f32).max(1e-8).ln()
    };
    let index = |secs: f64| (secs * f64::from(SAMPLE_RATE_HZ)) as usize;
    let vowels: Vec<f32> = phones
        .iter()
        .filter(|phone| phone.viseme.is_vowel())
        .map(|phone| level(index(phone.start_secs), index(phone.end_secs)))
        .collect();
    let mean = vowels.iter().sum::<f32>() / vowels.len().max(1) as f32;
    let count = samples.len().div_ceil(step);
    (0..count)
        .map(|frame| {
            let relative = level(frame.saturating_sub(2) * step, (frame + 3) * step) - mean;
            (1.0 + 0.11 * relative).clamp(0.75, 1.25)
        })
        .collect()
}

/// Clips of one kind, drawn in proportion to their length.
struct Pool {
    clips: Vec<Clip>,
    /// Seconds up to the end of each clip.
    ends: Vec<f64>,
}

impl Pool {
    fn new(clips: Vec<Clip>) -> Self {
        let mut sum = 0.0;
        let ends = clips.iter().map(|clip| {
            sum += clip.duration_secs();
            sum
        });
        Self { ends: ends.collect(), clips }
    }

    /// A clip, by a number in 0..1.
    fn pick(&self, draw: f32) -> Option<&Clip> {
        let wanted = f64::from(draw) * self.ends.last()?;
        let at = self.ends.partition_point(|end| *end <= wanted);
        self.clips.get(at.min(self.clips.len() - 1))
    }
}

/// Draws examples from clips of several kinds.
pub(super) struct Sampler<const KINDS: usize> {
    pools: [Pool; KINDS],
    features: FeatureExtractor,
}

impl<const KINDS: usize> Sampler<KINDS> {
    /// A sampler over the clips of each kind.
    pub(super) fn new(clips: [Vec<Clip>; KINDS]) -> Result<Self, TrainingError> {
        Ok(Self { pools: clips.map(Pool::new), features: FeatureExtractor::new()? })
    }

    /// Digest of everything that examples are made from.
    pub(super) fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for clip in self.pools.iter().flat_map(|pool| &pool.clips) {
            hasher.number(clip.speed).floats(&clip.samples);
            match &clip.truth {
                Truth::Phones(targets) => {
                    hasher
                        .floats(targets.content.as_flattened())
                        .floats(&targets.closure)
                        .floats(&targets.silence);
                }
                Truth::Postures { content, .. } => {
                    hasher.floats(content.as_flattened());
                }
            }
        }
        hasher.finish()
    }

    /// A batch with `counts` examples of each kind; kinds without clips give none.
    pub(super) fn batch(&self, counts: [usize; KINDS], random: Random) -> Result<Batch, TrainingError> {
        let mut batch = Batch::default();
        for (example, kind) in (0..KINDS).flat_map(|kind| (0..counts[kind]).map(move |_| kind)).enumerate() {
            let random = random.split(example as u64);
            if let Some(clip) = self.pools[kind].pick(random.uniform(100)) {
                self.add_example(clip, random, &mut batch)?;
            }
        }
        Ok(batch)
    }

    fn add_example(&self, clip: &Clip, random: Random, batch: &mut Batch) -> Result<(), TrainingError> {
        let length_secs = EXAMPLE_FRAMES as f64 / f64::from(MODEL_FRAMES_PER_SEC);
        let speed = clip.speed;
        let latest = (clip.duration_secs() - 0.6 * length_secs * speed).max(0.0);
        let start_secs = -0.7 + f64::from(random.uniform(102)) * (latest + 0.7);
        let before_secs = FEATURE_FRAMES_BEFORE as f64 / f64::from(MODEL_FRAMES_PER_SEC);
        let length_secs = before_secs + length_secs + 0.1;
        let mut samples = cut(&clip.samples, start_secs / speed - before_secs, length_secs);
        disguise(&mut samples, random.split(2));
        let audio = Audio::new("", SAMPLE_RATE_HZ, samples);
        let frames = FEATURE_FRAMES_BEFORE..FEATURE_FRAMES_BEFORE + EXAMPLE_FRAMES as i64;
        let mut stacks = self.features.stacks(&audio, frames)?;
        hide_bands(&mut stacks, random.split(3));
        batch.stacks.extend(stacks);
        let first = batch.targets.len();
        batch.count += 1;
        batch.targets.resize(first + EXAMPLE_FRAMES * READOUT_COUNT, 0.0);
        batch.weights.resize(first + EXAMPLE_FRAMES * READOUT_COUNT, 0.0);
        for frame in UNJUDGED_BEFORE..EXAMPLE_FRAMES - UNJUDGED_AFTER {
            let secs = start_secs + frame as f64 / f64::from(MODEL_FRAMES_PER_SEC) * speed;
            let row = first + frame * READOUT_COUNT..first + (frame + 1) * READOUT_COUNT;
            clip.fill(secs, &mut batch.targets[row.clone()], &mut batch.weights[row]);
        }
        Ok(())
    }
}

/// Hides a few neighbouring bands of some examples, so that nothing hangs on any one of them.
fn hide_bands(stacks: &mut [f32], random: Random) {
    if random.uniform(0) < 0.35 {
        let count = 2 + random.below(1, 7) as usize;
        let first = random.below(2, (MEL_COUNT - count) as u32) as usize;
        stacks.chunks_mut(MEL_COUNT).for_each(|row| row[first..first + count].fill(0.0));
    }
}

/// A stretch of samples, silent outside of the clip.
fn cut(samples: &[f32], start_secs: f64, length_secs: f64) -> Vec<f32> {
    let first = (start_secs * f64::from(SAMPLE_RATE_HZ)).round() as i64;
    let count = (length_secs * f64::from(SAMPLE_RATE_HZ)).ceil() as i64;
    (first..first + count)
        .map(|index| usize::try_from(index).ok().and_then(|index| samples.get(index)).copied().unwrap_or(0.0))
        .collect()
}
