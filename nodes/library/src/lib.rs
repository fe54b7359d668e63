//! Every built-in node type in one explicit list, the graphs and models that are built in.

mod upgrades;

use esarm_engine::{NodeType, Registry};

/// The graph behind `esarm animate`.
pub const ANIMATE_GRAPH: &str = include_str!("../../../assets/graphs/animate.esarm");

/// The graph behind `esarm score`.
pub const SCORE_GRAPH: &str = include_str!("../../../assets/graphs/score.esarm");

pub use esarm_face::render::{Adapter, adapters as render_adapters};
pub use esarm_kernels::{devices, self_test};
pub use upgrades::upgrades;

/// Ending of the files that a built-in node type gives; `None` for types that give no file.
pub fn file_ending(type_id: &str) -> Option<&'static str> {
    FILE_ENDINGS.iter().find(|(known, _)| *known == type_id).map(|(_, ending)| *ending)
}

const FILE_ENDINGS: [(&str, &str); 17] = [
    ("eval.measure", "measurements"),
    ("eval.report", "md"),
    ("export.audio2face_json", "json"),
    ("export.glb", "glb"),
    ("export.live_link_csv", "csv"),
    ("export.npy", "npy"),
    ("export.usda", "usda"),
    ("export.wav", "wav"),
    ("face.render", "png"),
    ("reward.demonstrations", "demonstrations"),
    ("reward.rank", "demonstrations"),
    ("reward.train", "safetensors"),
    ("reward.weights", "safetensors"),
    ("rl.rank", "demonstrations"),
    ("rl.tune", "safetensors"),
    ("sta.train", "safetensors"),
    ("sta.weights", "safetensors"),
];

/// A model that is built in.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Name of the model, as `cargo xtask train` knows it.
    pub name: &'static str,
    /// Its weights as safetensors.
    pub bytes: &'static [u8],
}

/// The built-in nodes' code and weights: version and digest. Results of another build are not reused.
pub const BUILD: &str = concat!("esarm ", env!("CARGO_PKG_VERSION"), " ", env!("ESARM_CODE_DIGEST"));

/// Every built-in node type.
///
/// # Panics
/// When two built-in types share an id, which the tests of this crate rule out.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    for node_type in node_types() {
        registry.register(node_type.with_build(BUILD)).expect("built-in node types have distinct ids");
    }
    registry
}

fn node_types() -> Vec<NodeType> {
    let domains = [
        esarm_audio::node_types(),
        esarm_emotion::node_types(),
        esarm_sta::node_types(),
        esarm_face::node_types(),
        esarm_reward::node_types(),
        esarm_rl::node_types(),
        esarm_export::node_types(),
    ];
    domains.into_iter().flatten().collect()
}

/// Every model that is built in.
pub fn models() -> Vec<Model> {
    vec![
        Model { name: "generator", bytes: esarm_sta::generator::EMBEDDED_WEIGHTS },
        Model { name: "reward", bytes: esarm_reward::EMBEDDED_WEIGHTS },
        Model { name: "voice_emotion", bytes: esarm_emotion::EMBEDDED_WEIGHTS },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_graph::PortType;

    #[test]
    fn every_type_that_gives_a_file_tells_its_ending() {
        for node_type in registry().types() {
            let schema = &node_type.schema;
            let gives_file = schema.outputs.iter().any(|port| port.port_type == PortType::File);
            assert_eq!(file_ending(&schema.type_id).is_some(), gives_file, "{}", schema.type_id);
        }
    }

    #[test]
    fn ids_are_distinct_and_schemas_are_complete() {
        let registry = registry();
        assert!(registry.types().count() > 30);
        for node_type in registry.types() {
            let schema = &node_type.schema;
            assert!(
                schema
                    .type_id
                    .split_once('.')
                    .is_some_and(|(domain, name)| !domain.is_empty() && !name.is_empty())
            );
            assert!(!schema.outputs.is_empty(), "{} gives nothing", schema.type_id);
            let helps = schema
                .inputs
                .iter()
                .map(|port| &port.help)
                .chain(schema.outputs.iter().map(|port| &port.help));
            let helps =
                helps.chain(schema.parameters.iter().map(|parameter| &parameter.help)).chain([&schema.help]);
            helps.for_each(|help| {
                assert!(help.ends_with('.'), "{}: \"{help}\" is no sentence", schema.type_id);
            });
        }
    }
}
