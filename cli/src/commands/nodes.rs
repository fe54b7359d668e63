//! `esarm nodes`: what there is, from the schemas.

use crate::arguments::Nodes;
use crate::failure::Failure;
use crate::terminal::{print, print_json};
use esarm_engine::Place;
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, Range, SchemaSet, TimeSupport};

/// Lists the node types, or describes one.
pub(crate) fn nodes(arguments: &Nodes) -> Result<(), Failure> {
    let registry = esarm_library::registry();
    let schemas = registry.schemas();
    let Some(type_id) = &arguments.type_id else {
        return list(&schemas.iter().collect::<Vec<_>>(), arguments.json);
    };
    let domain = in_domain(type_id, &schemas);
    if !domain.is_empty() {
        return list(&domain, arguments.json);
    }
    let schema = schemas.get(type_id).ok_or_else(|| unknown_type(type_id, &schemas))?;
    if arguments.json {
        return print_json(schema);
    }
    let place = registry.get(&schema.type_id).map_or("", |node_type| place_words(&node_type.place));
    print(&description(schema, place))
}

fn list(schemas: &[&NodeSchema], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return print_json(&schemas);
    }
    schemas.iter().try_for_each(|schema| print(&format!("{:<26} {}", schema.type_id, schema.help)))
}

/// The types of a domain, written `face` or `face.`.
fn in_domain<'a>(name: &str, schemas: &'a SchemaSet) -> Vec<&'a NodeSchema> {
    let domain = format!("{}.", name.strip_suffix('.').unwrap_or(name));
    schemas.iter().filter(|schema| schema.type_id.starts_with(&domain)).collect()
}

/// Says which types were meant: those that hold the word, else those with the nearest names, else those of the domain,
/// else all.
fn unknown_type(type_id: &str, schemas: &SchemaSet) -> Failure {
    let ids: Vec<&str> = schemas.iter().map(|schema| schema.type_id.as_str()).collect();
    let holding: Vec<&str> = ids.iter().copied().filter(|id| id.contains(type_id)).collect();
    let mut meant =
        if holding.is_empty() { esarm_graph::nearest(type_id, ids.iter().copied()) } else { holding };
    if meant.is_empty() {
        let own_names = ids.iter().filter_map(|id| id.split_once('.').map(|(_, name)| name));
        let near = esarm_graph::nearest(type_id, own_names);
        meant = ids
            .iter()
            .copied()
            .filter(|id| near.iter().any(|name| id.ends_with(&format!(".{name}"))))
            .collect();
    }
    if !meant.is_empty() {
        let meant = meant.join(" or ");
        return Failure::input(format!("there is no node type \"{type_id}\"; did you mean {meant}?"));
    }
    let domain = format!("{}.", type_id.split('.').next().unwrap_or_default());
    let of_domain: Vec<&str> = ids.iter().copied().filter(|id| id.starts_with(&domain)).collect();
    let known = if of_domain.is_empty() { ids } else { of_domain };
    Failure::input(format!("there is no node type \"{type_id}\"; there are {}", known.join(", ")))
}

fn description(schema: &NodeSchema, place: &str) -> String {
    let title = format!("{} (version {}): {}", schema.type_id, schema.version, schema.title);
    let mut lines = vec![title, schema.help.clone(), String::new()];
    for port in &schema.inputs {
        let need = match (port.required, port.many) {
            (_, true) => "one or more",
            (true, false) => "required",
            (false, false) => "optional",
        };
        let (name, word) = (&port.name, port_word(port.port_type));
        lines.push(format!("  in   {name:<22} {word:<10} {need}. {}", port.help));
    }
    for port in &schema.outputs {
        lines.push(format!("  out  {:<22} {:<10} {}", port.name, port_word(port.port_type), port.help));
    }
    for parameter in &schema.parameters {
        let (allowed, unit) = (allowed(&parameter.kind), unit(&parameter.unit));
        lines.push(format!("  set  {:<22} {allowed}{unit}. {}", parameter.name, parameter.help));
    }
    let (purity, time) = (purity_words(schema.purity), time_words(schema.time_support));
    lines.extend([String::new(), format!("  {purity}; {time}; {place}")]);
    lines.join("\n")
}

fn port_word(port_type: PortType) -> String {
    format!("{port_type:?}").to_lowercase()
}

fn unit(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" {unit}") }
}

fn allowed(kind: &ParameterKind) -> String {
    let range = |range: &Range| format!("{}..{}", range.low, range.high);
    match kind {
        ParameterKind::Number { default, hard, animatable, .. } => {
            format!("{default} ({}{})", range(hard), if *animatable { ", or a curve" } else { "" })
        }
        ParameterKind::Integer { default, hard, .. } => format!("{default} (whole, {})", range(hard)),
        ParameterKind::Toggle { default } => default.to_string(),
        ParameterKind::Choice { default, options } => format!("{default} (of {})", options.join(", ")),
        ParameterKind::Text { default } => format!("\"{default}\""),
        ParameterKind::File { extensions } => format!("a file (.{})", extensions.join(", .")),
        ParameterKind::Map { default, hard } => format!("{default} by name ({})", range(hard)),
        ParameterKind::EmotionKeys => "emotion keyframes".to_owned(),
    }
}

fn place_words(place: &Place) -> &'static str {
    match place {
        Place::Processor => "computes on the processor",
        Place::RunDevice => "computes on the device that --device names",
        Place::Own(_) => "computes on the graphics adapter",
    }
}

fn purity_words(purity: Purity) -> &'static str {
    match purity {
        Purity::Pure => "same inputs, same outputs",
        Purity::Seeded => "same inputs and seed, same outputs",
        Purity::External => "reads something outside the graph",
    }
}

/// A number to two decimals, without those that are zero.
fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn time_words(time_support: TimeSupport) -> String {
    match time_support {
        TimeSupport::Pointwise => "each moment by itself".to_owned(),
        TimeSupport::Window { before_secs, after_secs } => {
            let (before, after) = (hundredths(before_secs), hundredths(after_secs));
            format!("needs {before} s before and {after} s after each moment")
        }
        TimeSupport::Whole => "needs the whole clip".to_owned(),
    }
}
