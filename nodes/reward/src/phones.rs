//! Phone labels with times, and what they ask of the lips.

use crate::metrics::{CLOSED_APERTURE, Metric, lip_aperture};
use esarm_values::Track;

/// A labelled phone.
#[derive(Clone, Debug, PartialEq)]
pub struct Phone {
    /// First moment, seconds.
    pub start_secs: f64,
    /// Moment after the last, seconds.
    pub end_secs: f64,
    /// Label as written: IPA, SAMPA or ARPAbet.
    pub label: String,
}

/// Phones whose lips meet, in lower case and without stress and length.
const BILABIALS: [&str; 5] = ["p", "b", "m", "pf", "em"];

impl Phone {
    /// Whether the lips must meet.
    pub fn is_bilabial(&self) -> bool {
        let bare: String = self.label.chars().filter(|letter| letter.is_alphabetic()).collect();
        let bare = bare.to_lowercase();
        BILABIALS.contains(&bare.trim_end_matches(['ʰ', 'h', 'ː']))
    }
}

/// Reads labels, one a line: start and end in seconds and the phone, apart by tabs, commas or spaces, as Audacity
/// exports them. Empty lines and lines that start with `#` are skipped.
///
/// # Errors
/// Names the first line that is not so.
pub fn parse_phones(text: &str) -> Result<Vec<Phone>, String> {
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(number, line)| {
            let fields: Vec<&str> = line.split([',', '\t', ' ']).filter(|field| !field.is_empty()).collect();
            let seconds = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
            match (seconds(0), seconds(1), fields.get(2)) {
                (Some(start_secs), Some(end_secs), Some(label)) if end_secs >= start_secs => {
                    Ok(Phone { start_secs, end_secs, label: (*label).to_owned() })
                }
                _ => {
                    Err(format!("line {number} is \"{line}\"; expected start and end in seconds and a phone"))
                }
            }
        })
        .collect()
}

/// Share of the phones p, b and m during which the lips close.
pub fn closure_recall(motion: &Track, phones: &[Phone]) -> Metric {
    let aperture = lip_aperture(motion);
    let rate = motion.rate();
    let closes = |phone: &Phone| {
        let at = |secs: f64| (secs * rate.frames_per_sec()).round() as i64 - motion.start_frame();
        let last = aperture.len() as i64;
        let (first, end) = (at(phone.start_secs).clamp(0, last), (at(phone.end_secs) + 1).clamp(0, last));
        let during = &aperture[first as usize..end.max(first) as usize];
        (!during.is_empty()).then(|| during.iter().any(|aperture| *aperture < CLOSED_APERTURE))
    };
    let asked: Vec<bool> = phones.iter().filter(|phone| phone.is_bilabial()).filter_map(closes).collect();
    let closed = asked.iter().filter(|closed| **closed).count();
    Metric {
        name: "closure_recall",
        value: (!asked.is_empty()).then(|| closed as f64 / asked.len() as f64),
        unit: "share of phones",
        formula: "share of phones p, b, m during which the lip aperture falls below 0.08",
        mask: format!("{} phones p, b, m; aperture = max(jawOpen - mouthClose, 0)", asked.len()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_values::FrameRate;

    #[test]
    fn labels_are_read_and_bad_lines_named() {
        let phones = parse_phones("# clip\n0.0\t0.1\tsil\n0.1, 0.2, P\n0.2 0.3 ph\n").unwrap();
        let bilabial: Vec<bool> = phones.iter().map(Phone::is_bilabial).collect();
        assert_eq!(bilabial, [false, true, true]);
        assert!(parse_phones("0.0 0.1 a\n0.3 0.2 b").unwrap_err().contains("line 2"));
        assert!(parse_phones("p").is_err());
    }

    #[test]
    fn lips_that_close_are_recalled() {
        let jaw = (0..30).map(|frame| if (9..12).contains(&frame) { 0.02 } else { 0.4 }).collect();
        let motion = Track::new(FrameRate::whole(30), vec!["jawOpen".to_owned()], jaw).unwrap();
        let phones = parse_phones("0.3 0.4 m\n0.6 0.7 b\n0.1 0.2 a\n9.0 9.1 p").unwrap();
        assert_eq!(closure_recall(&motion, &phones).value, Some(0.5));
        assert_eq!(closure_recall(&motion, &[]).value, None);
    }
}
