//! Members of the file that nothing reads: kept for the version that knows them, but more often misspelt.

use super::checker::{Checker, Scope};
use crate::address::shortened;
use crate::file::{DOCUMENT_MEMBERS, GROUP_MEMBERS, NODE_MEMBERS};
use crate::problem::Finding;
use crate::{Extras, Graph, Item, Place, ProblemKind, Severity};

impl Checker<'_> {
    pub(crate) fn check_members(&mut self) {
        let document = self.document;
        self.warn_of_members(&Place::default(), &document.extras, &DOCUMENT_MEMBERS);
        self.check_members_of_nodes(None, &document.graph);
        for (name, group) in &document.groups {
            let place = Place { group: Some(name.clone()), ..Place::default() };
            self.warn_of_members(&place, &group.extras, &GROUP_MEMBERS);
            self.check_members_of_nodes(Some(name), &group.graph);
        }
    }

    fn check_members_of_nodes(&mut self, group: Option<&str>, graph: &Graph) {
        for (id, node) in &graph.nodes {
            let place = Scope { group, graph }.place(Some(id), Item::Whole);
            self.warn_of_members(&place, &node.extras, &NODE_MEMBERS);
        }
    }

    fn warn_of_members(&mut self, place: &Place, extras: &Extras, known: &[&str]) {
        for name in extras.keys() {
            let what = format!("unknown member {:?} is kept but has no effect", shortened(name));
            let finding = Finding::new(ProblemKind::UnknownMember, what)
                .allowed(self.suggest(name, known.iter().copied(), ""))
                .remedy("correct the name, or remove it");
            self.problems.push(finding.at(place.clone(), Severity::Warning));
        }
    }
}
