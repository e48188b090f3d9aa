// SPDX-License-Identifier: Apache-2.0
#include "experiments/plots/svg.h"

#include <fmt/format.h>

#include <cmath>

#include "base/xml_text.h"

namespace moesim::experiments {
namespace {

const char* anchor_name(SvgAnchor anchor) {
  if (anchor == SvgAnchor::start) return "start";
  return anchor == SvgAnchor::middle ? "middle" : "end";
}

}  // namespace

Svg::Svg(double width, double height, const std::string& title)
    : body_(fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:g} {1:g}\" "
                        "width=\"{0:g}\" height=\"{1:g}\" font-family=\"sans-serif\" "
                        "role=\"img\">\n<title>{2}</title>\n"
                        "<rect width=\"{0:g}\" height=\"{1:g}\" fill=\"#ffffff\"/>\n",
                        width, height, base::xml_escaped(title))) {}

void Svg::text(SvgPoint at, const std::string& words, const SvgTextStyle& style) {
  body_ += fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" font-size=\"{:g}\" "
      "fill=\"{}\">{}</text>\n",
      at.x, at.y, anchor_name(style.anchor), style.size, style.fill, base::xml_escaped(words));
}

void Svg::upright_text(SvgPoint at, const std::string& words) {
  body_ += fmt::format(
      "<text transform=\"translate({:.1f} {:.1f}) rotate(-90)\" text-anchor=\"middle\" "
      "font-size=\"12\" fill=\"#222222\">{}</text>\n",
      at.x, at.y, base::xml_escaped(words));
}

void Svg::line(SvgPoint from, SvgPoint to, const std::string& colour) {
  body_ +=
      fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n",
                  from.x, from.y, to.x, to.y, colour);
}

void Svg::polyline(const std::vector<SvgPoint>& points, const std::string& colour) {
  body_ += "<polyline fill=\"none\" stroke-width=\"1.5\" stroke-linejoin=\"round\" stroke=\"" +
           colour + "\" points=\"";
  for (const SvgPoint& point : points) body_ += fmt::format("{:.1f},{:.1f} ", point.x, point.y);
  body_ += "\"/>\n";
}

void Svg::rectangle(SvgPoint corner, SvgPoint size, const std::string& fill,
                    const std::string& hover) {
  body_ +=
      fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"",
                  corner.x, corner.y, size.x, size.y, fill);
  body_ += hover.empty() ? "/>\n" : "><title>" + base::xml_escaped(hover) + "</title></rect>\n";
}

std::string Svg::finish() && { return std::move(body_) + "</svg>\n"; }

std::vector<double> round_ticks(double low, double high, int count) {
  const double rough = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough) step = factor * power;
  }
  std::vector<double> ticks;
  const double slack = 1e-9 * step;
  const double first = std::ceil((low - slack) / step);
  for (int i = 0; i <= 2 * count && (first + i) * step <= high + slack; ++i) {
    ticks.push_back((first + i) * step);
  }
  return ticks;
}

}  // namespace moesim::experiments
