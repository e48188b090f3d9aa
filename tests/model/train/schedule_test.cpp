// SPDX-License-Identifier: Apache-2.0
#include "model/train/schedule.h"

#include <gtest/gtest.h>

namespace moesim::model {
namespace {

TrainingConfig over(int steps, int warm_up_steps, ScheduleType schedule) {
  TrainingConfig training;
  training.learning_rate = 2;
  training.min_learning_rate_ratio = 0.1;
  training.steps = steps;
  training.warm_up_steps = warm_up_steps;
  training.schedule = schedule;
  return training;
}

TEST(Schedule, WarmsUpInAStraightLine) {
  const TrainingConfig training = over(100, 4, ScheduleType::constant);
  EXPECT_DOUBLE_EQ(learning_rate_at(training, 1), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate_at(training, 2), 1);
  EXPECT_DOUBLE_EQ(learning_rate_at(training, 4), 2);
  EXPECT_DOUBLE_EQ(learning_rate_at(training, 5), 2);
  EXPECT_DOUBLE_EQ(learning_rate_at(training, 1000), 2);
}

// From 2 at step 4 to the floor 0.2 at step 10: cos(pi/3) = 1/2 after 2 of 6 steps, so the height
// is 3/4 and the rate 2 (0.1 + 0.9 x 0.75) = 1.55; half-way 2 (0.1 + 0.45) = 1.1; after 4 of 6 the
// height is 1/4: 2 (0.1 + 0.225) = 0.65.
TEST(Schedule, FallsAlongHalfACosine) {
  const TrainingConfig training = over(10, 4, ScheduleType::cosine);
  EXPECT_DOUBLE_EQ(learning_rate_at(training, 4), 2);
  EXPECT_DOUBLE_EQ(learning_rate_at(training, 6), 1.55);
  EXPECT_DOUBLE_EQ(learning_rate_at(training, 7), 1.1);
  EXPECT_DOUBLE_EQ(learning_rate_at(training, 8), 0.65);
  EXPECT_DOUBLE_EQ(learning_rate_at(training, 10), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate_at(training, 11), 0.2);
}

TEST(Schedule, NeverRisesAfterWarmUp) {
  const TrainingConfig training = over(200, 10, ScheduleType::cosine);
  for (int step = 11; step <= 220; ++step) {
    EXPECT_LE(learning_rate_at(training, step), learning_rate_at(training, step - 1));
  }
}

// Warm-up as long as the run, or longer, or a run without steps: no division by zero.
TEST(Schedule, OddLengthsAreFine) {
  EXPECT_DOUBLE_EQ(learning_rate_at(over(4, 4, ScheduleType::cosine), 4), 2);
  EXPECT_DOUBLE_EQ(learning_rate_at(over(4, 4, ScheduleType::cosine), 5), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate_at(over(4, 8, ScheduleType::cosine), 4), 1);
  EXPECT_DOUBLE_EQ(learning_rate_at(over(0, 0, ScheduleType::cosine), 1), 0.2);
}

}  // namespace
}  // namespace moesim::model
