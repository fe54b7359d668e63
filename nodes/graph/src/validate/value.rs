//! Whether a value may stand for a parameter.

use crate::address::shortened;
use crate::nearest::nearest;
use crate::problem::Finding;
use crate::{Curve, EmotionKey, Parameter, ParameterKind, ParameterValue, ProblemKind, Range};
use std::collections::BTreeMap;

/// What is wrong with a parameter's value; of each sort of mistake inside a curve or a map the first.
pub(crate) fn check_value(
    parameter: &Parameter,
    value: &ParameterValue,
    emotions: &[String],
) -> Vec<Finding> {
    let unit = &parameter.unit;
    match (&parameter.kind, value) {
        (ParameterKind::Number { hard, .. }, ParameterValue::Number(number)) => {
            check_number(*number, *hard, unit).into_iter().collect()
        }
        (ParameterKind::Number { hard, animatable, .. }, ParameterValue::Curve(curve)) => {
            check_curve(curve, *hard, *animatable, unit)
        }
        (ParameterKind::Integer { hard, .. }, ParameterValue::Number(number)) => {
            check_integer(*number, *hard, unit).into_iter().collect()
        }
        (ParameterKind::Choice { options, .. }, ParameterValue::Text(text)) => {
            check_choice(text, options).into_iter().collect()
        }
        (ParameterKind::Map { hard, .. }, ParameterValue::Map(map)) => {
            check_map(map, *hard, unit).into_iter().collect()
        }
        (ParameterKind::EmotionKeys, ParameterValue::EmotionKeys { emotion_keys }) => {
            check_keys(emotion_keys, emotions)
        }
        (ParameterKind::Toggle { .. }, ParameterValue::Toggle(_))
        | (ParameterKind::Text { .. } | ParameterKind::File { .. }, ParameterValue::Text(_)) => Vec::new(),
        (kind, value) => vec![wrong_kind(kind, described(value), unit)],
    }
}

/// A value of a form that cannot stand for a parameter of this kind.
pub(crate) fn wrong_kind(kind: &ParameterKind, got: &str, unit: &str) -> Finding {
    let remedy = match kind {
        ParameterKind::Number { .. } | ParameterKind::Integer { .. } => "write a number",
        ParameterKind::Toggle { .. } => "write true or false",
        ParameterKind::Choice { .. } => "write one of the choices",
        ParameterKind::Text { .. } => "write text",
        ParameterKind::File { .. } => "write the path of a file",
        ParameterKind::Map { .. } => "write numbers by name",
        ParameterKind::EmotionKeys => "write emotion keyframes",
    };
    Finding::new(ProblemKind::WrongKind, format!("is {got}"))
        .allowed(format!("takes {}", expected(kind, unit)))
        .remedy(remedy)
}

/// What a parameter takes, with range and unit or choices.
pub(crate) fn expected(kind: &ParameterKind, unit: &str) -> String {
    match kind {
        ParameterKind::Number { hard, animatable, .. } => {
            let curve = if *animatable { " or a curve of such numbers" } else { "" };
            format!("a number {}{curve}", range_text(*hard, unit))
        }
        ParameterKind::Integer { hard, .. } => format!("a whole number {}", range_text(*hard, unit)),
        ParameterKind::Toggle { .. } => "true or false".to_owned(),
        ParameterKind::Choice { options, .. } => format!("one of {}", options.join(", ")),
        ParameterKind::Text { .. } => "text".to_owned(),
        ParameterKind::File { extensions } if extensions.is_empty() => "the path of a file".to_owned(),
        ParameterKind::File { extensions } => {
            format!("the path of a file ending in .{}", extensions.join(", ."))
        }
        ParameterKind::Map { hard, .. } => format!("names with numbers {}", range_text(*hard, unit)),
        ParameterKind::EmotionKeys => "emotion keyframes".to_owned(),
    }
}

fn described(value: &ParameterValue) -> &'static str {
    match value {
        ParameterValue::Toggle(_) => "true or false",
        ParameterValue::Number(_) => "a number",
        ParameterValue::Text(_) => "text",
        ParameterValue::Curve(_) => "a curve",
        ParameterValue::EmotionKeys { .. } => "a list of emotion keyframes",
        ParameterValue::Map(_) => "a list of numbers by name",
    }
}

fn range_text(range: Range, unit: &str) -> String {
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    match (range.low.is_finite(), range.high.is_finite()) {
        (true, true) => format!("from {} to {}{unit}", range.low, range.high),
        (true, false) => format!("from {}{unit}", range.low),
        (false, true) => format!("up to {}{unit}", range.high),
        (false, false) => "of any size".to_owned(),
    }
}

fn check_number(number: f64, hard: Range, unit: &str) -> Option<Finding> {
    let allowed = || format!("takes a number {}", range_text(hard, unit));
    if !number.is_finite() {
        let finding = Finding::new(ProblemKind::NotANumber, format!("{number} is not a finite number"));
        return Some(finding.allowed(allowed()).remedy("write a finite number"));
    }
    let outside = || {
        let nearest = number.clamp(hard.low.min(hard.high), hard.high.max(hard.low));
        Finding::new(ProblemKind::OutOfRange, format!("{number} is out of range"))
            .allowed(allowed())
            .remedy(format!("the nearest allowed value is {nearest}"))
    };
    (!hard.contains(number)).then(outside)
}

fn check_integer(number: f64, hard: Range, unit: &str) -> Option<Finding> {
    if number.is_finite() && number.fract() != 0.0 {
        let finding = Finding::new(ProblemKind::WrongKind, format!("{number} is not a whole number"));
        return Some(
            finding
                .allowed(format!("takes a whole number {}", range_text(hard, unit)))
                .remedy(format!("the nearest is {}", number.round())),
        );
    }
    check_number(number, hard, unit)
}

fn check_choice(text: &str, options: &[String]) -> Option<Finding> {
    if options.iter().any(|option| option == text) {
        return None;
    }
    let finding =
        Finding::new(ProblemKind::UnknownChoice, format!("{:?} is none of the choices", shortened(text)));
    Some(finding.allowed(format!("takes one of {}", options.join(", "))).remedy(did_you_mean(
        text,
        options.iter().map(String::as_str),
        "write one of the choices",
    )))
}

fn check_map(map: &BTreeMap<String, f64>, hard: Range, unit: &str) -> Option<Finding> {
    map.iter().find_map(|(name, number)| {
        let finding = check_number(*number, hard, unit)?;
        Some(Finding { what: format!("at {:?}, {}", shortened(name), finding.what), ..finding })
    })
}

fn check_curve(curve: &Curve, hard: Range, animatable: bool, unit: &str) -> Vec<Finding> {
    if !animatable {
        let finding = Finding::new(
            ProblemKind::NotAnimatable,
            "is a curve, and this parameter does not change over time",
        );
        return vec![
            finding
                .allowed(format!("takes a number {}", range_text(hard, unit)))
                .remedy("write a single number"),
        ];
    }
    let times: Vec<f64> = curve.keys.iter().map(|key| key.time_secs).collect();
    let empty = times.is_empty().then(|| {
        Finding::new(ProblemKind::BadKeys, "is a curve without keys")
            .remedy("add a key, or write a single number")
    });
    let value = curve.keys.iter().find_map(|key| {
        let finding = check_number(key.value, hard, unit)?;
        Some(Finding { what: format!("at {} s, {}", key.time_secs, finding.what), ..finding })
    });
    empty.into_iter().chain(check_times(&times)).chain(value).collect()
}

fn check_keys(keys: &[EmotionKey], emotions: &[String]) -> Vec<Finding> {
    let times: Vec<f64> = keys.iter().map(|key| key.time_secs).collect();
    let known = |name: &str| emotions.iter().any(|emotion| emotion.eq_ignore_ascii_case(name));
    let unknown = keys.iter().find(|key| !known(&key.emotion)).map(|key| {
        let what = format!("at {} s, {:?} is no known emotion", key.time_secs, shortened(&key.emotion));
        let names = emotions.iter().map(String::as_str);
        Finding::new(ProblemKind::UnknownEmotion, what)
            .allowed(format!("takes one of {}", emotions.join(", ")))
            .remedy(did_you_mean(&key.emotion, names, "write one of these names"))
    });
    let intensity = keys.iter().find_map(|key| {
        let finding = check_number(key.intensity, Range::new(0.0, 1.0), "")?;
        Some(Finding { what: format!("at {} s, intensity {}", key.time_secs, finding.what), ..finding })
    });
    check_times(&times).into_iter().chain(unknown).chain(intensity).collect()
}

fn check_times(times: &[f64]) -> Option<Finding> {
    if let Some(time) = times.iter().find(|time| !time.is_finite()) {
        let finding = Finding::new(ProblemKind::NotANumber, format!("a key's time is {time}"));
        return Some(finding.allowed("takes times in seconds").remedy("write a finite time"));
    }
    let pair = times.windows(2).find(|pair| pair[1] <= pair[0])?;
    let what = format!("the key at {} s comes after the key at {} s", pair[1], pair[0]);
    Some(
        Finding::new(ProblemKind::BadKeys, what)
            .allowed("takes keys in strictly increasing time")
            .remedy("sort the keys and keep one for each time"),
    )
}

/// "did you mean ..." with the nearest names, or the remedy to give when none is near.
pub(crate) fn did_you_mean<'a>(
    written: &str,
    names: impl Iterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    match nearest(written, names).as_slice() {
        [] => otherwise.to_owned(),
        near => format!("did you mean {}?", quoted(near, " or ")),
    }
}

/// Names in quotes, joined.
pub(crate) fn quoted(names: &[&str], joint: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(joint)
}
