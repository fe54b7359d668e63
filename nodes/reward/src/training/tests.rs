use super::*;
use crate::demonstrations::{Family, Order, RankSettings};
use crate::testing::demonstrations;

fn sets(count: u64) -> Vec<Demonstrations> {
    let settings = RankSettings {
        families: vec![Family::White, Family::Desync, Family::Smoothing],
        levels: vec![0.4, 0.9],
        ..RankSettings::default()
    };
    (1..=count).map(|seed| demonstrations(seed, 2.5, &settings)).collect()
}

fn quick() -> TrainOptions {
    TrainOptions {
        members: 2,
        steps: 6,
        pairs: 2,
        validate_every: 2,
        validation_pairs: 8,
        ..TrainOptions::default()
    }
}

fn silently(_: usize, _: Option<&CurveRow>) -> Result<(), RewardError> {
    Ok(())
}

fn stop_at(last: usize) -> impl FnMut(usize, Option<&CurveRow>) -> Result<(), RewardError> {
    move |step, _| if step < last { Ok(()) } else { Err(RewardError::Cancelled) }
}

#[test]
fn a_training_killed_anywhere_ends_with_the_same_weights() {
    let sets = sets(2);
    let whole = train(&sets, &quick(), None, &mut silently).unwrap();
    for killed_at in [1, 3, 5] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reward.checkpoint");
        let killed = train(&sets, &quick(), Some(&path), &mut stop_at(killed_at));
        assert_eq!(killed, Err(RewardError::Cancelled));
        let resumed = train(&sets, &quick(), Some(&path), &mut silently).unwrap();
        assert_eq!(resumed, whole, "killed at step {killed_at}");
    }
    let other = TrainOptions { seed: 2, ..quick() };
    assert_ne!(train(&sets, &other, None, &mut silently).unwrap().weights, whole.weights);
}

#[test]
fn checkpoints_that_do_not_belong_are_refused_and_stay() {
    let sets = sets(1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reward.checkpoint");
    let quick = TrainOptions { steps: 3, ..quick() };
    train(&sets, &quick, Some(&path), &mut silently).unwrap();
    let good = std::fs::read(&path).unwrap();
    let refused =
        |options: &TrainOptions| train(&sets, options, Some(&path), &mut silently).unwrap_err().to_string();
    let other = TrainOptions { seed: 8, ..quick.clone() };
    assert!(
        refused(&other).contains("another") || refused(&other).contains("other demonstrations or settings")
    );
    assert_eq!(std::fs::read(&path).unwrap(), good);
    for (bytes, expected) in [
        (good[..good.len() / 2].to_vec(), "delete it"),
        (b"not a checkpoint".to_vec(), "delete it"),
        (RewardWeights::untrained(1, 1).to_bytes().unwrap(), "esarm-reward-checkpoint-1"),
    ] {
        std::fs::write(&path, &bytes).unwrap();
        let error = refused(&quick);
        assert!(error.contains(expected) && error.contains("reward.checkpoint"), "{error}");
    }
    let nowhere = folder.path().join("missing").join("reward.checkpoint");
    let error = train(&sets, &quick, Some(&nowhere), &mut silently).unwrap_err().to_string();
    assert!(error.contains("missing"), "{error}");
}

#[test]
fn a_loss_that_is_no_number_stops_and_names_the_last_checkpoint() {
    let sets = sets(1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reward.checkpoint");
    let wild = TrainOptions { learning_rate: 1e30, steps: 200, validate_every: 1, ..quick() };
    let error = train(&sets, &wild, Some(&path), &mut silently).unwrap_err();
    assert!(matches!(error, RewardError::Diverged { .. }), "{error}");
    assert!(error.to_string().contains("lower the learning rate"), "{error}");
}

#[test]
fn nothing_to_learn_from_is_said() {
    let error = train(&[], &quick(), None, &mut silently).unwrap_err().to_string();
    assert!(error.contains("no pair"), "{error}");
    let error = train(&sets(1), &TrainOptions { members: 0, ..quick() }, None, &mut silently).unwrap_err();
    assert!(error.to_string().contains("members is 0"), "{error}");
}

#[test]
fn white_noise_is_learnt_in_a_few_steps_and_training_stops_early() {
    let settings = RankSettings { families: vec![Family::White], still: false, ..RankSettings::default() };
    let sets: Vec<Demonstrations> = (1..=2).map(|seed| demonstrations(seed, 3.0, &settings)).collect();
    let options = TrainOptions {
        members: 1,
        steps: 40,
        pairs: 8,
        validate_every: 10,
        validation_pairs: 64,
        patience: 2,
        learning_rate: 5e-3,
        ..TrainOptions::default()
    };
    let trained = train(&sets, &options, None, &mut silently).unwrap();
    assert!(trained.calibration.accuracy > 0.9, "{:?}", trained.calibration);
    assert!(trained.curve.iter().any(|row| row.step == trained.best_step));
    assert!(curve_csv(&trained.curve).lines().count() == trained.curve.len() + 1);
}

#[test]
fn an_order_by_hand_turns_the_reward_around() {
    let settings = RankSettings { families: vec![Family::White], still: false, ..RankSettings::default() };
    let order = Order::parse("[\"white 0.90\", \"white 0.50\", \"white 0.10\", \"demonstration\"]").unwrap();
    let set = demonstrations(1, 3.0, &settings).ordered(&order, 4.0).unwrap();
    let options = TrainOptions {
        members: 1,
        steps: 30,
        pairs: 8,
        validate_every: 15,
        validation_pairs: 32,
        learning_rate: 5e-3,
        ..TrainOptions::default()
    };
    let trained = train(std::slice::from_ref(&set), &options, None, &mut silently).unwrap();
    let model = RewardModel::from(&trained);
    let reward = |name: &str| {
        let take = set.takes.iter().find(|take| take.name == name).unwrap();
        let (rewards, _) = model.score_rows(&take.motion, &set.scene.audio, &set.scene.emotion);
        rewards.iter().sum::<f32>()
    };
    assert!(reward("white 0.90") > reward("demonstration"));
}
