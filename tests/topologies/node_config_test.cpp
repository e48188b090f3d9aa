// SPDX-License-Identifier: Apache-2.0
#include "topologies/node_config.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/example_cluster.h"

namespace moesim::topologies {
namespace {

using Nics = std::vector<std::vector<int>>;

Node node_of(int accelerators) {
  return testing::example_config(Topology::single_switch, 1, accelerators).node;
}

std::string place_of_error(const Node& node) {
  try {
    validate(node, "/cluster/node");
  } catch (const base::Error& error) {
    return error.where();
  }
  return "valid";
}

// i x nics / accelerators: 4 accelerators on 2 NICs are 0, 0, 1, 1. With 6 NICs for 4, NIC j serves
// j x 4 / 6: 0, 0, 1, 2, 2, 3.
TEST(NodeConfig, AcceleratorsShareNicsEvenly) {
  Node node = node_of(4);
  EXPECT_EQ(nics_of_accelerators(node), (Nics{{0}, {1}, {2}, {3}}));
  node.nics_per_node = 2;
  EXPECT_EQ(nics_of_accelerators(node), (Nics{{0}, {0}, {1}, {1}}));
  node.nics_per_node = 6;
  EXPECT_EQ(nics_of_accelerators(node), (Nics{{0, 1}, {2}, {3, 4}, {5}}));
  node.nics_per_node = 2;
  node.nic_of_accelerator = {1, 0, 1, 0};
  EXPECT_EQ(nics_of_accelerators(node), (Nics{{1}, {0}, {1}, {0}}));
  EXPECT_EQ(place_of_error(node), "valid");
}

TEST(NodeConfig, EveryNicServesAnAcceleratorOfOnePcieSwitch) {
  Node node = node_of(4);
  node.nics_per_node = 2;
  node.nic_of_accelerator = {0, 0, 0, 0};
  EXPECT_EQ(place_of_error(node), "/cluster/node/nic_of_accelerator");
  node.nic_of_accelerator = {0, 1};
  EXPECT_EQ(place_of_error(node), "/cluster/node/nic_of_accelerator");
  node.nic_of_accelerator = {0, 1, 2, 0};
  EXPECT_EQ(place_of_error(node), "/cluster/node/nic_of_accelerator");
  node.nic_of_accelerator = {0, 1, 0, 1};
  EXPECT_EQ(place_of_error(node), "valid");
  node.accelerators_per_pcie_switch = 2;
  EXPECT_EQ(place_of_error(node), "/cluster/node/accelerators_per_pcie_switch");
  node.nic_of_accelerator = {1, 1, 0, 0};
  EXPECT_EQ(place_of_error(node), "valid");
}

TEST(NodeConfig, ADomainIsWholeNodesOnASwitch) {
  Node node = node_of(4);
  EXPECT_EQ(nodes_per_domain(node), 1);
  node.scale_up_domain = 72;
  EXPECT_EQ(place_of_error(node), "valid");
  EXPECT_EQ(nodes_per_domain(node), 18);
  node.scale_up_domain = 70;
  EXPECT_EQ(place_of_error(node), "/cluster/node/scale_up_domain");
  node.scale_up_domain = 2;
  EXPECT_EQ(place_of_error(node), "/cluster/node/scale_up_domain");
  node.scale_up_domain = 8;
  node.scale_up = ScaleUp::full_mesh;
  EXPECT_EQ(place_of_error(node), "/cluster/node/scale_up_domain");
}

TEST(NodeConfig, OnlyASwitchReduces) {
  Node node = node_of(4);
  node.in_switch_reduction = true;
  EXPECT_EQ(place_of_error(node), "valid");
  node.scale_up = ScaleUp::none;
  EXPECT_EQ(place_of_error(node), "/cluster/node/in_switch_reduction");
}

// Without a scale-up link its quantities are not asked for.
TEST(NodeConfig, QuantitiesOfAbsentLinksDoNotMatter) {
  Node node = node_of(4);
  node.scale_up_bandwidth = base::BytesPerSecond(0);
  EXPECT_EQ(place_of_error(node), "/cluster/node/scale_up_bandwidth");
  node.scale_up = ScaleUp::none;
  EXPECT_EQ(place_of_error(node), "valid");
  node.nics_per_node = 0;
  EXPECT_EQ(place_of_error(node), "/cluster/node/nics_per_node");
}

}  // namespace
}  // namespace moesim::topologies
