//! The header: a Python dictionary literal of three keys.

/// Type of the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Float32,
    Float64,
}

/// What the header says, checked against the length of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) element: Element,
    pub(super) channels: usize,
    pub(super) data_at: usize,
}

const MAGIC: &[u8] = b"\x93NUMPY";

impl Header {
    /// Magic, version 1.0 and the dictionary, padded so that the data starts at a multiple of 64 bytes.
    pub(super) fn text_of(frames: usize, channels: usize) -> Vec<u8> {
        let mut text =
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({frames}, {channels}), }}");
        let unpadded = MAGIC.len() + 4 + text.len() + 1;
        text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
        text.push('\n');
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes
    }

    /// Reads and checks a header.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let not_npy = || "this is not an NPY file; save it with numpy.save".to_owned();
        if !bytes.starts_with(MAGIC) {
            return Err(not_npy());
        }
        let (length, start) = match *bytes.get(6..12).ok_or_else(not_npy)? {
            [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([a, b])), 10),
            [2 | 3, _, a, b, c, d] => (u32::from_le_bytes([a, b, c, d]) as usize, 12),
            [version, ..] => return Err(format!("NPY version {version} is not known; versions 1 to 3 are")),
            [] => return Err(not_npy()),
        };
        let data_at = start + length;
        let text = bytes.get(start..data_at).ok_or("the NPY header is cut off; save the array again")?;
        let text =
            std::str::from_utf8(text).map_err(|_| "the NPY header is not text; save the array again")?;
        let element = match entry(text, "descr")?.trim_matches(['\'', '"']) {
            "<f4" => Element::Float32,
            "<f8" => Element::Float64,
            other => return Err(format!("the array holds {other:?}; convert it with array.astype('<f4')")),
        };
        if entry(text, "fortran_order")? != "False" {
            return Err("the array is in Fortran order; convert it with numpy.ascontiguousarray".to_owned());
        }
        let (frames, channels) = shape_of(entry(text, "shape")?)?;
        let size = if element == Element::Float32 { 4 } else { 8 };
        let wanted = frames.checked_mul(channels).and_then(|count| count.checked_mul(size));
        let held = bytes.len() - data_at;
        if wanted != Some(held) {
            return Err(format!(
                "the array should be {frames} x {channels} and the file holds {held} bytes of it"
            ));
        }
        Ok(Self { element, channels, data_at })
    }
}

/// The text of a value in the dictionary, up to the comma or bracket that ends it.
fn entry<'a>(text: &'a str, key: &str) -> Result<&'a str, String> {
    let missing = || format!("the NPY header has no {key}; save the array again");
    let at = text.find(&format!("'{key}'")).ok_or_else(missing)?;
    let value = text[at..].split_once(':').ok_or_else(missing)?.1.trim_start();
    let end =
        if value.starts_with('(') { value.find(')').map(|end| end + 1) } else { value.find([',', '}']) };
    Ok(value[..end.ok_or_else(missing)?].trim())
}

fn shape_of(text: &str) -> Result<(usize, usize), String> {
    let sizes: Option<Vec<usize>> = text
        .trim_matches(['(', ')'])
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty())
        .map(|size| size.parse().ok())
        .collect();
    match sizes.as_deref() {
        Some([frames, channels]) if *channels > 0 => Ok((*frames, *channels)),
        _ => Err(format!("the array's shape is {text}; it must be (frames, channels)")),
    }
}
