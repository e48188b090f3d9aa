// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>

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

// The beginning of a cable that leaves the part that is drawn: towards the next router, or for one
// that closes a ring away from it. Null for cables that skip routers.
std::optional<Wire> stub_at(const Grid& grid, const Item& shown, const Item& hidden) {
  for (std::size_t d = 0; d < 3; ++d) {
    const int step = coordinate(hidden, d) - coordinate(shown, d);
    if (step == 0) continue;
    const bool closes = std::abs(step) == grid.size[d] - 1;
    if (std::abs(step) != 1 && !closes) return std::nullopt;
    const double length = 0.42 * ((step > 0) == (std::abs(step) == 1) ? 1 : -1);
    Wire wire;
    wire.from = wire.to = place_of(grid, shown);
    if (d == 0) wire.to.x += length * grid.cell;
    if (d == 1) wire.to.y += length * grid.cell;
    if (d == 2) wire.to = {wire.to.x + length * kDepthX, wire.to.y + length * kDepthY};
    wire.opacity = 0.5;
    return wire;
  }
  return std::nullopt;
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

void add_notes(Frame& frame, const Grid& grid, const std::vector<int>& extents,
               const std::string& each) {
  std::vector<int> shown;
  for (std::size_t d = 0; d < extents.size(); ++d) shown.push_back(d < 3 ? grid.shown[d] : 1);
  frame.captions.push_back({{0, 10}, size_text(extents) + " routers" + each, true});
  if (shown == extents) return;
  frame.notes.push_back("The corner of " + size_text(shown) + " routers is drawn of " +
                        size_text(extents) + "; of cables that leave it the beginning.");
}

}  // namespace

Frame lay_out_grid(const Condensed& graph) {
  const Grid grid = measure(graph);
  Frame frame;
  std::vector<int> routers;
  for (std::size_t i = 0; i < graph.items.size(); ++i) {
    if (!graph.items[i].is_node()) routers.push_back(static_cast<int>(i));
  }
  const std::string each = each_holds(graph, routers);
  double most = 0;
  for (const Join& join : graph.joins) most = std::max(most, join.bandwidth);
  for (const Join& join : graph.joins) {
    const Item& a = graph.items[join.a];
    const Item& b = graph.items[join.b];
    if (!is_shown(grid, a) && !is_shown(grid, b)) continue;
    const bool both = is_shown(grid, a) && is_shown(grid, b);
    std::optional<Wire> wire = both                ? wire_between(grid, a, b)
                               : is_shown(grid, a) ? stub_at(grid, a, b)
                                                   : stub_at(grid, b, a);
    if (!wire || a.is_node() || b.is_node()) continue;
    wire->kind = join.kind;
    wire->weight = join.bandwidth / most;
    frame.wires.push_back(*wire);
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
      if (each.empty()) shape.caption = content_of(graph, static_cast<int>(i));
    }
    frame.shapes.push_back(std::move(shape));
  }
  add_notes(frame, grid, extents_of(graph), each);
  const double depth = grid.shown[2] - 1;
  frame.size = {std::max(420.0, grid.cell * (grid.shown[0] + 0.2) + kDepthX * depth),
                grid.cell * (grid.shown[1] - 0.4) - kDepthY * depth + grid.radius + 16};
  return frame;
}

}  // namespace moesim::topologies
