//! Every kernel on every device against its twin, and where there is one against an independent implementation.

mod common;
mod preference;
mod returns;
