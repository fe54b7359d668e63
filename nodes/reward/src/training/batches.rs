//! What a step of training sees: pairs of snippets of equal length.

use crate::demonstrations::{Demonstrations, Group, Pair, RankedTake};
use crate::features::{AUDIO_COLUMNS, EMOTION_COLUMNS, MOTION_COLUMNS};
use crate::model::REACH_FRAMES;
use crate::model::network::Judged;
use burn::tensor::{Device, Tensor, TensorData};
use esarm_kernels::random::Random;
use std::collections::HashMap;
use std::ops::Range;

/// Frames of a snippet whose rewards count: 1.6 s. Shorter clips are snippets as a whole.
pub const SNIPPET_FRAMES: usize = 48;
/// Frames on both sides of a snippet that its rewards depend on.
const CONTEXT: usize = REACH_FRAMES + 1;
/// Frames of a snippet with its context.
const WINDOW: usize = SNIPPET_FRAMES + 2 * CONTEXT;
/// Share of pairs whose snippets start at different moments, so that clips can be compared with one another.
const APART_SHARE: f32 = 0.15;
/// Draws of a pair before snippets that are equal are taken as they are.
const REDRAWS: u64 = 12;
/// One set of demonstrations in this many is held out for validation.
const HELD_OUT_EVERY: usize = 5;

/// A part of the demonstrations of one clip, with its pairs and how likely each is drawn.
struct Stretch<'a> {
    demonstrations: &'a Demonstrations,
    frames: Range<usize>,
    /// Running sums of the pairs' weights, each group counting the same.
    cumulative: Vec<f32>,
}

/// Demonstrations to draw pairs of snippets from.
pub(crate) struct Sampler<'a> {
    stretches: Vec<Stretch<'a>>,
    /// Running sums of the stretches' lengths.
    cumulative: Vec<f32>,
}

/// Demonstrations apart for training and for validation: every fifth clip is held out, or the last quarter of each when
/// there are fewer than five.
pub(crate) fn split(sets: &[Demonstrations]) -> (Sampler<'_>, Sampler<'_>) {
    let usable = || sets.iter().filter(|set| !set.pairs.is_empty() && set.scene.frame_count() > 0);
    if usable().count() >= HELD_OUT_EVERY {
        let is_held_out = |index: usize| index % HELD_OUT_EVERY == HELD_OUT_EVERY / 2;
        let whole = |set: &Demonstrations| 0..set.scene.frame_count();
        let part = |held_out: bool| {
            let chosen = usable().enumerate().filter(move |(index, _)| is_held_out(*index) == held_out);
            Sampler::new(chosen.map(|(_, set)| (set, whole(set))))
        };
        return (part(false), part(true));
    }
    let border = |set: &Demonstrations| set.scene.frame_count() - set.scene.frame_count().div_ceil(4);
    let early = usable().map(|set| (set, 0..border(set).max(1)));
    let late = usable().map(|set| (set, border(set)..set.scene.frame_count()));
    (Sampler::new(early), Sampler::new(late))
}

/// Pairs of snippets on a device: rows `2 k` and `2 k + 1` are the better and the worse one of pair `k`.
pub(crate) struct Batch {
    pub(crate) judged: Judged,
    /// Share of each frame in its snippet's reward: `[rows, frames]`, each row summing to 1.
    pub(crate) shares: Tensor<2>,
    pub(crate) groups: Vec<Group>,
}

impl Batch {
    /// The mean reward of each pair's snippets `[pairs, 2]`, the better one first.
    pub(crate) fn pair_rewards(&self, rewards: Tensor<2>) -> Tensor<2> {
        (rewards * self.shares.clone()).sum_dim(1).reshape([self.groups.len(), 2])
    }
}

impl<'a> Sampler<'a> {
    fn new(parts: impl Iterator<Item = (&'a Demonstrations, Range<usize>)>) -> Self {
        let stretch = |(demonstrations, frames): (&'a Demonstrations, Range<usize>)| Stretch {
            demonstrations,
            frames,
            cumulative: pair_sums(&demonstrations.pairs),
        };
        let stretches: Vec<Stretch<'a>> = parts.map(stretch).collect();
        let cumulative = running_sums(stretches.iter().map(|stretch| stretch.frames.len() as f32));
        Self { stretches, cumulative }
    }

    /// Whether there is nothing to draw from.
    pub(crate) fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    /// Every set of demonstrations that is drawn from.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &Demonstrations> {
        self.stretches.iter().map(|stretch| stretch.demonstrations)
    }

    /// `count` pairs. The same source gives the same pairs.
    pub(crate) fn batch(&self, count: usize, random: Random, device: &Device) -> Batch {
        let mut rows = Rows::default();
        let mut groups = Vec::with_capacity(count);
        for number in 0..count {
            let (stretch, pair, starts) = self.draw(random.split(number as u64));
            let takes = &stretch.demonstrations.takes;
            rows.add(stretch, &takes[pair.better], starts[0]);
            rows.add(stretch, &takes[pair.worse], starts[1]);
            groups.push(pair.group);
        }
        rows.into_batch(groups, device)
    }

    /// A pair and where its snippets start. Snippets that are the same in both takes are drawn again.
    fn draw(&self, random: Random) -> (&Stretch<'a>, Pair, [usize; 2]) {
        let mut attempt = 0;
        loop {
            let [place, which, start, apart] = random.uniforms(2 * attempt);
            let stretch = &self.stretches[pick(&self.cumulative, place)];
            let pair = stretch.demonstrations.pairs[pick(&stretch.cumulative, which)];
            let slack = stretch.frames.len().saturating_sub(SNIPPET_FRAMES) + 1;
            let at = |draw: f32| stretch.frames.start + (draw * slack as f32) as usize;
            let other = if apart < APART_SHARE { random.uniform(2 * attempt + 1) } else { start };
            let starts = [at(start), at(other)];
            attempt += 1;
            if starts[0] != starts[1] || stretch.differs(&pair, starts[0]) || attempt >= REDRAWS {
                return (stretch, pair, starts);
            }
        }
    }
}

impl Stretch<'_> {
    fn snippet(&self, start: usize) -> Range<usize> {
        start..(start + SNIPPET_FRAMES).min(self.frames.end)
    }

    /// Whether the takes of a pair differ within the snippet.
    fn differs(&self, pair: &Pair, start: usize) -> bool {
        let snippet = self.snippet(start);
        let [a, b] = [pair.better, pair.worse].map(|index| &self.demonstrations.takes[index]);
        let motion = |take: &'_ RankedTake| -> Range<usize> {
            debug_assert!(take.motion.len() >= snippet.end * MOTION_COLUMNS);
            snippet.start * MOTION_COLUMNS..snippet.end * MOTION_COLUMNS
        };
        let emotion = snippet.start * EMOTION_COLUMNS..snippet.end * EMOTION_COLUMNS;
        a.motion[motion(a)] != b.motion[motion(b)]
            || self.emotion_of(a)[emotion.clone()] != self.emotion_of(b)[emotion]
    }

    fn emotion_of<'t>(&'t self, take: &'t RankedTake) -> &'t [f32] {
        take.emotion.as_ref().unwrap_or(&self.demonstrations.scene.emotion)
    }
}

/// Snippets under construction.
#[derive(Default)]
struct Rows {
    motion: Vec<f32>,
    audio: Vec<f32>,
    emotion: Vec<f32>,
    inside: Vec<f32>,
    shares: Vec<f32>,
}

impl Rows {
    fn add(&mut self, stretch: &Stretch<'_>, take: &RankedTake, start: usize) {
        let scene = &stretch.demonstrations.scene;
        let last = scene.frame_count() - 1;
        let snippet = stretch.snippet(start);
        let share = 1.0 / snippet.len() as f32;
        for offset in 0..WINDOW {
            // Frames before the clip are copies of its first, so that nothing moves there.
            let inside = start + offset >= CONTEXT && start + offset - CONTEXT <= last;
            let frame = (start + offset).saturating_sub(CONTEXT).min(last);
            let row = |values: &[f32], width: usize| values[frame * width..(frame + 1) * width].to_vec();
            self.motion.extend(row(&take.motion, MOTION_COLUMNS));
            self.audio.extend(row(&scene.audio, AUDIO_COLUMNS).iter().map(|v| if inside { *v } else { 0.0 }));
            self.emotion.extend(row(stretch.emotion_of(take), EMOTION_COLUMNS));
            self.inside.push(if inside { 1.0 } else { 0.0 });
            self.shares.push(if inside && snippet.contains(&frame) { share } else { 0.0 });
        }
    }

    fn into_batch(self, groups: Vec<Group>, device: &Device) -> Batch {
        let rows = 2 * groups.len();
        let tensor = |values: Vec<f32>, width: usize| {
            Tensor::<3>::from_data(TensorData::new(values, [rows, WINDOW, width]), device)
        };
        Batch {
            judged: Judged {
                motion: tensor(self.motion, MOTION_COLUMNS),
                audio: tensor(self.audio, AUDIO_COLUMNS),
                emotion: tensor(self.emotion, EMOTION_COLUMNS),
                inside: Some(tensor(self.inside, 1)),
            },
            shares: Tensor::from_data(TensorData::new(self.shares, [rows, WINDOW]), device),
            groups,
        }
    }
}

/// Running sums of the pairs' weights, where all pairs of a group made by machine together weigh 1 and each group made
/// by hand as much as its weights say on average.
fn pair_sums(pairs: &[Pair]) -> Vec<f32> {
    let mut counts: HashMap<Group, usize> = HashMap::new();
    pairs.iter().for_each(|pair| *counts.entry(pair.group).or_default() += 1);
    running_sums(pairs.iter().map(|pair| pair.weight / counts[&pair.group] as f32))
}

fn running_sums(weights: impl Iterator<Item = f32>) -> Vec<f32> {
    weights
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect()
}

/// The place of a draw from 0..1 among running sums.
fn pick(sums: &[f32], draw: f32) -> usize {
    let total = sums.last().copied().unwrap_or(0.0);
    sums.partition_point(|sum| *sum <= draw * total).min(sums.len().saturating_sub(1))
}
