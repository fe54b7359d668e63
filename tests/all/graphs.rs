//! The shipped graphs: canonical, valid, and complete.

use esarm_graph::{parse, serialize, validate};
use std::path::PathBuf;

fn shipped() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/graphs");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "esarm"));
    paths.sort();
    assert!(paths.len() >= 2);
    paths
}

/// Loading and saving a shipped graph changes nothing. With `ESARM_BLESS=1` the files are rewritten instead.
#[test]
fn shipped_graphs_are_as_they_would_be_saved() {
    for path in shipped() {
        let bytes = std::fs::read(&path).unwrap();
        let document = parse(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let saved = serialize(&document).unwrap();
        if std::env::var_os("ESARM_BLESS").is_some() {
            std::fs::write(&path, &saved).unwrap();
        } else {
            assert!(saved.as_bytes() == bytes, "{} is not canonical: run with ESARM_BLESS=1", path.display());
        }
    }
}

#[test]
fn shipped_graphs_have_no_problems() {
    let schemas = esarm_library::registry().schemas();
    for path in shipped() {
        let problems = validate(&parse(&std::fs::read(&path).unwrap()).unwrap(), &schemas);
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{}:\n{}", path.display(), lines.join("\n"));
    }
}
