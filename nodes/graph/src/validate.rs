//! Finds everything that is wrong with a document, at once.

pub(crate) mod checker;
mod groups;
mod members;
mod nodes;
mod reach;
pub(crate) mod value;
mod wires;

use crate::catalog::Catalog;
use crate::expand::expand;
use crate::{Document, FlatGraph, Problem, Problems, SchemaSet, Severity};
use checker::{Checker, Scope};

/// What the document is checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be opened, edited and saved.
    Edit,
    /// To be run.
    Run,
}

/// Every problem of a document that is being edited. Unknown node types and newer versions are warnings: such nodes
/// keep their values and wires.
pub fn validate(document: &Document, schemas: &SchemaSet) -> Vec<Problem> {
    examine(document, schemas, Purpose::Edit).0
}

/// Every problem of a document that is to be run: as [`validate`], but nodes that are not bypassed must be known.
pub fn validate_for_run(document: &Document, schemas: &SchemaSet) -> Vec<Problem> {
    examine(document, schemas, Purpose::Run).0
}

pub(crate) fn flatten(document: &Document, schemas: &SchemaSet) -> Result<FlatGraph, Problems> {
    let (problems, flat) = examine(document, schemas, Purpose::Run);
    let wrong = problems.iter().any(|problem| problem.severity == Severity::Error);
    flat.filter(|_| !wrong).ok_or(Problems(problems))
}

fn examine(document: &Document, schemas: &SchemaSet, purpose: Purpose) -> (Vec<Problem>, Option<FlatGraph>) {
    let catalog = Catalog::new(document, schemas);
    let mut checker = Checker::new(document, &catalog, purpose);
    let unfolds = checker.check_nesting();
    checker.check_members();
    let top = Scope { group: None, graph: &document.graph };
    checker.check_exposed_parameters(top, &document.inputs);
    checker.check_outputs(top, &document.outputs);
    checker.check_nodes(top);
    checker.check_wires(top);
    checker.check_reach(top, &document.outputs);
    for (name, group) in &document.groups {
        let inside = Scope { group: Some(name), graph: &group.graph };
        checker.check_group(name, group);
        checker.check_nodes(inside);
        checker.check_wires(inside);
        checker.check_reach(inside, &group.outputs);
    }
    let mut problems = checker.problems;
    let flat = unfolds.then(|| expand(document, &catalog)).map(|(flat, spoilt)| {
        problems.extend(spoilt);
        flat
    });
    (problems, flat)
}
