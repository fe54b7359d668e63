//! Digests the code and weights behind the built-in nodes, so that results of other code are never reused from a
//! disk cache.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Folders whose content decides what the built-in nodes give.
const SOURCES: [&str; 11] = [
    "../../kernels/src",
    "../values/src",
    "../engine/src",
    "../audio/src",
    "../emotion/src",
    "../sta/src",
    "../reward/src",
    "../rl/src",
    "../face/src",
    "../export/src",
    "../../assets/models",
];

fn main() -> std::io::Result<()> {
    let mut files = BTreeMap::new();
    for folder in SOURCES {
        println!("cargo::rerun-if-changed={folder}");
        read(Path::new(folder), &mut files)?;
    }
    let mut hasher = blake3::Hasher::new();
    for (path, bytes) in &files {
        let path = path.to_string_lossy().replace('\\', "/");
        hasher.update(&(path.len() as u64).to_le_bytes()).update(path.as_bytes());
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    println!("cargo::rustc-env=ESARM_CODE_DIGEST={}", hasher.finalize().to_hex());
    Ok(())
}

fn read(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, files)?;
        } else {
            files.insert(path.clone(), std::fs::read(path)?);
        }
    }
    Ok(())
}
