//! Reading: columns by name, frames by timecode.

use super::COLUMNS;
use super::grid::{Grid, lay, line_times};
use super::timecode::Timecode;
use crate::ImportError;
use esarm_values::names::arkit_spellings;
use esarm_values::{ARKIT_SHAPES, HEAD_CHANNELS, MOTION_CHANNELS, Track};

/// A take that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// The motion: the 52 ARKit shapes in alphabetical order, the nine rotations where the file has them, and then any
    /// other column of the file under its own name.
    pub motion: Track,
    /// What was not plain about the file.
    pub report: ImportReport,
}

/// What was not plain about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Shapes that the file has no column for; they are 0.
    pub missing: Vec<String>,
    /// Lines on which the phone saw no face; they are interpolated.
    pub faceless_lines: usize,
    /// Frames that had no line and were interpolated.
    pub filled_frames: usize,
    /// Whether the capture clock was so far off its frame rate that every frame was interpolated at its true time.
    pub resampled: bool,
    /// Values above 1 or below 0 among the shapes; they are kept.
    pub beyond_range: usize,
}

/// Shapes that older phones and programs leave out.
const MAY_BE_MISSING: [&str; 1] = ["tongueOut"];

/// Reads a take: columns in any order, case and spelling (`EyeBlink_L`), values above 1, dropped and doubled frames.
///
/// # Errors
/// The line and cell that cannot be read, or the names of missing columns.
pub fn import(bytes: &[u8]) -> Result<Import, ImportError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        ImportError::at(line, 1, "is not UTF-8 text; export the take as CSV again")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let Some((_, header)) = lines.next() else {
        return Err(ImportError::whole(
            "the file is empty; it should begin with \"Timecode,BlendShapeCount,\"",
        ));
    };
    let header = Header::read(header)?;
    let mut lines_read = Lines::default();
    for (index, line) in lines {
        header.read_line(index + 1, line, &mut lines_read)?;
    }
    let Lines { codes, numbers, mut values, faceless } = lines_read;
    if codes.len() == faceless.len() {
        return Err(ImportError::whole(
            "there are column names but no lines of values; record the take again",
        ));
    }
    bridge(&mut values, header.channels.len(), &faceless);
    let times = line_times(&codes).map_err(|line| {
        ImportError::at(
            numbers[line],
            header.timecode + 1,
            "the timecode goes back in time; cut the file at this line",
        )
    })?;
    let grid = lay(&times).ok_or_else(|| {
        ImportError::whole("the timecodes jump by minutes without lines between; cut the file where they do")
    })?;
    let mut import = header.finish(&grid, &values)?;
    import.report.faceless_lines = faceless.len();
    Ok(import)
}

/// The lines of a file.
#[derive(Default)]
struct Lines {
    codes: Vec<Timecode>,
    /// Line numbers in the file, from 1.
    numbers: Vec<usize>,
    /// Values, `[lines, channels]`.
    values: Vec<f32>,
    /// Rising indices of lines on which the phone saw no face; their values are not known.
    faceless: Vec<usize>,
}

/// Interpolates the values of faceless lines between the nearest lines with a face.
fn bridge(values: &mut [f32], width: usize, faceless: &[usize]) {
    let count = values.len() / width.max(1);
    let mut runs = faceless.chunk_by(|a, b| a + 1 == *b);
    while let Some(&[first, .., last] | &[first @ last]) = runs.next() {
        let before = first.checked_sub(1);
        let after = Some(last + 1).filter(|line| *line < count);
        let (Some(from), Some(to)) = (before.or(after), after.or(before)) else { return };
        for line in first..=last {
            let fraction = (line + 1 - first) as f32 / (last + 2 - first) as f32;
            for column in 0..width {
                let (a, b) = (values[from * width + column], values[to * width + column]);
                values[line * width + column] = a + (b - a) * fraction;
            }
        }
    }
}

/// What each cell of a line is for.
struct Header {
    timecode: usize,
    count: Option<usize>,
    cells: usize,
    /// Cells that hold values, and the channel that each fills.
    channels: Vec<(usize, String)>,
    missing: Vec<String>,
}

impl Header {
    fn read(line: &str) -> Result<Self, ImportError> {
        let names: Vec<&str> = line.split(',').map(|name| name.trim().trim_matches('"')).collect();
        let find = |wanted: &str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
        let Some(timecode) = find("Timecode") else {
            return Err(ImportError::at(
                1,
                1,
                "there is no column \"Timecode\"; is this a Live Link Face file? Its first line begins with \"Timecode,BlendShapeCount,\"",
            ));
        };
        let count = find("BlendShapeCount");
        let is_value = |cell: &usize| *cell != timecode && Some(*cell) != count && !names[*cell].is_empty();
        let cells: Vec<usize> = (0..names.len()).filter(is_value).collect();
        let written: Vec<String> = cells.iter().map(|cell| names[*cell].to_owned()).collect();
        let mut channels: Vec<(usize, String)> = Vec::new();
        for (cell, name) in cells.into_iter().zip(arkit_spellings(&written)) {
            let known = MOTION_CHANNELS.iter().find(|channel| channel.eq_ignore_ascii_case(&name));
            let channel = known.map_or_else(|| name.clone(), |known| (*known).to_owned());
            if let Some((first, _)) = channels.iter().find(|(_, other)| *other == channel) {
                let message =
                    format!("column \"{name}\" is there twice, first in cell {}; remove one", first + 1);
                return Err(ImportError::at(1, cell + 1, message));
            }
            channels.push((cell, channel));
        }
        let has = |name: &str| channels.iter().any(|(_, channel)| channel == name);
        let missing: Vec<String> =
            ARKIT_SHAPES.iter().filter(|name| !has(name)).map(|name| (*name).to_owned()).collect();
        if missing.iter().any(|name| !MAY_BE_MISSING.contains(&name.as_str())) {
            return Err(missing_columns(&missing));
        }
        Ok(Self { timecode, count, cells: names.len(), channels, missing })
    }

    /// Reads a line; a count of 0 says that the phone saw no face.
    fn read_line(&self, number: usize, line: &str, lines: &mut Lines) -> Result<(), ImportError> {
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
        let count = self.count.and_then(|cell| cells.get(cell)).map(|count| count.parse::<u32>());
        let is_faceless = matches!(count, Some(Ok(0)));
        if cells.len() != self.cells && !is_faceless {
            let message = format!(
                "there are {} cells and {} column names; the line is cut or has stray commas",
                cells.len(),
                self.cells
            );
            return Err(ImportError::at(number, cells.len(), message));
        }
        let code = cells.get(self.timecode).copied().unwrap_or("");
        lines.codes.push(Timecode::parse(code).ok_or_else(|| {
            let message = format!("\"{}\" is no timecode; write HH:MM:SS:FF.mmm", shorten(code));
            ImportError::at(number, self.timecode + 1, message)
        })?);
        if is_faceless {
            lines.faceless.push(lines.numbers.len());
            lines.values.resize(lines.values.len() + self.channels.len(), 0.0);
        } else {
            self.read_values(number, &cells, &mut lines.values)?;
        }
        lines.numbers.push(number);
        Ok(())
    }

    /// Reads the values of a line in the order of `channels`.
    fn read_values(&self, number: usize, cells: &[&str], values: &mut Vec<f32>) -> Result<(), ImportError> {
        for (cell, channel) in &self.channels {
            let value = cells[*cell].parse::<f32>().ok().filter(|value| value.is_finite());
            values.push(value.ok_or_else(|| {
                let message = format!("{channel} is \"{}\"; write a finite number", shorten(cells[*cell]));
                ImportError::at(number, cell + 1, message)
            })?);
        }
        Ok(())
    }

    /// Lays the lines' values out as a motion.
    fn finish(self, grid: &Grid, values: &[f32]) -> Result<Import, ImportError> {
        let read = |name: &str| self.channels.iter().position(|(_, channel)| channel == name);
        let mut names: Vec<String> = ARKIT_SHAPES.iter().map(|name| (*name).to_owned()).collect();
        names.extend(HEAD_CHANNELS.iter().filter(|name| read(name).is_some()).map(|name| (*name).to_owned()));
        let others = self.channels.iter().map(|(_, channel)| channel);
        names.extend(others.filter(|name| !MOTION_CHANNELS.contains(&name.as_str())).cloned());
        let sources: Vec<Option<usize>> = names.iter().map(|name| read(name)).collect();
        let width = self.channels.len();
        let mut laid = Vec::with_capacity(grid.frames.len() * names.len());
        for (line, fraction) in &grid.frames {
            let from = &values[line * width..(line + 1) * width];
            let to = values.get((line + 1) * width..(line + 2) * width).unwrap_or(from);
            laid.extend(sources.iter().map(|source| {
                source.map_or(0.0, |source| {
                    if *fraction == 0.0 {
                        from[source]
                    } else {
                        from[source] + (to[source] - from[source]) * fraction
                    }
                })
            }));
        }
        let is_shape: Vec<bool> = names.iter().map(|name| ARKIT_SHAPES.contains(&name.as_str())).collect();
        let beyond = laid
            .iter()
            .enumerate()
            .filter(|(index, value)| is_shape[index % is_shape.len()] && !(0.0..=1.0).contains(*value));
        let report = ImportReport {
            missing: self.missing,
            faceless_lines: 0,
            filled_frames: grid.filled,
            resampled: grid.resampled,
            beyond_range: beyond.count(),
        };
        let motion = Track::new(grid.rate, names, laid).map_err(ImportError::whole)?;
        Ok(Import { motion, report })
    }
}

fn missing_columns(missing: &[String]) -> ImportError {
    let listed = missing.join(", ");
    let all = COLUMNS.len();
    ImportError::at(
        1,
        1,
        format!("columns are missing: {listed}; a take has {all} and only tongueOut may be left out"),
    )
}

/// Text short enough for a message.
fn shorten(text: &str) -> String {
    if text.chars().count() <= 24 {
        text.to_owned()
    } else {
        text.chars().take(24).chain("...".chars()).collect()
    }
}

impl std::fmt::Display for ImportReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut lines = Vec::new();
        if !self.missing.is_empty() {
            lines.push(format!("not in the file, kept at 0: {}", self.missing.join(", ")));
        }
        if self.faceless_lines > 0 {
            lines.push(format!("{} lines saw no face and are interpolated", self.faceless_lines));
        }
        if self.filled_frames > 0 {
            lines.push(format!("{} frames were not captured and are interpolated", self.filled_frames));
        }
        if self.resampled {
            lines.push(
                "the capture clock was off its rate: every frame is interpolated at its true time".to_owned(),
            );
        }
        if self.beyond_range > 0 {
            lines.push(format!("{} weights lie outside 0..1 and are kept", self.beyond_range));
        }
        f.write_str(&lines.join("\n"))
    }
}
