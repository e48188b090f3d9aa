// SPDX-License-Identifier: Apache-2.0
// Through the network of fidelity `flow`, each in a process of its own. How flows meet changes of
// the cluster: plan_change_test.cpp.
#include "sim/network/simgrid/flows.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "sim/network/simgrid/flow_network.h"
#include "tests/support/detour.h"
#include "tests/support/in_child_process.h"
#include "tests/support/max_min_solver.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using base::Seconds;
using testing::collective_of;

// [messages] when each ends, then the bytes that each link in use carried.
std::vector<double> run_each(const topologies::Cluster& cluster,
                             const topologies::RoutingOptions& options,
                             const std::vector<topologies::Transfer>& transfers) {
  return testing::in_child_process([&] {
    topologies::Router router(cluster, options);
    const auto network = make_flow_network(router, {});
    std::vector<double> ends(transfers.size());
    for (std::size_t i = 0; i < transfers.size(); ++i) {
      network->start(collective_of(cluster.num_ranks(), {transfers[i]}),
                     [&ends, i](const CollectiveEnd& end) { ends[i] = end.end.value; });
    }
    network->run();
    for (const LinkUse& use : network->link_use()) ends.push_back(use.bytes.value);
    return ends;
  });
}

// 2,000 messages in flight, more than are read at every event: each ends as the solver says, and
// every link has carried what was put on it.
TEST(Flows, TwoThousandMessagesEndWhenTheMaxMinSolverSays) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(40, 1e-6));
  topologies::Router router(star);
  base::Rng rng(1, "flows_test");
  std::vector<topologies::Transfer> transfers;
  std::vector<testing::Flow> flows;
  for (int i = 0; i < 2000; ++i) {
    const auto source = static_cast<int>(rng.below(40));
    const int destination = (source + 1 + static_cast<int>(rng.below(39))) % 40;
    // Of few sizes, so that many end together.
    transfers.push_back({source, destination, Bytes(1e6 * (1 + rng.below(8)))});
    const auto route = router.route(source, destination);
    flows.push_back({{route.begin(), route.end()}, transfers.back().bytes.value, 2e-6});
  }
  const std::vector<double> expected =
      testing::max_min_ends(std::vector<double>(star.links.size(), 1e9), flows);
  const std::vector<double> found = run_each(star, {}, transfers);
  const std::vector<topologies::LinkLoad> loads = link_loads(router, transfers);
  ASSERT_EQ(found.size(), expected.size() + loads.size());
  const double whole = *std::max_element(expected.begin(), expected.end());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], whole * 1e-4);
  }
  for (std::size_t i = 0; i < loads.size(); ++i) {
    EXPECT_NEAR(found[expected.size() + i], loads[i].bytes.value, loads[i].bytes.value * 1e-6);
  }
}

// gpu0 -> gpu1 of 1 GB sprayed half and half over two ways, and gpu2 -> gpu3 of 0.5 GB likewise:
// each way, of 1 GB/s, is shared evenly until 0.5 s, and then the larger's 0.25 GB a way go alone:
// 0.75 s.
TEST(Flows, SprayedMessagesShareBothWays) {
  const testing::TwoWays ways = testing::drawn_two_ways();
  topologies::RoutingOptions spray;
  spray.policy = topologies::RoutingPolicy::spray;
  const std::vector<double> found =
      run_each(ways.cluster, spray, {{0, 1, Bytes(1e9)}, {2, 3, Bytes(0.5e9)}});
  EXPECT_NEAR(found[0], 0.75 + 4e-6, 1e-8);
  EXPECT_NEAR(found[1], 0.5 + 4e-6, 1e-8);
}

// gpu0's port of 1 GB/s is shared by a message that is sprayed behind it and one that stays on the
// switch. The sprayed one counts as one, not as two: 0.5 GB each at half the port: 1 s.
TEST(Flows, ASprayedMessageCountsOnceWhereItsWaysMeet) {
  testing::TwoWays ways = testing::drawn_two_ways();
  ways.cluster.links[0].bandwidth = base::BytesPerSecond(1e9);
  topologies::RoutingOptions spray;
  spray.policy = topologies::RoutingPolicy::spray;
  const std::vector<double> found =
      run_each(ways.cluster, spray, {{0, 1, Bytes(0.5e9)}, {0, 2, Bytes(0.5e9)}});
  EXPECT_NEAR(found[0], 1, 1e-5);
  EXPECT_NEAR(found[1], 1, 1e-5);
}

// Sprayed in halves of half a byte, which SimGrid rounds up to one: 1 byte at 1 GB/s after 4 us.
TEST(Flows, AByteCannotBeHalved) {
  const testing::TwoWays ways = testing::drawn_two_ways();
  topologies::RoutingOptions spray;
  spray.policy = topologies::RoutingPolicy::spray;
  const std::vector<double> found = run_each(ways.cluster, spray, {{0, 1, Bytes(1)}});
  EXPECT_NEAR(found[0], 4.001e-6, 2e-12);
}

}  // namespace
}  // namespace moesim::sim
