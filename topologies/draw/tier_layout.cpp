// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "topologies/draw/layouts.h"

namespace moesim::topologies {
namespace {

constexpr double kWidth = 760;
constexpr double kCaptionWidth = 96;
constexpr double kRowHeight = 116;
constexpr double kBoxHeight = 30;
constexpr std::size_t kMostShown = 12;
constexpr std::size_t kManyWires = 60;  // more are drawn finer
constexpr std::size_t kShownLast = 4;   // of a row that is cut short

// A row's items that are shown; -1 stands for those left out.
std::vector<int> shown_of(const std::vector<int>& row) {
  if (row.size() <= kMostShown) return row;
  std::vector<int> shown(row.begin(), row.begin() + (kMostShown - kShownLast - 1));
  shown.push_back(-1);
  shown.insert(shown.end(), row.end() - kShownLast, row.end());
  return shown;
}

Shape more(std::size_t count) {
  Shape shape;
  shape.colour = "more";
  shape.label = fmt::format("+{}", count);
  shape.hover = fmt::format("{} more", count);
  return shape;
}

class TierLayout {
 public:
  explicit TierLayout(const Condensed& graph) : graph_(graph), at_(graph.items.size()) {}

  Frame run() {
    std::map<int, std::vector<int>, std::greater<>> rows;  // by tier; nodes are 0
    for (std::size_t i = 0; i < graph_.items.size(); ++i) {
      const Item& item = graph_.items[i];
      rows[item.is_node() ? 0 : std::max(1, item.tier)].push_back(static_cast<int>(i));
    }
    double y = kBoxHeight;
    for (const auto& [tier, row] : rows) {
      place_row(tier, row, y);
      y += kRowHeight;
    }
    frame_.size = {kWidth, y - kRowHeight + kBoxHeight + 20};
    add_wires();
    return std::move(frame_);
  }

 private:
  void place_row(int tier, const std::vector<int>& row, double y) {
    const std::vector<int> shown = shown_of(row);
    const double slot = (kWidth - kCaptionWidth) / static_cast<double>(shown.size());
    const double width = std::min(96.0, slot - 6);
    for (std::size_t i = 0; i < shown.size(); ++i) {
      Shape shape =
          shown[i] < 0 ? more(row.size() - shown.size() + 1) : shape_of(graph_.items[shown[i]]);
      shape.centre = {kCaptionWidth + slot * (static_cast<double>(i) + 0.5), y};
      shape.size = {width, kBoxHeight};
      if (tier == 0 && shown[i] >= 0) shape.caption = content_of(graph_, shown[i]);
      if (shown[i] >= 0) at_[shown[i]] = static_cast<int>(frame_.shapes.size()) + 1;
      frame_.shapes.push_back(std::move(shape));
    }
    add_caption(tier, row, y);
  }

  void add_caption(int tier, const std::vector<int>& row, double y) {
    const char* plural = row.size() == 1 ? "" : (tier == 0 ? "s" : "es");
    const std::string count =
        fmt::format("{} {}{}", row.size(), tier == 0 ? "node" : "switch", plural);
    frame_.captions.push_back({{0, y}, tier == 0 ? "nodes" : fmt::format("tier {}", tier), true});
    frame_.captions.push_back({{0, y + 14}, count, false});
    int ports = 0;
    for (const int item : row) ports = std::max(ports, graph_.items[item].ports);
    if (tier > 0) frame_.captions.push_back({{0, y + 28}, fmt::format("{} ports", ports), false});
    if (row.size() > kMostShown) {
      frame_.notes.push_back(
          fmt::format("{} of {} {} are drawn.", kMostShown - 1, row.size(),
                      tier == 0 ? "nodes" : fmt::format("switches of tier {}", tier)));
    }
  }

  void add_wires() {
    double most = 0;
    for (const Join& join : graph_.joins) most = std::max(most, join.bandwidth);
    for (const Join& join : graph_.joins) {
      if (at_[join.a] == 0 || at_[join.b] == 0) continue;
      const Shape& a = frame_.shapes[at_[join.a] - 1];
      const Shape& b = frame_.shapes[at_[join.b] - 1];
      const bool a_is_above = a.centre.y < b.centre.y;
      const Shape& upper = a_is_above ? a : b;
      const Shape& lower = a_is_above ? b : a;
      Wire wire;
      wire.from = {upper.centre.x, upper.centre.y + kBoxHeight / 2};
      wire.to = {lower.centre.x, lower.centre.y - kBoxHeight / 2};
      if (a.centre.y == b.centre.y) {  // across a tier: over the row
        wire.from.y = wire.to.y = a.centre.y - kBoxHeight / 2;
        wire.curved = true;
        wire.control = {(a.centre.x + b.centre.x) / 2, wire.from.y - 40};
      }
      wire.kind = join.kind;
      wire.weight = join.bandwidth / most;
      wire.opacity = 0.6;
      frame_.wires.push_back(wire);
    }
    if (frame_.wires.size() <= kManyWires) return;
    for (Wire& wire : frame_.wires) {
      wire.weight *= 0.3;
      wire.opacity = 0.5;
    }
  }

  const Condensed& graph_;
  std::vector<int> at_;  // by item 1 + its shape, 0 where it is left out
  Frame frame_;
};

}  // namespace

Frame lay_out_tiers(const Condensed& graph) { return TierLayout(graph).run(); }

Shape shape_of(const Item& item) {
  Shape shape;
  shape.colour = item.is_node() ? "node" : "fabric_switch";
  shape.label = item.name;
  shape.hover = item.name;
  if (!item.is_node()) shape.hover += fmt::format(", {} ports", item.ports);
  return shape;
}

std::string content_of(const Condensed& graph, int item) {
  const Item& of = graph.items[item];
  const int count = of.is_node() ? of.accelerators : of.nodes;
  return fmt::format("{} {}{}", count, of.is_node() ? "GPU" : "node", count == 1 ? "" : "s");
}

std::string each_holds(const Condensed& graph, const std::vector<int>& items) {
  const std::string first = content_of(graph, items.front());
  const bool alike = std::all_of(items.begin(), items.end(),
                                 [&](int item) { return content_of(graph, item) == first; });
  return alike ? ", " + first + " each" : "";
}

}  // namespace moesim::topologies
