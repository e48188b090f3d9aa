// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "experiments/compare/point_comparison.h"

namespace moesim::experiments {
namespace {

bool has(const std::string& page, const std::string& line) {
  return page.find(line + "\n") != std::string::npos;
}

// A step of 10 ms against one of 25 ms: 12 ms more of network and 3 ms more of compute.
PointComparison example() {
  PointComparison c;
  c.a = "first";
  c.b = "second";
  c.inputs = {{"cluster.node.nic_bandwidth", base::json_of("50 GB/s"), base::json_of("10 GB/s")}};
  c.figures = {{"step_time_s", 0.01, 0.025, 0.015, 1.5},
               {"drop_rate", 0.0, 0.1, 0.1, {}},
               {"validation_loss", {}, {}, {}, {}}};
  c.causes = {{"compute", 0.004, 0.007, 0.003},
              {"network", 0.006, 0.018, 0.012},
              {"placement", 1e-18, -1e-18, -2e-18}};
  c.sections = {{"cluster", 0.015}};
  return c;
}

TEST(ComparisonPage, ShowsInputsFiguresAndCausesSideBySide) {
  const std::string page = comparison_page(example());
  EXPECT_TRUE(has(page, "A  first"));
  EXPECT_TRUE(has(page,
                  "  cluster.node.nic_bandwidth                                  50 GB/s"
                  "                10 GB/s"))
      << page;
  EXPECT_TRUE(has(page,
                  "  step_time_s                              0.01          0.025         "
                  "+0.015  +150.00 %"))
      << page;
  EXPECT_TRUE(has(page,
                  "  drop_rate                                   0            0.1           "
                  "+0.1          -"))
      << page;
  EXPECT_EQ(page.find("validation_loss"), std::string::npos);
  EXPECT_TRUE(has(page,
                  "  network                              6.000 ms      18.000 ms     "
                  "+12.000 ms     80.0 %"))
      << page;
  EXPECT_TRUE(has(page,
                  "  placement                            0.000 ms       0.000 ms      "
                  "+0.000 ms      0.0 %"))
      << page;
  EXPECT_TRUE(has(page,
                  "  sum                                 10.000 ms      25.000 ms     "
                  "+15.000 ms    100.0 %"))
      << page;
}

TEST(ComparisonPage, NamesWhereComputeTimesComeFromUnlessBothAreTheRoofline) {
  PointComparison c = example();
  c.a_cost_source = c.b_cost_source = "roofline";
  EXPECT_EQ(comparison_page(c).find("compute times"), std::string::npos);
  c.b_cost_source = "table t";
  EXPECT_TRUE(has(comparison_page(c), "  compute times of A: roofline"));
  EXPECT_TRUE(has(comparison_page(c), "  compute times of B: table t"));
}

TEST(ComparisonPage, SaysWhereNothingDiffers) {
  PointComparison c;
  c.figures = {{"step_time_s", 1.0, 1.0, 0.0, 0.0}};
  const std::string page = comparison_page(c);
  EXPECT_TRUE(has(page, "inputs: no difference"));
  EXPECT_EQ(page.find("why"), std::string::npos);
}

TEST(ComparisonPage, SaysWhySectionsHaveNoParts) {
  PointComparison c = example();
  c.sections.clear();
  c.sections_not_done = "5 sections differ";
  EXPECT_TRUE(has(comparison_page(c), "by section of the input: not done, 5 sections differ"));
}

}  // namespace
}  // namespace moesim::experiments
