//! Parameter values, numbers and addresses as they stand in a file.

use crate::{
    AddressError, Curve, CurveKey, EmotionKey, Interpolation, NodeId, ParameterAddress, ParameterValue,
    PortAddress,
};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use std::collections::BTreeMap;

/// A finite number that is written as a whole number where it is one, and that no whole number loses digits to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Number", into = "Number")]
pub(super) struct FileNumber(pub(super) f64);

/// Whole numbers up to here are exact as `f64`.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

impl TryFrom<Number> for FileNumber {
    type Error = &'static str;

    fn try_from(number: Number) -> Result<Self, Self::Error> {
        let value = number.as_f64().ok_or("a number that is too large")?;
        if number.is_f64() || value.abs() <= LARGEST_WHOLE {
            Ok(Self(value))
        } else {
            Err("a whole number of more than 53 bits")
        }
    }
}

impl From<FileNumber> for Number {
    fn from(FileNumber(value): FileNumber) -> Self {
        let whole = value.fract() == 0.0
            && value.abs() < LARGEST_WHOLE
            && !(value == 0.0 && value.is_sign_negative());
        if whole { (value as i64).into() } else { Self::from_f64(value).unwrap_or_else(|| 0.into()) }
    }
}

/// The value of a parameter. What has none of the known forms is kept as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, from = "Value")]
pub(super) enum FileValue {
    Toggle(bool),
    Number(FileNumber),
    Text(String),
    Curve(FileCurve),
    EmotionKeys(FileEmotionKeys),
    Map(BTreeMap<String, FileNumber>),
    Unread(Value),
}

impl From<Value> for FileValue {
    fn from(value: Value) -> Self {
        let known = match &value {
            Value::Bool(value) => Some(Self::Toggle(*value)),
            Value::Number(number) => FileNumber::try_from(number.clone()).ok().map(Self::Number),
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Object(members) if has_keys(members, "keys") => read_as(&value).map(Self::Curve),
            Value::Object(members) if has_keys(members, "emotion_keys") => {
                read_as(&value).map(Self::EmotionKeys)
            }
            Value::Object(_) => read_as(&value).map(Self::Map),
            Value::Null | Value::Array(_) => None,
        };
        known.unwrap_or(Self::Unread(value))
    }
}

/// Whether a member holds keyframes: serde would also read a struct from an array.
fn has_keys(members: &serde_json::Map<String, Value>, name: &str) -> bool {
    members.get(name).and_then(Value::as_array).is_some_and(|keys| keys.iter().all(Value::is_object))
}

fn read_as<'de, T: Deserialize<'de>>(value: &'de Value) -> Option<T> {
    T::deserialize(value).ok()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileCurve {
    keys: Vec<FileCurveKey>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCurveKey {
    #[serde(default, skip_serializing_if = "is_default")]
    interpolation: FileInterpolation,
    time_secs: FileNumber,
    value: FileNumber,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileEmotionKeys {
    emotion_keys: Vec<FileEmotionKey>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEmotionKey {
    emotion: String,
    intensity: FileNumber,
    #[serde(default, skip_serializing_if = "is_default")]
    interpolation: FileInterpolation,
    time_secs: FileNumber,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FileInterpolation {
    Hold,
    Linear,
    #[default]
    Smooth,
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl From<Interpolation> for FileInterpolation {
    fn from(interpolation: Interpolation) -> Self {
        match interpolation {
            Interpolation::Hold => Self::Hold,
            Interpolation::Linear => Self::Linear,
            Interpolation::Smooth => Self::Smooth,
        }
    }
}

impl From<FileInterpolation> for Interpolation {
    fn from(interpolation: FileInterpolation) -> Self {
        match interpolation {
            FileInterpolation::Hold => Self::Hold,
            FileInterpolation::Linear => Self::Linear,
            FileInterpolation::Smooth => Self::Smooth,
        }
    }
}

impl FileValue {
    /// The value, or what cannot be read.
    pub(super) fn read(self) -> Result<ParameterValue, Value> {
        Ok(match self {
            Self::Toggle(value) => ParameterValue::Toggle(value),
            Self::Number(FileNumber(value)) => ParameterValue::Number(value),
            Self::Text(text) => ParameterValue::Text(text),
            Self::Curve(curve) => {
                ParameterValue::Curve(Curve { keys: curve.keys.into_iter().map(Into::into).collect() })
            }
            Self::EmotionKeys(keys) => ParameterValue::EmotionKeys {
                emotion_keys: keys.emotion_keys.into_iter().map(Into::into).collect(),
            },
            Self::Map(map) => {
                ParameterValue::Map(map.into_iter().map(|(name, FileNumber(value))| (name, value)).collect())
            }
            Self::Unread(value) => return Err(value),
        })
    }

    /// The form in the file; `None` when a number in it is not finite.
    pub(super) fn write(value: &ParameterValue) -> Option<Self> {
        Some(match value {
            ParameterValue::Toggle(value) => Self::Toggle(*value),
            ParameterValue::Number(value) => Self::Number(finite(*value)?),
            ParameterValue::Text(text) => Self::Text(text.clone()),
            ParameterValue::Curve(curve) => Self::Curve(FileCurve {
                keys: curve.keys.iter().map(FileCurveKey::write).collect::<Option<_>>()?,
            }),
            ParameterValue::EmotionKeys { emotion_keys } => Self::EmotionKeys(FileEmotionKeys {
                emotion_keys: emotion_keys.iter().map(FileEmotionKey::write).collect::<Option<_>>()?,
            }),
            ParameterValue::Map(map) => {
                let entries = map.iter().map(|(name, value)| Some((name.clone(), finite(*value)?)));
                Self::Map(entries.collect::<Option<_>>()?)
            }
        })
    }
}

pub(super) fn finite(value: f64) -> Option<FileNumber> {
    value.is_finite().then_some(FileNumber(value))
}

impl FileCurveKey {
    fn write(key: &CurveKey) -> Option<Self> {
        let (time_secs, value) = (finite(key.time_secs)?, finite(key.value)?);
        Some(Self { time_secs, value, interpolation: key.interpolation.into() })
    }
}

impl From<FileCurveKey> for CurveKey {
    fn from(key: FileCurveKey) -> Self {
        Self { time_secs: key.time_secs.0, value: key.value.0, interpolation: key.interpolation.into() }
    }
}

impl FileEmotionKey {
    fn write(key: &EmotionKey) -> Option<Self> {
        Some(Self {
            emotion: key.emotion.clone(),
            intensity: finite(key.intensity)?,
            interpolation: key.interpolation.into(),
            time_secs: finite(key.time_secs)?,
        })
    }
}

impl From<FileEmotionKey> for EmotionKey {
    fn from(key: FileEmotionKey) -> Self {
        Self {
            time_secs: key.time_secs.0,
            emotion: key.emotion,
            intensity: key.intensity.0,
            interpolation: key.interpolation.into(),
        }
    }
}

/// Names and addresses, which are text in the file.
macro_rules! written_as_text {
    ($($name:ident($content:ty);)*) => {
        $(
            #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
            #[serde(try_from = "String", into = "String")]
            pub(super) struct $name(pub(super) $content);

            impl TryFrom<String> for $name {
                type Error = AddressError;

                fn try_from(text: String) -> Result<Self, AddressError> {
                    text.parse().map(Self)
                }
            }

            impl From<$name> for String {
                fn from($name(content): $name) -> Self {
                    content.to_string()
                }
            }
        )*
    };
}

written_as_text! {
    FileId(NodeId);
    FilePort(PortAddress);
    FileParameter(ParameterAddress);
}
