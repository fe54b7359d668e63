//! The nodes of this crate that make heads and pictures; the motion tools have theirs beside them.

use crate::head;
use crate::render::{
    Camera, RenderError, RenderOptions, Renderer, RgbaImage, contact_sheet, drawing_adapter,
};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_values::{Digest, File, FrameRate, Track, Value};
use std::sync::Arc;

/// Every node type of this crate.
pub fn node_types() -> Vec<NodeType> {
    let mut types = vec![NodeType::new(head_schema(), built_in_head), render_type()];
    types.extend(crate::tools::node_types());
    types
}

fn head_schema() -> NodeSchema {
    NodeSchema::new(
        "face.built_in_head",
        "Built-in head",
        "Gives the head that comes with the program, with all 52 ARKit shapes.",
        Purity::Pure,
        TimeSupport::Whole,
    )
    .output("rig", PortType::Rig, "The head.")
}

fn built_in_head(_: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    Ok(output("rig", Value::Rig(head::built_in())))
}

/// Adapters and drivers differ in pixels, so the one that draws is part of what decides the pictures.
fn render_type() -> NodeType {
    NodeType::new(render_schema(), render)
        .with_fingerprint(|_| {
            drawing_adapter().map(|name| Digest::of(name.as_bytes())).map_err(NodeError::failed)
        })
        .on_own_device(|| drawing_adapter().ok().map(str::to_owned))
}

fn render_schema() -> NodeSchema {
    NodeSchema::new(
        "face.render",
        "Render",
        "Draws the rig in motion, as a contact sheet or as one picture per frame.",
        Purity::External,
        TimeSupport::Whole,
    )
    .input("motion", PortType::Motion, "The motion.")
    .input("rig", PortType::Rig, "The rig to draw.")
    .parameter(
        "pictures",
        ParameterKind::choice("sheet", &["sheet", "frames"]),
        "",
        "One sheet of moments, or every frame: the file is then the first, and all are numbered beside it from NAME.000000.png on.",
    )
    .parameter(
        "camera",
        ParameterKind::choice("front", &["front", "three-quarter", "side", "mouth"]),
        "",
        "Where the picture is taken from.",
    )
    .parameter("width", ParameterKind::integer(384, 16, 2048), "px", "Width of a picture.")
    .parameter("height", ParameterKind::integer(384, 16, 2048), "px", "Height of a picture.")
    .parameter(
        "moments",
        ParameterKind::integer(12, 1, 240),
        "",
        "Pictures on a sheet, evenly spread over the clip.",
    )
    .parameter("columns", ParameterKind::integer(4, 1, 24), "", "Pictures in a row of a sheet.")
    .parameter("caption", ParameterKind::Text { default: String::new() }, "", "A line above the pictures of a sheet.")
    .parameter(
        "frame_rate",
        ParameterKind::number(30.0, 1.0, 120.0),
        "fps",
        "Frames per second when every frame is drawn.",
    )
    .output("pictures", PortType::File, "PNG.")
}

fn render(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let motion = context.motion("motion")?;
    let sheet = context.text("pictures") == "sheet";
    let times =
        if sheet { moments(motion, context.integer("moments")) } else { frame_times(context, motion)? };
    let file = if sheet {
        let pictures = draw(context, motion, &times, Ok)?;
        let labels: Vec<String> = times.iter().map(|time| format!("{time:.2} s")).collect();
        let columns = context.integer("columns").unsigned_abs() as usize;
        let picture =
            contact_sheet(&pictures, columns, &labels, context.text("caption")).map_err(NodeError::failed)?;
        File { extension: "png".to_owned(), bytes: png(&picture)?, companions: Vec::new() }
    } else {
        numbered(draw(context, motion, &times, |picture| png(&picture))?)?
    };
    Ok(output("pictures", Value::File(Arc::new(file))))
}

/// The middles of `count` equal parts of the motion, in seconds.
fn moments(motion: &Track, count: i64) -> Vec<f64> {
    let start = motion.rate().secs_of(motion.start_frame());
    let part = motion.duration_secs() / count as f64;
    (0..count).map(|index| start + (index as f64 + 0.5) * part).collect()
}

fn frame_times(context: &NodeContext<'_>, motion: &Track) -> Result<Vec<f64>, NodeError> {
    let rate = context.number("frame_rate");
    let rate = FrameRate::from_decimal(rate).ok_or_else(|| {
        NodeError::parameter("frame_rate", format!("{rate} is no frame rate; use 1 to 120"))
    })?;
    let start = motion.rate().secs_of(motion.start_frame());
    Ok((0..rate.frames_in(motion.duration_secs())).map(|frame| start + rate.secs_of(frame as i64)).collect())
}

/// Draws the motion at each time and keeps of each picture what `finish` makes of it.
fn draw<T>(
    context: &NodeContext<'_>,
    motion: &Track,
    times: &[f64],
    finish: impl Fn(RgbaImage) -> Result<T, NodeError>,
) -> Result<Vec<T>, NodeError> {
    let rig = context.rig("rig")?;
    let camera = Camera::from_name(context.text("camera")).unwrap_or_default();
    let size = |name: &str| context.integer(name).unsigned_abs() as u32;
    let options = RenderOptions { width: size("width"), height: size("height"), ..RenderOptions::default() };
    let mut renderer = Renderer::new(options).map_err(NodeError::failed)?;
    let mut pictures = Vec::with_capacity(times.len());
    for (index, time) in times.iter().enumerate() {
        context.check_cancelled()?;
        (context.report_progress)(index as f64 / times.len() as f64, "drawing");
        pictures.push(finish(renderer.render_motion(rig, motion, *time, camera).map_err(in_place)?)?);
    }
    Ok(pictures)
}

fn in_place(error: RenderError) -> NodeError {
    match error {
        RenderError::Rig(_) => NodeError::input("rig", error),
        other => NodeError::failed(other),
    }
}

/// The first frame, and beside it, when there are more, all of them numbered from 0: programs that read sequences want
/// every frame under a number.
fn numbered(pictures: Vec<Vec<u8>>) -> Result<File, NodeError> {
    let first = pictures.first().ok_or_else(|| NodeError::input("motion", "has no frames to draw"))?;
    let bytes = first.clone();
    let is_sequence = pictures.len() > 1;
    let name = |index: usize| format!("{{stem}}.{index:06}.png");
    let frames = pictures.into_iter().enumerate().filter(|_| is_sequence);
    let companions = frames.map(|(index, bytes)| (name(index), bytes)).collect();
    Ok(File { extension: "png".to_owned(), bytes, companions })
}

fn png(picture: &RgbaImage) -> Result<Vec<u8>, NodeError> {
    picture.to_png().map_err(NodeError::failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_numbered_from_zero_and_single_pictures_stay_plain() {
        let file = numbered(vec![vec![1], vec![2], vec![3]]).unwrap();
        let frame = |name: &str, byte: u8| (name.to_owned(), vec![byte]);
        let frames = ["{stem}.000000.png", "{stem}.000001.png", "{stem}.000002.png"];
        assert_eq!(file.companions, [frame(frames[0], 1), frame(frames[1], 2), frame(frames[2], 3)]);
        assert_eq!(file.bytes, [1]);
        let single = numbered(vec![vec![7]]).unwrap();
        assert_eq!((single.bytes, single.companions.len()), (vec![7], 0));
        assert!(numbered(Vec::new()).is_err());
    }
}
