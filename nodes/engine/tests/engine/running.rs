//! Order, failures, cancellation, threads.

use crate::kit::*;
use esarm_engine::{Event, RunError, RunOptions, State};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

/// Two paths from a to d.
fn diamond() -> Sketch {
    Sketch::new()
        .node("a", "test.constant", &[])
        .node("b", "test.add", &["in<a.out"])
        .node("c", "test.add", &["in<a.out"])
        .node("d", "test.add", &["in<b.out", "in<c.out"])
        .set("b", "offset", 10.0)
        .set("c", "offset", 100.0)
        .out("d.out")
}

/// `width` nodes that take from one and give to one.
fn fan(width: usize, type_id: &str) -> Sketch {
    let names: Vec<String> = (0..width).map(|index| format!("n{index:04}")).collect();
    let mut sketch = Sketch::new().node("source", "test.constant", &[]);
    for name in &names {
        sketch = sketch.node(name, type_id, &["in<source.out"]);
    }
    let wires: Vec<String> = names.iter().map(|name| format!("in<{name}.out")).collect();
    let wires: Vec<&str> = wires.iter().map(String::as_str).collect();
    sketch.node("sum", "test.add", &wires).out("sum.out")
}

fn threads(threads: usize) -> RunOptions {
    RunOptions { threads, ..RunOptions::default() }
}

#[test]
fn a_diamond_runs_each_node_once() {
    let result = run(&engine(), &diamond());
    assert_eq!(number(&result, "d.out"), 112.0);
    let all = ["a", "b", "c", "d"].map(|node| format!("{node}: ran (first run)"));
    assert_eq!(states(&result), all);
}

#[test]
fn only_what_is_wanted_runs() {
    let options = RunOptions { wanted: vec!["b.out".parse().unwrap()], ..RunOptions::default() };
    let result = run_with(&engine(), &diamond(), &options);
    assert_eq!(number(&result, "b.out"), 11.0);
    let expected = [
        "a: ran (first run)",
        "b: ran (first run)",
        "c: skipped (not asked for)",
        "d: skipped (not asked for)",
    ];
    assert_eq!(states(&result), expected);
}

#[test]
fn an_unknown_output_is_refused_with_what_there_is() {
    let engine = engine();
    for (wanted, there_is) in [("d.sum", "it has d.out"), ("e.out", "it has d.out")] {
        let options = RunOptions { wanted: vec![wanted.parse().unwrap()], ..RunOptions::default() };
        let error = engine.run(&diamond().graph, &options, &AtomicBool::new(false), &|_| {}).unwrap_err();
        assert!(matches!(error, RunError::UnknownOutput { .. }), "{error}");
        assert!(error.to_string().contains(there_is), "{error}");
    }
}

#[test]
fn an_unsorted_graph_is_refused() {
    let mut sketch = diamond();
    sketch.graph.order.reverse();
    let error =
        engine().run(&sketch.graph, &RunOptions::default(), &AtomicBool::new(false), &|_| {}).unwrap_err();
    assert!(matches!(error, RunError::Order(_)), "{error}");
}

#[test]
fn a_failure_takes_down_what_depends_on_it_and_nothing_else() {
    let cases = [
        ("test.panic", "a wheel came off"),
        ("test.fail", "parameter \"depth\": is too deep; choose less"),
        ("test.silent", "output \"out\" is declared but was not given"),
        ("test.wrong", "output \"out\" is Text, declared is Number"),
        ("test.extra", "output \"more\" was given but is not declared"),
        ("test.unknown", "node type \"test.unknown\" is not installed"),
    ];
    for (type_id, message) in cases {
        let sketch = Sketch::new()
            .node("a", "test.constant", &[])
            .node("bad", type_id, &["in<a.out"])
            .node("after", "test.add", &["in<a.out", "in<bad.out"])
            .node("later", "test.add", &["in<after.out"])
            .node("beside", "test.add", &["in<a.out"])
            .out("later.out")
            .out("beside.out");
        let engine = engine();
        let result = run(&engine, &sketch);
        let state = |node: &str| result.report.node(node).unwrap().state.to_string();
        assert!(state("bad").starts_with("failed (") && state("bad").contains(message), "{}", state("bad"));
        assert_eq!(state("after"), "skipped (because bad failed)");
        assert_eq!(state("later"), "skipped (because bad failed)");
        assert_eq!(state("beside"), "ran (first run)");
        assert_eq!(result.outputs.len(), 1);
        assert_eq!(result.report.failures().count(), 1);

        let again = run(&engine, &sketch);
        let states = ["a", "beside"].map(|node| again.report.node(node).unwrap().state.word());
        assert_eq!(states, ["cached", "cached"], "{type_id}");
        assert_eq!(again.report.node("bad").unwrap().state.word(), "failed", "{type_id}");
    }
}

#[test]
fn wires_that_do_not_fit_fail_at_the_node() {
    let missing = Sketch::new().node("a", "test.add", &[]).out("a.out");
    let wrong_port =
        Sketch::new().node("a", "test.constant", &[]).node("b", "test.wait", &["inn<a.out"]).out("b.out");
    let wrong_output =
        Sketch::new().node("a", "test.constant", &[]).node("b", "test.wait", &["in<a.outt"]).out("b.out");
    for (sketch, message) in [
        (missing, "input \"in\": nothing is wired here"),
        (wrong_port, "input \"inn\": the node type has no such input"),
        (wrong_output, "input \"in\": node a has no output \"outt\""),
    ] {
        let result = run(&engine(), &sketch);
        let failure = result.report.failures().next().unwrap().state.to_string();
        assert!(failure.contains(message), "{failure}");
    }
}

#[test]
fn independent_nodes_run_side_by_side() {
    // Each waits until all four have started, which never happens one after the other.
    let meeting = Barrier::new(4);
    let meet = |event: Event<'_>| {
        if matches!(event, Event::Started { node } if node.as_str().starts_with('n')) {
            meeting.wait();
        }
    };
    let sketch = fan(4, "test.add");
    let result = engine().run(&sketch.graph, &threads(4), &AtomicBool::new(false), &meet).unwrap();
    assert_eq!(number(&result, "sum.out"), 4.0);
}

#[test]
fn a_wide_graph_gives_the_same_with_any_number_of_threads() {
    let mut sketch = fan(2000, "test.add");
    for index in 0..2000 {
        sketch = sketch.set(&format!("n{index:04}"), "offset", f64::from(index).sqrt());
    }
    let options = |threads| RunOptions { threads, digest_outputs: true, ..RunOptions::default() };
    let results = [1, 2, 8].map(|threads| run_with(&engine(), &sketch, &options(threads)));
    assert_eq!(results[0].report.nodes.len(), 2002);
    for result in &results[1..] {
        assert_eq!(result.outputs, results[0].outputs);
        let digests = |it: &esarm_engine::RunResult| -> Vec<_> {
            it.report.nodes.iter().map(|node| (node.key, node.outputs.clone())).collect()
        };
        assert_eq!(digests(result), digests(&results[0]));
    }
}

#[test]
fn cancelling_takes_effect_soon() {
    let sketch = fan(40, "test.wait");
    let sketch = (0..40).fold(sketch, |it, index| it.set(&format!("n{index:04}"), "milliseconds", 1e7));
    let cancelled = AtomicBool::new(false);
    let engine = engine();
    let (result, took) = std::thread::scope(|scope| {
        let handle = scope.spawn(|| {
            let result = engine.run(&sketch.graph, &threads(4), &cancelled, &|_| {}).unwrap();
            (result, Instant::now())
        });
        std::thread::sleep(Duration::from_millis(50));
        let asked = Instant::now();
        cancelled.store(true, Ordering::Relaxed);
        let (result, ended) = handle.join().unwrap();
        (result, ended - asked)
    });
    // The nodes would wait for hours: that it ends at all shows the effect, the time is only told.
    println!("cancelled after {took:?}");
    assert!(result.outputs.is_empty());
    let states = |wanted| result.report.nodes.iter().filter(|it| it.state == wanted).count();
    assert_eq!(states(State::Cancelled), 41);

    let short =
        (0..40).fold(sketch.clone(), |it, index| it.set(&format!("n{index:04}"), "milliseconds", 0.0));
    assert_eq!(number(&run(&engine, &short), "sum.out"), 40.0);
}

#[test]
fn a_cancelled_node_runs_again() {
    let sketch = Sketch::new().node("a", "test.wait", &[]).out("a.out");
    let engine = engine();
    let cancelled = AtomicBool::new(true);
    let result = engine.run(&sketch.graph, &RunOptions::default(), &cancelled, &|_| {}).unwrap();
    assert_eq!(states(&result), ["a: cancelled"]);
    assert_eq!(states(&run(&engine, &sketch)), ["a: ran (not finished last time)"]);
}

#[test]
fn events_tell_start_progress_and_end() {
    let sketch = Sketch::new().node("a", "test.wait", &[]).out("a.out");
    let seen = Mutex::new(Vec::new());
    let tell = |event: Event<'_>| {
        seen.lock().unwrap().push(match event {
            Event::Started { node } => format!("{node} starts"),
            Event::Progress { node, fraction, words } => format!("{node} {words} {fraction:.2}"),
            Event::Finished { node, state } => format!("{node} {state}"),
        });
    };
    engine().run(&sketch.graph, &RunOptions::default(), &AtomicBool::new(false), &tell).unwrap();
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.first().unwrap(), "a starts");
    assert_eq!(seen[1], "a waiting 0.00");
    assert_eq!(seen[4], "a waiting 0.50");
    assert_eq!(seen.last().unwrap(), "a ran (first run)");
    assert_eq!(seen.len(), 8);
}

#[test]
fn the_report_is_json_with_state_reason_and_key() {
    let sketch =
        Sketch::new().node("a", "test.constant", &[]).node("b", "test.panic", &["in<a.out"]).out("b.out");
    let options = RunOptions { digest_outputs: true, seed: 7, ..RunOptions::default() };
    let report = serde_json::to_value(run_with(&engine(), &sketch, &options).report).unwrap();
    assert_eq!(report["seed"], 7);
    let (a, b) = (&report["nodes"][0], &report["nodes"][1]);
    assert_eq!((&a["node"], &a["state"], &a["reason"]), (&"a".into(), &"ran".into(), &"first run".into()));
    assert_eq!(a["key"].as_str().unwrap().len(), 64);
    assert_eq!(a["outputs"]["out"]["digest"].as_str().unwrap().len(), 64);
    assert_eq!((&b["node"], &b["state"]), (&"b".into(), &"failed".into()));
    assert!(b["milliseconds"].as_f64().unwrap() >= 0.0);
}
