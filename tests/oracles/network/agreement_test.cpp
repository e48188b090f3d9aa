// SPDX-License-Identifier: Apache-2.0
// The agreement table's limits, on what is quick to run. ./dev agreement runs all of it.
#include "tests/oracles/network/agreement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/oracles/network/fabrics.h"

namespace moesim::testing {
namespace {

TEST(Agreement, CollectiveIsCloseToFlowOnEveryFabric) {
  std::vector<Agreement> all;
  for (const Fabric& fabric : fabrics_of(16)) {
    for (const Traffic traffic : kTraffics) {
      const Agreement agreement = agreement_of(fabric, traffic, 16);
      EXPECT_LT(std::abs(agreement.difference()), 0.03)
          << fabric.name << ", " << name_of(traffic) << ": " << agreement.collective_s << " and "
          << agreement.flow_s << " s";
      all.push_back(agreement);
    }
  }
  EXPECT_LT(spread_of(all).median, 0.01);
}

// A new topology needs a row in fabrics.cpp; a graph file is whatever it holds.
TEST(Agreement, EveryTopologyIsCompared) {
  const std::vector<topologies::Topology> compared = topologies_of_fabrics();
  for (const auto& [topology, name] : names_of(topologies::Topology{})) {
    if (topology == topologies::Topology::file) continue;
    EXPECT_EQ(std::count(compared.begin(), compared.end(), topology), 1) << name;
  }
}

// Differences of 0, -2, 5 and 1 %.
TEST(Agreement, TheSpreadIsThatOfTheSizes) {
  const std::vector<Agreement> four = {{"a", Traffic::zipf, 8, 1.00, 1},
                                       {"b", Traffic::zipf, 8, 0.98, 1},
                                       {"c", Traffic::zipf, 8, 1.05, 1},
                                       {"d", Traffic::zipf, 8, 1.01, 1}};
  EXPECT_NEAR(spread_of(four).median, 0.02, 1e-12);
  EXPECT_NEAR(spread_of(four).worst, 0.05, 1e-12);
}

}  // namespace
}  // namespace moesim::testing
