//! The file names and the listening test of EMO-DB (Burkhardt et al., Interspeech 2005).

use super::model::CLASSES;

/// Speaker and column of [`CLASSES`] of a clip named `AABBBCD` (speaker, sentence, emotion, take), with or without an
/// ending; `None` for other names.
pub fn parse_name(name: &str) -> Option<(String, usize)> {
    let stem = name.split('.').next()?;
    let letters = stem.as_bytes();
    let numbered = |range: std::ops::Range<usize>| letters[range].iter().all(u8::is_ascii_digit);
    if letters.len() < 6 || !numbered(0..2) || !numbered(3..5) {
        return None;
    }
    let class = b"WLEAFTN".iter().position(|letter| *letter == letters[5])?;
    Some((stem.get(..2)?.to_owned(), class))
}

/// Share of the 20 listeners who heard what was meant, mean over the clips of each of [`CLASSES`], from the text of
/// `erkennung.txt`. Only clips that `counts` are taken; classes without one give `None`.
pub fn listener_recall(text: &str, counts: impl Fn(&str) -> bool) -> [Option<f64>; CLASSES.len()] {
    let mut sums = [(0.0, 0.0); CLASSES.len()];
    for line in text.lines() {
        let mut fields = line.split_whitespace().skip(1);
        let (Some(name), Some(percent)) = (fields.next(), fields.next()) else { continue };
        let Ok(percent) = percent.replace(',', ".").parse::<f64>() else { continue };
        if let Some((_, class)) = parse_name(name).filter(|_| counts(name)) {
            sums[class].0 += percent / 100.0;
            sums[class].1 += 1.0;
        }
    }
    sums.map(|(sum, count)| (count > 0.0).then(|| sum / count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_speaker_and_emotion() {
        assert_eq!(parse_name("03a01Fa.wav"), Some(("03".to_owned(), 4)));
        assert_eq!(parse_name("16b10Td"), Some(("16".to_owned(), 5)));
        for other in ["", "erkennung.txt", "xx", "03a01Xa", "0äa01Fa"] {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }

    #[test]
    fn listeners_are_averaged_by_emotion() {
        let text = "Nr.\tSatz\terkannt\tnatuerlich\n1  \t03a01Ab.wav\t65,00 \t35,00\n2\t03a01Ac.wav\t95,00\t1,0\n3\t12a01Wa.wav\t50,0\t1\n";
        let recall = listener_recall(text, |name| name.starts_with("03"));
        assert!(recall[3].is_some_and(|recall| (recall - 0.8).abs() < 1e-12));
        assert_eq!(recall.iter().flatten().count(), 1);
    }
}
