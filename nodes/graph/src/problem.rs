//! What is wrong with a document, where, what is allowed and what to do.

use crate::NodeId;
use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Whether the document can still run.
    pub severity: Severity,
    /// What sort of problem it is.
    pub kind: ProblemKind,
    /// Where it is.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What is allowed here; empty when there is nothing to list.
    pub allowed: String,
    /// What to do about it.
    pub remedy: String,
}

/// A problem that does not know its place yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) kind: ProblemKind,
    pub(crate) what: String,
    pub(crate) allowed: String,
    pub(crate) remedy: String,
}

impl Finding {
    pub(crate) fn new(kind: ProblemKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), allowed: String::new(), remedy: String::new() }
    }

    pub(crate) fn allowed(self, allowed: impl Into<String>) -> Self {
        Self { allowed: allowed.into(), ..self }
    }

    pub(crate) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }

    pub(crate) fn at(self, place: Place, severity: Severity) -> Problem {
        let Self { kind, what, allowed, remedy } = self;
        Problem { severity, kind, place, what, allowed, remedy }
    }
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The document can be opened, edited and saved without loss, but not run as it is.
    Warning,
    /// The document is wrong.
    Error,
}

/// The sorts of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// No node type of that id is known.
    UnknownType,
    /// The document has no group of that name.
    UnknownGroup,
    /// A group contains itself, directly or through others.
    GroupRecursion,
    /// Groups are nested too deep, or unfold to too many nodes.
    TooLarge,
    /// The node was saved by a newer version of its type.
    NewerVersion,
    /// The node was saved by an older version of its type and nothing upgrades it.
    OlderVersion,
    /// The node type has no parameter of that name.
    UnknownParameter,
    /// The value has another kind than the parameter.
    WrongKind,
    /// The value is not a number.
    NotANumber,
    /// The value is outside the range that is enforced.
    OutOfRange,
    /// The value is none of the choices.
    UnknownChoice,
    /// A curve stands where only a single value may.
    NotAnimatable,
    /// A curve has no keys, or keys that do not go on in time.
    BadKeys,
    /// A keyframe names no known emotion.
    UnknownEmotion,
    /// A wire or an exposed name leads to a node that does not exist.
    UnknownNode,
    /// A wire or an exposed name leads to a port that does not exist.
    UnknownPort,
    /// Two wires end at an input that takes one.
    SeveralWires,
    /// An input that must be wired is not.
    MissingInput,
    /// A wire joins ports whose types do not convert.
    WrongType,
    /// Nodes depend on each other in a circle.
    Cycle,
    /// A bypassed node has nothing to pass through.
    CannotBypass,
    /// A name is not made of the characters that names have.
    BadName,
    /// Two things have the same name.
    NameClash,
    /// The file has a member that this version does not know.
    UnknownMember,
    /// No output depends on the node.
    Unused,
}

/// Where in a document something is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// Name of the group whose inside it is; `None` for the top.
    pub group: Option<String>,
    /// The node, if it is at one.
    pub node: Option<NodeId>,
    /// What of it.
    pub item: Item,
}

/// What of a node, a group or the document is meant.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Item {
    /// The whole of it.
    #[default]
    Whole,
    /// An input.
    Input(String),
    /// An output.
    Output(String),
    /// A parameter.
    Parameter(String),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = self.group.as_ref().map(|name| format!("group \"{name}\""));
        let node = self.node.as_ref().map(|id| format!("node \"{id}\""));
        let item = match &self.item {
            Item::Whole => None,
            Item::Input(name) => Some(format!("input \"{name}\"")),
            Item::Output(name) => Some(format!("output \"{name}\"")),
            Item::Parameter(name) => Some(format!("parameter \"{name}\"")),
        };
        let parts: Vec<String> = [group, node, item].into_iter().flatten().collect();
        if parts.is_empty() { formatter.write_str("graph") } else { formatter.write_str(&parts.join(", ")) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.what)?;
        for part in [&self.allowed, &self.remedy].into_iter().filter(|part| !part.is_empty()) {
            write!(formatter, "; {part}")?;
        }
        Ok(())
    }
}

/// Problems that keep a document from running; one line each.
#[derive(Clone, Debug, PartialEq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
