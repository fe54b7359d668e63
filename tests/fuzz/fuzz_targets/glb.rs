//! Rigs from GLB and glTF.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = esarm_face::rig::import(bytes, "fuzz");
});
