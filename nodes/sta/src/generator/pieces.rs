//! Generation piece by piece, so that hours of speech need the memory of seconds.

use super::channels::{CONTENT_COUNT, EXPRESSION_COUNT, lip_opening};
use super::features::{MODEL_FRAMES_PER_SEC, STACK_COUNT};
use super::network::READOUT_COUNT;
use super::noise::{Deviations, LATENT_COUNT, add_expression_deviations};
use super::policy::{POLICY_INPUT_COUNT, POLICY_PROSODY_TAPS};
use super::prosody::PROSODY_COUNT;
use super::{
    GenerateOptions, Generator, GeneratorError, INTERPOLATION_FRAMES_AFTER, NETWORK_FRAMES_AFTER,
    NETWORK_FRAMES_BEFORE,
};
use crate::visemes::{VISEME_COUNT, Viseme};
use burn::tensor::{Tensor, TensorData};
use esarm_kernels::devices::read;
use esarm_values::{Audio, EMOTIONS, Emotion, FrameRate};
use std::ops::Range;

/// Seconds generated at a time.
const PIECE_SECS: f64 = 20.0;
/// Scores (logits) of closure and of silence at which the seal begins, and the span to the full seal. They are low
/// because a missed p, b or m is seen at once, while lips that touch a little too often are not.
const SEAL_FROM_CLOSURE: f32 = -2.8;
const SEAL_FROM_SILENCE: f32 = -3.8;
const SEAL_SPAN: f32 = 1.3;
/// How much later the seal begins for each unit of opening that the postures ask for: a mouth about to speak parts.
const CLOSURE_YIELDS: f32 = 3.0;
const SILENCE_YIELDS: f32 = 6.0;

/// What has been generated so far.
#[derive(Default)]
pub(crate) struct Take {
    pub(crate) motion: Vec<f32>,
    pub(crate) content: Vec<f32>,
    pub(super) log_probability: f64,
    /// Model frames up to here have been counted in the log-probability.
    counted_to: Option<i64>,
}

/// Mean postures and expression at model frames, with room around for interpolation.
#[derive(Clone)]
pub(crate) struct Means {
    /// The first model frame.
    pub(crate) first: i64,
    /// `[frames, CONTENT_COUNT]`.
    pub(crate) content: Vec<f32>,
    /// `[frames, EXPRESSION_COUNT]`.
    pub(crate) expression: Vec<f32>,
    /// Closure, then viseme probabilities: `[frames, 1 + VISEME_COUNT]`.
    pub(crate) heard: Vec<f32>,
    /// What the policy sees: `[frames, POLICY_INPUT_COUNT]`.
    pub(crate) inputs: Vec<f32>,
}

impl Means {
    /// Appends the frames that follow.
    pub(crate) fn extend(&mut self, next: Self) {
        self.content.extend(next.content);
        self.expression.extend(next.expression);
        self.heard.extend(next.heard);
        self.inputs.extend(next.inputs);
    }
}

/// Cuts a range of frames into pieces of at most [`PIECE_SECS`].
pub(super) fn split(frames: Range<i64>, rate: FrameRate) -> Vec<Range<i64>> {
    let step = ((PIECE_SECS * rate.frames_per_sec()) as i64).max(1);
    let starts = (frames.start..frames.end).step_by(step as usize);
    starts.map(|start| start..(start + step).min(frames.end)).collect()
}

impl Generator {
    /// Generates the frames `frames` and appends them to `take`.
    pub(super) fn generate_piece(
        &self,
        audio: &Audio,
        emotion: &Emotion,
        options: &GenerateOptions,
        frames: Range<i64>,
        take: &mut Take,
    ) -> Result<(), GeneratorError> {
        let first = model_position(options.frame_rate, frames.start).floor() as i64;
        let last = model_position(options.frame_rate, frames.end - 1).floor() as i64 + 1;
        let model_frames = first - 1..last + INTERPOLATION_FRAMES_AFTER;
        let mut means = self.means(audio, emotion, model_frames.clone())?;
        let deviations = self.draw(&means, options.seed, options.temperature, model_frames.clone())?;
        count_log_probability(&deviations, first..last, &model_frames, take);
        add_deviations(&mut means, &deviations.values);
        self.append_frames(&means, options.frame_rate, frames, take);
        Ok(())
    }

    /// Composes the frames of a motion from means that hold what they need.
    pub(crate) fn append_frames(&self, means: &Means, rate: FrameRate, frames: Range<i64>, take: &mut Take) {
        for frame in frames {
            self.append_frame(means, model_position(rate, frame), take);
        }
    }

    fn draw(
        &self,
        means: &Means,
        seed: u64,
        temperature: f32,
        frames: Range<i64>,
    ) -> Result<Deviations, GeneratorError> {
        if self.untuned {
            return Ok(self.noise.draw(seed, temperature, frames));
        }
        let count = means.inputs.len() / POLICY_INPUT_COUNT;
        let inputs = TensorData::new(means.inputs.clone(), [count, POLICY_INPUT_COUNT]);
        let spread = self.policy.forward(Tensor::from_data(inputs, &self.device), &self.noise).to_spread()?;
        Ok(self.noise.draw_around(&spread, seed, temperature, frames))
    }

    /// Mean postures and expression at the model frames `frames`.
    pub(crate) fn means(
        &self,
        audio: &Audio,
        emotion: &Emotion,
        frames: Range<i64>,
    ) -> Result<Means, GeneratorError> {
        let wide = frames.start - NETWORK_FRAMES_BEFORE..frames.end + NETWORK_FRAMES_AFTER;
        let features = self.features.extract(audio, wide.clone())?;
        let count = features.frame_count;
        let tensor = |values: Vec<f32>, width: usize| {
            Tensor::<3>::from_data(TensorData::new(values, [1, count, width]), &self.device)
        };
        let wanted = NETWORK_FRAMES_BEFORE as usize;
        let keep = |result: Tensor<3>| read(result.narrow(1, wanted, (frames.end - frames.start) as usize));
        let readout = keep(self.content.forward(&tensor(features.stacks, STACK_COUNT)))?;
        let weights: Vec<f32> = wide.flat_map(|frame| emotion_at(emotion, frame)).collect();
        let prosody = tensor(features.prosody.clone(), PROSODY_COUNT);
        let expression = keep(self.expression.forward(tensor(weights.clone(), EMOTIONS.len()), &prosody))?;
        let content: Vec<_> = readout.chunks(READOUT_COUNT).map(|row| self.mean_content(row)).collect();
        let heard: Vec<_> = readout
            .chunks(READOUT_COUNT)
            .zip(&content)
            .map(|(row, postures)| heard(row, lip_opening(postures)))
            .collect();
        let inputs = (0..content.len()).flat_map(|frame| {
            let here = &weights[(wanted + frame) * EMOTIONS.len()..][..EMOTIONS.len()];
            let prosody = prosody_around(&features.prosody, wanted + frame);
            here.iter().copied().chain(prosody).chain(content[frame]).chain([heard[frame][0]])
        });
        Ok(Means {
            first: frames.start,
            inputs: inputs.collect(),
            heard: heard.into_flattened(),
            content: content.into_flattened(),
            expression,
        })
    }

    /// Mixes the recorded and the modelled reading of the mouth.
    fn mean_content(&self, row: &[f32]) -> [f32; CONTENT_COUNT] {
        std::array::from_fn(|channel| {
            let share = self.recorded_share[channel];
            share * row[channel] + (1.0 - share) * row[CONTENT_COUNT + channel]
        })
    }

    /// Interpolates to `position` in model frames, composes the shapes and appends them.
    fn append_frame(&self, means: &Means, position: f64, take: &mut Take) {
        let at = (position.floor() as i64 - means.first) as usize;
        let phase = (position - position.floor()) as f32;
        let content: [f32; CONTENT_COUNT] = cubic(&means.content, at, phase);
        let expression: [f32; EXPRESSION_COUNT] = cubic(&means.expression, at, phase);
        let heard: [f32; 1 + VISEME_COUNT] = linear(&means.heard, at, phase);
        take.motion.extend(self.composer.compose(&content, &expression, heard[0]));
        take.content.extend(heard);
    }
}

/// The time of a frame in model frames.
fn model_position(rate: FrameRate, frame: i64) -> f64 {
    rate.secs_of(frame) * f64::from(MODEL_FRAMES_PER_SEC)
}

/// Prosody at the policy's taps around a row of `[frames, PROSODY_COUNT]` that has them all.
fn prosody_around(prosody: &[f32], row: usize) -> impl Iterator<Item = f32> {
    POLICY_PROSODY_TAPS.into_iter().flat_map(move |tap| {
        let row = (row as i64 + tap) as usize;
        prosody[row * PROSODY_COUNT..(row + 1) * PROSODY_COUNT].iter().copied()
    })
}

/// The emotion's weights at a model frame, with neutral as what is missing to 1.
fn emotion_at(emotion: &Emotion, frame: i64) -> [f32; EMOTIONS.len()] {
    let mut weights = emotion.weights_at(frame as f64 / f64::from(MODEL_FRAMES_PER_SEC));
    weights[0] = (1.0 - weights[1..].iter().sum::<f32>()).max(0.0);
    weights
}

/// Closure and viseme probabilities of one row of the readout, for postures that open the lips by `opening`.
fn heard(row: &[f32], opening: f32) -> [f32; 1 + VISEME_COUNT] {
    let scores = &row[2 * CONTENT_COUNT..2 * CONTENT_COUNT + VISEME_COUNT];
    let (closure, silence) = (row[READOUT_COUNT - 2], row[READOUT_COUNT - 1]);
    let largest = scores.iter().copied().fold(f32::MIN, f32::max);
    let exponential = |viseme: usize| (scores[viseme] - largest).exp();
    let sum: f32 = (0..VISEME_COUNT).map(exponential).sum();
    let seal = |score: f32, from: f32| smooth_step((score - from) / SEAL_SPAN);
    let by_closure = seal(closure, SEAL_FROM_CLOSURE + CLOSURE_YIELDS * opening);
    let seal = by_closure.max(seal(silence, SEAL_FROM_SILENCE + SILENCE_YIELDS * opening));
    let mut values = [seal; 1 + VISEME_COUNT];
    for (viseme, value) in values[1..].iter_mut().enumerate() {
        *value = exponential(viseme) / sum;
    }
    values[1 + Viseme::Silence as usize] =
        values[1 + Viseme::Silence as usize].max(1.0 / (1.0 + (-silence).exp()));
    values
}

fn smooth_step(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// Adds deviations `[frames, LATENT_COUNT]`, a row for each frame of `means`.
pub(crate) fn add_deviations(means: &mut Means, deviations: &[f32]) {
    let rows = deviations.chunks(LATENT_COUNT);
    let content = means.content.chunks_mut(CONTENT_COUNT);
    let expression = means.expression.chunks_mut(EXPRESSION_COUNT);
    for ((row, content), expression) in rows.zip(content).zip(expression) {
        // A posture that is not taken does not waver: deviations grow with the posture itself.
        for (posture, deviation) in content.iter_mut().zip(row) {
            *posture += deviation * (posture.abs() * 4.0).min(1.0);
        }
        add_expression_deviations(row, expression);
    }
}

fn count_log_probability(deviations: &Deviations, frames: Range<i64>, drawn: &Range<i64>, take: &mut Take) {
    let from = take.counted_to.map_or(frames.start, |counted| counted.max(frames.start));
    take.log_probability += (from..frames.end)
        .map(|frame| deviations.log_probability[(frame - drawn.start) as usize])
        .sum::<f64>();
    take.counted_to = Some(frames.end);
}

/// Interpolation through four rows (Catmull and Rom, 1974), between rows `at` and `at + 1`.
fn cubic<const WIDTH: usize>(rows: &[f32], at: usize, phase: f32) -> [f32; WIDTH] {
    let row = |offset: usize| &rows[(at + offset - 1) * WIDTH..(at + offset) * WIDTH];
    let (a, b, c, d) = (row(0), row(1), row(2), row(3));
    std::array::from_fn(|i| {
        let slope = c[i] - a[i];
        let curve = 2.0 * a[i] - 5.0 * b[i] + 4.0 * c[i] - d[i];
        let bend = 3.0 * (b[i] - c[i]) + d[i] - a[i];
        b[i] + 0.5 * phase * (slope + phase * (curve + phase * bend))
    })
}

fn linear<const WIDTH: usize>(rows: &[f32], at: usize, phase: f32) -> [f32; WIDTH] {
    let (a, b) = (&rows[at * WIDTH..(at + 1) * WIDTH], &rows[(at + 1) * WIDTH..(at + 2) * WIDTH]);
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * phase)
}
