//! Animation files: GLB, Live Link Face CSV, Audio2Face JSON, USD and NPY out, and the readable ones of them in; and the
//! sound that belongs to them as WAV.
//!
//! Every writer is a pure function from values to a [`esarm_values::File`]; nothing is written to disk here.
//! Every reader takes bytes, never panics, and names the line and column of what it cannot read.

pub mod audio2face;
mod columns;
mod error;
pub mod glb;
mod info;
pub mod live_link_csv;
mod nodes;
pub mod npy;
mod rig_check;
pub mod usda;
pub mod wav;

pub use columns::ColumnReport;
pub use error::{ExportError, ImportError};
pub use info::ClipInfo;
pub use nodes::node_types;
