//! One binary for every test that spans crates: invariants of the workspace, the command line, golden graphs and
//! conformance with real clients.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail and speak as tests do")]

mod arrows;
mod conformance;
mod graphs;
