//! What the shipped generator promises for any speech.

use esarm_sta::generator::{
    GenerateOptions, Generator, GeneratorError, RECEPTIVE_SECS_AFTER, RECEPTIVE_SECS_BEFORE,
};
use esarm_values::{ARKIT_SHAPES, Audio, EMOTIONS, Emotion, FrameRate, arkit_index};

/// Syllables of a buzz with moving formants, and rests between them.
fn babble(duration_secs: f64) -> Audio {
    let rate = 16_000.0;
    let samples = (0..(duration_secs * rate) as usize).map(|n| {
        let secs = n as f64 / rate;
        let syllable = (secs * 3.7).fract();
        let resting = (secs / 2.9).fract() > 0.75;
        let envelope = if resting { 0.0 } else { (syllable * std::f64::consts::PI).sin().powi(2) };
        let pitch = 130.0 + 30.0 * (secs * 0.9).sin();
        let formant = 500.0 + 300.0 * (secs * 2.3).sin();
        let buzz: f64 = (1..30)
            .map(|k| {
                let hz = pitch * f64::from(k);
                (std::f64::consts::TAU * hz * secs).sin() / (1.0 + ((hz - formant) / 300.0).powi(2))
            })
            .sum();
        (0.1 * envelope * buzz) as f32
    });
    Audio::new("babble", 16_000, samples.collect())
}

fn generator() -> Generator {
    Generator::load_embedded().expect("the shipped weights fit")
}

#[test]
fn a_window_with_its_context_gives_what_the_whole_clip_gives() {
    let (generator, audio) = (generator(), babble(26.0));
    let emotion = Emotion::constant(1, 0.8);
    let options = GenerateOptions { seed: 4, ..GenerateOptions::default() };
    let whole = generator.generate(&audio, &emotion, &options).unwrap().motion;
    for (first, last) in [(0, 30), (600, 660), (1190, 1210), (1500, 1560)] {
        let start = ((first as f64 / 60.0 - RECEPTIVE_SECS_BEFORE) * 16_000.0).floor() as i64;
        let end = (((last - 1) as f64 / 60.0 + RECEPTIVE_SECS_AFTER) * 16_000.0).ceil() as i64;
        let window = GenerateOptions { frames: Some(first..last), ..options.clone() };
        let part = generator.generate(&audio.window(start, end), &emotion, &window).unwrap().motion;
        let expected = whole.window(first, last);
        assert_eq!((part.start_frame(), part.frame_count()), (first, expected.frame_count()));
        let worst =
            part.values().iter().zip(expected.values()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-4, "frames {first}..{last} differ by {worst}");
    }
}

#[test]
fn any_length_and_frame_rate_gives_weights_in_range() {
    let generator = generator();
    for frames_per_sec in [12.5, 24.0, 29.97, 60.0, 120.0] {
        for duration_secs in [0.0, 1.0 / 16_000.0, 0.3, 2.0] {
            let frame_rate = FrameRate::from_decimal(frames_per_sec).unwrap();
            let options = GenerateOptions { frame_rate, temperature: 2.0, ..GenerateOptions::default() };
            let audio = babble(duration_secs);
            let take = generator.generate(&audio, &Emotion::constant(3, 1.0), &options).unwrap();
            assert_eq!(take.motion.frame_count(), frame_rate.frames_in(audio.duration_secs()));
            assert_eq!(take.motion.channels().as_ref(), ARKIT_SHAPES.map(str::to_owned));
            assert!(take.motion.values().iter().all(|weight| (0.0..=1.0).contains(weight)));
        }
    }
}

#[test]
fn the_same_seed_repeats_and_another_differs() {
    let (generator, audio) = (generator(), babble(4.0));
    let take = |seed, temperature| {
        let options = GenerateOptions { seed, temperature, ..GenerateOptions::default() };
        generator.generate(&audio, &Emotion::constant(0, 1.0), &options).unwrap()
    };
    assert_eq!(take(1, 0.5), take(1, 0.5));
    assert_ne!(take(1, 0.5).motion, take(2, 0.5).motion);
    assert_ne!(take(1, 0.5).log_probability, take(2, 0.5).log_probability);
    assert_eq!(take(1, 0.0), take(2, 0.0));
}

#[test]
fn emotion_moves_the_upper_face_and_scales_with_intensity() {
    let (generator, audio) = (generator(), babble(3.0));
    let options = GenerateOptions { temperature: 0.0, ..GenerateOptions::default() };
    let mean = |emotion: &Emotion, shape: &str| {
        let motion = generator.generate(&audio, emotion, &options).unwrap().motion;
        let column = arkit_index(shape).unwrap();
        motion.channel(column).sum::<f32>() / motion.frame_count() as f32
    };
    for (name, shape) in [
        ("happy", "mouthSmileLeft"),
        ("sad", "browInnerUp"),
        ("angry", "browDownLeft"),
        ("fear", "eyeWideLeft"),
        ("disgust", "noseSneerLeft"),
        ("surprise", "browOuterUpLeft"),
        ("contempt", "mouthDimpleRight"),
    ] {
        let index = EMOTIONS.iter().position(|emotion| *emotion == name).unwrap();
        let none = mean(&Emotion::constant(0, 1.0), shape);
        let half = mean(&Emotion::constant(index, 0.5), shape);
        let full = mean(&Emotion::constant(index, 1.0), shape);
        assert!(full > 0.3 && full > half + 0.1 && half > none + 0.1, "{name}: {none} {half} {full}");
    }
}

#[test]
fn what_is_heard_does_not_depend_on_the_emotion() {
    let (generator, audio) = (generator(), babble(3.0));
    let options = GenerateOptions::default();
    let heard = |index| generator.generate(&audio, &Emotion::constant(index, 1.0), &options).unwrap().content;
    assert_eq!(heard(0), heard(3));
}

#[test]
fn silence_closes_the_mouth_in_every_emotion() {
    let generator = generator();
    let audio = Audio::new("silence", 16_000, vec![0.0; 48_000]);
    for (index, name) in EMOTIONS.iter().enumerate() {
        let options = GenerateOptions { temperature: 1.0, ..GenerateOptions::default() };
        let take = generator.generate(&audio, &Emotion::constant(index, 1.0), &options).unwrap();
        let closure = take.content.channel(0).fold(1.0, f32::min);
        assert!(closure > 0.95, "{name}: {closure}");
    }
}

#[test]
fn bad_input_is_named() {
    let generator = generator();
    let neutral = Emotion::constant(0, 1.0);
    let options = GenerateOptions::default();
    let fast = Audio::new("fast.wav", 44_100, vec![0.0; 100]);
    let error = generator.generate(&fast, &neutral, &options).unwrap_err();
    assert_eq!(error, GeneratorError::SampleRate { name: "fast.wav".to_owned(), found_hz: 44_100 });
    let broken = Audio::new("nan", 16_000, vec![f32::NAN; 1000]);
    assert!(matches!(generator.generate(&broken, &neutral, &options), Err(GeneratorError::Features(_))));
    let hot = GenerateOptions { temperature: f32::NAN, ..options };
    let error = generator.generate(&babble(0.1), &neutral, &hot).unwrap_err();
    assert!(error.to_string().contains("temperature"));
    assert!(matches!(
        Generator::from_bytes(b"no weights", &esarm_kernels::devices::cpu()),
        Err(GeneratorError::Weights(_))
    ));
}
