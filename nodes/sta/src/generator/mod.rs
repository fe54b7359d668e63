//! Speech to facial motion: the generator.
//!
//! Two networks that share nothing (see [`network`]) and a fixed composition (see [`compose`]). The generator looks
//! at a bounded stretch of audio around each frame, so windows of a clip equal the whole clip and clips of any length
//! are generated in pieces.

pub mod channels;
pub mod compose;
pub mod compose_tensors;
pub mod features;
pub mod network;
pub mod noise;
pub(crate) mod pieces;
pub mod policy;
pub mod prosody;
pub mod weights;

use self::compose::Composer;
use self::features::{
    FEATURE_FRAMES_BEFORE, FEATURE_SECS_AFTER, FeatureExtractor, MODEL_FRAMES_PER_SEC, SAMPLE_RATE_HZ,
};
use self::network::{
    ContentNetwork, EVIDENCE_FRAMES_BEFORE, ExpressionNetwork, PROSODY_TAPS, TRUNK_TAPS, reach_after,
    reach_before,
};
use self::noise::NoiseModel;
use self::policy::PolicyNetwork;
use self::weights::Weights;
use crate::visemes::Viseme;
use burn::tensor::Device;
use esarm_values::{ARKIT_SHAPES, Audio, Emotion, FrameRate, Track};
use std::ops::Range;

/// Model frames before a frame on which the networks depend.
pub const NETWORK_FRAMES_BEFORE: i64 =
    larger(reach_before(TRUNK_TAPS) + EVIDENCE_FRAMES_BEFORE, reach_before(PROSODY_TAPS));
/// Model frames after a frame on which the networks depend.
pub const NETWORK_FRAMES_AFTER: i64 = larger(reach_after(TRUNK_TAPS), reach_after(PROSODY_TAPS));
/// Model frames after a time that the interpolation to the output's frame rate uses.
const INTERPOLATION_FRAMES_AFTER: i64 = 2;
/// Seconds of audio before a time on which the motion at that time depends.
pub const RECEPTIVE_SECS_BEFORE: f64 =
    (FEATURE_FRAMES_BEFORE + NETWORK_FRAMES_BEFORE + 2) as f64 / MODEL_FRAMES_PER_SEC as f64 + 0.0125;
/// Seconds of audio after a time on which the motion at that time depends.
pub const RECEPTIVE_SECS_AFTER: f64 = (NETWORK_FRAMES_AFTER + INTERPOLATION_FRAMES_AFTER) as f64
    / MODEL_FRAMES_PER_SEC as f64
    + FEATURE_SECS_AFTER;
const _: () = assert!(RECEPTIVE_SECS_AFTER <= 0.25);

const fn larger(a: i64, b: i64) -> i64 {
    if a > b { a } else { b }
}

/// The weights that come with the program, as safetensors.
pub static EMBEDDED_WEIGHTS: &[u8] = include_bytes!("../../../../assets/models/generator.safetensors");

/// Why nothing was generated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GeneratorError {
    /// The audio has another sampling rate.
    #[error(
        "audio \"{name}\" has {found_hz} samples per second, but the generator needs 16000: resample it first"
    )]
    SampleRate {
        /// Name of the audio.
        name: String,
        /// Its sampling rate.
        found_hz: u32,
    },
    /// The weights do not fit this program.
    #[error(
        "generator weights: {0}; train them again with `cargo xtask train` or restore assets/models/generator.safetensors"
    )]
    Weights(String),
    /// The spectra could not be computed.
    #[error("features of the audio: {0}")]
    Features(#[from] esarm_kernels::KernelError),
    /// An option is outside what is allowed.
    #[error("option `{name}` is {found}, but must be {allowed}")]
    Option {
        /// Name of the option.
        name: &'static str,
        /// The value given.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
}

impl GeneratorError {
    fn weights(what: impl Into<String>) -> Self {
        Self::Weights(what.into())
    }
}

/// How to generate.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateOptions {
    /// Frames per second of the motion.
    pub frame_rate: FrameRate,
    /// Which take: the same seed gives the same motion.
    pub seed: u64,
    /// How far takes stray from the mean: 0 gives the mean itself, 1 the spread that was learnt. 0 to 2.
    pub temperature: f32,
    /// Clip indices of the frames wanted; all that the audio covers when absent.
    pub frames: Option<Range<i64>>,
}

/// The temperature at which takes differ visibly and stay in sync.
pub const DEFAULT_TEMPERATURE: f32 = 0.5;

impl Default for GenerateOptions {
    fn default() -> Self {
        Self { frame_rate: FrameRate::whole(60), seed: 0, temperature: DEFAULT_TEMPERATURE, frames: None }
    }
}

/// A generated take.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    /// Weights of the 52 ARKit shapes, 0 to 1.
    pub motion: Track,
    /// What was heard: `closure` (the lips are held together), then the probability of each viseme class by name.
    pub content: Track,
    /// Natural logarithm of the probability density of the deviations that made this take, summed over its model
    /// frames and latents; 0 at temperature 0.
    pub log_probability: f64,
}

/// The generator: weights and prepared transforms. Cheap to share, immutable.
pub struct Generator {
    device: Device,
    features: FeatureExtractor,
    content: ContentNetwork,
    expression: ExpressionNetwork,
    recorded_share: [f32; channels::CONTENT_COUNT],
    noise: NoiseModel,
    policy: PolicyNetwork,
    /// The policy has learnt nothing: it need not be asked.
    untuned: bool,
    composer: Composer,
}

impl Generator {
    /// The generator with the project's own weights, on the CPU.
    pub fn load_embedded() -> Result<Self, GeneratorError> {
        Self::from_bytes(EMBEDDED_WEIGHTS, &Device::flex())
    }

    /// The generator with the weights of a safetensors file, on `device`.
    pub fn from_bytes(bytes: &[u8], device: &Device) -> Result<Self, GeneratorError> {
        Self::new(Weights::from_bytes(bytes)?, device)
    }

    /// The generator with these weights on `device`.
    pub fn new(weights: Weights, device: &Device) -> Result<Self, GeneratorError> {
        Ok(Self {
            device: device.clone(),
            features: FeatureExtractor::on(device)?,
            content: ContentNetwork::from_layers(weights.content, device),
            expression: ExpressionNetwork::from_layers(weights.expression, device),
            recorded_share: weights.recorded_share,
            noise: weights.noise,
            untuned: weights.policy.is_untuned(),
            policy: PolicyNetwork::new(weights.policy, device),
            composer: Composer::new(),
        })
    }

    /// Everything that is learnt, to be written to a file or to be learnt on.
    pub fn weights(&self) -> Weights {
        Weights {
            content: self.content.layers(),
            expression: self.expression.layers(),
            recorded_share: self.recorded_share,
            noise: self.noise.clone(),
            policy: self.policy.weights(),
        }
    }

    /// How takes vary.
    pub fn noise(&self) -> &NoiseModel {
        &self.noise
    }

    /// Generates the motion of a face that says `audio` with `emotion`.
    ///
    /// `audio` is mono at 16 kHz and may be a part of a clip; to get the frames of a window exactly as the whole clip
    /// gives them it has to reach [`RECEPTIVE_SECS_BEFORE`] and [`RECEPTIVE_SECS_AFTER`] beyond the window. Refuses
    /// other sampling rates, samples that are not finite and options outside their range.
    pub fn generate(
        &self,
        audio: &Audio,
        emotion: &Emotion,
        options: &GenerateOptions,
    ) -> Result<Generated, GeneratorError> {
        check(audio, options)?;
        let frames = options.frames.clone().unwrap_or_else(|| covered_frames(audio, options.frame_rate));
        let mut take = pieces::Take::default();
        for piece in pieces::split(frames.clone(), options.frame_rate) {
            self.generate_piece(audio, emotion, options, piece, &mut take)?;
        }
        Ok(Generated {
            motion: track(
                options.frame_rate,
                frames.start,
                ARKIT_SHAPES.map(str::to_owned).to_vec(),
                take.motion,
            ),
            content: track(options.frame_rate, frames.start, content_track_names(), take.content),
            log_probability: take.log_probability,
        })
    }
}

/// Names of the content track's channels.
pub fn content_track_names() -> Vec<String> {
    std::iter::once("closure").chain(Viseme::ALL.map(Viseme::name)).map(str::to_owned).collect()
}

pub(crate) fn check(audio: &Audio, options: &GenerateOptions) -> Result<(), GeneratorError> {
    if audio.sample_rate_hz != SAMPLE_RATE_HZ {
        return Err(GeneratorError::SampleRate { name: audio.name.clone(), found_hz: audio.sample_rate_hz });
    }
    if !(0.0..=2.0).contains(&options.temperature) {
        let found = options.temperature.to_string();
        return Err(GeneratorError::Option { name: "temperature", found, allowed: "between 0 and 2" });
    }
    if let Some(frames) = options.frames.as_ref().filter(|frames| frames.start > frames.end) {
        return Err(GeneratorError::Option {
            name: "frames",
            found: format!("{frames:?}"),
            allowed: "a range whose end is not before its start",
        });
    }
    Ok(())
}

/// The frames whose times lie in the audio.
pub(crate) fn covered_frames(audio: &Audio, rate: FrameRate) -> Range<i64> {
    let first = rate.frames_in(audio.start_secs()) as i64;
    let last = rate.frames_in(audio.start_secs() + audio.duration_secs()) as i64;
    first..last.max(first)
}

pub(crate) fn track(rate: FrameRate, start: i64, names: Vec<String>, values: Vec<f32>) -> Track {
    Track::new(rate, names, values).expect("whole frames of distinct channels").starting_at(start)
}
