use super::*;
use crate::training::TrainingError;
use esarm_kernels::random::Random;
use std::path::PathBuf;

/// Fits a line to noisy points that depend on the step alone.
#[derive(Clone)]
struct Line {
    seed: u64,
    width: usize,
    held_out: bool,
    broken_at: Option<usize>,
}

const LINE: Line = Line { seed: 1, width: 3, held_out: true, broken_at: None };

impl Line {
    fn slopes_at(&self, random: Random, parameters: &Parameters) -> (f32, Parameters) {
        let mut slopes = parameters.zeros_like();
        let mut loss = 0.0;
        for point in 0..8_u64 {
            let inputs: Vec<f32> = (0..self.width).map(|n| random.normal(point * 100 + n as u64)).collect();
            let wanted: f32 = inputs.iter().sum::<f32>() + 0.5 + 0.1 * random.normal(point * 100 + 99);
            let weights = &parameters.0[0].values;
            let found: f32 =
                inputs.iter().zip(weights).map(|(a, b)| a * b).sum::<f32>() + parameters.0[1].values[0];
            loss += (found - wanted).powi(2);
            for (slope, input) in slopes.0[0].values.iter_mut().zip(&inputs) {
                *slope += 2.0 * (found - wanted) * input;
            }
            slopes.0[1].values[0] += 2.0 * (found - wanted);
        }
        (loss, slopes)
    }
}

impl Task for Line {
    fn configuration(&self) -> Vec<(String, String)> {
        vec![("seed".to_owned(), self.seed.to_string())]
    }

    fn loss_names(&self) -> Vec<&'static str> {
        vec!["error"]
    }

    fn start(&self) -> Parameters {
        let mut parameters = Parameters::default();
        parameters.push("slope", &[self.width], vec![0.0; self.width]);
        parameters.push("offset", &[1], vec![0.0]);
        parameters
    }

    fn slopes(
        &mut self,
        step: usize,
        parameters: &Parameters,
    ) -> Result<(Vec<f32>, Parameters), TrainingError> {
        let (loss, slopes) = self.slopes_at(Random::new(self.seed, step as u64), parameters);
        let loss = if self.broken_at == Some(step) { f32::NAN } else { loss };
        Ok((vec![loss], slopes))
    }

    fn held_out(&mut self, parameters: &Parameters) -> Result<Option<Vec<f32>>, TrainingError> {
        let loss = self.slopes_at(Random::new(77, 0), parameters).0;
        Ok(self.held_out.then(|| vec![loss]))
    }

    fn material(&self, step: usize) -> String {
        format!("points {step}")
    }

    fn rate(&self, _: &str) -> Rate {
        Rate { learning_rate: 1.0, decay: 0.01 }
    }
}

fn schedule() -> Schedule {
    Schedule {
        steps: 60,
        learning_rate: 0.05,
        warm_up_steps: 5,
        check_every: 4,
        averaging: 0.5,
        ..Schedule::default()
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("esarm-training-run-{}-{name}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    folder
}

fn run(task: Line, folder: Option<&PathBuf>, stop_after: usize) -> Result<Outcome, TrainingError> {
    let mut trainer = Trainer::new(task, schedule(), folder.map(PathBuf::as_path))?;
    trainer.run(&mut |progress| {
        if progress.row.step == stop_after { Verdict::Cancel } else { Verdict::Continue }
    })
}

fn error(result: Result<Outcome, TrainingError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_run_learns_and_tells_its_curves() {
    let outcome = run(LINE, None, 0).unwrap();
    assert_eq!((outcome.stop, outcome.steps, outcome.resumed_at), (Stop::Finished, 60, 0));
    assert!(outcome.weights.0[0].values.iter().all(|slope| (slope - 1.0).abs() < 0.2), "{outcome:?}");
    let lines: Vec<&str> = outcome.curves.lines().collect();
    assert_eq!(lines.len(), 61);
    assert_eq!(lines[0], "step,learning_rate,gradient_norm,loss,error,held_out,held_out_error");
    assert!(lines.iter().all(|line| line.split(',').count() == 7));
    assert!(lines[4].starts_with("4,") && !lines[4].ends_with(','), "{}", lines[4]);
}

#[test]
fn the_same_seed_gives_the_same_weights_and_another_does_not() {
    assert_eq!(run(LINE, None, 0).unwrap(), run(LINE, None, 0).unwrap());
    assert_ne!(run(LINE, None, 0).unwrap().weights, run(Line { seed: 2, ..LINE }, None, 0).unwrap().weights);
}

#[test]
fn a_cancelled_run_goes_on_as_if_nothing_had_happened() {
    let straight = run(LINE, None, 0).unwrap();
    for stop_after in [1, 4, 6, 59] {
        let folder = folder(&format!("cancelled-{stop_after}"));
        let cancelled = run(LINE, Some(&folder), stop_after).unwrap();
        assert_eq!((cancelled.stop, cancelled.steps), (Stop::Cancelled, stop_after));
        let resumed = run(LINE, Some(&folder), 0).unwrap();
        assert_eq!(resumed.resumed_at, stop_after);
        assert_eq!((&resumed.weights, &resumed.curves), (&straight.weights, &straight.curves));
        assert_eq!(std::fs::read_to_string(folder.join("curves.csv")).unwrap(), straight.curves);
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_killed_run_goes_on_from_its_last_checkpoint() {
    let straight = run(LINE, None, 0).unwrap();
    let folder = folder("killed");
    // A panic in the middle of a step stands for the kill: nothing is saved on the way out.
    let mut trainer = Trainer::new(LINE, schedule(), Some(&folder)).unwrap();
    let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        trainer
            .run(&mut |progress| if progress.row.step == 31 { panic!("killed") } else { Verdict::Continue })
    }));
    assert!(killed.is_err());
    // A file that was being written is of no consequence.
    std::fs::write(folder.join("checkpoint.new.partial"), b"half").unwrap();
    let resumed = run(LINE, Some(&folder), 0).unwrap();
    assert_eq!(resumed.resumed_at, 28);
    assert_eq!((resumed.weights, resumed.curves), (straight.weights, straight.curves));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before() {
    let straight = run(LINE, None, 0).unwrap();
    let folder = folder("damaged");
    run(LINE, Some(&folder), 30).unwrap();
    let newest = folder.join("checkpoint.safetensors");
    let mut bytes = std::fs::read(&newest).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&newest, &bytes).unwrap();
    let resumed = run(LINE, Some(&folder), 0).unwrap();
    assert_eq!((resumed.resumed_at, &resumed.weights), (28, &straight.weights));
    for name in ["checkpoint.safetensors", "checkpoint.previous.safetensors"] {
        std::fs::write(folder.join(name), &bytes[..40]).unwrap();
    }
    let told = error(run(LINE, Some(&folder), 0));
    assert!(told.contains("checkpoint.safetensors") && told.contains("damaged"), "{told}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_checkpoint_of_another_run_version_or_shape_is_refused() {
    let folder = folder("other");
    run(LINE, Some(&folder), 10).unwrap();
    let told = error(run(Line { seed: 2, ..LINE }, Some(&folder), 0));
    assert!(told.contains("its seed was 1 and is now 2"), "{told}");
    let told = error(run(Line { width: 4, ..LINE }, Some(&folder), 0));
    assert!(told.contains("slope") && told.contains("[3]") && told.contains("[4]"), "{told}");
    let newest = folder.join("checkpoint.safetensors");
    super::checkpoint::tests::rewrite_layout(&newest, "esarm-training-9");
    let told = error(run(LINE, Some(&folder), 0));
    assert!(told.contains("esarm-training-9") && told.contains("checkpoint.safetensors"), "{told}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint() {
    let folder = folder("nan");
    let told = error(run(Line { broken_at: Some(22), ..LINE }, Some(&folder), 0));
    assert!(
        told.contains("step 23") && told.contains("error is NaN") && told.contains("points 22"),
        "{told}"
    );
    let resumed = run(LINE, Some(&folder), 0).unwrap();
    assert_eq!((resumed.resumed_at, resumed.weights), (20, run(LINE, None, 0).unwrap().weights));
    std::fs::remove_dir_all(folder).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_the_last_good_checkpoint() {
    let folder = folder("full");
    run(LINE, Some(&folder), 10).unwrap();
    // What is written next goes to a device that is always full.
    let partial = folder.join("checkpoint.new.partial");
    std::os::unix::fs::symlink("/dev/full", &partial).unwrap();
    let told = error(run(LINE, Some(&folder), 0));
    assert!(told.contains("checkpoint.new.partial") && told.contains("space"), "{told}");
    assert!(partial.symlink_metadata().is_err(), "nothing half written stays");
    let resumed = run(LINE, Some(&folder), 0).unwrap();
    assert_eq!((resumed.resumed_at, resumed.weights), (10, run(LINE, None, 0).unwrap().weights));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_run_that_gets_no_better_stops_early_with_its_best_weights() {
    let impatient = Schedule { steps: 4000, patience: 3, learning_rate: 0.3, ..schedule() };
    let mut trainer = Trainer::new(LINE, impatient, None).unwrap();
    let outcome = trainer.run(&mut |_| Verdict::Continue).unwrap();
    let (best_step, best_loss) = outcome.best.unwrap();
    assert_eq!(outcome.stop, Stop::Early);
    assert_eq!(outcome.steps, best_step + 3 * 4);
    let again = LINE.clone().held_out(&outcome.weights).unwrap().unwrap();
    assert!((again[0] - best_loss).abs() < 1e-6);
}
