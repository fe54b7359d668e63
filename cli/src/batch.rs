//! One command's work: every take is made, its files are written all or none, then the report.

use crate::claims::Claims;
use crate::failure::Failure;
use crate::outputs::{Batch, check_ending, check_type};
use crate::report;
use crate::running::{Finished, Job, Prepared, Runner};
use esarm_engine::{Report, Skip, State};
use std::path::PathBuf;

/// A run of a job with a seed, and where its outputs go.
pub(crate) struct Take {
    pub(crate) seed: u64,
    /// Output names and files; a name may be there for several files.
    pub(crate) targets: Vec<Target>,
}

/// A file to write.
pub(crate) struct Target {
    pub(crate) output: String,
    pub(crate) path: PathBuf,
    /// What asks for it, in the user's words.
    pub(crate) asked_by: String,
}

/// What a command made.
pub(crate) struct Made {
    /// The last take.
    pub(crate) last: Finished,
    /// Every file written, without the report.
    pub(crate) paths: Vec<PathBuf>,
}

/// Runs all takes of a job and writes what they give. Nothing runs unless everything can be written.
pub(crate) fn make(runner: &Runner<'_>, job: &Job<'_>, takes: &[Take]) -> Result<Made, Failure> {
    let prepared = runner.prepare(job)?;
    check_targets(runner, &prepared, takes)?;
    let mut reports = Vec::with_capacity(takes.len());
    let made = make_takes(runner, &prepared, takes, &mut reports);
    let reported = match &runner.running.report {
        Some(path) => report::write(path, job, &reports, takes.len()),
        None => Ok(()),
    };
    if let (Err(_), Err(failure)) = (&made, &reported) {
        failure.message().into_iter().for_each(|message| runner.terminal.warn(message));
    }
    let made = made?;
    reported.map(|()| made)
}

/// Every way in which writing could fail that can be known before anything runs.
fn check_targets(runner: &Runner<'_>, prepared: &Prepared<'_>, takes: &[Take]) -> Result<(), Failure> {
    let mut claims = Claims::default();
    runner.files_read(prepared).iter().for_each(|(path, by)| claims.read(path, by));
    for target in takes.iter().flat_map(|take| &take.targets) {
        claims.write(&target.path, &target.asked_by)?;
        let Some(wanted) = prepared.wanted.get(&target.output) else { continue };
        if let Some(port_type) = wanted.port_type {
            check_type(&target.path, &target.output, port_type)?;
        }
        if let Some(ending) = wanted.ending {
            check_ending(&target.path, &target.output, ending)?;
        }
    }
    match &runner.running.report {
        Some(path) => claims.write_one(path, "--report"),
        None => Ok(()),
    }
}

fn make_takes(
    runner: &Runner<'_>,
    prepared: &Prepared<'_>,
    takes: &[Take],
    reports: &mut Vec<Report>,
) -> Result<Made, Failure> {
    let mut batch = Batch::default();
    let mut last = None;
    for take in takes {
        let finished = runner.run(prepared, take.seed)?;
        if reports.is_empty() {
            warn_of_unused_settings(runner, prepared.job, &finished.report);
        }
        finished.report.warnings.iter().for_each(|warning| runner.terminal.warn(warning));
        reports.push(finished.report.clone());
        runner.check(prepared, &finished)?;
        for target in &take.targets {
            runner.stop.check()?;
            let value = finished
                .values
                .get(&target.output)
                .ok_or_else(|| Failure::Work(format!("the output \"{}\" was not made", target.output)))?;
            batch.add(&target.path, &target.output, value)?;
        }
        last = Some(finished);
    }
    let last = last.ok_or_else(|| Failure::input("there are no takes to make; ask for one or more"))?;
    Ok(Made { last, paths: batch.commit(&runner.stop)? })
}

/// Settings of nodes that no wanted output depends on change nothing, which is seldom what was meant.
fn warn_of_unused_settings(runner: &Runner<'_>, job: &Job<'_>, report: &Report) {
    for (words, node) in &job.settings {
        let inside = format!("{node}/");
        let mut concerned = report
            .nodes
            .iter()
            .filter(|it| it.node.as_str() == node || it.node.as_str().starts_with(&inside))
            .peekable();
        if concerned.peek().is_some() && concerned.all(|it| it.state == State::Skipped(Skip::NotWanted)) {
            runner.terminal.warn(&format!(
                "{words} changes nothing: no output that was asked for depends on node \"{node}\""
            ));
        }
    }
}
