//! Graphs of small test nodes, run by the engine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod caching;
mod codec;
mod disk;
mod kit;
mod long_clips;
mod running;
mod signals;
mod windows;
