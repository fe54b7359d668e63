//! The bytes of values on disk.
//!
//! Everything is little-endian. Text, bytes and lists are prefixed by their count as `u64`, alternatives by a tag byte.
//! Numbers keep their bit patterns. The format carries [`FORMAT_VERSION`] first; there is no reading of other versions,
//! since a result can always be made again.

use crate::Outputs;
use esarm_values::{Audio, Emotion, File, Material, Mesh, MorphTarget, Primitive, Rig, SourceDocument};
use esarm_values::{Take, Track, Value};
use std::io::{self, Write};

/// Version of the format; it rises with every change.
pub const FORMAT_VERSION: u32 = 1;

/// Tags of the alternatives of [`Value`].
pub(super) mod tag {
    pub(crate) const AUDIO: u8 = 1;
    pub(crate) const FEATURES: u8 = 2;
    pub(crate) const EMOTION: u8 = 3;
    pub(crate) const MOTION: u8 = 4;
    pub(crate) const TAKES: u8 = 5;
    pub(crate) const RIG: u8 = 6;
    pub(crate) const NUMBER: u8 = 7;
    pub(crate) const TEXT: u8 = 8;
    pub(crate) const FILE: u8 = 9;
}

/// Writes the outputs of a node, by port name.
pub fn encode_outputs(outputs: &Outputs, sink: &mut dyn Write) -> io::Result<()> {
    let mut encoder = Encoder { sink };
    encoder.fixed(&FORMAT_VERSION.to_le_bytes())?;
    encoder.count(outputs.len())?;
    for (port, value) in outputs {
        encoder.text(port)?;
        encoder.value(value)?;
    }
    Ok(())
}

struct Encoder<'a> {
    sink: &'a mut dyn Write,
}

impl Encoder<'_> {
    fn fixed(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sink.write_all(bytes)
    }

    fn count(&mut self, count: usize) -> io::Result<()> {
        self.fixed(&(count as u64).to_le_bytes())
    }

    fn integer(&mut self, value: i64) -> io::Result<()> {
        self.fixed(&value.to_le_bytes())
    }

    fn number(&mut self, value: f64) -> io::Result<()> {
        self.fixed(&value.to_bits().to_le_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.count(bytes.len())?;
        self.fixed(bytes)
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// A flag byte, then the content when there is one.
    fn optional<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T) -> io::Result<()>,
    ) -> io::Result<()> {
        self.fixed(&[u8::from(value.is_some())])?;
        value.map_or(Ok(()), |value| write(self, value))
    }

    /// Four-byte words by count, through a block so that large arrays are written in few calls.
    fn words<T: Copy>(&mut self, values: &[T], to_bytes: impl Fn(T) -> [u8; 4]) -> io::Result<()> {
        self.count(values.len())?;
        let mut block = [0_u8; 4096];
        for chunk in values.chunks(block.len() / 4) {
            for (slot, value) in block.chunks_exact_mut(4).zip(chunk) {
                slot.copy_from_slice(&to_bytes(*value));
            }
            self.fixed(&block[..chunk.len() * 4])?;
        }
        Ok(())
    }

    fn floats(&mut self, values: &[f32]) -> io::Result<()> {
        self.words(values, |value| value.to_bits().to_le_bytes())
    }

    fn indices(&mut self, values: &[u32]) -> io::Result<()> {
        self.words(values, u32::to_le_bytes)
    }

    fn value(&mut self, value: &Value) -> io::Result<()> {
        match value {
            Value::Audio(audio) => self.tagged(tag::AUDIO, |it| it.audio(audio)),
            Value::Features(track) => self.tagged(tag::FEATURES, |it| it.track(track)),
            Value::Emotion(emotion) => self.tagged(tag::EMOTION, |it| it.emotion(emotion)),
            Value::Motion(track) => self.tagged(tag::MOTION, |it| it.track(track)),
            Value::Takes(takes) => self.tagged(tag::TAKES, |it| it.takes(takes)),
            Value::Rig(rig) => self.tagged(tag::RIG, |it| it.rig(rig)),
            Value::Number(number) => self.tagged(tag::NUMBER, |it| it.number(*number)),
            Value::Text(text) => self.tagged(tag::TEXT, |it| it.text(text)),
            Value::File(file) => self.tagged(tag::FILE, |it| it.file(file)),
        }
    }

    fn tagged(&mut self, tag: u8, content: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        self.fixed(&[tag])?;
        content(self)
    }

    fn audio(&mut self, audio: &Audio) -> io::Result<()> {
        self.text(&audio.name)?;
        self.fixed(&audio.sample_rate_hz.to_le_bytes())?;
        self.integer(audio.start_sample)?;
        self.floats(&audio.samples)
    }

    fn track(&mut self, track: &Track) -> io::Result<()> {
        self.fixed(&track.rate().numerator().to_le_bytes())?;
        self.fixed(&track.rate().denominator().to_le_bytes())?;
        self.integer(track.start_frame())?;
        self.count(track.channels().len())?;
        track.channels().iter().try_for_each(|channel| self.text(channel))?;
        self.floats(track.values())
    }

    /// The eight channels of an emotion are known, so the track stands for it.
    fn emotion(&mut self, emotion: &Emotion) -> io::Result<()> {
        self.track(emotion.track())
    }

    fn takes(&mut self, takes: &[Take]) -> io::Result<()> {
        self.count(takes.len())?;
        for take in takes {
            self.track(&take.motion)?;
            self.fixed(&take.seed.to_le_bytes())?;
            self.optional(take.log_probability, Self::number)?;
        }
        Ok(())
    }

    fn file(&mut self, file: &File) -> io::Result<()> {
        self.text(&file.extension)?;
        self.bytes(&file.bytes)?;
        self.count(file.companions.len())?;
        for (name, bytes) in &file.companions {
            self.text(name)?;
            self.bytes(bytes)?;
        }
        Ok(())
    }

    fn rig(&mut self, rig: &Rig) -> io::Result<()> {
        self.text(&rig.name)?;
        self.count(rig.meshes.len())?;
        rig.meshes.iter().try_for_each(|mesh| self.mesh(mesh))?;
        self.count(rig.materials.len())?;
        rig.materials.iter().try_for_each(|material| self.material(material))?;
        self.optional(rig.source.as_deref(), |it, source: &SourceDocument| {
            it.bytes(&source.json)?;
            it.bytes(&source.binary)
        })
    }

    fn mesh(&mut self, mesh: &Mesh) -> io::Result<()> {
        self.text(&mesh.name)?;
        self.floats(mesh.positions.as_flattened())?;
        self.floats(mesh.normals.as_flattened())?;
        self.count(mesh.primitives.len())?;
        mesh.primitives.iter().try_for_each(|primitive| self.primitive(primitive))?;
        self.count(mesh.morphs.len())?;
        mesh.morphs.iter().try_for_each(|morph| self.morph(morph))?;
        self.optional(mesh.source_node, Self::count)
    }

    fn primitive(&mut self, primitive: &Primitive) -> io::Result<()> {
        self.count(primitive.material)?;
        self.indices(primitive.triangles.as_flattened())
    }

    fn morph(&mut self, morph: &MorphTarget) -> io::Result<()> {
        self.text(&morph.name)?;
        self.indices(&morph.indices)?;
        self.floats(morph.position_offsets.as_flattened())?;
        self.floats(morph.normal_offsets.as_flattened())
    }

    fn material(&mut self, material: &Material) -> io::Result<()> {
        self.text(&material.name)?;
        self.floats(&material.base_color)?;
        self.floats(&[material.metallic, material.roughness])?;
        self.fixed(&[u8::from(material.double_sided)])
    }
}
