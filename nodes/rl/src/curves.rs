//! What every iteration measured, as CSV.

use crate::alarm::Check;
use serde::{Deserialize, Serialize};

/// What one iteration measured, in the words of the field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Number of the iteration, from 1.
    pub iteration: usize,
    /// Mean of the judge's rewards of the takes drawn.
    pub reward_mean: f64,
    /// Their standard deviation.
    pub reward_std: f64,
    /// Share of groups whose takes are all equally good, so that nothing can be learnt from them.
    pub groups_without_signal: f64,
    /// Divergence from the starting policy after the iteration, nats per action frame.
    pub kl: f64,
    /// Weight of the divergence in the loss of this iteration.
    pub kl_weight: f64,
    /// Share of ratios that the surrogate clipped; `None` for DPO.
    pub clip_ratio: Option<f64>,
    /// Entropy of an action frame, nats.
    pub entropy: f64,
    /// Mean norm of the slopes before they were limited.
    pub gradient_norm: f64,
    /// Mean loss.
    pub loss: f64,
    /// Share of the variance of returns that the value baseline explains; for PPO only.
    pub explained_variance: Option<f64>,
    /// Passes that were kept, of those begun; one that exceeds the budget is undone.
    pub epochs_kept: usize,
    /// Takes judged in this iteration, the held-out ones included.
    pub takes_judged: usize,
    /// What held-out lines said, where they were asked.
    pub held_out: Option<Check>,
}

/// The rows as CSV; cells are empty where nothing was measured. `proxies` are the names of the checks' figures.
pub fn curves_csv(rows: &[Row], proxies: &[String]) -> String {
    let mut csv = "iteration,reward_mean,reward_std,groups_without_signal,kl,kl_weight,clip_ratio,entropy,\
                   gradient_norm,loss,explained_variance,epochs_kept,takes_judged,held_out_reward,held_out_kl"
        .to_owned();
    proxies.iter().for_each(|name| csv.extend([",held_out ", &name.replace(',', ";")]));
    csv.push('\n');
    for row in rows {
        add_row(&mut csv, row, proxies.len());
    }
    csv
}

fn add_row(csv: &mut String, row: &Row, proxies: usize) {
    let held_out = row.held_out.as_ref();
    let figures = [
        Some(row.reward_mean),
        Some(row.reward_std),
        Some(row.groups_without_signal),
        Some(row.kl),
        Some(row.kl_weight),
        row.clip_ratio,
        Some(row.entropy),
        Some(row.gradient_norm),
        Some(row.loss),
        row.explained_variance,
        Some(row.epochs_kept as f64),
        Some(row.takes_judged as f64),
        held_out.map(|check| check.reward),
        held_out.map(|check| check.kl),
    ];
    let measured = (0..proxies).map(|at| held_out.and_then(|check| check.proxies.get(at).copied().flatten()));
    csv.push_str(&row.iteration.to_string());
    for figure in figures.into_iter().chain(measured) {
        csv.push(',');
        csv.extend(figure.map(|figure| rounded(figure).to_string()));
    }
    csv.push('\n');
}

/// Six significant digits are more than anything here is sure of.
fn rounded(figure: f64) -> f64 {
    format!("{figure:.5e}").parse().unwrap_or(figure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_a_cell_for_every_name() {
        let check = Check { iteration: 2, reward: 0.5, proxies: vec![Some(0.25), None], kl: 0.01 };
        let row = |held_out| Row {
            iteration: 2,
            reward_mean: 1.0 / 3.0,
            reward_std: 1.0,
            groups_without_signal: 0.0,
            kl: 0.01,
            kl_weight: 0.1,
            clip_ratio: None,
            entropy: 2.5,
            gradient_norm: 0.7,
            loss: -0.2,
            explained_variance: Some(0.4),
            epochs_kept: 3,
            takes_judged: 64,
            held_out,
        };
        let proxies = ["sync, share".to_owned(), "closures".to_owned()];
        let csv = curves_csv(&[row(None), row(Some(check))], &proxies);
        let cells: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
        assert!(cells.iter().all(|line| line.len() == 17), "{csv}");
        assert_eq!(cells[0][15], "held_out sync; share");
        assert_eq!(cells[1][1], "0.333333");
        assert_eq!((cells[1][15], cells[2][15], cells[2][16]), ("", "0.25", ""));
    }
}
