//! Learning how takes vary: standard deviation and correlation of each latent.

use super::TrainingError;
use super::recordings::{AnimatedSpeech, files_with_ending};
use crate::generator::channels::{CONTENT_CHANNELS, CONTENT_COUNT, shapes_of_content};
use crate::generator::features::{FeatureExtractor, MODEL_FRAMES_PER_SEC, SAMPLE_RATE_HZ, STACK_COUNT};
use crate::generator::network::{ContentNetwork, READOUT_COUNT};
use crate::generator::noise::{EXPRESSION_LATENTS, LATENT_COUNT, NoiseModel};
use burn::tensor::{Device, Tensor, TensorData};
use esarm_values::Audio;
use std::path::Path;

/// Standard deviation of a content latent that no recording shows, and its correlation.
const UNSEEN: (f32, f32) = (0.03, 0.9);
/// Bounds of what is learnt: takes must stay in sync and move like flesh.
const SIGMA_RANGE: (f32, f32) = (0.012, 0.12);
const CORRELATION_RANGE: (f32, f32) = (0.88, 0.965);

/// Sums of squares and of neighbouring products of a latent's deviations.
#[derive(Clone, Copy, Default)]
struct Moments {
    squares: f64,
    products: f64,
    count: f64,
}

impl Moments {
    fn add(&mut self, values: &[f32]) {
        self.squares += values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
        self.products += values.windows(2).map(|pair| f64::from(pair[0] * pair[1])).sum::<f64>();
        self.count += values.len() as f64;
    }

    /// Standard deviation and correlation, when there was anything to learn from.
    fn estimate(&self) -> Option<(f32, f32)> {
        let variance = self.squares / self.count.max(1.0);
        (variance > 1e-8).then(|| (variance.sqrt() as f32, (self.products / self.squares) as f32))
    }
}

/// Fits the noise model: content latents to what the network leaves unexplained in recorded animation, expression
/// latents to how the faces of real takes waver around their own slow movement.
pub(super) fn fit_noise(
    network: &ContentNetwork,
    recordings: &[AnimatedSpeech],
    takes_folder: &Path,
) -> Result<NoiseModel, TrainingError> {
    let mut moments = [Moments::default(); LATENT_COUNT];
    for recording in recordings {
        add_residuals(network, recording, &mut moments)?;
    }
    for path in files_with_ending(takes_folder, "csv")? {
        add_take(&path, &mut moments)?;
    }
    let estimates = moments.map(|moments| moments.estimate().unwrap_or(UNSEEN));
    Ok(NoiseModel {
        log_sigma: estimates.map(|(sigma, _)| sigma.clamp(SIGMA_RANGE.0, SIGMA_RANGE.1).ln()),
        correlation: estimates
            .map(|(_, correlation)| correlation.clamp(CORRELATION_RANGE.0, CORRELATION_RANGE.1)),
    })
}

fn add_residuals(
    network: &ContentNetwork,
    recording: &AnimatedSpeech,
    moments: &mut [Moments; LATENT_COUNT],
) -> Result<(), TrainingError> {
    let audio = Audio::new(recording.name.clone(), SAMPLE_RATE_HZ, recording.samples.clone());
    let ratio = f64::from(MODEL_FRAMES_PER_SEC) / recording.frames_per_sec;
    let frames = ((recording.shapes.len() - 1) as f64 * ratio) as i64;
    let stacks = FeatureExtractor::new()?.stacks(&audio, 0..frames)?;
    let input =
        Tensor::<3>::from_data(TensorData::new(stacks, [1, frames as usize, STACK_COUNT]), &Device::flex());
    let readout: Vec<f32> = network.forward(&input).into_data().iter::<f32>().collect();
    for channel in (0..CONTENT_COUNT).filter(|channel| recording.animated[*channel]) {
        let shape = shapes_of_content(CONTENT_CHANNELS[channel])[0];
        let residuals: Vec<f32> = (0..frames as usize)
            .map(|frame| {
                let position = frame as f64 / ratio;
                let (at, phase) = (position.floor() as usize, position.fract() as f32);
                let (now, next) = (recording.shapes[at][shape], recording.shapes[at + 1][shape]);
                now + (next - now) * phase - readout[frame * READOUT_COUNT + channel]
            })
            .collect();
        moments[channel].add(&residuals);
    }
    Ok(())
}

/// Adds the wavering of a Live Link Face take around its running mean over two seconds.
fn add_take(path: &Path, moments: &mut [Moments; LATENT_COUNT]) -> Result<(), TrainingError> {
    const FRAMES_PER_SEC: f64 = 30.0;
    let text = std::fs::read_to_string(path).map_err(|error| TrainingError::file(path, error))?;
    let mut lines = text.lines();
    let header: Vec<String> =
        lines.next().unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    let rows: Vec<Vec<f32>> = lines
        .map(|line| line.split(',').map(|field| field.trim().parse().unwrap_or(0.0)).collect())
        .collect();
    for (latent, (_, shapes)) in EXPRESSION_LATENTS.iter().enumerate() {
        let columns: Vec<(usize, f32)> = shapes
            .iter()
            .filter_map(|(name, share)| {
                Some((header.iter().position(|h| *h == name.to_ascii_lowercase())?, *share))
            })
            .collect();
        let norm: f32 = columns.iter().map(|(_, share)| share * share).sum::<f32>().max(1e-6);
        let series: Vec<f32> = rows
            .iter()
            .map(|row| {
                columns.iter().map(|(column, share)| row.get(*column).unwrap_or(&0.0) * share).sum::<f32>()
                    / norm
            })
            .collect();
        let wavering: Vec<f32> = around_running_mean(&series, FRAMES_PER_SEC as usize);
        let resampled = at_model_rate(&wavering, FRAMES_PER_SEC);
        moments[CONTENT_COUNT + latent].add(&resampled);
    }
    Ok(())
}

fn around_running_mean(series: &[f32], reach: usize) -> Vec<f32> {
    (0..series.len())
        .map(|at| {
            let around = &series[at.saturating_sub(reach)..(at + reach + 1).min(series.len())];
            series[at] - around.iter().sum::<f32>() / around.len() as f32
        })
        .collect()
}

fn at_model_rate(series: &[f32], frames_per_sec: f64) -> Vec<f32> {
    let ratio = f64::from(MODEL_FRAMES_PER_SEC) / frames_per_sec;
    let count = (series.len().saturating_sub(1) as f64 * ratio) as usize;
    (0..count)
        .map(|frame| {
            let position = frame as f64 / ratio;
            let (at, phase) = (position.floor() as usize, position.fract() as f32);
            series[at] + (series[at + 1] - series[at]) * phase
        })
        .collect()
}
