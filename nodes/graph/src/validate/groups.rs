//! Checks of groups and of the names that a document or a group shows outside.

use super::checker::{Checker, Scope};
use crate::address::{is_name, shortened};
use crate::catalog::{Found, MAX_GROUP_DEPTH, MAX_SIZE};
use crate::problem::Finding;
use crate::{GROUP_PREFIX, Group, Item, MAX_NAME_LENGTH, ParameterAddress, Place, PortAddress, ProblemKind};
use std::collections::{BTreeMap, BTreeSet};

impl<'a> Checker<'a> {
    /// Checks what has to hold before groups can be unfolded; whether it does.
    pub(crate) fn check_nesting(&mut self) -> bool {
        for cycle in &self.catalog.recursive_groups {
            let names: Vec<&str> = cycle.iter().chain(cycle.first()).copied().collect();
            let place = Place { group: cycle.first().map(|name| shortened(name)), ..Place::default() };
            let what = format!("the group contains itself (each is inside the next): {}", names.join(" -> "));
            let finding = Finding::new(ProblemKind::GroupRecursion, what)
                .remedy("remove one of these groups from the group around it");
            self.problems.push(finding.at(place, crate::Severity::Error));
        }
        let top = &self.document.graph;
        let size = self.catalog.size(top);
        let depth = top.nodes.values().map(|node| self.catalog.depth(node)).max().unwrap_or(0);
        let size = (size > MAX_SIZE)
            .then(|| format!("unfolds to {size} nodes, wires and values; at most {MAX_SIZE} are allowed"));
        let depth = (depth > MAX_GROUP_DEPTH)
            .then(|| format!("groups are nested {depth} deep; at most {MAX_GROUP_DEPTH} are allowed"));
        let too_large: Vec<String> = [size, depth].into_iter().flatten().collect();
        let fine = too_large.is_empty() && self.catalog.recursive_groups.is_empty();
        for what in too_large {
            let finding = Finding::new(ProblemKind::TooLarge, what).remedy("use fewer or flatter groups");
            self.error(Place::default(), finding);
        }
        fine
    }

    /// Checks a group's name and what it exposes; its nodes and wires are checked as those of any graph.
    pub(crate) fn check_group(&mut self, name: &'a str, group: &'a Group) {
        let scope = Scope { group: Some(name), graph: &group.graph };
        self.check_name(Place { group: Some(shortened(name)), ..Place::default() }, "group", name);
        let type_id = format!("{GROUP_PREFIX}{name}");
        if self.catalog.schemas.get(&type_id).is_some() {
            let finding =
                Finding::new(ProblemKind::NameClash, format!("there is also a node type \"{type_id}\""))
                    .remedy("give the group another name");
            self.error(scope.place(None, Item::Whole), finding);
        }
        for (exposed, ports) in &group.inputs {
            self.check_exposed_input(scope, exposed, ports);
        }
        self.check_outputs(scope, &group.outputs);
        self.check_exposed_parameters(scope, &group.parameters);
    }

    fn check_exposed_input(&mut self, scope: Scope<'a>, name: &str, ports: &'a BTreeSet<PortAddress>) {
        let place = scope.place(None, Item::Input(shortened(name)));
        self.check_name(place.clone(), "exposed input", name);
        let user = || format!("the exposed input \"{}\"", shortened(name));
        let found: Vec<_> = ports
            .iter()
            .filter_map(|port| Some((port, self.find_input(scope, port, &user)?.port_type)))
            .collect();
        if ports.is_empty() {
            let finding = Finding::new(ProblemKind::UnknownPort, "feeds no input inside the group")
                .remedy("name at least one input, or remove the exposed input");
            self.error(place.clone(), finding);
        }
        if let Some(((first, wanted), (other, differs))) = found
            .first()
            .and_then(|first| Some((first, found.iter().find(|(_, port_type)| *port_type != first.1)?)))
        {
            let what = format!(
                "feeds \"{first}\", which takes {}, and \"{other}\", which takes {}",
                wanted.name(),
                differs.name()
            );
            let finding = Finding::new(ProblemKind::WrongType, what)
                .allowed("inputs of one type")
                .remedy("expose them under two names");
            self.error(place, finding);
        }
    }

    /// Checks the outputs that the document or a group names.
    pub(crate) fn check_outputs(&mut self, scope: Scope<'a>, outputs: &'a BTreeMap<String, PortAddress>) {
        for (name, port) in outputs {
            let place = scope.place(None, Item::Output(shortened(name)));
            self.check_name(place, "output", name);
            self.find_output(scope, port, &|| format!("the output \"{}\"", shortened(name)));
        }
    }

    /// Checks the parameters that the document (as inputs) or a group names.
    pub(crate) fn check_exposed_parameters(
        &mut self,
        scope: Scope<'a>,
        exposed: &'a BTreeMap<String, ParameterAddress>,
    ) {
        let what = if scope.group.is_some() { "exposed parameter" } else { "input" };
        let item = |name: &str| match scope.group {
            Some(_) => Item::Parameter(shortened(name)),
            None => Item::Input(shortened(name)),
        };
        let mut taken: BTreeMap<&ParameterAddress, &str> = BTreeMap::new();
        for (name, address) in exposed {
            self.check_name(scope.place(None, item(name)), what, name);
            self.find_parameter(scope, address, &|| format!("the {what} \"{}\"", shortened(name)));
            if let Some(other) = taken.insert(address, name) {
                let finding = Finding::new(
                    ProblemKind::NameClash,
                    format!("sets \"{address}\", which \"{other}\" sets too"),
                )
                .remedy("keep one of the two names");
                self.error(scope.place(None, item(name)), finding);
            }
        }
    }

    fn find_parameter(&mut self, scope: Scope<'a>, at: &ParameterAddress, user: &dyn Fn() -> String) {
        let Some(node) = self.find_node(scope, &at.node, user) else { return };
        let catalog = self.catalog;
        if let (Found::No, Some(schema)) = (catalog.parameter(node, &at.parameter), catalog.schema(node)) {
            let finding = self.unknown_parameter(&at.parameter, schema);
            let finding = Finding { what: format!("{} sets it, and {}", user(), finding.what), ..finding };
            self.error(scope.place(Some(&at.node), Item::Parameter(shortened(&at.parameter))), finding);
        }
    }

    fn check_name(&mut self, place: Place, what: &str, name: &str) {
        if !is_name(name) {
            let allowed =
                format!("takes 1 to {MAX_NAME_LENGTH} of the characters a-z, A-Z, 0-9, \"_\" and \"-\"");
            let finding =
                Finding::new(ProblemKind::BadName, format!("{:?} cannot be the name", shortened(name)))
                    .allowed(allowed)
                    .remedy(format!("choose another name for the {what}"));
            self.error(place, finding);
        }
    }
}
