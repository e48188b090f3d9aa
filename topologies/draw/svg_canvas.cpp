// SPDX-License-Identifier: Apache-2.0
#include "topologies/draw/svg_canvas.h"

#include <fmt/format.h>

#include <utility>

#include "base/xml_text.h"

namespace moesim::topologies {
namespace {

// Fills and strokes by class; the second half for viewers that prefer dark.
constexpr const char* kStyle = R"(<style>
text{font-family:sans-serif}
.bg{fill:#ffffff}.t-ink{fill:#1f2933}.t-dim{fill:#5c6773}
.s-scale_up{stroke:#8250c4}.s-pcie{stroke:#8a939c}.s-nic{stroke:#d9822b}.s-fabric{stroke:#2b6cb0}
.s-dim{stroke:#c3cad1}
.f-accelerator{fill:#d5efe1;stroke:#2f8f63}.f-nic{fill:#fbe3c8;stroke:#c46f1b}
.f-pcie_switch{fill:#e6e9ec;stroke:#7b858f}.f-scale_up_switch{fill:#e8dcf7;stroke:#8250c4}
.f-fabric_switch{fill:#d9e8f8;stroke:#2b6cb0}.f-node{fill:#f3f5f7;stroke:#8a939c}
.f-more{fill:none;stroke:#8a939c;stroke-dasharray:4 3}
@media (prefers-color-scheme: dark){
.bg{fill:#14181d}.t-ink{fill:#e8edf2}.t-dim{fill:#9aa5b1}
.s-scale_up{stroke:#b794f0}.s-pcie{stroke:#8a939c}.s-nic{stroke:#f0a35c}.s-fabric{stroke:#6aa8e8}
.s-dim{stroke:#3d4650}
.f-accelerator{fill:#1d3a2c;stroke:#5cc394}.f-nic{fill:#43301b;stroke:#f0a35c}
.f-pcie_switch{fill:#2b3036;stroke:#9aa5b1}.f-scale_up_switch{fill:#33264a;stroke:#b794f0}
.f-fabric_switch{fill:#1c3149;stroke:#6aa8e8}.f-node{fill:#20262d;stroke:#7b858f}
.f-more{fill:none;stroke:#9aa5b1}
}
</style>
)";

const char* anchor_name(Anchor anchor) {
  if (anchor == Anchor::start) return "start";
  return anchor == Anchor::middle ? "middle" : "end";
}

std::string stroke(const StrokeStyle& style) {
  std::string text = fmt::format("class=\"s-{}\" fill=\"none\" stroke-width=\"{:.2g}\"",
                                 style.colour, style.width);
  if (style.opacity < 1) text += fmt::format(" stroke-opacity=\"{:.2g}\"", style.opacity);
  return text;
}

std::string closing(const char* element, const std::string& hover) {
  if (hover.empty()) return "/>\n";
  return "><title>" + base::xml_escaped(hover) + "</title></" + element + ">\n";
}

}  // namespace

SvgCanvas::SvgCanvas(const std::string& title) : title_(base::xml_escaped(title)) {}

void SvgCanvas::text(Point at, const std::string& words, const TextStyle& style) {
  body_ += fmt::format(
      "<text class=\"t-{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" font-size=\"{:g}\">{}"
      "</text>\n",
      style.colour, at.x, at.y, anchor_name(style.anchor), style.size, base::xml_escaped(words));
}

void SvgCanvas::line(Point from, Point to, const StrokeStyle& style) {
  body_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n",
                       from.x, from.y, to.x, to.y, stroke(style));
}

void SvgCanvas::curve(Point from, Point control, Point to, const StrokeStyle& style) {
  body_ += fmt::format("<path d=\"M{:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}\" {}/>\n", from.x,
                       from.y, control.x, control.y, to.x, to.y, stroke(style));
}

void SvgCanvas::box(Point centre, Point size, const ShapeStyle& style) {
  body_ += fmt::format(
      "<rect class=\"f-{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
      "rx=\"4\"{}",
      style.colour, centre.x - size.x / 2, centre.y - size.y / 2, size.x, size.y,
      closing("rect", style.hover));
}

void SvgCanvas::disc(Point centre, double radius, const ShapeStyle& style) {
  body_ += fmt::format("<circle class=\"f-{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"{}",
                       style.colour, centre.x, centre.y, radius, closing("circle", style.hover));
}

std::string SvgCanvas::finish(Point size) && {
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
             "width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\">\n<title>{2}</title>\n{3}"
             "<rect class=\"bg\" width=\"{0:.0f}\" height=\"{1:.0f}\"/>\n",
             size.x, size.y, title_, kStyle) +
         std::move(body_) + "</svg>\n";
}

std::string shortened(const std::string& words, std::size_t characters) {
  if (words.size() <= characters) return words;
  std::size_t end = characters > 0 ? characters - 1 : 0;
  while (end > 0 && (static_cast<unsigned char>(words[end]) & 0xc0) == 0x80) --end;
  return words.substr(0, end) + "\u2026";
}

}  // namespace moesim::topologies
