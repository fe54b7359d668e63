//! What an animator does to a motion: plain functions from tracks to tracks, one subject a file.
//!
//! Every function takes any window of a motion and gives what the whole would have given there.

pub mod adjust;
pub mod blend;
pub mod frame_rate;
pub mod layers;
pub mod mirror;
mod nodes;
pub mod retarget;
pub mod timing;

pub use nodes::node_types;

use esarm_values::{FrameRate, Track};

/// A track whose channel names are known to be distinct and whose values are known to fill frames.
///
/// # Panics
/// When they are not: a mistake in this crate.
fn track_of(rate: FrameRate, start_frame: i64, channels: Vec<String>, values: Vec<f32>) -> Track {
    Track::new(rate, channels, values)
        .expect("channels are distinct and frames whole")
        .starting_at(start_frame)
}
