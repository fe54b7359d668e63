//! Readers of the recorded training data: EMO-DB with its phone labels, FACEGOOD with its mouth animation.

use super::TrainingError;
use super::audio_files::read_audio;
use super::phones::{Phone, from_sampa, spread};
use crate::generator::channels::{CONTENT_CHANNELS, CONTENT_COUNT, shapes_of_content};
use crate::visemes::Viseme;
use esarm_values::ARKIT_SHAPES;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A labelled recording.
#[derive(Clone, Debug)]
pub struct LabelledSpeech {
    /// File name without its ending.
    pub name: String,
    /// Samples at the generator's rate.
    pub samples: Vec<f32>,
    /// Phones in order.
    pub phones: Vec<Phone>,
    /// The labels as written, with their start and end in seconds.
    pub labels: Vec<(String, f64, f64)>,
}

/// The EMO-DB recordings of some speakers (two-digit codes), or of all when none is named, by file name. Recordings whose
/// label file is there but holds nothing are left out.
///
/// # Errors
/// When a file cannot be read, a recording has no labels, or its labels have no times.
pub fn read_emodb(folder: &Path, speakers: &[&str]) -> Result<Vec<LabelledSpeech>, TrainingError> {
    let mut speech = Vec::new();
    for path in files_with_ending(&folder.join("audio"), "flac")? {
        let name = stem(&path);
        let labels_path = folder.join("lablaut").join(format!("{name}xx.lablaut"));
        let speaker = name.get(..2).unwrap_or_default();
        if !speakers.is_empty() && !speakers.contains(&speaker) {
            continue;
        }
        if !labels_path.exists() {
            let remedy = "add them, or move the recording out of the corpus";
            return Err(TrainingError::file(
                &labels_path,
                format!("the phone labels of {name} are missing; {remedy}"),
            ));
        }
        let samples = read_audio(&path)?;
        let bytes = std::fs::read(&labels_path).map_err(|error| TrainingError::file(&labels_path, error))?;
        let duration_secs = samples.len() as f64 / f64::from(crate::generator::features::SAMPLE_RATE_HZ);
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let labels = emodb_labels(&text, duration_secs);
        if labels.len() < 2 {
            // Two label files of the published corpus are empty; whoever takes rest for labels teaches silence.
            if text.lines().skip_while(|line| line.trim() != "#").skip(1).all(|line| line.trim().is_empty()) {
                continue;
            }
            return Err(TrainingError::file(
                &labels_path,
                "has no line `TIME COLOUR LABEL` within the recording",
            ));
        }
        let phones = emodb_phones(&labels);
        speech.push(LabelledSpeech { name, samples, phones, labels });
    }
    Ok(speech)
}

/// The labels of a `lablaut` file with their start and end.
///
/// A line's time is where its label starts: sibilants, closures and the final silence are where they sound only in
/// that reading. Lines without a label of their own (only marks such as `+lar`) continue the one before.
fn emodb_labels(text: &str, duration_secs: f64) -> Vec<(String, f64, f64)> {
    let lines = text.lines().skip_while(|line| line.trim() != "#").skip(1);
    let mut starts: Vec<(String, f64)> = Vec::new();
    for line in lines {
        let mut fields = line.split_whitespace();
        let Some(start) = fields.next().and_then(|field| field.parse::<f64>().ok()) else { continue };
        match fields.nth(1) {
            Some(label) if !label.starts_with(['+', '-']) => starts.push((label.to_owned(), start)),
            _ if starts.is_empty() => starts.push((".".to_owned(), start)),
            _ => {}
        }
    }
    starts.insert(0, (".".to_owned(), 0.0));
    let ends: Vec<f64> = starts.iter().skip(1).map(|(_, start)| *start).chain([duration_secs]).collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|((label, start), end)| (label, start, end))
        .filter(|(_, s, e)| e > s)
        .collect()
}

/// Longest closure before a plosive that starts an utterance; what is longer is rest.
const LONGEST_INITIAL_CLOSURE_SECS: f64 = 0.09;

fn emodb_phones(labels: &[(String, f64, f64)]) -> Vec<Phone> {
    let mut phones = Vec::new();
    for (label, start, end) in labels {
        if let Some(plosive) = label.strip_prefix('_') {
            let closure = (end - LONGEST_INITIAL_CLOSURE_SECS).max(*start);
            phones.push(Phone::new(Viseme::Silence, *start, closure));
            phones.extend(spread(&from_sampa(plosive), closure, *end));
        } else if let Some(burst) = label.strip_prefix('!') {
            let mut burst = spread(&from_sampa(burst), *start, *end);
            // The lips are together until the burst: only its first moment.
            let closed_share = (0.012 / (end - start)).min(0.5);
            burst
                .iter_mut()
                .filter(|phone| phone.closed_share > 0.0)
                .for_each(|phone| phone.closed_share = closed_share);
            phones.extend(burst);
        } else if label.starts_with('(') {
            phones.push(Phone::new(Viseme::Silence, *start, *end));
        } else if label.ends_with("asp") {
            phones.push(Phone::new(Viseme::Glottal, *start, *end));
        } else {
            phones.extend(spread(&from_sampa(label), *start, *end));
        }
    }
    phones.retain(|phone| phone.end_secs > phone.start_secs);
    phones
}

/// A recording with its mouth animation.
pub struct AnimatedSpeech {
    /// File name without its ending.
    pub name: String,
    /// Samples at the generator's rate.
    pub samples: Vec<f32>,
    /// Frames per second of the animation.
    pub frames_per_sec: f64,
    /// Weights by ARKit shape: `[frames, 52]`, on the sound's time.
    pub shapes: Vec<[f32; ARKIT_SHAPES.len()]>,
    /// Which content channels the animator used in this clip.
    pub animated: [bool; CONTENT_COUNT],
}

/// Seconds by which FACEGOOD's animation comes after the sound.
const FACEGOOD_LAG_SECS: f64 = 1.0 / 30.0;
const FACEGOOD_FRAMES_PER_SEC: f64 = 30.0;

/// The FACEGOOD clips with these numbers (`"2_01"` to `"2_05"`).
pub fn read_facegood(folder: &Path, clips: &[&str]) -> Result<Vec<AnimatedSpeech>, TrainingError> {
    let table_path = folder.join("facs_to_arkit.csv");
    let rules = facegood_rules(&read_text(&table_path)?);
    clips
        .iter()
        .map(|clip| {
            let name = format!("1114_{clip}");
            let csv_path = folder.join(format!("{name}.csv"));
            let (frames, columns) = facegood_frames(&read_text(&csv_path)?, &rules);
            if frames.is_empty() {
                return Err(TrainingError::file(&csv_path, "holds no frames"));
            }
            let lag = (FACEGOOD_LAG_SECS * FACEGOOD_FRAMES_PER_SEC).round() as usize;
            let samples = read_audio(&folder.join(format!("{name}.flac")))?;
            let animated = std::array::from_fn(|channel| {
                shapes_of_content(CONTENT_CHANNELS[channel]).iter().any(|shape| columns.contains(shape))
            });
            Ok(AnimatedSpeech {
                name,
                samples,
                frames_per_sec: FACEGOOD_FRAMES_PER_SEC,
                shapes: frames[lag..].to_vec(),
                animated,
            })
        })
        .collect()
}

/// Which columns make each ARKit shape: the largest of them.
fn facegood_rules(table: &str) -> Vec<(usize, Vec<String>)> {
    let rows = table.lines().skip(1).map(split_csv);
    rows.filter_map(|row| {
        let shape = esarm_values::arkit_index(row.first()?)?;
        let source = row.get(2)?.trim_start_matches("max(").trim_end_matches(')').to_owned();
        let columns = source.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        (row.last()? == "valid").then(|| (shape, columns.collect()))
    })
    .collect()
}

fn split_csv(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for letter in line.trim_end().chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => {
                if let Some(field) = fields.last_mut() {
                    field.push(letter);
                }
            }
        }
    }
    fields
}

type ShapeFrames = Vec<[f32; ARKIT_SHAPES.len()]>;

/// Frames by shape, and the shapes that have at least one column.
fn facegood_frames(csv: &str, rules: &[(usize, Vec<String>)]) -> (ShapeFrames, Vec<usize>) {
    let mut lines = csv.lines();
    let header: HashMap<String, usize> = lines
        .next()
        .map(|line| split_csv(line).into_iter().enumerate().map(|(index, name)| (name, index)).collect())
        .unwrap_or_default();
    let columns: Vec<(usize, Vec<usize>)> = rules
        .iter()
        .map(|(shape, names)| (*shape, names.iter().filter_map(|name| header.get(name).copied()).collect()))
        .collect();
    let frames = lines
        .map(|line| {
            let values: Vec<f32> = line.split(',').map(|field| field.trim().parse().unwrap_or(0.0)).collect();
            let mut frame = [0.0; ARKIT_SHAPES.len()];
            for (shape, columns) in &columns {
                let weights = columns.iter().filter_map(|column| values.get(*column).copied());
                frame[*shape] = weights.fold(0.0, f32::max).clamp(0.0, 1.0);
            }
            frame
        })
        .collect();
    let present =
        columns.into_iter().filter(|(_, columns)| !columns.is_empty()).map(|(shape, _)| shape).collect();
    (frames, present)
}

fn read_text(path: &Path) -> Result<String, TrainingError> {
    std::fs::read_to_string(path).map_err(|error| TrainingError::file(path, error))
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The files of a folder with an ending, sorted.
pub(super) fn files_with_ending(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, TrainingError> {
    let entries = std::fs::read_dir(folder).map_err(|error| TrainingError::file(folder, error))?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: &str =
        "signal x\n#\n 0.10 -1 _b\n 0.30 -1 !b\n 0.33 -1 a\t+lar\n 0.40 -1 \t-lar\n 0.50 -1 m\n 0.60 -1 .\n";

    #[test]
    fn labels_start_at_their_time() {
        let labels = emodb_labels(LABELS, 0.8);
        let found: Vec<_> = labels.iter().map(|(label, start, end)| (label.as_str(), *start, *end)).collect();
        assert_eq!(
            found,
            [
                (".", 0.0, 0.1),
                ("_b", 0.1, 0.3),
                ("!b", 0.3, 0.33),
                ("a", 0.33, 0.5),
                ("m", 0.5, 0.6),
                (".", 0.6, 0.8)
            ]
        );
        let phones = emodb_phones(&labels);
        let closed: Vec<_> = phones.iter().filter(|phone| phone.viseme == Viseme::Bilabial).collect();
        assert_eq!(closed.len(), 3);
        assert!((closed[0].start_secs - 0.21).abs() < 1e-9);
    }

    #[test]
    fn facegood_columns_become_shapes() {
        let rules = facegood_rules(
            "\"ARKIT\",,\"V\",,,,\"Status\"\n\"jawOpen\",,\"a\",,,,\"valid\"\n\"mouthFunnel\",,\"max(b,c)\",,,,\"valid\"\n\"eyeBlinkLeft\",,\"d\",,,,\"Invalid\"\n",
        );
        let (frames, present) = facegood_frames("frame,a,c\n0,0.5,0.25\n", &rules);
        let jaw = esarm_values::arkit_index("jawOpen").unwrap();
        let funnel = esarm_values::arkit_index("mouthFunnel").unwrap();
        assert_eq!((frames[0][jaw], frames[0][funnel]), (0.5, 0.25));
        assert_eq!(present, [jaw, funnel]);
    }
}
