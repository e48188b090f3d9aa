// SPDX-License-Identifier: Apache-2.0
#include "sim/report/traffic_figures.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/example_cluster.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using base::Seconds;

// Four nodes of one accelerator, two to a leaf; PCIe 64 GB/s, NICs 50 GB/s.
topologies::Cluster two_leaves(double oversubscription) {
  topologies::ClusterConfig config =
      testing::example_config(topologies::Topology::rail_optimized_fat_tree, 4, 1);
  config.fabric.nodes_per_leaf = 2;
  config.fabric.oversubscription = oversubscription;
  return topologies::build_cluster(config);
}

// Collectives one after another, each 100 ms, of transfers among the four ranks.
struct Step {
  StepGraph graph;
  Timeline timeline;
};

Step step_of(const std::vector<std::vector<topologies::Transfer>>& collectives) {
  Step step;
  step.graph.num_ranks = 4;
  step.graph.ranks = {0, 1, 2, 3};
  for (const auto& transfers : collectives) {
    const int index = static_cast<int>(step.graph.collectives.size());
    step.graph.collectives.push_back(testing::collective_of(4, transfers));
    step.graph.add({{Phase::dispatch}, -1, Seconds(0), index}, {});
    step.timeline.ops.push_back({Seconds(0.1 * index), Seconds(0.1 * index + 0.1)});
  }
  return step;
}

std::map<std::string, TierFigures> by_name(const LinkReport& report) {
  std::map<std::string, TierFigures> tiers;
  for (const TierFigures& tier : report.tiers) tiers[tier.tier] = tier;
  return tiers;
}

double bytes_of(const LinkReport& report, const std::string& link) {
  for (const LinkFigures& figures : report.hottest) {
    if (figures.name == link) return figures.bytes;
  }
  return 0;
}

const std::vector<topologies::Transfer> kAcross = {{0, 2, Bytes(1e9)}, {1, 3, Bytes(1e9)}};
const std::vector<topologies::Transfer> kInLeaf = {{0, 1, Bytes(1e9)}};

// One spine with uplinks of 50 GB/s. Across: 2 GB on each of leaf0->spine0 and spine0->leaf1, 40
// ms; 1 GB on each NIC, 20 ms. In the leaf: two cables with 1 GB, 20 ms. Of a step of 400 ms the
// uplink is busy 10 %, node0's NIC as long, PCIe 2 x 1 GB / 64 GB/s = 31.25 ms or 7.8125 %.
TEST(LinkReport, CollectivesAreBoundByTheTierOfTheirBusiestLink) {
  topologies::Router router(two_leaves(2));
  const Step step = step_of({kAcross, kInLeaf, kAcross});
  const LinkReport report =
      link_report(step.graph, step.timeline, Seconds(0.4), {router, {}, {}}, 100);
  const auto tiers = by_name(report);
  ASSERT_EQ(report.tiers.size(), 3U);
  EXPECT_EQ(report.tiers[0].tier, "pcie");
  EXPECT_EQ(report.tiers[1].tier, "nic");
  EXPECT_EQ(report.tiers[2].tier, "fabric 1-2");
  EXPECT_EQ(report.deciding_tier, "fabric 1-2");
  EXPECT_NEAR(tiers.at("fabric 1-2").bound_time_s, 0.2, 1e-12);
  EXPECT_NEAR(tiers.at("nic").bound_time_s, 0.1, 1e-12);
  EXPECT_EQ(tiers.at("pcie").bound_time_s, 0);
  EXPECT_EQ(tiers.at("fabric 1-2").bytes, 2 * 2 * 2e9);
  EXPECT_EQ(tiers.at("nic").bytes, 5 * 2e9);
  EXPECT_NEAR(tiers.at("fabric 1-2").busy_fraction, 2 * 0.04 / 0.4, 1e-12);
  EXPECT_NEAR(tiers.at("nic").busy_fraction, 3 * 0.02 / 0.4, 1e-12);
  EXPECT_NEAR(tiers.at("pcie").busy_fraction, 3.0 / 64 / 0.4, 1e-12);
  EXPECT_EQ(report.hottest.front().name, "leaf0->spine0");
  EXPECT_FALSE(report.hottest.front().rank.has_value());
}

TEST(LinkReport, ShowsNoMoreLinksThanAskedFor) {
  topologies::Router router(two_leaves(2));
  const Step step = step_of({kAcross});
  const LinkReport report = link_report(step.graph, step.timeline, Seconds(1), {router, {}, {}}, 3);
  EXPECT_EQ(report.hottest.size(), 3U);
  EXPECT_EQ(report.tiers.size(), 3U) << "tiers are of all links";
}

TEST(LinkReport, WithoutTrafficNothingDecides) {
  topologies::Router router(two_leaves(2));
  const LinkReport report = link_report({}, {}, Seconds(1), {router, {}, {}}, 8);
  EXPECT_TRUE(report.hottest.empty());
  EXPECT_TRUE(report.tiers.empty());
  EXPECT_EQ(report.deciding_tier, "");
}

// Rank 0's cable has a tenth of its bandwidth from 100 ms on: the second collective is bound by it,
// for 1 GB / 5 GB/s = 200 ms of a step of 1 s, after 20 ms at the full one.
TEST(LinkReport, EachCollectiveMeetsTheClusterAsItIsAtItsStart) {
  const topologies::Cluster cluster = two_leaves(2);
  ClusterChange change{Seconds(3.1), {}, "degraded"};
  for (int l = 0; l < static_cast<int>(cluster.links.size()); ++l) {
    if (cluster.links[l].name != "node0/nic0->leaf0") continue;
    change.links.push_back({l, true, base::BytesPerSecond(5e9), cluster.links[l].latency});
  }
  ASSERT_EQ(change.links.size(), 1U);
  topologies::Router router(cluster);
  const Step step = step_of({kAcross, kAcross});
  const std::vector<ClusterChange> changes = {change};
  const LinkReport report =
      link_report(step.graph, step.timeline, Seconds(1), {router, changes, Seconds(3)}, 100);
  const auto tiers = by_name(report);
  EXPECT_NEAR(tiers.at("fabric 1-2").bound_time_s, 0.1, 1e-12);
  EXPECT_NEAR(tiers.at("nic").bound_time_s, 0.1, 1e-12);
  EXPECT_EQ(report.hottest.front().name, "node0/nic0->leaf0");
  EXPECT_NEAR(report.hottest.front().busy_fraction, 0.22, 1e-12);
}

// Of two spines the first goes down between two collectives.
TEST(LinkReport, BytesAreOnTheWaysThatAreUp) {
  const topologies::Cluster cluster = two_leaves(1);
  ClusterChange change{Seconds(0.1), {}, "spine0 down"};
  for (int l = 0; l < static_cast<int>(cluster.links.size()); ++l) {
    if (cluster.links[l].name.find("spine0") == std::string::npos) continue;
    change.links.push_back({l, false});
  }
  topologies::Router router(cluster, {topologies::RoutingPolicy::spray});
  const Step step = step_of({kAcross, kAcross});
  const std::vector<ClusterChange> changes = {change};
  const LinkReport report =
      link_report(step.graph, step.timeline, Seconds(1), {router, changes, Seconds(0)}, 100);
  EXPECT_NEAR(bytes_of(report, "leaf0->spine0"), 1e9, 1);
  EXPECT_NEAR(bytes_of(report, "leaf0->spine1"), 3e9, 1);
}

}  // namespace
}  // namespace moesim::sim
