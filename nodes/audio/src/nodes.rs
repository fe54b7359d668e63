//! The nodes of this crate: the plain functions with schemas.

use crate::features::{LOG_MEL_REACH_SECS, MelOptions, ONSETS_REACH_SECS, PROSODY_REACH_SECS};
use crate::voice_activity::{VOICE_ACTIVITY_REACH_SECS, VoiceActivitySettings};
use crate::{AudioError, Channel, LoadOptions, MAX_RATE_HZ, StreamResampler};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, Range, TimeSupport};
use esarm_kernels::KernelError;
use esarm_kernels::devices::Device;
use esarm_values::{Audio, Digest, FrameRate, Hasher, Track, Value};
use std::io::Read;
use std::sync::Arc;

/// Every node type of this crate.
pub fn node_types() -> Vec<NodeType> {
    vec![
        NodeType::new(load_schema(), load).with_fingerprint(file_digest).with_duration(duration),
        NodeType::new(resample_schema(), resample).on_run_device(),
        NodeType::new(trim_schema(), trim),
        NodeType::new(gain_schema(), gain),
        NodeType::new(loudness_schema(), loudness),
        NodeType::new(voice_activity_schema(), voice_activity).on_run_device(),
        NodeType::new(log_mel_schema(), log_mel).on_run_device(),
        NodeType::new(prosody_schema(), prosody).on_run_device(),
        NodeType::new(onsets_schema(), onsets).on_run_device(),
        NodeType::new(beats_schema(), beats).on_run_device(),
    ]
}

/// Sampling rates that are offered; the rates between which speech is exchanged in practice.
const RATES_HZ: [&str; 12] = [
    "8000", "11025", "16000", "22050", "24000", "32000", "44100", "48000", "88200", "96000", "176400",
    "192000",
];
/// Choice of [`load`] that keeps the rate of the file.
const RATE_OF_FILE: &str = "file";

fn around(reach_secs: f64) -> TimeSupport {
    TimeSupport::Window { before_secs: reach_secs, after_secs: reach_secs }
}

/// A number with a slider range narrower than what is allowed.
fn number(default: f64, soft: (f64, f64), hard: (f64, f64)) -> ParameterKind {
    let (soft, hard) = (Range::new(soft.0, soft.1), Range::new(hard.0, hard.1));
    ParameterKind::Number { default, soft, hard, animatable: false }
}

/// The device that the run asks for.
fn device(context: &NodeContext<'_>) -> Result<Device, NodeError> {
    esarm_kernels::devices::device(context.device).map_err(NodeError::failed)
}

/// The node's error; settings have the names of parameters.
fn node_error(error: AudioError) -> NodeError {
    match error {
        AudioError::Cancelled => NodeError::Cancelled,
        AudioError::Setting { name, .. } => NodeError::parameter(name, error),
        // Settings of kernels that nodes have under the same name.
        AudioError::Kernel(KernelError::Setting {
            name: name @ ("low_hz" | "high_hz" | "tempo_bpm"),
            ..
        }) => NodeError::parameter(name, error),
        AudioError::In { .. } => NodeError::parameter("file", error),
        error => NodeError::failed(error),
    }
}

fn audio_output(audio: Audio) -> Outputs {
    output("audio", Value::Audio(Arc::new(audio)))
}

fn features_output(port: &str, track: Track) -> Outputs {
    output(port, Value::Features(Arc::new(track)))
}

fn load_schema() -> NodeSchema {
    let rates: Vec<&str> = [RATE_OF_FILE].into_iter().chain(RATES_HZ).collect();
    let extensions = ["wav", "flac", "mp3", "ogg"].map(str::to_owned).to_vec();
    NodeSchema::new(
        "audio.load",
        "Load speech",
        "Reads a WAV, FLAC, MP3 or Ogg Vorbis file as mono audio.",
        Purity::External,
        TimeSupport::Pointwise,
    )
    .output("audio", PortType::Audio, "The speech, mono.")
    .parameter(
        "file",
        ParameterKind::File { extensions },
        "",
        "The file to read; its format is told by its content.",
    )
    .parameter(
        "channel",
        ParameterKind::choice("mix", &["mix", "left", "right"]),
        "",
        "Which channel to take: the mean of all, the first or the second.",
    )
    .parameter(
        "sample_rate",
        ParameterKind::choice("16000", &rates),
        "Hz",
        "Sampling rate of the result; \"file\" keeps that of the file.",
    )
    .parameter(
        "allow_damaged",
        ParameterKind::Toggle { default: false },
        "",
        "Accept truncated and damaged files: use what is there, with silence for what cannot be decoded.",
    )
}

fn load(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let path = context.file("file")?;
    let options = LoadOptions {
        channel: match context.text("channel") {
            "left" => Channel::Left,
            "right" => Channel::Right,
            _ => Channel::Mix,
        },
        sample_rate_hz: rate_of(context.text("sample_rate")),
        start_secs: context.window.map_or(0.0, |window| window.start_secs.max(0.0)),
        duration_secs: context.window.map(|window| (window.end_secs - window.start_secs.max(0.0)).max(0.0)),
        lenient: context.toggle("allow_damaged"),
    };
    let mut report = |fraction: f64| {
        (context.report_progress)(fraction, "reading");
        context.check_cancelled().is_ok()
    };
    crate::load_with_progress(&path, &options, &mut report).map(audio_output).map_err(node_error)
}

fn duration(context: &NodeContext<'_>) -> Result<f64, NodeError> {
    crate::clip_secs(&context.file("file")?, context.toggle("allow_damaged")).map_err(node_error)
}

/// The chosen rate; `None` for that of the file.
fn rate_of(choice: &str) -> Option<u32> {
    choice.parse().ok()
}

/// Digest of the file's content, block by block.
fn file_digest(context: &NodeContext<'_>) -> Result<Digest, NodeError> {
    let path = context.file("file")?;
    let unreadable = |error: std::io::Error| node_error(AudioError::Read(error).in_file(&path));
    let mut file = std::fs::File::open(&path).map_err(unreadable)?;
    let (mut hasher, mut block) = (Hasher::new(), vec![0; 1 << 20]);
    loop {
        context.check_cancelled()?;
        match file.read(&mut block).map_err(unreadable)? {
            0 => return Ok(hasher.finish()),
            count => hasher.bytes(&block[..count]),
        };
    }
}

fn resample_schema() -> NodeSchema {
    NodeSchema::new(
        "audio.resample",
        "Resample",
        "Changes the sampling rate without shifting time.",
        Purity::Pure,
        around(StreamResampler::MAX_REACH_SECS),
    )
    .input("audio", PortType::Audio, "Any audio.")
    .output("audio", PortType::Audio, "The same at the chosen rate.")
    .parameter(
        "sample_rate",
        ParameterKind::choice("16000", &RATES_HZ),
        "Hz",
        "Sampling rate of the result.",
    )
}

fn resample(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let rate_hz = rate_of(context.text("sample_rate")).unwrap_or(MAX_RATE_HZ);
    let resampled = crate::resample(context.audio("audio")?, rate_hz, &device(context)?);
    resampled.map(audio_output).map_err(node_error)
}

fn trim_schema() -> NodeSchema {
    NodeSchema::new(
        "audio.trim",
        "Trim",
        "Cuts a clip to given times and drops the silence at its ends; the result begins at 0, so an animation made from it fits the cut sound, not the file that was read: save that with export.wav.",
        Purity::Pure,
        TimeSupport::Whole,
    )
    .input("audio", PortType::Audio, "The clip.")
    .output("audio", PortType::Audio, "The part that is left, as a clip of its own.")
    .parameter("start_secs", number(0.0, (0.0, 60.0), (0.0, 1e6)), "s", "Where the part begins.")
    .parameter(
        "end_secs",
        number(0.0, (0.0, 60.0), (0.0, 1e6)),
        "s",
        "Where the part ends; 0 for the end of the clip.",
    )
    .parameter(
        "drop_silence",
        ParameterKind::Toggle { default: true },
        "",
        "Whether silence at the ends goes.",
    )
    .parameter(
        "threshold_db",
        number(40.0, (20.0, 60.0), (1.0, 120.0)),
        "dB",
        "How far below the loudest 10 ms silence lies.",
    )
    .parameter(
        "keep_secs",
        number(0.1, (0.0, 1.0), (0.0, 3600.0)),
        "s",
        "Silence that stays at both ends.",
    )
}

fn trim(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let end_secs = Some(context.number("end_secs")).filter(|end| *end > 0.0);
    let part =
        crate::trim(context.audio("audio")?, context.number("start_secs"), end_secs).map_err(node_error)?;
    if !context.toggle("drop_silence") {
        return Ok(audio_output(part));
    }
    let trimmed = crate::trim_silence(&part, context.number("threshold_db"), context.number("keep_secs"));
    trimmed.map(audio_output).map_err(node_error)
}

fn gain_schema() -> NodeSchema {
    let (soft, hard) = (Range::new(-24.0, 24.0), Range::new(-120.0, 60.0));
    NodeSchema::new(
        "audio.gain",
        "Gain",
        "Makes audio louder or softer.",
        Purity::Pure,
        TimeSupport::Pointwise,
    )
    .input("audio", PortType::Audio, "Any audio.")
    .output("audio", PortType::Audio, "The same, louder or softer; nothing is clipped.")
    .parameter(
        "gain_db",
        ParameterKind::Number { default: 0.0, soft, hard, animatable: true },
        "dB",
        "Gain; -6 halves the amplitude.",
    )
}

fn gain(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let audio = context.audio("audio")?;
    match context.curve("gain_db") {
        Some(curve) => Ok(audio_output(crate::gain_over_time(audio, |secs| curve.value_at(secs)))),
        None => crate::gain(audio, context.number("gain_db")).map(audio_output).map_err(node_error),
    }
}

fn loudness_schema() -> NodeSchema {
    NodeSchema::new(
        "audio.loudness",
        "Normalise loudness",
        "Brings a clip to a loudness by EBU R 128, without clipping or compressing it.",
        Purity::Pure,
        TimeSupport::Whole,
    )
    .input("audio", PortType::Audio, "The clip.")
    .output("audio", PortType::Audio, "The clip at the loudness that is wanted.")
    .output("measured_lufs", PortType::Number, "Loudness of the input in LUFS; -70 for silence.")
    .parameter(
        "target_lufs",
        number(-23.0, (-36.0, -9.0), (-70.0, 0.0)),
        "LUFS",
        "Integrated loudness of the result.",
    )
    .parameter(
        "peak_limit_db",
        number(-1.0, (-12.0, 0.0), (-60.0, 0.0)),
        "dBFS",
        "The highest sample rises no further than this, even if the loudness is then not reached.",
    )
}

fn loudness(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let audio = context.audio("audio")?;
    let measured = crate::integrated_loudness(audio).unwrap_or(-70.0);
    let normalised =
        crate::normalise_loudness(audio, context.number("target_lufs"), context.number("peak_limit_db"));
    let mut outputs = audio_output(normalised.map_err(node_error)?);
    outputs.insert("measured_lufs".to_owned(), Value::Number(measured));
    Ok(outputs)
}

fn voice_activity_schema() -> NodeSchema {
    NodeSchema::new(
        "audio.voice_activity",
        "Voice activity",
        "Finds where somebody speaks, by energy, spectrum and pitch against the noise of the room.",
        Purity::Pure,
        around(VOICE_ACTIVITY_REACH_SECS),
    )
    .input("audio", PortType::Audio, "The speech.")
    .output("activity", PortType::Features, "Channel \"speech\", 0 to 1, at 100 frames a second.")
    .parameter(
        "threshold_db",
        number(0.0, (-6.0, 6.0), (-12.0, 12.0)),
        "dB",
        "Raises or lowers what counts as speech; higher hears less.",
    )
}

fn voice_activity(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let settings = VoiceActivitySettings { threshold_db: context.number("threshold_db") };
    let track = crate::voice_activity(context.audio("audio")?, &settings, &device(context)?);
    let track = track.map_err(node_error)?;
    Ok(features_output("activity", track))
}

fn rate_parameter(schema: NodeSchema) -> NodeSchema {
    let kind = number(100.0, (25.0, 120.0), (10.0, 1000.0));
    schema.parameter("frames_per_sec", kind, "fps", "Frames a second.")
}

fn frame_rate(context: &NodeContext<'_>) -> Result<FrameRate, NodeError> {
    let rate = FrameRate::from_decimal(context.number("frames_per_sec"));
    rate.ok_or_else(|| {
        NodeError::parameter("frames_per_sec", "is no frame rate; choose one between 10 and 1000")
    })
}

fn log_mel_schema() -> NodeSchema {
    let schema = NodeSchema::new(
        "audio.log_mel",
        "Log-mel",
        "Gives the spectrum over time in mel bands, as natural logarithms of power.",
        Purity::Pure,
        around(LOG_MEL_REACH_SECS + 0.05),
    )
    .input("audio", PortType::Audio, "The speech.")
    .output("features", PortType::Features, "Channels mel_00, mel_01 and so on, from low to high.");
    let bands =
        ParameterKind::Integer { default: 80, soft: Range::new(20.0, 128.0), hard: Range::new(1.0, 256.0) };
    rate_parameter(schema)
        .parameter("bands", bands, "", "Number of mel bands.")
        .parameter(
            "window_secs",
            number(0.025, (0.010, 0.064), (0.005, 0.1)),
            "s",
            "Length of the Hann window.",
        )
        .parameter(
            "low_hz",
            number(0.0, (0.0, 300.0), (0.0, 90_000.0)),
            "Hz",
            "Lower edge of the lowest band.",
        )
        .parameter(
            "high_hz",
            number(8000.0, (4000.0, 16_000.0), (100.0, 96_000.0)),
            "Hz",
            "Upper edge of the highest band; half the sampling rate of the audio where that is lower.",
        )
}

fn log_mel(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let audio = context.audio("audio")?;
    let options = MelOptions {
        rate: frame_rate(context)?,
        bands: context.integer("bands") as usize,
        window_secs: context.number("window_secs"),
        low_hz: context.number("low_hz"),
        high_hz: context.number("high_hz").min(f64::from(audio.sample_rate_hz) / 2.0),
        ..MelOptions::default()
    };
    let track = crate::log_mel(audio, &options, &device(context)?);
    track.map(|track| features_output("features", track)).map_err(node_error)
}

fn prosody_schema() -> NodeSchema {
    let schema = NodeSchema::new(
        "audio.prosody",
        "Prosody",
        "Measures how a voice speaks: pitch, voicing, energy, timbre and speaking rate.",
        Purity::Pure,
        around(PROSODY_REACH_SECS),
    )
    .input("audio", PortType::Audio, "The speech.")
    .output(
        "features",
        PortType::Features,
        "Channels f0_hz, voicing, energy_db, centroid_hz, flux and rate_hz.",
    );
    rate_parameter(schema)
        .parameter(
            "low_hz",
            number(60.0, (50.0, 120.0), (20.0, 400.0)),
            "Hz",
            "Lowest pitch that is looked for.",
        )
        .parameter(
            "high_hz",
            number(500.0, (300.0, 700.0), (100.0, 1000.0)),
            "Hz",
            "Highest pitch that is looked for.",
        )
}

fn prosody(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let (low_hz, high_hz) = (context.number("low_hz"), context.number("high_hz"));
    let (audio, rate, device) = (context.audio("audio")?, frame_rate(context)?, device(context)?);
    let track = crate::prosody(audio, rate, low_hz, high_hz, &device);
    track.map(|track| features_output("features", track)).map_err(node_error)
}

fn onsets_schema() -> NodeSchema {
    NodeSchema::new(
        "audio.onsets",
        "Onsets",
        "Finds where sounds begin, by the rise of the spectrum.",
        Purity::Pure,
        around(ONSETS_REACH_SECS),
    )
    .input("audio", PortType::Audio, "Speech or music.")
    .output(
        "onsets",
        PortType::Features,
        "Channels strength, in decibels, and onset, 0 or 1, at 100 frames a second.",
    )
    .parameter("delta_db", number(3.0, (0.0, 10.0), (0.0, 100.0)), "dB", "How far an onset stands out.")
}

fn onsets(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let (audio, delta_db) = (context.audio("audio")?, context.number("delta_db"));
    let track = crate::onsets(audio, delta_db, &device(context)?).map_err(node_error)?;
    Ok(features_output("onsets", track))
}

fn beats_schema() -> NodeSchema {
    NodeSchema::new(
        "audio.beats",
        "Beats",
        "Finds the pulse of a clip and its tempo.",
        Purity::Pure,
        TimeSupport::Whole,
    )
    .input("audio", PortType::Audio, "Speech or music.")
    .output("beats", PortType::Features, "Channel beat, 0 or 1, at 100 frames a second.")
    .output("tempo_bpm", PortType::Number, "Beats per minute; 0 when nothing repeats.")
    .parameter(
        "tempo_bpm",
        number(0.0, (0.0, 200.0), (0.0, 300.0)),
        "bpm",
        "The tempo from 30 on; 0 estimates it.",
    )
}

fn beats(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let tempo = Some(context.number("tempo_bpm")).filter(|bpm| *bpm > 0.0);
    let found = crate::beats(context.audio("audio")?, tempo, &device(context)?);
    let (track, tempo) = found.map_err(node_error)?;
    let mut outputs = features_output("beats", track);
    outputs.insert("tempo_bpm".to_owned(), Value::Number(tempo.unwrap_or(0.0)));
    Ok(outputs)
}

#[cfg(test)]
mod tests;
