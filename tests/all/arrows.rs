//! Dependencies point one way: the rules of ARCHITECTURE.md, read from `cargo metadata`.

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// What each crate of the workspace may depend on, of the workspace's own crates. A crate that is not listed fails.
const ALLOWED: &[(&str, &[&str])] = &[
    ("esarm-kernels", &[]),
    ("esarm-graph", &[]),
    ("esarm-values", &[]),
    ("esarm-engine", &["esarm-graph", "esarm-values"]),
    ("esarm-audio", DOMAIN),
    ("esarm-emotion", DOMAIN),
    ("esarm-sta", DOMAIN),
    ("esarm-face", DOMAIN),
    ("esarm-export", DOMAIN),
    ("esarm-reward", DOMAIN),
    // Tuning needs the policy's tensors and the reward's.
    (
        "esarm-rl",
        &["esarm-engine", "esarm-graph", "esarm-kernels", "esarm-reward", "esarm-sta", "esarm-values"],
    ),
    (
        "esarm-library",
        &[
            "esarm-audio",
            "esarm-emotion",
            "esarm-engine",
            "esarm-export",
            "esarm-face",
            "esarm-graph",
            "esarm-kernels",
            "esarm-reward",
            "esarm-rl",
            "esarm-sta",
        ],
    ),
    ("esarm-cli", &["esarm-engine", "esarm-graph", "esarm-library", "esarm-values"]),
    ("esarm-tests", &["esarm-engine", "esarm-graph", "esarm-library", "esarm-values"]),
    ("xtask", &[]),
];

/// Domains meet in ports: they know the contract, the values and the kernels, never one another. `esarm-rl` alone works
/// on the libraries of two of them.
const DOMAIN: &[&str] = &["esarm-engine", "esarm-graph", "esarm-kernels", "esarm-values"];

/// Outside crates that only some of ours may use.
const RESERVED: &[(&str, &[&str])] = &[
    ("burn", &["esarm-kernels", "esarm-reward", "esarm-rl", "esarm-sta"]),
    ("wgpu", &["esarm-face"]),
    ("clap", &["esarm-cli"]),
    ("symphonia", &["esarm-audio", "esarm-sta"]),
    ("tauri", &["esarm-studio"]),
];

fn packages() -> Vec<Package> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata =
        MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo metadata runs");
    metadata.packages
}

/// Dependencies that reach the shipped crate: tests may look further.
fn shipped_dependencies(package: &Package) -> impl Iterator<Item = &str> {
    let shipped =
        package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
    shipped.map(|dependency| dependency.name.as_str())
}

#[test]
fn dependencies_point_one_way() {
    let packages = packages();
    let mut wrong = Vec::new();
    for package in &packages {
        let name = package.name.as_str();
        let Some((_, allowed)) = ALLOWED.iter().find(|(listed, _)| *listed == name) else {
            wrong.push(format!("{name} has no rule: give it one here and in ARCHITECTURE.md"));
            continue;
        };
        let ours = shipped_dependencies(package)
            .filter(|dependency| packages.iter().any(|package| package.name.as_str() == *dependency));
        wrong.extend(
            ours.filter(|dependency| !allowed.contains(dependency))
                .map(|dependency| format!("{name} must not depend on {dependency}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn reserved_libraries_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for package in packages() {
        for dependency in shipped_dependencies(&package) {
            let rule = RESERVED.iter().find(|(library, _)| *library == dependency);
            if rule.is_some_and(|(_, users)| !users.contains(&package.name.as_str())) {
                wrong.push(format!("{} must not use {dependency}", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_dependency_is_declared_once_without_default_features() {
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")).unwrap();
    let section = manifest.split("[workspace.dependencies]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    for line in section.lines().filter(|line| line.contains('=') && !line.trim_start().starts_with('#')) {
        assert!(
            line.contains("path =") || line.contains("default-features = false"),
            "turn default features off and name what is needed: {line}"
        );
    }
}
