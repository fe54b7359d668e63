//! What ranked demonstrations tell a tuning: how far real faces move, and what a person prefers.

use super::{go_on, node_error};
use crate::compare::mean_spreads;
use crate::evaluation::perform;
use crate::generator::{GeneratorPolicy, SpeechLine, closures};
use crate::policy::{Policy, Rows, Sampling};
use crate::preferences::HandOrder;
use esarm_engine::{NodeContext, NodeError};
use esarm_reward::features::{AudioFeatures, MOTION_COLUMNS, REWARD_RATE};
use esarm_reward::{Demonstrations, Kind, unbundle};
use esarm_sta::training::corpus::GridClip;
use esarm_values::{Audio, Emotion, Value};
use std::path::Path;

const PORT: &str = "demonstrations";
/// Largest mean difference of a weight between a take as it was kept and as it is drawn again.
const SAME_TAKE: f32 = 0.01;

/// All demonstrations that are wired.
pub(super) fn wired(context: &NodeContext<'_>) -> Result<Vec<Demonstrations>, NodeError> {
    let mut sets = Vec::new();
    for value in context.values(PORT) {
        let Value::File(file) = value else {
            return Err(NodeError::input(PORT, "takes files that reward.rank gives"));
        };
        sets.extend(unbundle("wired", file).map_err(|error| NodeError::input(PORT, error))?);
    }
    Ok(sets)
}

/// How far the channels of the demonstrations move; of the start where there are none.
pub(super) fn spread(
    context: &NodeContext<'_>,
    sets: &[Demonstrations],
    policy: &GeneratorPolicy,
    lines: &[SpeechLine],
    seeds: &[u64],
) -> Result<Vec<f64>, NodeError> {
    let real = |set: &Demonstrations| -> Vec<Rows> {
        let real = set.takes.iter().filter(|take| matches!(take.kind, Kind::Demonstration | Kind::Take));
        real.map(|take| Rows { values: take.motion.clone(), columns: MOTION_COLUMNS }).collect()
    };
    let mut performance: Vec<Vec<Rows>> = sets.iter().map(real).collect();
    if performance.is_empty() {
        performance = perform(policy, lines, seeds, &|| go_on(context)).map_err(node_error)?;
    }
    Ok(mean_spreads(&performance))
}

/// Lines with takes that a person put in order, and these orders.
#[derive(Default)]
pub(super) struct ByHand {
    pub(super) lines: Vec<SpeechLine>,
    pub(super) orders: Vec<HandOrder>,
}

/// The orders made by hand among takes that can be drawn again. `clips` are the recordings that may be learnt from,
/// `first` is the index of the first line to come.
pub(super) fn by_hand(
    sets: &[Demonstrations],
    clips: &[GridClip],
    policy: &GeneratorPolicy,
    first: usize,
) -> Result<ByHand, NodeError> {
    let features = AudioFeatures::new().map_err(NodeError::failed)?;
    let mut found = ByHand::default();
    for set in sets {
        let Some(order) = drawn_order(set, first + found.lines.len()) else { continue };
        let line = line_of(set, recording(set, clips)?, policy, &features)?;
        check_takes(set, &order, &line, policy)?;
        found.lines.push(line);
        found.orders.push(order);
    }
    Ok(found)
}

/// The order of the takes that were drawn with a known seed, where it tells two of them apart.
fn drawn_order(set: &Demonstrations, line: usize) -> Option<HandOrder> {
    let by_hand = set.hand_order()?;
    let drawn =
        by_hand.places.iter().filter_map(|(take, place)| Some((set.takes[*take].seed?, *place as f32)));
    let (seeds, ranks): (Vec<u64>, Vec<f32>) = drawn.unzip();
    let differ = ranks.iter().any(|rank| *rank != ranks[0]);
    differ.then_some(HandOrder { line, seeds, ranks, weight: by_hand.weight })
}

/// The recording that the takes are of, by the name of its file.
fn recording<'a>(set: &Demonstrations, clips: &'a [GridClip]) -> Result<&'a GridClip, NodeError> {
    let stem = |name: &str| Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let wanted = stem(&set.scene.name);
    clips.iter().find(|clip| stem(&clip.name) == wanted).ok_or_else(|| {
        let what = format!(
            "takes of \"{}\" are in an order made by hand, but the corpus has no recording of that name to learn from; \
             add it to the corpus, and do not hold its speaker out",
            set.scene.name
        );
        NodeError::input(PORT, what)
    })
}

/// The line with the emotion that the takes were drawn with.
fn line_of(
    set: &Demonstrations,
    clip: &GridClip,
    policy: &GeneratorPolicy,
    features: &AudioFeatures,
) -> Result<SpeechLine, NodeError> {
    let name = format!("{}, in an order made by hand", set.scene.name);
    let audio = Audio::new(name.clone(), esarm_reward::features::SAMPLE_RATE_HZ, clip.samples.clone());
    let emotion = Emotion::from_frames(REWARD_RATE, set.scene.emotion.clone());
    SpeechLine::new(name, audio, emotion, closures(clip), policy, features).map_err(node_error)
}

/// Refuses takes that this policy does not draw: what would be learnt from are others than the person saw.
fn check_takes(
    set: &Demonstrations,
    order: &HandOrder,
    line: &SpeechLine,
    policy: &GeneratorPolicy,
) -> Result<(), NodeError> {
    let drawn = policy.sample(line, &order.seeds, Sampling::Performing).map_err(node_error)?;
    for (seed, actions) in order.seeds.iter().zip(drawn) {
        let again = policy.motion(line, &actions).map_err(node_error)?;
        let kept = set.takes.iter().find(|take| take.seed == Some(*seed));
        let Some(kept) = kept else { continue };
        if apart(&kept.motion, &again.values) > SAME_TAKE {
            let what = format!(
                "\"{}\" of \"{}\" was not drawn by these weights at this temperature from this recording; \
                 wire the weights and set the temperature that it was drawn with",
                kept.name, set.scene.name
            );
            return Err(NodeError::input(PORT, what));
        }
    }
    Ok(())
}

/// The largest over channels of the mean difference of two motions `[frames, MOTION_COLUMNS]`.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    let frames = (a.len().min(b.len()) / MOTION_COLUMNS).max(1) as f32;
    let mut sums = [0.0; MOTION_COLUMNS];
    for (at, (a, b)) in a.iter().zip(b).enumerate() {
        sums[at % MOTION_COLUMNS] += (a - b).abs();
    }
    sums.into_iter().fold(0.0, f32::max) / frames
}
