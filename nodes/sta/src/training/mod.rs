//! How the generator's weights are made: data, speech synthesis, coarticulation, cross-coupling and the optimiser.
//!
//! [`fine_tune`] teaches given weights more, from a grid of recordings or from takes that were kept; the node
//! `sta.train` is made of it. With the feature `training` there is also `train`, which makes the shipped weights from
//! nothing; it needs the data folder described in the model card, python3 with libespeak-ng, and flite. Both are runs
//! that can be interrupted at any time (see [`run`]), and draw everything random from one seed.

#![cfg_attr(
    not(feature = "training"),
    allow(dead_code, reason = "only training from nothing uses some of this")
)]

pub mod audio_files;
mod augment;
pub mod coarticulation;
mod content;
pub mod corpus;
mod correction;
pub mod coupling;
mod dataset;
mod expression;
mod fine_tune;
pub(crate) mod node;
pub mod phones;
pub mod recordings;
pub mod run;
#[cfg(feature = "training")]
mod scratch;
#[cfg(feature = "training")]
mod sentences;
#[cfg(feature = "training")]
mod synthesis;
mod task;
mod variation;

pub use fine_tune::{CoupledErrors, Learned, Lesson, coupled_errors, fine_tune, lesson_schedule};
#[cfg(feature = "training")]
pub use scratch::{TrainingOptions, TrainingReport, train};

use crate::generator::GeneratorError;
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
    /// What a run keeps cannot be written or read.
    #[error(
        "{path}: {what}; make room or choose another folder, then run again: what was saved before stays"
    )]
    Unsaved {
        /// The file or folder.
        path: PathBuf,
        /// What was wrong.
        what: String,
    },
    /// What is to be learnt from does not fit together.
    #[error("{0}")]
    Corpus(String),
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
    /// A checkpoint cannot be continued.
    #[error(
        "checkpoint {path}: {what}; continue with the settings, data and program it was made with, choose another folder, or delete it to start anew"
    )]
    Checkpoint {
        /// The file or folder.
        path: PathBuf,
        /// What was wrong.
        what: String,
    },
    /// A loss or a slope is not a number.
    #[error("step {step}: {what}, on {material}; lower the learning rate or look at these files{kept}")]
    NotFinite {
        /// Number of the step, from 1.
        step: usize,
        /// Which number.
        what: String,
        /// What the step's examples were made from.
        material: String,
        /// Where the last good checkpoint is.
        kept: String,
    },
    /// The generator refused its features or weights.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
}

impl TrainingError {
    fn file(path: &Path, what: impl std::fmt::Display) -> Self {
        Self::File { path: path.to_owned(), what: what.to_string() }
    }

    fn unsaved(path: &Path, what: impl std::fmt::Display) -> Self {
        Self::Unsaved { path: path.to_owned(), what: what.to_string() }
    }
}
