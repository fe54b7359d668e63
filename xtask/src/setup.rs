//! Installs what the tests use, or names what is missing. Nothing here is needed to build or run the program itself.

use crate::process::{Failure, cargo, root, run, tools};
use std::path::Path;
use std::process::{Command, Stdio};

/// A Debian package by the command or file that it brings.
const DEBIAN_PACKAGES: [(&str, &str); 6] = [
    ("espeak-ng", "espeak-ng"),
    ("flite", "flite"),
    ("ffmpeg", "ffmpeg"),
    ("sox", "sox"),
    ("python3", "python3-venv"),
    ("/usr/share/vulkan/icd.d/lvp_icd.x86_64.json", "mesa-vulkan-drivers"),
];

/// Installs everything, naming on the way what cannot be had; the tests that need it then count as skipped.
pub(crate) fn setup() -> Result<(), Failure> {
    debian_packages();
    wasm_target();
    cargo_deny();
    python_environment();
    python_packages("tests/conformance/requirements.txt", "requirements.txt");
    node_packages();
    Ok(())
}

/// Whether a program is on the PATH.
pub(crate) fn has_command(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).exists()))
}

fn attempt(step: &str, command: &mut Command) -> bool {
    match run(step, command) {
        Ok(()) => true,
        Err(failure) => {
            println!("MISSING {step}: {failure}");
            false
        }
    }
}

fn debian_packages() {
    let present =
        |probe: &str| if probe.starts_with('/') { Path::new(probe).exists() } else { has_command(probe) };
    let missing: Vec<&str> =
        DEBIAN_PACKAGES.iter().filter(|(probe, _)| !present(probe)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return;
    }
    if !has_command("apt-get") {
        println!("MISSING {}: install the packages of that name that your system has", missing.join(", "));
        return;
    }
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0"));
    if !is_root {
        println!("MISSING packages; install them with: sudo apt-get install {}", missing.join(" "));
        return;
    }
    attempt("package lists", Command::new("apt-get").args(["update", "-qq"]));
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(&missing);
    attempt("packages", install.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()));
}

fn wasm_target() {
    let target = "wasm32-unknown-unknown";
    let listed = Command::new("rustup").args(["target", "list", "--installed"]).output();
    let installed = listed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(target));
    if !installed {
        attempt("wasm target", Command::new("rustup").args(["target", "add", target]));
    }
}

fn cargo_deny() {
    if !has_command("cargo-deny") {
        attempt("cargo-deny", &mut cargo(&["install", "cargo-deny", "--locked", "--quiet"]));
    }
}

/// A fingerprint file beside the installed packages says which list they came from.
fn is_current(list: &Path, stamp: &Path) -> bool {
    matches!((std::fs::read(list), std::fs::read(stamp)), (Ok(wanted), Ok(installed)) if wanted == installed)
}

/// What the benchmarks compare with; only they ask for it.
pub(crate) fn peers() {
    python_environment();
    python_packages("kernels/benches/requirements.txt", "peers.txt");
}

fn python_environment() {
    let environment = tools().join("python");
    if !environment.join("bin/pip").exists() {
        attempt("Python environment", Command::new("python3").args(["-m", "venv"]).arg(environment));
    }
}

/// Installs a list of packages, unless the stamp of that name says that it is there.
fn python_packages(list: &str, stamp: &str) {
    let (list, environment) = (root().join(list), tools().join("python"));
    let stamp = environment.join(stamp);
    if is_current(&list, &stamp) {
        return;
    }
    let mut install = Command::new(environment.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&list);
    if attempt("Python packages", &mut install) && std::fs::copy(&list, &stamp).is_err() {
        println!("the Python packages will be looked at again next time: no stamp could be written");
    }
}

fn node_packages() {
    let list = root().join("tests/conformance/package.json");
    let (folder, stamp) = (tools().join("node"), tools().join("node/node_modules/package.json"));
    if is_current(&list, &stamp) {
        return;
    }
    if !has_command("npm") {
        println!("MISSING npm: the glTF checks are skipped; install Node.js 20 or newer");
        return;
    }
    let copied =
        std::fs::create_dir_all(&folder).and_then(|()| std::fs::copy(&list, folder.join("package.json")));
    if let Err(error) = copied {
        println!("MISSING Node packages: {}: {error}", folder.display());
        return;
    }
    let mut install = Command::new("npm");
    install
        .args(["install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"])
        .current_dir(&folder);
    if attempt("Node packages", &mut install) && std::fs::copy(&list, &stamp).is_err() {
        println!("the Node packages will be looked at again next time: no stamp could be written");
    }
}
