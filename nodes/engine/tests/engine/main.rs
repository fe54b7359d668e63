//! Graphs of small test nodes, run by the engine.

mod kit;
mod running;
