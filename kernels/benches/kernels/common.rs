//! Devices, timing and the peers in Python.

use burn::tensor::{Device, Tensor};
use esarm_kernels::devices;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// Runs of each measured call; the fastest counts.
const RUNS: usize = 7;

/// What the benches of a run share.
pub(crate) struct Bench {
    devices: Vec<Measured>,
    python: Option<PathBuf>,
}

/// A device, and on a GPU the bytes per second that it copies at.
struct Measured {
    name: &'static str,
    device: Device,
    copies: Option<f64>,
}

impl Measured {
    fn new(name: &'static str, device: Device) -> Self {
        let copies = (name != "cpu").then(|| copy_bandwidth(&device));
        if let Some(copies) = copies {
            println!("{name}: {}, copies {:.1} GB/s", devices::adapter(&device), copies / 1e9);
        }
        Self { name, device, copies }
    }
}

/// Bytes read and written per second where a large tensor becomes another by one addition.
fn copy_bandwidth(device: &Device) -> f64 {
    let values = if devices::describe(device).software { 1 << 20 } else { 1 << 28 };
    let source = Tensor::<1>::zeros([values], device);
    8.0 * values as f64 / fastest_on(device, || drop(source.clone() + 1.0))
}

/// What a call moves and computes.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    pub bytes: f64,
    pub operations: f64,
}

impl Bench {
    /// The processor, and GPUs as far as they are in this build and hardware, or `ESARM_BENCH_SOFTWARE_GPU` is set.
    pub(crate) fn new() -> Self {
        let software = std::env::var_os("ESARM_BENCH_SOFTWARE_GPU").is_some();
        let mut devices = vec![Measured::new("cpu", devices::cpu())];
        for name in ["gpu", "cuda"] {
            match devices::device(name) {
                Ok(device) if software || !devices::describe(&device).software => {
                    devices.push(Measured::new(name, device));
                }
                Ok(_) => println!("{name}: only a software driver; ESARM_BENCH_SOFTWARE_GPU=1 measures it"),
                Err(reason) => println!("{reason}"),
            }
        }
        let tools = std::env::var_os("ESARM_TOOLS").map(PathBuf::from);
        let python = tools.map(|tools| tools.join("python/bin/python")).filter(|python| python.exists());
        Self { devices, python }
    }

    /// Measures `call` on what `prepare` makes, on every device, and prints it beside `peer` (a name and its seconds).
    pub(crate) fn measure<T>(
        &self,
        name: &str,
        work: Work,
        peer: Option<(&str, f64)>,
        prepare: impl Fn(&Device) -> T,
        call: impl Fn(&T),
    ) {
        for measured in &self.devices {
            let prepared = prepare(&measured.device);
            let secs = fastest_on(&measured.device, || call(&prepared));
            report(name, measured, work, secs, peer);
        }
    }

    /// The same beside a peer that runs on the same device.
    pub(crate) fn beside<T>(
        &self,
        name: &str,
        work: Work,
        peer_name: &str,
        prepare: impl Fn(&Device) -> T,
        peer: impl Fn(&T),
        call: impl Fn(&T),
    ) {
        for measured in &self.devices {
            let prepared = prepare(&measured.device);
            let peer_secs = fastest_on(&measured.device, || peer(&prepared));
            let secs = fastest_on(&measured.device, || call(&prepared));
            report(name, measured, work, secs, Some((peer_name, peer_secs)));
        }
    }

    /// The fastest of some runs of a Python statement after its setup (NumPy is `np`), in seconds; none without the
    /// Python of `ESARM_TOOLS`.
    pub(crate) fn python(&self, setup: &str, statement: &str) -> Option<f64> {
        let code = format!(
            "import timeit\nimport numpy as np\n{setup}\nprint(min(timeit.repeat(lambda: {statement}, number=1, repeat={RUNS})))"
        );
        let output = Command::new(self.python.as_ref()?).args(["-c", &code]).output().ok()?;
        if !output.status.success() {
            println!("peer failed: {}", String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or(""));
            return None;
        }
        String::from_utf8_lossy(&output.stdout).trim().parse().ok()
    }
}

fn report(name: &str, measured: &Measured, work: Work, secs: f64, peer: Option<(&str, f64)>) {
    let (device, speed) = (measured.name, work.bytes / secs);
    let share = measured
        .copies
        .map_or(String::new(), |copies| format!("  {:5.1} % of copying", 100.0 * speed / copies));
    let ratio = peer.map_or(String::new(), |(peer, peer_secs)| {
        format!("  {:6.2}x {peer} ({:.3} ms)", secs / peer_secs, peer_secs * 1e3)
    });
    println!(
        "{name:<40} {device:<5} {:>9.3} ms {:>8.2} GB/s {:>8.2} GFLOP/s{share}{ratio}",
        secs * 1e3,
        speed / 1e9,
        work.operations / secs / 1e9
    );
}

/// Seconds of the fastest call on a device, until its work is done.
fn fastest_on(device: &Device, call: impl Fn()) -> f64 {
    fastest(|| {
        call();
        device.sync().expect("the device ran");
    })
}

/// Seconds of the fastest call after one to warm up.
pub(crate) fn fastest(mut call: impl FnMut()) -> f64 {
    call();
    let time = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        call();
        start.elapsed().as_secs_f64()
    };
    (0..RUNS).map(|_| time(&mut call)).fold(f64::INFINITY, f64::min)
}
