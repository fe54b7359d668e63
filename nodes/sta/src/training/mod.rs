//! How the generator's weights are made: data, speech synthesis, coarticulation and the optimiser.
//!
//! Needs the data folder described in the model card, python3 with libespeak-ng, and flite. Everything is drawn from
//! one seed.

pub mod audio_files;
mod augment;
pub mod coarticulation;
mod content;
mod correction;
mod dataset;
mod expression;
pub mod phones;
pub mod recordings;
mod sentences;
mod synthesis;
mod variation;

pub use content::{ContentLoss, ContentSchedule};

use self::dataset::{Clip, Sampler};
use self::recordings::{read_emodb, read_facegood};
use crate::generator::GeneratorError;
use crate::generator::channels::{CONTENT_CHANNELS, CONTENT_COUNT};
use crate::generator::network::ContentNetwork;
use crate::generator::weights::Weights;
use burn::tensor::Device;
use std::path::{Path, PathBuf};

/// EMO-DB speakers that are trained on; 11 and 13 are kept out.
pub const TRAINING_SPEAKERS: [&str; 4] = ["03", "08", "09", "10"];
/// EMO-DB speakers kept out of training.
pub const HELD_OUT_SPEAKERS: [&str; 2] = ["11", "13"];
/// FACEGOOD clips that are trained on; `2_05` is kept out.
pub const TRAINING_CLIPS: [&str; 4] = ["2_01", "2_02", "2_03", "2_04"];
/// The FACEGOOD clip kept out of training.
pub const HELD_OUT_CLIP: &str = "2_05";

/// Why training stopped.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A file could not be read or written.
    #[error("{path}: {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        what: String,
    },
    /// A program that speaks did not.
    #[error("{tool}: {what}; install it with `apt install {package}`")]
    Tool {
        /// The program.
        tool: &'static str,
        /// The package that brings it.
        package: &'static str,
        /// What was wrong.
        what: String,
    },
    /// The generator refused its features or weights.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
}

impl TrainingError {
    fn file(path: &Path, what: impl std::fmt::Display) -> Self {
        Self::File { path: path.to_owned(), what: what.to_string() }
    }
}

/// What to train on and how.
#[derive(Clone, Debug)]
pub struct TrainingOptions {
    /// Folder that holds `emodb`, `facegood` and `livelink_csv`.
    pub data: PathBuf,
    /// Where the weights go.
    pub output: PathBuf,
    /// Where synthesised speech is kept; what is there already is not spoken again.
    pub speech: PathBuf,
    /// Everything random is drawn from it.
    pub seed: u64,
    /// Speakings of every sentence by espeak-ng, each with another voice.
    pub synthetic_variants: usize,
    /// FACEGOOD clips to train on.
    pub clips: Vec<String>,
    /// Training of the content network.
    pub content: ContentSchedule,
}

impl TrainingOptions {
    /// The options that make the shipped weights.
    pub fn new(data: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            output: output.into(),
            speech: std::env::temp_dir().join("esarm-training-speech"),
            seed: 1,
            synthetic_variants: 5,
            clips: TRAINING_CLIPS.map(str::to_owned).to_vec(),
            content: ContentSchedule::default(),
        }
    }
}

/// What training did.
#[derive(Clone, Debug)]
pub struct TrainingReport {
    /// Minutes of recorded animation, labelled recordings and synthesised speech.
    pub minutes: [f64; 3],
    /// The last reported losses of the content network.
    pub content: ContentLoss,
    /// The last mean squared error of the expression network.
    pub expression: f32,
    /// Size of the weights in bytes.
    pub bytes: usize,
}

/// Share of the recorded mouth in each content channel; the modelled mouth fills the rest.
const RECORDED_SHARES: [(&str, f32); 10] = [
    ("jawOpen", 0.6),
    ("mouthFunnel", 0.9),
    ("mouthPucker", 0.4),
    ("mouthLowerDown", 0.6),
    ("mouthUpperUp", 0.5),
    ("mouthStretch", 0.3),
    ("mouthSmile", 0.8),
    ("mouthPress", 0.3),
    ("mouthRollLower", 0.6),
    ("mouthRollUpper", 0.7),
];

/// Speeds at which recordings are played.
const SPEEDS: [f64; 3] = [0.9, 1.0, 1.11];

/// Trains the generator and writes its weights. `report` is told what happens, a line at a time.
pub fn train(
    options: &TrainingOptions,
    report: &mut dyn FnMut(&str),
) -> Result<TrainingReport, TrainingError> {
    let clips: Vec<&str> = options.clips.iter().map(String::as_str).collect();
    let animated = read_facegood(&options.data.join("facegood"), &clips)?;
    let labelled = read_emodb(&options.data.join("emodb"), &TRAINING_SPEAKERS)?;
    report("speaking the training sentences");
    let synthetic = synthesis::synthesise(options.synthetic_variants, options.seed, &options.speech)?;
    let voices: Vec<&[f32]> = labelled.iter().map(|speech| speech.samples.as_slice()).collect();
    let (expression, expression_error) = expression::train_expression(&voices, options.seed)?;
    report(&format!("expression: mean squared error {expression_error:.5}"));

    let minutes = |samples: usize| samples as f64 / 16_000.0 / 60.0;
    let minutes = [
        minutes(animated.iter().map(|speech| speech.samples.len()).sum()),
        minutes(labelled.iter().map(|speech| speech.samples.len()).sum()),
        minutes(synthetic.iter().map(|speech| speech.samples.len()).sum()),
    ];
    report(&format!(
        "minutes: {:.1} animated, {:.1} labelled, {:.1} synthetic",
        minutes[0], minutes[1], minutes[2]
    ));
    let clips = animated.iter().flat_map(|speech| SPEEDS.map(|speed| Clip::animated(speech).at_speed(speed)));
    let spoken = labelled.iter().flat_map(|speech| {
        SPEEDS.map(|speed| Clip::labelled(speech.samples.clone(), &speech.phones).at_speed(speed))
    });
    let synthetic = synthetic.into_iter().map(|speech| Clip::labelled(speech.samples, &speech.phones));
    let sampler = Sampler::new([clips.collect(), spoken.collect(), synthetic.collect()])?;
    let mut last = ContentLoss::default();
    let content = content::train_content(&sampler, &options.content, options.seed, &mut |step, loss| {
        last = loss;
        report(&format!("content: step {step}, postures {:.4}, classes {:.4}", loss.postures, loss.classes));
    })?;

    let network = ContentNetwork::from_layers(content, &Device::flex());
    report("fitting the correction of the recorded mouth");
    let correction = correction::fit_correction(&network, &animated, options.seed)?;
    let network = network.with_correction(correction);
    let noise = variation::fit_noise(&network, &animated, &options.data.join("livelink_csv"))?;
    let weights = Weights { content: network.layers(), expression, recorded_share: recorded_shares(), noise };
    let bytes = weights.to_bytes(&[
        ("seed", options.seed.to_string()),
        ("steps", options.content.steps.to_string()),
        ("licence", "MIT OR Apache-2.0".to_owned()),
    ])?;
    let temporary = options.output.with_extension("partial");
    std::fs::write(&temporary, &bytes).map_err(|error| TrainingError::file(&temporary, error))?;
    std::fs::rename(&temporary, &options.output)
        .map_err(|error| TrainingError::file(&options.output, error))?;
    Ok(TrainingReport { minutes, content: last, expression: expression_error, bytes: bytes.len() })
}

fn recorded_shares() -> [f32; CONTENT_COUNT] {
    std::array::from_fn(|channel| {
        let share = RECORDED_SHARES.iter().find(|(name, _)| *name == CONTENT_CHANNELS[channel]);
        share.map_or(0.0, |(_, share)| *share)
    })
}
