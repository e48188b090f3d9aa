// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "topologies/draw/layouts.h"

namespace moesim::topologies {
namespace {

constexpr double kWidth = 760;
constexpr double kDepthX = 34;  // a step along the third dimension
constexpr double kDepthY = -26;

struct Grid {
  std::array<int, 3> size = {1, 1, 1};   // of the fabric
  std::array<int, 3> shown = {1, 1, 1};  // of it drawn
  double cell = 0;
  double radius = 0;
};

int coordinate(const Item& item, std::size_t dimension) {
  return dimension < item.place.size() ? item.place[dimension] : 0;
}

Grid measure(const Condensed& graph) {
  Grid grid;
  for (const Item& item : graph.items) {
    for (std::size_t d = 0; d < 3 && !item.is_node(); ++d) {
      grid.size[d] = std::max(grid.size[d], coordinate(item, d) + 1);
    }
  }
  const bool is_deep = grid.size[2] > 1;
  for (std::size_t d = 0; d < 3; ++d) grid.shown[d] = std::min(grid.size[d], is_deep ? 4 : 8);
  const double depth = kDepthX * (grid.shown[2] - 1);
  const int across = std::max(grid.shown[0], grid.shown[1]);
  grid.cell = std::clamp((kWidth - depth) / (across + 0.4), 60.0, is_deep ? 170.0 : 110.0);
  grid.radius = is_deep ? 10 : std::min(18.0, grid.cell / 4);
  return grid;
}

// Beyond three dimensions only the first slice is drawn.
bool is_shown(const Grid& grid, const Item& item) {
  if (item.is_node()) return false;
  for (std::size_t d = 0; d < item.place.size(); ++d) {
    if (item.place[d] >= (d < 3 ? grid.shown[d] : 1)) return false;
  }
  return true;
}

Point place_of(const Grid& grid, const Item& item) {
  const double depth = -kDepthY * (grid.shown[2] - 1);
  return {grid.cell * (coordinate(item, 0) + 0.6) + kDepthX * coordinate(item, 2),
          grid.cell * (coordinate(item, 1) + 0.6) + kDepthY * coordinate(item, 2) + depth};
}

// Neighbours are joined straight; what skips some bends beside the line, the more the farther.
Wire wire_between(const Grid& grid, const Item& a, const Item& b) {
  Wire wire;
  wire.from = place_of(grid, a);
  wire.to = place_of(grid, b);
  int steps = 0;
  for (std::size_t d = 0; d < 3; ++d) steps += std::abs(coordinate(a, d) - coordinate(b, d));
  if (steps <= 1) return wire;
  const double dx = wire.to.x - wire.from.x;
  const double dy = wire.to.y - wire.from.y;
  const double length = std::hypot(dx, dy);
  const double bend = std::min(grid.cell * 0.75, 14 + grid.cell * 0.16 * steps);
  wire.curved = true;
  wire.control = {(wire.from.x + wire.to.x) / 2 + bend * dy / length,
                  (wire.from.y + wire.to.y) / 2 - bend * dx / length};
  wire.opacity = 0.65;
  return wire;
}

std::string size_text(const std::vector<int>& size) {
  std::string text;
  for (const int extent : size) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text;
}

std::vector<int> extents_of(const Condensed& graph) {
  std::vector<int> extents;
  for (const Item& item : graph.items) {
    if (extents.size() < item.place.size()) extents.resize(item.place.size(), 1);
    for (std::size_t d = 0; d < item.place.size(); ++d) {
      extents[d] = std::max(extents[d], item.place[d] + 1);
    }
  }
  return extents;
}

void add_notes(Frame& frame, const Grid& grid, const std::vector<int>& extents) {
  std::vector<int> shown;
  for (std::size_t d = 0; d < extents.size(); ++d) shown.push_back(d < 3 ? grid.shown[d] : 1);
  frame.captions.push_back({{0, 10}, size_text(extents) + " routers", true});
  if (shown == extents) return;
  frame.notes.push_back("The corner of " + size_text(shown) + " routers is drawn of " +
                        size_text(extents) + "; cables that leave it are not.");
}

}  // namespace

Frame lay_out_grid(const Condensed& graph) {
  const Grid grid = measure(graph);
  Frame frame;
  const std::vector<int> nodes = nodes_at(graph);
  double most = 0;
  for (const Join& join : graph.joins) most = std::max(most, join.bandwidth);
  for (const Join& join : graph.joins) {
    const Item& a = graph.items[join.a];
    const Item& b = graph.items[join.b];
    if (!is_shown(grid, a) || !is_shown(grid, b)) continue;
    Wire wire = wire_between(grid, a, b);
    wire.kind = join.kind;
    wire.weight = join.bandwidth / most;
    frame.wires.push_back(wire);
  }
  const bool is_deep = grid.shown[2] > 1;
  for (std::size_t i = 0; i < graph.items.size(); ++i) {
    const Item& item = graph.items[i];
    if (!is_shown(grid, item)) continue;
    Shape shape = shape_of(item);
    shape.round = true;
    shape.centre = place_of(grid, item);
    shape.size = {2 * grid.radius, 2 * grid.radius};
    shape.label.clear();
    if (!is_deep) {
      for (const int x : item.place)
        shape.label += (shape.label.empty() ? "" : ",") + std::to_string(x);
      shape.caption = fmt::format("{} node{}", nodes[i], nodes[i] == 1 ? "" : "s");
    }
    frame.shapes.push_back(std::move(shape));
  }
  add_notes(frame, grid, extents_of(graph));
  const double depth = grid.shown[2] - 1;
  frame.size = {std::max(420.0, grid.cell * (grid.shown[0] + 0.2) + kDepthX * depth),
                grid.cell * (grid.shown[1] + 0.2) - kDepthY * depth + 20};
  return frame;
}

}  // namespace moesim::topologies
