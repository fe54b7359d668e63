//! Scores of a motion: metrics with their formula, mask and unit, and a reward that is learnt from automatically ranked
//! demonstrations.

mod demonstrations;
mod error;
mod evaluation;
pub mod features;
mod frechet;
mod metrics;
mod model;
mod movement;
mod nodes;
mod phones;
mod report;
mod signal;
mod terms;
#[cfg(test)]
mod testing;
mod training;
mod vertices;

pub use demonstrations::{
    Base, Demonstrations, FILE_EXTENSION, Family, Group, HandOrder, Kind, Order, Pair, RankSettings,
    RankedTake, Scene, bundle, rank, unbundle,
};
pub use error::RewardError;
pub use evaluation::{Control, ControlFigures, Evaluation, FamilyFigures, controls, evaluate, spearman};
pub use metrics::{Metric, motion_metrics, reference_metrics};
pub use model::{
    EMBEDDED_WEIGHTS, FrameRewards, Layer, REACH_FRAMES, RECEPTIVE_SECS_AFTER, RECEPTIVE_SECS_BEFORE,
    RewardModel, RewardWeights,
};
pub use nodes::{node_types, rank_settings, with_rank_settings};
pub use phones::{Phone, closure_recall, parse_phones};
pub use report::{
    Cell, Clip, Figure, LipOpening, Measurements, NoiseCurve, Row, Summary, Topic, measure, report,
};
pub use terms::{Performance, TERM_NAMES, TERM_REACH_SECS, Term, diversity, take_distances};
pub use training::{
    Calibration, CurveRow, Report, SNIPPET_FRAMES, TrainOptions, Trained, best_temperature, calibration,
    curve_csv, train,
};
pub use vertices::{Face, FaceError, Mask, take_vertex_metrics, vertex_metrics};
