//! How a document looks on the canvas. Nothing of it reaches a run or a cache key.

use crate::NodeId;
use crate::document::Extras;
use std::collections::BTreeMap;

/// How the top graph and the insides of groups are laid out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// The top graph.
    pub canvas: Canvas,
    /// The insides of groups by the group's name.
    pub groups: BTreeMap<String, Canvas>,
}

/// The layout of one graph. Lengths are in points at zoom 1, x to the right and y down.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Canvas {
    /// Nodes by id.
    pub nodes: BTreeMap<NodeId, NodeView>,
    /// Notes on the canvas by name.
    pub comments: BTreeMap<String, Comment>,
    /// Frames around nodes by name.
    pub frames: BTreeMap<String, Frame>,
    /// Unknown members in the file.
    pub extras: Extras,
}

/// Where and how a node is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeView {
    /// Its left upper corner.
    pub position: [f64; 2],
    /// Its width and height when the user chose them.
    pub size: Option<[f64; 2]>,
    /// Its colour as `#rrggbb` when the user chose one.
    pub colour: Option<String>,
    /// A remark shown at the node.
    pub comment: Option<String>,
    /// Whether only its title is shown.
    pub collapsed: bool,
    /// Unknown members in the file.
    pub extras: Extras,
}

/// A note on the canvas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comment {
    /// What it says.
    pub text: String,
    /// Its left upper corner.
    pub position: [f64; 2],
    /// Its width and height when the user chose them.
    pub size: Option<[f64; 2]>,
    /// Its colour as `#rrggbb` when the user chose one.
    pub colour: Option<String>,
    /// Unknown members in the file.
    pub extras: Extras,
}

/// A titled frame; it moves the nodes that lie in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// What it is called.
    pub title: String,
    /// Its left upper corner.
    pub position: [f64; 2],
    /// Its width and height.
    pub size: [f64; 2],
    /// Its colour as `#rrggbb` when the user chose one.
    pub colour: Option<String>,
    /// Unknown members in the file.
    pub extras: Extras,
}
