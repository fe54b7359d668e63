//! The grid of contents and emotions: who says what, in which emotion, with its phones.
//!
//! Cross-coupling needs the same words in several voices and emotions. EMO-DB is such a grid (ten sentences, seven
//! emotions, every speaker); any folder becomes one by a table `corpus.csv`:
//!
//! ```text
//! audio,phones,content,speaker,emotion
//! anna_01_happy.wav,anna_01_happy.txt,01,anna,happy
//! anna_01_plain.wav,anna_01_plain.txt,01,anna,
//! ```
//!
//! Recordings with the same `content` say the same words. The emotion is one of the eight, or empty when the voice has
//! none of them. A line of a phone file is `START END PHONE` in seconds and IPA, with `sil` for silence.

use super::TrainingError;
use super::audio_files::read_audio;
use super::phones::{Phone, from_ipa, spread};
use super::recordings::{LabelledSpeech, files_with_ending, read_emodb};
use crate::generator::features::SAMPLE_RATE_HZ;
use crate::visemes::Viseme;
use esarm_values::{EMOTIONS, emotion_index};
use std::path::{Path, PathBuf};

/// One recording of the grid.
#[derive(Clone, Debug, PartialEq)]
pub struct GridClip {
    /// The file it came from, for messages.
    pub name: String,
    /// What is said: recordings of equal content say the same words.
    pub content: String,
    /// Who says it.
    pub speaker: String,
    /// The emotion of the voice as an index into [`EMOTIONS`]; `None` when it has none of them.
    pub emotion: Option<usize>,
    /// Samples at the generator's rate.
    pub samples: Vec<f32>,
    /// Phones in order.
    pub phones: Vec<Phone>,
}

/// Emotions by EMO-DB's letters; boredom (`L`) is none of the eight.
const EMODB_EMOTIONS: [(char, &str); 6] =
    [('W', "angry"), ('E', "disgust"), ('A', "fear"), ('F', "happy"), ('T', "sad"), ('N', "neutral")];
/// Level under which a recording counts as silent, in dB relative to full scale.
const SILENT_DB: f32 = -60.0;
/// Longest stretch by which phones and sound may differ in length.
const LENGTH_TOLERANCE_SECS: f64 = 0.5;
/// Shortest recording that can be learnt from.
const SHORTEST_SECS: f64 = 0.2;

/// The grid of a folder: by its `corpus.csv`, or that of EMO-DB (`audio` and `lablaut`), all speakers.
///
/// # Errors
/// When the folder is neither, or a recording is missing, mislabelled, silent or not as long as its labels: the error
/// names the file.
pub fn read_corpus(folder: &Path) -> Result<Vec<GridClip>, TrainingError> {
    let table = folder.join("corpus.csv");
    let clips = if table.is_file() {
        read_table(folder, &table)?
    } else if folder.join("audio").is_dir() && folder.join("lablaut").is_dir() {
        read_emodb(folder, &[])?.into_iter().map(of_emodb).collect()
    } else {
        return Err(TrainingError::file(
            folder,
            "is no corpus: it has neither corpus.csv nor EMO-DB's folders audio and lablaut",
        ));
    };
    if clips.is_empty() {
        return Err(TrainingError::file(folder, "holds no recordings; name at least two of each content"));
    }
    for clip in &clips {
        check_clip(clip)?;
    }
    Ok(clips)
}

/// The files that [`read_corpus`] reads of a folder, sorted; those that are missing are not among them.
///
/// # Errors
/// When the folder is no corpus or cannot be listed.
pub fn corpus_files(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
    let table = folder.join("corpus.csv");
    if !table.is_file() {
        let mut files = files_with_ending(&folder.join("audio"), "flac")?;
        files.extend(files_with_ending(&folder.join("lablaut"), "lablaut")?);
        return Ok(files);
    }
    let text = std::fs::read_to_string(&table).map_err(|error| TrainingError::file(&table, error))?;
    let named = text.lines().skip(1).flat_map(|line| line.split(',')).map(|field| folder.join(field.trim()));
    let mut files: Vec<PathBuf> = named.filter(|path| path.is_file()).chain([table]).collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// An EMO-DB recording as a part of the grid.
pub fn of_emodb(speech: LabelledSpeech) -> GridClip {
    let part = |range: std::ops::Range<usize>| speech.name.get(range).unwrap_or_default().to_owned();
    let letter = speech.name.chars().nth(5);
    let known = EMODB_EMOTIONS.iter().find(|(known, _)| Some(*known) == letter);
    GridClip {
        content: part(2..5),
        speaker: part(0..2),
        emotion: known.and_then(|(_, emotion)| emotion_index(emotion)),
        name: format!("{}.flac", speech.name),
        samples: speech.samples,
        phones: speech.phones,
    }
}

/// Refuses a recording that nothing can be learnt from.
pub fn check_clip(clip: &GridClip) -> Result<(), TrainingError> {
    let fail = |what: String| Err(TrainingError::file(Path::new(&clip.name), what));
    let duration_secs = clip.samples.len() as f64 / f64::from(SAMPLE_RATE_HZ);
    if duration_secs < SHORTEST_SECS {
        return fail(format!(
            "lasts {duration_secs:.2} s, too short to learn from; remove it from the corpus"
        ));
    }
    if let Some(at) = clip.samples.iter().position(|sample| !sample.is_finite()) {
        return fail(format!("sample {at} is no number; export the recording again"));
    }
    let power = clip.samples.iter().map(|sample| sample * sample).sum::<f32>() / clip.samples.len() as f32;
    let level_db = 10.0 * power.max(1e-12).log10();
    if level_db < SILENT_DB {
        return fail(format!("is silent ({level_db:.0} dB); record it again or remove it from the corpus"));
    }
    if !clip.phones.iter().any(|phone| phone.viseme != Viseme::Silence) {
        return fail("its labels hold no phone that is spoken; label it again".to_owned());
    }
    let end_secs = clip.phones.iter().map(|phone| phone.end_secs).fold(0.0, f64::max);
    if (end_secs - duration_secs).abs() > LENGTH_TOLERANCE_SECS {
        return fail(format!(
            "lasts {duration_secs:.2} s, but its labels {end_secs:.2} s: do they belong to another recording?"
        ));
    }
    Ok(())
}

fn read_table(folder: &Path, table: &Path) -> Result<Vec<GridClip>, TrainingError> {
    let text = std::fs::read_to_string(table).map_err(|error| TrainingError::file(table, error))?;
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let header: Vec<&str> =
        lines.next().map_or_else(Vec::new, |(_, line)| line.split(',').map(str::trim).collect());
    let mut columns = [0; 5];
    for (column, name) in columns.iter_mut().zip(["audio", "phones", "content", "speaker", "emotion"]) {
        *column = header.iter().position(|found| *found == name).ok_or_else(|| {
            TrainingError::file(table, format!("has no column {name}; its first line names the columns"))
        })?;
    }
    lines
        .map(|(number, line)| {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            let field = |column: usize| fields.get(column).copied().unwrap_or_default();
            let fail = |what: String| TrainingError::file(table, format!("line {}: {what}", number + 1));
            let [audio, phones, content, speaker, emotion] = columns.map(field);
            if audio.is_empty() || phones.is_empty() || content.is_empty() {
                return Err(fail("audio, phones and content must be given".to_owned()));
            }
            let emotion = match emotion {
                "" => None,
                name => Some(emotion_index(name).ok_or_else(|| {
                    fail(format!("there is no emotion {name:?}; use one of {} or none", EMOTIONS.join(", ")))
                })?),
            };
            let path = folder.join(audio);
            Ok(GridClip {
                samples: read_audio(&path)?,
                phones: read_phones(&folder.join(phones))?,
                name: path.display().to_string(),
                content: content.to_owned(),
                speaker: speaker.to_owned(),
                emotion,
            })
        })
        .collect()
}

/// Phones of a file with a `START END PHONE` on each line.
fn read_phones(path: &Path) -> Result<Vec<Phone>, TrainingError> {
    let text = std::fs::read_to_string(path).map_err(|error| TrainingError::file(path, error))?;
    let mut phones: Vec<Phone> = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let fail = |what: String| TrainingError::file(path, format!("line {}: {what}", number + 1));
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [start, end, symbol] = fields[..] else {
            return Err(fail(format!("is {line:?}, but must be START END PHONE")));
        };
        let secs = |text: &str| text.parse::<f64>().ok().filter(|secs| secs.is_finite() && *secs >= 0.0);
        let (Some(start), Some(end)) = (secs(start), secs(end)) else {
            return Err(fail(format!("{start} and {end} must be times in seconds")));
        };
        let before = phones.last().map_or(0.0, |phone| phone.end_secs);
        if end <= start || start < before - 1e-6 {
            return Err(fail(format!("{start} to {end} does not follow {before}; phones come in order")));
        }
        let visemes = if symbol == "sil" { vec![Viseme::Silence] } else { from_ipa(symbol) };
        if visemes.is_empty() {
            return Err(fail(format!("{symbol:?} is no phone in IPA, and not sil")));
        }
        phones.extend(spread(&visemes, start, end));
    }
    Ok(phones)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A small grid on disk: two contents, each in three voices and emotions.
    pub(crate) fn small_corpus(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("esarm-corpus-{}-{name}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        let mut table = "audio,phones,content,speaker,emotion\n".to_owned();
        let voices =
            [("anna", 210.0, "happy", 0.14), ("anna", 190.0, "sad", 0.2), ("ben", 120.0, "angry", 0.16)];
        for (content, phones) in [("one", ["m", "a", "p", "u"]), ("two", ["b", "i", "f", "a"])] {
            for (index, (speaker, pitch_hz, emotion, phone_secs)) in voices.iter().enumerate() {
                let stem = format!("{content}_{index}");
                write_speech(&folder.join(format!("{stem}.wav")), *pitch_hz, *phone_secs);
                let mut labels = "0 0.2 sil\n".to_owned();
                for (position, phone) in phones.iter().enumerate() {
                    let start = 0.2 + position as f64 * phone_secs;
                    labels += &format!("{start:.3} {:.3} {phone}\n", start + phone_secs);
                }
                let end = 0.2 + 4.0 * phone_secs;
                labels += &format!("{end:.3} {:.3} sil\n", end + 0.2);
                std::fs::write(folder.join(format!("{stem}.txt")), labels).unwrap();
                table += &format!("{stem}.wav,{stem}.txt,{content},{speaker},{emotion}\n");
            }
        }
        std::fs::write(folder.join("corpus.csv"), table).unwrap();
        folder
    }

    fn write_speech(path: &Path, pitch_hz: f64, phone_secs: f64) {
        let format = hound::WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = hound::WavWriter::create(path, format).unwrap();
        for n in 0..((0.4 + 4.0 * phone_secs) * 16_000.0) as usize {
            let secs = n as f64 / 16_000.0;
            let speaking = (0.2..0.2 + 4.0 * phone_secs).contains(&secs);
            let buzz: f64 =
                (1..12).map(|k| (std::f64::consts::TAU * pitch_hz * f64::from(k) * secs).sin()).sum();
            file.write_sample(if speaking { (1500.0 * buzz) as i16 } else { 0 }).unwrap();
        }
        file.finalize().unwrap();
    }

    fn told(folder: &Path) -> String {
        read_corpus(folder).unwrap_err().to_string()
    }

    fn change(folder: &Path, file: &str, from: &str, to: &str) {
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    #[test]
    fn a_table_becomes_a_grid() {
        let folder = small_corpus("table");
        let clips = read_corpus(&folder).unwrap();
        assert_eq!(clips.len(), 6);
        assert_eq!((clips[0].content.as_str(), clips[0].speaker.as_str()), ("one", "anna"));
        assert_eq!(clips[2].emotion, emotion_index("angry"));
        assert_eq!(clips[0].phones.len(), 6);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_wrong_with_a_corpus_is_named() {
        let folder = small_corpus("wrong");
        change(
            &folder,
            "corpus.csv",
            "one_0.wav,one_0.txt,one,anna,happy",
            "one_0.wav,one_0.txt,one,anna,joyful",
        );
        assert!(told(&folder).contains("line 2") && told(&folder).contains("joyful"), "{}", told(&folder));
        change(&folder, "corpus.csv", "joyful", "happy");

        std::fs::rename(folder.join("two_1.wav"), folder.join("away.wav")).unwrap();
        assert!(told(&folder).contains("two_1.wav"), "{}", told(&folder));
        std::fs::rename(folder.join("away.wav"), folder.join("two_1.wav")).unwrap();

        change(&folder, "two_2.txt", " f\n", " 7\n");
        assert!(
            told(&folder).contains("two_2.txt: line 4") && told(&folder).contains("IPA"),
            "{}",
            told(&folder)
        );
        change(&folder, "two_2.txt", " 7\n", " f\n");

        let good = std::fs::read(folder.join("one_1.txt")).unwrap();
        std::fs::write(folder.join("one_1.txt"), "0 0.2 sil\n0.2 9.5 a\n").unwrap();
        assert!(told(&folder).contains("one_1.wav") && told(&folder).contains("9.50 s"), "{}", told(&folder));
        std::fs::write(folder.join("one_1.txt"), good).unwrap();

        let mut quiet = std::fs::read(folder.join("one_2.wav")).unwrap();
        quiet[44..].fill(0);
        std::fs::write(folder.join("one_2.wav"), quiet).unwrap();
        assert!(told(&folder).contains("one_2.wav") && told(&folder).contains("silent"), "{}", told(&folder));

        std::fs::write(folder.join("one_2.wav"), b"no sound").unwrap();
        assert!(told(&folder).contains("one_2.wav"), "{}", told(&folder));
        std::fs::remove_file(folder.join("corpus.csv")).unwrap();
        assert!(told(&folder).contains("is no corpus"), "{}", told(&folder));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
