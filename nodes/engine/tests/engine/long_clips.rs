//! Long clips: working part by part gives the same bits as working on the whole.

use crate::kit::*;
use crate::signals;
use crate::windows::{face, motion, signal_engine};
use esarm_engine::{Caches, Engine, Event, Parts, RunOptions, RunResult};
use proptest::prelude::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

fn in_parts(part_secs: f64) -> RunOptions {
    RunOptions { parts: Parts { above_secs: 0.1, part_secs }, ..RunOptions::default() }
}

fn at_once() -> RunOptions {
    RunOptions { parts: Parts { above_secs: f64::INFINITY, part_secs: 1.0 }, ..RunOptions::default() }
}

/// Runs a graph and counts how often its source was evaluated, which tells its progress once each time.
fn evaluations(sketch: &Sketch, options: &RunOptions) -> (RunResult, usize) {
    let count = Mutex::new(0);
    let listen = |event: Event<'_>| {
        if matches!(event, Event::Progress { .. }) {
            *count.lock().unwrap() += 1;
        }
    };
    let result = signal_engine().run(&sketch.graph, options, &AtomicBool::new(false), &listen).unwrap();
    (result, count.into_inner().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn parts_join_to_the_whole(seconds in 0.2_f64..3.0, part_secs in 0.1_f64..1.5, threads in 1_usize..5) {
        let options = RunOptions { threads, ..in_parts(part_secs) };
        let (whole, _) = evaluations(&face(seconds), &at_once());
        let (joined, _) = evaluations(&face(seconds), &options);
        prop_assert_eq!(whole.outputs.len(), 4);
        prop_assert_eq!(whole.outputs, joined.outputs);
    }
}

#[test]
fn a_long_clip_is_worked_on_in_parts() {
    // The source feeds parts before and after the step that needs the whole clip: six parts each.
    let (result, evaluated) = evaluations(&face(3.0), &in_parts(0.5));
    assert_eq!(evaluated, 12);
    assert!(result.report.nodes.iter().all(|node| node.state.to_string() == "ran (first run)"));
    let (_, evaluated) = evaluations(&face(3.0), &at_once());
    assert_eq!(evaluated, 1);
    let short = RunOptions { parts: Parts { above_secs: 3.5, part_secs: 0.5 }, ..RunOptions::default() };
    assert_eq!(evaluations(&face(3.0), &short).1, 1);
}

#[test]
fn joined_results_are_kept_and_used_again() {
    let engine = signal_engine();
    let first = run_with(&engine, &face(3.0), &in_parts(0.5));
    let second = run_with(&engine, &face(3.0), &at_once());
    assert_eq!(first.outputs, second.outputs);
    let wanted =
        ["film", "cool", "smooth", "total"].map(|node| second.report.node(node).unwrap().state.to_string());
    assert!(wanted.iter().all(|state| state == "cached (memory)"), "{wanted:?}");
    let changed = run_with(&engine, &face(3.0).set("gain", "gain", 0.8), &in_parts(0.5));
    assert_eq!(changed.report.node("gain").unwrap().state.to_string(), "ran (parameter gain changed)");
    assert_eq!(changed.report.node("film").unwrap().state.to_string(), "ran (input motion changed)");
    let anew = run_with(&signal_engine(), &face(3.0).set("gain", "gain", 0.8), &at_once());
    assert_eq!(changed.outputs, anew.outputs);
}

#[test]
fn progress_rises_over_the_parts_and_each_node_starts_and_ends_once() {
    let told = Mutex::new(Vec::new());
    let tell = |event: Event<'_>| {
        told.lock().unwrap().push(match event {
            Event::Started { node } => format!("{node} starts"),
            Event::Progress { node, fraction, .. } => format!("{node} {fraction}"),
            Event::Finished { node, .. } => format!("{node} ends"),
        });
    };
    let sketch = Sketch::of(&signals::registry())
        .node("load", "signal.noise", &[])
        .node("jaw", "signal.envelope", &["audio<load.audio"])
        .out("jaw.motion");
    signal_engine().run(&sketch.graph, &in_parts(1.0), &AtomicBool::new(false), &tell).unwrap();
    let expected =
        ["load starts", "load 0.25", "jaw starts", "load 0.75", "load ends", "jaw ends"].map(str::to_owned);
    assert_eq!(told.into_inner().unwrap(), expected);
}

#[test]
fn a_failure_in_one_part_fails_the_node_and_spares_the_others() {
    let sketch = Sketch::of(&signals::registry())
        .node("load", "signal.noise", &[])
        .node("jaw", "signal.envelope", &["audio<load.audio"])
        .node("bad", "signal.fragile", &["motion<jaw.motion"])
        .node("after", "signal.average", &["motion<bad.motion"])
        .node("total", "signal.total", &["motion<after.motion"])
        .node("good", "signal.average", &["motion<jaw.motion"])
        .out("total.sum")
        .out("good.motion");
    let result = run_with(&signal_engine(), &sketch, &in_parts(0.3));
    let state = |node: &str| result.report.node(node).unwrap().state.to_string();
    assert_eq!(state("bad"), "failed (broke off)");
    assert_eq!(state("after"), "skipped (because bad failed)");
    assert_eq!(state("total"), "skipped (because bad failed)");
    let whole = run_with(&signal_engine(), &sketch, &at_once());
    assert_eq!(motion(&result, "good.motion"), motion(&whole, "good.motion"));
    assert_eq!(result.outputs.len(), 1);
}

#[test]
fn parts_that_do_not_fit_together_are_the_nodes_fault() {
    let sketch = Sketch::of(&signals::registry())
        .node("load", "signal.noise", &[])
        .node("count", "signal.uneven", &["audio<load.audio"])
        .out("count.count");
    let result = run_with(&signal_engine(), &sketch, &in_parts(0.3));
    let state = result.report.node("count").unwrap().state.to_string();
    assert!(state.contains("must declare that it needs the whole clip"), "{state}");
}

#[test]
fn cancelling_stops_between_parts() {
    let cancelled = AtomicBool::new(false);
    let cancel_in_third_part = |event: Event<'_>| {
        if matches!(event, Event::Progress { fraction, .. } if fraction > 0.2) {
            cancelled.store(true, Ordering::Relaxed);
        }
    };
    let engine = signal_engine();
    let result = engine.run(&face(3.0).graph, &in_parts(0.3), &cancelled, &cancel_in_third_part).unwrap();
    assert!(result.outputs.is_empty());
    for node in ["smooth", "film", "total"] {
        assert_eq!(result.report.node(node).unwrap().state.word(), "cancelled", "{node}");
    }
    let again = run_with(&engine, &face(3.0), &in_parts(0.3));
    assert_eq!(again.outputs.len(), 4);
}

#[test]
fn a_pinned_step_inside_a_chain_has_its_whole_result() {
    let engine = signal_engine();
    let mut sketch = face(3.0);
    sketch.pin("both", true);
    let first = run_with(&engine, &sketch, &in_parts(0.5));
    let changed = run_with(&engine, &sketch.clone().set("gain", "gain", 0.1), &in_parts(0.5));
    assert_eq!(changed.report.node("both").unwrap().state.to_string(), "pinned");
    assert_eq!(motion(&first, "film.motion"), motion(&changed, "film.motion"));
}

#[test]
fn a_length_that_cannot_be_is_not_believed() {
    for claimed in [f64::NAN, f64::INFINITY, -3.0, 1e300] {
        let mut registry = signals::registry();
        registry.replace(signals::noise("signal.noise", true).with_duration(move |_| Ok(claimed)));
        let engine = Engine::new(registry, Caches::in_memory(64 << 20));
        let result = run_with(&engine, &face(0.5), &in_parts(0.1));
        assert!(result.outputs == run_with(&signal_engine(), &face(0.5), &at_once()).outputs);
    }
    // Believable but wrong: the parts behind the end are empty.
    let mut registry = signals::registry();
    registry.replace(signals::noise("signal.noise", true).with_duration(|_| Ok(40.0)));
    let engine = Engine::new(registry, Caches::in_memory(64 << 20));
    let result = run_with(&engine, &face(0.5), &in_parts(0.1));
    assert!(result.outputs == run_with(&signal_engine(), &face(0.5), &at_once()).outputs);
}

#[test]
fn a_long_file_that_changes_while_it_is_read_stops_what_follows_it() {
    let mut registry = signals::registry();
    let asked = std::sync::atomic::AtomicU64::new(0);
    let changing = signals::noise("signal.noise", true).with_fingerprint(move |_| {
        Ok(esarm_values::Digest::of(&asked.fetch_add(1, Ordering::Relaxed).to_le_bytes()))
    });
    registry.replace(changing);
    let result = run_with(&Engine::new(registry, Caches::in_memory(1 << 20)), &face(3.0), &in_parts(0.5));
    let states = states(&result);
    assert!(states[0].starts_with("load: failed (what it reads changed"), "{states:?}");
    assert!(states.contains(&"smooth: skipped (because load failed)".to_owned()), "{states:?}");
    assert!(!result.outputs.keys().any(|address| address.node.as_str() == "smooth"));
}
