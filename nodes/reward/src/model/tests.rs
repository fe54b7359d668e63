use super::*;
use crate::testing::talking;
use esarm_values::FrameRate;

fn model() -> RewardModel {
    RewardModel::new(RewardWeights::untrained(3, 4), &Device::flex())
}

#[test]
fn windows_give_the_rewards_of_the_whole() {
    let (audio, motion) = talking(2, 8.0);
    let emotion = Emotion::constant(1, 0.6);
    let model = model();
    let whole = model.score(&motion, Some(&audio), Some(&emotion)).unwrap();
    assert_eq!((whole.start_frame, whole.rewards.len()), (0, 240));
    let (start, end) = (4.0, 5.0);
    let (from, to) = (start - RECEPTIVE_SECS_BEFORE, end + RECEPTIVE_SECS_AFTER);
    let part = audio.window((from * 16_000.0) as i64, (to * 16_000.0).ceil() as i64);
    let motion = motion.window((from * 30.0) as i64, (to * 30.0).ceil() as i64);
    let window = model.score(&motion, Some(&part), Some(&emotion)).unwrap();
    for frame in 120..150_i64 {
        let at = |rewards: &FrameRewards| {
            let index = (frame - rewards.start_frame) as usize;
            (rewards.rewards[index], rewards.uncertainty[index])
        };
        let (a, b) = (at(&window), at(&whole));
        assert!((a.0 - b.0).abs() < 1e-5 && (a.1 - b.1).abs() < 1e-5, "{frame}: {a:?} {b:?}");
    }
}

#[test]
fn long_clips_are_judged_in_pieces_without_seams() {
    let (audio, motion) = talking(3, 64.0);
    let model = model();
    let pieces = model.score(&motion, Some(&audio), None).unwrap();
    assert_eq!(pieces.rewards.len(), 1920);
    let part = motion.window(1700, 1920);
    let across = model.score(&part, Some(&audio), None).unwrap();
    for frame in 1750..1900 {
        assert!((across.rewards[frame - 1700] - pieces.rewards[frame]).abs() < 1e-5, "{frame}");
    }
}

#[test]
fn rewards_are_mean_and_deviation_of_the_ensemble() {
    let (audio, motion) = talking(4, 2.0);
    let model = model();
    let all: Vec<FrameRewards> = model
        .weights()
        .members
        .iter()
        .map(|member| {
            let weights = RewardWeights { members: vec![member.clone()], ..model.weights().clone() };
            RewardModel::new(weights, &Device::flex()).score(&motion, Some(&audio), None).unwrap()
        })
        .collect();
    assert!(all.iter().all(|one| one.uncertainty.iter().all(|value| *value == 0.0)));
    let together = model.score(&motion, Some(&audio), None).unwrap();
    for frame in 0..60 {
        let values: Vec<f64> = all.iter().map(|one| f64::from(one.rewards[frame])).collect();
        let (mean, deviation) = (crate::signal::mean(&values), crate::signal::standard_deviation(&values));
        assert!((f64::from(together.rewards[frame]) - mean).abs() < 1e-5);
        assert!((f64::from(together.uncertainty[frame]) - deviation).abs() < 1e-5);
    }
}

#[test]
fn weights_survive_their_file_and_bad_files_are_refused() {
    let mut weights = RewardWeights::untrained(2, 9);
    weights.notes.insert("seed".to_owned(), "9".to_owned());
    weights.notes.insert("clips".to_owned(), "3".to_owned());
    let bytes = weights.to_bytes().unwrap();
    assert_eq!(RewardWeights::from_bytes(&bytes).unwrap(), weights);
    assert_eq!(weights.to_bytes().unwrap(), bytes);
    for cut in [0, 7, bytes.len() / 2, bytes.len() - 1] {
        let error = RewardWeights::from_bytes(&bytes[..cut]).unwrap_err().to_string();
        assert!(error.contains("train them again"), "{error}");
    }
    let refused =
        |wrong: RewardWeights| RewardWeights::from_bytes(&wrong.to_bytes().unwrap()).unwrap_err().to_string();
    let mut wrong = weights.clone();
    wrong.members[1][0].weight[5] = f32::NAN;
    assert!(refused(wrong).contains("member.1.motion.weight is not finite at 5"));
    let mut wrong = weights.clone();
    let layer = &mut wrong.members[0][2];
    layer.outputs -= 1;
    layer.bias.pop();
    layer.weight.truncate(layer.inputs * layer.outputs);
    assert!(refused(wrong).contains("must be F32 [8, 40]"));
    assert!(refused(RewardWeights { temperature: 0.0, ..weights.clone() }).contains("above 0"));
    assert!(refused(RewardWeights { members: vec![], ..weights }).contains("no member 0"));
}

#[test]
fn the_shipped_weights_load_and_are_small() {
    let model = RewardModel::load_embedded().unwrap();
    assert!(model.weights().members.len() >= 3 && EMBEDDED_WEIGHTS.len() < 1_000_000);
    let empty = Track::new(FrameRate::whole(60), vec!["jawOpen".to_owned()], vec![]).unwrap();
    assert!(model.score(&empty, None, None).is_err());
}
