//! The file around the document: GLB chunks, data URIs, and both packed into one JSON and one binary chunk.

use super::RigError;
use super::document::Document;
use base64::Engine as _;
use esarm_values::SourceDocument;
use serde_json::{Value, json};

/// A file taken apart.
pub(super) struct Container<'a> {
    pub(super) json: Vec<u8>,
    binary: Option<&'a [u8]>,
}

/// The document in the shape of a GLB: every buffer in one binary chunk.
pub(super) struct Packed {
    pub(super) document: SourceDocument,
    /// Whether the JSON had to be changed for that.
    pub(super) repacked: bool,
}

/// Takes a GLB or glTF file apart.
pub(super) fn open(bytes: &[u8]) -> Result<Container<'_>, RigError> {
    if bytes.starts_with(b"glTF") {
        return open_glb(bytes);
    }
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Ok(Container { json: text.to_vec(), binary: None }),
        Some(_) => Err(RigError::NotGltf("it begins with neither \"glTF\" nor \"{\"".to_owned())),
        None => Err(RigError::NotGltf("it is empty".to_owned())),
    }
}

fn open_glb(bytes: &[u8]) -> Result<Container<'_>, RigError> {
    let word = |at: usize| -> Result<u32, RigError> {
        let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
        four.map(u32::from_le_bytes).ok_or_else(|| RigError::Truncated("the GLB header".to_owned()))
    };
    let version = word(4)?;
    if version != 2 {
        return Err(RigError::NotGltf(format!("it is GLB version {version}")));
    }
    let length = word(8)? as usize;
    let bytes = bytes.get(..length).ok_or_else(|| {
        RigError::Truncated(format!("a GLB file of {length} bytes of which {} are there", bytes.len()))
    })?;
    let (mut json, mut binary, mut at) = (None, None, 12);
    while at + 8 <= bytes.len() {
        let (size, kind) = (word(at)? as usize, word(at + 4)?);
        let chunk = (at + 8).checked_add(size).and_then(|end| bytes.get(at + 8..end));
        let chunk = chunk.ok_or_else(|| RigError::Truncated("a GLB chunk".to_owned()))?;
        match kind {
            0x4E4F_534A if json.is_none() => json = Some(chunk),
            0x004E_4942 if binary.is_none() => binary = Some(chunk),
            _ => {}
        }
        at += 8 + size.next_multiple_of(4);
    }
    let json = json.ok_or_else(|| RigError::NotGltf("the GLB holds no JSON chunk".to_owned()))?;
    Ok(Container { json: json.to_vec(), binary })
}

impl Container<'_> {
    /// Brings every buffer into one binary chunk. The JSON stays byte for byte where it already is so.
    pub(super) fn pack(self, document: &Document) -> Result<Packed, RigError> {
        let buffers: Vec<Vec<u8>> = (0..document.buffers.len())
            .map(|index| self.read_buffer(document, index))
            .collect::<Result<_, _>>()?;
        if let ([_], Some(_)) = (buffers.as_slice(), self.binary)
            && document.buffers[0].uri.is_none()
        {
            let binary = buffers.into_iter().next().unwrap_or_default();
            return Ok(Packed { document: SourceDocument { json: self.json, binary }, repacked: false });
        }
        let (mut starts, mut binary) = (Vec::new(), Vec::new());
        for buffer in &buffers {
            binary.resize(binary.len().next_multiple_of(4), 0);
            starts.push(binary.len());
            binary.extend(buffer);
        }
        let json = repack_json(&self.json, &starts, binary.len())?;
        Ok(Packed { document: SourceDocument { json, binary }, repacked: true })
    }

    fn read_buffer(&self, document: &Document, index: usize) -> Result<Vec<u8>, RigError> {
        let place = || format!("buffers[{index}]");
        let buffer = &document.buffers[index];
        let mut data = match (&buffer.uri, self.binary) {
            (None, Some(binary)) if index == 0 => binary.get(..buffer.byte_length).map(<[u8]>::to_vec),
            (None, _) => {
                return Err(RigError::invalid(place(), "has no data; export the head as one GLB file"));
            }
            (Some(uri), _) => Some(decode_uri(uri, &place)?),
        };
        if let Some(data) = &mut data
            && data.len() >= buffer.byte_length
        {
            data.truncate(buffer.byte_length);
        } else {
            data = None;
        }
        data.ok_or_else(|| RigError::Truncated(format!("buffers[{index}]")))
    }
}

fn decode_uri(uri: &str, place: &dyn Fn() -> String) -> Result<Vec<u8>, RigError> {
    let shown = || uri.chars().take(80).collect::<String>();
    let Some(rest) = uri.strip_prefix("data:") else { return Err(RigError::ExternalBuffer { uri: shown() }) };
    let Some((_, text)) = rest.split_once(";base64,") else {
        return Err(RigError::invalid(place(), "holds a data URI that is not base64"));
    };
    let decoded = base64::engine::general_purpose::STANDARD.decode(text);
    decoded
        .map_err(|error| RigError::invalid(place(), format!("holds base64 that cannot be decoded: {error}")))
}

/// Points every buffer view into the one binary chunk.
fn repack_json(json: &[u8], starts: &[usize], size_bytes: usize) -> Result<Vec<u8>, RigError> {
    let mut root: Value =
        serde_json::from_slice(json).map_err(|error| super::document::json_error(&error))?;
    for view in root.get_mut("bufferViews").and_then(Value::as_array_mut).into_iter().flatten() {
        let number = |name: &str| view.get(name).and_then(Value::as_u64).unwrap_or(0) as usize;
        // An index beyond the buffers is found when the view is read; it stays out of range.
        if let Some(start) = starts.get(number("buffer")) {
            view["byteOffset"] = number("byteOffset").saturating_add(*start).into();
            view["buffer"] = 0.into();
        }
    }
    root["buffers"] = json!([{ "byteLength": size_bytes }]);
    Ok(root.to_string().into_bytes())
}
