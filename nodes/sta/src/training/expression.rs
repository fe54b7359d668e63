//! Training of the expression network: how an emotion's face lives with the voice.
//!
//! No free recording shows emotion, sound and face together, so the targets are made: the presets of
//! [`crate::presets`], whose held shapes follow the energy of the voice slowly and whose accents flash where pitch and
//! energy rise. What the network learns from real speech is the prosody behind these.

use super::TrainingError;
use crate::generator::channels::{EXPRESSION_COUNT, expression_index};
use crate::generator::features::{FeatureExtractor, MODEL_FRAMES_PER_SEC, SAMPLE_RATE_HZ};
use crate::generator::network::{DenseWeights, ExpressionNetwork};
use crate::generator::prosody::PROSODY_COUNT;
use crate::presets::{EmotionPreset, PRESETS, sided_names};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};
use esarm_kernels::random::Random;
use esarm_values::{Audio, EMOTIONS};

const EXAMPLE_FRAMES: usize = 150;
const EXAMPLES: usize = 16;
/// Optimiser steps.
const STEPS: usize = 500;
/// Share of an accent that is left after one frame: a fall over some 0.3 s.
const ACCENT_FALL: f32 = 0.94;
/// Share by which an accent approaches its height in one frame: a rise over some 80 ms.
const ACCENT_RISE: f32 = 0.3;

/// Model frames of rest before and after a clip that belong to its line.
pub(super) const LINE_MARGIN: i64 = 50;

/// Prosody of a training clip with its dynamics, from [`LINE_MARGIN`] frames before it on.
pub(super) struct Line {
    /// `[frames, PROSODY_COUNT]`.
    pub(super) prosody: Vec<f32>,
    /// Slow energy and accent of each frame.
    pub(super) dynamics: Vec<[f32; 2]>,
}

/// Trains an expression network on the prosody of `clips` and returns its layers and its last mean squared error.
pub(super) fn train_expression(
    clips: &[&[f32]],
    seed: u64,
) -> Result<(Vec<DenseWeights>, f32), TrainingError> {
    let device = Device::flex().autodiff();
    let lines = lines(clips)?;
    let mut network = ExpressionNetwork::random(seed, &device);
    let mut optimiser = AdamWConfig::new().with_weight_decay(0.0).with_epsilon(1e-7).init();
    let random = Random::new(seed, 0xEA);
    let mut error = f32::NAN;
    for step in 0..STEPS {
        let (emotions, prosody, targets) = examples(&lines, random.split(step as u64));
        let tensor = |values: Vec<f32>, width: usize| {
            Tensor::<3>::from_data(TensorData::new(values, [EXAMPLES, EXAMPLE_FRAMES, width]), &device)
        };
        let offsets = network.forward(tensor(emotions, EMOTIONS.len()), &tensor(prosody, PROSODY_COUNT));
        // The first frames see beyond the example.
        let skipped = 36;
        let kept = |tensor: Tensor<3>| tensor.narrow(1, skipped, EXAMPLE_FRAMES - skipped - 4);
        let difference = kept(offsets) - kept(tensor(targets, EXPRESSION_COUNT));
        let loss = (difference.clone() * difference).mean();
        error = loss.clone().into_scalar::<f32>();
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        let rate = 0.01 * 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / STEPS as f64).cos()) + 1e-5;
        network = optimiser.step(rate, network, gradients);
    }
    Ok((network.layers(), error))
}

fn lines(clips: &[&[f32]]) -> Result<Vec<Line>, TrainingError> {
    let extractor = FeatureExtractor::new()?;
    clips.iter().map(|samples| Line::new(&extractor, samples)).collect()
}

impl Line {
    /// The line of a clip's samples.
    pub(super) fn new(extractor: &FeatureExtractor, samples: &[f32]) -> Result<Self, TrainingError> {
        let audio = Audio::new("", SAMPLE_RATE_HZ, samples.to_vec());
        // Some of the rest around the speech belongs to the line.
        let frames = (audio.duration_secs() * f64::from(MODEL_FRAMES_PER_SEC)) as i64;
        let prosody = extractor.extract(&audio, -LINE_MARGIN..frames.max(60) + LINE_MARGIN)?.prosody;
        let dynamics = dynamics(&prosody);
        Ok(Self { prosody, dynamics })
    }
}

/// Slow energy and accents of prosody `[frames, PROSODY_COUNT]`.
fn dynamics(prosody: &[f32]) -> Vec<[f32; 2]> {
    let (mut slow, mut accent, mut shown) = (0.0_f32, 0.0_f32, 0.0_f32);
    prosody
        .chunks(PROSODY_COUNT)
        .map(|row| {
            let [energy, rise, voicing, movement, slope] = [row[0], row[1], row[2], row[3], row[4]];
            slow += if energy > slow { 0.06 } else { 0.025 } * (energy - slow);
            let voiced = ((voicing - 0.4) * 3.0).clamp(0.0, 1.0);
            let strength =
                voiced * (1.2 * movement.max(0.0) + 0.7 * slope.max(0.0) + 0.9 * rise.max(0.0) - 0.15);
            accent = (accent * ACCENT_FALL).max(strength.clamp(0.0, 1.0));
            shown += ACCENT_RISE * (accent - shown);
            [slow.clamp(0.0, 1.0), shown]
        })
        .collect()
}

/// Emotions, prosody and targets of a batch, flat.
fn examples(lines: &[Line], random: Random) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let faces = PRESETS.map(|preset| Face::of(&preset));
    let (mut emotions, mut prosody, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    for example in 0..EXAMPLES {
        let random = random.split(example as u64);
        let line = &lines[random.below(0, lines.len() as u32) as usize];
        let latest = (line.dynamics.len() - EXAMPLE_FRAMES.min(line.dynamics.len())) as u32;
        let start = random.below(1, latest + 1) as usize;
        let weights = random_emotion(random);
        for frame in start..start + EXAMPLE_FRAMES {
            let frame = frame.min(line.dynamics.len() - 1);
            emotions.extend(weights);
            prosody.extend(&line.prosody[frame * PROSODY_COUNT..(frame + 1) * PROSODY_COUNT]);
            targets.extend(target(&faces, &weights, line.dynamics[frame]));
        }
    }
    (emotions, prosody, targets)
}

/// One emotion, or a mixture of two, with a random intensity; the rest is neutral.
fn random_emotion(random: Random) -> [f32; EMOTIONS.len()] {
    let [kind, first, second, share] = random.uniforms(2);
    let mut weights = [0.0; EMOTIONS.len()];
    let pick = |draw: f32| (draw * EMOTIONS.len() as f32) as usize;
    let intensity = if kind < 0.4 { 1.0 } else { random.uniform(3) };
    let mixed = if kind > 0.75 { share } else { 0.0 };
    weights[pick(first)] += intensity * (1.0 - mixed);
    weights[pick(second)] += intensity * mixed;
    weights[0] += 1.0 - weights.iter().sum::<f32>();
    weights
}

/// The rules by which emotions show, as offsets of expression channels.
pub(super) struct FaceRules([Face; EMOTIONS.len()]);

impl FaceRules {
    /// The rules of [`PRESETS`].
    pub(super) fn new() -> Self {
        Self(PRESETS.map(|preset| Face::of(&preset)))
    }

    /// The offsets of emotions with these weights at a moment with these dynamics.
    pub(super) fn offsets(
        &self,
        weights: &[f32; EMOTIONS.len()],
        dynamics: [f32; 2],
    ) -> [f32; EXPRESSION_COUNT] {
        target(&self.0, weights, dynamics)
    }
}

/// A preset by expression channel.
struct Face {
    held: [f32; EXPRESSION_COUNT],
    accents: [f32; EXPRESSION_COUNT],
    rest_share: f32,
}

impl Face {
    fn of(preset: &EmotionPreset) -> Self {
        let columns = |shapes: &[(&str, f32)]| {
            let mut row = [0.0; EXPRESSION_COUNT];
            for (name, weight) in shapes {
                for column in sided_names(name).iter().filter_map(|name| expression_index(name)) {
                    row[column] = *weight;
                }
            }
            row
        };
        let mut held = columns(preset.held);
        held[EXPRESSION_COUNT - 1] = preset.jaw_gain;
        Self { held, accents: columns(preset.accents), rest_share: preset.rest_share }
    }
}

fn target(
    faces: &[Face],
    weights: &[f32; EMOTIONS.len()],
    [slow, accent]: [f32; 2],
) -> [f32; EXPRESSION_COUNT] {
    std::array::from_fn(|channel| {
        let share = |face: &Face| face.rest_share + (1.0 - face.rest_share) * (slow * 1.6).min(1.1);
        let offset = |face: &Face| face.held[channel] * share(face) + face.accents[channel] * accent;
        faces.iter().zip(weights).map(|(face, weight)| weight * offset(face)).sum()
    })
}
