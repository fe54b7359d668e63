//! Trains the shipped voice-emotion weights and writes them with their card.
//!
//! `cargo run -p esarm-emotion --example train_voice_emotion [EMO-DB folder] [output folder]`; the folder of EMO-DB
//! defaults to `emodb` in `ESARM_DATA` or `../shared/data`, the output to `assets/models`.
#![expect(clippy::print_stdout, reason = "reports to the terminal")]

use esarm_emotion::voice::{TrainingClip, emodb, model_card, train};
use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = std::env::var_os("ESARM_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
    let folder = arguments.first().map_or_else(|| data.join("emodb"), PathBuf::from);
    let output = arguments.get(1).map_or_else(|| root.join("assets/models"), PathBuf::from);

    let clips = read_clips(&folder)?;
    let (classifier, report) = train(&clips)?;
    let known =
        |name: &str| clips.iter().any(|clip| clip.audio.name.split('.').next() == name.split('.').next());
    let latin1 = std::fs::read(folder.join("erkennung.txt"))?;
    let text: String = latin1.iter().map(|byte| char::from(*byte)).collect();
    let card = model_card(&report, &emodb::listener_recall(&text, known));
    println!("{card}");
    std::fs::write(output.join("voice_emotion.safetensors"), classifier.to_safetensors()?)?;
    std::fs::write(output.join("voice_emotion.md"), card)?;
    Ok(())
}

fn read_clips(folder: &Path) -> Result<Vec<TrainingClip>, Box<dyn Error>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder.join("audio"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    let mut clips = Vec::with_capacity(paths.len());
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some((speaker, class)) = emodb::parse_name(&name) {
            let audio = esarm_audio::load(&path, &esarm_audio::LoadOptions::default())?;
            clips.push(TrainingClip { speaker, class, audio });
        }
    }
    Ok(clips)
}
