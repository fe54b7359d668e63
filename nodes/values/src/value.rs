//! The sum of all port values.

use crate::{Audio, Digest, Digestible, Emotion, Hasher, Rig, Track};
use std::sync::Arc;

/// A value at a port. Clones share their content.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Speech audio.
    Audio(Arc<Audio>),
    /// Features over time: `[frames, channels]`.
    Features(Arc<Track>),
    /// Emotion over time.
    Emotion(Arc<Emotion>),
    /// Blendshape weights and rotations over time: `[frames, channels]`.
    Motion(Arc<Track>),
    /// Takes of one clip.
    Takes(Arc<Takes>),
    /// A rig.
    Rig(Arc<Rig>),
    /// A number.
    Number(f64),
    /// Text.
    Text(Arc<str>),
    /// A finished file, not yet written.
    File(Arc<File>),
}

/// Takes of one clip.
pub type Takes = Vec<Take>;

/// One motion generated for a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Take {
    /// The motion.
    pub motion: Arc<Track>,
    /// The seed it was drawn with.
    pub seed: u64,
    /// Natural logarithm of the policy's probability density of this motion, where the policy gives one.
    pub log_probability: Option<f64>,
}

/// The bytes of a file that has been made but not written. Whoever writes it does so whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Ending without its dot, such as `glb`.
    pub extension: String,
    /// The content.
    pub bytes: Vec<u8>,
    /// Files that belong beside it, by name; `{stem}` in a name stands for the main file's name without its ending.
    pub companions: Vec<(String, Vec<u8>)>,
}

impl Value {
    /// Bytes of memory the content takes, about.
    pub fn size_bytes(&self) -> usize {
        let track = |track: &Track| track.values().len() * 4 + 64;
        match self {
            Self::Audio(audio) => audio.samples.len() * 4,
            Self::Features(values) | Self::Motion(values) => track(values),
            Self::Emotion(emotion) => track(emotion.track()),
            Self::Takes(takes) => takes.iter().map(|take| track(&take.motion)).sum(),
            Self::Rig(rig) => rig_size_bytes(rig),
            Self::Number(_) => 8,
            Self::Text(text) => text.len(),
            Self::File(file) => {
                file.bytes.len() + file.companions.iter().map(|(_, bytes)| bytes.len()).sum::<usize>()
            }
        }
    }
}

fn rig_size_bytes(rig: &Rig) -> usize {
    let mesh_bytes = |mesh: &crate::Mesh| {
        let morphs: usize = mesh.morphs.iter().map(|morph| morph.indices.len() * 28).sum();
        let triangles: usize = mesh.primitives.iter().map(|primitive| primitive.triangles.len() * 12).sum();
        mesh.positions.len() * 24 + morphs + triangles
    };
    let source = rig.source.as_ref().map_or(0, |source| source.json.len() + source.binary.len());
    rig.meshes.iter().map(mesh_bytes).sum::<usize>() + source
}

impl Digestible for Value {
    fn digest_into(&self, hasher: &mut Hasher) {
        match self {
            Self::Audio(audio) => audio.digest_into(hasher.text("audio")),
            Self::Features(track) => track.digest_into(hasher.text("features")),
            Self::Emotion(emotion) => emotion.track().digest_into(hasher.text("emotion")),
            Self::Motion(track) => track.digest_into(hasher.text("motion")),
            Self::Takes(takes) => {
                hasher.text("takes").integer(takes.len() as i64);
                for take in takes.iter() {
                    take.motion.digest_into(hasher);
                    hasher.integer(take.seed.cast_signed()).number(take.log_probability.unwrap_or(f64::NAN));
                }
            }
            Self::Rig(rig) => rig.digest_into(hasher.text("rig")),
            Self::Number(number) => {
                hasher.text("number").number(*number);
            }
            Self::Text(text) => {
                hasher.text("text").text(text);
            }
            Self::File(file) => {
                hasher.text("file").text(&file.extension).bytes(&Digest::of(&file.bytes).0);
                for (name, bytes) in &file.companions {
                    hasher.text(name).bytes(&Digest::of(bytes).0);
                }
            }
        }
    }
}
