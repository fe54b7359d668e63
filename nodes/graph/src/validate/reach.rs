//! Nodes that no output depends on: they never run, which is seldom what was meant.

use super::Purpose;
use super::checker::{Checker, Scope};
use crate::problem::Finding;
use crate::{Graph, Item, NodeId, PortAddress, ProblemKind, Severity};
use std::collections::{BTreeMap, BTreeSet};

impl Checker<'_> {
    /// Only of what is to run: while a graph is being built, loose nodes are no news.
    pub(crate) fn check_reach(&mut self, scope: Scope<'_>, outputs: &BTreeMap<String, PortAddress>) {
        if self.purpose == Purpose::Edit || outputs.is_empty() {
            return;
        }
        let reaching = reaching(scope.graph, outputs.values().map(|address| &address.node));
        for id in scope.graph.nodes.keys().filter(|id| !reaching.contains(id)) {
            let finding = Finding::new(ProblemKind::Unused, "reaches no output, so it never runs")
                .remedy("wire it to a node that does, name its result under \"outputs\", or remove it");
            self.problems.push(finding.at(scope.place(Some(id), Item::Whole), Severity::Warning));
        }
    }
}

/// The nodes from which wires lead to one of `ends`, those included.
fn reaching<'a>(graph: &'a Graph, ends: impl Iterator<Item = &'a NodeId>) -> BTreeSet<&'a NodeId> {
    let mut before: BTreeMap<&NodeId, Vec<&NodeId>> = BTreeMap::new();
    for wire in &graph.wires {
        before.entry(&wire.to.node).or_default().push(&wire.from.node);
    }
    let mut waiting: Vec<&NodeId> = ends.collect();
    let mut found = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if found.insert(id) {
            waiting.extend(before.get(id).into_iter().flatten());
        }
    }
    found
}
