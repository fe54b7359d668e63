//! The blendshape JSON of NVIDIA Audio2Face ("Export blendshape weights"): names and a matrix of weights.
//!
//! An object with `exportFps`, `trackPath`, `numPoses`, `numFrames`, `facsNames` and `weightMat`
//! (`[numFrames][numPoses]`). Solvers with other pose lists exist, so names are taken as they are.

use crate::columns::{check_motion, unused_shapes};
use crate::{ClipInfo, ColumnReport, ExportError, ImportError};
use esarm_values::names::arkit_spellings;
use esarm_values::{ARKIT_SHAPES, File, FrameRate, HEAD_CHANNELS, Track};
use serde::Deserialize;
use std::io::Write as _;

/// Writes the motion's shapes, 52 ARKit names first in the order that Audio2Face gives them and then any others.
/// Rotations have no place in the format and are reported as left out; a pose that the motion lacks is 0.
///
/// # Errors
/// When the motion is empty or not finite, or has no shapes.
pub fn export(motion: &Track, info: &ClipInfo) -> Result<(File, ColumnReport), ExportError> {
    check_motion(motion)?;
    let poses = poses_of(motion);
    if poses.iter().all(|(_, column)| column.is_none()) {
        return Err(ExportError::NothingMapped {
            channels: motion.channels().len(),
            target: "Audio2Face".to_owned(),
            remedy: "the motion has rotations only; give it shapes such as jawOpen".to_owned(),
        });
    }
    let used = |column: usize| poses.iter().any(|(_, source)| *source == Some(column));
    let mut left_out = unused_shapes(motion, used);
    left_out.extend(motion.channels().iter().filter(|name| is_rotation(name)).cloned());
    let at_rest = poses.iter().filter(|(_, column)| column.is_none()).map(|(name, _)| name.clone()).collect();
    let bytes = write_json(motion, info, &poses);
    let report = ColumnReport { left_out, at_rest, notes: Vec::new() };
    Ok((File { extension: "json".to_owned(), bytes, companions: Vec::new() }, report))
}

fn is_rotation(name: &str) -> bool {
    HEAD_CHANNELS.iter().any(|rotation| rotation.eq_ignore_ascii_case(name))
}

/// Pose names with the column that fills each.
fn poses_of(motion: &Track) -> Vec<(String, Option<usize>)> {
    let shapes = crate::live_link_csv::COLUMNS[..52].iter().filter_map(|name| {
        ARKIT_SHAPES.iter().find(|shape| shape.eq_ignore_ascii_case(name)).map(|shape| (*shape).to_owned())
    });
    let mut poses: Vec<(String, Option<usize>)> =
        shapes.map(|shape| (shape.clone(), crate::columns::find_channel(motion, &shape))).collect();
    // The app's table puts right before left in two places, Audio2Face does not.
    for left in ["jawLeft", "mouthLeft"] {
        if let Some(at) = poses.iter().position(|(name, _)| name == left) {
            poses.swap(at - 1, at);
        }
    }
    if poses.iter().all(|(_, column)| column.is_none()) {
        poses.clear();
    }
    for (column, name) in motion.channels().iter().enumerate() {
        if !is_rotation(name) && !poses.iter().any(|(_, source)| *source == Some(column)) {
            poses.push((name.clone(), Some(column)));
        }
    }
    poses
}

fn write_json(motion: &Track, info: &ClipInfo, poses: &[(String, Option<usize>)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(motion.frame_count() * poses.len() * 11 + 4096);
    let names: Vec<&str> = poses.iter().map(|(name, _)| name.as_str()).collect();
    // Writing to memory cannot fail.
    let _ = write!(
        out,
        "{{\"exportFps\":{},\"trackPath\":{},\"numPoses\":{},\"numFrames\":{},\"esarm\":{},\"facsNames\":{},\"weightMat\":[",
        serde_json::json!(motion.rate().frames_per_sec()),
        serde_json::json!(info.audio_name.as_deref().unwrap_or("")),
        poses.len(),
        motion.frame_count(),
        info.to_json(),
        serde_json::json!(names),
    );
    for index in 0..motion.frame_count() {
        let frame = motion.frame(index);
        out.extend(if index == 0 { b"\n[".as_slice() } else { b",\n[" });
        for (position, (_, column)) in poses.iter().enumerate() {
            let value = column.map_or(0.0, |column| frame[column]);
            let _ = write!(out, "{}{value}", if position == 0 { "" } else { "," });
        }
        out.push(b']');
    }
    out.extend(b"\n]}\n");
    out
}

/// The fields that are read; others, such as joints, are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    export_fps: f64,
    facs_names: Vec<String>,
    weight_mat: Vec<Vec<f32>>,
    num_poses: Option<u64>,
    num_frames: Option<u64>,
}

/// Reads the weights under whatever names the file gives them; names that spell an ARKit shape in another way are given
/// ARKit's spelling.
///
/// # Errors
/// Line and column of what is not JSON, or the frame and pose that do not fit.
pub fn import(bytes: &[u8]) -> Result<Track, ImportError> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text);
        ImportError::at(
            error.line(),
            error.column(),
            format!("{message}; an Audio2Face file has exportFps, facsNames and weightMat"),
        )
    })?;
    let rate = FrameRate::from_decimal(document.export_fps).ok_or_else(|| {
        ImportError::whole(format!("exportFps is {}; it must be from 0.001 to 1000000", document.export_fps))
    })?;
    let (poses, frames) = (document.facs_names.len(), document.weight_mat.len());
    for (field, said, found) in
        [("numPoses", document.num_poses, poses), ("numFrames", document.num_frames, frames)]
    {
        if said.is_some_and(|said| said != found as u64) {
            let said = said.unwrap_or(0);
            return Err(ImportError::whole(format!(
                "{field} says {said} and the file holds {found}; export it again"
            )));
        }
    }
    let mut values = Vec::with_capacity(poses.saturating_mul(frames));
    for (frame, weights) in document.weight_mat.iter().enumerate() {
        if weights.len() != poses {
            let message = format!("weightMat frame {frame} has {} weights for {poses} names", weights.len());
            return Err(ImportError::whole(message));
        }
        if let Some(pose) = weights.iter().position(|weight| !weight.is_finite()) {
            let name = &document.facs_names[pose];
            let message =
                format!("weightMat frame {frame}: {name} is {}; write a finite number", weights[pose]);
            return Err(ImportError::whole(message));
        }
        values.extend(weights);
    }
    let names = arkit_spellings(&document.facs_names);
    Track::new(rate, names, values).map_err(|error| ImportError::whole(format!("facsNames: {error}")))
}
