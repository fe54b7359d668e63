//! Which channel of a motion fills which column of a file.

use crate::ExportError;
use esarm_values::{HEAD_CHANNELS, Track};
use std::fmt::Display;

/// What an export did not carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnReport {
    /// Channels of the motion that the file has no place for.
    pub left_out: Vec<String>,
    /// Columns or morph targets of the file that the motion does not drive; they stay 0.
    pub at_rest: Vec<String>,
    /// Anything else that the user should know.
    pub notes: Vec<String>,
}

impl Display for ColumnReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut lines = Vec::new();
        if !self.left_out.is_empty() {
            lines.push(format!("left out: {}", self.left_out.join(", ")));
        }
        if !self.at_rest.is_empty() {
            lines.push(format!("at rest: {}", self.at_rest.join(", ")));
        }
        lines.extend(self.notes.iter().cloned());
        f.write_str(&lines.join("\n"))
    }
}

/// Column of the channel that drives `name`: spelt the same, or the same but for case.
pub(crate) fn find_channel(motion: &Track, name: &str) -> Option<usize> {
    motion
        .channel_index(name)
        .or_else(|| motion.channels().iter().position(|channel| channel.eq_ignore_ascii_case(name)))
}

/// For each name, the column that drives it.
pub(crate) fn find_channels<'a>(
    motion: &Track,
    names: impl IntoIterator<Item = &'a str>,
) -> Vec<Option<usize>> {
    names.into_iter().map(|name| find_channel(motion, name)).collect()
}

/// The channels that `used` does not name, rotations apart: formats treat those on their own.
pub(crate) fn unused_shapes(motion: &Track, used: impl Fn(usize) -> bool) -> Vec<String> {
    let is_rotation = |name: &str| HEAD_CHANNELS.iter().any(|rotation| rotation.eq_ignore_ascii_case(name));
    let unused =
        motion.channels().iter().enumerate().filter(|(column, name)| !used(*column) && !is_rotation(name));
    unused.map(|(_, name)| name.clone()).collect()
}

/// Refuses motions without frames and values that are not finite.
pub(crate) fn check_motion(motion: &Track) -> Result<(), ExportError> {
    if motion.frame_count() == 0 {
        return Err(ExportError::NoFrames);
    }
    match motion.values().iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(ExportError::NotFinite {
            channel: motion.channels()[index % motion.channels().len()].clone(),
            frame: index / motion.channels().len(),
            value: motion.values()[index],
        }),
    }
}

/// Writes the weights that `columns` picks from `frame`; columns without a source are 0.
pub(crate) fn gather_frame(frame: &[f32], columns: &[Option<usize>], weights: &mut [f32]) {
    for (weight, column) in weights.iter_mut().zip(columns) {
        *weight = column.map_or(0.0, |column| frame[column]);
    }
}
