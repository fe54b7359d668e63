//! Reports on motions: every figure with its formula, mask and unit, beside the same figure of the truth and of motions
//! that are wrong on purpose. A figure that does not put the truth first says nothing about quality, and the report
//! marks it.

mod charts;
mod controls;
mod figures;
mod markdown;
mod measure;
mod pictures;
mod summary;

pub(crate) use measure::MEASUREMENTS_EXTENSION;
pub use measure::{Clip, Figure, LipOpening, Measurements, NoiseCurve, Topic, measure};
pub use summary::{Cell, Row, Summary};

use crate::RewardError;
use esarm_values::File;

/// What stands for the name of the report, without its ending, in the names of its pictures.
const STEM: &str = "{stem}";

/// A report as Markdown, with its pictures (SVG) beside it.
///
/// # Errors
/// When there is no clip.
pub fn report(title: &str, clips: &[Measurements]) -> Result<(File, Summary), RewardError> {
    if clips.is_empty() {
        return Err(RewardError::measurements(
            "",
            "there is no clip to report on; measure one with eval.measure",
        ));
    }
    let summary = Summary::new(clips);
    let pictures = pictures::pictures(clips, &summary);
    let text = markdown::markdown(title, clips, &summary, &pictures);
    let companions = pictures.into_iter().map(|picture| (picture.name, picture.svg.into_bytes())).collect();
    Ok((File { extension: "md".to_owned(), bytes: text.into_bytes(), companions }, summary))
}

#[cfg(test)]
mod tests;
