//! Keys, reasons, pins, and the caches in memory.

use crate::kit::*;
use esarm_engine::{Caches, Engine, NodeType, Registry, RunOptions, output};
use esarm_graph::{NodeSchema, ParameterValue, PortType, Purity, TimeSupport};
use esarm_values::{Digest, Value};

/// a -> b -> c
fn chain() -> Sketch {
    Sketch::new()
        .node("a", "test.constant", &[])
        .node("b", "test.add", &["in<a.out"])
        .node("c", "test.add", &["in<b.out"])
        .out("c.out")
}

#[test]
fn a_second_run_is_cached_and_a_change_runs_what_depends_on_it() {
    let engine = engine();
    run(&engine, &chain());
    assert_eq!(
        states(&run(&engine, &chain())),
        ["a: cached (memory)", "b: cached (memory)", "c: cached (memory)"]
    );
    let result = run(&engine, &chain().set("b", "offset", 5.0));
    assert_eq!(
        states(&result),
        ["a: cached (memory)", "b: ran (parameter offset changed)", "c: ran (input in changed)"]
    );
    assert_eq!(number(&result, "c.out"), 6.0);
    let back = run(&engine, &chain());
    assert_eq!(number(&back, "c.out"), 1.0);
    assert_eq!(states(&back)[2], "c: cached (memory)");
}

#[test]
fn minus_zero_is_zero_and_kinds_are_kept_apart() {
    let engine = engine();
    let mut sketch = chain();
    run(&engine, &sketch.clone().set("b", "offset", 0.0));
    assert_eq!(states(&run(&engine, &sketch.clone().set("b", "offset", -0.0)))[1], "b: cached (memory)");
    sketch.change("a", "value", ParameterValue::Toggle(true));
    let result = run(&engine, &sketch);
    assert!(states(&result)[0].starts_with("a: failed"), "1 and true share no result: {:?}", states(&result));
}

#[test]
fn equal_nodes_share_a_result_whatever_their_ids() {
    let engine = engine();
    run(&engine, &chain());
    let renamed = Sketch::new()
        .node("x", "test.constant", &[])
        .node("y", "test.add", &["in<x.out"])
        .node("z", "test.add", &["in<y.out"])
        .out("z.out");
    assert!(states(&run(&engine, &renamed)).iter().all(|state| state.ends_with("cached (memory)")));
}

#[test]
fn twins_draw_different_numbers_and_the_seed_decides_them() {
    let sketch = Sketch::new()
        .node("first", "test.noise", &[])
        .node("second", "test.noise", &[])
        .out("first.out")
        .out("second.out");
    let engine = engine();
    let draw = |seed| {
        let result = run_with(&engine, &sketch, &RunOptions { seed, ..RunOptions::default() });
        let numbers = ["first.out", "second.out"].map(|address| number(&result, address));
        (numbers, states(&result))
    };
    let (numbers, _) = draw(1);
    assert!(numbers[0] != numbers[1]);
    let (others, other_states) = draw(2);
    assert!(others[0] != numbers[0] && others[1] != numbers[1]);
    assert_eq!(other_states, ["first: ran (seed changed)", "second: ran (seed changed)"]);
    assert_eq!(
        draw(1),
        (numbers, vec!["first: cached (memory)".to_owned(), "second: cached (memory)".to_owned()])
    );
    // The numbers themselves are part of the contract: the same on every machine.
    assert_eq!(numbers, [1_574_572_981_319_546.0, 964_623_950_328_478.0]);
}

#[test]
fn the_run_seed_does_not_touch_nodes_without_seed() {
    let engine = engine();
    run(&engine, &chain());
    let result = run_with(&engine, &chain(), &RunOptions { seed: 9, ..RunOptions::default() });
    assert_eq!(states(&result)[2], "c: cached (memory)");
}

#[test]
fn the_device_parts_results_of_nodes_that_compute_on_it() {
    let mut registry = registry();
    let add = registry.get("test.noise").unwrap().schema.clone();
    registry.replace(NodeType::new(add, |_| Ok(output("out", Value::Number(1.0)))).on_run_device());
    let engine = Engine::new(registry, Caches::in_memory(1 << 20));
    let sketch =
        Sketch::new().node("n", "test.noise", &[]).node("w", "test.wait", &["in<n.out"]).out("w.out");
    let gpu = |adapter: &str| RunOptions {
        device: "gpu".to_owned(),
        adapter: adapter.to_owned(),
        ..RunOptions::default()
    };
    run(&engine, &sketch);
    assert_eq!(states(&run_with(&engine, &sketch, &gpu("a card")))[0], "n: ran (device changed)");
    let other = run_with(&engine, &sketch, &gpu("another card"));
    assert_eq!(states(&other)[0], "n: ran (device changed)");
    let devices: Vec<&str> = other.report.nodes.iter().map(|node| node.device.as_str()).collect();
    assert_eq!((devices, other.report.adapter.as_str()), (vec!["gpu", "cpu"], "another card"));
    // What computes on the processor is the same on every device.
    run(&engine, &chain());
    assert_eq!(states(&run_with(&engine, &chain(), &gpu("a card")))[0], "a: cached (memory)");
}

#[test]
fn a_file_counts_by_content_and_name_not_by_folder() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for folder in &folders {
        std::fs::write(folder.path().join("speech.txt"), "hello").unwrap();
    }
    let mut sketch = Sketch::new().node("a", "test.file", &[]).out("a.out");
    sketch.change("a", "file", ParameterValue::Text("speech.txt".to_owned()));
    let engine = engine();
    let run_in = |folder: &std::path::Path, sketch: &Sketch| {
        let options = RunOptions { base_folder: folder.to_owned(), ..RunOptions::default() };
        states(&run_with(&engine, sketch, &options))
    };
    assert_eq!(run_in(folders[0].path(), &sketch), ["a: ran (first run)"]);
    assert_eq!(run_in(folders[1].path(), &sketch), ["a: cached (memory)"]);
    let mut absolute = sketch.clone();
    let path = folders[1].path().join("speech.txt").to_str().unwrap().to_owned();
    absolute.change("a", "file", ParameterValue::Text(path));
    assert_eq!(run_in(folders[0].path(), &absolute), ["a: cached (memory)"]);
    std::fs::write(folders[0].path().join("speech.txt"), "goodbye").unwrap();
    assert_eq!(run_in(folders[0].path(), &sketch), ["a: ran (file changed)"]);
    std::fs::remove_file(folders[0].path().join("speech.txt")).unwrap();
    let options = RunOptions { base_folder: folders[1].path().to_owned(), ..RunOptions::default() };
    let report = serde_json::to_value(run_with(&engine, &sketch, &options).report).unwrap();
    assert_eq!(report["nodes"][0]["files"]["file"], "speech.txt");
    assert_eq!(report["nodes"][0]["fingerprint"], esarm_values::Digest::of(b"hello").to_string());
    let missing = run_in(folders[0].path(), &sketch);
    assert!(
        missing[0].starts_with("a: failed (parameter \"file\": ") && missing[0].contains("cannot be read")
    );
}

/// A constant node made by a certain build.
fn built(build: &str, number: f64) -> Registry {
    let schema = NodeSchema::new("test.built", "Test", "A test.", Purity::Pure, TimeSupport::Whole).output(
        "out",
        PortType::Number,
        "A number.",
    );
    let mut registry = Registry::new();
    let node_type =
        NodeType::new(schema, move |_| Ok(output("out", Value::Number(number)))).with_build(build);
    registry.register(node_type).unwrap();
    registry
}

#[test]
fn other_code_makes_other_results() {
    let engine = Engine::new(built("one", 1.0), Caches::in_memory(1 << 20));
    let sketch = Sketch::of(&built("one", 1.0)).node("a", "test.built", &[]).out("a.out");
    assert_eq!(number(&run(&engine, &sketch), "a.out"), 1.0);
    engine.set_registry(built("two", 2.0));
    let result = run(&engine, &sketch);
    assert_eq!((number(&result, "a.out"), states(&result)), (2.0, vec!["a: ran (code changed)".to_owned()]));
}

#[test]
fn what_no_longer_fits_is_made_again() {
    let engine = Engine::new(registry(), Caches::in_memory(800));
    run(&engine, &chain());
    // Three results of 264 bytes fit, a fourth pushes the first out.
    run(&engine, &chain().set("c", "offset", 1.0));
    let result = run(&engine, &chain().set("a", "value", 2.0));
    assert_eq!(states(&result)[0], "a: ran (parameter value changed)");
    let result = run(&engine, &chain().set("a", "value", 2.0).set("c", "offset", 3.0));
    assert_eq!(states(&result)[2], "c: ran (parameter offset changed)");
    let tiny = Engine::new(registry(), Caches::in_memory(0));
    run(&tiny, &chain());
    assert!(states(&run(&tiny, &chain())).iter().all(|state| state.ends_with("ran (evicted)")));
}

#[test]
fn results_before_a_kept_one_are_not_made_again() {
    let caches = Caches::in_memory(1 << 20);
    let engine = Engine::new(registry(), caches);
    let only_c =
        Sketch::new().node("a", "test.panic", &[]).node("c", "test.wait", &["in<a.out"]).out("c.out");
    let mut pinned = chain();
    pinned.pin("b", true);
    run(&engine, &pinned);
    pinned = pinned.set("a", "value", 50.0).set("c", "offset", 1.0);
    assert_eq!(
        states(&run(&engine, &pinned)),
        ["a: skipped (not needed, later results are kept)", "b: pinned", "c: ran (parameter offset changed)"]
    );
    assert_eq!(run(&engine, &only_c).report.failures().count(), 1);
}

#[test]
fn a_pinned_node_keeps_its_last_result_until_it_is_let_go() {
    let engine = engine();
    let mut sketch = chain().set("b", "offset", 5.0);
    assert_eq!(number(&run(&engine, &sketch), "c.out"), 6.0);
    sketch.pin("b", true);
    sketch = sketch.set("a", "value", 100.0).set("b", "offset", 7.0);
    let result = run(&engine, &sketch);
    assert_eq!(number(&result, "c.out"), 6.0);
    assert_eq!(states(&result)[1..], ["b: pinned", "c: cached (memory)"]);
    sketch.pin("b", false);
    let result = run(&engine, &sketch);
    assert_eq!(number(&result, "c.out"), 107.0);
    assert_eq!(states(&result)[1], "b: ran (parameter offset changed, input in changed)");
    sketch.pin("b", true);
    sketch = sketch.set("b", "offset", 0.0);
    assert_eq!(number(&run(&engine, &sketch), "c.out"), 107.0);
}

#[test]
fn a_pinned_node_without_a_result_runs() {
    let mut sketch = chain();
    sketch.pin("b", true);
    let engine = engine();
    assert_eq!(states(&run(&engine, &sketch))[1], "b: ran (first run)");
    assert_eq!(states(&run(&engine, &sketch))[1], "b: pinned");
}

#[test]
fn a_result_that_the_type_no_longer_gives_is_not_pinned() {
    let mut sketch = Sketch::new().node("a", "test.file", &[]).out("a.out");
    let engine = engine();
    let other = {
        let mut other = Sketch::of(&crate::signals::registry()).node("a", "signal.noise", &[]).out("a.audio");
        other.pin("a", true);
        other
    };
    sketch.change("a", "file", ParameterValue::Text("Cargo.toml".to_owned()));
    sketch.pin("a", true);
    assert_eq!(states(&run(&engine, &sketch)), ["a: ran (first run)"]);
    engine.set_registry(crate::signals::registry());
    assert_eq!(states(&run(&engine, &other)), ["a: ran (first run)"]);
    assert_eq!(states(&run(&engine, &other)), ["a: pinned"]);
}

/// A number that is the length of a file, and a file that grows the first time it is read.
fn growing_file() -> Registry {
    let mut registry = registry();
    let schema = registry.get("test.file").unwrap().schema.clone();
    let path = |context: &Context<'_>| context.file("file");
    let node_type = NodeType::new(schema, move |context| {
        let path = path(context)?;
        let bytes = std::fs::read(&path).unwrap();
        if bytes == b"half" {
            std::fs::write(&path, b"half and the rest").unwrap();
        }
        Ok(output("out", Value::Number(bytes.len() as f64)))
    });
    registry.replace(
        node_type.with_fingerprint(move |context| Ok(Digest::of(&std::fs::read(path(context)?).unwrap()))),
    );
    registry
}

#[test]
fn a_file_that_changes_while_it_is_read_leaves_nothing_in_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, b"half").unwrap();
    let mut sketch =
        Sketch::new().node("a", "test.file", &[]).node("b", "test.add", &["in<a.out"]).out("b.out");
    sketch.change("a", "file", ParameterValue::Text(path.to_str().unwrap().to_owned()));
    let engine = Engine::new(growing_file(), Caches::in_memory(1 << 20));
    let first = states(&run(&engine, &sketch));
    assert!(first[0].starts_with("a: failed (what it reads changed"), "{first:?}");
    assert_eq!(first[1], "b: skipped (because a failed)");
    let second = run(&engine, &sketch);
    assert_eq!(states(&second), ["a: ran (file changed)", "b: ran (first run)"]);
    assert_eq!(number(&second, "b.out"), 17.0);
    std::fs::write(&path, b"half").unwrap();
    assert!(states(&run(&engine, &sketch))[0].starts_with("a: failed"), "the torn result was kept");
}

#[test]
fn the_report_tells_versions_devices_and_seeds() {
    let mut registry = registry();
    let schema = registry.get("test.wait").unwrap().schema.clone();
    registry.replace(
        NodeType::new(schema, |_| Ok(output("out", Value::Number(1.0))))
            .on_own_device(|| Some("a card".to_owned())),
    );
    let sketch = Sketch::new().node("n", "test.noise", &[]).node("w", "test.wait", &["in<n.out"]);
    let report = run(&Engine::new(registry, Caches::in_memory(1 << 20)), &sketch.out("w.out")).report;
    let (noise, wait) = (report.node("n").unwrap(), report.node("w").unwrap());
    assert_eq!((noise.version, noise.device.as_str(), wait.device.as_str()), (1, "cpu", "a card"));
    assert!(noise.seed.is_some() && wait.seed.is_none());
}
