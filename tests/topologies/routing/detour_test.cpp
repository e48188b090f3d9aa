// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/detour.h"

#include <gtest/gtest.h>

#include "tests/support/routed_clusters.h"

namespace moesim::topologies {
namespace {

// Of 5 without 1 and 3, each of the other three for about a third of 3,000 pairs: 1,000 give or
// take six standard deviations of 26.
TEST(ChooseOther, TakesAllOthersEquallyOften) {
  PairHash hash(4);
  std::vector<int> counts(5);
  for (int pair = 0; pair < 3000; ++pair) {
    hash.set(pair / 50, pair % 50);
    ++counts[choose_other(hash, 5, 3, 1)];
  }
  EXPECT_EQ(counts[1], 0);
  EXPECT_EQ(counts[3], 0);
  for (const int i : {0, 2, 4}) EXPECT_NEAR(counts[i], 1000, 156);
}

TEST(ChooseOther, HasNoneOfTwo) {
  PairHash hash(4);
  hash.set(0, 1);
  EXPECT_EQ(choose_other(hash, 2, 0, 1), -1);
  EXPECT_EQ(choose_other(hash, 3, 0, 1), 2);
}

// The tables lead to any router of the group: its own three are there already, those joined to one
// of them by a global cable are a hop away, all others two.
TEST(Groups, LeadToAnyOfTheirSwitches) {
  const Cluster cluster = build_cluster(testing::config_of_topology(Topology::dragonfly));
  const Skeleton skeleton = make_skeleton(cluster, std::vector<char>(cluster.links.size(), 1));
  NextHops next(cluster, skeleton);
  const Groups groups(cluster, skeleton, next);
  ASSERT_EQ(groups.size(), 4);
  for (int group = 0; group < 4; ++group) {
    const Approach& approach = next.approach(groups.approach(group));
    for (std::size_t j = 0; j < skeleton.junctions.size(); ++j) {
      const int vertex = skeleton.junctions[j];
      if (cluster.vertices[vertex].kind != VertexKind::fabric_switch) continue;
      EXPECT_EQ(groups.group_of(vertex), cluster.vertices[vertex].place[0]);
      bool is_joined = false;
      for (const Link& link : cluster.links) {
        is_joined = is_joined || (link.from == vertex && groups.group_of(link.to) == group);
      }
      const bool is_inside = groups.group_of(vertex) == group;
      EXPECT_EQ(approach.hops[j], is_inside ? 0 : is_joined ? 1 : 2);
    }
  }
}

// 12 routers, 3 of them to a group: each has one global cable, 6 in all, counted once a direction.
TEST(LengthsByGroups, AreThreeBetweenGroupsOfADragonflyOnly) {
  const Cluster cluster = build_cluster(testing::config_of_topology(Topology::dragonfly));
  const std::vector<int> lengths = lengths_by_groups(cluster);
  EXPECT_EQ(std::count(lengths.begin(), lengths.end(), 3), 12);
  const Cluster torus = testing::drawn_torus(4, 3).drawn.cluster;
  EXPECT_EQ(lengths_by_groups(torus), std::vector<int>(torus.links.size(), 1));
}

TEST(Groups, NeedPlacesOfTwoCoordinates) {
  const Cluster star = testing::example_star({0, 0});
  const Skeleton skeleton = make_skeleton(star, std::vector<char>(star.links.size(), 1));
  NextHops next(star, skeleton);
  EXPECT_EQ(Groups(star, skeleton, next).size(), 0);
}

}  // namespace
}  // namespace moesim::topologies
