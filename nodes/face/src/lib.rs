//! Faces: the built-in head, and pictures of any rig.

pub mod head;
mod nodes;
pub mod render;
pub mod rig;
pub mod tools;

pub use nodes::node_types;
