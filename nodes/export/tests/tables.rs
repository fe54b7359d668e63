//! Audio2Face JSON and NPY: round trips and what cannot be read.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;

use common::motion;
use esarm_export::{ClipInfo, audio2face, npy};
use esarm_values::{ARKIT_SHAPES, FrameRate, MOTION_CHANNELS, Track};
use proptest::prelude::*;

fn a2f(motion: &Track) -> Vec<u8> {
    audio2face::export(motion, &ClipInfo::default()).unwrap().0.bytes
}

#[test]
fn audio2face_keeps_every_weight_and_its_order() {
    let motion = motion(FrameRate::new(30_000, 1001).unwrap(), 30);
    let read = audio2face::import(&a2f(&motion)).unwrap();
    assert_eq!((read.rate(), read.frame_count(), read.channels().len()), (motion.rate(), 30, 52));
    for name in ARKIT_SHAPES {
        let (a, b) = (read.channel_index(name).unwrap(), motion.channel_index(name).unwrap());
        assert!(read.channel(a).eq(motion.channel(b)), "{name}");
    }
    assert_eq!(read.channels()[14..18], ["jawForward", "jawLeft", "jawRight", "jawOpen"]);
    assert_eq!(read.channels()[51], "tongueOut");
}

#[test]
fn audio2face_takes_any_pose_list() {
    let file = br#"{"exportFps": 60, "trackPath": "a.wav", "numPoses": 2, "numFrames": 2,
        "facsNames": ["JawOpen", "browLowerL"], "weightMat": [[0.5, 1.25], [0, -0.1]], "joints": ["jaw"]}"#;
    let read = audio2face::import(file).unwrap();
    assert_eq!(**read.channels(), ["jawOpen".to_owned(), "browLowerL".to_owned()]);
    assert_eq!(read.values(), [0.5, 1.25, 0.0, -0.1]);
}

#[test]
fn other_spellings_of_shapes_are_read_as_arkit() {
    let file = br#"{"exportFps": 60, "facsNames": ["A25_Jaw_Open", "eyeBlink_L", "eyeBlink_R"],
        "weightMat": [[0.5, 0.25, 1]]}"#;
    let names = ["jawOpen", "eyeBlinkLeft", "eyeBlinkRight"].map(str::to_owned);
    assert_eq!(**audio2face::import(file).unwrap().channels(), names);
    let track = Track::new(
        FrameRate::whole(60),
        ["Face_jawOpen", "EyeBlink.L", "eyeBlinkR"].map(str::to_owned).to_vec(),
        vec![0.5, 0.25, 1.0],
    );
    let file = npy::export(&track.unwrap(), &ClipInfo::default()).unwrap();
    let read = npy::import(&file.bytes, Some(&file.companions[0].1), FrameRate::whole(30)).unwrap();
    assert_eq!(**read.channels(), names);
    assert_eq!(read.values(), [0.5, 0.25, 1.0]);
}

#[test]
fn only_files_that_list_channels_are_companions() {
    assert!(npy::is_companion(br#"{"channels": ["jawOpen"], "frame_rate": [60, 1]}"#));
    for other in [&a2f(&motion(FrameRate::whole(30), 2))[..], b"{}", b"[1]", b"no JSON", b""] {
        assert!(!npy::is_companion(other));
    }
}

#[test]
fn audio2face_errors_name_the_place() {
    let message = |text: &str| audio2face::import(text.as_bytes()).unwrap_err().to_string();
    assert!(message("{\n  \"exportFps\": x").starts_with("line 2, column"));
    let text = |frame: &str| {
        format!(r#"{{"exportFps": 30, "facsNames": ["a", "b"], "weightMat": [[0, 1], {frame}]}}"#)
    };
    assert!(message(&text("[1]")).contains("frame 1 has 1 weights for 2 names"));
    assert!(message(&text("[1, 2]").replace("\"b\"", "\"a\"")).contains("named twice"));
    assert!(message(&text("[1, 2]").replace("30", "0")).contains("exportFps is 0"));
    let endless = message(&text("[1, 1e39]"));
    assert!(endless.contains("number out of range"), "{endless}");
}

#[test]
fn npy_keeps_every_bit() {
    let motion = motion(FrameRate::new(60_000, 1001).unwrap(), 17);
    let file = npy::export(&motion, &ClipInfo::default()).unwrap();
    assert_eq!((file.bytes.len() - 17 * 61 * 4) % 64, 0);
    let (name, companion) = &file.companions[0];
    assert_eq!(name, npy::COMPANION_NAME);
    assert_eq!(npy::import(&file.bytes, Some(companion), FrameRate::whole(30)).unwrap(), motion);
    let bare = npy::import(&file.bytes, None, FrameRate::whole(30)).unwrap();
    assert_eq!((bare.rate(), bare.channels().len()), (FrameRate::whole(30), 61));
    assert!(bare.channels().iter().eq(MOTION_CHANNELS.iter()));
}

/// An NPY file as NumPy writes it, of any header.
fn npy_of(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn npy_reads_doubles_and_refuses_the_rest() {
    let doubles: Vec<u8> = (0..104).flat_map(|value| (f64::from(value) / 104.0).to_le_bytes()).collect();
    let read = npy::import(&npy_of("<f8", "False", "(2, 52)", &doubles), None, FrameRate::whole(30)).unwrap();
    assert_eq!((read.frame_count(), read.values()[52]), (2, 0.5));
    let message = |bytes: &[u8]| npy::import(bytes, None, FrameRate::whole(30)).unwrap_err().to_string();
    assert!(message(b"PK").contains("not an NPY"));
    assert!(message(&npy_of("<i4", "False", "(2, 52)", &doubles)).contains("astype"));
    assert!(message(&npy_of("<f8", "True", "(2, 52)", &doubles)).contains("Fortran"));
    assert!(message(&npy_of("<f8", "False", "(104,)", &doubles)).contains("(frames, channels)"));
    assert!(message(&npy_of("<f8", "False", "(2, 50)", &doubles)).contains("bytes"));
    assert!(message(&npy_of("<f8", "False", "(4, 26)", &doubles)).contains("companion"));
    let huge = format!("({}, {})", usize::MAX, usize::MAX);
    assert!(message(&npy_of("<f8", "False", &huge, &doubles)).contains("bytes"));
}

proptest! {
    #[test]
    fn changed_npy_never_panics(at in 0_usize..2000, byte in any::<u8>(), cut in 0_usize..2000) {
        let mut bytes = npy::export(&motion(FrameRate::whole(30), 4), &ClipInfo::default()).unwrap().bytes;
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(cut.max(at % 200));
        let _ = npy::import(&bytes, None, FrameRate::whole(30));
    }

    #[test]
    fn changed_audio2face_never_panics(at in 0_usize..3000, byte in any::<u8>(), cut in 0_usize..5000) {
        let mut bytes = a2f(&motion(FrameRate::whole(30), 3));
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(cut);
        let _ = audio2face::import(&bytes);
    }

    #[test]
    fn any_motion_survives_npy(values in prop::collection::vec(-2.0_f32..2.0, 1..60), rate in 1_u32..1000) {
        let track = Track::new(FrameRate::whole(rate), vec!["one".to_owned()], values).unwrap();
        let file = npy::export(&track, &ClipInfo::default()).unwrap();
        let read = npy::import(&file.bytes, Some(&file.companions[0].1), FrameRate::whole(1)).unwrap();
        prop_assert_eq!(read, track);
    }
}
