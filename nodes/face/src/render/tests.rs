//! What a picture of the built-in head must show. Drawn in software, so that every machine draws alike.

use super::{Camera, RenderError, RenderOptions, Renderer, RgbaImage};
use crate::head;
use esarm_values::{FrameRate, Track};

/// A small software renderer, or a declared skip where there is no adapter.
fn renderer(test: &str) -> Option<Renderer> {
    let options = RenderOptions { width: 160, height: 192, samples: 4, software: true };
    match Renderer::new(options) {
        Ok(renderer) => Some(renderer),
        Err(RenderError::NoAdapter(reason)) => {
            println!("SKIPPED {test}: no software graphics adapter ({reason}); install mesa-vulkan-drivers");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Number of pixels that differ visibly in a part of the picture given in shares of its size.
fn differing(a: &RgbaImage, b: &RgbaImage, rows: std::ops::Range<f32>) -> usize {
    let row_of = |share: f32| (share * a.height as f32) as usize * a.width as usize;
    let range = row_of(rows.start)..row_of(rows.end);
    let differs = |(x, y): (&[u8; 4], &[u8; 4])| x.iter().zip(y).any(|(x, y)| x.abs_diff(*y) > 24);
    a.pixels[range.clone()].iter().zip(&b.pixels[range]).filter(|pair| differs(*pair)).count()
}

#[test]
fn pictures_repeat_and_show_the_pose() {
    let Some(mut renderer) = renderer("pictures_repeat_and_show_the_pose") else { return };
    let rig = head::built_in();
    let mut draw = |weights: &[(&str, f32)]| {
        renderer.render_frame(&rig, weights.iter().copied(), Camera::Front).unwrap()
    };
    let neutral = draw(&[]);
    assert_eq!((neutral.width, neutral.height, neutral.pixels.len()), (160, 192, 160 * 192));
    assert_eq!(neutral, draw(&[]), "the same pose gives the same pixels");
    assert_eq!(
        neutral,
        draw(&[("notAShape", 1.0), ("jawOpen", f32::NAN)]),
        "unknown names and NaN change nothing"
    );
    let open = draw(&[("JAWOPEN", 1.0)]);
    assert!(differing(&neutral, &open, 0.6..1.0) > 150, "an open jaw is seen in the lower half");
    assert!(differing(&neutral, &open, 0.0..0.4) < 20, "and hardly in the upper");
    let blink = draw(&[("eyeBlinkLeft", 1.0), ("eyeBlinkRight", 1.0)]);
    assert!(differing(&neutral, &blink, 0.3..0.6) > 60 && differing(&neutral, &blink, 0.65..1.0) < 10);
    let turned = draw(&[("headYaw", 0.4)]);
    assert!(differing(&neutral, &turned, 0.0..1.0) > 1000);
}

#[test]
fn the_face_stands_in_the_light_before_the_backdrop() {
    let Some(mut renderer) = renderer("the_face_stands_in_the_light_before_the_backdrop") else { return };
    let rig = head::built_in();
    let none: [(&str, f32); 0] = [];
    let picture = renderer.render_frame(&rig, none, Camera::Front).unwrap();
    let at = |x: u32, y: u32| picture.pixels[(y * picture.width + x) as usize];
    let [red, green, blue, alpha] = at(60, 115);
    assert!(red > 150 && red > green && green > blue && alpha == 255, "the cheek is {red} {green} {blue}");
    let [red, green, blue, _] = at(4, 4);
    assert!(red.abs_diff(blue) < 40 && red < 150 && green < 150, "the corner is {red} {green} {blue}");
}

#[test]
fn every_camera_sees_the_head_and_motions_are_sampled() {
    let Some(mut renderer) = renderer("every_camera_sees_the_head_and_motions_are_sampled") else { return };
    let rig = head::built_in();
    let motion = Track::new(FrameRate::whole(2), vec!["jawOpen".to_owned()], vec![0.0, 1.0]).unwrap();
    for name in ["front", "three-quarter", "side", "mouth"] {
        let camera = Camera::from_name(name).unwrap();
        let shut = renderer.render_motion(&rig, &motion, 0.0, camera).unwrap();
        let open = renderer.render_motion(&rig, &motion, 0.5, camera).unwrap();
        assert!(differing(&shut, &open, 0.0..1.0) > 80, "{name}");
    }
    assert_eq!(Camera::from_name("above"), None);
}

#[test]
fn options_out_of_range_are_named() {
    let refused = |options| match Renderer::new(options) {
        Err(error @ RenderError::Options { .. }) => error.to_string(),
        other => panic!("{:?}", other.err()),
    };
    let options = RenderOptions::default();
    assert!(refused(RenderOptions { width: 0, ..options }).contains("width is 0"));
    assert!(refused(RenderOptions { height: 4096, ..options }).contains("1 to 2048"));
    assert!(refused(RenderOptions { samples: 3, ..options }).contains("1 or 4"));
}
