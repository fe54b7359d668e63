//! Corpora that are wrong, checkpoints that do not belong, disks that are full: what is said, and what stays.

use crate::corpus::{GraphRun, write_corpus};
use crate::{files_in, folder, workspace};
use std::path::Path;
use std::process::Command;

/// The graphs that read a corpus, each with the node that does.
const READERS: [(&str, &str, &str); 3] = [
    ("train_generator.esarm", "train", "weights"),
    ("tune_generator.esarm", "tune", "weights"),
    ("loop.esarm", "rank", "reward"),
];

/// Runs every graph that reads a corpus; all refuse it with `words`, and nothing is written.
fn all_refuse(folder: &Path, words: &[&str]) {
    for (graph, node, output) in READERS {
        let written = folder.join("never.safetensors");
        let told = GraphRun::new(graph, folder).output(output, &written).call();
        told.expect(1, &[&format!("node \"{node}\""), "\"corpus\""]).expect(1, words);
        assert!(!written.exists());
    }
}

#[test]
fn corpora_that_are_wrong_are_refused_by_the_file_that_is() {
    let folder = folder();
    let corpus = write_corpus(folder.path());
    let broken = |change: &dyn Fn(), words: &[&str]| {
        change();
        all_refuse(folder.path(), words);
        write_corpus(folder.path());
    };
    broken(&|| std::fs::remove_file(corpus.join("two_1.wav")).unwrap(), &["two_1.wav"]);
    let relabelled = |from: &str, to: &str| {
        let table = std::fs::read_to_string(corpus.join("corpus.csv")).unwrap();
        assert!(table.contains(from));
        std::fs::write(corpus.join("corpus.csv"), table.replacen(from, to, 1)).unwrap();
    };
    broken(&|| relabelled("anna,happy", "anna,joyful"), &["line 2", "joyful", "neutral, happy, sad"]);
    let silent = || {
        let path = corpus.join("one_2.wav");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[44..].fill(0);
        std::fs::write(path, bytes).unwrap();
    };
    broken(&silent, &["one_2.wav", "silent", "record it again or remove it"]);
    let longer = || std::fs::write(corpus.join("one_3.txt"), "0 0.2 sil\n0.2 9.5 a\n").unwrap();
    broken(&longer, &["one_3.wav", "9.50 s", "another recording"]);
    broken(&|| std::fs::write(corpus.join("two_0.wav"), "no sound").unwrap(), &["two_0.wav"]);
    broken(&|| std::fs::remove_dir_all(&corpus).unwrap(), &["corpus"]);
}

/// A training with checkpoints: its run, the parameter of the folder, its file and its output.
struct Training {
    run: GraphRun,
    checkpoint: &'static str,
}

impl Training {
    fn of_the_generator(folder: &Path) -> Self {
        write_corpus(folder);
        let run = GraphRun::new("train_generator.esarm", folder)
            .set(&[("train.steps", "25"), ("train.quadruples", "1"), ("train.checkpoints", "run")])
            .output("weights", &folder.join("out.safetensors"));
        Self { run, checkpoint: "checkpoint.safetensors" }
    }

    fn of_the_reward(folder: &Path) -> Self {
        let demonstrations = GraphRun::new("rank_takes.esarm", folder)
            .set(&[("rank.families", "white"), ("rank.levels", "0.4 0.9")])
            .input("speech", &workspace().join(crate::HELLO))
            .output("demonstrations", &folder.join("demonstrations/hello.demonstrations"));
        demonstrations.works();
        let run = GraphRun::new("train_reward.esarm", folder)
            .set(&[
                ("train.steps", "6"),
                ("train.members", "1"),
                ("train.pairs", "2"),
                ("train.checkpoints", "run"),
            ])
            .set(&[("train.validate_every", "3"), ("train.validation_pairs", "4")])
            .output("model", &folder.join("out.safetensors"));
        Self { run, checkpoint: "reward.checkpoint" }
    }

    fn of_tuning(folder: &Path) -> Self {
        write_corpus(folder);
        let run = GraphRun::new("tune_generator.esarm", folder)
            .set(&[("tune.iterations", "2"), ("tune.takes_per_line", "2"), ("tune.lines_per_iteration", "2")])
            .set(&[("tune.check_every", "1"), ("tune.held_out", "ben"), ("tune.checkpoints", "run")])
            .output("weights", &folder.join("out.safetensors"));
        Self { run, checkpoint: "tuning.safetensors" }
    }
}

const TRAININGS: [fn(&Path) -> Training; 3] =
    [Training::of_the_generator, Training::of_the_reward, Training::of_tuning];

#[test]
fn checkpoints_that_do_not_belong_are_refused_and_stay() {
    for training in TRAININGS {
        let folder = folder();
        let training = training(folder.path());
        let run = folder.path().join("run");
        std::fs::create_dir(&run).unwrap();
        training.run.works();
        let checkpoint = run.join(training.checkpoint);
        let good = std::fs::read(&checkpoint).unwrap();
        std::fs::remove_file(folder.path().join("out.safetensors")).unwrap();
        // Another seed is another run.
        let node = training.run.arguments.iter().find_map(|word| word.split_once(".checkpoints=")).unwrap().0;
        let other = training.run.clone().set(&[(&format!("{node}.seed"), "9")]);
        other.call().expect(1, &[training.checkpoint, "choose another"]);
        assert!(std::fs::read(&checkpoint).unwrap() == good, "the checkpoint stays");
        // What is no checkpoint of this version of the program is refused by name, too.
        for name in files_in(&run).iter().filter(|name| !name.ends_with(".csv")) {
            std::fs::write(run.join(name), "from another world").unwrap();
        }
        training.run.call().expect(1, &[training.checkpoint]);
        assert!(!folder.path().join("out.safetensors").exists());
        assert_eq!(std::fs::read(&checkpoint).unwrap(), b"from another world");
    }
}

/// Runs with files limited to `blocks` of 512 bytes: writing beyond fails as it does on a full disk.
#[cfg(unix)]
fn with_small_files(run: &GraphRun, blocks: usize) -> crate::Called {
    // The signal that comes with the limit is ignored, so that the write fails instead.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_esarm")]).args(&run.arguments);
    let output = command.env_remove("ESARM_CACHE").current_dir(workspace()).output().unwrap();
    crate::Called {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[cfg(unix)]
#[test]
fn a_checkpoint_that_cannot_be_written_ends_the_run_and_the_last_good_one_stays() {
    for training in TRAININGS {
        let folder = folder();
        let training = training(folder.path());
        let run = folder.path().join("run");
        std::fs::create_dir(&run).unwrap();
        with_small_files(&training.run, 2).expect(1, &["\"checkpoints\"", "run/", "large"]);
        assert!(files_in(&run).iter().all(|name| !name.contains("partial")), "{:?}", files_in(&run));
        assert!(!folder.path().join("out.safetensors").exists());
        training.run.works();
        let (good, weights) =
            (std::fs::read(run.join(training.checkpoint)).unwrap(), folder.path().join("out.safetensors"));
        let whole = std::fs::read(&weights).unwrap();
        // Neither curves nor results fit: those from before stay, and so does the checkpoint.
        let told = with_small_files(&training.run, 2);
        assert!((1..=2).contains(&told.code) && told.err.contains("large"), "{}: {}", told.code, told.err);
        assert!(
            std::fs::read(&weights).unwrap() == whole
                && std::fs::read(run.join(training.checkpoint)).unwrap() == good
        );
    }
}

/// Needs a file system with less than a megabyte of space.
#[test]
fn a_small_disk_keeps_what_fits() {
    let Some(disk) = std::env::var_os("ESARM_SMALL_DISK") else {
        println!("SKIPPED a_small_disk_keeps_what_fits: ESARM_SMALL_DISK names no small file system");
        return;
    };
    let small = tempfile::tempdir_in(disk).unwrap();
    let folder = folder();
    let training = Training::of_the_generator(folder.path());
    let run = training.run.set(&[("train.checkpoints", small.path().to_str().unwrap())]);
    run.call().expect(1, &["\"checkpoints\"", "the disk is full"]);
    assert!(!folder.path().join("out.safetensors").exists());
}
