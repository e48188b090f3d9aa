// SPDX-License-Identifier: Apache-2.0
#include "experiments/plots/svg.h"

#include <gtest/gtest.h>

#include "tests/experiments/plots/count_words.h"

namespace moesim::experiments {
namespace {

TEST(Svg, IsOneElementWithATitleAndAWhiteBackground) {
  const std::string svg = Svg(100, 50, "one & two").finish();
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 100 50\""));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_NE(svg.find("<title>one &amp; two</title>"), std::string::npos);
  EXPECT_NE(svg.find("<rect width=\"100\" height=\"50\" fill=\"#ffffff\"/>"), std::string::npos);
}

TEST(Svg, WordsAreEscapedWhereverTheyStand) {
  Svg svg(10, 10, "t");
  svg.text({1, 2}, "a<b", {SvgAnchor::middle, 9});
  svg.upright_text({3, 4}, "c>d");
  svg.rectangle({0, 0}, {1, 1}, "#000000", "e&f");
  const std::string text = std::move(svg).finish();
  EXPECT_NE(text.find("<text x=\"1.0\" y=\"2.0\" text-anchor=\"middle\" font-size=\"9\""),
            std::string::npos);
  EXPECT_NE(text.find(">a&lt;b</text>"), std::string::npos);
  EXPECT_NE(text.find(">c&gt;d</text>"), std::string::npos);
  EXPECT_NE(text.find("<title>e&amp;f</title></rect>"), std::string::npos);
}

TEST(Svg, ShapesStandWhereTheyAreTold) {
  Svg svg(10, 10, "t");
  svg.line({1, 2}, {3, 4}, "#111111");
  svg.polyline({{5, 6}, {7, 8.25}}, "#222222");
  const std::string text = std::move(svg).finish();
  EXPECT_EQ(count_words(text, "<line x1=\"1.0\" y1=\"2.0\" x2=\"3.0\" y2=\"4.0\""), 1);
  EXPECT_EQ(count_words(text, "stroke=\"#222222\" points=\"5.0,6.0 7.0,8.2 \""), 1);
}

// (9.3 - 0.7) / 5 = 1.72, whose next round step is 2; (0.031 - 0.012) / 4 = 0.00475, so 0.005.
TEST(RoundTicks, AreRoundAndInside) {
  EXPECT_EQ(round_ticks(0.7, 9.3, 5), (std::vector<double>{2, 4, 6, 8}));
  const std::vector<double> ticks = round_ticks(0.012, 0.031, 4);
  ASSERT_EQ(ticks.size(), 4U);
  EXPECT_NEAR(ticks.front(), 0.015, 1e-12);
  EXPECT_NEAR(ticks.back(), 0.03, 1e-12);
}

// 3 / 3 = 1 and 99 / 9 = 11, whose next round step is 20; the ends are ticks where they are round.
TEST(RoundTicks, IncludeRoundEnds) {
  EXPECT_EQ(round_ticks(-1, 2, 3), (std::vector<double>{-1, 0, 1, 2}));
  EXPECT_EQ(round_ticks(1, 100, 9), (std::vector<double>{20, 40, 60, 80, 100}));
}

}  // namespace
}  // namespace moesim::experiments
