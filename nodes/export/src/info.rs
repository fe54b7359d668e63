//! What an export says about where it came from.

use std::collections::BTreeMap;

/// Provenance that is written into every format with room for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClipInfo {
    /// Name of the speech file, without its folder.
    pub audio_name: Option<String>,
    /// Seed of the take.
    pub seed: Option<u64>,
    /// Anything else by name, such as the emotion or the model's version.
    pub notes: BTreeMap<String, String>,
}

impl ClipInfo {
    /// The program and its version, as files name their maker.
    pub const GENERATOR: &'static str = concat!("ESARM Studio ", env!("CARGO_PKG_VERSION"));

    /// The information as a JSON object.
    pub fn to_json(&self) -> serde_json::Value {
        let mut object = serde_json::Map::new();
        object.insert("generator".to_owned(), Self::GENERATOR.into());
        if let Some(name) = &self.audio_name {
            object.insert("audio".to_owned(), name.as_str().into());
        }
        if let Some(seed) = self.seed {
            // A JSON number is exact to 2^53 only.
            object.insert("seed".to_owned(), seed.to_string().into());
        }
        for (name, value) in &self.notes {
            object.insert(name.clone(), value.as_str().into());
        }
        object.into()
    }
}
