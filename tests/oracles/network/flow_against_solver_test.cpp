// SPDX-License-Identifier: Apache-2.0
// Fidelity `flow` against progressive filling that knows nothing of SimGrid: every message.
#include <gtest/gtest.h>

#include "tests/oracles/network/fabrics.h"
#include "tests/oracles/network/measure.h"
#include "tests/oracles/network/traffic.h"

namespace moesim::testing {
namespace {

// Of the whole collective's time.
constexpr double kTolerance = 1e-4;

// 32 ranks are in the table of ./dev agreement.
class FlowAgainstSolver : public ::testing::TestWithParam<Traffic> {};

TEST_P(FlowAgainstSolver, EveryMessageEndsWhenTheSolverSays) {
  for (const Fabric& fabric : fabrics_of(16)) {
    for (const std::uint64_t seed : {1, 2}) {
      const sim::Collective traffic = all_to_all_of(GetParam(), 16, 1e6, seed);
      const std::vector<double> expected = solver_ends(fabric, traffic);
      const std::vector<double> ends = message_ends(fabric, traffic);
      ASSERT_EQ(ends.size(), expected.size());
      const double whole = latest(expected);
      for (std::size_t m = 0; m < ends.size(); ++m) {
        ASSERT_NEAR(ends[m], expected[m], whole * kTolerance)
            << fabric.name << ", seed " << seed << ", message " << m;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllTraffic, FlowAgainstSolver, ::testing::ValuesIn(kTraffics),
                         [](const auto& traffic) { return name_of(traffic.param); });

}  // namespace
}  // namespace moesim::testing
