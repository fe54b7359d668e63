//! One command's work: every take is made, its files are written all or none, then the report.

use crate::claims::Claims;
use crate::failure::Failure;
use crate::heard;
use crate::outputs::{Batch, check_ending, check_type};
use crate::report;
use crate::running::{Finished, Job, Prepared, Runner};
use esarm_engine::{Report, Skip, State};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A job and the takes to make of it.
pub(crate) struct Work<'a> {
    pub(crate) job: Job<'a>,
    pub(crate) takes: &'a [Take],
}

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
    /// Time of all takes.
    pub(crate) milliseconds: f64,
}

/// Runs all takes of all work and writes what they give. Nothing runs unless everything can be written.
pub(crate) fn make(runner: &Runner<'_>, work: &[Work<'_>]) -> Result<Made, Failure> {
    let prepared = work.iter().map(|it| runner.prepare(&it.job)).collect::<Result<Vec<_>, _>>()?;
    let pairs: Vec<(&Prepared<'_>, &[Take])> =
        prepared.iter().zip(work).map(|(prepared, work)| (prepared, work.takes)).collect();
    check_targets(runner, &pairs)?;
    let mut reports = Vec::new();
    let made = make_takes(runner, &pairs, &mut reports);
    let asked = work.iter().map(|work| work.takes.len()).sum();
    let reported = match (&runner.running.report, work.first()) {
        (Some(path), Some(first)) => report::write(path, &first.job, &reports, asked),
        _ => Ok(()),
    };
    if let (Err(_), Err(failure)) = (&made, &reported) {
        failure.message().into_iter().for_each(|message| runner.terminal.warn(message));
    }
    let made = made?;
    reported.map(|()| made)
}

/// Every way in which writing could fail that can be known before anything runs.
fn check_targets(runner: &Runner<'_>, work: &[(&Prepared<'_>, &[Take])]) -> Result<(), Failure> {
    let mut claims = Claims::default();
    for (prepared, _) in work {
        runner.files_read(prepared).iter().for_each(|(path, by)| claims.read(path, by));
    }
    for (prepared, takes) in work {
        for target in takes.iter().flat_map(|take| &take.targets) {
            claims.write(&target.path, &target.asked_by)?;
            check_form(prepared, target)?;
        }
    }
    match &runner.running.report {
        Some(path) => claims.write_one(path, "--report"),
        None => Ok(()),
    }
}

/// Fails when what an output gives is not what the file's name says.
fn check_form(prepared: &Prepared<'_>, target: &Target) -> Result<(), Failure> {
    let Some(wanted) = prepared.wanted.get(&target.output) else { return Ok(()) };
    if let Some(port_type) = wanted.port_type {
        check_type(&target.path, &target.output, port_type)?;
    }
    match wanted.ending {
        Some(ending) => check_ending(&target.path, &target.output, ending),
        None => Ok(()),
    }
}

fn make_takes(
    runner: &Runner<'_>,
    work: &[(&Prepared<'_>, &[Take])],
    reports: &mut Vec<Report>,
) -> Result<Made, Failure> {
    let mut batch = Batch::default();
    let mut told = BTreeSet::new();
    let mut last = None;
    for (prepared, takes) in work {
        for take in *takes {
            let finished = runner.run(prepared, take.seed)?;
            if reports.is_empty() {
                warn_of_unused_settings(runner, prepared.job, &finished.report);
            }
            warn(runner, &finished, &mut told);
            reports.push(finished.report.clone());
            runner.check(prepared, &finished)?;
            tell_heard(runner, prepared.job, &finished, &mut told);
            add_files(runner, &mut batch, take, &finished)?;
            last = Some(finished);
        }
    }
    let last = last.ok_or_else(|| Failure::input("there are no takes to make; ask for one or more"))?;
    let milliseconds = reports.iter().map(|report| report.milliseconds).sum();
    Ok(Made { last, paths: batch.commit(&runner.stop)?, milliseconds })
}

fn add_files(
    runner: &Runner<'_>,
    batch: &mut Batch,
    take: &Take,
    finished: &Finished,
) -> Result<(), Failure> {
    for target in &take.targets {
        runner.stop.check()?;
        let value = finished
            .values
            .get(&target.output)
            .ok_or_else(|| Failure::Work(format!("the output \"{}\" was not made", target.output)))?;
        batch.add(&target.path, &target.output, value)?;
    }
    Ok(())
}

/// What a run warns of, once a command: the takes of a clip are alike in it.
fn warn(runner: &Runner<'_>, finished: &Finished, told: &mut BTreeSet<String>) {
    for warning in &finished.report.warnings {
        if told.insert(warning.clone()) {
            runner.terminal.warn(warning);
        }
    }
}

/// What was heard in a clip, once.
fn tell_heard(runner: &Runner<'_>, job: &Job<'_>, finished: &Finished, told: &mut BTreeSet<String>) {
    let heard = finished.values.get(heard::OUTPUT).and_then(|report| heard::told(report, job.graph_name));
    if let Some((words, facts)) = heard
        && told.insert(facts.to_string())
    {
        runner.terminal.tell("heard", &format!("{}: {words}", job.graph_name), facts);
    }
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
