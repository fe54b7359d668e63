//! The record of a command that `--report` writes: what the engine reports of each take, the graph and the models.

use crate::failure::Failure;
use crate::running::Job;
use esarm_engine::Report;
use esarm_values::Digest;
use serde::Serialize;
use std::path::Path;

/// Version of the record's form; it rises when a member changes its meaning or goes away.
const REPORT_VERSION: u32 = 1;

/// What is the same for all takes, with the takes themselves.
#[derive(Debug, Serialize)]
struct Record<'a> {
    report_version: u32,
    esarm_version: &'static str,
    graph: &'a GraphRecord,
    models: Vec<ModelRecord>,
    #[serde(flatten)]
    takes: Takes<'a>,
}

/// Which graph ran.
#[derive(Debug, Serialize)]
pub(crate) struct GraphRecord {
    /// Its file, or its name when it is built in.
    pub(crate) name: String,
    /// BLAKE3 of the graph as it is saved, before settings are made.
    pub(crate) digest: String,
}

impl GraphRecord {
    /// A graph as a file holds it.
    pub(crate) fn of(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), digest: Digest::of(text.as_bytes()).to_string() }
    }
}

#[derive(Debug, Serialize)]
struct ModelRecord {
    name: &'static str,
    /// BLAKE3 of the weights.
    digest: String,
}

/// Where a single take is asked for, it stands in the record itself.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Takes<'a> {
    One(&'a Report),
    Several { takes: &'a [Report] },
}

/// Writes the record of the takes that ran, of as many as were `asked`.
pub(crate) fn write(path: &Path, job: &Job<'_>, reports: &[Report], asked: usize) -> Result<(), Failure> {
    let record = Record {
        report_version: REPORT_VERSION,
        esarm_version: env!("CARGO_PKG_VERSION"),
        graph: &job.graph,
        models: esarm_library::models()
            .iter()
            .map(|model| ModelRecord { name: model.name, digest: Digest::of(model.bytes).to_string() })
            .collect(),
        takes: match reports {
            [report] if asked == 1 => Takes::One(report),
            takes => Takes::Several { takes },
        },
    };
    let mut json = serde_json::to_string_pretty(&record).map_err(|error| Failure::file(path, error))?;
    json.push('\n');
    let staged = esarm_graph::StagedFile::with_folder(path, json.as_bytes()).map_err(Failure::input)?;
    staged.commit().map_err(Failure::input)
}
