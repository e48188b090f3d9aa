// SPDX-License-Identifier: Apache-2.0
#include "model/train/training_history.h"

#include <gtest/gtest.h>

namespace moesim::model {
namespace {

// e nats are e / ln 2 bits: ln 256 nats are 8.
TEST(TrainingHistory, EightBitsAreLog256Nats) {
  EXPECT_DOUBLE_EQ(bits_per_byte(5.545177444479562), 8);
}

// One layer of two experts, 3 tokens a step; rows of two steps.
TEST(TrainingHistory, UsageIsAddedUpInRows) {
  const std::vector<LayerUsage> usage = {{3, {1, 2}, {1, 1}, {0.5, 2.5}}};
  TrainingHistory history;
  for (int step = 1; step <= 5; ++step) record_usage(step, 2, usage, history);
  ASSERT_EQ(history.usage.size(), 3U);
  EXPECT_EQ(history.usage[0], (UsageRow{1, 2, {{6, {2, 4}, {2, 2}, {1, 5}}}}));
  EXPECT_EQ(history.usage[1], (UsageRow{3, 4, {{6, {2, 4}, {2, 2}, {1, 5}}}}));
  EXPECT_EQ(history.usage[2], (UsageRow{5, 5, usage}));
  const std::vector<LayerUsage> total = total_usage(history);
  ASSERT_EQ(total.size(), 1U);
  EXPECT_EQ(total[0], (LayerUsage{15, {5, 10}, {5, 5}, {2.5, 12.5}}));
}

TEST(TrainingHistory, WithoutStepsThereIsNoUsage) { EXPECT_TRUE(total_usage({}).empty()); }

}  // namespace
}  // namespace moesim::model
