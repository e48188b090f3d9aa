// SPDX-License-Identifier: Apache-2.0
#include "experiments/plots/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiments/plots/svg.h"

namespace moesim::experiments {
namespace {

constexpr double kLeft = 84;
constexpr double kTop = 64;
constexpr double kBottom = 30;
constexpr double kMapWidth = 720;
constexpr double kRowHeight = 26;
constexpr double kLeastForNumbers = 30;  // a cell's width

double between(double from, double to, double share) { return from + (to - from) * share; }

// White to #4a90c4 up to `even`, on to #08306b at `most`.
std::string shade(double value, double even, double most) {
  const double share = value <= even || most <= even ? std::min(1.0, even > 0 ? value / even : 0.0)
                                                     : (value - even) / (most - even);
  const bool light = value <= even || most <= even;
  const auto part = [&](double low, double middle, double high) {
    return static_cast<int>(
        std::lround(light ? between(low, middle, share) : between(middle, high, share)));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", part(255, 74, 8), part(255, 144, 48),
                     part(255, 196, 107));
}

}  // namespace

std::string heat_map_svg(const HeatMap& map) {
  std::size_t columns = 1;
  double most = 0;
  for (const std::vector<double>& row : map.values) {
    columns = std::max(columns, row.size());
    for (const double value : row) most = std::max(most, value);
  }
  const double cell = std::min(60.0, kMapWidth / static_cast<double>(columns));
  const double width = kLeft + std::max(420.0, cell * static_cast<double>(columns)) + 20;
  Svg svg(width, kTop + kRowHeight * static_cast<double>(map.rows.size()) + kBottom, map.title);
  svg.text({12, 24}, map.title, {.size = 15});
  svg.text({kLeft, kTop - 18}, map.column_label);
  const std::size_t every = std::max<std::size_t>(1, columns / 16);
  for (std::size_t c = 0; c < columns; c += every) {
    svg.text({kLeft + cell * (static_cast<double>(c) + 0.5), kTop - 4}, std::to_string(c),
             {SvgAnchor::middle, 10});
  }
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    const double y = kTop + kRowHeight * static_cast<double>(r);
    svg.text({kLeft - 8, y + 17}, map.row_label + " " + map.rows[r], {SvgAnchor::end});
    for (std::size_t c = 0; c < map.values[r].size(); ++c) {
      const double value = map.values[r][c];
      const double x = kLeft + cell * static_cast<double>(c);
      svg.rectangle({x, y}, {cell - 1, kRowHeight - 1}, shade(value, map.even, most),
                    fmt::format("{} {}, {} {}: {:.3f}", map.row_label, map.rows[r],
                                map.column_label, c, value));
      if (cell < kLeastForNumbers) continue;
      svg.text({x + cell / 2, y + 17}, fmt::format("{:.2f}", value),
               {SvgAnchor::middle, 10, value > map.even ? "#ffffff" : "#222222"});
    }
  }
  return std::move(svg).finish();
}

}  // namespace moesim::experiments
