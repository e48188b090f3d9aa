// SPDX-License-Identifier: Apache-2.0
#include "sim/network/rate_steps.h"

#include <gtest/gtest.h>

namespace moesim::sim {
namespace {

using base::BytesPerSecond;
using base::Seconds;

TEST(RateSteps, KeepOnlyWhatChanges) {
  RateSteps steps;
  steps.append(Seconds(0), BytesPerSecond(0));
  steps.append(Seconds(1), BytesPerSecond(5));
  steps.append(Seconds(2), BytesPerSecond(5 + 1e-9));
  steps.append(Seconds(3), BytesPerSecond(7));
  steps.append(Seconds(3), BytesPerSecond(8));
  steps.append(Seconds(4), BytesPerSecond(0));
  EXPECT_EQ(steps.times(), (std::vector<Seconds>{Seconds(1), Seconds(3), Seconds(4)}));
  EXPECT_EQ(steps.rates(),
            (std::vector<BytesPerSecond>{BytesPerSecond(5), BytesPerSecond(8), BytesPerSecond(0)}));
}

// One step a second at rates 1, 2, 1, 2, ...: the first pairs become 1.5, and 20,000 s of them
// carry 30,000 bytes however often the record is halved.
TEST(RateSteps, AFullRecordIsHalvedAndKeepsItsIntegral) {
  RateSteps steps;
  for (int second = 0; second < 20000; ++second) {
    steps.append(Seconds(second), BytesPerSecond(1 + second % 2));
  }
  steps.append(Seconds(20000), BytesPerSecond(0));
  ASSERT_LE(steps.times().size(), RateSteps::kMostSteps);
  EXPECT_EQ(steps.rates().front().value, 1.5);
  double bytes = 0;
  for (std::size_t i = 0; i + 1 < steps.times().size(); ++i) {
    bytes += (steps.rates()[i] * (steps.times()[i + 1] - steps.times()[i])).value;
  }
  EXPECT_NEAR(bytes, 30000, 1e-6);
}

}  // namespace
}  // namespace moesim::sim
