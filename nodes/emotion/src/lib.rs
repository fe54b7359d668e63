//! Emotion: labels, curves, mixes, the emotion sphere, and the emotion heard in a voice.

mod adjust;
mod curve;
mod error;
mod mix;
pub mod nodes;
pub mod sphere;
pub mod voice;

pub use adjust::{Adjustment, MAX_TRANSITION_SECS, adjust};
pub use curve::{CURVE_RATE, key_span, keyframed, label, label_over_time};
pub use error::EmotionError;
pub use mix::mix;
pub use nodes::node_types;
pub use voice::EMBEDDED_WEIGHTS;
