//! What the command line takes.

use crate::failure::Failure;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use std::path::PathBuf;

/// Exit codes and what they mean.
pub(crate) const EXIT_STATUS: [(&str, &str); 4] = [
    ("0", "Done."),
    ("1", "A node failed, or results could not be printed."),
    ("2", "Bad usage or bad input; no output was written."),
    ("130, 143", "Stopped by Ctrl-C or by SIGTERM; no output was written. A second signal stops at once."),
];

/// The exit codes as they stand below every help text.
fn exit_status_help() -> String {
    let line = |(code, meaning): &(&str, &str)| format!("  {code:<10}{meaning}\n");
    format!("Exit status:\n{}", EXIT_STATUS.iter().map(line).collect::<String>())
}

/// Emotional speech animation: speech in, a talking, emotional face out.
#[derive(Debug, Parser)]
#[command(name = "esarm", version, max_term_width = 110, after_help = exit_status_help())]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Animate a face from speech.
    #[command(after_help = exit_status_help())]
    Animate(Animate),
    /// Run a graph.
    #[command(after_help = exit_status_help())]
    Run(Run),
    /// Check a graph: nothing runs.
    #[command(after_help = exit_status_help())]
    Check(Check),
    /// List the node types, or describe one.
    #[command(after_help = exit_status_help())]
    Nodes(Nodes),
    /// Score speech: the emotion heard in the voice, and metrics of a motion that belongs to it.
    #[command(after_help = exit_status_help())]
    Score(Score),
    /// Show devices, models, caches, plugins and versions.
    #[command(after_help = exit_status_help())]
    Doctor(Doctor),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page of the program, or of one of its commands.
    Man(Man),
}

#[derive(Debug, Args)]
pub(crate) struct Animate {
    /// Speech: WAV, FLAC, MP3 or Ogg, 8 to 192 kHz. Several files, or a folder of them, need {name} in OUT.
    #[arg(required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) speech: Vec<PathBuf>,
    /// The emotion: auto (heard in the voice), or neutral, happy, sad, angry, fear, disgust, surprise or contempt,
    /// with an intensity from 0 to 1 such as happy:0.7.
    #[arg(long, default_value = "auto", value_name = "auto|NAME[:INTENSITY]")]
    pub(crate) emotion: EmotionChoice,
    /// Frames per second, 1 to 240, such as 60, 29.97 or 24000/1001.
    #[arg(long, default_value = "60")]
    pub(crate) fps: FramesPerSecond,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Number of takes; more than one are written as NAME-1, NAME-2 and so on, with the seeds that follow.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) takes: u32,
    /// A head with ARKit morph targets, as GLB; the built-in head when absent.
    #[arg(long, value_name = "HEAD.glb", value_hint = ValueHint::FilePath)]
    pub(crate) head: Option<PathBuf>,
    /// Where to write: .glb, .csv (Live Link Face), .json (Audio2Face), .usda, .npy, or .png for a contact sheet.
    /// {name} stands for the name of the speech file without its ending; missing folders are made.
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) running: Running,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The graph.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) graph: PathBuf,
    /// Set a parameter; may be given many times.
    #[arg(long, value_name = "NODE.PARAM=VALUE")]
    pub(crate) set: Vec<Assignment>,
    /// Give a file to a named input of the graph; may be given many times.
    #[arg(long, value_name = "NAME=FILE")]
    pub(crate) input: Vec<Assignment>,
    /// Write a named output of the graph to a file; may be given many times. Without any, every output runs and is
    /// described, and nothing is written.
    #[arg(long, value_name = "NAME=FILE")]
    pub(crate) output: Vec<Assignment>,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) running: Running,
}

#[derive(Debug, Args)]
pub(crate) struct Running {
    /// Where to compute.
    #[arg(long, default_value = "auto")]
    pub(crate) device: Device,
    /// Write what ran, why and for how long as JSON.
    #[arg(long, value_name = "R.json", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,
    /// How to show progress.
    #[arg(long, default_value = "auto")]
    pub(crate) progress: Progress,
    /// Keep results in this folder, so that later runs reuse them.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, env = "ESARM_CACHE")]
    pub(crate) cache: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The graph.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) graph: PathBuf,
    /// Print the problems as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Nodes {
    /// A node type to describe, such as audio.load, or a domain to list, such as face.
    pub(crate) type_id: Option<String>,
    /// Print the schemas as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Score {
    /// Speech: WAV, FLAC, MP3 or Ogg.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) speech: PathBuf,
    /// A motion that belongs to it: .csv (Live Link Face), .json (Audio2Face) or .npy.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) motion: Option<PathBuf>,
    /// What the motion should have been.
    #[arg(long, value_name = "MOTION", requires = "motion", value_hint = ValueHint::FilePath)]
    pub(crate) reference: Option<PathBuf>,
    /// Write a report too: Markdown with pictures beside it, every figure next to that of the truth and of motions that
    /// are wrong on purpose.
    #[arg(long, value_name = "OUT.md", requires = "motion", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The folder of kept results to tell about.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, env = "ESARM_CACHE")]
    pub(crate) cache: Option<PathBuf>,
    /// The device whose kernels are tested and timed.
    #[arg(long, default_value = "auto")]
    pub(crate) device: Device,
    /// Print only what drivers tell, as JSON.
    #[arg(long, hide = true)]
    pub(crate) drivers: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// A command, such as animate.
    pub(crate) command: Option<String>,
}

/// Where to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Device {
    /// The processor, which is done with a line of speech before a GPU's driver is awake.
    Auto,
    /// The processor.
    Cpu,
    /// A GPU by Vulkan, Metal or DirectX 12; in builds with the feature gpu.
    Gpu,
    /// An NVIDIA GPU by CUDA; in builds with the feature cuda.
    Cuda,
}

impl Device {
    /// The class of device whose results may be reused for one another.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Auto | Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Cuda => "cuda",
        }
    }

    /// Opens the device.
    pub(crate) fn open(self) -> Result<esarm_library::devices::Device, Failure> {
        esarm_library::devices::device(self.class())
            .map_err(|error| Failure::input(format!("--device: {error}; or use --device cpu")))
    }
}

/// How to show progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// Bars when standard error is a terminal.
    Auto,
    /// One JSON object a line on standard error, and nothing else there.
    Json,
    /// Nothing.
    None,
}

/// `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl std::str::FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
            _ => Err(format!("\"{text}\" is not of the form NAME=VALUE")),
        }
    }
}

/// The emotion asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum EmotionChoice {
    /// Follow the emotion heard in the voice.
    Auto,
    /// One emotion throughout.
    Named { name: &'static str, intensity: f64 },
}

impl std::str::FromStr for EmotionChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, intensity) = text.split_once(':').unwrap_or((text, "1"));
        if let Some((name, intensity)) = text.split_once([',', '=']).filter(|_| !text.contains(':')) {
            let meant = near_emotion(name).unwrap_or("NAME");
            return Err(format!("an intensity goes behind a colon; did you mean {meant}:{intensity}?"));
        }
        if name.eq_ignore_ascii_case("auto") {
            return match text.contains(':') {
                true => Err("auto takes no intensity".to_owned()),
                false => Ok(Self::Auto),
            };
        }
        let index = esarm_values::emotion_index(name).ok_or_else(|| {
            let meant = near_emotion(name).map_or(String::new(), |name| format!("did you mean {name}? "));
            let known = esarm_values::EMOTIONS.join(", ");
            format!("there is no emotion \"{name}\"; {meant}there are auto, {known}")
        })?;
        let intensity: f64 =
            intensity.parse().map_err(|_| format!("the intensity \"{intensity}\" is not a number"))?;
        if !(0.0..=1.0).contains(&intensity) {
            return Err(format!("the intensity {intensity} is not within 0 to 1"));
        }
        Ok(Self::Named { name: esarm_values::EMOTIONS[index], intensity })
    }
}

/// The emotion that a word in another form means: `sadness`, `Angr`, `surprised`.
fn near_emotion(word: &str) -> Option<&'static str> {
    /// No two emotions begin alike for so long.
    const ROOT_LETTERS: usize = 3;
    let word = word.to_lowercase();
    let near = esarm_graph::nearest(&word, esarm_values::EMOTIONS).first().copied();
    near.or_else(|| {
        let same_root = |name: &&str| word.as_bytes().starts_with(&name.as_bytes()[..ROOT_LETTERS]);
        esarm_values::EMOTIONS.into_iter().find(same_root)
    })
}

/// Frames per second, as a number or a fraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FramesPerSecond(pub(crate) f64);

impl std::str::FromStr for FramesPerSecond {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let value = match text.split_once('/') {
            None => text.parse().ok(),
            Some((above, below)) => {
                above.parse::<f64>().ok().zip(below.parse().ok()).map(|(a, b): (f64, f64)| a / b)
            }
        };
        value.filter(|value| (1.0..=240.0).contains(value)).map(Self).ok_or_else(|| {
            "allowed are 1 to 240 frames per second, as a number such as 29.97 or a fraction such as 30000/1001"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn emotions_parse_or_say_what_is_allowed() {
        let parse = |text: &str| text.parse::<EmotionChoice>();
        assert_eq!(parse("auto"), Ok(EmotionChoice::Auto));
        assert_eq!(parse("Happy:0.5"), Ok(EmotionChoice::Named { name: "happy", intensity: 0.5 }));
        assert_eq!(parse("sad"), Ok(EmotionChoice::Named { name: "sad", intensity: 1.0 }));
        assert!(parse("joyful").unwrap_err().contains("contempt"));
        assert!(parse("happy:2").unwrap_err().contains("0 to 1"));
        assert!(parse("happy:nan").is_err());
        assert!(parse("auto:1").is_err());
    }

    #[test]
    fn emotions_in_other_words_are_recognised() {
        let said = |text: &str| text.parse::<EmotionChoice>().unwrap_err();
        for (word, meant) in [
            ("Sadness", "mean sad?"),
            ("anger", "mean angry?"),
            ("surprised", "mean surprise?"),
            ("contemptuous", "mean contempt?"),
            ("sad,0.6", "mean sad:0.6?"),
            ("sad=0.6", "mean sad:0.6?"),
            ("Sadness,0.6", "mean sad:0.6?"),
        ] {
            assert!(said(word).contains(meant), "{word}: {}", said(word));
        }
        assert!(!said("joyful").contains("did you mean"));
    }

    #[test]
    fn frame_rates_are_numbers_or_fractions() {
        let parse = |text: &str| text.parse::<FramesPerSecond>().map(|it| it.0);
        assert_eq!(parse("29.97"), Ok(29.97));
        assert_eq!(parse("24000/1001"), Ok(24000.0 / 1001.0));
        for wrong in ["0", "241", "nan", "inf", "1/0", "60/", "a/b", "24000/1001/1", ""] {
            assert!(parse(wrong).unwrap_err().contains("1 to 240"), "{wrong}");
        }
    }
}
