//! Times how fast a voice is followed: `cargo run --release -p esarm-emotion --example voice_speed SPEECH`.
#![expect(clippy::print_stdout, reason = "reports to the terminal")]

use esarm_emotion::voice::{OverTime, VoiceEmotion};
use esarm_kernels::devices::cpu;
use esarm_values::Audio;
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a speech file")?;
    let clip = esarm_audio::load(path.as_ref(), &esarm_audio::LoadOptions::default())?;
    let wanted = 10 * clip.sample_rate_hz as usize;
    let samples: Vec<f32> = clip.samples.iter().copied().cycle().take(wanted).collect();
    let audio = Audio::new(clip.name, clip.sample_rate_hz, samples);
    let start = Instant::now();
    let voice = VoiceEmotion::load_embedded()?;
    println!("weights loaded in {:.2?}", start.elapsed());
    let mut times: Vec<_> = (0..15)
        .map(|_| {
            let start = Instant::now();
            voice.over_time(&audio, &OverTime::default(), &|| true, &cpu()).map(|_| start.elapsed())
        })
        .collect::<Result<_, _>>()?;
    times.sort();
    println!("10 s followed over time: best {:.2?}, median {:.2?}", times[0], times[times.len() / 2]);
    Ok(())
}
