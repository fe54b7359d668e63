//! Nodes over time: sources and filters on audio, motion and emotion, written so that every bit counts.

use crate::kit::Context;
use esarm_engine::{NodeError, NodeType, Outputs, Registry, TimeWindow, output};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_values::{Audio, EMOTIONS, Emotion, FrameRate, Track, Value};
use std::sync::Arc;

const FPS: u32 = 60;

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    for node_type in [
        noise("signal.noise", true),
        noise("signal.careless", false),
        gain(),
        smooth(),
        normalise(),
        envelope(),
        average(),
        slower(),
        jitter(),
        mix(),
        emotion_wave(),
        calm(),
        feel(),
        total(),
        fragile(),
        uneven(),
    ] {
        registry.register(node_type).unwrap();
    }
    registry
}

fn schema(type_id: &str, purity: Purity, time_support: TimeSupport) -> NodeSchema {
    NodeSchema::new(type_id, "Test", "A test.", purity, time_support)
}

fn around(before_secs: f64, after_secs: f64) -> TimeSupport {
    TimeSupport::Window { before_secs, after_secs }
}

/// A number in -1..1 that looks random and depends on its arguments alone.
fn hash(seed: u64, index: i64) -> f32 {
    let mut state = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed;
    state = (state ^ (state >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state ^= state >> 29;
    (state >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// Noise of a given length; reads only what it is asked for, or everything. Tells how many samples it made.
pub(crate) fn noise(type_id: &str, careful: bool) -> NodeType {
    let schema = schema(type_id, Purity::Pure, TimeSupport::Pointwise)
        .parameter("seconds", ParameterKind::number(2.0, 0.0, 1e5), "s", "Length.")
        .parameter("rate", ParameterKind::number(8000.0, 8000.0, 192_000.0), "Hz", "Rate.")
        .output("audio", PortType::Audio, "Noise.");
    let evaluate = move |context: &Context<'_>| {
        let rate = context.number("rate");
        let length = (context.number("seconds") * rate).round() as i64;
        let whole = TimeWindow { start_secs: 0.0, end_secs: f64::INFINITY };
        let window = context.window.filter(|_| careful).unwrap_or(whole);
        let first = ((window.start_secs * rate).floor() as i64).clamp(0, length);
        let last = ((window.end_secs * rate).ceil() as i64).clamp(first, length);
        (context.report_progress)(0.5, &format!("{} samples", last - first));
        let audio = Audio {
            name: "noise".to_owned(),
            sample_rate_hz: rate as u32,
            start_sample: first,
            samples: (first..last).map(|index| hash(1, index)).collect(),
        };
        Ok(output("audio", Value::Audio(Arc::new(audio))))
    };
    NodeType::new(schema, evaluate).with_duration(|context| Ok(context.number("seconds")))
}

fn on_audio(context: &Context<'_>, change: impl Fn(&[f32], usize) -> f32) -> Result<Outputs, NodeError> {
    let audio = context.audio("audio")?;
    let samples = (0..audio.samples.len()).map(|index| change(&audio.samples, index)).collect();
    Ok(output("audio", Value::Audio(Arc::new(Audio { samples, ..Audio::clone(audio) }))))
}

fn audio_filter(type_id: &str, time_support: TimeSupport) -> NodeSchema {
    schema(type_id, Purity::Pure, time_support).input("audio", PortType::Audio, "Audio.").output(
        "audio",
        PortType::Audio,
        "Audio.",
    )
}

fn gain() -> NodeType {
    let schema = audio_filter("signal.gain", TimeSupport::Pointwise).parameter(
        "gain",
        ParameterKind::number(0.7, 0.0, 9.0),
        "",
        "Factor.",
    );
    NodeType::new(schema, |context| {
        let gain = context.number("gain") as f32;
        on_audio(context, |samples, index| samples[index] * gain)
    })
}

/// A lopsided filter: 30 samples before, 50 after at 8 kHz.
fn smooth() -> NodeType {
    let schema = audio_filter("signal.smooth", around(30.0 / 8000.0, 50.0 / 8000.0));
    NodeType::new(schema, |context| {
        on_audio(context, |samples, index| {
            let part = &samples[index.saturating_sub(30)..(index + 51).min(samples.len())];
            part.iter().sum::<f32>() / 81.0
        })
    })
}

/// Divides by the loudest sample, which takes the whole clip.
fn normalise() -> NodeType {
    NodeType::new(audio_filter("signal.normalise", TimeSupport::Whole), |context| {
        let peak =
            context.audio("audio")?.samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        on_audio(context, |samples, index| samples[index] / peak)
    })
}

/// Loudness per frame, over 20 ms to both sides.
fn envelope() -> NodeType {
    let schema = schema("signal.envelope", Purity::Pure, around(0.02, 0.02))
        .input("audio", PortType::Audio, "Audio.")
        .output("motion", PortType::Motion, "Loudness.");
    NodeType::new(schema, |context| {
        let audio = context.audio("audio")?;
        let rate = FrameRate::whole(FPS);
        let (start, end) = (audio.start_secs(), audio.start_secs() + audio.duration_secs());
        let first = (start * f64::from(FPS) - 1e-6).ceil() as i64;
        let last = (end * f64::from(FPS) - 1e-6).ceil() as i64;
        let sample = |secs: f64| {
            let index = (secs * f64::from(audio.sample_rate_hz)).round() as i64 - audio.start_sample;
            index.clamp(0, audio.samples.len() as i64) as usize
        };
        let loudness = |frame: i64| {
            let secs = rate.secs_of(frame);
            audio.samples[sample(secs - 0.0199)..sample(secs + 0.0199)].iter().map(|it| it.abs()).sum::<f32>()
        };
        let values = (first..last).flat_map(|frame| [loudness(frame), -loudness(frame)]).collect();
        let track =
            Track::new(rate, ["jawOpen".to_owned(), "mouthClose".to_owned()].to_vec(), values).unwrap();
        Ok(output("motion", Value::Motion(Arc::new(track.starting_at(first)))))
    })
}

fn motion_filter(type_id: &str, purity: Purity, time_support: TimeSupport) -> NodeSchema {
    schema(type_id, purity, time_support).input("motion", PortType::Motion, "Motion.").output(
        "motion",
        PortType::Motion,
        "Motion.",
    )
}

fn on_frames(
    context: &Context<'_>,
    change: impl Fn(&Track, usize, usize) -> f32,
) -> Result<Outputs, NodeError> {
    let track = context.motion("motion")?;
    let width = track.channels().len();
    let mut changed = Track::clone(track);
    for (index, value) in changed.values_mut().iter_mut().enumerate() {
        *value = change(track, index / width, index % width);
    }
    Ok(output("motion", Value::Motion(Arc::new(changed))))
}

/// The mean of seven frames, fewer at the ends.
fn average() -> NodeType {
    let support = around(3.0 / f64::from(FPS), 3.0 / f64::from(FPS));
    NodeType::new(motion_filter("signal.average", Purity::Pure, support), |context| {
        on_frames(context, |track, frame, column| {
            let frames = frame.saturating_sub(3)..(frame + 4).min(track.frame_count());
            let count = frames.len() as f32;
            frames.map(|frame| track.frame(frame)[column]).sum::<f32>() / count
        })
    })
}

/// 24 frames per second by interpolation.
fn slower() -> NodeType {
    let support = around(1.0 / f64::from(FPS), 1.0 / f64::from(FPS));
    NodeType::new(motion_filter("signal.slower", Purity::Pure, support), |context| {
        let track = context.motion("motion")?;
        let rate = FrameRate::whole(24);
        let frame_at = |secs: f64| (secs * 24.0 - 1e-6).ceil() as i64;
        let first = frame_at(track.rate().secs_of(track.start_frame()));
        let last = frame_at(track.rate().secs_of(track.end_frame()));
        let values = (first..last).flat_map(|frame| track.sample(rate.secs_of(frame))).collect();
        let slower = Track::new(rate, track.channels().clone(), values).unwrap();
        Ok(output("motion", Value::Motion(Arc::new(slower.starting_at(first)))))
    })
}

/// Adds noise that depends on the seed and the frame.
fn jitter() -> NodeType {
    NodeType::new(motion_filter("signal.jitter", Purity::Seeded, TimeSupport::Pointwise), |context| {
        on_frames(context, |track, frame, column| {
            track.frame(frame)[column] + hash(context.seed, track.start_frame() + frame as i64)
        })
    })
}

/// The sum of motions, over the frames that all of them have.
fn mix() -> NodeType {
    let schema = schema("signal.mix", Purity::Pure, TimeSupport::Pointwise)
        .many_input("motion", PortType::Motion, "Motions.")
        .output("motion", PortType::Motion, "Their sum.");
    NodeType::new(schema, |context| {
        let tracks: Vec<&Arc<Track>> = context
            .values("motion")
            .iter()
            .map(|value| if let Value::Motion(track) = value { track } else { panic!("no motion") })
            .collect();
        let first = tracks.iter().map(|track| track.start_frame()).max().unwrap();
        let last = tracks.iter().map(|track| track.end_frame()).min().unwrap();
        let mut sum = tracks[0].window(first, last);
        for track in &tracks[1..] {
            let other = track.window(first, last);
            sum.values_mut().iter_mut().zip(other.values()).for_each(|(sum, value)| *sum += value);
        }
        Ok(output("motion", Value::Motion(Arc::new(sum))))
    })
}

/// An emotion that comes and goes, 25 frames per second.
fn emotion_wave() -> NodeType {
    let schema = schema("signal.wave", Purity::Pure, TimeSupport::Pointwise)
        .parameter("seconds", ParameterKind::number(1.5, 0.0, 1e5), "s", "Length.")
        .output("emotion", PortType::Emotion, "The emotion.");
    NodeType::new(schema, |context| {
        let frames = (context.number("seconds") * 25.0) as i64;
        let weight = |frame, column| if column == 1 { hash(3, frame).abs() } else { 0.0 };
        let values = (0..frames).flat_map(|frame| (0..EMOTIONS.len()).map(move |it| weight(frame, it)));
        let emotion = Emotion::from_frames(FrameRate::whole(25), values.collect());
        Ok(output("emotion", Value::Emotion(Arc::new(emotion))))
    })
}

/// An emotion that stays: one frame.
fn calm() -> NodeType {
    let schema = schema("signal.calm", Purity::Pure, TimeSupport::Pointwise).output(
        "emotion",
        PortType::Emotion,
        "The emotion.",
    );
    NodeType::new(schema, |_| Ok(output("emotion", Value::Emotion(Arc::new(Emotion::constant(1, 0.5))))))
}

/// Scales each frame of a motion by happiness at its time.
fn feel() -> NodeType {
    let schema = motion_filter("signal.feel", Purity::Pure, TimeSupport::Pointwise).input(
        "emotion",
        PortType::Emotion,
        "Emotion.",
    );
    NodeType::new(schema, |context| {
        let emotion = context.emotion("emotion")?;
        on_frames(context, |track, frame, column| {
            let secs = track.rate().secs_of(track.start_frame() + frame as i64);
            track.frame(frame)[column] * emotion.weights_at(secs)[1]
        })
    })
}

/// The sum over everything, and the motion itself.
fn total() -> NodeType {
    let schema = motion_filter("signal.total", Purity::Pure, TimeSupport::Whole).output(
        "sum",
        PortType::Number,
        "The sum.",
    );
    NodeType::new(schema, |context| {
        let track = context.motion("motion")?;
        let sum = track.values().iter().map(|value| f64::from(value.abs())).sum();
        let mut outputs = output("sum", Value::Number(sum));
        outputs.insert("motion".to_owned(), Value::Motion(track.clone()));
        Ok(outputs)
    })
}

/// Fails at a certain time of the clip.
fn fragile() -> NodeType {
    let schema = motion_filter("signal.fragile", Purity::Pure, TimeSupport::Pointwise).parameter(
        "at",
        ParameterKind::number(1.0, 0.0, 1e5),
        "s",
        "When.",
    );
    NodeType::new(schema, |context| {
        let track = context.motion("motion")?;
        let at = (context.number("at") * track.rate().frames_per_sec()) as i64;
        if (track.start_frame()..track.end_frame()).contains(&at) {
            return Err(NodeError::failed("broke off"));
        }
        on_frames(context, |track, frame, column| track.frame(frame)[column])
    })
}

/// Says that it works moment by moment, and gives the number of samples that it got.
fn uneven() -> NodeType {
    let schema = schema("signal.uneven", Purity::Pure, TimeSupport::Pointwise)
        .input("audio", PortType::Audio, "Audio.")
        .output("count", PortType::Number, "Samples.");
    NodeType::new(schema, |context| {
        Ok(output("count", Value::Number(context.audio("audio")?.samples.len() as f64)))
    })
}
