use super::*;
use crate::parameters::{numbers_of, with_numbers};
use crate::policy::Judge;
use crate::testing::recordings;
use crate::{Algorithm, Hooks, Task, TuneSettings, tune};
use esarm_reward::RewardWeights;
use esarm_reward::features::AudioFeatures;
use esarm_sta::generator::EMBEDDED_WEIGHTS;

fn policy(lip_lock: bool) -> GeneratorPolicy {
    GeneratorPolicy::from_bytes(EMBEDDED_WEIGHTS, 0.5, lip_lock).unwrap()
}

fn lines(policy: &GeneratorPolicy, count: usize) -> Vec<SpeechLine> {
    let features = AudioFeatures::new().unwrap();
    recordings(count).iter().map(|clip| speech_line(clip, policy, &features).unwrap().unwrap()).collect()
}

fn judge() -> RewardJudge {
    RewardJudge::new(RewardWeights::untrained(2, 5))
}

#[test]
fn the_lip_lock_keeps_lips_from_exploring_and_learning() {
    let locked: Vec<&str> =
        (0..CONTENT_COUNT).filter(|it| moves_lips(*it)).map(|it| CONTENT_CHANNELS[it]).collect();
    assert!(locked.contains(&"jawOpen") && locked.contains(&"mouthPress") && !locked.contains(&"mouthSmile"));
    let policy = policy(true);
    let line = &lines(&policy, 1)[0];
    let explored = &policy.sample(line, &[3], Sampling::Exploring).unwrap()[0];
    let performed = &policy.sample(line, &[3], Sampling::Performing).unwrap()[0];
    for (at, (explored, performed)) in explored.iter().zip(performed).enumerate() {
        match moves_lips(at % LATENT_COUNT) {
            true => assert_eq!(*explored, 0.0),
            false => assert_eq!(explored, performed),
        }
    }
    let frozen = policy.frozen();
    assert_eq!(frozen.len(), numbers_of(policy.network()).len());
    assert!(frozen.iter().any(|it| *it) && frozen.iter().any(|it| !*it));
}

#[test]
fn judges_see_takes_together_as_they_see_them_alone() {
    let policy = policy(false);
    let line = &lines(&policy, 1)[0];
    let takes = policy.sample(line, &[1, 2, 3], Sampling::Performing).unwrap();
    let motions: Vec<Rows> = takes.iter().map(|actions| policy.motion(line, actions).unwrap()).collect();
    let together = judge().judge(line, &motions).unwrap();
    assert_eq!(motions[0].frame_count(), line.scene.frame_count());
    for (motion, together) in motions.iter().zip(&together) {
        let alone = &judge().judge(line, std::slice::from_ref(motion)).unwrap()[0];
        let apart =
            alone.rewards.iter().zip(&together.rewards).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-4, "{apart}");
    }
    assert_ne!(together[0], together[1]);
    let short = Rows { values: motions[0].values[52..].to_vec(), columns: 52 };
    assert!(judge().judge(line, &[short]).unwrap_err().to_string().contains("frames"));
}

#[test]
fn proxies_measure_every_take() {
    let policy = policy(false);
    let line = &lines(&policy, 1)[0];
    let takes = policy.sample(line, &[1, 2], Sampling::Performing).unwrap();
    let motions: Vec<Rows> = takes.iter().map(|actions| policy.motion(line, actions).unwrap()).collect();
    let proxies = proxies(&judge(), 0.05);
    let names: Vec<&str> = proxies.iter().map(|proxy| proxy.name()).collect();
    assert!(names.contains(&"lip_sync") && names.contains(&"bilabial_closures"));
    for proxy in &proxies {
        let figures = proxy.measure(line, &motions).unwrap();
        assert_eq!(figures.len(), 2);
        assert!(figures.iter().flatten().all(|figure| (0.0..=1.0).contains(figure)), "{}", proxy.name());
    }
}

#[test]
fn tuning_the_generator_changes_what_it_may_and_nothing_else() {
    let policy = policy(true);
    let (learnt, held_out) = (lines(&policy, 2), lines(&policy, 1));
    let judge = judge();
    let task = Task {
        start: &policy,
        lines: &learnt,
        held_out: &held_out,
        judge: &judge,
        proxies: &[],
        demonstration_spread: &[],
        hand_orders: &[],
        data: Vec::new(),
    };
    let settings = TuneSettings {
        algorithm: Algorithm::Ppo,
        iterations: 2,
        takes_per_line: 3,
        check_every: 1,
        ..TuneSettings::default()
    };
    let mut hooks = Hooks { cancelled: &|| false, working: &|_, _| {}, row: &mut |_| {} };
    let outcome = tune(&task, &settings, None, &mut hooks).unwrap();
    assert_eq!(outcome.rows.len(), 2);
    assert!(outcome.rows.iter().all(|row| row.gradient_norm > 0.0 && row.kl <= settings.kl_budget));
    assert!(outcome.rows[1].kl > 0.0);
    let tuned = GeneratorPolicy::from_bytes(&outcome.policy.to_bytes(&[]).unwrap(), 0.5, true).unwrap();
    let (before, after) = (numbers_of(policy.network()), numbers_of(outcome.policy.network()));
    assert_eq!(numbers_of(tuned.network()), after);
    for ((before, after), frozen) in before.iter().zip(&after).zip(policy.frozen()) {
        assert!(!frozen || before == after);
    }
}

#[test]
fn numbers_of_the_policy_can_be_set() {
    let policy = policy(false);
    let numbers: Vec<f32> = numbers_of(policy.network()).iter().map(|number| number + 0.01).collect();
    let changed = policy.with_network(with_numbers(policy.network(), &numbers));
    assert_eq!(numbers_of(changed.network()), numbers);
    assert!(GeneratorPolicy::from_bytes(b"no weights", 0.5, true).is_err());
    assert!(GeneratorPolicy::from_bytes(EMBEDDED_WEIGHTS, 0.0, true).is_err());
}

#[test]
fn many_lines_are_cut_evenly() {
    assert_eq!(cut((0..10).collect(), 5), [1, 3, 5, 7, 9]);
    assert_eq!(cut((0..3).collect(), 9), [0, 1, 2]);
    assert!(cut(Vec::<u8>::new(), 4).is_empty());
}
