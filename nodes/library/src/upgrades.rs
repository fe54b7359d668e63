//! Steps that bring nodes of older graphs up to date.

use esarm_graph::Upgrades;

/// Node types that got another port or parameter at this version and do without it as before: nothing about their nodes
/// changes.
const GROWN: [(&str, u32); 4] = [
    // The input phones.
    ("reward.metrics", 1),
    // The output order.
    ("reward.pick", 1),
    // The input hand_order.
    ("reward.rank", 1),
    // The parameter every_fourth.
    ("rl.compare", 1),
];

/// Steps that bring nodes of older graphs up to date.
pub fn upgrades() -> Upgrades {
    GROWN
        .into_iter()
        .fold(Upgrades::new(), |upgrades, (type_id, version)| upgrades.with(type_id, version, |_| Ok(())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_graph::{parse_with, validate};

    /// A graph as the first versions of the nodes were saved.
    const OLD: &str = include_str!("../tests/corpus/first_versions.esarm");

    #[test]
    fn graphs_of_the_first_versions_are_valid_and_up_to_date() {
        let loaded = parse_with(OLD.as_bytes(), &upgrades()).unwrap();
        let schemas = crate::registry().schemas();
        let problems = validate(&loaded.document, &schemas);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(loaded.upgraded.len(), GROWN.len());
        assert!(loaded.upgraded.iter().all(|node| node.failure.is_none()));
    }

    #[test]
    fn every_type_beyond_its_first_version_has_its_steps_and_a_node_in_the_corpus() {
        for node_type in crate::registry().types() {
            let schema = &node_type.schema;
            for version in 1..schema.version {
                assert!(GROWN.contains(&(&schema.type_id, version)), "{} {version}", schema.type_id);
                let saved = format!("\"type\": \"{}\"", schema.type_id);
                assert!(OLD.contains(&saved), "{} is missing in the corpus", schema.type_id);
            }
        }
    }
}
