//! Checks of single nodes: their type, its version and the parameters.

use super::checker::{Checker, Scope};
use super::value::{check_value, wrong_kind};
use crate::address::shortened;
use crate::problem::Finding;
use crate::{GROUP_PREFIX, Item, Node, NodeId, NodeSchema, ProblemKind};

impl Checker<'_> {
    pub(crate) fn check_nodes(&mut self, scope: Scope<'_>) {
        for (id, node) in &scope.graph.nodes {
            self.check_type(scope, id, node);
            let catalog = self.catalog;
            if let Some(schema) = catalog.schema(node) {
                self.check_parameters(scope, id, node, schema);
            }
        }
    }

    pub(crate) fn check_type(&mut self, scope: Scope<'_>, id: &NodeId, node: &Node) {
        let place = scope.place(Some(id), Item::Whole);
        if let Some(group) = node.group_name() {
            if !self.document.groups.contains_key(group) {
                let names = self.document.groups.keys().map(String::as_str);
                let finding = Finding::new(
                    ProblemKind::UnknownGroup,
                    format!("there is no group {:?}", shortened(group)),
                )
                .allowed(self.suggest(group, names, "this document has no groups"))
                .remedy("add the group, or give the node another type");
                self.unknown(place, finding, !node.bypassed);
            }
            return;
        }
        let catalog = self.catalog;
        let Some(schema) = catalog.schemas.get(&node.type_id) else {
            let what = format!("node type {:?} is not known", shortened(&node.type_id));
            let names = catalog.schemas.iter().map(|schema| schema.type_id.as_str());
            let finding = Finding::new(ProblemKind::UnknownType, what)
                .allowed(self.suggest(&node.type_id, names, "no node types are installed"))
                .remedy("install the plugin or the newer version that has it; its values and wires are kept");
            self.unknown(place, finding, !node.bypassed);
            return;
        };
        let (given, known) = (node.version, schema.version);
        if given > known {
            let what =
                format!("was saved with version {given} of \"{}\", this is version {known}", schema.type_id);
            let finding = Finding::new(ProblemKind::NewerVersion, what)
                .allowed(format!("takes versions up to {known}"))
                .remedy("update ESARM Studio or the plugin; the node's values and wires are kept");
            self.unknown(place, finding, !node.bypassed);
        } else if given < known {
            let what =
                format!("was saved with version {given} of \"{}\", this is version {known}", schema.type_id);
            let finding = Finding::new(ProblemKind::OlderVersion, what).remedy(
                "nothing here upgrades from that version: open it with the version between, or place the node anew",
            );
            self.error(place, finding);
        }
    }

    fn check_parameters(&mut self, scope: Scope<'_>, id: &NodeId, node: &Node, schema: &NodeSchema) {
        let place = |name: &str| scope.place(Some(id), Item::Parameter(shortened(name)));
        for name in node.parameters.keys().chain(node.unread_parameters.keys()) {
            if self.catalog.parameter(node, name) == crate::catalog::Found::No {
                let finding = self.unknown_parameter(name, schema);
                self.error(place(name), finding);
            }
        }
        for parameter in &schema.parameters {
            if let Some(value) = node.parameters.get(&parameter.name) {
                for finding in check_value(parameter, value, self.catalog.schemas.emotions()) {
                    self.error(place(&parameter.name), finding);
                }
            }
            if node.unread_parameters.contains_key(&parameter.name) {
                let finding = wrong_kind(&parameter.kind, "a value that cannot be read", &parameter.unit);
                self.error(place(&parameter.name), finding);
            }
        }
    }

    /// The finding that a node of a type has no parameter of a name.
    pub(crate) fn unknown_parameter(&mut self, name: &str, schema: &NodeSchema) -> Finding {
        let names = schema.parameters.iter().map(|parameter| parameter.name.as_str());
        let described = match schema.type_id.strip_prefix(GROUP_PREFIX) {
            Some(group) => format!("group \"{group}\""),
            None => format!("\"{}\"", schema.type_id),
        };
        Finding::new(ProblemKind::UnknownParameter, format!("{described} has no such parameter"))
            .allowed(self.suggest(name, names, "it has no parameters"))
            .remedy("correct the name, or remove the value")
    }
}
