// SPDX-License-Identifier: Apache-2.0
#include "topologies/draw/svg_canvas.h"

#include <gtest/gtest.h>

#include <utility>

namespace moesim::topologies {
namespace {

TEST(SvgCanvas, EscapesWordsAndStatesItsSize) {
  SvgCanvas canvas("a & b");
  canvas.text({1, 2}, "<x>");
  const std::string svg = std::move(canvas).finish({300, 200});
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 300 200\""));
  EXPECT_NE(svg.find("<title>a &amp; b</title>"), std::string::npos);
  EXPECT_NE(svg.find(">&lt;x&gt;</text>"), std::string::npos);
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

// Every class that the shapes may have is coloured twice: for light and for dark.
TEST(SvgCanvas, ColoursEveryClassForLightAndDark) {
  const std::string svg = SvgCanvas("t").finish({1, 1});
  for (const char* name : {".bg{", ".t-ink{", ".t-dim{", ".s-scale_up{", ".s-pcie{", ".s-nic{",
                           ".s-fabric{", ".f-accelerator{", ".f-nic{", ".f-pcie_switch{",
                           ".f-scale_up_switch{", ".f-fabric_switch{", ".f-node{", ".f-more{"}) {
    const std::size_t light = svg.find(name);
    ASSERT_NE(light, std::string::npos) << name;
    EXPECT_NE(svg.find(name, light + 1), std::string::npos) << name;
  }
}

// The ellipsis takes the place of one letter; a letter of two bytes is not cut in half.
TEST(SvgCanvas, ShortensWithAnEllipsis) {
  EXPECT_EQ(shortened("spine10", 7), "spine10");
  EXPECT_EQ(shortened("spine10", 5), "spin\u2026");
  EXPECT_EQ(shortened("ab\u00e4cd", 4), "ab\u2026");
}

}  // namespace
}  // namespace moesim::topologies
