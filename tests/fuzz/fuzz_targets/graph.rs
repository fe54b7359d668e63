//! Graph files: what is read is saved and read again as the same document.
#![no_main]

use esarm_graph::{parse, serialize};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(document) = parse(bytes) {
        let saved = serialize(&document).expect("a document that was read can be saved");
        assert_eq!(parse(saved.as_bytes()).expect("a saved document can be read"), document);
    }
});
