// SPDX-License-Identifier: Apache-2.0
#include "experiments/plots/line_chart.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/experiments/plots/count_words.h"

namespace moesim::experiments {
namespace {

// The picture is 760 wide with margins of 64 and 16: x = 0 and 10 lie at 64 and 744.
TEST(LineChart, PutsTheOutermostPointsOnTheEdges) {
  const std::string svg =
      line_chart_svg({"t", "x", "y", {{"a", {{0, 1}, {10, 2}}}, {"b", {{5, 1.5}}}}});
  EXPECT_NE(svg.find("points=\"64.0,"), std::string::npos);
  EXPECT_NE(svg.find(" 744.0,"), std::string::npos);
  EXPECT_EQ(count_words(svg, "<polyline"), 2);
}

// The picture is 400 high with margins of 40 and 76, so y runs over 284. The values 1 and 2 leave a
// twentieth of their distance free at each end: 2 lies at 40 + 284 x 0.05 / 1.1 = 52.9, and 1 at
// 400 - 76 - 12.9 = 311.1.
TEST(LineChart, LargerValuesStandHigher) {
  const std::string svg = line_chart_svg({"t", "x", "y", {{"a", {{0, 1}, {10, 2}}}}});
  EXPECT_NE(svg.find("points=\"64.0,311.1 744.0,52.9 \""), std::string::npos);
}

TEST(LineChart, LeavesOutWhatIsNotFiniteAndEscapesWords) {
  const std::string svg =
      line_chart_svg({"a < b & c", "x", "y", {{"s", {{0, 1}, {1, NAN}, {2, 3}}}}});
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_NE(svg.find("a &lt; b &amp; c"), std::string::npos);
}

TEST(LineChart, SaysWhereThereIsNothingToDraw) {
  EXPECT_NE(line_chart_svg({"t", "x", "y", {{"s", {}}}}).find("no points"), std::string::npos);
}

// One point is in the middle: 64 + 680 / 2 = 404, and 40 + 284 / 2 = 182.
TEST(LineChart, OnePointIsInTheMiddle) {
  const std::string svg = line_chart_svg({"t", "x", "y", {{"s", {{3, 5}}}}});
  EXPECT_NE(svg.find("points=\"404.0,182.0 \""), std::string::npos);
}

TEST(LineChart, NamesCategories) {
  const std::string svg =
      line_chart_svg({"t", "x", "y", {{"s", {{0, 1}, {1, 2}}}}, {"0.5", "dropless"}});
  EXPECT_NE(svg.find(">dropless<"), std::string::npos);
  EXPECT_EQ(count_words(svg, ">0.2<"), 0);
}

}  // namespace
}  // namespace moesim::experiments
