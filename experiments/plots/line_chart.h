// SPDX-License-Identifier: Apache-2.0
// Series of numbers over a common axis.
#pragma once

#include <string>
#include <vector>

#include "experiments/plots/svg.h"

namespace moesim::experiments {

struct LineSeries {
  std::string name;
  std::vector<SvgPoint> points;  // by rising x; not drawn where not finite
};

struct LineChart {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<LineSeries> series;         // a colour each; the first eight are told apart
  std::vector<std::string> x_names = {};  // where x is a category: the names of x = 0, 1, ...
};

// The chart as an SVG file's text. Axes span the points; a chart without points says so.
std::string line_chart_svg(const LineChart& chart);

}  // namespace moesim::experiments
