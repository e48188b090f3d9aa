// SPDX-License-Identifier: Apache-2.0
#include "experiments/plots/heat_map.h"

#include <gtest/gtest.h>

#include "tests/experiments/plots/count_words.h"

namespace moesim::experiments {
namespace {

// 0 is white, the even value the middle blue, the largest dark.
TEST(HeatMap, ShadesRunFromWhiteOverTheEvenValueToDark) {
  const std::string svg =
      heat_map_svg({"load", "layer", "expert", {"0", "3"}, {{0, 1, 3}, {1, 1, 1}}, 1});
  EXPECT_EQ(count_words(svg, "fill=\"#4a90c4\""), 4);
  EXPECT_EQ(count_words(svg, "fill=\"#08306b\""), 1);
  EXPECT_EQ(count_words(svg, "height=\"25.0\" fill=\"#ffffff\""), 1);
  EXPECT_NE(svg.find("layer 3, expert 2: 1.000"), std::string::npos);
  EXPECT_NE(svg.find(">3.00<"), std::string::npos);
}

// 720 / 64 = 11.25 wide cells have no room for numbers, and every fourth column is named.
TEST(HeatMap, ManyColumnsAreShadesAlone) {
  const std::string svg =
      heat_map_svg({"load", "layer", "expert", {"0"}, {std::vector<double>(64, 1.0)}, 1});
  EXPECT_EQ(count_words(svg, ">1.00<"), 0);
  EXPECT_EQ(count_words(svg, ": 1.000<"), 64);
  EXPECT_EQ(count_words(svg, ">60<"), 1);
  EXPECT_EQ(count_words(svg, ">61<"), 0);
}

TEST(HeatMap, AllZeroIsAllWhite) {
  const std::string svg = heat_map_svg({"load", "layer", "expert", {"0"}, {{0, 0}}, 1});
  EXPECT_EQ(count_words(svg, "height=\"25.0\" fill=\"#ffffff\""), 2);
}

}  // namespace
}  // namespace moesim::experiments
