//! The formats as nodes.

use crate::{
    ClipInfo, ColumnReport, ExportError, ImportError, audio2face, glb, live_link_csv, npy, usda, wav,
};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, TimeSupport};
use esarm_values::{Digest, File, FrameRate, Hasher, Track, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Every node type of this crate.
pub fn node_types() -> Vec<NodeType> {
    vec![
        NodeType::new(glb_schema(), export_glb),
        NodeType::new(csv_schema(), export_csv),
        NodeType::new(audio2face_schema(), export_audio2face),
        NodeType::new(usda_schema(), export_usda),
        NodeType::new(npy_schema(), export_npy),
        NodeType::new(wav_schema(), export_wav),
        NodeType::new(import_csv_schema(), import_csv).with_fingerprint(file_digest),
        NodeType::new(import_audio2face_schema(), import_audio2face).with_fingerprint(file_digest),
        NodeType::new(import_npy_schema(), import_npy).with_fingerprint(npy_digest),
    ]
}

fn export_schema(type_id: &str, title: &str, help: &str) -> NodeSchema {
    NodeSchema::new(type_id, title, help, Purity::Pure, TimeSupport::Whole)
        .output("file", PortType::File, "The finished file; give the output a name to have it written.")
        .output("report", PortType::Text, "What the file does not carry.")
        .input("motion", PortType::Motion, "The motion to write.")
}

/// Adds what a format with room for it says about the clip.
fn with_origin(schema: NodeSchema) -> NodeSchema {
    schema.optional_input("audio", PortType::Audio, "The speech; its name is kept in the file.").parameter(
        "note",
        ParameterKind::Text { default: String::new() },
        "",
        "A note that is kept in the file, such as the take or the emotion.",
    )
}

fn with_rig(schema: NodeSchema) -> NodeSchema {
    schema.input(
        "rig",
        PortType::Rig,
        "The head; its morph targets are driven by the channels of the same name.",
    )
}

fn info_of(context: &NodeContext<'_>) -> Result<ClipInfo, NodeError> {
    let mut info = ClipInfo::default();
    if context.has_input("audio") {
        info.audio_name = Some(context.audio("audio")?.name.clone());
    }
    if !context.text("note").is_empty() {
        info.notes.insert("note".to_owned(), context.text("note").to_owned());
    }
    Ok(info)
}

fn exported((file, report): (File, ColumnReport)) -> Outputs {
    let mut outputs = output("file", Value::File(Arc::new(file)));
    outputs.insert("report".to_owned(), Value::Text(report.to_string().into()));
    outputs
}

/// The error at the port that it is about.
fn export_error(error: ExportError) -> NodeError {
    let port = if matches!(error, ExportError::Rig { .. }) { "rig" } else { "motion" };
    NodeError::input(port, error)
}

fn glb_schema() -> NodeSchema {
    let help =
        "Writes a rig with its motion as one GLB file: morph-target animation, names in extras.targetNames.";
    with_origin(with_rig(export_schema("export.glb", "Export GLB", help))).parameter(
        "morph_normals",
        ParameterKind::Toggle { default: true },
        "",
        "Write the morph targets' normals: smoother shading in viewers, a larger file. Imported heads stay as they are.",
    )
}

fn export_glb(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let options = glb::GlbOptions { info: info_of(context)?, morph_normals: context.toggle("morph_normals") };
    let result = glb::export(context.rig("rig")?, context.motion("motion")?, &options);
    result.map(exported).map_err(export_error)
}

fn csv_schema() -> NodeSchema {
    let help = "Writes the CSV of Live Link Face: 52 ARKit shapes and nine rotations. Timecodes count sixtieths of a second at every frame rate, as the app writes them.";
    export_schema("export.live_link_csv", "Export Live Link Face CSV", help)
}

fn export_csv(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    live_link_csv::export(context.motion("motion")?).map(exported).map_err(export_error)
}

fn audio2face_schema() -> NodeSchema {
    let help = "Writes blendshape weights as Audio2Face exports them.";
    with_origin(export_schema("export.audio2face_json", "Export Audio2Face JSON", help))
}

fn export_audio2face(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    audio2face::export(context.motion("motion")?, &info_of(context)?).map(exported).map_err(export_error)
}

fn usda_schema() -> NodeSchema {
    let help = "Writes a rig with its motion as USD text with UsdSkel blend shapes.";
    with_origin(with_rig(export_schema("export.usda", "Export USD", help)))
}

fn export_usda(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let result = usda::export(context.rig("rig")?, context.motion("motion")?, &info_of(context)?);
    result.map(exported).map_err(export_error)
}

fn npy_schema() -> NodeSchema {
    let help = "Writes the weights as a NumPy array [frames, channels], with names and rate in a file NAME.npy.json beside it.";
    with_origin(export_schema("export.npy", "Export NPY", help))
}

fn export_npy(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let file = npy::export(context.motion("motion")?, &info_of(context)?).map_err(export_error)?;
    Ok(exported((file, ColumnReport::default())))
}

fn wav_schema() -> NodeSchema {
    let help = "Writes audio as a mono WAV file, so that the sound of a trimmed or louder clip lies beside its animation.";
    NodeSchema::new("export.wav", "Export WAV", help, Purity::Pure, TimeSupport::Whole)
        .output("file", PortType::File, "The finished file; give the output a name to have it written.")
        .output("report", PortType::Text, "How many samples were too loud for the file.")
        .input("audio", PortType::Audio, "The sound to write.")
        .parameter(
            "samples",
            ParameterKind::choice("16-bit", &["16-bit", "float"]),
            "",
            "16-bit integers, which every program reads, or 32-bit floats, which keep every value.",
        )
}

fn export_wav(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let samples = if context.text("samples") == "float" { wav::Samples::Float } else { wav::Samples::Int16 };
    let result = wav::export(context.audio("audio")?, samples);
    result.map(exported).map_err(|error| NodeError::input("audio", error))
}

fn import_schema(type_id: &str, title: &str, help: &str, extension: &str) -> NodeSchema {
    NodeSchema::new(type_id, title, help, Purity::External, TimeSupport::Whole)
        .output("motion", PortType::Motion, "The motion that the file holds.")
        .output("report", PortType::Text, "What was not plain about the file.")
        .parameter(
            "file",
            ParameterKind::File { extensions: vec![extension.to_owned()] },
            "",
            "The file to read.",
        )
}

/// Files larger than this are refused before they are read: about six hours of Live Link Face at 60 frames per second.
const MOST_BYTES: u64 = 1 << 30;

fn read_file(path: &Path) -> Result<Vec<u8>, NodeError> {
    let failed = |message: String| NodeError::parameter("file", format!("{}: {message}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > MOST_BYTES {
        return Err(failed(format!("it has {size} bytes, at most {MOST_BYTES} are read; cut it into parts")));
    }
    std::fs::read(path).map_err(|error| failed(error.to_string()))
}

fn import_error(context: &NodeContext<'_>, error: &ImportError) -> NodeError {
    NodeError::parameter("file", format!("{}: {error}", context.text("file")))
}

fn imported(motion: Track, report: String) -> Outputs {
    let mut outputs = output("motion", Value::Motion(Arc::new(motion)));
    outputs.insert("report".to_owned(), Value::Text(report.into()));
    outputs
}

fn file_digest(context: &NodeContext<'_>) -> Result<Digest, NodeError> {
    Ok(Digest::of(&read_file(&context.file("file")?)?))
}

fn import_csv_schema() -> NodeSchema {
    let help = "Reads a take of Live Link Face: columns in any order and spelling, dropped frames and lost faces bridged.";
    import_schema("import.live_link_csv", "Import Live Link Face CSV", help, "csv")
}

fn import_csv(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let bytes = read_file(&context.file("file")?)?;
    let import = live_link_csv::import(&bytes).map_err(|error| import_error(context, &error))?;
    Ok(imported(import.motion, import.report.to_string()))
}

fn import_audio2face_schema() -> NodeSchema {
    let help =
        "Reads blendshape weights that Audio2Face exported, under any names; shapes take ARKit's spelling.";
    import_schema("import.audio2face_json", "Import Audio2Face JSON", help, "json")
}

fn import_audio2face(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let bytes = read_file(&context.file("file")?)?;
    let motion = audio2face::import(&bytes).map_err(|error| import_error(context, &error))?;
    Ok(imported(motion, String::new()))
}

fn import_npy_schema() -> NodeSchema {
    let help = "Reads a NumPy array [frames, channels]; names and rate come from the file NAME.npy.json beside it, if there is one. Shapes take ARKit's spelling.";
    import_schema("import.npy", "Import NPY", help, "npy").parameter(
        "frames_per_sec",
        ParameterKind::number(60.0, 1.0, 240.0),
        "fps",
        "The rate of an array without a JSON file beside it.",
    )
}

/// The array and the JSON file beside it, if there is one.
fn read_npy(context: &NodeContext<'_>) -> Result<(Vec<u8>, Option<Vec<u8>>), NodeError> {
    let path: PathBuf = context.file("file")?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let beside = |name: &str| -> Result<Option<Vec<u8>>, NodeError> {
        let path = path.with_file_name(name.replace("{stem}", &stem));
        if path.exists() { read_file(&path).map(Some) } else { Ok(None) }
    };
    let companion = match beside(npy::COMPANION_NAME)? {
        Some(companion) => Some(companion),
        None => beside(npy::OLD_COMPANION_NAME)?.filter(|json| npy::is_companion(json)),
    };
    Ok((read_file(&path)?, companion))
}

fn npy_digest(context: &NodeContext<'_>) -> Result<Digest, NodeError> {
    let (bytes, companion) = read_npy(context)?;
    let mut hasher = Hasher::new();
    hasher.bytes(&bytes).bytes(companion.as_deref().unwrap_or_default());
    Ok(hasher.finish())
}

fn import_npy(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let wanted_fps = context.number("frames_per_sec");
    let rate = FrameRate::from_decimal(wanted_fps)
        .ok_or_else(|| NodeError::parameter("frames_per_sec", format!("{wanted_fps} is no frame rate")))?;
    let (bytes, companion) = read_npy(context)?;
    let motion =
        npy::import(&bytes, companion.as_deref(), rate).map_err(|error| import_error(context, &error))?;
    Ok(imported(motion, String::new()))
}
