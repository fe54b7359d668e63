//! NPY: a `[frames, channels]` array of NumPy, with the channel names and the frame rate in a JSON file beside it.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>, versions 1 to 3.

mod header;

use crate::columns::check_motion;
use crate::{ClipInfo, ExportError, ImportError};
use esarm_values::names::arkit_spellings;
use esarm_values::{ARKIT_SHAPES, File, FrameRate, MOTION_CHANNELS, Track};
use header::{Element, Header};
use serde::{Deserialize, Serialize};

/// What the JSON file beside the array says.
#[derive(Debug, Serialize, Deserialize)]
struct Companion {
    channels: Vec<String>,
    /// Numerator and denominator of the frames per second.
    frame_rate: [u32; 2],
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    esarm: serde_json::Value,
}

/// Name of the file beside the array; `{stem}` stands for the array's file name without its ending.
///
/// Not `{stem}.json`: that is the name of an Audio2Face file of the same take.
pub const COMPANION_NAME: &str = "{stem}.npy.json";

/// Name that older versions gave the companion file, and that other programs' files of the same take may have.
pub const OLD_COMPANION_NAME: &str = "{stem}.json";

/// Whether a JSON file describes an array: it lists channels. Others that happen to lie beside one do not.
pub fn is_companion(json: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Listed {
        channels: Option<Vec<serde::de::IgnoredAny>>,
    }
    serde_json::from_slice::<Listed>(json).is_ok_and(|listed| listed.channels.is_some())
}

/// Writes 32-bit little-endian floats in C order, and the companion file.
///
/// # Errors
/// When the motion is empty or not finite.
pub fn export(motion: &Track, info: &ClipInfo) -> Result<File, ExportError> {
    check_motion(motion)?;
    let mut bytes = Header::text_of(motion.frame_count(), motion.channels().len());
    bytes.reserve_exact(motion.values().len() * 4);
    bytes.extend(motion.values().iter().flat_map(|value| value.to_le_bytes()));
    let companion = Companion {
        channels: motion.channels().to_vec(),
        frame_rate: [motion.rate().numerator(), motion.rate().denominator()],
        esarm: info.to_json(),
    };
    let companion = serde_json::json!(companion).to_string().into_bytes();
    Ok(File { extension: "npy".to_owned(), bytes, companions: vec![(COMPANION_NAME.to_owned(), companion)] })
}

/// Reads `[frames, channels]` floats of 32 or 64 bits. Without a companion file 52 columns are the ARKit shapes in
/// alphabetical order, 61 those and the nine rotations, and the rate is `rate`. Names that spell an ARKit shape in
/// another way are given ARKit's spelling.
///
/// # Errors
/// What the array or the companion file holds that cannot be read.
pub fn import(bytes: &[u8], companion: Option<&[u8]>, rate: FrameRate) -> Result<Track, ImportError> {
    let header = Header::read(bytes).map_err(ImportError::whole)?;
    let companion = companion.map(read_companion).transpose()?;
    let (channels, rate) = match companion {
        Some((channels, rate)) => (channels, rate),
        None => (usual_channels(header.channels)?, rate),
    };
    if channels.len() != header.channels {
        return Err(ImportError::whole(format!(
            "the array has {} columns and the companion file names {}; they must agree",
            header.channels,
            channels.len()
        )));
    }
    let values = read_values(&bytes[header.data_at..], &header);
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        let (frame, channel) = (index / header.channels, index % header.channels);
        return Err(ImportError::whole(format!(
            "frame {frame}, column {channel} is {}; weights must be finite numbers",
            values[index]
        )));
    }
    Track::new(rate, channels, values).map_err(|error| ImportError::whole(format!("companion file: {error}")))
}

fn read_companion(bytes: &[u8]) -> Result<(Vec<String>, FrameRate), ImportError> {
    let companion: Companion = serde_json::from_slice(bytes).map_err(|error| {
        let message =
            format!("companion file: {error}; it holds channels and frame_rate [numerator, denominator]");
        ImportError::at(error.line(), error.column(), message)
    })?;
    let [numerator, denominator] = companion.frame_rate;
    let rate = FrameRate::new(numerator, denominator).ok_or_else(|| {
        ImportError::whole(format!(
            "companion file: frame_rate is {numerator}/{denominator}; both must be above 0"
        ))
    })?;
    Ok((arkit_spellings(&companion.channels), rate))
}

fn usual_channels(count: usize) -> Result<Vec<String>, ImportError> {
    let names: &[&str] = match count {
        52 => &ARKIT_SHAPES,
        61 => &MOTION_CHANNELS,
        _ => {
            return Err(ImportError::whole(format!(
                "the array has {count} columns; 52 or 61 can be read by their order, others need a companion file of the same name with ending .npy.json that lists channels"
            )));
        }
    };
    Ok(names.iter().map(|name| (*name).to_owned()).collect())
}

fn read_values(data: &[u8], header: &Header) -> Vec<f32> {
    match header.element {
        Element::Float32 => data
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .collect(),
        Element::Float64 => {
            let eight = |bytes: &[u8]| -> [u8; 8] { std::array::from_fn(|index| bytes[index]) };
            data.chunks_exact(8).map(|bytes| f64::from_le_bytes(eight(bytes)) as f32).collect()
        }
    }
}
