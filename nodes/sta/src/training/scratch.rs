//! Training from nothing: the shipped weights.

use super::corpus::{GridClip, check_clip, of_emodb};
use super::coupling::{CoupledModel, Grid, LossWeights};
use super::dataset::{Clip, Sampler};
use super::recordings::{AnimatedSpeech, LabelledSpeech, read_emodb, read_facegood};
use super::run::{Progress, Schedule, Stop, Trainer, Verdict, write_whole};
use super::synthesis::{SyntheticSpeech, synthesise};
use super::task::{GeneratorTask, Sources, Taught};
use super::{
    HELD_OUT_SPEAKERS, TRAINING_CLIPS, TRAINING_SPEAKERS, TrainingError, correction, expression, variation,
};
use crate::generator::Generator;
use crate::generator::channels::{CONTENT_CHANNELS, CONTENT_COUNT};
use crate::generator::network::ContentNetwork;
use crate::generator::policy::PolicyWeights;
use crate::generator::weights::Weights;
use burn::tensor::Device;
use esarm_values::Rig;
use std::path::PathBuf;
use std::sync::Arc;

/// What to train on and how.
#[derive(Clone, Debug)]
pub struct TrainingOptions {
    /// Folder that holds `emodb`, `facegood` and `livelink_csv`.
    pub data: PathBuf,
    /// Where the weights go.
    pub output: PathBuf,
    /// Where synthesised speech is kept; what is there already is not spoken again.
    pub speech: PathBuf,
    /// Where checkpoints and curves go; an interrupted run goes on from there.
    pub checkpoints: Option<PathBuf>,
    /// Everything random is drawn from it.
    pub seed: u64,
    /// Speakings of every sentence by espeak-ng, each with another voice.
    pub synthetic_variants: usize,
    /// FACEGOOD clips to train on.
    pub clips: Vec<String>,
    /// Steps, step size and checks.
    pub schedule: Schedule,
    /// Examples of recorded animation, of labelled recordings and of synthesised speech in a step.
    pub examples: [usize; 3],
    /// Quadruples of a step; 0 trains without cross-coupling.
    pub quadruples: usize,
    /// How much each term of the cross-coupling counts.
    pub losses: LossWeights,
    /// A rig on whose skin coupled faces are compared beside their weights.
    pub rig: Option<Arc<Rig>>,
}

impl TrainingOptions {
    /// The options that the shipped weights were made with, and cross-coupling in every step, which came after them.
    pub fn new(data: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            output: output.into(),
            speech: std::env::temp_dir().join("esarm-training-speech"),
            checkpoints: None,
            seed: 1,
            synthetic_variants: 5,
            clips: TRAINING_CLIPS.map(str::to_owned).to_vec(),
            schedule: Schedule { check_every: 100, ..Schedule::default() },
            examples: [4, 3, 2],
            quadruples: 0,
            losses: LossWeights::default(),
            rig: None,
        }
    }
}

/// What training did.
#[derive(Clone, Debug)]
pub struct TrainingReport {
    /// Minutes of recorded animation, labelled recordings and synthesised speech.
    pub minutes: [f64; 3],
    /// Why it ended, and after how many steps. A run that was cancelled writes no weights.
    pub ended: (Stop, usize),
    /// The last mean squared error of the expression network before coupling.
    pub expression: f32,
    /// The curves as CSV.
    pub curves: String,
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

/// The material of a training.
struct Material {
    animated: Vec<AnimatedSpeech>,
    labelled: Vec<LabelledSpeech>,
    synthetic: Vec<SyntheticSpeech>,
}

impl Material {
    fn read(options: &TrainingOptions, report: &mut dyn FnMut(&str)) -> Result<Self, TrainingError> {
        let clips: Vec<&str> = options.clips.iter().map(String::as_str).collect();
        let animated = read_facegood(&options.data.join("facegood"), &clips)?;
        let labelled = read_emodb(&options.data.join("emodb"), &TRAINING_SPEAKERS)?;
        report("speaking the training sentences");
        let synthetic = synthesise(options.synthetic_variants, options.seed, &options.speech)?;
        Ok(Self { animated, labelled, synthetic })
    }

    fn minutes(&self) -> [f64; 3] {
        let minutes = |samples: usize| samples as f64 / 16_000.0 / 60.0;
        [
            minutes(self.animated.iter().map(|speech| speech.samples.len()).sum()),
            minutes(self.labelled.iter().map(|speech| speech.samples.len()).sum()),
            minutes(self.synthetic.iter().map(|speech| speech.samples.len()).sum()),
        ]
    }

    fn sampler(&self) -> Result<Sampler<3>, TrainingError> {
        let animated =
            self.animated.iter().flat_map(|speech| SPEEDS.map(|it| Clip::animated(speech).at_speed(it)));
        let labelled = self.labelled.iter().flat_map(|speech| {
            SPEEDS.map(|speed| Clip::labelled(speech.samples.clone(), &speech.phones).at_speed(speed))
        });
        let synthetic =
            self.synthetic.iter().map(|speech| Clip::labelled(speech.samples.clone(), &speech.phones));
        let [animated, labelled] = [animated.collect::<Result<_, _>>()?, labelled.collect::<Result<_, _>>()?];
        Sampler::new([animated, labelled, synthetic.collect()])
    }

    /// EMO-DB, whose voices have emotions, and synthesised speech, which is given any.
    fn grid(&self) -> Result<Vec<GridClip>, TrainingError> {
        let recorded = self.labelled.iter().cloned().map(of_emodb);
        let synthetic = self.synthetic.iter().enumerate().map(|(number, speech)| GridClip {
            name: format!("synthesised {number}, {}", speech.voice),
            content: format!("sentence {}", speech.sentence),
            speaker: speech.voice.clone(),
            emotion: None,
            samples: speech.samples.clone(),
            phones: speech.phones.clone(),
        });
        let clips: Vec<GridClip> = recorded.chain(synthetic).collect();
        clips.iter().try_for_each(check_clip)?;
        Ok(clips)
    }
}

/// Trains the generator and writes its weights. `report` is told what happens, a line at a time; `observe` of every
/// step, and may end the run, which then writes a checkpoint but no weights.
///
/// # Errors
/// When material is missing or broken, a program that speaks is missing, or the run fails.
pub fn train(
    options: &TrainingOptions,
    report: &mut dyn FnMut(&str),
    observe: &mut dyn FnMut(&Progress<'_>) -> Verdict,
) -> Result<TrainingReport, TrainingError> {
    let material = Material::read(options, report)?;
    let minutes = material.minutes();
    report(&format!(
        "minutes: {:.1} animated, {:.1} labelled, {:.1} synthetic",
        minutes[0], minutes[1], minutes[2]
    ));
    let voices: Vec<&[f32]> = material.labelled.iter().map(|speech| speech.samples.as_slice()).collect();
    let (expression, expression_error) = expression::train_expression(&voices, options.seed)?;
    report(&format!("expression: mean squared error {expression_error:.5}"));
    let content = ContentNetwork::random(options.seed, &Device::flex()).layers();
    let start = CoupledModel::parameters_of(&content, &expression);
    let task = GeneratorTask::new(
        sources(options, &material)?,
        start,
        Taught::Everything,
        options.losses,
        options.rig.as_deref(),
        options.seed,
    )?;
    let mut trainer = Trainer::new(task, options.schedule.clone(), options.checkpoints.as_deref())?;
    report(&format!("training from step {}", trainer.step()));
    let outcome = trainer.run(observe)?;
    let mut trained = TrainingReport {
        minutes,
        ended: (outcome.stop, outcome.steps),
        expression: expression_error,
        curves: outcome.curves,
        bytes: 0,
    };
    if outcome.stop != Stop::Cancelled {
        let (content, expression) = CoupledModel::layers_of(&outcome.weights);
        let network = ContentNetwork::from_layers(content, &Device::flex());
        report("fitting the correction of the recorded mouth");
        let weights = complete(network, expression, options, &material)?;
        let bytes = weights.to_bytes(&notes(options))?;
        write_whole(&options.output, &bytes)?;
        trained.bytes = bytes.len();
    }
    Ok(trained)
}

fn sources(options: &TrainingOptions, material: &Material) -> Result<Sources, TrainingError> {
    let speech = Some((material.sampler()?, options.examples));
    if options.quadruples == 0 {
        return Ok(Sources { speech, grid: None, held_out: None });
    }
    // Only demonstrations are heard by it, of which there are none here.
    let heard = Generator::load_embedded()?;
    let held_out = read_emodb(&options.data.join("emodb"), &HELD_OUT_SPEAKERS)?.into_iter().map(of_emodb);
    Ok(Sources {
        speech,
        grid: Some((Grid::new(material.grid()?, Vec::new(), &heard)?, options.quadruples)),
        held_out: Some(Grid::new(held_out.collect(), Vec::new(), &heard)?),
    })
}

/// Fits what is not learnt by steps.
fn complete(
    network: ContentNetwork,
    expression: Vec<crate::generator::network::DenseWeights>,
    options: &TrainingOptions,
    material: &Material,
) -> Result<Weights, TrainingError> {
    let correction = correction::fit_correction(&network, &material.animated, options.seed)?;
    let network = network.with_correction(correction);
    let noise = variation::fit_noise(&network, &material.animated, &options.data.join("livelink_csv"))?;
    Ok(Weights {
        content: network.layers(),
        expression,
        recorded_share: recorded_shares(),
        noise,
        policy: PolicyWeights::untuned(options.seed),
    })
}

fn notes(options: &TrainingOptions) -> [(&'static str, String); 4] {
    [
        ("seed", options.seed.to_string()),
        ("steps", options.schedule.steps.to_string()),
        ("quadruples", options.quadruples.to_string()),
        ("licence", "MIT OR Apache-2.0".to_owned()),
    ]
}

fn recorded_shares() -> [f32; CONTENT_COUNT] {
    std::array::from_fn(|channel| {
        let share = RECORDED_SHARES.iter().find(|(name, _)| *name == CONTENT_CHANNELS[channel]);
        share.map_or(0.0, |(_, share)| *share)
    })
}
