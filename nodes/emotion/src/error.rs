//! What the emotion functions can refuse.

use esarm_values::EMOTIONS;

/// Why an emotion could not be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EmotionError {
    /// A name is no emotion.
    #[error("\"{0}\" is no emotion; use one of {names}", names = EMOTIONS.join(", "))]
    UnknownEmotion(String),
    /// A key has a time or intensity that cannot be used.
    #[error("key {index} at {time_secs} s: {message}")]
    Key {
        /// Position in the list of keys, from 0.
        index: usize,
        /// Its time.
        time_secs: f64,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// A setting lies outside of what is allowed.
    #[error("setting `{name}` is {found}, but must lie between {low} and {high}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// The value given.
        found: f64,
        /// Lowest allowed value.
        low: f64,
        /// Highest allowed value.
        high: f64,
    },
    /// There is nothing to mix.
    #[error("there is no emotion to mix; wire at least one")]
    NothingToMix,
}

impl EmotionError {
    /// Refuses the setting `name` outside of `low..=high`, and NaN.
    pub(crate) fn unless_within(name: &'static str, found: f64, low: f64, high: f64) -> Result<(), Self> {
        if (low..=high).contains(&found) { Ok(()) } else { Err(Self::Setting { name, found, low, high }) }
    }
}
