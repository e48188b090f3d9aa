// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "topologies/draw/layouts.h"

namespace moesim::topologies {
namespace {

constexpr double kRowHeight = 58;
constexpr double kBoxHeight = 24;
constexpr std::size_t kMostShown = 8;

// From the fabric down.
constexpr std::array<VertexKind, 4> kRows = {VertexKind::nic, VertexKind::pcie_switch,
                                             VertexKind::accelerator, VertexKind::scale_up_switch};

const char* colour_of(VertexKind kind) {
  switch (kind) {
    case VertexKind::nic:
      return "nic";
    case VertexKind::pcie_switch:
      return "pcie_switch";
    case VertexKind::scale_up_switch:
      return "scale_up_switch";
    default:
      return "accelerator";
  }
}

const char* noun_of(VertexKind kind) {
  switch (kind) {
    case VertexKind::nic:
      return "NICs";
    case VertexKind::pcie_switch:
      return "PCIe switches";
    case VertexKind::scale_up_switch:
      return "scale-up switches";
    default:
      return "accelerators";
  }
}

std::string last_part(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

// The first of a row; the last box of a row cut short says how many follow.
void place_row(Frame& frame, const Cluster& cluster, const std::vector<int>& row, double y,
               std::map<int, Point>& at) {
  const VertexKind kind = cluster.vertices[row[0]].kind;
  const std::size_t slots = std::min(row.size(), kMostShown);
  const double slot = frame.size.x / static_cast<double>(slots);
  for (std::size_t i = 0; i < slots; ++i) {
    Shape shape;
    shape.centre = {slot * (static_cast<double>(i) + 0.5), y};
    const bool is_wide = kind == VertexKind::scale_up_switch || kind == VertexKind::pcie_switch;
    shape.size = {is_wide ? slot - 4 : std::min(60.0, slot - 3), kBoxHeight};
    const bool is_rest = row.size() > kMostShown && i + 1 == slots;
    if (is_rest) {
      shape.colour = "more";
      shape.label = fmt::format("+{}", row.size() - slots + 1);
      frame.notes.push_back(
          fmt::format("{} of a node's {} {} are drawn.", slots - 1, row.size(), noun_of(kind)));
    } else {
      shape.colour = colour_of(kind);
      shape.label = last_part(cluster.vertices[row[i]].name);
      shape.hover = cluster.vertices[row[i]].name;
      at.emplace(row[i], shape.centre);
    }
    frame.shapes.push_back(std::move(shape));
  }
}

void add_wires(Frame& frame, const Cluster& cluster, const std::map<int, Point>& at) {
  for (const Link& link : cluster.links) {
    if (link.from > link.to) continue;  // the cable's other direction
    const auto from = at.find(link.from);
    const auto to = at.find(link.to);
    if (from == at.end() || to == at.end()) continue;
    Wire wire;
    wire.from = from->second;
    wire.to = to->second;
    wire.kind = link.kind;
    wire.weight = 0.4;
    wire.opacity = 0.9;
    if (wire.from.y == wire.to.y) {  // accelerator to accelerator: below the row
      wire.curved = true;
      wire.control = {(wire.from.x + wire.to.x) / 2,
                      wire.from.y + 26 + 0.32 * (wire.to.x - wire.from.x)};
    }
    frame.wires.push_back(wire);
  }
}

}  // namespace

Frame lay_out_node(const Cluster& cluster, double width) {
  std::map<VertexKind, std::vector<int>> rows;
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) {
    if (cluster.vertices[v].node != 0) continue;
    rows[cluster.vertices[v].kind].push_back(static_cast<int>(v));
  }
  Frame frame;
  frame.size = {width, 0};
  frame.captions.push_back({{0, 10}, cluster.num_nodes == 1 ? "The node" : "The first node", true});
  double y = 40;
  std::map<int, Point> at;
  for (const VertexKind kind : kRows) {
    if (rows[kind].empty()) continue;
    place_row(frame, cluster, rows[kind], y, at);
    y += kRowHeight;
  }
  add_wires(frame, cluster, at);
  const bool is_mesh = rows[VertexKind::scale_up_switch].empty() && !frame.wires.empty();
  frame.size.y = y - kRowHeight + kBoxHeight + (is_mesh ? 50 : 0);
  return frame;
}

}  // namespace moesim::topologies
