//! Prints how blinks, gaze and head motion compare with real face captures: `performance_statistics [DATA FOLDER]`,
//! by default `ESARM_DATA` or `../shared/data`. The captures hold no head motion, so the head stands alone.
#![expect(clippy::print_stdout, reason = "reports to the terminal")]

use esarm_sta::performance::{Blinks, Gaze, HeadMotion, SettingError, add_blinks, add_gaze, add_head_motion};
use esarm_values::{FrameRate, MOTION_CHANNELS, Track};
use std::error::Error;
use std::path::{Path, PathBuf};

/// Folders of captures and their frames a second.
const CAPTURES: [(&str, u32); 2] = [("livelink_csv", 30), ("neurosync", 60)];
/// Lids closed this far count as a blink, unless they stay closed longer than this, in seconds.
const CLOSED: f32 = 0.45;
const LONGEST_BLINK_SECS: f64 = 0.6;
/// Speed of the eyes that counts as a saccade, in radians a second.
const SACCADE_SPEED: f64 = 0.5;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::args()
        .nth(1)
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("ESARM_DATA").map(PathBuf::from));
    let data = data.unwrap_or(root);
    println!(
        "{:32} {:>7} {:>8} {:>8} {:>9} {:>8}",
        "", "blinks", "closing", "opening", "fixation", "eye yaw"
    );
    println!("{:32} {:>7} {:>8} {:>8} {:>9} {:>8}", "", "a min", "s", "s", "median s", "sd deg");
    for (folder, rate) in CAPTURES {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(data.join(folder))?
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<_>>()?;
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "csv"));
        paths.sort();
        for path in paths {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            report(&name, &read_capture(&path, FrameRate::whole(rate))?);
        }
    }
    report("generated, 10 min", &performed(600.0)?);
    Ok(())
}

/// A still face with all layers, 60 frames a second.
fn performed(secs: f64) -> Result<Track, SettingError> {
    let rate = FrameRate::whole(60);
    let channels: Vec<String> = MOTION_CHANNELS.iter().map(|name| (*name).to_owned()).collect();
    let frames = rate.frames_in(secs);
    let still = Track::new(rate, channels, vec![0.0; frames * MOTION_CHANNELS.len()]).expect("whole frames");
    let head = add_head_motion(&still, &HeadMotion::default(), None, None, 1)?;
    for name in ["headYaw", "headPitch", "headRoll"] {
        let values = column(&head, name);
        let highest = values.iter().fold(0.0_f32, |highest, turn| highest.max(turn.abs()));
        println!(
            "generated {name}: deviation {:.2} degrees, largest {:.2}",
            deviation_deg(&values),
            highest.to_degrees()
        );
    }
    let gaze = add_gaze(&head, &Gaze { stabilise: 0.0, ..Gaze::default() }, None, 1)?;
    add_blinks(&gaze, &Blinks::default(), None, None, 1)
}

fn report(name: &str, motion: &Track) {
    let rate = motion.rate().frames_per_sec();
    let lids: Vec<f32> = column(motion, "eyeBlinkLeft")
        .iter()
        .zip(column(motion, "eyeBlinkRight"))
        .map(|(l, r)| 0.5 * (l + r))
        .collect();
    let blinks = find_blinks(&lids, rate);
    let per_min = blinks.len() as f64 / (lids.len() as f64 / rate / 60.0);
    let closing = median(blinks.iter().map(|blink| blink.0).collect());
    let opening = median(blinks.iter().map(|blink| blink.1).collect());
    let fixation = median(find_fixations(motion, &lids));
    let yaw = deviation_deg(&column(motion, "leftEyeYaw"));
    println!("{name:32} {per_min:7.1} {closing:8.3} {opening:8.3} {fixation:9.2} {yaw:8.2}");
}

/// Closing and opening time of each blink, in seconds, from dip to peak to dip.
fn find_blinks(lids: &[f32], rate: f64) -> Vec<(f64, f64)> {
    let mut blinks = Vec::new();
    let mut index = 1;
    while index < lids.len() {
        if lids[index - 1] <= CLOSED && lids[index] > CLOSED {
            let end = (index..lids.len()).find(|&frame| lids[frame] <= CLOSED).unwrap_or(lids.len());
            let highest = lids[index..end].iter().copied().fold(0.0, f32::max);
            let first = (index..end).find(|&frame| lids[frame] == highest).unwrap_or(index);
            let last = (index..end).rfind(|&frame| lids[frame] == highest).unwrap_or(index);
            let from = (1..=first).rev().find(|&frame| lids[frame - 1] >= lids[frame]).unwrap_or(0);
            let to = (last..lids.len() - 1)
                .find(|&frame| lids[frame + 1] >= lids[frame])
                .unwrap_or(lids.len() - 1);
            if (end - index) as f64 / rate <= LONGEST_BLINK_SECS {
                blinks.push(((first - from) as f64 / rate, (to - last) as f64 / rate));
            }
            index = end;
        }
        index += 1;
    }
    blinks
}

/// Times between saccades with open eyes, in seconds.
fn find_fixations(motion: &Track, lids: &[f32]) -> Vec<f64> {
    let rate = motion.rate().frames_per_sec();
    let (yaw, pitch) = (column(motion, "leftEyeYaw"), column(motion, "leftEyePitch"));
    let fast: Vec<bool> = (1..yaw.len())
        .map(|frame| {
            let step =
                f64::from(yaw[frame] - yaw[frame - 1]).hypot(f64::from(pitch[frame] - pitch[frame - 1]));
            step * rate > SACCADE_SPEED && lids[frame] < 0.3 && lids[frame - 1] < 0.3
        })
        .collect();
    let starts: Vec<usize> = (1..fast.len()).filter(|&frame| fast[frame] && !fast[frame - 1]).collect();
    starts.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / rate).collect()
}

fn column(motion: &Track, name: &str) -> Vec<f32> {
    motion
        .channel_index(name)
        .map_or(vec![0.0; motion.frame_count()], |index| motion.channel(index).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn deviation_deg(values: &[f32]) -> f64 {
    let count = values.len().max(1) as f64;
    let mean = values.iter().copied().map(f64::from).sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum();
    (squares / count).sqrt().to_degrees()
}

/// The channels of a Live Link Face file, by name whatever their case and order.
fn read_capture(path: &Path, rate: FrameRate) -> Result<Track, Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let header: Vec<String> =
        lines.next().unwrap_or_default().split(',').map(|name| name.trim().to_lowercase()).collect();
    let columns: Vec<(&str, usize)> = MOTION_CHANNELS
        .into_iter()
        .filter_map(|name| {
            header.iter().position(|other| *other == name.to_lowercase()).map(|column| (name, column))
        })
        .collect();
    let mut values = Vec::new();
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        if fields.len() >= header.len() {
            values.extend(
                columns.iter().map(|(_, column)| fields[*column].trim().parse::<f32>().unwrap_or_default()),
            );
        }
    }
    let names: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    Ok(Track::new(rate, names, values)?)
}
