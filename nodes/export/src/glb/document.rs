//! A glTF document being built: JSON arrays and the binary chunk that they point into.

use super::binary::{Binary, Part, write_glb};
use crate::{ClipInfo, ExportError};
use serde_json::{Map, Value, json};

pub(super) const FLOAT: u32 = 5126;
pub(super) const UNSIGNED_SHORT: u32 = 5123;
pub(super) const UNSIGNED_INT: u32 = 5125;

/// What a buffer view is for, where glTF wants to know.
#[derive(Clone, Copy)]
pub(super) enum ViewUse {
    /// Vertex attributes.
    Vertices = 34962,
    /// Triangle indices.
    Indices = 34963,
    /// Everything else.
    Other = 0,
}

/// The document and its binary chunk.
#[derive(Default)]
pub(super) struct Document<'a> {
    pub(super) json: Map<String, Value>,
    pub(super) binary: Binary<'a>,
}

impl<'a> Document<'a> {
    /// Adds to a top-level array and gives the index.
    pub(super) fn push(&mut self, array: &str, item: Value) -> usize {
        let slot = self.json.entry(array).or_insert_with(|| Value::Array(Vec::new()));
        if !slot.is_array() {
            *slot = Value::Array(Vec::new());
        }
        slot.as_array_mut().map_or(0, |items| {
            items.push(item);
            items.len() - 1
        })
    }

    /// Adds data and a buffer view of it.
    pub(super) fn view(&mut self, part: Part<'a>, usage: ViewUse) -> usize {
        let (offset, length) = self.binary.push(part);
        let mut view = json!({ "buffer": 0, "byteOffset": offset, "byteLength": length });
        if !matches!(usage, ViewUse::Other) {
            view["target"] = (usage as u32).into();
        }
        self.push("bufferViews", view)
    }

    /// Adds vertex positions with their bounds, or other vectors without.
    pub(super) fn vectors(&mut self, vectors: &'a [[f32; 3]], with_bounds: bool) -> usize {
        let view = self.view(Part::Vectors(vectors), ViewUse::Vertices);
        let mut accessor =
            json!({ "bufferView": view, "componentType": FLOAT, "count": vectors.len(), "type": "VEC3" });
        if with_bounds {
            let (low, high) = bounds(vectors);
            accessor["min"] = json!(low);
            accessor["max"] = json!(high);
        }
        self.push("accessors", accessor)
    }

    /// Adds floats as an accessor of `kind` (`SCALAR`, `VEC4`) with `count` elements.
    pub(super) fn floats(&mut self, part: Part<'a>, kind: &str, count: usize) -> usize {
        let view = self.view(part, ViewUse::Other);
        let accessor = json!({ "bufferView": view, "componentType": FLOAT, "count": count, "type": kind });
        self.push("accessors", accessor)
    }

    /// Writes where the file came from into `extras.esarm` of an object of the document.
    pub(super) fn describe(object: &mut Value, info: &ClipInfo, rate: esarm_values::FrameRate) {
        let mut description = info.to_json();
        description["frames_per_sec"] = rate.to_string().into();
        let extras = &mut object["extras"];
        if !extras.is_object() {
            *extras = json!({});
        }
        extras["esarm"] = description;
    }

    /// Closes the document into a GLB file.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, ExportError> {
        let size_bytes = self.binary.size_bytes();
        let buffers = self.json.entry("buffers").or_insert_with(|| json!([{}]));
        match buffers.get_mut(0) {
            Some(buffer) if buffer.is_object() => buffer["byteLength"] = size_bytes.into(),
            _ => *buffers = json!([{ "byteLength": size_bytes }]),
        }
        let json = Value::Object(self.json).to_string();
        write_glb(json.as_bytes(), &self.binary)
    }
}

/// Lowest and highest value of each component; zeros for none.
pub(crate) fn bounds(vectors: &[[f32; 3]]) -> ([f32; 3], [f32; 3]) {
    let Some(first) = vectors.first() else { return ([0.0; 3], [0.0; 3]) };
    vectors.iter().fold((*first, *first), |(mut low, mut high), vector| {
        for axis in 0..3 {
            low[axis] = low[axis].min(vector[axis]);
            high[axis] = high[axis].max(vector[axis]);
        }
        (low, high)
    })
}
