//! Cross-coupling: what is said and what is felt are taught to be exchangeable.
//!
//! A quadruple is two contents and two emotions: recordings `a_im` (content i in emotion m) and `a_jn`, with partners
//! that say the same otherwise, `a_in` and `a_jm`. With `Ec` the content network, `Ee` the expression network and `D`
//! the composition, and `x_im` the face that says i in emotion m in the time of `a_im`:
//!
//! ```text
//! self     || D(Ec(a_im), Ee(m, a_im)) - x_im ||²
//! cross    || D(Ec(a_im), Ee(n, a_im)) - x_in ||²              the emotion of the other clip
//!        + || D(warp Ec(a_in), Ee(m, a_im)) - x_im ||²         the content from the other emotion's voice
//! velocity  the same, of differences of neighbouring frames
//! classes   - ln p(emotion | mean face)                        a linear classifier that is taught alongside
//! vertex    the same as self and cross, in square millimetres on the skin of a rig
//! ```
//!
//! and the same with i, m and j, n exchanged.
//!
//! This is a reconstruction. What is public of ESARM is that it takes emotion and content apart by "cross-coupling
//! training", not how. The terms follow Peng et al. (ICCV 2023), whose pass couples one exchanged clip per step. Ours to
//! answer for: the emotion is given by name, not heard, so its encoder sees prosody and the name; `warp` follows
//! hand-made phones instead of stretching a clip as a whole; the true lips seal both sides, so that coupling cannot trade
//! closures; faces `x` come from the coarticulation model and the rules of [`crate::presets`], because no free recording
//! shows emotional speech with its face; the velocity and vertex terms on crossed faces; the sizes of the weights.

mod alignment;
mod entry;
mod grid;
mod model;
mod objective;

pub use entry::Demonstration;
pub use grid::Grid;
pub use model::CoupledModel;
pub use objective::{LossWeights, SkinLoss};

pub(super) use grid::CoupledBatch;
pub(super) use objective::{COUPLED_TERMS, Objective};
