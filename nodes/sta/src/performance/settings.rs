//! The check that all settings share.

/// A setting lies outside of what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("setting `{name}` is {found}, but must lie between {low} and {high}")]
pub struct SettingError {
    /// Name of the setting.
    pub name: &'static str,
    /// The value given.
    pub found: f64,
    /// Lowest allowed value.
    pub low: f64,
    /// Highest allowed value.
    pub high: f64,
}

/// Refuses a setting outside of `low..=high`, and NaN.
pub(super) fn within(name: &'static str, found: f64, low: f64, high: f64) -> Result<(), SettingError> {
    if (low..=high).contains(&found) { Ok(()) } else { Err(SettingError { name, found, low, high }) }
}
