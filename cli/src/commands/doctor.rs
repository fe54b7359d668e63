//! `esarm doctor`: devices, models, caches, plugins and versions.

use crate::arguments::Doctor;
use crate::failure::Failure;
use crate::terminal::{print, print_json};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

/// Prints what this program can use here.
pub(crate) fn doctor(arguments: &Doctor) -> Result<(), Failure> {
    if arguments.adapters {
        return print_json(&adapters());
    }
    let facts = facts(arguments);
    if arguments.json { print_json(&facts) } else { print(&words(&facts)) }
}

fn facts(arguments: &Doctor) -> Value {
    let models: Vec<_> = esarm_library::models().iter().map(|model| {
        json!({"name": model.name, "bytes": model.bytes.len(), "digest": esarm_values::Digest::of(model.bytes).to_string()})
    }).collect();
    json!({
        "esarm_version": env!("CARGO_PKG_VERSION"),
        "device": "cpu",
        "processor_cores": std::thread::available_parallelism().map_or(1, usize::from),
        "render_adapters": adapters_apart().unwrap_or_else(|| json!([])),
        "models": models,
        "node_types": esarm_library::registry().schemas().iter().count(),
        "cache": arguments.cache.as_deref().map(cache),
        "plugins": [],
    })
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

fn adapters() -> Value {
    let adapters = esarm_library::render_adapters();
    let list = adapters.iter().map(
        |adapter| json!({"name": adapter.name, "backend": adapter.backend, "software": adapter.software}),
    );
    list.collect()
}

/// Asks for the adapters in a process of its own: drivers write on the terminal as they like, and a broken one takes
/// the process down with it. `None` when nothing came back.
fn adapters_apart() -> Option<Value> {
    let program = std::env::current_exe().ok()?;
    let asked = Command::new(program).args(["doctor", "--adapters"]).stderr(Stdio::null()).output().ok()?;
    serde_json::from_slice(&asked.stdout).ok()
}

fn words(facts: &Value) -> String {
    let (version, cores) = (env!("CARGO_PKG_VERSION"), &facts["processor_cores"]);
    let mut lines = vec![
        format!("esarm {version} on {cores} processor cores; graphs run on the processor"),
        format!("{} node types", facts["node_types"]),
        "models".to_owned(),
    ];
    lines.extend(rows(&facts["models"], &["name", "bytes", "digest"]));
    lines.push("adapters that can render".to_owned());
    let adapters = rows(&facts["render_adapters"], &["name", "backend", "software"]);
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

/// One line per item of a list, with these of its members.
fn rows(list: &Value, columns: &[&str]) -> Vec<String> {
    let cell = |item: &Value, column: &str| match &item[column] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let row = |item: &Value| columns.iter().map(|column| cell(item, column)).collect::<Vec<_>>().join("  ");
    list.as_array().into_iter().flatten().map(|item| format!("  {}", row(item))).collect()
}
