// SPDX-License-Identifier: Apache-2.0
#include "topologies/import_export/text_graph.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"

namespace moesim::topologies {
namespace {

TEST(TextGraph, KeepsLinksInTheirOrder) {
  const Cluster cluster = testing::example_star({1e-6, 2e-6, 3e-6});
  const TextGraph graph = make_text_graph(cluster);
  ASSERT_EQ(boost::num_vertices(graph), 4u);
  EXPECT_EQ(graph[1].name, "gpu0");
  EXPECT_EQ(graph[1].kind, "accelerator");
  EXPECT_EQ(graph[0].rank, "");
  std::size_t link = 0;
  const auto [begin, end] = boost::edges(graph);
  for (auto edge = begin; edge != end; ++edge) {
    EXPECT_EQ(graph[*edge].name, cluster.links[link++].name);
    EXPECT_EQ(graph[*edge].bandwidth, "1 GB/s");
  }
  EXPECT_EQ(link, 6u);
}

}  // namespace
}  // namespace moesim::topologies
