//! The CSV of Apple's capture app for Unreal, Live Link Face: a timecode, 52 shapes and nine rotations a line.
//!
//! The column order is that of real takes from the app; readers go by name, since other programs order them
//! otherwise. Timecodes are `HH:MM:SS:FF.mmm` where `FF` counts sixtieths of a second at every frame rate.

mod grid;
mod read;
mod timecode;

pub use read::{Import, ImportReport, import};

use crate::columns::{check_motion, find_channels, gather_frame, unused_shapes};
use crate::{ColumnReport, ExportError};
use esarm_values::{File, Track};
use std::io::Write as _;
use timecode::Timecode;

/// The 61 value columns in the order of the app.
pub const COLUMNS: [&str; 61] = [
    "EyeBlinkLeft",
    "EyeLookDownLeft",
    "EyeLookInLeft",
    "EyeLookOutLeft",
    "EyeLookUpLeft",
    "EyeSquintLeft",
    "EyeWideLeft",
    "EyeBlinkRight",
    "EyeLookDownRight",
    "EyeLookInRight",
    "EyeLookOutRight",
    "EyeLookUpRight",
    "EyeSquintRight",
    "EyeWideRight",
    "JawForward",
    "JawRight",
    "JawLeft",
    "JawOpen",
    "MouthClose",
    "MouthFunnel",
    "MouthPucker",
    "MouthRight",
    "MouthLeft",
    "MouthSmileLeft",
    "MouthSmileRight",
    "MouthFrownLeft",
    "MouthFrownRight",
    "MouthDimpleLeft",
    "MouthDimpleRight",
    "MouthStretchLeft",
    "MouthStretchRight",
    "MouthRollLower",
    "MouthRollUpper",
    "MouthShrugLower",
    "MouthShrugUpper",
    "MouthPressLeft",
    "MouthPressRight",
    "MouthLowerDownLeft",
    "MouthLowerDownRight",
    "MouthUpperUpLeft",
    "MouthUpperUpRight",
    "BrowDownLeft",
    "BrowDownRight",
    "BrowInnerUp",
    "BrowOuterUpLeft",
    "BrowOuterUpRight",
    "CheekPuff",
    "CheekSquintLeft",
    "CheekSquintRight",
    "NoseSneerLeft",
    "NoseSneerRight",
    "TongueOut",
    "HeadYaw",
    "HeadPitch",
    "HeadRoll",
    "LeftEyeYaw",
    "LeftEyePitch",
    "LeftEyeRoll",
    "RightEyeYaw",
    "RightEyePitch",
    "RightEyeRoll",
];

/// Writes a motion whose channels carry ARKit names in any case. Values are kept as they are, above 1 too; columns that
/// the motion lacks are 0. The first frame is at timecode 0 plus the motion's start.
///
/// # Errors
/// When the motion is empty or not finite, or none of its channels has a column.
pub fn export(motion: &Track) -> Result<(File, ColumnReport), ExportError> {
    check_motion(motion)?;
    let columns = find_channels(motion, COLUMNS);
    if columns.iter().all(Option::is_none) {
        return Err(ExportError::NothingMapped {
            channels: motion.channels().len(),
            target: "Live Link Face".to_owned(),
            remedy: "its columns have ARKit names such as jawOpen; retarget the motion to them".to_owned(),
        });
    }
    let bytes = write_table(motion, &columns);
    let at_rest = COLUMNS.iter().zip(&columns).filter(|(_, column)| column.is_none());
    let report = ColumnReport {
        left_out: unused_shapes(motion, |column| columns.contains(&Some(column))),
        at_rest: at_rest.map(|(name, _)| (*name).to_owned()).collect(),
        notes: Vec::new(),
    };
    Ok((File { extension: "csv".to_owned(), bytes, companions: Vec::new() }, report))
}

/// Bytes of one line: a timecode, the count, and 61 values of about thirteen characters.
const LINE_BYTES: usize = 16 + 3 + 61 * 13;

fn write_table(motion: &Track, columns: &[Option<usize>]) -> Vec<u8> {
    let mut out = Vec::with_capacity((motion.frame_count() + 2) * LINE_BYTES);
    out.extend(b"Timecode,BlendShapeCount,");
    out.extend(COLUMNS.join(",").as_bytes());
    out.push(b'\n');
    let start = motion.start_frame().max(0);
    let mut values = vec![0.0; columns.len()];
    for index in 0..motion.frame_count() {
        gather_frame(motion.frame(index), columns, &mut values);
        // Writing to memory cannot fail.
        let _ = write!(out, "{},{}", Timecode::of_frame(motion.rate(), start + index as i64), COLUMNS.len());
        for value in &values {
            let _ = write!(out, ",{value:.10}");
        }
        out.push(b'\n');
    }
    out
}
