// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/collectives/all_to_all.h"
#include "tests/support/example_cluster.h"
#include "tests/support/lockstep.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using topologies::Topology;
using topologies::Transfer;

// 4 nodes of 2, 5 MB for each pair. First 3 nodes x 2 ranks x 5 MB = 30 MB leave a NIC of 50 GB/s:
// 600 us, and 4 us. Then each hands 4 nodes' 5 MB to its neighbour at 400 GB/s: 50 us, and 2 us.
TEST(HierarchicalAllToAll, TakesItsClosedForm) {
  topologies::Router router(
      topologies::build_cluster(testing::example_config(Topology::single_switch, 4, 2)));
  const Group group = group_of(router.cluster(), testing::first_ranks(8));
  const std::vector<Bytes> bytes(64, Bytes(5e6));
  const Collective collective = all_to_all(AllToAll::hierarchical, group, bytes);
  EXPECT_NEAR(testing::lockstep_time(router, collective), 600e-6 + 4e-6 + 50e-6 + 2e-6, 1e-12);
  ASSERT_EQ(collective.rounds.size(), 2u);
  EXPECT_EQ(collective.rounds[0].end, 8u * 3u);  // one message per rank and foreign node
  for (std::size_t i = 0; i < collective.rounds[0].end; ++i) {
    EXPECT_EQ(collective.transfers[i].source % 2, collective.transfers[i].destination % 2);
  }
}

// Ranks 1 of node 0 and 2, 3 of node 1: rank 1's row for rank 2 enters at rank 3, of its own local
// index; rank 2's for rank 1 at the only rank there.
TEST(HierarchicalAllToAll, UnevenNodesEnterWhereTheyCan) {
  const topologies::Cluster cluster =
      topologies::build_cluster(testing::example_config(Topology::single_switch, 2, 2));
  const Group group = group_of(cluster, {1, 2, 3});
  const std::vector<Bytes> bytes{Bytes(0), Bytes(7), Bytes(0),  //
                                 Bytes(5), Bytes(0), Bytes(0),  //
                                 Bytes(0), Bytes(0), Bytes(0)};
  const Collective collective = all_to_all(AllToAll::hierarchical, group, bytes);
  EXPECT_EQ(collective.transfers,
            (std::vector<Transfer>{{1, 3, Bytes(7)}, {2, 1, Bytes(5)}, {3, 2, Bytes(7)}}));
  EXPECT_EQ(collective.rounds, (std::vector<Round>{{2, {}}, {3, {}}}));
}

}  // namespace
}  // namespace moesim::sim
