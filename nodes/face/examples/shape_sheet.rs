//! Draws the built-in head as contact sheets: every shape at full strength, and the basic emotions.
//!
//! `cargo run -p esarm-face --example shape_sheet -- FOLDER [neutral|shapes|emotions|jawOpen=1,mouthSmileLeft=0.5]`

use esarm_face::head;
use esarm_face::render::{Camera, RenderError, RenderOptions, Renderer, RgbaImage, contact_sheet};
use esarm_values::ARKIT_SHAPES;
use std::path::{Path, PathBuf};

type Failure = Box<dyn std::error::Error>;
type Pose = (String, Vec<(&'static str, f32)>);

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name the folder to write into")?);
    let wanted = arguments.next();
    std::fs::create_dir_all(&folder)?;
    let is_wanted = |name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
    if is_wanted("neutral") {
        four_views(&folder.join("neutral.png"), &[])?;
    }
    if let Some(pose) = wanted.as_deref().filter(|wanted| wanted.contains('=')) {
        let action = |part: &str| {
            let (name, weight) = part.split_once('=')?;
            Some((name.to_owned(), weight.parse::<f32>().ok()?))
        };
        let pose: Option<Vec<(String, f32)>> = pose.split(',').map(action).collect();
        four_views(&folder.join("pose.png"), &pose.ok_or("a pose is NAME=WEIGHT,NAME=WEIGHT...")?)?;
    }
    if is_wanted("shapes") {
        sheet(&folder.join("shapes-front.png"), &shapes(), 256, Camera::Front, 9)?;
        sheet(&folder.join("shapes-three-quarter.png"), &shapes(), 256, Camera::ThreeQuarter, 9)?;
    }
    if is_wanted("emotions") {
        sheet(&folder.join("emotions.png"), &emotions(), 384, Camera::Front, 4)?;
    }
    Ok(())
}

fn four_views(path: &Path, pose: &[(String, f32)]) -> Result<(), Failure> {
    let rig = head::built_in();
    let mut renderer = renderer(700)?;
    let cameras = [Camera::Front, Camera::ThreeQuarter, Camera::Side, Camera::Mouth];
    let mut draw = |camera: &Camera| {
        renderer.render_frame(&rig, pose.iter().map(|(name, weight)| (name.as_str(), *weight)), *camera)
    };
    let pictures: Result<Vec<RgbaImage>, RenderError> = cameras.iter().map(&mut draw).collect();
    let sheet = contact_sheet(&pictures?, 2, &["front", "three-quarter", "side", "mouth"], "")?;
    std::fs::write(path, sheet.to_png()?)?;
    Ok(())
}

fn sheet(path: &Path, poses: &[Pose], pixels: u32, camera: Camera, columns: usize) -> Result<(), Failure> {
    let rig = head::built_in();
    let mut renderer = renderer(pixels)?;
    let draw = |(_, pose): &Pose| renderer.render_frame(&rig, pose.iter().copied(), camera);
    let pictures: Result<Vec<RgbaImage>, RenderError> = poses.iter().map(draw).collect();
    let labels: Vec<&String> = poses.iter().map(|(label, _)| label).collect();
    std::fs::write(path, contact_sheet(&pictures?, columns, &labels, "")?.to_png()?)?;
    Ok(())
}

fn renderer(pixels: u32) -> Result<Renderer, RenderError> {
    Renderer::new(RenderOptions { width: pixels, height: pixels, ..RenderOptions::default() })
}

fn shapes() -> Vec<Pose> {
    let pose = |name: &'static str| {
        let open = match name {
            "mouthClose" | "tongueOut" => 0.5,
            _ => 0.0,
        };
        let weight = if name == "mouthClose" { 0.5 } else { 1.0 };
        let mut weights = vec![(name, weight)];
        if open > 0.0 {
            weights.push(("jawOpen", open));
        }
        (name.to_owned(), weights)
    };
    std::iter::once(("neutral".to_owned(), Vec::new())).chain(ARKIT_SHAPES.map(pose)).collect()
}

/// Facial action presets of the basic emotions; names without a side stand for both sides.
fn emotions() -> Vec<Pose> {
    let presets: [(&str, &[(&str, f32)]); 8] = [
        ("neutral", &[]),
        ("happy", &[("cheekSquint", 0.7), ("mouthSmile", 0.8), ("eyeSquint", 0.3), ("mouthDimple", 0.2)]),
        (
            "sad",
            &[
                ("browInnerUp", 0.7),
                ("browDown", 0.2),
                ("mouthFrown", 0.6),
                ("mouthShrugLower", 0.4),
                ("eyeBlink", 0.15),
            ],
        ),
        (
            "angry",
            &[
                ("browDown", 0.8),
                ("eyeWide", 0.3),
                ("eyeSquint", 0.4),
                ("mouthPress", 0.5),
                ("noseSneer", 0.3),
                ("jawForward", 0.2),
            ],
        ),
        (
            "fear",
            &[
                ("browInnerUp", 0.7),
                ("browOuterUp", 0.4),
                ("eyeWide", 0.7),
                ("mouthStretch", 0.5),
                ("jawOpen", 0.15),
            ],
        ),
        (
            "disgust",
            &[
                ("noseSneer", 0.8),
                ("mouthUpperUp", 0.5),
                ("browDown", 0.3),
                ("mouthFrown", 0.3),
                ("eyeSquint", 0.3),
            ],
        ),
        ("surprise", &[("browInnerUp", 0.7), ("browOuterUp", 0.8), ("eyeWide", 0.6), ("jawOpen", 0.3)]),
        ("contempt", &[("mouthSmileRight", 0.4), ("mouthDimpleRight", 0.6), ("mouthPress", 0.2)]),
    ];
    presets.map(|(label, actions)| (label.to_owned(), actions.iter().flat_map(both_sides).collect())).into()
}

fn both_sides((action, weight): &(&str, f32)) -> Vec<(&'static str, f32)> {
    let named = |shape: &&'static str| {
        *shape == *action || shape.strip_prefix(action).is_some_and(|side| side == "Left" || side == "Right")
    };
    ARKIT_SHAPES.into_iter().filter(|shape| named(shape)).map(|shape| (shape, *weight)).collect()
}
