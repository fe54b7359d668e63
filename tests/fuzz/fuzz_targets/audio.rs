//! Speech files: reading never panics and never allocates by what a header claims.
#![no_main]

use esarm_audio::{LoadOptions, load_bytes};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let options = LoadOptions { sample_rate_hz: Some(16_000), ..LoadOptions::default() };
    let _ = load_bytes(bytes, &options);
});
