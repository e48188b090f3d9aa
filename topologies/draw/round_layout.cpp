// SPDX-License-Identifier: Apache-2.0
// Circles: dragonfly's groups, rings and full meshes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>
#include <utility>

#include "topologies/draw/layouts.h"

namespace moesim::topologies {
namespace {

constexpr double kSide = 660;
constexpr int kMostOnCircle = 32;
constexpr int kMostGroups = 40;
constexpr int kMostPlain = 12;     // groups whose cables are all drawn alike
constexpr int kMostRouters = 160;  // drawn one by one

// Clockwise from the top.
Point on_circle(Point centre, double radius, double turn) {
  const double angle = 2 * std::numbers::pi * (turn - 0.25);
  return {centre.x + radius * std::cos(angle), centre.y + radius * std::sin(angle)};
}

Point towards(Point from, Point to, double part) {
  return {from.x + part * (to.x - from.x), from.y + part * (to.y - from.y)};
}

Wire chord(Point from, Point to, double bend) {
  Wire wire;
  wire.from = from;
  wire.to = to;
  wire.curved = bend > 0;
  wire.control = towards(towards(from, to, 0.5), {kSide / 2, kSide / 2}, bend);
  return wire;
}

struct Groups {
  std::map<int, std::vector<int>> items;  // group -> its routers' items
  int routers = 0;
};

Groups groups_of(const Condensed& graph) {
  Groups groups;
  for (std::size_t i = 0; i < graph.items.size(); ++i) {
    const Item& item = graph.items[i];
    if (item.is_node()) continue;
    groups.items[item.place.empty() ? 0 : item.place[0]].push_back(static_cast<int>(i));
    ++groups.routers;
  }
  return groups;
}

// Places routers, or one disc a group where they are many. `at` gets the items' points.
class GroupLayout {
 public:
  explicit GroupLayout(const Condensed& graph)
      : graph_(graph),
        groups_(groups_of(graph)),
        at_(graph.items.size()),
        is_shown_(graph.items.size()) {
    shown_groups_ = std::min(kMostGroups, static_cast<int>(groups_.items.size()));
    alone_ = groups_.routers > kMostRouters;
    const double arc = 2 * std::numbers::pi * kOuter / std::max(3, shown_groups_);
    radius_ = std::min(74.0, 0.42 * arc);
  }

  Frame run() {
    int index = 0;
    for (const auto& [group, routers] : groups_.items) {
      if (index == shown_groups_) break;
      place_group(group, routers, static_cast<double>(index++) / shown_groups_);
    }
    add_wires();
    frame_.captions.push_back({{0, 10}, heading(), true});
    if (shown_groups_ < static_cast<int>(groups_.items.size())) {
      frame_.notes.push_back(
          fmt::format("{} of {} groups are drawn.", shown_groups_, groups_.items.size()));
    }
    if (alone_) frame_.notes.push_back("A disc is a group; its routers are not drawn one by one.");
    frame_.size = {kSide, kSide};
    return std::move(frame_);
  }

 private:
  static constexpr double kOuter = 205;

  void place_group(int group, const std::vector<int>& routers, double turn) {
    const Point centre = on_circle({kSide / 2, kSide / 2}, alone_ ? kOuter + 50 : kOuter, turn);
    const auto count = static_cast<double>(routers.size());
    for (std::size_t r = 0; r < routers.size(); ++r) {
      const double inner = routers.size() == 1 ? 0 : radius_ - 12;
      at_[routers[r]] =
          alone_ ? centre : on_circle(centre, inner, turn + 0.5 + static_cast<double>(r) / count);
      is_shown_[routers[r]] = true;
      if (alone_) continue;
      Shape shape = shape_of(graph_.items[routers[r]]);
      shape.round = true;
      shape.centre = at_[routers[r]];
      const double room = 2 * std::numbers::pi * inner / count - 3;
      shape.size.x = shape.size.y = std::clamp(room, 6.0, 20.0);
      shape.label = shape.size.x >= 16 ? std::to_string(r) : "";
      frame_.shapes.push_back(std::move(shape));
    }
    Shape disc;
    disc.round = true;
    disc.centre = centre;
    disc.size = {2 * radius_ + 8, 2 * radius_ + 8};
    disc.colour = alone_ ? "fabric_switch" : "more";
    disc.hover = fmt::format("group {}, {} routers", group, routers.size());
    if (alone_) disc.size = {std::min(44.0, disc.size.x), std::min(44.0, disc.size.x)};
    if (alone_) disc.label = std::to_string(group);
    frame_.shapes.push_back(disc);
    if (alone_) return;
    const double sideways = std::abs(std::sin(2 * std::numbers::pi * turn));
    const Point outside =
        on_circle({kSide / 2, kSide / 2}, kOuter + radius_ + 14 + 14 * sideways, turn);
    frame_.captions.push_back(
        {{outside.x, outside.y + 4}, fmt::format("group {}", group), false, Anchor::middle});
  }

  std::string heading() const {
    std::vector<int> routers;
    for (const auto& [group, items] : groups_.items) {
      routers.insert(routers.end(), items.begin(), items.end());
    }
    return fmt::format("{} groups of {} routers{}", groups_.items.size(),
                       groups_.items.begin()->second.size(), each_holds(graph_, routers));
  }

  void add_wires() {
    double most = 0;
    for (const Join& join : graph_.joins) {
      if (!graph_.items[join.a].is_node()) most = std::max(most, join.bandwidth);
    }
    std::set<std::pair<int, int>> drawn;  // pairs of groups, where those are single discs
    for (const Join& join : graph_.joins) {
      if (!is_shown_[join.a] || !is_shown_[join.b]) continue;
      const int a = graph_.items[join.a].place[0];
      const int b = graph_.items[join.b].place[0];
      if (alone_ && (a == b || !drawn.insert(std::minmax(a, b)).second)) continue;
      Wire wire = chord(at_[join.a], at_[join.b], a == b ? 0 : 0.25);
      wire.kind = join.kind;
      wire.weight = join.bandwidth / most * (a == b ? 0.3 : 0.6);
      wire.opacity = a == b ? 0.5 : 0.8;
      const bool is_first = std::min(a, b) == groups_.items.begin()->first;
      if (shown_groups_ > kMostPlain && a != b && !is_first) wire.opacity = 0.12;
      frame_.wires.push_back(wire);
    }
    if (shown_groups_ > kMostPlain) {
      frame_.notes.push_back("The first group's cables stand out, those of the others are faint.");
    }
  }

  const Condensed& graph_;
  Groups groups_;
  std::vector<Point> at_;
  std::vector<bool> is_shown_;
  int shown_groups_ = 0;
  bool alone_ = false;  // a group's disc stands alone, without its routers
  double radius_ = 0;
  Frame frame_;
};

// The items that stand on the circle: the switches, or the nodes of a cluster without any.
std::vector<int> items_on_circle(const Condensed& graph) {
  std::vector<int> nodes;
  std::vector<int> switches;
  for (std::size_t i = 0; i < graph.items.size(); ++i) {
    (graph.items[i].is_node() ? nodes : switches).push_back(static_cast<int>(i));
  }
  return switches.empty() ? nodes : switches;
}

}  // namespace

Frame lay_out_groups(const Condensed& graph) { return GroupLayout(graph).run(); }

Frame lay_out_circle(const Condensed& graph) {
  Frame frame;
  frame.size = {kSide, kSide - 60};
  const std::vector<int> on = items_on_circle(graph);
  const int shown = std::min(kMostOnCircle, static_cast<int>(on.size()));
  const std::string each = each_holds(graph, on);
  std::vector<Point> at(graph.items.size());
  std::vector<bool> is_shown(graph.items.size());
  const double radius = shown == 1 ? 0 : 205;
  for (int i = 0; i < shown; ++i) {
    const Item& item = graph.items[on[i]];
    Shape shape = shape_of(item);
    shape.round = !item.is_node();
    shape.centre = on_circle({kSide / 2, kSide / 2 - 40}, radius, static_cast<double>(i) / shown);
    const double room = shown == 1 ? 90 : 2 * std::numbers::pi * radius / shown - 6;
    const double width = std::clamp(room, 14.0, item.is_node() ? 70.0 : 46.0);
    shape.size = {width, shape.round ? width : 28};
    if (each.empty() && shown <= 20) shape.caption = content_of(graph, on[i]);
    at[on[i]] = shape.centre;
    is_shown[on[i]] = true;
    frame.shapes.push_back(std::move(shape));
  }
  double most = 0;
  for (const Join& join : graph.joins) most = std::max(most, join.bandwidth);
  for (const Join& join : graph.joins) {
    if (!is_shown[join.a] || !is_shown[join.b]) continue;
    Wire wire = chord(at[join.a], at[join.b], 0);
    wire.kind = join.kind;
    wire.weight = 0.5 * join.bandwidth / most;
    wire.opacity = shown > 12 ? 0.45 : 0.8;
    frame.wires.push_back(wire);
  }
  const char* noun = graph.items[on[0]].is_node() ? "nodes" : "routers";
  frame.captions.push_back({{0, 10}, fmt::format("{} {}{}", on.size(), noun, each), true});
  if (shown < static_cast<int>(on.size())) {
    frame.notes.push_back(fmt::format("{} of {} {} are drawn.", shown, on.size(), noun));
  }
  return frame;
}

}  // namespace moesim::topologies
