//! The binary chunk: laid out first, so that every offset is known, and written once.

use crate::ExportError;
use crate::columns::gather_frame;
use esarm_values::Track;

/// A run of data in the binary chunk, borrowed where it can be.
pub(super) enum Part<'a> {
    /// Bytes as they are.
    Bytes(&'a [u8]),
    /// Vectors of three floats.
    Vectors(&'a [[f32; 3]]),
    /// Floats made for the export.
    Floats(Vec<f32>),
    /// Indices that are known to fit 16 bits.
    Narrow(&'a [u32]),
    /// 32-bit indices.
    Wide(&'a [u32]),
    /// Weights of every frame: for each column of the output the motion's column, or none for 0.
    Weights(&'a Track, Vec<Option<usize>>),
}

impl Part<'_> {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Vectors(vectors) => size_of_val(*vectors),
            Self::Floats(floats) => floats.len() * 4,
            Self::Narrow(indices) => indices.len() * 2,
            Self::Wide(indices) => indices.len() * 4,
            Self::Weights(motion, columns) => motion.frame_count() * columns.len() * 4,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bytes(bytes) => out.extend_from_slice(bytes),
            Self::Vectors(vectors) => write_floats(out, vectors.as_flattened()),
            Self::Floats(floats) => write_floats(out, floats),
            Self::Narrow(indices) => {
                out.extend(indices.iter().flat_map(|index| (*index as u16).to_le_bytes()));
            }
            Self::Wide(indices) => out.extend(indices.iter().flat_map(|index| index.to_le_bytes())),
            Self::Weights(motion, columns) => {
                let mut weights = vec![0.0; columns.len()];
                for frame in 0..motion.frame_count() {
                    gather_frame(motion.frame(frame), columns, &mut weights);
                    write_floats(out, &weights);
                }
            }
        }
    }
}

fn write_floats(out: &mut Vec<u8>, floats: &[f32]) {
    let start = out.len();
    out.resize(start + floats.len() * 4, 0);
    for (slot, float) in out[start..].chunks_exact_mut(4).zip(floats) {
        slot.copy_from_slice(&float.to_le_bytes());
    }
}

/// The parts of a binary chunk, each at a multiple of four bytes.
#[derive(Default)]
pub(super) struct Binary<'a> {
    parts: Vec<Part<'a>>,
    size_bytes: usize,
}

impl<'a> Binary<'a> {
    /// Adds a part and gives its offset and length in bytes.
    pub(super) fn push(&mut self, part: Part<'a>) -> (usize, usize) {
        let (offset, length) = (self.size_bytes, part.size_bytes());
        self.size_bytes += length.next_multiple_of(4);
        self.parts.push(part);
        (offset, length)
    }

    /// Length of all parts with their padding.
    pub(super) fn size_bytes(&self) -> usize {
        self.size_bytes
    }
}

const GLB_LIMIT_BYTES: u64 = u32::MAX as u64;

/// Joins a JSON and a binary chunk to a GLB file (glTF 2.0, 4.4).
pub(super) fn write_glb(json: &[u8], binary: &Binary<'_>) -> Result<Vec<u8>, ExportError> {
    let json_bytes = json.len().next_multiple_of(4);
    let total_bytes = 12 + 8 + json_bytes + 8 + binary.size_bytes;
    if total_bytes as u64 > GLB_LIMIT_BYTES {
        return Err(ExportError::TooLarge {
            bytes: total_bytes as u64,
            format: "GLB",
            limit: GLB_LIMIT_BYTES,
        });
    }
    let mut out = Vec::with_capacity(total_bytes);
    out.extend(b"glTF");
    out.extend(2_u32.to_le_bytes());
    out.extend((total_bytes as u32).to_le_bytes());
    out.extend((json_bytes as u32).to_le_bytes());
    out.extend(b"JSON");
    out.extend(json);
    out.resize(20 + json_bytes, b' ');
    out.extend((binary.size_bytes as u32).to_le_bytes());
    out.extend(b"BIN\0");
    for part in &binary.parts {
        part.write(&mut out);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    debug_assert_eq!(out.len(), total_bytes);
    Ok(out)
}
