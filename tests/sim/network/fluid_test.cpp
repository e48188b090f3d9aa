// SPDX-License-Identifier: Apache-2.0
#include "sim/network/fluid.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "sim/network/channels.h"
#include "tests/support/detour.h"
#include "tests/support/max_min_solver.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using topologies::Transfer;

Fluid fluid_on(const topologies::Cluster& cluster, const std::vector<Transfer>& transfers,
               topologies::RoutingPolicy policy = topologies::RoutingPolicy::ecmp) {
  topologies::Router router(cluster, {policy});
  return fluid_of(router, channels_of(cluster), transfers);
}

// 1 and 2 GB to gpu2 of a star of 1 GB/s: gpu2's port has 3 s to do, the sources' 1 s and 2 s. The
// second message's links one by one need 2 + 3 s. Both share gpu2's port until 2 s, and the second
// has 1 GB left: 3 s.
TEST(Fluid, ThreeMeasuresOfTwoMessagesIntoOnePort) {
  const topologies::Cluster star = testing::example_star({1e-6, 1e-6, 1e-6});
  const Fluid fluid = fluid_on(star, {{0, 2, Bytes(1e9)}, {1, 2, Bytes(2e9)}});
  EXPECT_DOUBLE_EQ(busiest_link(fluid), 3);
  EXPECT_DOUBLE_EQ(links_one_by_one(fluid), 5);
  EXPECT_NEAR(drain(fluid), 3, 3e-12);
}

TEST(Fluid, OfNothingTakesNoTime) {
  const topologies::Cluster star = testing::example_star({0, 0});
  const Fluid fluid = fluid_on(star, {{0, 1, Bytes(0)}, {1, 1, Bytes(5)}});
  EXPECT_TRUE(fluid.left.empty());
  EXPECT_EQ(busiest_link(fluid), 0);
  EXPECT_EQ(links_one_by_one(fluid), 0);
  EXPECT_EQ(drain(fluid), 0);
}

// gpu0 -> gpu1 crosses its port (10 GB/s), the way over s0 or s1 with half of it each, and gpu1's
// port: the ports' weights are 1 though two ways cross them. 1 GB at 1 GB/s a way: 0.5 s.
TEST(Fluid, ASprayedMessageWeighsOnEachWayByItsShare) {
  const testing::TwoWays ways = testing::drawn_two_ways();
  const Fluid fluid =
      fluid_on(ways.cluster, {{0, 1, Bytes(1e9)}}, topologies::RoutingPolicy::spray);
  std::vector<double> weights = fluid.weights;
  std::sort(weights.begin(), weights.end());
  // Each way's two links are one channel.
  EXPECT_EQ(weights, (std::vector<double>{0.5, 0.5, 1, 1}));
  EXPECT_NEAR(drain(fluid), 0.5, 1e-12);
}

// Messages between random ranks of a star, few enough to be followed one by one, then many: exact,
// and within 1 % (a step is 3 % of what is left, and loses nothing of the links' capacity).
TEST(Fluid, DrainsAsTheMaxMinSolverSays) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(16, 0.0));
  topologies::Router router(star);
  const std::vector<double> capacities(star.links.size(), 1e9);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    base::Rng rng(seed, "fluid_test");
    const bool few = seed % 2 == 0;
    std::vector<Transfer> transfers;
    std::vector<testing::Flow> flows;
    for (int i = 0; i < (few ? 60 : 600); ++i) {
      const auto source = static_cast<int>(rng.below(16));
      const int destination = (source + 1 + static_cast<int>(rng.below(15))) % 16;
      transfers.push_back({source, destination, Bytes(1 + 1e9 * rng.uniform())});
      const auto route = router.route(source, destination);
      flows.push_back({{route.begin(), route.end()}, transfers.back().bytes.value});
    }
    const std::vector<double> ends = testing::max_min_ends(capacities, flows);
    const double expected = *std::max_element(ends.begin(), ends.end());
    EXPECT_NEAR(drain(fluid_on(star, transfers)), expected, expected * (few ? 1e-9 : 0.01))
        << "seed " << seed;
  }
}

}  // namespace
}  // namespace moesim::sim
