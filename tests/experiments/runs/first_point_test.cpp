// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/first_point.h"

#include <gtest/gtest.h>

#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

// A process that has loaded the simulator holds more than a megabyte, and takes less than a minute
// for 16 ranks. The first of the two points cannot be: a token picks 17 of 16 experts.
TEST(FirstPoint, TheFirstThatCanBeIsMeasured) {
  const Sweep sweep =
      expand(small_document(", \"sweep\": {\"model.num_experts_per_tok\": [17, 2]}"));
  const auto cost = cost_of_first_point(sweep, base::Seconds(60));
  ASSERT_TRUE(cost.has_value());
  EXPECT_GT(cost->wall.value, 0);
  EXPECT_LT(cost->wall.value, 60);
  EXPECT_GT(cost->memory.value, 1e6);
}

// A gate trained for ten million steps.
TEST(FirstPoint, OneThatTakesTooLongHasNoCost) {
  base::JsonValue document = small_document();
  base::set_json(document, R"(routing={"source": "numerics", "proxy": {"train_steps": 10000000}})");
  EXPECT_FALSE(cost_of_first_point(expand(document), base::Seconds(1)).has_value());
}

}  // namespace
}  // namespace moesim::experiments
