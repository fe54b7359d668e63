use super::*;
use crate::settings::Algorithm;
use crate::toy::{BrokenJudge, Closeness, ExploitableJudge, HonestJudge, ToyLine, ToyPolicy, lines};
use std::cell::Cell;

fn settings(algorithm: Algorithm) -> TuneSettings {
    TuneSettings {
        algorithm,
        iterations: 30,
        lines_per_iteration: 6,
        takes_per_line: 12,
        learning_rate: 0.03,
        kl_budget: 3.0,
        kl_weight: 0.01,
        liveliness_weight: 0.0,
        ..TuneSettings::default()
    }
}

fn run(
    policy: &ToyPolicy,
    judge: &dyn Judge<ToyLine>,
    settings: &TuneSettings,
    checkpoint: Option<&Path>,
    cancelled: &dyn Fn() -> bool,
) -> Result<Outcome<ToyPolicy>, RlError> {
    let (learnt, held_out) = (lines(8, 0), lines(4, 100));
    let task = Task {
        start: policy,
        lines: &learnt,
        held_out: &held_out,
        judge,
        proxies: &[&Closeness],
        demonstration_spread: &[],
        hand_orders: &[],
        data: vec![("toy".to_owned(), "1".to_owned())],
    };
    let mut hooks = Hooks { cancelled, working: &|_, _| {}, row: &mut |_| {} };
    tune(&task, settings, checkpoint, &mut hooks)
}

fn never() -> bool {
    false
}

#[test]
fn every_algorithm_raises_an_honest_reward_within_its_budget() {
    for algorithm in Algorithm::ALL {
        let settings = settings(algorithm);
        let outcome = run(&ToyPolicy::new(), &HonestJudge, &settings, None, &never).unwrap();
        assert_eq!(outcome.stop, Stop::Finished);
        let (start, best) = (outcome.checks[0].reward, outcome.best.reward);
        assert!(best > start + 0.3, "{algorithm:?}: {start} to {best}");
        assert!(outcome.rows.iter().all(|row| row.kl <= settings.kl_budget));
        assert!(outcome.checks.iter().all(|check| check.kl <= 1.3 * settings.kl_budget));
        let online = algorithm != Algorithm::Dpo;
        assert!(outcome.rows.iter().all(|row| row.clip_ratio.is_some() == online));
        assert_eq!(outcome.rows[0].explained_variance.is_some(), algorithm == Algorithm::Ppo);
    }
}

#[test]
fn a_small_budget_is_kept_by_undoing_passes() {
    let settings = TuneSettings { kl_budget: 0.02, ..settings(Algorithm::Grpo) };
    let outcome = run(&ToyPolicy::new(), &HonestJudge, &settings, None, &never).unwrap();
    assert!(outcome.rows.iter().all(|row| row.kl <= 0.02));
    assert!(outcome.rows.iter().any(|row| row.epochs_kept < settings.epochs));
    assert!(outcome.rows.iter().any(|row| row.kl > 0.0));
    assert!(outcome.rows.last().unwrap().kl_weight > settings.kl_weight);
}

#[test]
fn an_exploitable_reward_sets_off_the_alarm_and_the_run_rolls_back() {
    let settings =
        TuneSettings { kl_budget: 50.0, check_every: 3, iterations: 60, ..settings(Algorithm::Grpo) };
    let outcome = run(&ToyPolicy::new(), &ExploitableJudge, &settings, None, &never).unwrap();
    let Stop::RewardHacking(fall) = &outcome.stop else { panic!("{}", outcome.stop) };
    assert_eq!(fall.proxy, "closeness");
    assert!(outcome.rows.len() < settings.iterations);
    let (start, last) = (&outcome.checks[0], outcome.checks.last().unwrap());
    assert!(last.reward > start.reward && last.proxies[0] < start.proxies[0]);
    // What is given is a policy from before the fall.
    assert!(start.proxies[0].unwrap() - outcome.best.proxies[0].unwrap() <= Closeness.margin());
    assert!(outcome.best.iteration < last.iteration);
    let held_out = lines(4, 100);
    let run = |policy: &ToyPolicy| {
        let seeds = seeds(Random::new(settings.seed, HELD_OUT_STREAM), settings.held_out_takes);
        let performance = crate::evaluation::perform(policy, &held_out, &seeds, &|| Ok(())).unwrap();
        mean(&rewards_of(policy, &held_out, &performance, &ExploitableJudge).unwrap().concat())
    };
    assert!((run(&outcome.policy) - outcome.best.reward).abs() < 1e-6);
}

#[test]
fn an_honest_reward_leaves_the_alarm_silent() {
    for algorithm in Algorithm::ALL {
        let settings = TuneSettings { kl_budget: 50.0, check_every: 3, ..settings(algorithm) };
        let outcome = run(&ToyPolicy::new(), &HonestJudge, &settings, None, &never).unwrap();
        assert_eq!(outcome.stop, Stop::Finished);
    }
}

#[test]
fn what_is_locked_stays() {
    let mut policy = ToyPolicy::new();
    policy.locked = true;
    let settings = TuneSettings { weight_decay: 0.1, entropy_weight: 0.1, ..settings(Algorithm::Ppo) };
    let outcome = run(&policy, &HonestJudge, &settings, None, &never).unwrap();
    let (before, after) = (numbers_of(policy.network()), numbers_of(outcome.policy.network()));
    for (number, (before, after)) in before.iter().zip(&after).enumerate() {
        assert_eq!(before == after, number % 2 == 1, "{number}: {before} {after}");
    }
}

#[test]
fn a_run_stopped_anywhere_and_taken_up_gives_the_same_policy() {
    for algorithm in Algorithm::ALL {
        let settings = TuneSettings { iterations: 7, ..settings(algorithm) };
        let whole = run(&ToyPolicy::new(), &HonestJudge, &settings, None, &never).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.safetensors");
        let mut runs = 0;
        let outcome = loop {
            runs += 1;
            let asked = Cell::new(0);
            // Every run gets a little farther before it is stopped, in the middle of whatever it does.
            let stop = || {
                asked.set(asked.get() + 1);
                asked.get() > 20 + 7 * runs
            };
            match run(&ToyPolicy::new(), &HonestJudge, &settings, Some(&path), &stop) {
                Err(RlError::Cancelled) => assert!(runs < 100),
                other => break other.unwrap(),
            }
        };
        assert!(runs > 1 && outcome.resumed_at > 0);
        assert_eq!(numbers_of(outcome.policy.network()), numbers_of(whole.policy.network()));
        assert_eq!((outcome.rows, outcome.checks), (whole.rows, whole.checks));
    }
}

/// Run by the test below in a process of its own, which is killed.
#[test]
#[ignore = "a child of `a_killed_run_gives_the_same_policy`"]
fn child_that_tunes() {
    let Ok(path) = std::env::var("ESARM_RL_TEST_CHECKPOINT") else { return };
    let settings = TuneSettings { iterations: 12, ..settings(Algorithm::Ppo) };
    run(&ToyPolicy::new(), &HonestJudge, &settings, Some(Path::new(&path)), &never).unwrap();
}

#[test]
fn a_killed_run_gives_the_same_policy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let mut killed = 0;
    for attempt in 0..40 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tune::tests::child_that_tunes", "--ignored"])
            .env("ESARM_RL_TEST_CHECKPOINT", &path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(40 + 15 * attempt));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
    }
    assert!(killed > 0, "the child was never killed");
    let settings = TuneSettings { iterations: 12, ..settings(Algorithm::Ppo) };
    let whole = run(&ToyPolicy::new(), &HonestJudge, &settings, None, &never).unwrap();
    let resumed = run(&ToyPolicy::new(), &HonestJudge, &settings, Some(&path), &never).unwrap();
    assert_eq!(numbers_of(resumed.policy.network()), numbers_of(whole.policy.network()));
    assert_eq!(resumed.rows, whole.rows);
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let short = TuneSettings { iterations: 2, ..settings(Algorithm::Grpo) };
    run(&ToyPolicy::new(), &HonestJudge, &short, Some(&path), &never).unwrap();
    let other = TuneSettings { learning_rate: 0.01, ..short.clone() };
    let error = run(&ToyPolicy::new(), &HonestJudge, &other, Some(&path), &never).unwrap_err().to_string();
    assert!(error.contains("learning_rate was 0.03 and is now 0.01"), "{error}");
    // More iterations are the same run.
    let longer = TuneSettings { iterations: 3, ..short };
    let outcome = run(&ToyPolicy::new(), &HonestJudge, &longer, Some(&path), &never).unwrap();
    assert_eq!((outcome.resumed_at, outcome.rows.len()), (2, 3));
}

#[test]
fn numbers_that_are_none_stop_the_run_and_the_last_good_checkpoint_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let calm = TuneSettings { iterations: 2, ..settings(Algorithm::Grpo) };
    run(&ToyPolicy::new(), &HonestJudge, &calm, Some(&path), &never).unwrap();
    let kept = std::fs::read(&path).unwrap();

    let broken = BrokenJudge { after: 3, calls: Cell::new(0), value: f32::NAN };
    let longer = TuneSettings { iterations: 9, ..calm };
    let error = run(&ToyPolicy::new(), &broken, &longer, Some(&path), &never).unwrap_err().to_string();
    assert!(error.contains("NaN of line \"line"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), kept);

    let wild = TuneSettings { learning_rate: 1e5, ..settings(Algorithm::Grpo) };
    let path = folder.path().join("wild.safetensors");
    let error = run(&ToyPolicy::new(), &HonestJudge, &wild, Some(&path), &never).unwrap_err().to_string();
    assert!(error.contains("iteration 1") && error.contains("lower the learning rate"), "{error}");
    assert!(error.contains("wild.safetensors"), "{error}");
    assert!(path.exists());
}

#[test]
fn there_must_be_lines() {
    let policy = ToyPolicy::new();
    let task = Task {
        start: &policy,
        lines: &[],
        held_out: &[],
        judge: &HonestJudge,
        proxies: &[],
        demonstration_spread: &[],
        hand_orders: &[],
        data: Vec::new(),
    };
    let mut hooks = Hooks { cancelled: &never, working: &|_, _| {}, row: &mut |_| {} };
    let error = tune(&task, &TuneSettings::default(), None, &mut hooks).err().unwrap().to_string();
    assert!(error.contains("at least one line"), "{error}");
}
