// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/left_out.h"

#include <gtest/gtest.h>

namespace moesim::experiments {
namespace {

const Goals kFast{{{"step_time_s", Direction::min}}, {{"drop_rate", {std::nullopt, 0.1}}}};
const Rung kAnalytic{"analytic", {}, false};

TEST(LeftOut, IsTheBestFeasibleOneThatDidNotRunInFull) {
  const std::vector<std::vector<double>> screened = {{1, 0}, {2, 0.2}, {4, 0}, {3, 0}, {}};
  const auto left_out = left_out_of(kFast, screened, {0}, kAnalytic);
  ASSERT_TRUE(left_out);
  EXPECT_EQ(left_out->candidates, 4u);
  EXPECT_EQ(left_out->best, 3u);
  EXPECT_EQ(left_out->figure, 3);
  EXPECT_FALSE(left_out_of(kFast, screened, {0, 2, 3}, kAnalytic));
}

TEST(LeftOut, AnalyticTimesBoundThoseInFull) {
  EXPECT_TRUE(is_bound_of(kFast, kAnalytic, false));
  EXPECT_FALSE(is_bound_of(kFast, kAnalytic, true));
  EXPECT_FALSE(is_bound_of(kFast, {"collective", {}, false}, false));
  EXPECT_FALSE(is_bound_of(kFast, {"analytic, 1 of 8 training steps", {}, true}, false));
  const Goals low_idle{{{"phase_time_s.idle", Direction::min}}, {}};
  EXPECT_FALSE(is_bound_of(low_idle, kAnalytic, false));
  const Goals bounded_time{{{"mfu", Direction::max}}, {{"step_time_s", {1.0, std::nullopt}}}};
  EXPECT_FALSE(is_bound_of(bounded_time, kAnalytic, false));
}

}  // namespace
}  // namespace moesim::experiments
