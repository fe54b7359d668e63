//! One file a command.

pub(crate) mod animate;
pub(crate) mod check;
pub(crate) mod doctor;
pub(crate) mod man;
pub(crate) mod nodes;
pub(crate) mod run;
pub(crate) mod score;
