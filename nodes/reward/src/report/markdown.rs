//! A report as Markdown: tables with the controls beside every figure, and what each figure is.

use super::controls::Control;
use super::figures::Better;
use super::measure::{MOTION, Measurements, TRUTH, Topic};
use super::pictures::{MOST_LIPS, Picture, PictureTopic};
use super::summary::{Cell, Row, Summary};
use std::fmt::Write;

/// The parts of a report, and what a reader should know of each.
const PARTS: [(Topic, &str, &str); 4] = [
    (
        Topic::Performance,
        "Performance",
        "The learnt reward, how unsure it is, and the named terms that say why.",
    ),
    (Topic::Speech, "The motion by itself and against its speech", ""),
    (Topic::Weights, "Against the reference, in weights", ""),
    (Topic::Surface, "Against the reference, on the surface of a head", ""),
];

/// Figures of the motion that are listed clip by clip.
const PER_CLIP: [(Topic, &str); 5] = [
    (Topic::Performance, "reward"),
    (Topic::Performance, "lip_sync"),
    (Topic::Performance, "closures"),
    (Topic::Weights, "jaw_correlation"),
    (Topic::Surface, "lip_vertex_error"),
];

pub(super) fn markdown(
    title: &str,
    clips: &[Measurements],
    summary: &Summary,
    pictures: &[Picture],
) -> String {
    let mut text = format!("# {}\n\n{}\n", cleaned(title), introduction(clips, summary));
    for (topic, heading, about) in PARTS {
        let rows: Vec<&Row> = summary.rows.iter().filter(|row| row.topic == topic).collect();
        if rows.is_empty() {
            continue;
        }
        let _ = write!(text, "\n## {heading}\n\n");
        if !about.is_empty() {
            let _ = write!(text, "{about}\n\n");
        }
        text += &table(&rows, summary);
        if topic == Topic::Performance {
            text += &shown(pictures, PictureTopic::Terms);
        }
    }
    text += &noise(clips, summary, pictures);
    text += &per_clip(clips, summary);
    let _ = write!(text, "\n## Lip opening\n{}", shown(pictures, PictureTopic::Lips));
    if clips.len() > MOST_LIPS {
        let _ = write!(text, "\nThe first {MOST_LIPS} of {} clips.\n", clips.len());
    }
    text + &definitions(summary)
}

fn introduction(clips: &[Measurements], summary: &Summary) -> String {
    let secs: f64 = clips.iter().map(|clip| clip.duration_secs).sum();
    let count = match clips {
        [one] => format!("One clip, \"{}\", {secs:.1} s.", cleaned(&one.name)),
        many => format!("{} clips, {secs:.1} s; means over clips ± 1.96 s / √n.", many.len()),
    };
    let has_truth = summary.columns.iter().any(|column| column == TRUTH);
    let truth = if has_truth {
        "**truth** is the reference measured as if it were the motion. The controls are made of it:"
    } else {
        "There is no reference: the controls are made of the motion itself:"
    };
    let controls: Vec<String> = Control::ALL
        .iter()
        .map(|control| format!("**{}**, {}", control.name(), control.explanation()))
        .collect();
    let first = if has_truth { TRUTH } else { MOTION };
    format!(
        "{count}\n\n**motion** is what is judged. {truth} {}. A figure of which the {first} is not first says nothing about \
         quality by itself; the last column tells. ↑ larger is better, ↓ smaller is better, → 0 nearer to 0 is better; \
         nothing where more is not better by itself. A dash stands for what is not defined, such as a correlation with \
         something that does not move.",
        controls.join("; ")
    )
}

fn table(rows: &[&Row], summary: &Summary) -> String {
    let first = &summary.columns[summary.truth_column()];
    let mut text = format!("| figure | unit | {} | {first} first |\n|---|---|", summary.columns.join(" | "));
    text += &"---|".repeat(summary.columns.len() + 1);
    text.push('\n');
    for row in rows {
        let cells: Vec<String> = row.cells.iter().map(|cell| shown_cell(cell.as_ref())).collect();
        let mark = Better::of(row.topic, &row.name).mark();
        let name = format!("{} {mark}", row.name);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            name.trim_end(),
            row.unit,
            cells.join(" | "),
            row.truth_first
        );
    }
    text
}

fn shown_cell(cell: Option<&Cell>) -> String {
    match cell {
        None => "–".to_owned(),
        Some(Cell { mean, half_width: None, .. }) => digits(*mean),
        Some(Cell { mean, half_width: Some(half), .. }) => format!("{} ± {}", digits(*mean), digits(*half)),
    }
}

/// Three digits that count.
fn digits(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if (1e-12..0.01).contains(&size) => return format!("{value:.1e}"),
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    if text.trim_start_matches('-').chars().all(|letter| "0.".contains(letter)) {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    }
}

fn noise(clips: &[Measurements], summary: &Summary, pictures: &[Picture]) -> String {
    let first = &summary.columns[summary.truth_column()];
    let mut text = format!(
        "\n## Noise and reward\n\nThe {first} made worse by degrees in several ways; the learnt reward should fall. The figures \
         are rewards less that of the {first}, in standard deviations of training takes, mean over clips.\n\n"
    );
    for clip in clips {
        if let Some(reason) = &clip.noise_unknown {
            let _ = write!(text, "Not known of \"{}\": {}.\n\n", cleaned(&clip.name), cleaned(reason));
        }
    }
    let Some(levels) = summary.noise.values().max_by_key(|points| points.len()) else { return text };
    let names: Vec<String> = levels.iter().map(|(level, _)| format!("{level}")).collect();
    let _ = write!(text, "| family, by level | {} | falls throughout |\n|---|", names.join(" | "));
    text += &"---|".repeat(names.len() + 1);
    text.push('\n');
    for (family, points) in &summary.noise {
        let rewards: Vec<String> = points.iter().map(|(_, reward)| digits(*reward)).collect();
        let falls = points.windows(2).all(|pair| pair[1].1 < pair[0].1);
        let _ =
            writeln!(text, "| {family} | {} | {} |", rewards.join(" | "), if falls { "yes" } else { "no" });
    }
    text + &shown(pictures, PictureTopic::Noise)
}

/// The motion's main figures clip by clip, where there are several.
fn per_clip(clips: &[Measurements], summary: &Summary) -> String {
    if clips.len() < 2 {
        return String::new();
    }
    let is_there = |(topic, name): &&(Topic, &str)| {
        summary.rows.iter().any(|row| row.topic == *topic && row.name == *name)
    };
    let figures: Vec<&(Topic, &str)> = PER_CLIP.iter().filter(is_there).collect();
    let names: Vec<&str> = figures.iter().map(|(_, name)| *name).collect();
    let mut text = format!("\n## Clip by clip\n\n| clip | seconds | {} |\n|---|---|", names.join(" | "));
    text += &"---|".repeat(names.len());
    text.push('\n');
    for clip in clips {
        let values: Vec<String> = figures
            .iter()
            .map(|(topic, name)| clip.value(*topic, name, MOTION).map_or("–".to_owned(), digits))
            .collect();
        let _ = writeln!(
            text,
            "| {} | {:.1} | {} |",
            cleaned(&clip.name),
            clip.duration_secs,
            values.join(" | ")
        );
    }
    text
}

/// Formula, mask, unit and squared or not of every figure.
fn definitions(summary: &Summary) -> String {
    let mut text = "\n## What the figures are\n\n\
                    | figure | unit | squared | formula | mask |\n|---|---|---|---|---|\n"
        .to_owned();
    for row in &summary.rows {
        let squared = if row.squared { "squared" } else { "not squared" };
        let _ = writeln!(
            text,
            "| {} | {} | {squared} | {} | {} |",
            row.name,
            row.unit,
            cleaned(&row.formula),
            cleaned(&row.mask)
        );
    }
    text
}

fn shown(pictures: &[Picture], topic: PictureTopic) -> String {
    let of_topic = pictures.iter().filter(|picture| picture.topic == topic);
    of_topic.map(|picture| format!("\n![{}](<{}>)\n", cleaned(&picture.caption), picture.name)).collect()
}

/// Text that ends no cell, line or link of Markdown.
fn cleaned(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    text.replace('|', "\\|").replace('[', "(").replace(']', ")").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_count() {
        let all = [1234.5, 98.76, 1.2345, 0.12345, -0.0, 0.000_123].map(digits);
        assert_eq!(all, ["1234", "98.8", "1.23", "0.123", "0.000", "1.2e-4"].map(str::to_owned));
    }

    #[test]
    fn names_cannot_break_a_table() {
        assert_eq!(cleaned("a|b\n[c]"), "a\\|b (c)");
    }
}
