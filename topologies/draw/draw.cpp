// SPDX-License-Identifier: Apache-2.0
#include "topologies/draw/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "topologies/draw/layouts.h"

namespace moesim::topologies {
namespace {

constexpr double kMargin = 20;
constexpr double kHead = 64;         // title and subtitle
constexpr double kPanelWidth = 250;  // the node and the legend
constexpr double kLineHeight = 18;

struct LayoutEntry {
  Layout id;
  Frame (*lay_out)(const Condensed&);
};

constexpr LayoutEntry kLayouts[] = {{Layout::tiers, lay_out_tiers},
                                    {Layout::grid, lay_out_grid},
                                    {Layout::groups, lay_out_groups},
                                    {Layout::circle, lay_out_circle}};

const char* colour_of(LinkKind kind) {
  switch (kind) {
    case LinkKind::scale_up:
      return "scale_up";
    case LinkKind::pcie:
      return "pcie";
    case LinkKind::nic:
      return "nic";
    default:
      return "fabric";
  }
}

Point shifted(Point point, Point by) { return {point.x + by.x, point.y + by.y}; }

// A letter is about 0.58 of the font's size wide.
double fitting_size(const std::string& words, double room) {
  return std::clamp(room / (0.58 * static_cast<double>(words.size())), 8.0, 12.0);
}

// On one line, or what does not fit on two where a slash divides it: "pod0" over "spine3".
void paint_label(SvgCanvas& canvas, const Shape& shape, Point centre) {
  const double room = shape.size.x - 4;
  std::vector<std::string> lines = {shape.label};
  const std::size_t slash = shape.label.rfind('/');
  if (slash != std::string::npos && 0.58 * 9 * static_cast<double>(shape.label.size()) > room) {
    lines = {shape.label.substr(0, slash), shape.label.substr(slash + 1)};
  }
  double size = 12;
  for (const std::string& line : lines) size = std::min(size, fitting_size(line, room));
  double y = centre.y + size * (0.36 - 0.55 * static_cast<double>(lines.size() - 1));
  for (const std::string& line : lines) {
    const auto most = static_cast<std::size_t>(room / (0.56 * size));
    canvas.text({centre.x, y}, shortened(line, most), {Anchor::middle, size});
    y += 1.1 * size;
  }
}

void paint_shape(SvgCanvas& canvas, const Shape& shape, Point by) {
  const Point centre = shifted(shape.centre, by);
  const ShapeStyle style{shape.colour, shape.hover};
  if (shape.round) {
    canvas.disc(centre, shape.size.x / 2, style);
  } else {
    canvas.box(centre, shape.size, style);
  }
  if (!shape.label.empty()) paint_label(canvas, shape, centre);
  if (!shape.caption.empty()) {
    canvas.text({centre.x, centre.y + shape.size.y / 2 + 12}, shape.caption,
                {Anchor::middle, 9.5, "dim"});
  }
}

void paint(SvgCanvas& canvas, const Frame& frame, Point by) {
  for (const Wire& wire : frame.wires) {
    const StrokeStyle style{colour_of(wire.kind), 0.8 + 1.6 * wire.weight, wire.opacity};
    if (wire.curved) {
      canvas.curve(shifted(wire.from, by), shifted(wire.control, by), shifted(wire.to, by), style);
    } else {
      canvas.line(shifted(wire.from, by), shifted(wire.to, by), style);
    }
  }
  for (const Shape& shape : frame.shapes) paint_shape(canvas, shape, by);
  for (const Caption& caption : frame.captions) {
    const TextStyle strong{caption.anchor, 12, "ink"};
    canvas.text(shifted(caption.at, by), caption.words,
                caption.strong ? strong : TextStyle{caption.anchor, 11, "dim"});
  }
}

std::string count_text(std::size_t count, const char* noun, const char* plural) {
  return fmt::format("{} {}", count, count == 1 ? noun : plural);
}

std::string subtitle_of(const Cluster& cluster) {
  const auto switches = static_cast<std::size_t>(
      std::count_if(cluster.vertices.begin(), cluster.vertices.end(),
                    [](const Vertex& vertex) { return vertex.kind == VertexKind::fabric_switch; }));
  std::string text = count_text(cluster.accelerators.size(), "accelerator", "accelerators") +
                     " on " +
                     count_text(static_cast<std::size_t>(cluster.num_nodes), "node", "nodes") +
                     ", " + count_text(switches, "fabric switch", "fabric switches");
  if (!cluster.reducers.empty()) {
    text += ", " + count_text(cluster.reducers.size(), "switch adds up", "switches add up");
  }
  return text;
}

// One line a kind of link; returns the height.
double paint_legend(SvgCanvas& canvas, const Cluster& cluster, Point at) {
  static constexpr std::pair<LinkKind, const char*> rows[] = {{LinkKind::fabric, "fabric"},
                                                              {LinkKind::nic, "NIC"},
                                                              {LinkKind::pcie, "PCIe"},
                                                              {LinkKind::scale_up, "scale-up"}};
  canvas.text(at, "Links, one direction", {Anchor::start, 12});
  double height = kLineHeight;
  for (const auto& [kind, name] : rows) {
    const std::string bandwidth = bandwidth_text(cluster, kind);
    if (bandwidth.empty()) continue;
    const double y = at.y + height;
    canvas.line({at.x, y - 4}, {at.x + 26, y - 4}, {colour_of(kind), 2.5});
    canvas.text({at.x + 34, y}, name, {Anchor::start, 11});
    canvas.text({at.x + kPanelWidth - 8, y}, bandwidth, {Anchor::end, 11, "dim"});
    height += kLineHeight;
  }
  return height;
}

bool has_fabric(const Cluster& cluster) {
  return std::any_of(cluster.vertices.begin(), cluster.vertices.end(),
                     [](const Vertex& vertex) { return vertex.node < 0; });
}

}  // namespace

Layout layout_of(const Cluster& cluster) {
  const Condensed graph = condense(cluster);
  std::set<int> tiers;
  std::set<std::size_t> dims;
  bool across = false;
  bool changes_both = false;
  for (const Item& item : graph.items) {
    if (item.is_node()) continue;
    tiers.insert(item.tier);
    dims.insert(item.place.size());
  }
  const bool placed = dims.size() == 1 && *dims.begin() >= 2;
  for (const Join& join : graph.joins) {
    const Item& a = graph.items[join.a];
    const Item& b = graph.items[join.b];
    if (a.is_node() || b.is_node()) continue;
    across = across || a.tier == b.tier;
    if (!placed) continue;
    int changes = 0;
    for (std::size_t i = 0; i < a.place.size(); ++i) changes += a.place[i] != b.place[i];
    changes_both = changes_both || changes > 1;
  }
  if (!has_fabric(cluster)) return Layout::circle;
  if (tiers.size() > 1 || !across) return Layout::tiers;
  if (!placed) return Layout::circle;
  return changes_both && *dims.begin() == 2 ? Layout::groups : Layout::grid;
}

std::string draw_svg(const Cluster& cluster, const std::string& title) {
  const Condensed graph = condense(cluster);
  const Layout layout = layout_of(cluster);
  const auto entry = std::find_if(std::begin(kLayouts), std::end(kLayouts),
                                  [&](const LayoutEntry& row) { return row.id == layout; });
  const Frame fabric = entry->lay_out(graph);
  const Frame node = lay_out_node(cluster, kPanelWidth);
  SvgCanvas canvas(title);
  canvas.text({kMargin, 30}, title, {Anchor::start, 18});
  canvas.text({kMargin, 50}, subtitle_of(cluster), {Anchor::start, 12, "dim"});
  paint(canvas, fabric, {kMargin, kHead});
  const double panel_x = kMargin + fabric.size.x + 30;
  paint(canvas, node, {panel_x, kHead});
  const double legend_y = kHead + node.size.y + 30;
  double bottom = legend_y + paint_legend(canvas, cluster, {panel_x, legend_y});
  bottom = std::max(bottom, kHead + fabric.size.y) + 14;
  std::vector<std::string> notes = fabric.notes;
  notes.insert(notes.end(), node.notes.begin(), node.notes.end());
  for (const std::string& note : notes) {
    canvas.text({kMargin, bottom}, note, {Anchor::start, 11, "dim"});
    bottom += 15;
  }
  return std::move(canvas).finish({panel_x + kPanelWidth + kMargin, bottom + 6});
}

}  // namespace moesim::topologies
