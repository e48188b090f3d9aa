// SPDX-License-Identifier: Apache-2.0
// Where the items of a condensed cluster stand on the picture. Each layout gives shapes, wires
// between them and captions, in a frame whose upper left corner is (0, 0).
#pragma once

#include <string>
#include <vector>

#include "topologies/draw/condensed.h"
#include "topologies/draw/svg_canvas.h"

namespace moesim::topologies {

struct Shape {
  Point centre;
  Point size;  // width and height; of a disc both the diameter
  bool round = false;
  std::string colour;   // class, see ShapeStyle
  std::string label;    // on the shape; may be empty
  std::string caption;  // below it; may be empty
  std::string hover;
};

struct Wire {
  Point from;
  Point to;
  Point control;  // of a curve
  bool curved = false;
  LinkKind kind = LinkKind::fabric;
  double weight = 1;  // share of the widest wire's bandwidth, 0 to 1
  double opacity = 1;
};

struct Caption {
  Point at;
  std::string words;
  bool strong = false;
  Anchor anchor = Anchor::start;
};

struct Frame {
  Point size;
  std::vector<Shape> shapes;
  std::vector<Wire> wires;
  std::vector<Caption> captions;
  std::vector<std::string> notes;  // what the picture leaves out
};

// Switches in rows by tier, the highest on top, the nodes below.
Frame lay_out_tiers(const Condensed& graph);

// Switches at their place {x}, {x, y} or {x, y, z}; wires that skip a neighbour bend.
Frame lay_out_grid(const Condensed& graph);

// Switches of place {group, router} in groups on a circle.
Frame lay_out_groups(const Condensed& graph);

// The switches, or where there is none the nodes, on one circle.
Frame lay_out_circle(const Condensed& graph);

// A node's own shape on a picture, or a switch's.
Shape shape_of(const Item& item);

// ", 2 nodes each" where all items listed hold equally many (nodes of a switch, accelerators of a
// node); else "", and each of their shapes says how many.
std::string each_holds(const Condensed& graph, const std::vector<int>& items);

// "2 nodes" of a switch, "8 GPUs" of a node.
std::string content_of(const Condensed& graph, int item);

// What the inside of node 0 looks like: accelerators, NICs and switches, in a frame of this width.
Frame lay_out_node(const Cluster& cluster, double width);

}  // namespace moesim::topologies
