//! Edits in words, as a command line gives them: `node.parameter` and a text for the value.

use crate::address::shortened;
use crate::catalog::{Catalog, Found};
use crate::problem::Finding;
use crate::validate::Purpose;
use crate::validate::checker::{Checker, Scope};
use crate::validate::value::{check_value, expected, quoted};
use crate::{
    Curve, CurveKey, Document, EmotionKey, Interpolation, Item, Node, NodeId, Parameter, ParameterAddress,
    ParameterKind, ParameterValue, Place, Problem, ProblemKind, Problems, SchemaSet, Severity,
};
use std::collections::BTreeMap;

/// Sets a parameter of a node at the top from text.
///
/// Numbers may be followed by their unit. A curve is written `0:0.2,1.5:0.8` (seconds and value), emotion keyframes
/// `0:happy:0.8,2:sad` (seconds, emotion and intensity, 1 when left out), each with `:hold`, `:linear` or `:smooth`
/// behind a key to choose how it goes on; numbers by name `jawOpen=1.2,mouthPucker=0.8`.
///
/// # Errors
/// When the node or parameter does not exist or the text is no allowed value; the document is then unchanged.
pub fn set_parameter(
    document: &mut Document,
    address: &str,
    text: &str,
    schemas: &SchemaSet,
) -> Result<(), Problems> {
    let address: ParameterAddress = address.parse().map_err(|error: crate::AddressError| {
        one(Finding::new(ProblemKind::BadName, error.to_string()).at(Place::default(), Severity::Error))
    })?;
    set(document, &address, text, schemas)
}

/// Sets the parameter that a named input of the document stands for, from text as [`set_parameter`] reads it.
///
/// # Errors
/// When the document has no input of that name, or as [`set_parameter`].
pub fn set_input(
    document: &mut Document,
    name: &str,
    text: &str,
    schemas: &SchemaSet,
) -> Result<(), Problems> {
    let Some(address) = document.inputs.get(name).cloned() else {
        let names: Vec<&str> = document.inputs.keys().map(String::as_str).collect();
        let known = if names.is_empty() {
            "this graph names none".to_owned()
        } else {
            format!("there is {}", quoted(&names, ", "))
        };
        let finding = Finding::new(ProblemKind::UnknownParameter, "the graph has no such input")
            .allowed(known)
            .remedy("correct the name, or set NODE.PARAMETER instead");
        let place = Place { item: Item::Input(shortened(name)), ..Place::default() };
        return Err(one(finding.at(place, Severity::Error)));
    };
    set(document, &address, text, schemas)
}

fn one(problem: Problem) -> Problems {
    Problems(vec![problem])
}

fn set(
    document: &mut Document,
    address: &ParameterAddress,
    text: &str,
    schemas: &SchemaSet,
) -> Result<(), Problems> {
    let parameter = declaration(document, address, schemas)?;
    let findings = match read_value(&parameter, text) {
        Ok(value) => {
            let findings = check_value(&parameter, &value, schemas.emotions());
            if findings.is_empty() {
                store(document, address, value);
                return Ok(());
            }
            findings
        }
        Err(finding) => vec![finding],
    };
    let place = Place {
        group: None,
        node: Some(address.node.clone()),
        item: Item::Parameter(address.parameter.clone()),
    };
    Err(Problems(findings.into_iter().map(|finding| finding.at(place.clone(), Severity::Error)).collect()))
}

fn store(document: &mut Document, address: &ParameterAddress, value: ParameterValue) {
    if let Some(node) = document.graph.nodes.get_mut(&address.node) {
        node.unread_parameters.remove(&address.parameter);
        node.parameters.insert(address.parameter.clone(), value);
    }
}

/// What the node's type, or the group it is an instance of, declares for a parameter.
fn declaration(
    document: &Document,
    address: &ParameterAddress,
    schemas: &SchemaSet,
) -> Result<Parameter, Problems> {
    let catalog = Catalog::new(document, schemas);
    let mut checker = Checker::new(document, &catalog, Purpose::Run);
    let scope = Scope { group: None, graph: &document.graph };
    let Some(node) = checker.find_node(scope, &address.node, &|| format!("\"{address}\"")) else {
        return Err(Problems(checker.problems));
    };
    match catalog.parameter(node, &address.parameter) {
        Found::Yes(parameter) => return Ok(parameter.clone()),
        Found::No => {
            if let Some(schema) = catalog.schema(node) {
                let finding = checker.unknown_parameter(&address.parameter, schema);
                let item = Item::Parameter(shortened(&address.parameter));
                checker.error(scope.place(Some(&address.node), item), finding);
            }
        }
        Found::Unclear => report_unclear(&mut checker, scope, &address.node, node),
    }
    Err(Problems(checker.problems))
}

fn report_unclear<'a>(checker: &mut Checker<'a>, scope: Scope<'a>, id: &NodeId, node: &Node) {
    checker.check_type(scope, id, node);
    if checker.problems.is_empty() {
        let finding =
            Finding::new(ProblemKind::UnknownParameter, "leads to a node of unknown type inside the group")
                .remedy("install the plugin or the newer version that has that type");
        checker.error(scope.place(Some(id), Item::Whole), finding);
    }
}

fn read_value(parameter: &Parameter, text: &str) -> Result<ParameterValue, Finding> {
    let unreadable = |form: &str| {
        Finding::new(ProblemKind::WrongKind, format!("{:?} cannot be read", shortened(text)))
            .allowed(format!("takes {}", expected(&parameter.kind, &parameter.unit)))
            .remedy(format!("write it as {form}"))
    };
    match &parameter.kind {
        ParameterKind::Number { .. } if text.contains(':') => read_curve(text)
            .map(ParameterValue::Curve)
            .ok_or_else(|| unreadable("a number, or as seconds:value,seconds:value")),
        ParameterKind::Number { default, .. } => read_number(text, &parameter.unit)
            .map(ParameterValue::Number)
            .ok_or_else(|| unreadable(&format!("a number such as {default}"))),
        ParameterKind::Integer { default, .. } => read_number(text, &parameter.unit)
            .map(ParameterValue::Number)
            .ok_or_else(|| unreadable(&format!("a whole number such as {default}"))),
        ParameterKind::Toggle { .. } => {
            read_toggle(text).map(ParameterValue::Toggle).ok_or_else(|| unreadable("true or false"))
        }
        ParameterKind::Choice { .. } | ParameterKind::Text { .. } | ParameterKind::File { .. } => {
            Ok(ParameterValue::Text(text.to_owned()))
        }
        ParameterKind::Map { .. } => {
            read_map(text).map(ParameterValue::Map).ok_or_else(|| unreadable("name=number,name=number"))
        }
        ParameterKind::EmotionKeys => read_emotion_keys(text)
            .map(|emotion_keys| ParameterValue::EmotionKeys { emotion_keys })
            .ok_or_else(|| unreadable("seconds:emotion:intensity,seconds:emotion:intensity")),
    }
}

fn read_number(text: &str, unit: &str) -> Option<f64> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.strip_suffix(unit)?.trim_end().parse().ok())
}

fn read_toggle(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Some(true),
        "false" | "off" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn read_interpolation(text: &str) -> Option<Interpolation> {
    match text.trim() {
        "hold" => Some(Interpolation::Hold),
        "linear" => Some(Interpolation::Linear),
        "smooth" => Some(Interpolation::Smooth),
        _ => None,
    }
}

fn read_curve(text: &str) -> Option<Curve> {
    let key = |text: &str| {
        let parts: Vec<&str> = text.split(':').collect();
        let (time, value, interpolation) = match parts.as_slice() {
            [time, value] => (time, value, Interpolation::default()),
            [time, value, interpolation] => (time, value, read_interpolation(interpolation)?),
            _ => return None,
        };
        Some(CurveKey { time_secs: read_number(time, "s")?, value: read_number(value, "")?, interpolation })
    };
    Some(Curve { keys: text.split(',').map(key).collect::<Option<_>>()? })
}

fn read_emotion_keys(text: &str) -> Option<Vec<EmotionKey>> {
    let key = |text: &str| {
        let mut parts: Vec<&str> = text.split(':').collect();
        let interpolation = parts.get(2..)?.last().and_then(|last| read_interpolation(last));
        if interpolation.is_some() {
            parts.pop();
        }
        let (time, emotion, intensity) = match parts.as_slice() {
            [time, emotion] => (time, emotion, 1.0),
            [time, emotion, intensity] => (time, emotion, read_number(intensity, "")?),
            _ => return None,
        };
        Some(EmotionKey {
            time_secs: read_number(time, "s")?,
            emotion: emotion.trim().to_owned(),
            intensity,
            interpolation: interpolation.unwrap_or_default(),
        })
    };
    if text.trim().is_empty() { Some(Vec::new()) } else { text.split(',').map(key).collect() }
}

/// `None` also when a name is there twice.
fn read_map(text: &str) -> Option<BTreeMap<String, f64>> {
    let mut map = BTreeMap::new();
    for entry in text.split(',').filter(|_| !text.trim().is_empty()) {
        let (name, value) = entry.split_once('=')?;
        let name = name.trim();
        if name.is_empty() || map.insert(name.to_owned(), read_number(value, "")?).is_some() {
            return None;
        }
    }
    Some(map)
}
