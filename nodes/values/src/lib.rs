//! The values that cross ports: what nodes of different domains hand to one another.
//!
//! A value is immutable once made, cheap to clone, knows its size and hashes to the same digest on every machine.
//! This crate knows no node, no graph and no engine.

mod arkit;
mod audio;
mod digest;
mod emotion;
pub mod names;
mod rig;
mod track;
mod value;

pub use arkit::{ARKIT_SHAPES, HEAD_CHANNELS, MOTION_CHANNELS, arkit_index, head_rotation, mirrored_name};
pub use audio::Audio;
pub use digest::{Digest, Digestible, Hasher};
pub use emotion::{EMOTIONS, Emotion, emotion_index};
pub use rig::{Material, Mesh, MorphTarget, Primitive, Rig, SourceDocument};
pub use track::{FrameRate, Track, TrackError};
pub use value::{File, Take, Takes, Value};
