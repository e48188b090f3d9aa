// SPDX-License-Identifier: Apache-2.0
// Numbers in rows and columns, as shades with the numbers written in.
#pragma once

#include <string>
#include <vector>

namespace moesim::experiments {

struct HeatMap {
  std::string title;
  std::string row_label;     // "layer"
  std::string column_label;  // "expert"
  std::vector<std::string> rows;
  std::vector<std::vector<double>> values;  // [rows][columns], columns may differ; >= 0
  double even = 1;                          // the value that is neither light nor dark
};

// The map as an SVG file's text. Shades run from white at 0 over a middle blue at `even` to dark at
// the largest value. Numbers are written where there is room for them, and always shown on hover.
std::string heat_map_svg(const HeatMap& map);

}  // namespace moesim::experiments
