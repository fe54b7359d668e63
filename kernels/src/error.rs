//! What a kernel can refuse.

/// Why a kernel refused its arguments.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// A setting lies outside what the kernel can do.
    #[error("setting `{name}` is {found}, but must be {allowed}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// The value given.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// An argument has a shape that does not fit.
    #[error("argument `{argument}` has shape {found:?}, but must have shape {expected}")]
    Shape {
        /// Name of the argument.
        argument: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that would fit.
        expected: String,
    },
    /// An argument holds a value that is not a finite number.
    #[error("argument `{argument}` holds a value that is not a finite number at index {index}")]
    NotFinite {
        /// Name of the argument.
        argument: &'static str,
        /// Index of the first such value.
        index: usize,
    },
    /// A device is not there or could not compute.
    #[error("device {name}: {reason}")]
    Device {
        /// The device.
        name: String,
        /// What went wrong and what to do.
        reason: String,
    },
}

impl KernelError {
    /// Refuses the setting `name`, unless it is `fine`.
    pub(crate) fn unless(
        fine: bool,
        name: &'static str,
        found: impl std::fmt::Display,
        allowed: impl Into<String>,
    ) -> Result<(), Self> {
        if fine {
            Ok(())
        } else {
            Err(Self::Setting { name, found: found.to_string(), allowed: allowed.into() })
        }
    }
}

/// Refuses values that are NaN or infinite.
pub(crate) fn require_finite(argument: &'static str, values: &[f32]) -> Result<(), KernelError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(KernelError::NotFinite { argument, index }),
        None => Ok(()),
    }
}

/// Refuses two arguments of different shapes.
pub(crate) fn require_same_shape(
    (wanted, expected): (&'static str, &[usize]),
    (argument, found): (&'static str, &[usize]),
) -> Result<(), KernelError> {
    if found == expected {
        return Ok(());
    }
    let expected = format!("{expected:?}, that of `{wanted}`");
    Err(KernelError::Shape { argument, found: found.to_vec(), expected })
}
