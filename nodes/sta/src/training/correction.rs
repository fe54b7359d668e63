//! Fitting of the correction: what the trained readout leaves of the recorded mouth, by ridge regression.
//!
//! The readout shares its trunk with everything else and is taught through disguises. The correction has one task and
//! an exact solution, `(XᵀX + λD) w = Xᵀ(y - readout)`, with `D` the diagonal of `XᵀX`.

use super::TrainingError;
use super::augment::disguise;
use super::recordings::AnimatedSpeech;
use crate::generator::channels::{CONTENT_CHANNELS, CONTENT_COUNT, shapes_of_content};
use crate::generator::features::{FeatureExtractor, MODEL_FRAMES_PER_SEC, SAMPLE_RATE_HZ, STACK_COUNT};
use crate::generator::network::{ContentNetwork, DenseWeights, EVIDENCE_COUNT, READOUT_COUNT};
use burn::tensor::{Device, Tensor, TensorData};
use esarm_kernels::linear::solve_symmetric;
use esarm_kernels::random::Random;
use esarm_values::Audio;
use std::path::Path;

/// Strength of the penalty relative to the diagonal.
const PENALTY: f64 = 0.03;
/// Disguised copies of every recording that are fitted beside the plain one.
const DISGUISES: u64 = 1;
/// Model frames fitted at a time.
const BLOCK_FRAMES: i64 = 3000;
/// Evidence and the constant.
const SIDE: usize = EVIDENCE_COUNT + 1;

/// `XᵀX` and `Xᵀy` of everything seen, one `Xᵀy` and count of frames for each channel.
struct Sums {
    squares: Vec<f64>,
    products: Vec<f64>,
}

/// Fits the correction of every animated channel; the others stay uncorrected.
pub(super) fn fit_correction(
    network: &ContentNetwork,
    recordings: &[AnimatedSpeech],
    seed: u64,
) -> Result<DenseWeights, TrainingError> {
    let extractor = FeatureExtractor::new()?;
    let groups = animated_groups(recordings);
    let mut layer = DenseWeights {
        inputs: EVIDENCE_COUNT,
        outputs: CONTENT_COUNT,
        weight: vec![0.0; EVIDENCE_COUNT * CONTENT_COUNT],
        bias: vec![0.0; CONTENT_COUNT],
    };
    for (members, channels) in groups {
        let mut sums = Sums { squares: vec![0.0; SIDE * SIDE], products: vec![0.0; SIDE * channels.len()] };
        for member in &members {
            for copy in 0..=DISGUISES {
                let random = Random::new(seed, 0xC0).split(*member as u64).split(copy);
                add_recording(
                    network,
                    &extractor,
                    &recordings[*member],
                    &channels,
                    (copy > 0).then_some(random),
                    &mut sums,
                )?;
            }
        }
        let solution = solve(sums, channels.len()).ok_or_else(|| {
            let first = Path::new(&recordings[members[0]].name);
            TrainingError::file(
                first,
                "and those like it have too few frames to fit a correction; add longer ones",
            )
        })?;
        for (column, channel) in channels.iter().enumerate() {
            for row in 0..EVIDENCE_COUNT {
                layer.weight[row * CONTENT_COUNT + channel] = solution[row * channels.len() + column] as f32;
            }
            layer.bias[*channel] = solution[EVIDENCE_COUNT * channels.len() + column] as f32;
        }
    }
    Ok(layer)
}

/// Channels by the set of recordings in which they are animated, so that each set is summed once.
fn animated_groups(recordings: &[AnimatedSpeech]) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut groups: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
    for channel in 0..CONTENT_COUNT {
        let members: Vec<usize> =
            (0..recordings.len()).filter(|index| recordings[*index].animated[channel]).collect();
        match groups.iter_mut().find(|(known, _)| *known == members) {
            Some((_, channels)) => channels.push(channel),
            None if members.is_empty() => {}
            None => groups.push((members, vec![channel])),
        }
    }
    groups
}

fn add_recording(
    network: &ContentNetwork,
    extractor: &FeatureExtractor,
    recording: &AnimatedSpeech,
    channels: &[usize],
    disguised: Option<Random>,
    sums: &mut Sums,
) -> Result<(), TrainingError> {
    let mut samples = recording.samples.clone();
    if let Some(random) = disguised {
        disguise(&mut samples, random);
    }
    let audio = Audio::new(recording.name.clone(), SAMPLE_RATE_HZ, samples);
    let ratio = f64::from(MODEL_FRAMES_PER_SEC) / recording.frames_per_sec;
    let frames = ((recording.shapes.len() - 1) as f64 * ratio) as i64;
    for start in (0..frames).step_by(BLOCK_FRAMES as usize) {
        let end = (start + BLOCK_FRAMES).min(frames);
        let count = (end - start) as usize;
        let stacks = extractor.stacks(&audio, start..end)?;
        let stacks =
            Tensor::<3>::from_data(TensorData::new(stacks, [1, count, STACK_COUNT]), &Device::flex());
        let trunk = network.trunk(&stacks);
        let evidence = network.evidence(&stacks, &trunk);
        let evidence = Tensor::cat(vec![evidence, Tensor::ones([count, 1], &Device::flex())], 1);
        let readout: Vec<f32> = network.read(trunk).into_data().iter::<f32>().collect();
        let mut left = vec![0.0; count * channels.len()];
        for (row, frame) in (start..end).enumerate() {
            let truth = posture(recording, frame as f64 / ratio);
            for (column, channel) in channels.iter().enumerate() {
                left[row * channels.len() + column] =
                    truth[*channel] - readout[row * READOUT_COUNT + channel];
            }
        }
        let left = Tensor::<2>::from_data(TensorData::new(left, [count, channels.len()]), &Device::flex());
        add(&mut sums.squares, evidence.clone().transpose().matmul(evidence.clone()));
        add(&mut sums.products, evidence.transpose().matmul(left));
    }
    Ok(())
}

fn add(sums: &mut [f64], block: Tensor<2>) {
    sums.iter_mut().zip(block.into_data().iter::<f32>()).for_each(|(sum, value)| *sum += f64::from(value));
}

/// Content postures of a recording at a position in its frames.
fn posture(recording: &AnimatedSpeech, position: f64) -> [f32; CONTENT_COUNT] {
    let (at, phase) = (position.floor() as usize, position.fract() as f32);
    std::array::from_fn(|channel| {
        let shapes = shapes_of_content(CONTENT_CHANNELS[channel]);
        let mean = |frame: usize| {
            shapes.iter().map(|shape| recording.shapes[frame][*shape]).sum::<f32>() / shapes.len() as f32
        };
        mean(at) + (mean(at + 1) - mean(at)) * phase
    })
}

/// Solves the penalised normal equations: `[SIDE, columns]`.
fn solve(sums: Sums, columns: usize) -> Option<Vec<f64>> {
    let mut matrix = sums.squares;
    let largest = (0..EVIDENCE_COUNT).map(|i| matrix[i * SIDE + i]).fold(0.0, f64::max);
    for i in 0..EVIDENCE_COUNT {
        matrix[i * SIDE + i] += PENALTY * matrix[i * SIDE + i] + 1e-6 * largest;
    }
    solve_symmetric(matrix, sums.products, SIDE, columns)
}
