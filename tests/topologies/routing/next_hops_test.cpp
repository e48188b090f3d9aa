// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/next_hops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <queue>
#include <string>
#include <utility>

#include "tests/support/routed_clusters.h"
#include "topologies/graph.h"

namespace moesim::topologies {
namespace {

using testing::DrawnCluster;

std::vector<char> all_up(const Cluster& cluster) {
  return std::vector<char>(cluster.links.size(), 1);
}

// 8 nodes of 4 accelerators in 2 pods of 4 nodes: 8 leaves, so 8 tables serve 32 destinations.
TEST(NextHops, DestinationsBehindTheSameLeafShareATable) {
  const Cluster cluster =
      build_cluster(testing::example_config(Topology::rail_optimized_fat_tree, 8, 4));
  const Skeleton skeleton = make_skeleton(cluster, all_up(cluster));
  NextHops next(cluster, skeleton);
  int greatest = 0;
  for (int rank = 0; rank < 32; ++rank) {
    const Destination& to = next.towards(cluster.accelerators[rank]);
    ASSERT_EQ(to.doors.size(), 1u);
    EXPECT_EQ(to.down_count, 2);
    EXPECT_EQ(to.approach, next.towards(cluster.accelerators[rank % 4 + rank / 16 * 16]).approach);
    greatest = std::max(greatest, to.approach);
  }
  EXPECT_EQ(greatest, 7);
}

// gpu0 and gpu1 share a PCIe switch and an NVSwitch: two hops over each, and NVLink it is. gpu2
// hangs on the PCIe switch alone, which is then the way.
TEST(NextHops, ScaleUpLinksGoBeforePcieAtEqualHops) {
  DrawnCluster drawn;
  const int gpu0 = drawn.accelerator(0);
  const int gpu1 = drawn.accelerator(0);
  const int gpu2 = drawn.accelerator(0);
  const int pcie = drawn.pcie_switch(0);
  const int nvswitch = drawn.scale_up_switch(0);
  const int over_pcie = drawn.cable(gpu0, pcie, LinkKind::pcie);
  drawn.cable(gpu1, pcie, LinkKind::pcie);
  drawn.cable(gpu2, pcie, LinkKind::pcie);
  const int over_scale_up = drawn.cable(gpu0, nvswitch, LinkKind::scale_up);
  drawn.cable(gpu1, nvswitch, LinkKind::scale_up);
  const Skeleton skeleton = make_skeleton(drawn.cluster, all_up(drawn.cluster));
  NextHops next(drawn.cluster, skeleton);
  std::vector<int> links;
  next.next_links(gpu0, next.towards(gpu1), false, links);
  EXPECT_EQ(links, std::vector<int>{over_scale_up});
  next.next_links(gpu0, next.towards(gpu2), false, links);
  EXPECT_EQ(links, std::vector<int>{over_pcie});
}

// A NIC with a port on each of two switches that nothing else joins carries no transit: gpu0 cannot
// reach gpu2 over node 1's NIC, which Graph's search knows nothing of.
TEST(NextHops, NicsPassOnlyWhatBeginsOrEndsInTheirNode) {
  DrawnCluster drawn;
  const int left = drawn.fabric_switch("left");
  const int right = drawn.fabric_switch("right");
  int gpus[3];
  for (int node = 0; node < 3; ++node) {
    gpus[node] = drawn.accelerator(node);
    const int nic = drawn.nic(node);
    drawn.cable(gpus[node], nic, LinkKind::pcie);
    if (node < 2) drawn.cable(nic, left, LinkKind::nic);
    if (node > 0) drawn.cable(nic, right, LinkKind::nic);
  }
  const Skeleton skeleton = make_skeleton(drawn.cluster, all_up(drawn.cluster));
  NextHops next(drawn.cluster, skeleton);
  std::vector<int> links;
  next.next_links(gpus[0], next.towards(gpus[2]), false, links);
  EXPECT_TRUE(links.empty());
  next.next_links(gpus[0], next.towards(gpus[1]), false, links);
  EXPECT_EQ(links.size(), 1u);
  EXPECT_EQ(hops_to(make_graph(drawn.cluster), gpus[2])[gpus[0]], 6);
}

// One pair's shortest ways by a search over links, written from the rules and no table. States are
// vertices before a way has entered the destination's node, and behind them again those after.
class Oracle {
 public:
  Oracle(const Cluster& cluster, int source, int destination)
      : cluster_(cluster),
        source_(source),
        destination_(destination),
        num_vertices_(static_cast<int>(cluster.vertices.size())) {
    hops_.assign(2 * cluster.vertices.size(), kNoHops);
    std::queue<int> queue({destination, destination + num_vertices_});
    hops_[queue.front()] = hops_[queue.back()] = 0;
    for (; !queue.empty(); queue.pop()) {
      for (const Link& link : cluster.links) {
        for (const int from : {link.from, link.from + num_vertices_}) {
          if (after(from, link) != queue.front() || hops_[from] != kNoHops) continue;
          hops_[from] = hops_[queue.front()] + 1;
          queue.push(from);
        }
      }
    }
  }

  // Each next link and the state after it.
  std::vector<std::pair<int, int>> next(int state) const {
    std::vector<std::pair<int, int>> links;
    bool has_scale_up = false;
    for (std::size_t l = 0; l < cluster_.links.size(); ++l) {
      const Link& link = cluster_.links[l];
      const int to = after(state, link);
      if (to < 0 || hops_[to] + 1 != hops_[state]) continue;
      links.push_back({static_cast<int>(l), to});
      has_scale_up = has_scale_up || link.kind == LinkKind::scale_up;
    }
    if (state == source_ && has_scale_up) {
      std::erase_if(links, [&](const auto& next) {
        return cluster_.links[next.first].kind != LinkKind::scale_up;
      });
    }
    return links;
  }

 private:
  // The state in which a link leaves from a state, -1 where it may not be taken.
  int after(int state, const Link& link) const {
    const Vertex& from = cluster_.vertices[link.from];
    const Vertex& to = cluster_.vertices[link.to];
    const bool has_entered = state >= num_vertices_;
    if (state % num_vertices_ != link.from) return -1;
    if (from.kind == VertexKind::accelerator && link.from != source_) return -1;
    if (to.kind == VertexKind::accelerator && link.to != destination_) return -1;
    if (has_entered && to.kind == VertexKind::fabric_switch) return -1;
    const bool enters =
        (to.kind == VertexKind::nic || to.kind == VertexKind::pcie_switch) && to.node != from.node;
    if (enters && to.node != cluster_.vertices[destination_].node) return -1;
    return link.to + (has_entered || enters ? num_vertices_ : 0);
  }

  const Cluster& cluster_;
  int source_;
  int destination_;
  int num_vertices_;
  std::vector<int> hops_;  // [states]
};

// Compares the next hops at everything on the ways of one pair.
void compare_ways(NextHops& next, const Cluster& cluster, const Oracle& oracle,
                  const std::pair<int, int>& ends) {
  const Destination& to = next.towards(ends.second);
  std::vector<int> states = {ends.first};
  const int num_vertices = static_cast<int>(cluster.vertices.size());
  for (std::size_t i = 0; i < states.size(); ++i) {
    const int vertex = states[i] % num_vertices;
    if (vertex == ends.second) continue;
    std::vector<int> links;
    next.next_links(vertex, to, states[i] >= num_vertices, links);
    std::vector<int> expected;
    for (const auto& [link, state] : oracle.next(states[i])) {
      expected.push_back(link);
      const bool is_new = std::find(states.begin(), states.end(), state) == states.end();
      if (is_new) states.push_back(state);
    }
    ASSERT_EQ(links, expected) << "at " << cluster.vertices[vertex].name << " from "
                               << cluster.vertices[ends.first].name << " to "
                               << cluster.vertices[ends.second].name;
  }
}

// On clusters of all shapes, half of them with links down.
class RandomClusters : public ::testing::TestWithParam<int> {};

TEST_P(RandomClusters, HaveTheNextHopsOfAPlainSearch) {
  const Cluster cluster = testing::random_cluster(GetParam());
  base::Rng rng(GetParam(), "down");
  std::vector<char> up = all_up(cluster);
  Cluster left = cluster;  // without the links that are down: they lead nowhere
  for (std::size_t l = 0; l < up.size() && GetParam() % 2 == 1; ++l) {
    if (rng.below(8) > 0) continue;
    up[l] = 0;
    left.links[l].to = left.links[l].from;
  }
  const Skeleton skeleton = make_skeleton(cluster, up);
  NextHops next(cluster, skeleton);
  testing::for_all_pairs(cluster, [&](int source, int destination) {
    if (source == destination) return;
    const std::pair ends(cluster.accelerators[source], cluster.accelerators[destination]);
    compare_ways(next, cluster, Oracle(left, ends.first, ends.second), ends);
  });
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomClusters, ::testing::Range(0, 200));

}  // namespace
}  // namespace moesim::topologies
