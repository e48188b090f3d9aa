// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/left_out.h"

#include <gtest/gtest.h>

#include "tests/experiments/small_document.h"

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

class IsBoundTest : public testing::Test {
 protected:
  bool is_bound(const Goals& goals, const Rung& screen = kAnalytic) const {
    return is_bound_of(goals, screen, sweep_, experiment_);
  }
  Sweep sweep_ = expand(small_document(R"(, "sweep": {"router.capacity_factor": [1, 1.5]})"));
  Experiment experiment_ = first_point(sweep_).read.experiment;
};

TEST_F(IsBoundTest, AnalyticTimesBoundThoseInFull) {
  EXPECT_TRUE(is_bound(kFast));
  EXPECT_TRUE(is_bound({{{"mfu", Direction::max}}, {}}));
  EXPECT_FALSE(is_bound(kFast, {"collective", {}, false, sim::Fidelity::collective}));
  EXPECT_FALSE(is_bound(kFast, {"analytic, 1 of 8 training steps", {}, true}));
}

TEST_F(IsBoundTest, NotWhereSlowIsWantedOrTimeIsNotAllThatCounts) {
  EXPECT_FALSE(is_bound({{{"step_time_s", Direction::max}}, {}}));
  EXPECT_FALSE(is_bound({{{"tokens_per_s", Direction::min}}, {}}));
  EXPECT_FALSE(is_bound({{{"phase_time_s.idle", Direction::min}}, {}}));
  EXPECT_FALSE(is_bound({{{"mfu", Direction::max}, {"drop_rate", Direction::min}}, {}}));
  EXPECT_FALSE(is_bound({{{"mfu", Direction::max}}, {{"step_time_s", {1.0, std::nullopt}}}}));
}

TEST_F(IsBoundTest, NotWhereLinksMayFail) {
  sweep_.axes.push_back("faults.events");
  EXPECT_FALSE(is_bound(kFast));
  sweep_.axes.pop_back();
  experiment_.scenario.faults.events.emplace_back();
  EXPECT_FALSE(is_bound(kFast));
}

}  // namespace
}  // namespace moesim::experiments
