//! Everything a developer or the continuous integration runs: `cargo xtask help` lists it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program speaks on its terminal"
)]

mod process;
mod setup;
mod tests;
mod train;

use process::{Failure, cargo, python_environment, run};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  test         install or name what is missing, run every test, print what was skipped and why
  check        what the continuous integration runs: format, lints, licences, wasm, documents, first use, tests,
               kernel cache
  kernel-cache check that an edited GPU kernel never runs as it was compiled before
  setup        install what the tests use (Debian packages, npm and Python packages), naming what cannot be had
  train        train the shipped models again: train [generator|reward|voice-emotion]
  bench        run the benchmarks, with ratios: bench [NAME]
  fuzz         fuzz each reader: fuzz [SECONDS]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test", filters @ ..] => setup::setup().and_then(|()| tests::test(filters)),
        ["check"] => check(),
        ["kernel-cache"] => tests::kernel_cache(),
        ["setup"] => setup::setup(),
        ["train", models @ ..] => train::train(models),
        ["bench", names @ ..] => bench(names),
        ["fuzz", rest @ ..] => fuzz(rest),
        _ => {
            println!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The continuous integration, cheapest first.
fn check() -> Result<(), Failure> {
    run("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    setup::setup()?;
    if setup::has_command("cargo-deny") {
        run("licences", &mut cargo(&["deny", "check", "bans", "licenses", "sources"]))?;
    }
    run("lints", &mut cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    run("wasm", &mut cargo(&["check", "--package", "esarm-graph", "--target", "wasm32-unknown-unknown"]))?;
    run(
        "documents",
        cargo(&["doc", "--workspace", "--no-deps", "--quiet"])
            .env("RUSTDOCFLAGS", "--deny warnings --allow rustdoc::private_intra_doc_links"),
    )?;
    tests::first_use()?;
    tests::test(&[])?;
    tests::kernel_cache()
}

fn bench(names: &[&str]) -> Result<(), Failure> {
    setup::peers();
    // With the features of the tests, so that nothing is built twice.
    let mut arguments = vec!["bench", "--workspace", "--features", tests::GPU];
    for name in names {
        arguments.extend(["--bench", name]);
    }
    run("bench", python_environment(&mut cargo(&arguments)))
}

/// Fuzz targets and the folders of their seeds.
const FUZZ_TARGETS: [(&str, &str); 4] = [
    ("audio", "fuzz/seeds/audio"),
    ("graph", "../assets/graphs"),
    ("glb", "fuzz/seeds/glb"),
    ("live_link_csv", "fuzz/seeds/live_link_csv"),
];

fn fuzz(rest: &[&str]) -> Result<(), Failure> {
    let seconds: u32 = match rest {
        [] => 600,
        [text, ..] => text.parse().map_err(|_| Failure(format!("\"{text}\" is no number of seconds")))?,
    };
    for (target, seeds) in FUZZ_TARGETS {
        let limit = format!("-max_total_time={seconds}");
        // What is found is kept in the first folder, the seeds are only read.
        let corpus = format!("fuzz/corpus/{target}");
        std::fs::create_dir_all(process::root().join("tests").join(&corpus))
            .map_err(|error| Failure(format!("tests/{corpus}: {error}")))?;
        let arguments =
            ["+nightly", "fuzz", "run", target, &corpus, seeds, "--", &limit, "-rss_limit_mb=4096"];
        run(&format!("fuzz {target}"), cargo(&arguments).current_dir(process::root().join("tests")))?;
    }
    Ok(())
}
