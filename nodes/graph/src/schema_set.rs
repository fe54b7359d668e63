//! The node types that a document may use.

use crate::NodeSchema;
use std::collections::BTreeMap;

/// The schemas of all known node types and the names of all emotions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaSet {
    schemas: BTreeMap<String, NodeSchema>,
    emotions: Vec<String>,
}

impl SchemaSet {
    /// A set of these schemas; of two with the same type id the later counts. `emotions` are the names that emotion
    /// keyframes may use.
    pub fn new(schemas: impl IntoIterator<Item = NodeSchema>, emotions: &[&str]) -> Self {
        let schemas = schemas.into_iter().map(|schema| (schema.type_id.clone(), schema)).collect();
        Self { schemas, emotions: emotions.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// Adds a schema, or replaces the one of that type id.
    pub fn insert(&mut self, schema: NodeSchema) {
        self.schemas.insert(schema.type_id.clone(), schema);
    }

    /// Removes the schema of a type, as when a plugin goes away.
    pub fn remove(&mut self, type_id: &str) -> Option<NodeSchema> {
        self.schemas.remove(type_id)
    }

    /// The schema of a type.
    pub fn get(&self, type_id: &str) -> Option<&NodeSchema> {
        self.schemas.get(type_id)
    }

    /// All schemas in the order of their type ids.
    pub fn iter(&self) -> impl Iterator<Item = &NodeSchema> + Clone {
        self.schemas.values()
    }

    /// Names that emotion keyframes may use.
    pub fn emotions(&self) -> &[String] {
        &self.emotions
    }
}
