//! Collects problems while the parts of a document are looked at.

use super::Purpose;
use crate::catalog::Catalog;
use crate::nearest::nearest;
use crate::problem::Finding;
use crate::validate::value::quoted;
use crate::{Document, Graph, Item, NodeId, Place, Problem, Severity};

/// Messages with a search for near names; later ones do without, so that a hostile file cannot take long.
const MOST_SUGGESTIONS: usize = 200;
/// Names that a message lists when none is near.
const MOST_LISTED: usize = 12;

/// What all checks share.
pub(crate) struct Checker<'a> {
    pub(crate) document: &'a Document,
    pub(crate) catalog: &'a Catalog<'a>,
    pub(crate) purpose: Purpose,
    pub(crate) problems: Vec<Problem>,
    suggestions: usize,
}

/// The top graph or the inside of a group.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) group: Option<&'a str>,
    pub(crate) graph: &'a Graph,
}

impl Scope<'_> {
    pub(crate) fn place(self, node: Option<&NodeId>, item: Item) -> Place {
        Place { group: self.group.map(str::to_owned), node: node.cloned(), item }
    }
}

impl<'a> Checker<'a> {
    pub(crate) fn new(document: &'a Document, catalog: &'a Catalog<'a>, purpose: Purpose) -> Self {
        Self { document, catalog, purpose, problems: Vec::new(), suggestions: 0 }
    }

    pub(crate) fn error(&mut self, place: Place, finding: Finding) {
        self.problems.push(finding.at(place, Severity::Error));
    }

    /// Something that does no harm to an edit but stops a run that needs it.
    pub(crate) fn unknown(&mut self, place: Place, finding: Finding, needed: bool) {
        let severity =
            if needed && self.purpose == Purpose::Run { Severity::Error } else { Severity::Warning };
        self.problems.push(finding.at(place, severity));
    }

    /// The remedy for a name that does not exist: the nearest names, else a list of all, else `none`.
    pub(crate) fn suggest<'n>(
        &mut self,
        written: &str,
        names: impl Iterator<Item = &'n str> + Clone,
        none: &str,
    ) -> String {
        self.suggestions += 1;
        if self.suggestions > MOST_SUGGESTIONS {
            return String::new();
        }
        let near = nearest(written, names.clone());
        if !near.is_empty() {
            return format!("did you mean {}?", quoted(&near, " or "));
        }
        let listed: Vec<&str> = names.clone().take(MOST_LISTED).collect();
        match (listed.len(), names.skip(MOST_LISTED).count()) {
            (0, _) => none.to_owned(),
            (_, 0) => format!("there is {}", quoted(&listed, ", ")),
            (_, more) => format!("there is {} and {more} more", quoted(&listed, ", ")),
        }
    }
}
