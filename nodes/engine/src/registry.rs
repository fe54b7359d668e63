//! The node types an engine knows.

use crate::NodeType;
use esarm_graph::SchemaSet;
use esarm_values::EMOTIONS;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Node types by id. Every type is registered explicitly, once.
#[derive(Clone, Default)]
pub struct Registry {
    types: BTreeMap<String, Arc<NodeType>>,
}

/// Two node types claim the same id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "node type \"{type_id}\" is given by \"{first_build}\" and again by \"{second_build}\"; remove one of them"
)]
pub struct DuplicateNodeType {
    /// The id claimed twice.
    pub type_id: String,
    /// Build of the type that was registered first and stays.
    pub first_build: String,
    /// Build of the type that was refused.
    pub second_build: String,
}

impl Registry {
    /// A registry without types.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a type; an id that is taken is refused and the first type stays.
    pub fn register(&mut self, node_type: NodeType) -> Result<(), DuplicateNodeType> {
        let type_id = node_type.schema.type_id.clone();
        if let Some(first) = self.types.get(&type_id) {
            let (first_build, second_build) = (first.build.clone(), node_type.build);
            return Err(DuplicateNodeType { type_id, first_build, second_build });
        }
        self.types.insert(type_id, Arc::new(node_type));
        Ok(())
    }

    /// Puts a type in the place of the one with the same id, if any: a reloaded plugin.
    pub fn replace(&mut self, node_type: NodeType) {
        self.types.insert(node_type.schema.type_id.clone(), Arc::new(node_type));
    }

    /// Takes a type out: a plugin that is gone.
    pub fn remove(&mut self, type_id: &str) -> Option<Arc<NodeType>> {
        self.types.remove(type_id)
    }

    /// The type with that id.
    pub fn get(&self, type_id: &str) -> Option<&Arc<NodeType>> {
        self.types.get(type_id)
    }

    /// All types, by id.
    pub fn types(&self) -> impl Iterator<Item = &Arc<NodeType>> {
        self.types.values()
    }

    /// What a document may use: the schemas of all types and the names of the emotions.
    pub fn schemas(&self) -> SchemaSet {
        SchemaSet::new(self.types.values().map(|node_type| node_type.schema.clone()), &EMOTIONS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outputs;
    use esarm_graph::{NodeSchema, Purity, TimeSupport};

    fn named(type_id: &str, build: &str) -> NodeType {
        let schema = NodeSchema::new(type_id, "Test", "A test.", Purity::Pure, TimeSupport::Whole);
        NodeType::new(schema, |_| Ok(Outputs::new())).with_build(build)
    }

    #[test]
    fn duplicates_are_refused_and_both_builds_named() {
        let mut registry = Registry::new();
        registry.register(named("test.a", "built in")).unwrap();
        let error = registry.register(named("test.a", "plugin x")).unwrap_err();
        assert!(error.to_string().contains("built in") && error.to_string().contains("plugin x"), "{error}");
        assert_eq!(registry.get("test.a").unwrap().build, "built in");
    }

    #[test]
    fn schemas_are_listed_by_id() {
        let mut registry = Registry::new();
        registry.register(named("test.b", "x")).unwrap();
        registry.register(named("test.a", "x")).unwrap();
        registry.replace(named("test.b", "y"));
        let schemas = registry.schemas();
        assert!(schemas.iter().map(|schema| schema.type_id.as_str()).eq(["test.a", "test.b"]));
        assert_eq!(schemas.emotions(), EMOTIONS);
        assert_eq!(registry.get("test.b").unwrap().build, "y");
        assert!(registry.remove("test.a").is_some() && registry.get("test.a").is_none());
    }
}
