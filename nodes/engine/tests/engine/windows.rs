//! Parts of clips: a part is what one would cut from the whole.

use crate::kit::*;
use crate::signals;
use esarm_engine::{Caches, Engine, Event, RunOptions, RunResult, TimeWindow};
use esarm_values::{Track, Value};
use proptest::prelude::*;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

/// Audio through filters with context to motion, with emotion, noise and another frame rate, and a sum over the whole.
pub(crate) fn face(seconds: f64) -> Sketch {
    moments(seconds).node("total", "signal.total", &["motion<cool.motion"]).out("total.sum")
}

/// The same without the sum: outputs whose parts can be made on their own.
fn moments(seconds: f64) -> Sketch {
    Sketch::of(&signals::registry())
        .node("load", "signal.noise", &[])
        .node("gain", "signal.gain", &["audio<load.audio"])
        .node("smooth", "signal.smooth", &["audio<gain.audio"])
        .node("level", "signal.normalise", &["audio<smooth.audio"])
        .node("again", "signal.smooth", &["audio<level.audio"])
        .node("jaw", "signal.envelope", &["audio<again.audio"])
        .node("raw", "signal.envelope", &["audio<load.audio"])
        .node("both", "signal.mix", &["motion<jaw.motion", "motion<raw.motion"])
        .node("steady", "signal.average", &["motion<both.motion"])
        .node("shaky", "signal.jitter", &["motion<steady.motion"])
        .node("wave", "signal.wave", &[])
        .node("calm", "signal.calm", &[])
        .node("felt", "signal.feel", &["motion<shaky.motion", "emotion<wave.emotion"])
        .node("cool", "signal.feel", &["motion<felt.motion", "emotion<calm.emotion"])
        .node("film", "signal.slower", &["motion<cool.motion"])
        .set("load", "seconds", seconds)
        .out("film.motion")
        .out("cool.motion")
        .out("smooth.audio")
}

pub(crate) fn signal_engine() -> Engine {
    Engine::new(signals::registry(), Caches::in_memory(64 << 20))
}

pub(crate) fn motion<'a>(result: &'a RunResult, address: &str) -> &'a Track {
    match result.outputs.get(&address.parse().unwrap()) {
        Some(Value::Motion(track)) => track,
        other => panic!("{address} is {other:?}"),
    }
}

fn windowed(start_secs: f64, end_secs: f64) -> RunOptions {
    RunOptions { window: Some(TimeWindow { start_secs, end_secs }), ..RunOptions::default() }
}

/// The frames or samples of the whole result that lie in the window.
fn cut(whole: &Value, start_secs: f64, end_secs: f64) -> Value {
    let index = |secs: f64, rate: f64| (secs * rate - 1e-6).ceil() as i64;
    match whole {
        Value::Motion(track) => {
            let rate = track.rate().frames_per_sec();
            Value::Motion(track.window(index(start_secs, rate), index(end_secs, rate)).into())
        }
        Value::Audio(audio) => {
            let rate = f64::from(audio.sample_rate_hz);
            Value::Audio(audio.window(index(start_secs, rate), index(end_secs, rate)).into())
        }
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn a_part_equals_the_cut_of_the_whole(start in 0.0_f64..1.9, length in 0.05_f64..1.0) {
        let end = start + length;
        for sketch in [moments(2.0), face(2.0)] {
            let whole = run(&signal_engine(), &sketch);
            let part = run_with(&signal_engine(), &sketch, &windowed(start, end));
            prop_assert_eq!(part.outputs.len(), whole.outputs.len());
            for (address, value) in &part.outputs {
                prop_assert_eq!(value, &cut(&whole.outputs[address], start, end), "{}", address);
            }
        }
    }
}

/// Runs a graph and counts the samples that its source made, which it tells as its progress.
fn samples_read(engine: &Engine, sketch: &Sketch, options: &RunOptions) -> (RunResult, usize) {
    let samples = Mutex::new(0);
    let listen = |event: Event<'_>| {
        if let Event::Progress { words, .. } = event {
            *samples.lock().unwrap() += words.split(' ').next().unwrap().parse::<usize>().unwrap();
        }
    };
    let result = engine.run(&sketch.graph, options, &AtomicBool::new(false), &listen).unwrap();
    (result, samples.into_inner().unwrap())
}

#[test]
fn windows_on_frame_boundaries_are_exact() {
    let whole = run(&signal_engine(), &moments(2.0));
    let engine = signal_engine();
    for (first, last) in [(0, 1), (0, 24), (6, 30), (24, 48), (47, 48)] {
        let (start, end) = (f64::from(first) / 24.0, f64::from(last) / 24.0);
        let part = run_with(&engine, &moments(2.0), &windowed(start, end));
        let film = motion(&part, "film.motion");
        assert_eq!((film.start_frame(), film.end_frame()), (i64::from(first), i64::from(last)));
        assert_eq!(film, &motion(&whole, "film.motion").window(i64::from(first), i64::from(last)));
    }
}

#[test]
fn a_source_that_ignores_the_window_changes_nothing() {
    let sketch = |source| {
        Sketch::of(&signals::registry())
            .node("load", source, &[])
            .node("jaw", "signal.envelope", &["audio<load.audio"])
            .out("jaw.motion")
    };
    let careful = run_with(&signal_engine(), &sketch("signal.noise"), &windowed(0.5, 0.9));
    let careless = run_with(&signal_engine(), &sketch("signal.careless"), &windowed(0.5, 0.9));
    assert_eq!(careful.outputs, careless.outputs);
}

#[test]
fn a_source_reads_no_more_than_is_needed() {
    let sketch = Sketch::of(&signals::registry())
        .node("load", "signal.noise", &[])
        .node("smooth", "signal.smooth", &["audio<load.audio"])
        .node("jaw", "signal.envelope", &["audio<smooth.audio"])
        .set("load", "seconds", 1000.0)
        .out("jaw.motion");
    let (_, samples) = samples_read(&signal_engine(), &sketch, &windowed(500.0, 501.0));
    // One second, 20 ms to both sides for the envelope, 30 and 50 samples for the filter, rounded outwards.
    assert!((8000 + 320 + 80..=8000 + 320 + 80 + 4).contains(&samples), "{samples}");
}

#[test]
fn a_moved_window_reuses_the_whole_clip_nodes() {
    let engine = signal_engine();
    run_with(&engine, &moments(2.0), &windowed(0.5, 0.6));
    let (moved, samples) = samples_read(&engine, &moments(2.0), &windowed(1.0, 1.1));
    assert!(samples < 2000, "the source reads around the window only, {samples} samples of 16000");
    let state = |result: &RunResult, node: &str| result.report.node(node).unwrap().state.to_string();
    assert_eq!(state(&moved, "level"), "cached (memory)");
    assert_eq!(state(&moved, "again"), "ran (another part of the clip)");
    let back = run_with(&engine, &moments(2.0), &windowed(0.5, 0.6));
    assert_eq!(state(&back, "film"), "cached (memory)");
}

#[test]
fn a_part_is_cut_from_a_whole_that_is_kept() {
    let engine = signal_engine();
    let whole = run(&engine, &moments(2.0));
    let part = run_with(&engine, &moments(2.0), &windowed(0.5, 0.75));
    assert!(part.report.nodes.iter().all(|node| node.state.word() == "cached"), "{:?}", states(&part));
    assert_eq!(motion(&part, "film.motion"), &motion(&whole, "film.motion").window(12, 18));
    let changed = moments(2.0).set("gain", "gain", 0.9);
    let part = run_with(&engine, &changed, &windowed(0.5, 0.75));
    assert_eq!(part.report.node("load").unwrap().state.to_string(), "cached (memory)");
}

#[test]
fn senseless_windows_give_little_and_break_nothing() {
    for (start, end) in [
        (f64::NAN, 1.0),
        (0.5, f64::NAN),
        (1.0, 0.5),
        (-5.0, -1.0),
        (0.5, 0.5),
        (1e300, f64::INFINITY),
        (f64::NEG_INFINITY, 0.1),
        (5.0, 6.0),
    ] {
        let result = run_with(&signal_engine(), &moments(2.0), &windowed(start, end));
        assert_eq!(result.report.failures().count(), 0, "{start} to {end}: {:?}", states(&result));
    }
    let everything = run_with(&signal_engine(), &moments(2.0), &windowed(-1.0, f64::INFINITY));
    assert_eq!(everything.outputs, run(&signal_engine(), &moments(2.0)).outputs);
}
