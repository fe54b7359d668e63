//! The graph document: node schemas, ports, parameters, wires, groups, the file format and validation.
//!
//! This crate knows no engine and no values, and builds for `wasm32-unknown-unknown`.

mod address;
mod catalog;
#[cfg(not(target_arch = "wasm32"))]
mod disk;
mod document;
mod edit;
mod expand;
mod file;
mod flat;
mod nearest;
mod problem;
#[cfg(not(target_arch = "wasm32"))]
mod save;
mod schema;
mod schema_set;
mod topology;
mod upgrade;
mod validate;
mod view;

pub use address::{AddressError, MAX_NAME_LENGTH, NodeId, ParameterAddress, PortAddress, is_name};
#[cfg(not(target_arch = "wasm32"))]
pub use disk::{LoadError, load, save};
pub use document::{Document, Extras, GROUP_PREFIX, Graph, Group, Lock, Locked, Node, Wire};
pub use edit::{set_input, set_parameter};
pub use file::{
    FORMAT, FORMAT_VERSION, FileError, FileErrorKind, Loaded, MAX_FILE_BYTES, parse, parse_with, serialize,
};
pub use flat::{FlatGraph, FlatNode};
pub use nearest::nearest;
pub use problem::{Item, Place, Problem, ProblemKind, Problems, Severity};
#[cfg(not(target_arch = "wasm32"))]
pub use save::{SaveError, StagedFile, write_atomically};
pub use schema::{
    Curve, CurveKey, EmotionKey, InputPort, Interpolation, NodeSchema, OutputPort, Parameter, ParameterKind,
    ParameterValue, PortType, Purity, Range, TimeSupport, converts,
};
pub use schema_set::SchemaSet;
pub use upgrade::{OldNode, Step, Upgraded, Upgrades};
pub use validate::{validate, validate_for_run};
pub use view::{Canvas, Comment, Frame, NodeView, View};
