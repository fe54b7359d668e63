//! Brings nodes of older schema versions up to date, on untyped JSON, before they become a document.
//!
//! Each step leads from one version of a node type to the next (or to the type that took its place), so that a node of
//! any age goes through all steps in turn. Node crates register their steps; this crate only runs them.

use crate::address::shortened;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The upgrade steps of all node types.
#[derive(Default)]
pub struct Upgrades {
    steps: BTreeMap<(String, u32), Step>,
}

/// What a step does to a node; the text of an error says what the node holds that cannot be upgraded.
pub type Step = Box<dyn Fn(&mut OldNode) -> Result<(), String> + Send + Sync>;

/// A node of an older version, as it stands in the file.
#[derive(Clone, Debug)]
pub struct OldNode {
    json: Map<String, Value>,
    renames: Renames,
    new_type: Option<(String, u32)>,
}

/// New names by old ones, from one step.
#[derive(Clone, Debug, Default)]
struct Renames {
    inputs: BTreeMap<String, String>,
    outputs: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
}

/// What became of an older node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// Name of the group that the node is in; `None` at the top.
    pub group: Option<String>,
    /// Id of the node.
    pub node: String,
    /// Type and version in the file.
    pub from: (String, u32),
    /// Type and version that was reached.
    pub to: (String, u32),
    /// Why it went no further, if a step failed; the node is then as the last step left it.
    pub failure: Option<String>,
}

impl Upgrades {
    /// No steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same steps and one that leads from `version` of a node type to the next version.
    #[must_use]
    pub fn with(
        mut self,
        type_id: &str,
        version: u32,
        step: impl Fn(&mut OldNode) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.steps.insert((type_id.to_owned(), version), Box::new(step));
        self
    }

    /// Takes a node through its steps; gives the names that each of them changed, and why one failed.
    fn run(&self, node: &mut OldNode) -> (Vec<Renames>, Option<String>) {
        // On a way that ends each step applies at most once; more would be types that become each other.
        let (mut renames, most_steps) = (Vec::new(), self.steps.len());
        for _ in 0..most_steps {
            let Some(key) = node.key() else { break };
            let Some(step) = self.steps.get(&key) else { break };
            let before = node.clone();
            if let Err(failure) = step(node) {
                *node = before;
                return (renames, Some(failure));
            }
            let (type_id, version) = node.new_type.take().unwrap_or((key.0, key.1.saturating_add(1)));
            node.json.insert("type".to_owned(), type_id.into());
            node.json.insert("version".to_owned(), version.into());
            renames.push(std::mem::take(&mut node.renames));
        }
        (renames, None)
    }
}

impl OldNode {
    /// The node's members as in the file: `type`, `version`, `parameters` and others.
    pub fn json(&mut self) -> &mut Map<String, Value> {
        &mut self.json
    }

    /// The parameters that are set.
    pub fn parameters(&mut self) -> &mut Map<String, Value> {
        let parameters = self.json.entry("parameters").or_insert_with(|| Value::Object(Map::new()));
        parameters.as_object_mut().expect("only nodes whose parameters are an object are upgraded")
    }

    /// Gives a parameter another name, also where the document or a group exposes it.
    pub fn rename_parameter(&mut self, old: &str, new: &str) {
        if let Some(value) = self.parameters().remove(old) {
            self.parameters().insert(new.to_owned(), value);
        }
        self.renames.parameters.insert(old.to_owned(), new.to_owned());
    }

    /// Gives an input another name; its wires follow.
    pub fn rename_input(&mut self, old: &str, new: &str) {
        self.renames.inputs.insert(old.to_owned(), new.to_owned());
    }

    /// Gives an output another name; its wires follow.
    pub fn rename_output(&mut self, old: &str, new: &str) {
        self.renames.outputs.insert(old.to_owned(), new.to_owned());
    }

    /// Makes it a node of another type, at a version of that type.
    pub fn become_type(&mut self, type_id: &str, version: u32) {
        self.new_type = Some((type_id.to_owned(), version));
    }

    /// Type and version; `None` for what is not shaped like a node.
    fn key(&self) -> Option<(String, u32)> {
        let version = self.json.get("version")?.as_u64()?;
        if !self.json.get("parameters").is_none_or(Value::is_object) {
            return None;
        }
        Some((self.json.get("type")?.as_str()?.to_owned(), u32::try_from(version).ok()?))
    }
}

/// Upgrades every node of a document in JSON, at the top and in groups. What is not shaped like a document stays as it
/// is: reading it reports that.
pub(crate) fn upgrade(document: &mut Map<String, Value>, upgrades: &Upgrades) -> Vec<Upgraded> {
    let mut done = Vec::new();
    if upgrades.steps.is_empty() {
        return done;
    }
    if let Some(Value::Object(groups)) = document.get_mut("groups") {
        for (name, group) in groups {
            if let Value::Object(group) = group {
                let renames = upgrade_nodes(group, Some(name), upgrades, &mut done);
                rename_in_wires(group, &renames);
                rename_in(group, "inputs", &renames, |renames| &renames.inputs);
                rename_in(group, "parameters", &renames, |renames| &renames.parameters);
            }
        }
    }
    let renames = upgrade_nodes(document, None, upgrades, &mut done);
    rename_in_wires(document, &renames);
    rename_in(document, "inputs", &renames, |renames| &renames.parameters);
    done
}

type NodeRenames = BTreeMap<String, Vec<Renames>>;

fn upgrade_nodes(
    graph: &mut Map<String, Value>,
    group: Option<&str>,
    upgrades: &Upgrades,
    done: &mut Vec<Upgraded>,
) -> NodeRenames {
    let mut all = NodeRenames::new();
    let Some(Value::Object(nodes)) = graph.get_mut("nodes") else { return all };
    for (id, node) in nodes {
        let Value::Object(json) = node else { continue };
        let mut old = OldNode { json: std::mem::take(json), renames: Renames::default(), new_type: None };
        let from = old.key();
        let (renames, failure) = upgrades.run(&mut old);
        let to = old.key();
        *json = old.json;
        if let (Some(from), Some(to), false) = (from, to, renames.is_empty() && failure.is_none()) {
            let failure = failure.map(|text| shortened(&text));
            done.push(Upgraded { group: group.map(str::to_owned), node: id.clone(), from, to, failure });
        }
        all.insert(id.clone(), renames);
    }
    all
}

fn rename_in_wires(graph: &mut Map<String, Value>, renames: &NodeRenames) {
    rename_in(graph, "outputs", renames, |renames| &renames.outputs);
    let Some(Value::Array(wires)) = graph.get_mut("wires") else { return };
    for wire in wires {
        if let Some(from) = wire.get_mut("from") {
            rename(from, renames, |renames| &renames.outputs);
        }
        if let Some(to) = wire.get_mut("to") {
            rename(to, renames, |renames| &renames.inputs);
        }
    }
}

/// Renames in a table of addresses or of lists of addresses.
fn rename_in(
    graph: &mut Map<String, Value>,
    member: &str,
    renames: &NodeRenames,
    which: impl Fn(&Renames) -> &BTreeMap<String, String> + Copy,
) {
    let Some(Value::Object(table)) = graph.get_mut(member) else { return };
    for (_, entry) in table {
        match entry {
            Value::Array(addresses) => {
                addresses.iter_mut().for_each(|address| rename(address, renames, which));
            }
            address => rename(address, renames, which),
        }
    }
}

fn rename(address: &mut Value, renames: &NodeRenames, which: impl Fn(&Renames) -> &BTreeMap<String, String>) {
    let Some((node, name)) = address.as_str().and_then(|text| text.split_once('.')) else { return };
    let Some(steps) = renames.get(node) else { return };
    let renamed = steps.iter().fold(name, |name, step| which(step).get(name).map_or(name, String::as_str));
    *address = format!("{node}.{renamed}").into();
}
