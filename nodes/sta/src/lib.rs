//! Speech to animation: the generator, its visemes and the faces of the emotions, and how the generator is trained.

pub mod generator;
mod nodes;
pub mod performance;
pub mod policy;
pub mod presets;
pub mod training;
pub mod visemes;

pub use nodes::node_types;
