// SPDX-License-Identifier: Apache-2.0
#include "topologies/graph.h"

#include <gtest/gtest.h>

namespace moesim::topologies {
namespace {

Cluster chain(VertexKind middle) {
  Cluster cluster;
  cluster.vertices = {
      {VertexKind::accelerator, "a", 0}, {middle, "m", 1}, {VertexKind::accelerator, "b", 2}};
  const base::BytesPerSecond rate(1e9);
  cluster.links = {{0, 1, LinkKind::fabric, rate, base::Seconds(0), "a->m"},
                   {1, 2, LinkKind::fabric, rate, base::Seconds(0), "m->b"}};
  return cluster;
}

// a -> m -> b: links are one-way, so nothing leads back to a.
TEST(Graph, CountsHopsAlongTheLinks) {
  const Graph graph = make_graph(chain(VertexKind::fabric_switch));
  EXPECT_EQ(hops_to(graph, 2), (std::vector<int>{2, 1, 0}));
  EXPECT_EQ(hops_to(graph, 0), (std::vector<int>{0, kUnreachable, kUnreachable}));
}

TEST(Graph, AcceleratorsDoNotForward) {
  const Graph graph = make_graph(chain(VertexKind::accelerator));
  EXPECT_EQ(hops_to(graph, 2), (std::vector<int>{kUnreachable, 1, 0}));
}

}  // namespace
}  // namespace moesim::topologies
