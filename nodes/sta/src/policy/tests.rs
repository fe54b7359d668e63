use super::*;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams};

fn speech() -> Audio {
    let samples = (0..24_000).map(|n| {
        let secs = n as f64 / 16_000.0;
        let syllable = (secs * 3.7 * std::f64::consts::PI).sin().powi(2);
        let buzz: f64 = (1..20).map(|k| (std::f64::consts::TAU * 140.0 * f64::from(k) * secs).sin()).sum();
        (0.03 * syllable * buzz) as f32
    });
    Audio::new("speech", 16_000, samples.collect())
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f32>().map(f64::from).collect()
}

/// The shipped policy with everything that can be tuned moved away from where it starts.
fn tuned(device: &Device) -> Policy {
    let policy = Policy::shipped(device).unwrap();
    let mut weights = policy.network().weights();
    let random = esarm_kernels::random::Random::new(8, 1);
    for (index, value) in weights.shift.weight.iter_mut().chain(&mut weights.log_sigma_offsets).enumerate() {
        *value = 0.2 * random.normal(index as u64);
    }
    policy.with_network(PolicyNetwork::new(weights, device))
}

#[test]
fn sampled_takes_are_those_of_the_generator() {
    let (audio, emotion) = (speech(), Emotion::constant(3, 0.8));
    let device = Device::flex();
    for policy in [Policy::shipped(&device).unwrap(), tuned(&device)] {
        let generator = Generator::new(policy.weights(), &device).unwrap();
        let clip = policy.prepare(&audio, &emotion).unwrap();
        for (take, temperature) in [(5, 0.0), (6, 1.0)] {
            let sampled = policy.sample(&clip, &[take], temperature).unwrap().remove(0);
            let motion = policy.motion(&clip, &sampled.actions, FrameRate::whole(60)).unwrap();
            let options = GenerateOptions { seed: take, temperature, ..GenerateOptions::default() };
            let expected = generator.generate(&audio, &emotion, &options).unwrap().motion;
            assert_eq!(motion.frame_count(), expected.frame_count());
            let pairs = motion.values().iter().zip(expected.values());
            let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-5, "take {take} differs by {worst}");
        }
    }
}

#[test]
fn log_probability_of_a_sample_is_what_sampling_says() {
    let policy = tuned(&Device::flex());
    let clip = policy.prepare(&speech(), &Emotion::constant(2, 1.0)).unwrap();
    let takes = policy.sample(&clip, &[1, 2, 3], 0.7).unwrap();
    let actions = stack_actions(&takes, policy.device());
    let rated = numbers(policy.distribution(&clip, 0.7).unwrap().log_probability(&actions));
    let drawn: Vec<f64> = takes.iter().flat_map(|take| take.log_probability.clone()).collect();
    assert_eq!(rated.len(), 3 * clip.frame_count());
    for (rated, drawn) in rated.iter().zip(&drawn) {
        assert!((rated - drawn).abs() < 2e-2, "{rated} is not {drawn}");
    }
}

#[test]
fn divergence_is_zero_from_itself_and_that_of_samples_from_another() {
    let device = Device::flex();
    let (policy, shipped) = (tuned(&device), Policy::shipped(&device).unwrap());
    let clip = policy.prepare(&speech(), &Emotion::constant(1, 1.0)).unwrap();
    let seeds: Vec<u64> = (0..200).collect();
    let actions = stack_actions(&policy.sample(&clip, &seeds, 1.0).unwrap(), &device);
    let own = policy.distribution(&clip, 1.0).unwrap();
    let other = shipped.distribution(&clip, 1.0).unwrap();
    assert!(numbers(own.divergence_from(&own, &actions)).iter().all(|nats| nats.abs() < 1e-3));
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let exact = mean(numbers(own.divergence_from(&other, &actions)));
    let sampled = mean(numbers(own.log_probability(&actions) - other.log_probability(&actions)));
    assert!(exact > 0.1 && (exact - sampled).abs() < 0.1 * exact, "{exact} {sampled}");
}

#[test]
fn entropy_is_the_mean_surprise() {
    let policy = tuned(&Device::flex());
    let clip = policy.prepare(&speech(), &Emotion::constant(4, 1.0)).unwrap();
    let seeds: Vec<u64> = (0..300).collect();
    let actions = stack_actions(&policy.sample(&clip, &seeds, 1.0).unwrap(), policy.device());
    let distribution = policy.distribution(&clip, 1.0).unwrap();
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let surprise = -mean(numbers(distribution.log_probability(&actions)));
    let entropy = mean(numbers(distribution.entropy()));
    assert!((entropy - surprise).abs() < 0.05, "{entropy} {surprise}");
}

#[test]
fn a_step_up_the_log_probability_makes_a_take_more_probable() {
    let device = Device::flex().autodiff();
    let mut policy = Policy::shipped(&device).unwrap();
    let clip = policy.prepare(&speech(), &Emotion::constant(6, 1.0)).unwrap();
    let actions = stack_actions(&policy.sample(&clip, &[9], 1.0).unwrap(), &device);
    let rate = |policy: &Policy| policy.distribution(&clip, 1.0).unwrap().log_probability(&actions).sum();
    let before = numbers(rate(&policy))[0];
    let mut optimiser = AdamWConfig::new().with_weight_decay(0.0).init();
    for _ in 0..20 {
        let gradients = GradientsParams::from_grads(rate(&policy).neg().backward(), policy.network());
        policy = policy.with_network(optimiser.step(1e-2, policy.network().clone(), gradients));
    }
    let after = numbers(rate(&policy))[0];
    assert!(after > before + 10.0, "{before} {after}");
    assert!(!policy.network().weights().is_untuned());
}

#[test]
fn a_tuned_policy_survives_its_file_and_old_files_load() {
    let device = Device::flex();
    let policy = tuned(&device);
    let again =
        Policy::from_bytes(&policy.to_bytes(&[("origin", "test".to_owned())]).unwrap(), &device).unwrap();
    assert_eq!(again.weights(), policy.weights());
    // The shipped file, whichever layout it has, and the same without its policy's tensors.
    assert!(Weights::from_bytes(EMBEDDED_WEIGHTS).is_ok());
    let old = crate::generator::weights::tests::without_policy(&policy.weights());
    assert!(Policy::from_bytes(&old, &device).unwrap().network().weights().is_untuned());
    assert_eq!(policy.network().num_params(), 61 * 32 + 32 + 32 * 24 + 24 + 8 * 24);
}

#[test]
fn bad_requests_are_named() {
    let policy = Policy::shipped(&Device::flex()).unwrap();
    let (audio, emotion) = (speech(), Emotion::constant(0, 1.0));
    let clip = policy.prepare(&audio, &emotion).unwrap();
    let name = |error: GeneratorError| error.to_string();
    assert!(name(policy.distribution(&clip, 0.0).unwrap_err()).contains("temperature"));
    assert!(name(policy.sample(&clip, &[1], f32::NAN).unwrap_err()).contains("temperature"));
    let actions = vec![0.0; 24];
    assert!(name(policy.motion(&clip, &actions, FrameRate::whole(60)).unwrap_err()).contains("actions"));
    let part = audio.window(100, 200);
    assert!(policy.prepare(&part, &emotion).is_err_and(|error| name(error).contains("whole clip")));
    let empty = policy.prepare(&Audio::new("empty", 16_000, vec![]), &emotion).unwrap();
    let take = policy.sample(&empty, &[1], 1.0).unwrap().remove(0);
    assert_eq!(policy.motion(&empty, &take.actions, FrameRate::whole(60)).unwrap().frame_count(), 0);
}
