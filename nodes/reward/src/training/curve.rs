//! How a training went, step by step.

use std::fmt::Write;

/// The figures of a training at a step.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CurveRow {
    /// Steps done.
    pub step: usize,
    /// Mean training loss of the members since the row before: `-ln P(better over worse)`.
    pub training_loss: f64,
    /// The ensemble's loss on held-out pairs.
    pub validation_loss: f64,
    /// Share of held-out pairs that the ensemble orders rightly.
    pub validation_accuracy: f64,
    /// Mean over held-out snippets of the standard deviation of the members' rewards.
    pub disagreement: f64,
    /// Size of the last step.
    pub learning_rate: f64,
}

/// The curve as CSV with a header.
pub fn curve_csv(rows: &[CurveRow]) -> String {
    let mut csv =
        "step,training_loss,validation_loss,validation_accuracy,disagreement,learning_rate\n".to_owned();
    for row in rows {
        let _ = writeln!(
            csv,
            "{},{:.6},{:.6},{:.4},{:.4},{:.3e}",
            row.step,
            row.training_loss,
            row.validation_loss,
            row.validation_accuracy,
            row.disagreement,
            row.learning_rate
        );
    }
    csv
}
