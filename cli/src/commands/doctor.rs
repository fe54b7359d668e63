//! `esarm doctor`: devices, models and versions.

use crate::arguments::Doctor;
use crate::failure::Failure;
use serde_json::json;

/// Prints what this program can use here.
pub(crate) fn doctor(arguments: &Doctor) -> Result<(), Failure> {
    let models: Vec<_> = esarm_library::models().iter().map(|model| {
        json!({"name": model.name, "bytes": model.bytes.len(), "digest": esarm_values::Digest::of(model.bytes).to_string()})
    }).collect();
    let adapters: Vec<_> = esarm_library::render_adapters()
        .iter()
        .map(
            |adapter| json!({"name": adapter.name, "backend": adapter.backend, "software": adapter.software}),
        )
        .collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let facts = json!({
        "esarm_version": env!("CARGO_PKG_VERSION"),
        "device": "cpu",
        "processor_cores": cores,
        "render_adapters": adapters,
        "models": models,
        "node_types": esarm_library::registry().schemas().iter().count(),
    });
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&facts).map_err(Failure::input)?);
        return Ok(());
    }
    println!("esarm {} on {cores} processor cores; graphs run on the processor", env!("CARGO_PKG_VERSION"));
    println!("{} node types", facts["node_types"]);
    print_list("models", &facts["models"], &["name", "bytes", "digest"]);
    print_list("adapters that can render", &facts["render_adapters"], &["name", "backend", "software"]);
    if adapters_missing(&facts) {
        println!(
            "  none: pictures need a Vulkan, Metal or DirectX 12 driver; on Debian without a GPU install mesa-vulkan-drivers"
        );
    }
    Ok(())
}

fn adapters_missing(facts: &serde_json::Value) -> bool {
    facts["render_adapters"].as_array().is_none_or(Vec::is_empty)
}

fn print_list(title: &str, list: &serde_json::Value, columns: &[&str]) {
    println!("{title}");
    for item in list.as_array().into_iter().flatten() {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| match &item[column] {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .collect();
        println!("  {}", cells.join("  "));
    }
}
