// SPDX-License-Identifier: Apache-2.0
#include "model/kernel_trial.h"

#include <numeric>

#include "base/check.h"

namespace moesim::model {

std::int64_t TrialShape::total_rows() const {
  return std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
}

int TrialShape::slots() const {
  const auto slots = static_cast<int>(total_rows() / tokens);
  CHECK(slots >= 1 && total_rows() == std::int64_t{slots} * tokens,
        "every token has equally many rows");
  return slots;
}

std::vector<std::int32_t> spread_places(std::int64_t count) {
  std::int64_t step = 7919;
  while (std::gcd(step, count) != 1) ++step;
  std::vector<std::int32_t> places;
  for (std::int64_t i = 0; i < count; ++i) {
    places.push_back(static_cast<std::int32_t>(i * step % count));
  }
  return places;
}

}  // namespace moesim::model
