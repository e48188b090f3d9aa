// SPDX-License-Identifier: Apache-2.0
// The few shapes that this folder's pictures are made of, as SVG 1.1 text.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace moesim::experiments {

struct SvgPoint {
  double x = 0;
  double y = 0;
};

enum class SvgAnchor { start, middle, end };

struct SvgTextStyle {
  SvgAnchor anchor = SvgAnchor::start;
  double size = 12;
  const char* fill = "#222222";
};

class Svg {
 public:
  // Sizes are in user units, shown as pixels; the background is white.
  Svg(double width, double height, const std::string& title);

  void text(SvgPoint at, const std::string& words, const SvgTextStyle& style = {});
  // Turned to read upwards.
  void upright_text(SvgPoint at, const std::string& words);
  void line(SvgPoint from, SvgPoint to, const std::string& colour);
  void polyline(const std::vector<SvgPoint>& points, const std::string& colour);
  // `hover` is shown by a viewer when the pointer rests on it; may be empty.
  void rectangle(SvgPoint corner, SvgPoint size, const std::string& fill,
                 const std::string& hover = {});

  // The file's text. The picture is complete.
  std::string finish() &&;

 private:
  std::string body_;
};

// About `count` round numbers (1, 2 or 5 times a power of ten) within [low, high]; low < high.
std::vector<double> round_ticks(double low, double high, int count);

}  // namespace moesim::experiments
