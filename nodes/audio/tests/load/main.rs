//! Reading audio files: formats, parts of clips, bad input.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bad_input;
mod compressed;
mod long;
mod parts;
mod wav;
mod wav_bytes;
