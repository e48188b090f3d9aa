// SPDX-License-Identifier: Apache-2.0
// The shapes of this folder's pictures as SVG 1.1 text, coloured by class, light or dark as the
// viewer prefers.
#pragma once

#include <string>

namespace moesim::topologies {

struct Point {
  double x = 0;
  double y = 0;
};

enum class Anchor { start, middle, end };

struct TextStyle {
  Anchor anchor = Anchor::start;
  double size = 12;
  const char* colour = "ink";  // or "dim"
};

struct StrokeStyle {
  std::string colour;  // a class: "scale_up", "pcie", "nic", "fabric", "dim"
  double width = 1;
  double opacity = 1;
};

struct ShapeStyle {
  std::string colour;  // a class: a kind of vertex, "node" or "more"
  std::string hover;   // shown when the pointer rests on it; may be empty
};

class SvgCanvas {
 public:
  explicit SvgCanvas(const std::string& title);

  void text(Point at, const std::string& words, const TextStyle& style = {});
  void line(Point from, Point to, const StrokeStyle& style);
  // A quadratic curve drawn towards `control`.
  void curve(Point from, Point control, Point to, const StrokeStyle& style);
  // `centre` is the middle, `size` width and height.
  void box(Point centre, Point size, const ShapeStyle& style);
  void disc(Point centre, double radius, const ShapeStyle& style);

  // The file's text, of the given size in user units. The picture is complete.
  std::string finish(Point size) &&;

 private:
  std::string title_;
  std::string body_;
};

// Cut to so many characters, with an ellipsis where something is missing.
std::string shortened(const std::string& words, std::size_t characters);

}  // namespace moesim::topologies
