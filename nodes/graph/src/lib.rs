//! The graph document: node schemas, ports, parameters, wires, groups, the file format and validation.
//!
//! This crate knows no engine and no values, and builds for `wasm32-unknown-unknown`.

mod schema;

pub use schema::{
    Curve, CurveKey, EmotionKey, InputPort, Interpolation, NodeSchema, OutputPort, Parameter, ParameterKind,
    ParameterValue, PortType, Purity, Range, TimeSupport, converts,
};
