use super::*;
use crate::testing::{demonstrations, talking};
use esarm_values::FrameRate;

/// A clip whose only take was drawn with a seed that needs all its bits.
const SEED: u64 = u64::MAX - 6;

fn ranked() -> Demonstrations {
    demonstrations(1, 3.0, &RankSettings::default())
}

fn take<'a>(set: &'a Demonstrations, name: &str) -> &'a RankedTake {
    set.takes.iter().find(|take| take.name == name).unwrap_or_else(|| panic!("no take {name}"))
}

#[test]
fn takes_get_worse_by_level_in_every_family() {
    let set = ranked();
    assert_eq!(set.takes.len(), 1 + 8 * 5 + 1);
    let truth = &take(&set, "demonstration").motion;
    let apart = |name: &str| -> f32 {
        let take = take(&set, name);
        let emotion = take.emotion.as_ref().unwrap_or(&set.scene.emotion);
        let motion = take.motion.iter().zip(truth).map(|(a, b)| (a - b).abs()).sum::<f32>();
        motion + emotion.iter().zip(&set.scene.emotion).map(|(a, b)| (a - b).abs()).sum::<f32>()
    };
    for family in Family::ALL {
        let [weak, strong] = ["0.10", "0.90"].map(|level| apart(&format!("{} {level}", family.name())));
        assert!(weak < strong && strong > 0.5, "{family:?}: {weak} {strong}");
    }
    assert!(take(&set, "still").motion.iter().all(|weight| *weight == 0.0));
    assert!(set.takes.iter().flat_map(|take| &take.motion).all(|weight| (0.0..=1.0).contains(weight)));
}

#[test]
fn pairs_keep_the_margin_and_their_family() {
    let set = ranked();
    assert!(set.pairs.len() > 80);
    for pair in &set.pairs {
        let (better, worse) = (&set.takes[pair.better], &set.takes[pair.worse]);
        assert!(worse.level - better.level > 0.2999, "{} {}", better.name, worse.name);
        if let (Kind::Varied(a), Kind::Varied(b)) = (better.kind, worse.kind) {
            assert_eq!(a, b);
        }
    }
    let still = set.pairs.iter().filter(|pair| pair.group == Group::Still).count();
    assert_eq!(still, set.takes.len() - 1);
}

#[test]
fn the_seed_decides() {
    let settings = RankSettings { seed: 5, ..RankSettings::default() };
    assert_eq!(demonstrations(1, 3.0, &settings), demonstrations(1, 3.0, &settings));
    assert_ne!(demonstrations(1, 3.0, &settings).takes, ranked().takes);
}

#[test]
fn families_without_anything_to_act_on_are_left_out() {
    let (_, motion) = talking(1, 2.0);
    let base = Base::demonstration("", &motion);
    let set = rank("mute", &[base], None, None, &RankSettings::default()).unwrap();
    let mut found: Vec<&str> = set
        .takes
        .iter()
        .filter_map(|take| match take.kind {
            Kind::Varied(family) => Some(family.name()),
            _ => None,
        })
        .collect();
    found.dedup();
    assert_eq!(found, ["white", "drift", "replacement", "smoothing"]);
}

#[test]
fn files_hold_what_they_were_given() {
    let mut set = ranked();
    set.takes[0].seed = Some(SEED);
    let bytes = set.to_bytes().unwrap();
    let back = Demonstrations::from_bytes("clip", &bytes).unwrap();
    assert_eq!((&back.scene, &back.pairs), (&set.scene, &set.pairs));
    for (a, b) in back.takes.iter().zip(&set.takes) {
        assert_eq!((&a.name, a.kind, a.level, &a.emotion), (&b.name, b.kind, b.level, &b.emotion));
        assert!(a.motion.iter().zip(&b.motion).all(|(a, b)| (a - b).abs() < 1e-5));
        assert_eq!(a.seed, b.seed);
    }
    assert_eq!(back.to_bytes().unwrap().len(), bytes.len());
    for cut in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        let error = Demonstrations::from_bytes("clip", &bytes[..cut]).unwrap_err().to_string();
        assert!(error.contains("clip") && error.contains("reward.rank"), "{error}");
    }
}

#[test]
fn an_order_by_hand_overrides_the_machine() {
    let order = Order::parse(r#"["white 0.90", ["demonstration", "white 0.50"], "desync 0.10"]"#).unwrap();
    let set = ranked().ordered(&order, 3.0).unwrap();
    let index = |name: &str| set.takes.iter().position(|take| take.name == name).unwrap();
    let pair = |better: &str, worse: &str| {
        let (better, worse) = (index(better), index(worse));
        set.pairs.iter().find(|pair| (pair.better, pair.worse) == (better, worse))
    };
    let by_hand = pair("white 0.90", "demonstration").unwrap();
    assert_eq!((by_hand.group, by_hand.weight, by_hand.gap), (Group::Human, 3.0, 1.0));
    assert!(pair("demonstration", "white 0.90").is_none() && pair("demonstration", "white 0.50").is_none());
    assert!(pair("demonstration", "desync 0.90").is_some());
    let csv =
        Order::parse("rank,take\n2,demonstration\n1,white 0.90\n2,white 0.50\n3,desync 0.10\n").unwrap();
    assert_eq!(csv, order);
    let hand = set.hand_order().unwrap();
    let place = |name: &str| hand.places.get(&index(name)).copied();
    assert_eq!(hand.weight, 3.0);
    assert_eq!(
        ["white 0.90", "demonstration", "white 0.50", "desync 0.10", "still"].map(place),
        [Some(0), Some(1), Some(1), Some(2), None]
    );
    assert_eq!(ranked().hand_order(), None);
}

#[test]
fn orders_that_cannot_be_say_why() {
    let refused = |text: &str| Order::parse(text).unwrap_err().to_string();
    assert!(refused("[\"a\"]").contains("fewer than two"));
    assert!(refused("[\"a\", \"a\"]").contains("twice"));
    assert!(refused("[1]").contains("JSON list"));
    assert!(refused("name,place\na,1").contains("column \"take\""));
    assert!(refused("take,rank\na,best").contains("line 2"));
    let unknown = Order::parse("[\"a\", \"b\"]").unwrap();
    assert!(ranked().ordered(&unknown, 1.0).unwrap_err().to_string().contains("demonstration, white 0.10"));
}

#[test]
fn clips_that_cannot_be_ranked_say_why() {
    let (audio, motion) = talking(1, 3.0);
    let settings = RankSettings::default();
    let refused = |motion: &Track, audio: &Audio| {
        let base = Base::demonstration("", motion);
        rank("clip", &[base], Some(audio), None, &settings).unwrap_err().to_string()
    };
    let silent = Audio::new("quiet", 16_000, vec![0.0; 48_000]);
    assert!(refused(&motion, &silent).contains("silent"));
    assert!(refused(&motion, &audio.window(0, 20_000)).contains("lasts 3.00 s but the audio 1.25 s"));
    assert!(refused(&motion, &Audio { sample_rate_hz: 48_000, ..audio.clone() }).contains("16000"));
    let still = Track::zeros(FrameRate::whole(30), motion.channels().clone(), 90).unwrap();
    assert!(refused(&still, &audio).contains("does not move"));
    assert!(rank("none", &[], None, None, &settings).unwrap_err().to_string().contains("no frames"));
    let wild = RankSettings { levels: vec![1.5], ..settings.clone() };
    let base = Base::demonstration("", &motion);
    assert!(
        rank("clip", &[base], Some(&audio), None, &wild).unwrap_err().to_string().contains("between 0 and 1")
    );
}
