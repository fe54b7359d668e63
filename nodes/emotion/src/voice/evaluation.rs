//! How well judgements agree with what was meant.

use super::model::CLASSES;
use std::fmt::Write;

/// Counts of judgements: `[meant][judged]` over [`CLASSES`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confusion(pub [[usize; CLASSES.len()]; CLASSES.len()]);

impl Confusion {
    /// Counts one judgement.
    pub fn add(&mut self, meant: usize, judged: usize) {
        self.0[meant][judged] += 1;
    }

    /// Share of right judgements; 0 of nothing.
    pub fn accuracy(&self) -> f64 {
        let right: usize = (0..CLASSES.len()).map(|class| self.0[class][class]).sum();
        right as f64 / self.0.iter().flatten().sum::<usize>().max(1) as f64
    }

    /// Share of right judgements of a class; `None` when the class never occurs.
    pub fn recall(&self, class: usize) -> Option<f64> {
        let count: usize = self.0[class].iter().sum();
        (count > 0).then(|| self.0[class][class] as f64 / count as f64)
    }

    /// Unweighted average recall: the mean over the classes that occur.
    pub fn average_recall(&self) -> f64 {
        let recalls: Vec<f64> = (0..CLASSES.len()).filter_map(|class| self.recall(class)).collect();
        recalls.iter().sum::<f64>() / recalls.len().max(1) as f64
    }

    /// A Markdown table with a row per meant and a column per judged class.
    pub fn table(&self) -> String {
        let mut table = format!(
            "| meant | {} | recall |\n|---|{}\n",
            CLASSES.join(" | "),
            "---|".repeat(CLASSES.len() + 1)
        );
        for (class, row) in self.0.iter().enumerate() {
            let counts: Vec<String> = row.iter().map(usize::to_string).collect();
            let recall = self.recall(class).map_or("-".to_owned(), |recall| format!("{recall:.2}"));
            let _ = writeln!(table, "| {} | {} | {recall} |", CLASSES[class], counts.join(" | "));
        }
        table
    }
}

/// Judgements on speakers that were kept out of training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// All judgements on whole clips.
    pub clips: Confusion,
    /// Judgements on whole clips, by the speaker that was kept out.
    pub speakers: Vec<(String, Confusion)>,
    /// All judgements on whole clips as other recordings would give them: with 4 dB of random colour.
    pub coloured: Confusion,
    /// All judgements on windows of clips.
    pub windows: Confusion,
    /// Mean probability given to the likeliest class, which calibration brings close to the accuracy.
    pub confidence: f64,
}
