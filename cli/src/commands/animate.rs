//! `esarm animate`: the main job, on an embedded graph.

use crate::arguments::{Animate, EmotionChoice};
use crate::batch::{self, Made, Take, Target, Work};
use crate::claims::with_suffix;
use crate::clips::{self, Clip, NAME};
use crate::commands::run::{absolute, text_of_all};
use crate::failure::Failure;
use crate::heard;
use crate::mapping;
use crate::report::GraphRecord;
use crate::running::{Job, Runner};
use crate::terminal::print;
use esarm_graph::{Document, ParameterKind, PortAddress, SchemaSet};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Endings that can be written, by the name of the graph's output that makes them.
const ENDINGS: [&str; 6] = ["glb", "csv", "json", "usda", "npy", "png"];

/// A graph, and the takes to make with it.
struct Part {
    document: Document,
    /// The speech, as the user calls it.
    name: String,
    takes: Vec<Take>,
}

/// Animates a face from speech and writes each take.
pub(crate) fn animate(arguments: &Animate) -> Result<(), Failure> {
    let ending = ending_of(&arguments.output)?;
    let runner = Runner::new(&arguments.running)?;
    let schemas = runner.registry().schemas();
    let clips = clips::clips(&arguments.speech, &arguments.output, &speech_endings(&schemas))?;
    let mut parts = Vec::with_capacity(clips.len());
    for clip in &clips {
        let asked_for = (clips.len() > 1).then(|| clip.speech.display().to_string());
        let takes = takes(arguments, clip, asked_for.as_deref(), ending)?;
        parts.extend(parts_of(arguments, clip, takes, ending, &schemas)?);
    }
    let work: Vec<Work<'_>> = parts.iter().map(|part| work(arguments, part, ending)).collect();
    let made = batch::make(&runner, &work)?;
    tell_done(&runner, &work, &made);
    made.paths.iter().try_for_each(|path| print(&path.display().to_string()))
}

/// The takes of a clip with graphs that make them: one for all, but for pictures, whose captions tell them apart.
fn parts_of(
    arguments: &Animate,
    clip: &Clip,
    takes: Vec<Take>,
    ending: &str,
    schemas: &SchemaSet,
) -> Result<Vec<Part>, Failure> {
    let document = document(arguments, &clip.speech, schemas)?;
    let name = clip.speech.display().to_string();
    if ending != "png" {
        return Ok(vec![Part { document, name, takes }]);
    }
    let part = |take: Take| {
        let mut document = document.clone();
        set(&mut document, "render.caption", &caption(arguments, clip, take.seed), schemas)?;
        Ok(Part { document, name: name.clone(), takes: vec![take] })
    };
    takes.into_iter().map(part).collect()
}

/// What a contact sheet says of itself.
fn caption(arguments: &Animate, clip: &Clip, seed: u64) -> String {
    let file = clip.speech.file_name().unwrap_or_default().to_string_lossy();
    let emotion = match arguments.emotion {
        EmotionChoice::Auto => "auto".to_owned(),
        EmotionChoice::Named { name, intensity } => format!("{name}:{intensity}"),
    };
    format!("{file}   {emotion}   seed {seed}")
}

fn work<'a>(arguments: &Animate, part: &'a Part, ending: &str) -> Work<'a> {
    let head = arguments.head.iter().map(|head| (format!("--head {}", head.display()), "head".to_owned()));
    let job = Job {
        document: &part.document,
        graph_name: &part.name,
        graph: GraphRecord::of("esarm animate", esarm_library::ANIMATE_GRAPH),
        graph_file: None,
        base_folder: Path::new(""),
        wanted: wanted(arguments, ending),
        settings: head.collect(),
    };
    Work { job, takes: &part.takes }
}

/// Tells the time, and of several takes which seed made which file.
fn tell_done(runner: &Runner<'_>, work: &[Work<'_>], made: &Made) {
    let takes: Vec<(String, u64)> = work
        .iter()
        .flat_map(|work| work.takes)
        .flat_map(|take| take.targets.iter().map(|target| (target.path.display().to_string(), take.seed)))
        .collect();
    let (seed, milliseconds) = (made.last.report.seed, made.milliseconds);
    let words = match takes.as_slice() {
        [_] => format!("seed {seed}, {milliseconds:.0} ms"),
        several => {
            let lines = several.iter().map(|(path, seed)| format!("{path}: seed {seed}\n"));
            format!("{}{} takes, {milliseconds:.0} ms", lines.collect::<String>(), several.len())
        }
    };
    let listed: Vec<_> = takes.iter().map(|(path, seed)| json!({"file": path, "seed": seed})).collect();
    let files = text_of_all(&made.paths);
    let facts = json!({"seed": seed, "milliseconds": milliseconds, "files": files, "takes": listed});
    runner.terminal.tell("done", &words, facts);
}

/// Endings of the files that the graph reads speech from.
fn speech_endings(schemas: &SchemaSet) -> Vec<String> {
    let file = schemas.get("audio.load").and_then(|schema| schema.find_parameter("file"));
    match file.map(|parameter| &parameter.kind) {
        Some(ParameterKind::File { extensions }) => extensions.clone(),
        _ => Vec::new(),
    }
}

/// The takes of a clip with the seeds that follow one another; `of` names the clip where there are several.
fn takes(arguments: &Animate, clip: &Clip, of: Option<&str>, ending: &str) -> Result<Vec<Take>, Failure> {
    let take = |number: u32| {
        let seed = arguments.seed.checked_add(u64::from(number)).ok_or_else(|| {
            let most = u64::MAX - u64::from(arguments.takes - 1);
            Failure::input(format!("--seed {}: for {} takes at most {most}", arguments.seed, arguments.takes))
        })?;
        let path = take_path(&clip.output, number, arguments.takes);
        let take = if arguments.takes == 1 { "--output".to_owned() } else { format!("take {}", number + 1) };
        let asked_by = of.map_or(take.clone(), |speech| format!("{take} of {speech}"));
        Ok(Take { seed, targets: vec![Target { output: ending.to_owned(), path, asked_by }] })
    };
    (0..arguments.takes).map(take).collect()
}

/// The outputs to make: the file, for a head of one's own that the file shows, how the motion fits it, and for an
/// emotion that follows the voice, what was heard.
fn wanted(arguments: &Animate, ending: &str) -> Vec<String> {
    let shows_head = arguments.head.is_some() && ["glb", "usda", "png"].contains(&ending);
    let mapping = shows_head.then(|| mapping::OUTPUT.to_owned());
    let heard = (arguments.emotion == EmotionChoice::Auto).then(|| heard::OUTPUT.to_owned());
    std::iter::once(ending.to_owned()).chain(mapping).chain(heard).collect()
}

fn ending_of(path: &Path) -> Result<&'static str, Failure> {
    if path.is_dir() || path.as_os_str().to_string_lossy().ends_with(std::path::is_separator) {
        let example = path.join(format!("{NAME}.glb"));
        return Err(Failure::file(
            path,
            format!("is a folder; name a file in it, such as {}", example.display()),
        ));
    }
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
fn document(arguments: &Animate, speech: &Path, schemas: &SchemaSet) -> Result<Document, Failure> {
    let mut document = embedded(esarm_library::ANIMATE_GRAPH)?;
    set_file(&mut document, "speech.file", speech, schemas)?;
    set(&mut document, "generator.frame_rate", &arguments.fps.0.to_string(), schemas)?;
    match arguments.emotion {
        EmotionChoice::Auto => heard::add_to(&mut document, "speech.audio")?,
        EmotionChoice::Named { name, intensity } => {
            set(&mut document, "emotion.emotion", name, schemas)?;
            set(&mut document, "emotion.intensity", &intensity.to_string(), schemas)?;
            // Nobody need listen to a voice that is not followed.
            document.graph.wires.retain(|wire| wire.to.to_string() != "emotion.heard");
        }
    }
    if let Some(head) = &arguments.head {
        let set = set_file(&mut document, "head.file", head, schemas);
        set.map_err(|failure| Failure::input(format!("--head: {}", failure.message().unwrap_or_default())))?;
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

/// `OUT` for a single take; `NAME-1.glb`, `NAME-2.glb` and so on for several.
fn take_path(output: &Path, take: u32, takes: u32) -> PathBuf {
    if takes == 1 { output.to_owned() } else { with_suffix(output, &format!("-{}", take + 1)) }
}
