//! `esarm doctor`: devices, kernels, models, caches, plugins and versions.

use crate::arguments::Doctor;
use crate::failure::Failure;
use crate::terminal::{print, print_json};
use esarm_library::devices::{self, Device};
use esarm_library::self_test::{TASKS, Task};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Calls of a kernel's task after the one that is checked; the fastest counts.
const TIMED_CALLS: usize = 3;

/// Prints what this program can use here.
pub(crate) fn doctor(arguments: &Doctor) -> Result<(), Failure> {
    if arguments.drivers {
        return print_json(&drivers());
    }
    let device = arguments.device.open();
    let kernels: Vec<SelfTest> =
        device.iter().flat_map(|device| TASKS.iter().map(|task| self_test(task, device))).collect();
    let facts = facts(arguments, &kernels);
    if arguments.json {
        print_json(&facts)?;
    } else {
        print(&words(&facts))?;
    }
    device?;
    let broken: Vec<&str> = kernels.iter().filter(|it| it.problem.is_some()).map(|it| it.kernel).collect();
    if broken.is_empty() {
        return Ok(());
    }
    let device = arguments.device.class();
    let message =
        format!("kernels that do not compute right on {device}: {}; use another --device", broken.join(", "));
    Err(Failure::Work(message))
}

fn facts(arguments: &Doctor, kernels: &[SelfTest]) -> Value {
    let models: Vec<_> = esarm_library::models().iter().map(|model| {
        json!({"name": model.name, "bytes": model.bytes.len(), "digest": esarm_values::Digest::of(model.bytes).to_string()})
    }).collect();
    let drivers = drivers_apart().unwrap_or_else(without_drivers);
    json!({
        "esarm_version": env!("CARGO_PKG_VERSION"),
        "device": arguments.device.class(),
        "processor_cores": std::thread::available_parallelism().map_or(1, usize::from),
        "devices": drivers["devices"],
        "kernels": kernels.iter().map(SelfTest::json).collect::<Vec<_>>(),
        "render_adapters": drivers["render_adapters"],
        "models": models,
        "node_types": esarm_library::registry().schemas().iter().count(),
        "cache": arguments.cache.as_deref().map(cache),
        "plugins": [],
    })
}

/// How a kernel's task went on the chosen device.
struct SelfTest {
    kernel: &'static str,
    problem: Option<String>,
    secs: f64,
    bytes: usize,
}

impl SelfTest {
    fn json(&self) -> Value {
        json!({
            "kernel": self.kernel,
            "passed": self.problem.is_none(),
            "problem": self.problem,
            "milliseconds": self.secs * 1e3,
            "gigabytes_per_sec": self.bytes as f64 / self.secs / 1e9,
        })
    }
}

/// The answer of a first call is checked; the fastest of the next tells the speed, since the first compiles.
fn self_test(task: &Task, device: &Device) -> SelfTest {
    let attempt = || {
        let call = task.prepare(device).map_err(|error| error.to_string())?;
        task.check(device, &call().map_err(|error| error.to_string())?)?;
        let timed = |_| {
            let start = Instant::now();
            call().map(|_| start.elapsed().as_secs_f64())
        };
        let secs: Result<Vec<f64>, _> = (0..TIMED_CALLS).map(timed).collect();
        secs.map(|secs| secs.into_iter().fold(f64::INFINITY, f64::min)).map_err(|error| error.to_string())
    };
    // A driver may fail in ways that no result tells of; the other kernels are still to be tested.
    let outcome =
        catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|_| Err("the driver failed".to_owned()));
    let (secs, problem) = match outcome {
        Ok(secs) => (secs, None),
        Err(problem) => (f64::INFINITY, Some(problem)),
    };
    SelfTest { kernel: task.kernel, problem, secs, bytes: task.bytes }
}

/// The cache folder, and the bytes of what lies in it.
fn cache(folder: &Path) -> Value {
    json!({"folder": folder.display().to_string(), "bytes": bytes_in(folder)})
}

fn bytes_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => bytes_in(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

/// What drivers tell: the devices that kernels may run on, and the adapters that can draw.
fn drivers() -> Value {
    let adapters = esarm_library::render_adapters();
    let adapters = adapters.iter().map(
        |adapter| json!({"name": adapter.name, "backend": adapter.backend, "software": adapter.software}),
    );
    let devices = devices::NAMES.iter().map(|name| device_facts(name));
    json!({"render_adapters": adapters.collect::<Vec<_>>(), "devices": devices.collect::<Vec<_>>()})
}

fn device_facts(name: &str) -> Value {
    match devices::device(name).map(|device| devices::describe(&device)) {
        Ok(found) => json!({
            "name": name,
            "available": true,
            "adapter": found.adapter,
            "software": found.software,
            "half_precision": found.half_precision,
            "limits": found.limits.into_iter().collect::<BTreeMap<_, _>>(),
        }),
        Err(error) => json!({"name": name, "available": false, "reason": error.to_string()}),
    }
}

/// Asks the drivers in a process of its own: they write on the terminal as they like, and a broken one takes the process
/// down with it. `None` when nothing came back.
fn drivers_apart() -> Option<Value> {
    let program = std::env::current_exe().ok()?;
    let asked = Command::new(program).args(["doctor", "--drivers"]).stderr(Stdio::null()).output().ok()?;
    serde_json::from_slice(&asked.stdout).ok()
}

/// What can be said when asking the drivers took their process down.
fn without_drivers() -> Value {
    let failed =
        |name: &&str| json!({"name": name, "available": false, "reason": "asking the drivers failed"});
    let others = devices::NAMES.iter().filter(|name| **name != "cpu").map(failed);
    let devices: Vec<Value> = std::iter::once(device_facts("cpu")).chain(others).collect();
    json!({"render_adapters": [], "devices": devices})
}

fn words(facts: &Value) -> String {
    let (version, cores) = (env!("CARGO_PKG_VERSION"), &facts["processor_cores"]);
    let mut lines = vec![
        format!("esarm {version} on {cores} processor cores"),
        format!("{} node types", facts["node_types"]),
        "devices that graphs can run on".to_owned(),
    ];
    lines.extend(facts["devices"].as_array().into_iter().flatten().map(device_line));
    let kernels: Vec<String> = facts["kernels"].as_array().into_iter().flatten().map(kernel_line).collect();
    if !kernels.is_empty() {
        let device = facts["device"].as_str().unwrap_or_default();
        lines.push(format!("kernels on {device}, each with a small known task"));
        lines.extend(kernels);
    }
    lines.push("models".to_owned());
    lines.extend(rows(&facts["models"], &["name", "digest"]));
    lines.push("adapters that can render".to_owned());
    let adapters: Vec<String> =
        facts["render_adapters"].as_array().into_iter().flatten().map(adapter_line).collect();
    if adapters.is_empty() {
        lines.push(
            "  none: pictures need a Vulkan, Metal or DirectX 12 driver; on Debian without a GPU install mesa-vulkan-drivers".to_owned(),
        );
    }
    lines.extend(adapters);
    lines.push(match &facts["cache"] {
        Value::Null => "cache: in memory only; set ESARM_CACHE or give --cache to keep results".to_owned(),
        cache => {
            let folder = cache["folder"].as_str().unwrap_or_default();
            format!("cache: {folder}, {} bytes", cache["bytes"])
        }
    });
    lines.push("plugins: none in this build".to_owned());
    lines.join("\n")
}

fn device_line(device: &Value) -> String {
    let name = device["name"].as_str().unwrap_or_default();
    if device["available"] != true {
        // The reason begins with "device NAME".
        return format!("  {}", device["reason"].as_str().unwrap_or_default());
    }
    let adapter = device["adapter"].as_str().unwrap_or_default();
    let software = device["software"] == true && name != "cpu";
    let kind = if software { " (software)" } else { "" };
    let limits = device["limits"].as_object().into_iter().flatten();
    let limits: Vec<String> = limits.map(|(limit, value)| format!("{limit} {value}")).collect();
    format!("  {name:<5} {adapter}{kind}: {}", limits.join(", "))
}

fn adapter_line(adapter: &Value) -> String {
    let kind = if adapter["software"] == true { " (software)" } else { "" };
    let word = |member: &str| adapter[member].as_str().unwrap_or_default();
    format!("  {}{kind}: {}", word("name"), word("backend"))
}

fn kernel_line(kernel: &Value) -> String {
    let name = kernel["kernel"].as_str().unwrap_or_default();
    match &kernel["problem"] {
        Value::String(problem) => format!("  {name:<17} FAILED: {problem}"),
        _ => {
            let figure = |member: &str| kernel[member].as_f64().unwrap_or_default();
            let (millis, speed) = (figure("milliseconds"), 1e3 * figure("gigabytes_per_sec"));
            format!("  {name:<17} passed  {millis:>8.3} ms  {speed:>7.1} MB/s, reading back included")
        }
    }
}

/// One line per item of a list, with these of its members.
fn rows(list: &Value, columns: &[&str]) -> Vec<String> {
    let cell = |item: &Value, column: &str| match &item[column] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let row = |item: &Value| columns.iter().map(|column| cell(item, column)).collect::<Vec<_>>().join("  ");
    list.as_array().into_iter().flatten().map(|item| format!("  {}", row(item))).collect()
}
