// SPDX-License-Identifier: Apache-2.0
#include "sim/network/channels.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"

namespace moesim::sim {
namespace {

using topologies::Cluster;
using topologies::LinkKind;
using topologies::Topology;

// PCIe (64 GB/s) and NIC (50 GB/s) are in series, and the NIC is the tighter one, each way; all
// other links stand alone.
TEST(Channels, PcieIsInSeriesWithTheNic) {
  for (const Topology topology : {Topology::single_switch, Topology::rail_optimized_fat_tree}) {
    const Cluster cluster = build_cluster(testing::example_config(topology, 2, 4));
    const std::vector<int> channels = channels_of(cluster);
    for (std::size_t l = 0; l < channels.size(); ++l) {
      const topologies::Link& link = cluster.links[l];
      if (link.kind != LinkKind::pcie) {
        EXPECT_EQ(channels[l], static_cast<int>(l)) << link.name;
        continue;
      }
      const topologies::Link& tight = cluster.links[channels[l]];
      EXPECT_EQ(tight.kind, LinkKind::nic);
      EXPECT_TRUE(tight.from == link.to || tight.to == link.from) << link.name;
    }
  }
}

// In a star of two, the switch joins the cables: gpu0 -> switch -> gpu1 and back, each way one
// channel, told by its first link since bandwidths are equal. A third cable gives a choice.
TEST(Channels, ASwitchOfTwoCablesForwards) {
  EXPECT_EQ(channels_of(testing::example_star({0, 0})), (std::vector<int>{0, 1, 1, 0}));
  EXPECT_EQ(channels_of(testing::example_star({0, 0, 0})), (std::vector<int>{0, 1, 2, 3, 4, 5}));
}

// a -> m -> b with the narrow link first: it stands for both.
TEST(Channels, TheTightestLinkStandsForAll) {
  Cluster star = testing::example_star({0, 0});
  star.links[3].bandwidth = base::BytesPerSecond(5e8);
  EXPECT_EQ(channels_of(star), (std::vector<int>{3, 1, 1, 3}));
}

}  // namespace
}  // namespace moesim::sim
