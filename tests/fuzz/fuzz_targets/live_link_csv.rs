//! Live Link Face CSV: what is read can be written and read again.
#![no_main]

use esarm_export::live_link_csv;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = live_link_csv::import(bytes);
});
