//! One binary for every test that spans crates: invariants of the workspace, the command line, golden graphs and
//! conformance with real clients.

mod arrows;
mod conformance;
mod graphs;
