// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/participants.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/base/thrown_error.h"
#include "tests/support/example_cluster.h"

namespace moesim::sim {
namespace {

using base::Bytes;

TEST(Participants, AGroupKnowsWhereItsRanksSit) {
  const topologies::Cluster cluster =
      topologies::build_cluster(testing::example_config(topologies::Topology::single_switch, 3, 4));
  const Group group = group_of(cluster, {1, 3, 8, 10, 11});
  EXPECT_EQ(group.local_index, (std::vector<int>{1, 3, 0, 2, 3}));
  EXPECT_EQ(group.layout.num_nodes, 2);
  EXPECT_EQ(group.layout.node_of_rank, (std::vector<int>{0, 0, 1, 1, 1}));
  EXPECT_EQ(ranks_by_node(cluster, {1, 3, 8, 10}),
            (std::vector<std::vector<int>>{{1, 3}, {8, 10}}));
  EXPECT_EQ(ranks_by_node(cluster, group.ranks),
            (std::vector<std::vector<int>>{{1, 3}, {8, 10, 11}}));
}

TEST(Participants, EqualSizesAreAgreedOn) {
  EXPECT_EQ(agreed_size("x", {4, 5}, std::vector<Bytes>(2, Bytes(7))).value, 7);
}

TEST(Participants, AFewOfTheRanksThatDisagreeAreNamedAndTheRestCounted) {
  std::vector<int> ranks;
  std::vector<Bytes> sizes;
  for (int rank = 0; rank < 24; ++rank) {
    ranks.push_back(rank);
    sizes.emplace_back(rank < 14 ? 4096.0 : 100.0);
  }
  EXPECT_EQ(base::thrown_error([&] { (void)agreed_size("all_gather", ranks, sizes); }).message(),
            "ranks disagree on its size: rank 14 (100 B), rank 15 (100 B), rank 16 (100 B), "
            "rank 17 (100 B), rank 18 (100 B), rank 19 (100 B), rank 20 (100 B), rank 21 (100 B) "
            "and 2 more against 4 KiB of the others");
}

TEST(Participants, ASizePerRankAndEachANumber) {
  EXPECT_EQ(base::thrown_error([] {
              (void)agreed_size("x", {1, 2, 3}, std::vector<Bytes>(2, Bytes(1)));
            }).message(),
            "2 sizes for 3 ranks");
  const std::vector<Bytes> wrong{Bytes(1), Bytes(std::numeric_limits<double>::quiet_NaN())};
  EXPECT_EQ(base::thrown_error([&] {
              (void)agreed_size("x", {6, 7}, wrong);
            }).message(),
            "the size of rank 7 is no number of bytes");
}

}  // namespace
}  // namespace moesim::sim
