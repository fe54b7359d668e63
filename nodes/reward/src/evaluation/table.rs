//! The figures as Markdown.

use super::Evaluation;
use std::fmt::Write;

impl Evaluation {
    /// The figures as tables in Markdown.
    pub fn markdown(&self) -> String {
        let all = &self.preferences;
        let mut text = format!(
            "{} clips, {} pairs: accuracy {:.3}; at temperature {:.3} expected calibration error {:.3}, Brier {:.3}. \
             Mean uncertainty {:.3} without noise, {:.3} at the highest level.\n\n",
            self.clips,
            all.pairs,
            all.accuracy,
            all.temperature,
            all.expected_error,
            all.brier,
            self.uncertainty[0],
            self.uncertainty[1]
        );
        text.push_str(
            "| family | clips | pairs | accuracy | Spearman of means | mean Spearman | reward lost by level |\n\
             |---|---|---|---|---|---|---|\n",
        );
        for row in &self.families {
            let losses: Vec<String> =
                row.losses.iter().skip(1).map(|(level, loss)| format!("{level:.1}: {loss:.2}")).collect();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {:.3} | {:.2} | {:.2} | {} |",
                row.family,
                row.clips,
                row.pairs,
                row.accuracy,
                row.spearman_of_means,
                row.mean_spearman,
                losses.join(", ")
            );
        }
        text.push_str("\n| control | comparisons | truth is higher | mean difference |\n|---|---|---|---|\n");
        for row in &self.controls {
            let _ = writeln!(
                text,
                "| {} | {} | {:.3} | {:.2} |",
                row.name, row.comparisons, row.truth_wins, row.mean_difference
            );
        }
        text
    }
}
