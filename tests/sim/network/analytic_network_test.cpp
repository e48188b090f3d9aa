// SPDX-License-Identifier: Apache-2.0
#include "sim/network/analytic_network.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"

namespace moesim::sim {
namespace {

using testing::collective_of;

// 0 -> 2 and 1 -> 2, 3 MB and 1 MB over gpu2's port of 1 GB/s: 4 ms there, 3 and 1 ms at the
// sources. Routes to gpu2 take 1 + 5 us from gpu0 and 2 + 5 us from gpu1, so the port waits at
// least 6 us: 4.006 ms, after 10 us of protocol.
TEST(FloorOf, AddsTheLeastLatencyOfEachLinkToItsTime) {
  const topologies::Cluster star = testing::example_star({1e-6, 2e-6, 5e-6});
  topologies::Router router(star);
  Collective collective = collective_of(3, {{0, 2, base::Bytes(3e6)}, {1, 2, base::Bytes(1e6)}});
  collective.protocol_latency = base::Seconds(10e-6);
  EXPECT_DOUBLE_EQ(floor_of(router, collective).value, 4.016e-3);
}

// The first collective ends at 1 ms + 0, the second likewise although they share the port.
TEST(AnalyticNetwork, CollectivesDoNotFeelEachOther) {
  const topologies::Cluster star = testing::example_star({0, 0, 0});
  topologies::Router router(star);
  AnalyticNetwork network(router);
  std::vector<double> ends;
  const auto note = [&](const CollectiveEnd& end) { ends.push_back(end.end.value); };
  network.start(collective_of(3, {{0, 2, base::Bytes(1e6)}}), note);
  network.start(collective_of(3, {{1, 2, base::Bytes(1e6)}}), note);
  network.run();
  EXPECT_EQ(ends, (std::vector<double>{1e-3, 1e-3}));
  EXPECT_TRUE(network.link_use().empty());
}

}  // namespace
}  // namespace moesim::sim
