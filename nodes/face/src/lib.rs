//! Faces: the built-in head, and pictures of any rig.

pub mod head;
pub mod render;
pub mod rig;
pub mod tools;
