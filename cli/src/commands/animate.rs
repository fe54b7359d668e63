//! `esarm animate`: the main job, on an embedded graph.

use crate::arguments::{Animate, EmotionChoice};
use crate::batch::{self, Take, Target};
use crate::claims::with_suffix;
use crate::commands::run::{absolute, text_of_all};
use crate::failure::Failure;
use crate::mapping;
use crate::report::GraphRecord;
use crate::running::{Job, Runner};
use crate::terminal::print;
use esarm_graph::{Document, PortAddress, SchemaSet, Wire};
use esarm_values::FrameRate;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Endings that can be written, by the name of the graph's output that makes them.
const ENDINGS: [&str; 6] = ["glb", "csv", "json", "usda", "npy", "png"];

/// Animates a face from speech and writes each take.
pub(crate) fn animate(arguments: &Animate) -> Result<(), Failure> {
    let ending = ending_of(&arguments.output)?;
    let takes = takes(arguments, ending)?;
    let runner = Runner::new(&arguments.running)?;
    let document = document(arguments, &runner.registry().schemas())?;
    let graph_name = arguments.speech.display().to_string();
    let job = Job {
        document: &document,
        graph_name: &graph_name,
        graph: GraphRecord::of("esarm animate", esarm_library::ANIMATE_GRAPH),
        graph_file: None,
        base_folder: Path::new(""),
        wanted: wanted(arguments, ending),
        settings: arguments.head.iter().map(|_| ("--head".to_owned(), "head".to_owned())).collect(),
    };
    let made = batch::make(&runner, &job, &takes)?;
    let report = &made.last.report;
    runner.terminal.done(
        &format!("seed {}, {:.0} ms", report.seed, report.milliseconds),
        json!({"seed": report.seed, "milliseconds": report.milliseconds, "files": text_of_all(&made.paths)}),
    );
    made.paths.iter().try_for_each(|path| print(&path.display().to_string()))
}

/// The takes with the seeds that follow one another.
fn takes(arguments: &Animate, ending: &str) -> Result<Vec<Take>, Failure> {
    let take = |number: u32| {
        let seed = arguments.seed.checked_add(u64::from(number)).ok_or_else(|| {
            let most = u64::MAX - u64::from(arguments.takes - 1);
            Failure::input(format!("--seed {}: for {} takes at most {most}", arguments.seed, arguments.takes))
        })?;
        let path = take_path(&arguments.output, number, arguments.takes);
        let asked_by =
            if arguments.takes == 1 { "--output".to_owned() } else { format!("take {}", number + 1) };
        Ok(Take { seed, targets: vec![Target { output: ending.to_owned(), path, asked_by }] })
    };
    (0..arguments.takes).map(take).collect()
}

/// The outputs to make: the file, and for a head of one's own that the file shows, how the motion fits it.
fn wanted(arguments: &Animate, ending: &str) -> Vec<String> {
    let shows_head = arguments.head.is_some() && ["glb", "usda", "png"].contains(&ending);
    let mapping = shows_head.then(|| mapping::OUTPUT.to_owned());
    std::iter::once(ending.to_owned()).chain(mapping).collect()
}

fn ending_of(path: &Path) -> Result<&'static str, Failure> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let known = ENDINGS.into_iter().find(|known| *known == ending);
    known.ok_or_else(|| {
        Failure::file(
            path,
            format!("cannot tell the format by the ending \"{ending}\"; use .{}", ENDINGS.join(", .")),
        )
    })
}

/// The embedded graph, with what the command line says worked in.
fn document(arguments: &Animate, schemas: &SchemaSet) -> Result<Document, Failure> {
    let mut document = embedded(esarm_library::ANIMATE_GRAPH)?;
    set_file(&mut document, "speech.file", &arguments.speech, schemas)?;
    let rate = FrameRate::from_decimal(arguments.fps).filter(|_| (1.0..=240.0).contains(&arguments.fps));
    if rate.is_none() {
        return Err(Failure::input(format!(
            "--fps {}: allowed are 1 to 240 frames per second",
            arguments.fps
        )));
    }
    set(&mut document, "generator.frame_rate", &arguments.fps.to_string(), schemas)?;
    if let EmotionChoice::Named { name, intensity } = arguments.emotion {
        set(&mut document, "emotion.emotion", name, schemas)?;
        set(&mut document, "emotion.intensity", &intensity.to_string(), schemas)?;
        reroute(&mut document, "voice.emotion", "emotion.emotion")?;
    }
    if let Some(head) = &arguments.head {
        set_file(&mut document, "head.file", head, schemas)?;
        let port = mapping::PORT.parse::<PortAddress>().map_err(Failure::input)?;
        document.outputs.insert(mapping::OUTPUT.to_owned(), port);
    }
    Ok(document)
}

/// A graph that was built in.
pub(crate) fn embedded(graph: &str) -> Result<Document, Failure> {
    esarm_graph::parse(graph.as_bytes())
        .map_err(|error| Failure::input(format!("the embedded graph: {error}")))
}

/// Points a parameter `node.parameter` of a document at a file that must exist.
pub(crate) fn set_file(
    document: &mut Document,
    address: &str,
    file: &Path,
    schemas: &SchemaSet,
) -> Result<(), Failure> {
    set(document, address, &absolute(file)?, schemas)
}

/// Sets a parameter `node.parameter` of a document.
pub(crate) fn set(
    document: &mut Document,
    address: &str,
    value: &str,
    schemas: &SchemaSet,
) -> Result<(), Failure> {
    esarm_graph::set_parameter(document, address, value, schemas)
        .map_err(|error| Failure::input(format!("{address}: {error}")))
}

/// Lets every wire that starts at one output start at another.
pub(crate) fn reroute(document: &mut Document, from: &str, to: &str) -> Result<(), Failure> {
    let read = |text: &str| text.parse::<PortAddress>().map_err(Failure::input);
    let (from, to) = (read(from)?, read(to)?);
    let wires = std::mem::take(&mut document.graph.wires);
    let rerouted = |wire: Wire| if wire.from == from { Wire { from: to.clone(), to: wire.to } } else { wire };
    document.graph.wires = wires.into_iter().map(rerouted).collect();
    Ok(())
}

/// `OUT` for a single take; `NAME-1.glb`, `NAME-2.glb` and so on for several.
fn take_path(output: &Path, take: u32, takes: u32) -> PathBuf {
    if takes == 1 { output.to_owned() } else { with_suffix(output, &format!("-{}", take + 1)) }
}
