//! What a run measured, step by step, as CSV.

/// What one step measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Number of the step, from 1.
    pub step: usize,
    /// Step size.
    pub learning_rate: f64,
    /// Norm of all slopes before they were limited.
    pub gradient_norm: f64,
    /// The weighted terms of the loss, in the order of [`Task::loss_names`](super::Task::loss_names).
    pub losses: Vec<f32>,
    /// The weighted terms on held-out material, where they were measured.
    pub held_out: Option<Vec<f32>>,
}

impl Row {
    /// Sum of the terms.
    pub fn loss(&self) -> f32 {
        self.losses.iter().sum()
    }

    /// Sum of the held-out terms.
    pub fn held_out_loss(&self) -> Option<f32> {
        self.held_out.as_ref().map(|terms| terms.iter().sum())
    }
}

/// The header of the curves of these loss terms.
pub(super) fn header(names: &[&str]) -> String {
    let mut line = "step,learning_rate,gradient_norm,loss".to_owned();
    names.iter().for_each(|name| line.extend([",", name]));
    line.push_str(",held_out");
    names.iter().for_each(|name| line.extend([",held_out_", name]));
    line.push('\n');
    line
}

/// A row as a line; held-out columns are empty where nothing was measured.
pub(super) fn line(row: &Row) -> String {
    let mut line =
        format!("{},{:.3e},{:.5},{:.5}", row.step, row.learning_rate, row.gradient_norm, row.loss());
    let mut add = |value: f32| line.push_str(&format!(",{value:.5}"));
    row.losses.iter().copied().for_each(&mut add);
    match &row.held_out {
        Some(terms) => {
            add(terms.iter().sum());
            terms.iter().copied().for_each(&mut add);
        }
        None => line.extend(std::iter::repeat_n(',', 1 + row.losses.len())),
    }
    line.push('\n');
    line
}
