// SPDX-License-Identifier: Apache-2.0
#include "model/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace moesim::model {

double learning_rate_at(const TrainingConfig& training, int step) {
  const double peak = training.learning_rate;
  if (step <= training.warm_up_steps) return peak * step / training.warm_up_steps;
  if (training.schedule == ScheduleType::constant) return peak;
  const double falling = std::max(1, training.steps - training.warm_up_steps);
  const double done = std::min(1.0, (step - training.warm_up_steps) / falling);
  const double height = (1 + std::cos(std::numbers::pi * done)) / 2;
  const double floor = training.min_learning_rate_ratio;
  return peak * (floor + (1 - floor) * height);
}

}  // namespace moesim::model
