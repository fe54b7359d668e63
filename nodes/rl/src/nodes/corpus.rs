//! The lines of a corpus folder.

use super::{go_on, node_error};
use crate::generator::{GeneratorPolicy, SpeechLine, cut, speech_line};
use esarm_engine::{NodeContext, NodeError};
use esarm_reward::features::AudioFeatures;
use esarm_sta::training::corpus::{GridClip, corpus_files, read_corpus};
use esarm_values::{Digest, Hasher};
use std::path::PathBuf;

/// The parameter that names the speakers who are not learnt from.
pub(super) const HELD_OUT: &str = "held_out";

/// The recordings of the corpus in order of their names; those without one of the eight emotions are left out.
pub(super) fn recordings(context: &NodeContext<'_>) -> Result<Vec<GridClip>, NodeError> {
    let mut clips = read_corpus(&folder(context)?).map_err(|error| NodeError::parameter("corpus", error))?;
    clips.retain(|clip| clip.emotion.is_some());
    clips.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(clips)
}

/// Whether a recording is held out where no speaker is.
pub(super) fn is_every_fourth(number: usize) -> bool {
    number % 4 == 3
}

/// Recordings to learn from and recordings to check on: the speakers that [`HELD_OUT`] names, every fourth recording
/// where it is empty.
pub(super) fn split(context: &NodeContext<'_>) -> Result<(Vec<GridClip>, Vec<GridClip>), NodeError> {
    let clips = recordings(context)?;
    let speakers = names(context, HELD_OUT);
    check_speakers(HELD_OUT, &speakers, &clips)?;
    let (mut learnt, mut held_out) = (Vec::new(), Vec::new());
    for (number, clip) in clips.into_iter().enumerate() {
        let is_held_out =
            if speakers.is_empty() { is_every_fourth(number) } else { speakers.contains(&clip.speaker) };
        if is_held_out { held_out.push(clip) } else { learnt.push(clip) }
    }
    Ok((learnt, held_out))
}

/// The names that a text parameter lists by commas.
pub(super) fn names(context: &NodeContext<'_>, parameter: &str) -> Vec<String> {
    let names = context.text(parameter).split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// Refuses names of speakers that the corpus does not have.
pub(super) fn check_speakers(
    parameter: &str,
    wanted: &[String],
    clips: &[GridClip],
) -> Result<(), NodeError> {
    let mut speakers: Vec<&str> = clips.iter().map(|clip| clip.speaker.as_str()).collect();
    speakers.sort_unstable();
    speakers.dedup();
    match wanted.iter().find(|name| !speakers.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let what = format!("the corpus has no speaker {name:?}; it has {}", speakers.join(", "));
            Err(NodeError::parameter(parameter, what))
        }
    }
}

/// Lines of recordings, as many as are allowed.
pub(super) fn lines(
    context: &NodeContext<'_>,
    clips: Vec<GridClip>,
    policy: &GeneratorPolicy,
    words: &str,
) -> Result<Vec<SpeechLine>, NodeError> {
    let most = match context.integer("most_lines") {
        0 => usize::MAX,
        most => most.cast_unsigned() as usize,
    };
    let features = AudioFeatures::new().map_err(NodeError::failed)?;
    let clips = cut(clips, most);
    let mut lines = Vec::with_capacity(clips.len());
    for clip in &clips {
        go_on(context).map_err(node_error)?;
        (context.report_progress)(0.0, words);
        lines.extend(speech_line(clip, policy, &features).map_err(node_error)?);
    }
    Ok(lines)
}

/// Digest of lines.
pub(super) fn digest(lines: &[SpeechLine]) -> Digest {
    let mut hasher = Hasher::new();
    lines.iter().for_each(|line| line.digest_into(&mut hasher));
    hasher.finish()
}

/// Digest of what is read of the corpus; names count without their folder.
pub(super) fn corpus_digest(context: &NodeContext<'_>) -> Result<Digest, NodeError> {
    let folder = folder(context)?;
    let mut hasher = Hasher::new();
    for path in corpus_files(&folder).map_err(|error| NodeError::parameter("corpus", error))? {
        context.check_cancelled()?;
        let bytes = std::fs::read(&path)
            .map_err(|error| NodeError::parameter("corpus", format!("{}: {error}", path.display())))?;
        hasher.text(&path.strip_prefix(&folder).unwrap_or(&path).to_string_lossy()).bytes(&bytes);
    }
    Ok(hasher.finish())
}

fn folder(context: &NodeContext<'_>) -> Result<PathBuf, NodeError> {
    match context.text("corpus").trim() {
        "" => Err(NodeError::parameter("corpus", "no folder is named; name one with recordings")),
        name => Ok(context.base_folder.join(name)),
    }
}
