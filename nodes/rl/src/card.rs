//! The card of a run: everything that one needs to know of tuned weights, as JSON and as Markdown.

use crate::alarm::Check;
use crate::compare::Comparison;
use crate::curves::Row;
use crate::settings::TuneSettings;
use crate::state::Stop;
use crate::tune::Outcome;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Layout of the JSON.
const LAYOUT: &str = "esarm-tuning-card-1";

/// What a run was, did and gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Layout of the JSON.
    pub layout: String,
    /// How the policy was tuned, the seed included.
    pub settings: TuneSettings,
    /// Digests of weights and data by name, and whatever else decided the result.
    pub data: BTreeMap<String, String>,
    /// Why the run ended.
    pub stop: Stop,
    /// The check whose policy is given.
    pub best: Check,
    /// Names of the proxies in checks.
    pub proxies: Vec<String>,
    /// Checks on lines that were held out of learning, the first of the starting policy; the best of them was chosen.
    pub checks: Vec<Check>,
    /// What each iteration measured.
    pub rows: Vec<Row>,
    /// Before and after on held-out lines.
    pub comparison: Comparison,
}

impl Card {
    /// The card of a run.
    pub fn new<P>(
        settings: &TuneSettings,
        data: &[(String, String)],
        proxies: Vec<String>,
        outcome: &Outcome<P>,
        comparison: Comparison,
    ) -> Self {
        Self {
            layout: LAYOUT.to_owned(),
            settings: settings.clone(),
            data: data.iter().cloned().collect(),
            stop: outcome.stop.clone(),
            best: outcome.best.clone(),
            proxies,
            checks: outcome.checks.clone(),
            rows: outcome.rows.clone(),
            comparison,
        }
    }

    /// The card as JSON.
    ///
    /// # Errors
    /// When serde cannot describe it.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// The card as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "# Tuning by {}\n\n{}. The weights are those after iteration {} of {}.\n\n",
            self.settings.algorithm.name(),
            sentence(&self.stop),
            self.best.iteration,
            self.rows.len()
        );
        text += "## Before and after\n\n";
        text += &self.comparison.markdown();
        text += "\n## Checks on held-out lines\n\nThe weights were chosen by these; the start is iteration 0.\n\n";
        text += &self.checks_table();
        text += "\n## Curves\n\n";
        text += &curves_table(&self.rows);
        text += "\n## Configuration\n\n| setting | value |\n|---|---|\n";
        text += &self.settings_rows();
        text += "\n## Data\n\n| what | digest or value |\n|---|---|\n";
        text.extend(self.data.iter().map(|(name, value)| format!("| {name} | {value} |\n")));
        text
    }

    fn checks_table(&self) -> String {
        let mut text = format!("| iteration | reward | KL | {} |\n|---|---|---|", self.proxies.join(" | "));
        text += &"---|".repeat(self.proxies.len().max(1));
        text.push('\n');
        for check in &self.checks {
            let cell = |figure: &Option<f64>| figure.map_or_else(String::new, |it| format!("{it:.4}"));
            let proxies: Vec<String> = check.proxies.iter().map(cell).collect();
            let Check { iteration, reward, kl, .. } = check;
            text += &format!("| {iteration} | {reward:.4} | {kl:.4} | {} |\n", proxies.join(" | "));
        }
        text
    }

    fn settings_rows(&self) -> String {
        let settings = serde_json::to_value(&self.settings).unwrap_or_default();
        let rows = settings.as_object().into_iter().flatten();
        rows.map(|(name, value)| format!("| {name} | {value} |\n")).collect()
    }
}

fn sentence(stop: &Stop) -> String {
    let text = stop.to_string();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Every iteration in a row with what matters most; the CSV has it all.
fn curves_table(rows: &[Row]) -> String {
    let mut text = "| iteration | reward mean | reward std | without signal | KL | clip ratio | entropy | gradient norm |\n\
                    |---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for row in rows {
        let clip = row.clip_ratio.map_or_else(String::new, |clip| format!("{clip:.3}"));
        text += &format!(
            "| {} | {:.4} | {:.4} | {:.2} | {:.4} | {clip} | {:.3} | {:.4} |\n",
            row.iteration,
            row.reward_mean,
            row.reward_std,
            row.groups_without_signal,
            row.kl,
            row.entropy,
            row.gradient_norm
        );
    }
    text
}
