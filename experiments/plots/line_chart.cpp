// SPDX-License-Identifier: Apache-2.0
#include "experiments/plots/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace moesim::experiments {
namespace {

constexpr double kWidth = 760;
constexpr double kHeight = 400;
constexpr double kLeft = 64;
constexpr double kRight = 16;
constexpr double kTop = 40;
constexpr double kBottom = 76;
constexpr int kTicks = 6;

// Okabe and Ito's colours.
constexpr std::array<const char*, 8> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                 "#E69F00", "#56B4E9", "#000000", "#999999"};

bool is_drawn(const SvgPoint& point) { return std::isfinite(point.x) && std::isfinite(point.y); }

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  // A range of (nearly) one value is widened, so that it has a middle and round ticks.
  void widen(double share) {
    double margin = share * (high - low);
    const double size = std::max(std::abs(low), std::abs(high));
    if (margin <= 1e-9 * size) margin = size == 0 ? 1 : size / 10;
    low -= margin;
    high += margin;
  }
};

// Data to picture.
struct Axes {
  Range x;
  Range y;

  SvgPoint place(const SvgPoint& point) const {
    return {kLeft + (point.x - x.low) / (x.high - x.low) * (kWidth - kLeft - kRight),
            kHeight - kBottom - (point.y - y.low) / (y.high - y.low) * (kHeight - kTop - kBottom)};
  }
};

Axes axes_of(const LineChart& chart) {
  Axes axes;
  if (!chart.x_names.empty()) {
    axes.x.include(-0.3);
    axes.x.include(static_cast<double>(chart.x_names.size()) - 0.7);
  }
  for (const LineSeries& series : chart.series) {
    for (const SvgPoint& point : series.points) {
      if (!is_drawn(point)) continue;
      axes.x.include(point.x);
      axes.y.include(point.y);
    }
  }
  if (axes.x.low < axes.x.high) {
    axes.y.widen(0.05);
  } else if (axes.x.low == axes.x.high) {
    axes.x.widen(0);
    axes.y.widen(0.05);
  }
  return axes;
}

std::vector<std::pair<double, std::string>> x_ticks(const LineChart& chart, const Axes& axes) {
  std::vector<std::pair<double, std::string>> ticks;
  for (std::size_t i = 0; i < chart.x_names.size(); ++i) {
    ticks.emplace_back(static_cast<double>(i), chart.x_names[i]);
  }
  if (!ticks.empty()) return ticks;
  for (const double x : round_ticks(axes.x.low, axes.x.high, kTicks)) {
    ticks.emplace_back(x, fmt::format("{:.6g}", x));
  }
  return ticks;
}

void draw_axes(const LineChart& chart, const Axes& axes, Svg& svg) {
  for (const double y : round_ticks(axes.y.low, axes.y.high, kTicks)) {
    const SvgPoint at = axes.place({axes.x.low, y});
    svg.line(at, {kWidth - kRight, at.y}, "#e5e5e5");
    svg.text({kLeft - 6, at.y + 4}, fmt::format("{:.6g}", y), {SvgAnchor::end});
  }
  for (const auto& [x, name] : x_ticks(chart, axes)) {
    const SvgPoint at = axes.place({x, axes.y.low});
    svg.line(at, {at.x, at.y + 4}, "#888888");
    svg.text({at.x, at.y + 18}, name, {SvgAnchor::middle});
  }
  svg.line({kLeft, kHeight - kBottom}, {kWidth - kRight, kHeight - kBottom}, "#888888");
  svg.text({(kLeft + kWidth - kRight) / 2, kHeight - kBottom + 36}, chart.x_label,
           {SvgAnchor::middle});
  svg.upright_text({16, (kTop + kHeight - kBottom) / 2}, chart.y_label);
}

void draw_legend(const LineChart& chart, Svg& svg) {
  double x = kLeft;
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    svg.rectangle({x, kHeight - 24}, {14, 4}, kColours[i % kColours.size()]);
    svg.text({x + 18, kHeight - 18}, chart.series[i].name);
    x += 34 + 6.8 * static_cast<double>(chart.series[i].name.size());
  }
}

}  // namespace

std::string line_chart_svg(const LineChart& chart) {
  Svg svg(kWidth, kHeight, chart.title);
  svg.text({kLeft, 24}, chart.title, {.size = 15});
  const Axes axes = axes_of(chart);
  if (!(axes.x.low <= axes.x.high && axes.y.low <= axes.y.high)) {
    svg.text({kWidth / 2, kHeight / 2}, "no points", {SvgAnchor::middle});
    return std::move(svg).finish();
  }
  draw_axes(chart, axes, svg);
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    std::vector<SvgPoint> line;
    for (const SvgPoint& point : chart.series[i].points) {
      if (is_drawn(point)) line.push_back(axes.place(point));
    }
    svg.polyline(line, kColours[i % kColours.size()]);
    if (line.size() > 60) continue;  // marks would touch
    for (const SvgPoint& at : line) {
      svg.rectangle({at.x - 2.5, at.y - 2.5}, {5, 5}, kColours[i % kColours.size()]);
    }
  }
  draw_legend(chart, svg);
  return std::move(svg).finish();
}

}  // namespace moesim::experiments
