//! Tunes the shipped generator on EMO-DB by PPO, GRPO and DPO, compares them and best-of-N on speakers that none has
//! heard, and prints one table: `cargo run --release -p esarm-rl --example tune_generator -- [OUTPUT FOLDER]`.
//!
//! The data folder is `ESARM_DATA` or `../shared/data`. With an output folder weights, curves, cards and the critic are
//! kept there. `ESARM_ITERATIONS` and the like change settings, see `settings`.

#![allow(clippy::print_stdout)]

mod material;

use esarm_reward::RewardWeights;
use esarm_rl::compare::{Measures, divergence_between, mean_spreads};
use esarm_rl::evaluation::{Performance, perform};
use esarm_rl::generator::{GeneratorPolicy, RewardJudge, SpeechLine, columns, proxies};
use esarm_rl::policy::Proxy;
use esarm_rl::{
    Algorithm, Card, Comparison, Estimate, Hooks, Outcome, RlError, Stop, Task, TuneSettings,
    best_of_divergence, curves_csv, perform_best_of, tune,
};
use esarm_sta::generator::{DEFAULT_TEMPERATURE, EMBEDDED_WEIGHTS};
use material::{Lines, critic_weights, read_lines};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Seeds of the takes that are compared on test lines.
const TEST_SEEDS: [u64; 4] = [71, 72, 73, 74];
/// Takes of which best-of-N keeps one.
const BEST_OF: usize = 8;
/// How far a proxy may fall on held-out lines.
const MARGIN: f64 = 0.05;

fn main() -> Result<(), Box<dyn Error>> {
    let output = std::env::args().nth(1).map(PathBuf::from);
    let began = Instant::now();
    let temperature = setting("ESARM_TEMPERATURE", f64::from(DEFAULT_TEMPERATURE))? as f32;
    let lip_lock = setting("ESARM_LIP_LOCK", 1.0)? > 0.0;
    let policy = GeneratorPolicy::from_bytes(EMBEDDED_WEIGHTS, temperature, lip_lock)?;
    let lines = read_lines(&policy)?;
    let judge = RewardJudge::new(RewardWeights::from_bytes(esarm_reward::EMBEDDED_WEIGHTS)?);
    println!(
        "{} lines to learn from, {} to check on, {} to test on ({:.1} s)",
        lines.learnt.len(),
        lines.held_out.len(),
        lines.test.len(),
        began.elapsed().as_secs_f64()
    );
    let critic = RewardJudge::new(kept_critic(output.as_deref())?);
    println!("independent critic ready ({:.1} s)", began.elapsed().as_secs_f64());
    let bench = Bench::new(&policy, &lines, &judge, &critic)?;
    let mut rows = Vec::new();
    for algorithm in Algorithm::ALL {
        rows.push(bench.tune(algorithm, output.as_deref())?);
    }
    rows.push(bench.best_of()?);
    println!("\n{}", table(&rows));
    println!("all in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// The critic that an earlier run kept in the output folder, or a new one.
fn kept_critic(output: Option<&Path>) -> Result<RewardWeights, Box<dyn Error>> {
    let Some(folder) = output else { return critic_weights() };
    let path = folder.join("critic.safetensors");
    if path.is_file() {
        return Ok(RewardWeights::from_bytes(&std::fs::read(path)?)?);
    }
    let weights = critic_weights()?;
    std::fs::create_dir_all(folder)?;
    esarm_graph::write_atomically(&path, &weights.to_bytes()?)?;
    Ok(weights)
}

/// A number from the environment.
fn setting(name: &str, default: f64) -> Result<f64, Box<dyn Error>> {
    match std::env::var(name) {
        Ok(text) => Ok(text.parse().map_err(|error| format!("{name}: {error}"))?),
        Err(_) => Ok(default),
    }
}

fn settings(algorithm: Algorithm) -> Result<TuneSettings, Box<dyn Error>> {
    let defaults = TuneSettings::default();
    let count = |name: &str, default: usize| setting(name, default as f64).map(|it| it as usize);
    Ok(TuneSettings {
        algorithm,
        iterations: count("ESARM_ITERATIONS", defaults.iterations)?,
        takes_per_line: count("ESARM_TAKES", defaults.takes_per_line)?,
        lines_per_iteration: count("ESARM_LINES", defaults.lines_per_iteration)?,
        learning_rate: setting("ESARM_LEARNING_RATE", defaults.learning_rate)?,
        kl_budget: setting("ESARM_KL_BUDGET", defaults.kl_budget)?,
        kl_weight: setting("ESARM_KL_WEIGHT", defaults.kl_weight)?,
        entropy_weight: setting("ESARM_ENTROPY", defaults.entropy_weight)?,
        epochs: count("ESARM_EPOCHS", defaults.epochs)?,
        liveliness_weight: setting("ESARM_LIVELINESS", defaults.liveliness_weight)?,
        caution: setting("ESARM_CAUTION", defaults.caution)?,
        seed: count("ESARM_SEED", 1)? as u64,
        ..defaults
    })
}

/// One line of the table.
struct Contestant {
    name: String,
    seconds: f64,
    takes_judged: usize,
    kl: String,
    comparison: Comparison,
}

/// What all are compared on.
struct Bench<'a> {
    policy: &'a GeneratorPolicy,
    lines: &'a Lines,
    judge: &'a RewardJudge,
    critic: &'a RewardJudge,
    proxies: Vec<Box<dyn Proxy<SpeechLine>>>,
    spread: Vec<f64>,
    before: Performance,
}

fn always() -> Result<(), RlError> {
    Ok(())
}

impl<'a> Bench<'a> {
    fn new(
        policy: &'a GeneratorPolicy,
        lines: &'a Lines,
        judge: &'a RewardJudge,
        critic: &'a RewardJudge,
    ) -> Result<Self, Box<dyn Error>> {
        let spread = mean_spreads(&perform(policy, &lines.learnt, &TEST_SEEDS[..2], &always)?);
        let before = perform(policy, &lines.test, &TEST_SEEDS, &always)?;
        Ok(Self { policy, lines, judge, critic, proxies: proxies(judge, MARGIN), spread, before })
    }

    fn proxies(&self) -> Vec<&dyn Proxy<SpeechLine>> {
        self.proxies.iter().map(AsRef::as_ref).collect()
    }

    fn compare(&self, after: &Performance) -> Result<Comparison, RlError> {
        Measures {
            policy: self.policy,
            lines: &self.lines.test,
            judge: self.judge,
            critic: Some(self.critic),
            proxies: &self.proxies(),
            columns: columns(),
            demonstration_spread: &self.spread,
            seed: 5,
        }
        .compare(&self.before, after)
    }

    fn tune(&self, algorithm: Algorithm, output: Option<&Path>) -> Result<Contestant, Box<dyn Error>> {
        let settings = settings(algorithm)?;
        let began = Instant::now();
        let proxies = self.proxies();
        let task = Task {
            start: self.policy,
            lines: &self.lines.learnt,
            held_out: &self.lines.held_out,
            judge: self.judge,
            proxies: &proxies,
            demonstration_spread: &self.spread,
            hand_orders: &[],
            data: vec![("corpus".to_owned(), self.lines.digest.clone())],
        };
        let mut print = |row: &esarm_rl::Row| {
            if let Some(check) = &row.held_out {
                println!(
                    "{:5} {:3}: reward {:.3} ± {:.3}, held out {:.3}, KL {:.4}, clip {:.2}, slopes {:.3}",
                    algorithm.name(),
                    row.iteration,
                    row.reward_mean,
                    row.reward_std,
                    check.reward,
                    row.kl,
                    row.clip_ratio.unwrap_or_default(),
                    row.gradient_norm
                );
            }
        };
        let mut hooks = Hooks { cancelled: &|| false, working: &|_, _| {}, row: &mut print };
        let outcome = tune(&task, &settings, None, &mut hooks)?;
        let seconds = began.elapsed().as_secs_f64();
        if let Stop::RewardHacking(_) = outcome.stop {
            println!("{:5} {}", algorithm.name(), outcome.stop);
        }
        let after = perform(&outcome.policy, &self.lines.test, &TEST_SEEDS, &always)?;
        let mut comparison = self.compare(&after)?;
        comparison.kl = divergence_between(&outcome.policy, self.policy, &self.lines.test, &TEST_SEEDS)?;
        if let Some(folder) = output {
            write(folder, &settings, &task, &outcome, &comparison)?;
        }
        Ok(Contestant {
            name: algorithm.name().to_owned(),
            seconds,
            takes_judged: outcome.rows.iter().map(|row| row.takes_judged).sum(),
            kl: comparison.kl.map_or_else(String::new, |kl| format!("{:.3}", kl.value)),
            comparison,
        })
    }

    fn best_of(&self) -> Result<Contestant, Box<dyn Error>> {
        let began = Instant::now();
        let after =
            perform_best_of(self.policy, &self.lines.test, &TEST_SEEDS, BEST_OF, self.judge, &always)?;
        Ok(Contestant {
            name: format!("best of {BEST_OF}"),
            seconds: began.elapsed().as_secs_f64(),
            takes_judged: self.lines.test.len() * TEST_SEEDS.len() * BEST_OF,
            kl: format!("{:.2} a take", best_of_divergence(BEST_OF)),
            comparison: self.compare(&after)?,
        })
    }
}

fn write(
    folder: &Path,
    settings: &TuneSettings,
    task: &Task<'_, GeneratorPolicy>,
    outcome: &Outcome<GeneratorPolicy>,
    comparison: &Comparison,
) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let names: Vec<String> = task.proxies.iter().map(|proxy| proxy.name().to_owned()).collect();
    let name = settings.algorithm.name();
    let card = Card::new(settings, &task.data, names.clone(), outcome, comparison.clone());
    let notes = [("tuned_by", name.to_owned()), ("iteration", outcome.best.iteration.to_string())];
    let files = [
        ("safetensors", outcome.policy.to_bytes(&notes)?),
        ("csv", curves_csv(&outcome.rows, &names).into_bytes()),
        ("json", card.json()?.into_bytes()),
        ("md", card.markdown().into_bytes()),
    ];
    for (ending, bytes) in files {
        esarm_graph::write_atomically(folder.join(format!("{name}.{ending}")), &bytes)?;
    }
    Ok(())
}

/// One row for each contestant, and the figures that a tuned policy must show.
fn table(contestants: &[Contestant]) -> String {
    let mut text = "| algorithm | seconds | takes judged | reward before | after | difference [95 %] | win rate \
                    under the critic [95 %] | KL, nats per frame | spread to demonstrations | diversity before | after |\n\
                    |---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for it in contestants {
        let comparison = &it.comparison;
        let estimate = |it: Option<&Estimate>| {
            it.map_or_else(String::new, |it| format!("{:.3} [{:.3}, {:.3}]", it.value, it.low, it.high))
        };
        let spread = comparison.spread_range().map_or_else(String::new, |(a, b)| format!("{a:.2} to {b:.2}"));
        let diversity = comparison.diversity.as_ref();
        text += &format!(
            "| {} | {:.1} | {} | {:.3} | {:.3} | {} | {} | {} | {spread} | {:.4} | {:.4} |\n",
            it.name,
            it.seconds,
            it.takes_judged,
            comparison.reward.before,
            comparison.reward.after,
            estimate(Some(&comparison.reward.difference)),
            estimate(comparison.win_rate.as_ref()),
            it.kl,
            diversity.map_or(0.0, |it| it.before),
            diversity.map_or(0.0, |it| it.after),
        );
    }
    text += "\n| proxy | before |";
    contestants.iter().for_each(|it| text += &format!(" {} |", it.name));
    text += &format!("\n|---|---|{}\n", "---|".repeat(contestants.len()));
    for (index, proxy) in
        contestants.first().into_iter().flat_map(|it| it.comparison.proxies.iter().enumerate())
    {
        text += &format!("| {} | {:.4} |", proxy.name, proxy.before);
        let after = contestants.iter().filter_map(|it| it.comparison.proxies.get(index));
        after.for_each(|it| text += &format!(" {:.4} |", it.after));
        text.push('\n');
    }
    text
}
