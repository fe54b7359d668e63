//! Quadruples from a grid of recordings.

use super::alignment::Alignment;
use super::entry::{Demonstration, Entry, Truth, UNJUDGED_AFTER, UNJUDGED_BEFORE, truth_at};
use crate::generator::Generator;
use crate::generator::channels::SHAPE_COUNT;
use crate::generator::compose::Composer;
use crate::generator::features::{FeatureExtractor, MODEL_FRAMES_PER_SEC, STACK_COUNT};
use crate::training::TrainingError;
use crate::training::corpus::GridClip;
use crate::training::expression::FaceRules;
use esarm_kernels::random::Random;
use esarm_values::{Digest, EMOTIONS, Hasher};

/// Model frames of a coupled example: 4 s.
pub(in crate::training) const COUPLED_FRAMES: usize = 200;
/// Weakest emotion that is shown.
const WEAKEST_EMOTION: f32 = 0.5;

/// Recordings from which coupled examples are drawn.
pub struct Grid {
    entries: Vec<Entry>,
    extractor: FeatureExtractor,
    composer: Composer,
    rules: FaceRules,
}

/// Coupled examples as flat arrays of `rows` examples of [`COUPLED_FRAMES`] frames; rows 2k and 2k + 1 are the two
/// halves of a quadruple.
#[derive(Default)]
pub(in crate::training) struct CoupledBatch {
    pub(in crate::training) rows: usize,
    /// Sound of the clip and of its partner: `[rows, frames, STACK_COUNT]`.
    pub(in crate::training) stacks: Vec<f32>,
    pub(in crate::training) partner_stacks: Vec<f32>,
    /// Share of each partner frame in each frame: `[rows, frames, frames]`.
    pub(in crate::training) warp: Vec<f32>,
    /// `[rows, frames, PROSODY_COUNT]`.
    pub(in crate::training) prosody: Vec<f32>,
    /// The clip's emotion and the other half's: `[rows, frames, 8]`.
    pub(in crate::training) own_emotion: Vec<f32>,
    pub(in crate::training) other_emotion: Vec<f32>,
    /// The lips' seal: `[rows, frames]`.
    pub(in crate::training) seal: Vec<f32>,
    /// The face in the clip's emotion and in the other half's: `[rows, frames, SHAPE_COUNT]`.
    pub(in crate::training) own_face: Vec<f32>,
    pub(in crate::training) other_face: Vec<f32>,
    /// Whether a frame counts for the own face, the other face, and the own face from the partner: `[rows, frames]`.
    pub(in crate::training) own_judged: Vec<f32>,
    pub(in crate::training) other_judged: Vec<f32>,
    pub(in crate::training) warp_judged: Vec<f32>,
    /// Indices of the clip's emotion and of the other half's, one each a row; `None` for mixtures.
    pub(in crate::training) own_label: Vec<Option<usize>>,
    pub(in crate::training) other_label: Vec<Option<usize>>,
    /// Names of the clips, for messages.
    pub(in crate::training) names: Vec<String>,
}

/// A clip that was drawn for one half of a quadruple.
#[derive(Clone, Copy)]
struct Half {
    entry: usize,
    partner: Option<usize>,
    /// First model frame.
    first: i64,
    /// The emotion that is shown and how strongly; of no account for demonstrations.
    emotion: usize,
    intensity: f32,
}

impl Grid {
    /// A grid of labelled recordings and demonstrations; `heard` says where lips are sealed in demonstrations.
    ///
    /// # Errors
    /// When there is nothing to learn from, or a demonstration's sound and motion do not fit: the error names it.
    pub fn new(
        clips: Vec<GridClip>,
        demonstrations: Vec<Demonstration>,
        heard: &Generator,
    ) -> Result<Self, TrainingError> {
        let extractor = FeatureExtractor::new()?;
        let speech = clips.into_iter().map(|clip| Entry::of_speech(clip, &extractor));
        let mut entries: Vec<Entry> = speech.collect::<Result<_, _>>()?;
        for (number, demonstration) in demonstrations.into_iter().enumerate() {
            entries.push(Entry::of_demonstration(number, demonstration, &extractor, heard)?);
        }
        if entries.is_empty() {
            return Err(TrainingError::Corpus(
                "there is nothing to learn from: give recordings or takes".to_owned(),
            ));
        }
        find_partners(&mut entries);
        Ok(Self { entries, extractor, composer: Composer::new(), rules: FaceRules::new() })
    }

    /// Number of recordings and demonstrations.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none; never, for a grid that could be made.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Number of recordings that have a partner.
    pub fn coupled_count(&self) -> usize {
        self.entries.iter().filter(|entry| !entry.partners.is_empty()).count()
    }

    /// Digest of everything that examples are made from.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for entry in &self.entries {
            hasher.text(&entry.name).floats(&entry.audio.samples);
            match &entry.truth {
                Truth::Speech { clip, targets } => {
                    hasher.text(&clip.content).text(&clip.speaker).floats(targets.content.as_flattened());
                    hasher.floats(&targets.closure).floats(&targets.silence);
                    hasher.integer(clip.emotion.map_or(-1, |emotion| emotion as i64));
                }
                Truth::Face { shapes, seal, emotion } => {
                    hasher.floats(shapes.as_flattened()).floats(seal).floats(emotion.track().values());
                }
            }
        }
        hasher.finish()
    }

    /// `quadruples` coupled examples, drawn from `random`.
    pub(in crate::training) fn batch(
        &self,
        quadruples: usize,
        random: Random,
    ) -> Result<CoupledBatch, TrainingError> {
        let mut batch = CoupledBatch::default();
        for quadruple in 0..quadruples {
            let random = random.split(quadruple as u64);
            let first = self.draw(random.split(0), None);
            let second = self.draw(random.split(1), Some(first));
            self.add_row(first, second, &mut batch)?;
            self.add_row(second, first, &mut batch)?;
        }
        Ok(batch)
    }

    /// Names of the clips that [`Grid::batch`] draws.
    pub(in crate::training) fn names(&self, quadruples: usize, random: Random) -> Vec<&str> {
        let halves = (0..quadruples).flat_map(|quadruple| {
            let random = random.split(quadruple as u64);
            let first = self.draw(random.split(0), None);
            [first, self.draw(random.split(1), Some(first))]
        });
        halves.map(|half| self.entries[half.entry].name.as_str()).collect()
    }

    /// One half of a quadruple; the second half differs from the first in content and emotion where the grid allows.
    fn draw(&self, random: Random, first: Option<Half>) -> Half {
        let differs = |entry: &usize| match (first, &self.entries[*entry].truth) {
            (Some(first), Truth::Speech { clip, .. }) => {
                let same_content = match &self.entries[first.entry].truth {
                    Truth::Speech { clip: other, .. } => clip.content == other.content,
                    Truth::Face { .. } => false,
                };
                !same_content && clip.emotion.is_none_or(|emotion| emotion != first.emotion)
            }
            _ => true,
        };
        let fitting: Vec<usize> = (0..self.entries.len()).filter(differs).collect();
        let pick = |counter: u64, count: usize| random.below(counter, count as u32) as usize;
        let entry =
            if fitting.is_empty() { pick(0, self.entries.len()) } else { fitting[pick(0, fitting.len())] };
        let chosen = &self.entries[entry];
        let partners = &chosen.partners;
        let partner = (!partners.is_empty()).then(|| partners[pick(1, partners.len())]);
        let latest = (chosen.frame_count() - COUPLED_FRAMES as i64 / 2).max(1);
        let emotion = match &chosen.truth {
            Truth::Speech { clip, .. } => clip.emotion.unwrap_or_else(|| pick(2, EMOTIONS.len())),
            Truth::Face { .. } => 0,
        };
        Half {
            entry,
            partner,
            first: i64::from(random.below(3, latest as u32)) - UNJUDGED_BEFORE as i64,
            emotion,
            intensity: random.between(4, WEAKEST_EMOTION, 1.0),
        }
    }

    fn add_row(&self, half: Half, other: Half, batch: &mut CoupledBatch) -> Result<(), TrainingError> {
        let entry = &self.entries[half.entry];
        let frames = half.first..half.first + COUPLED_FRAMES as i64;
        batch.rows += 1;
        batch.names.push(entry.name.clone());
        batch.stacks.extend(self.extractor.stacks(&entry.audio, frames.clone())?);
        self.add_partner(half, batch)?;
        let own = weights_of(half);
        let others = weights_of(other);
        for frame in frames {
            batch.prosody.extend(entry.prosody_at(frame));
            let judged = f32::from(entry.is_judged(frame, half.first));
            batch.own_judged.push(judged);
            match &entry.truth {
                Truth::Speech { targets, .. } => {
                    let (postures, seal) = truth_at(targets, frame);
                    let dynamics = entry.dynamics_at(frame);
                    let face = |emotion: &[f32; EMOTIONS.len()]| {
                        self.composer.compose(&postures, &self.rules.offsets(emotion, dynamics), seal)
                    };
                    batch.own_emotion.extend(own);
                    batch.other_emotion.extend(others);
                    batch.own_face.extend(face(&own));
                    batch.other_face.extend(face(&others));
                    batch.seal.push(seal);
                    batch.other_judged.push(judged);
                }
                Truth::Face { emotion, shapes, seal } => {
                    let at = (frame.max(0) as usize).min(shapes.len() - 1);
                    let weights = emotion.weights_at(frame as f64 / f64::from(MODEL_FRAMES_PER_SEC));
                    batch.own_emotion.extend(&weights);
                    batch.other_emotion.extend(others);
                    batch.own_face.extend(shapes[at]);
                    batch.other_face.extend([0.0; SHAPE_COUNT]);
                    batch.seal.push(seal[at]);
                    batch.other_judged.push(0.0);
                }
            }
        }
        let labelled = matches!(entry.truth, Truth::Speech { .. });
        batch.own_label.push(labelled.then_some(half.emotion));
        batch.other_label.push(labelled.then_some(other.emotion));
        Ok(())
    }

    /// The partner's sound around the same words, and which of its frames are which of the clip's.
    fn add_partner(&self, half: Half, batch: &mut CoupledBatch) -> Result<(), TrainingError> {
        let (first_of_warp, first_judged) = (batch.warp.len(), batch.warp_judged.len());
        batch.warp.resize(first_of_warp + COUPLED_FRAMES * COUPLED_FRAMES, 0.0);
        batch.warp_judged.resize(first_judged + COUPLED_FRAMES, 0.0);
        let entry = &self.entries[half.entry];
        let partner = half.partner.map(|partner| &self.entries[partner]);
        let (Some(phones), Some(partner), Some(partner_phones)) =
            (entry.phones(), partner, partner.and_then(Entry::phones))
        else {
            batch.partner_stacks.resize(batch.partner_stacks.len() + COUPLED_FRAMES * STACK_COUNT, 0.0);
            return Ok(());
        };
        let alignment = Alignment::new(phones, partner_phones);
        let frames_per_sec = f64::from(MODEL_FRAMES_PER_SEC);
        let partner_frame = |row: usize| {
            let secs = (half.first + row as i64) as f64 / frames_per_sec;
            alignment.second_of_first(secs).map(|secs| secs * frames_per_sec)
        };
        let start = (0..COUPLED_FRAMES).find_map(partner_frame).unwrap_or(0.0);
        let first = start.floor() as i64 - UNJUDGED_BEFORE as i64;
        for row in (0..COUPLED_FRAMES).filter(|row| entry.is_judged(half.first + *row as i64, half.first)) {
            let Some(position) = partner_frame(row).map(|position| position - first as f64) else { continue };
            let inside = UNJUDGED_BEFORE as f64..(COUPLED_FRAMES - UNJUDGED_AFTER - 1) as f64;
            if inside.contains(&position) {
                let (column, phase) = (position.floor() as usize, position.fract() as f32);
                let shares = &mut batch.warp[first_of_warp + row * COUPLED_FRAMES..];
                shares[column] = 1.0 - phase;
                shares[column + 1] = phase;
                batch.warp_judged[first_judged + row] = 1.0;
            }
        }
        batch
            .partner_stacks
            .extend(self.extractor.stacks(&partner.audio, first..first + COUPLED_FRAMES as i64)?);
        Ok(())
    }
}

fn find_partners(entries: &mut [Entry]) {
    let keys: Vec<Option<(String, Option<usize>, String)>> = entries
        .iter()
        .map(|entry| match &entry.truth {
            Truth::Speech { clip, .. } => Some((clip.content.clone(), clip.emotion, clip.speaker.clone())),
            Truth::Face { .. } => None,
        })
        .collect();
    for (index, entry) in entries.iter_mut().enumerate() {
        let Some((content, emotion, speaker)) = &keys[index] else { continue };
        let differs = |key: &(String, Option<usize>, String)| {
            key.0 == *content && (key.1 != *emotion || key.2 != *speaker)
        };
        entry.partners = (0..keys.len()).filter(|other| keys[*other].as_ref().is_some_and(differs)).collect();
    }
}

fn weights_of(half: Half) -> [f32; EMOTIONS.len()] {
    let mut weights = [0.0; EMOTIONS.len()];
    weights[half.emotion] = half.intensity;
    weights[0] += 1.0 - weights.iter().sum::<f32>();
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::corpus::{read_corpus, tests::small_corpus};
    use esarm_values::{Audio, Emotion, Track};

    #[test]
    fn halves_of_a_quadruple_differ_in_content_and_emotion() {
        let folder = small_corpus("grid");
        let heard = Generator::load_embedded().unwrap();
        let grid = Grid::new(read_corpus(&folder).unwrap(), Vec::new(), &heard).unwrap();
        assert_eq!((grid.len(), grid.coupled_count()), (6, 6));
        let batch = grid.batch(5, Random::new(1, 0)).unwrap();
        assert_eq!((batch.rows, batch.names.len()), (10, 10));
        for pair in 0..5 {
            let (first, second) = (&batch.names[2 * pair], &batch.names[2 * pair + 1]);
            assert_ne!(first.contains("one_"), second.contains("one_"), "{first} {second}");
            assert_ne!(batch.own_label[2 * pair], batch.own_label[2 * pair + 1]);
            assert_eq!(batch.own_label[2 * pair], batch.other_label[2 * pair + 1]);
        }
        assert_eq!(batch.warp.len(), 10 * COUPLED_FRAMES * COUPLED_FRAMES);
        assert_eq!(batch.stacks.len(), batch.partner_stacks.len());
        // Where a frame is judged its shares add up to the whole.
        for (row, judged) in batch.warp.chunks(COUPLED_FRAMES).zip(&batch.warp_judged) {
            assert!((row.iter().sum::<f32>() - judged).abs() < 1e-5);
        }
        assert!(batch.warp_judged.iter().sum::<f32>() > 50.0);
        assert_eq!(
            grid.names(5, Random::new(1, 0)),
            batch.names.iter().map(String::as_str).collect::<Vec<_>>()
        );
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn demonstrations_must_fit_their_sound() {
        let heard = Generator::load_embedded().unwrap();
        let audio = Audio::new("line", 16_000, (0..16_000).map(|n| (n as f32 * 0.1).sin() * 0.1).collect());
        let rate = esarm_values::FrameRate::whole(30);
        let take = |frames: usize, channel: &str| Demonstration {
            audio: audio.clone(),
            emotion: Emotion::constant(1, 1.0),
            motion: Track::new(rate, vec![channel.to_owned()], vec![0.25; frames]).unwrap(),
        };
        let told = |take: Demonstration| {
            Grid::new(Vec::new(), vec![take], &heard).map(|_| ()).unwrap_err().to_string()
        };
        assert!(told(take(60, "jawOpen")).contains("2.00 s"), "{}", told(take(60, "jawOpen")));
        assert!(told(take(30, "tail")).contains("ARKit"), "{}", told(take(30, "tail")));
        let grid = Grid::new(Vec::new(), vec![take(30, "jawOpen")], &heard).unwrap();
        let batch = grid.batch(1, Random::new(1, 0)).unwrap();
        let jaw = esarm_values::arkit_index("jawOpen").unwrap();
        assert!(batch.own_face.iter().skip(jaw).step_by(SHAPE_COUNT).all(|weight| *weight == 0.25));
        assert!(batch.other_judged.iter().all(|judged| *judged == 0.0));
        assert!(Grid::new(Vec::new(), Vec::new(), &heard).is_err());
    }
}
