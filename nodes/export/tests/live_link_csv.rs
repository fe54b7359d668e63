//! Live Link Face CSV: round trips, real takes, and what cannot be read.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;

use common::{data, motion};
use esarm_export::live_link_csv::{COLUMNS, export, import};
use esarm_values::{FrameRate, Track};
use proptest::prelude::*;

fn text_of(motion: &Track) -> String {
    String::from_utf8(export(motion).unwrap().0.bytes).unwrap()
}

fn assert_same(read: &Track, written: &Track) {
    assert_eq!((read.rate(), read.frame_count()), (written.rate(), written.frame_count()));
    for (column, name) in read.channels().iter().enumerate() {
        let source = written.channel_index(name).unwrap();
        for (frame, (a, b)) in read.channel(column).zip(written.channel(source)).enumerate() {
            assert!((a - b).abs() < 1e-6, "{name} frame {frame}: {a} and {b}");
        }
    }
}

#[test]
fn what_is_written_is_read_back_at_the_exact_rate() {
    let rates =
        [(24, 1), (25, 1), (30, 1), (30_000, 1001), (50, 1), (60_000, 1001), (60, 1), (120, 1), (25, 2)];
    for (numerator, denominator) in rates {
        let motion = motion(FrameRate::new(numerator, denominator).unwrap(), 300);
        let read = import(text_of(&motion).as_bytes()).unwrap();
        assert!(!read.report.resampled && read.report.filled_frames == 0);
        assert_same(&read.motion, &motion);
    }
}

#[test]
fn columns_go_by_name_in_any_order_and_case() {
    let motion = motion(FrameRate::whole(60), 20);
    let turned: Vec<String> = text_of(&motion)
        .lines()
        .enumerate()
        .map(|(index, line)| {
            let cells: Vec<&str> = line.split(',').rev().collect();
            let line = cells.join(",").replace("BlendShapeCount", "BlendshapeCount");
            if index == 0 { line.to_uppercase() } else { line }
        })
        .collect();
    assert_same(&import(turned.join("\r\n").as_bytes()).unwrap().motion, &motion);
}

#[test]
fn columns_of_other_programs_are_known_by_their_spelling() {
    let motion = motion(FrameRate::whole(60), 4);
    let text = text_of(&motion);
    let (header, lines) = text.split_once('\n').unwrap();
    let respelt = |name: &str| match name {
        "Timecode" | "BlendShapeCount" | "HeadYaw" | "HeadPitch" | "HeadRoll" => name.to_owned(),
        name if name.contains("EyeYaw") || name.contains("EyePitch") || name.contains("EyeRoll") => {
            name.to_owned()
        }
        name => format!("CC_Base_{}", name.replace("Left", "_L").replace("Right", "_R")),
    };
    let header: Vec<String> = header.split(',').map(respelt).collect();
    let read = import(format!("{}\n{lines}", header.join(",")).as_bytes()).unwrap();
    assert_same(&read.motion, &motion);
    let twice = text.replace("Timecode,", "Timecode,jawopen,");
    assert!(import(twice.as_bytes()).unwrap_err().to_string().contains("is there twice"));
}

#[test]
fn weights_above_one_are_kept_and_counted() {
    let mut motion = motion(FrameRate::whole(60), 5);
    motion.values_mut()[24] = 1.0533;
    let read = import(text_of(&motion).as_bytes()).unwrap();
    assert_eq!(read.report.beyond_range, 1);
    assert!((read.motion.values()[24] - 1.0533).abs() < 1e-6);
}

#[test]
fn dropped_lines_are_interpolated() {
    let motion = motion(FrameRate::whole(30), 40);
    let text = text_of(&motion);
    let kept: Vec<&str> =
        text.lines().enumerate().filter(|(line, _)| ![6, 7, 20].contains(line)).map(|(_, l)| l).collect();
    let read = import(kept.join("\n").as_bytes()).unwrap();
    assert_eq!((read.report.filled_frames, read.motion.frame_count()), (3, 40));
    let jaw: Vec<f32> = read.motion.channel(24).collect();
    let expected: Vec<f32> = motion.channel(24).collect();
    let middle = expected[4] + (expected[7] - expected[4]) / 3.0;
    assert!((jaw[5] - middle).abs() < 1e-6);
    assert!((jaw[8] - expected[8]).abs() < 1e-6);
}

#[test]
fn errors_name_line_and_cell() {
    let text = text_of(&motion(FrameRate::whole(60), 6));
    let message = |text: &str| import(text.as_bytes()).unwrap_err().to_string();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut cells: Vec<&str> = lines[3].split(',').collect();
    cells[19] = "wide";
    lines[3] = cells.join(",");
    let wrong_value = message(&lines.join("\n"));
    assert!(wrong_value.starts_with("line 4, column 20: jawOpen is \"wide\""), "{wrong_value}");
    let cut = message(&text[..text.len() - 30]);
    assert!(cut.starts_with("line 7, column 61"), "{cut}");
    let missing = message(&text.replacen("JawOpen", "Jaw_Wide", 1));
    assert!(missing.contains("jawOpen") && !missing.contains("jawLeft"), "{missing}");
    let doubled = message(&text.replacen("JawLeft", "JawOpen", 1));
    assert!(doubled.contains("twice"), "{doubled}");
    let backwards = message(&text.replacen("00:00:00:04.000", "00:00:00:00.500", 1));
    assert!(backwards.starts_with("line 6, column 1: the timecode goes back"), "{backwards}");
    assert!(message("").contains("empty"));
    assert!(message(text.lines().next().unwrap()).contains("no lines of values"));
    assert!(message("a,b\n1,2").contains("Timecode"));
}

#[test]
fn lines_without_a_face_are_bridged() {
    let motion = motion(FrameRate::whole(60), 12);
    let lines: Vec<String> = text_of(&motion)
        .lines()
        .enumerate()
        .map(
            |(line, text)| {
                if [1, 6, 7, 12].contains(&line) { format!("{},0", &text[..15]) } else { text.to_owned() }
            },
        )
        .collect();
    let read = import(lines.join("\n").as_bytes()).unwrap();
    assert_eq!((read.report.faceless_lines, read.motion.frame_count()), (4, 12));
    let (jaw, expected): (Vec<f32>, Vec<f32>) =
        (read.motion.channel(24).collect(), motion.channel(24).collect());
    let bridged = expected[4] + (expected[7] - expected[4]) * 2.0 / 3.0;
    let wanted = [(0, expected[1]), (4, expected[4]), (6, bridged), (11, expected[10])];
    assert!(wanted.iter().all(|(frame, value)| (jaw[*frame] - value).abs() < 1e-6), "{jaw:?}");
}

#[test]
fn a_file_without_tongue_is_read() {
    let text = text_of(&motion(FrameRate::whole(60), 3)).replacen("TongueOut", "Tongue Extra", 1);
    let read = import(text.as_bytes()).unwrap();
    assert_eq!(read.report.missing, ["tongueOut"]);
    assert!(read.motion.channel_index("Tongue Extra").is_some());
}

#[test]
fn real_takes_are_read_and_our_header_is_theirs() {
    let test = "real_takes_are_read_and_our_header_is_theirs";
    let Some(path) = data(test, "livelink_csv/alexdjulin_apfel.csv") else { return };
    let bytes = std::fs::read(path).unwrap();
    let real_header = std::str::from_utf8(&bytes).unwrap().lines().next().unwrap().to_owned();
    assert_eq!(real_header, format!("Timecode,BlendShapeCount,{}", COLUMNS.join(",")));
    let read = import(&bytes).unwrap();
    assert_eq!(read.motion.rate(), FrameRate::whole(30));
    assert_eq!(read.report.faceless_lines, 35);
    assert!(read.report.beyond_range > 0, "{:?}", read.report);
    assert!(read.motion.values().iter().any(|value| *value > 1.07));
    assert_eq!(text_of(&read.motion).lines().next().unwrap(), real_header);
}

#[test]
fn takes_of_a_drifting_clock_keep_their_length() {
    let Some(path) =
        data("takes_of_a_drifting_clock_keep_their_length", "neurosync/Sad_MySlate_167_iPhone_cal.csv")
    else {
        return;
    };
    let read = import(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(read.motion.rate(), FrameRate::whole(60));
    // 1825 lines at 59.904 per second: 30.45 s, which are 1827.9 frames at 60 per second.
    assert!(read.report.resampled);
    assert_eq!(read.motion.frame_count(), 1827);
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(at in 0_usize..4000, byte in any::<u8>(), cut in 0_usize..4000) {
        let mut bytes = text_of(&motion(FrameRate::whole(30), 4)).into_bytes();
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(cut.max(at));
        let _ = import(&bytes);
    }

    #[test]
    fn any_timecodes_never_panic(codes in prop::collection::vec("[0-9]{2}:[0-5][0-9]:[0-5][0-9]:[0-9]{2}", 1..6)) {
        let text = text_of(&motion(FrameRate::whole(30), codes.len()));
        let mut lines = text.lines();
        let mut changed = lines.next().unwrap().to_owned();
        for (line, code) in lines.zip(&codes) {
            changed += &format!("\n{code}{}", &line[15..]);
        }
        let _ = import(changed.as_bytes());
    }
}
