//! Reads back what [`super::encode`] wrote. Every count is checked against the bytes that are left before anything is
//! allocated, so that damaged bytes give an error and never a panic or a large allocation.

use super::encode::{FORMAT_VERSION, tag};
use crate::Outputs;
use esarm_values::{Audio, Emotion, File, FrameRate, Material, Mesh, MorphTarget, Primitive, Rig};
use esarm_values::{SourceDocument, Take, Track, Value};
use std::io::{self, Read};
use std::sync::Arc;

/// Why bytes are not the outputs of a node.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes could not be read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The bytes end before the content does, or go on after it.
    #[error("has a wrong length")]
    Length,
    /// The bytes were written in another version of the format.
    #[error("has format version {0}, expected {FORMAT_VERSION}")]
    Version(u32),
    /// The bytes do not make sense; names what they should have been.
    #[error("does not hold a valid {0}")]
    Content(&'static str),
}

type Decoded<T> = Result<T, DecodeError>;

/// Reads the outputs of a node from a source of exactly `length` bytes.
pub fn decode_outputs(source: &mut dyn Read, length: u64) -> Decoded<Outputs> {
    let mut decoder = Decoder { source, left: length };
    let version = u32::from_le_bytes(decoder.fixed()?);
    if version != FORMAT_VERSION {
        return Err(DecodeError::Version(version));
    }
    let outputs = decoder.list(|it| Ok((it.text()?, it.value()?)))?.into_iter().collect();
    if decoder.left == 0 { Ok(outputs) } else { Err(DecodeError::Length) }
}

struct Decoder<'a> {
    source: &'a mut dyn Read,
    left: u64,
}

impl Decoder<'_> {
    fn fill(&mut self, bytes: &mut [u8]) -> Decoded<()> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(DecodeError::Length)?;
        Ok(self.source.read_exact(bytes)?)
    }

    fn fixed<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn byte(&mut self) -> Decoded<u8> {
        Ok(self.fixed::<1>()?[0])
    }

    fn word(&mut self) -> Decoded<u32> {
        Ok(u32::from_le_bytes(self.fixed()?))
    }

    fn long(&mut self) -> Decoded<u64> {
        Ok(u64::from_le_bytes(self.fixed()?))
    }

    fn number(&mut self) -> Decoded<f64> {
        Ok(f64::from_bits(self.long()?))
    }

    fn flag(&mut self) -> Decoded<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Content("flag")),
        }
    }

    /// A count of items that take at least `item_bytes` bytes each.
    fn count(&mut self, item_bytes: u64) -> Decoded<usize> {
        let count = self.long()?;
        let fits = count.checked_mul(item_bytes).is_some_and(|bytes| bytes <= self.left);
        if fits { usize::try_from(count).map_err(|_| DecodeError::Length) } else { Err(DecodeError::Length) }
    }

    fn bytes(&mut self) -> Decoded<Vec<u8>> {
        let mut bytes = vec![0; self.count(1)?];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn text(&mut self) -> Decoded<String> {
        String::from_utf8(self.bytes()?).map_err(|_| DecodeError::Content("text"))
    }

    /// Items of any length. No space is reserved: items are larger in memory than on disk.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Decoded<T>) -> Decoded<Vec<T>> {
        (0..self.count(1)?).map(|_| item(self)).collect()
    }

    fn optional<T>(&mut self, content: impl FnOnce(&mut Self) -> Decoded<T>) -> Decoded<Option<T>> {
        if self.flag()? { content(self).map(Some) } else { Ok(None) }
    }

    fn words<T>(&mut self, from_bytes: impl Fn([u8; 4]) -> T) -> Decoded<Vec<T>> {
        let count = self.count(4)?;
        let mut values = Vec::with_capacity(count);
        let mut block = [0_u8; 4096];
        while values.len() < count {
            let part = &mut block[..((count - values.len()) * 4).min(4096)];
            self.fill(part)?;
            values.extend(part.as_chunks().0.iter().map(|bytes| from_bytes(*bytes)));
        }
        Ok(values)
    }

    fn floats(&mut self) -> Decoded<Vec<f32>> {
        self.words(|bytes| f32::from_bits(u32::from_le_bytes(bytes)))
    }

    fn indices(&mut self) -> Decoded<Vec<u32>> {
        self.words(u32::from_le_bytes)
    }

    fn triples<T: Copy>(values: &[T]) -> Decoded<Vec<[T; 3]>> {
        match values.as_chunks() {
            (triples, []) => Ok(triples.to_vec()),
            _ => Err(DecodeError::Content("list of triples")),
        }
    }

    fn vectors(&mut self) -> Decoded<Vec<[f32; 3]>> {
        Self::triples(&self.floats()?)
    }

    fn value(&mut self) -> Decoded<Value> {
        Ok(match self.byte()? {
            tag::AUDIO => Value::Audio(Arc::new(self.audio()?)),
            tag::FEATURES => Value::Features(Arc::new(self.track()?)),
            tag::EMOTION => Value::Emotion(Arc::new(self.emotion()?)),
            tag::MOTION => Value::Motion(Arc::new(self.track()?)),
            tag::TAKES => Value::Takes(Arc::new(self.list(Self::take)?)),
            tag::RIG => Value::Rig(Arc::new(self.rig()?)),
            tag::NUMBER => Value::Number(self.number()?),
            tag::TEXT => Value::Text(self.text()?.into()),
            tag::FILE => Value::File(Arc::new(self.file()?)),
            _ => return Err(DecodeError::Content("value")),
        })
    }

    /// A position in clip time; what no clip can reach is refused, so that later sums do not overflow.
    fn position(&mut self) -> Decoded<i64> {
        let position = self.long()?.cast_signed();
        if position.unsigned_abs() < 1 << 53 {
            Ok(position)
        } else {
            Err(DecodeError::Content("position in a clip"))
        }
    }

    fn audio(&mut self) -> Decoded<Audio> {
        let (name, sample_rate_hz, start_sample) = (self.text()?, self.word()?, self.position()?);
        if sample_rate_hz == 0 {
            return Err(DecodeError::Content("sample rate"));
        }
        Ok(Audio { name, sample_rate_hz, start_sample, samples: self.floats()? })
    }

    fn track(&mut self) -> Decoded<Track> {
        let rate = FrameRate::new(self.word()?, self.word()?).ok_or(DecodeError::Content("frame rate"))?;
        let start_frame = self.position()?;
        let (channels, values) = (self.list(Self::text)?, self.floats()?);
        let track = Track::new(rate, channels, values).map_err(|_| DecodeError::Content("track"))?;
        Ok(track.starting_at(start_frame))
    }

    fn emotion(&mut self) -> Decoded<Emotion> {
        Emotion::from_track(self.track()?).map_err(|_| DecodeError::Content("emotion"))
    }

    fn take(&mut self) -> Decoded<Take> {
        Ok(Take {
            motion: Arc::new(self.track()?),
            seed: self.long()?,
            log_probability: self.optional(Self::number)?,
        })
    }

    fn file(&mut self) -> Decoded<File> {
        Ok(File {
            extension: self.text()?,
            bytes: self.bytes()?,
            companions: self.list(|it| Ok((it.text()?, it.bytes()?)))?,
        })
    }

    fn rig(&mut self) -> Decoded<Rig> {
        Ok(Rig {
            name: self.text()?,
            meshes: self.list(Self::mesh)?,
            materials: self.list(Self::material)?,
            source: self.optional(Self::source)?.map(Arc::new),
        })
    }

    fn source(&mut self) -> Decoded<SourceDocument> {
        Ok(SourceDocument { json: self.bytes()?, binary: self.bytes()? })
    }

    fn mesh(&mut self) -> Decoded<Mesh> {
        Ok(Mesh {
            name: self.text()?,
            positions: self.vectors()?,
            normals: self.vectors()?,
            primitives: self.list(Self::primitive)?,
            morphs: self.list(Self::morph)?,
            source_node: self.optional(Self::index)?,
        })
    }

    fn index(&mut self) -> Decoded<usize> {
        usize::try_from(self.long()?).map_err(|_| DecodeError::Content("index"))
    }

    fn primitive(&mut self) -> Decoded<Primitive> {
        Ok(Primitive { material: self.index()?, triangles: Self::triples(&self.indices()?)? })
    }

    fn morph(&mut self) -> Decoded<MorphTarget> {
        Ok(MorphTarget {
            name: self.text()?,
            indices: self.indices()?,
            position_offsets: self.vectors()?,
            normal_offsets: self.vectors()?,
        })
    }

    fn material(&mut self) -> Decoded<Material> {
        let name = self.text()?;
        let base_color = self.floats()?.try_into().map_err(|_| DecodeError::Content("color"))?;
        let [metallic, roughness] =
            self.floats()?.try_into().map_err(|_| DecodeError::Content("material"))?;
        Ok(Material { name, base_color, metallic, roughness, double_sided: self.flag()? })
    }
}
