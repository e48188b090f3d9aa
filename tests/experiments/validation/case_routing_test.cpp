// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/case_routing.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/error.h"
#include "topologies/cluster_config.h"

namespace moesim::experiments {
namespace {

constexpr int kTokens = 512;

// DeepSeek-V3's layer on `nodes` nodes of eight.
MeasuredCase layer_on(int nodes, std::optional<int> nodes_per_token = {}) {
  MeasuredCase measured;
  measured.num_nodes = nodes;
  measured.tokens_per_rank = kTokens;
  measured.num_experts = 256;
  measured.num_experts_per_tok = 8;
  measured.nodes_per_token = nodes_per_token;
  return measured;
}

sim::Group group_on(int nodes) {
  topologies::Cluster cluster;
  cluster.num_nodes = nodes;
  for (int rank = 0; rank < 8 * nodes; ++rank) {
    cluster.vertices.push_back({topologies::VertexKind::accelerator, "gpu", rank / 8, rank});
    cluster.accelerators.push_back(rank);
  }
  std::vector<int> ranks(8 * nodes);
  std::iota(ranks.begin(), ranks.end(), 0);
  return sim::group_of(cluster, ranks);
}

double rows_per_token(const MeasuredCase& measured, CountedRows counted) {
  return mean_rows(draw_plan(measured, group_on(measured.num_nodes), 1), counted) / kTokens;
}

// Distinct nodes of 8 of 256 experts: N (1 - C(256 - 256/N, 8) / C(256, 8)) on N nodes, 1.993 on 2,
// 3.614 on 4, 5.295 on 8; where a token may use 4 of 8, 3.982 as published with the benchmark.
TEST(CaseRouting, TokensReachAsManyNodesAsExpected) {
  EXPECT_NEAR(rows_per_token(layer_on(2), CountedRows::node_copies), 1.993, 0.005);
  EXPECT_NEAR(rows_per_token(layer_on(4), CountedRows::node_copies), 3.614, 0.01);
  EXPECT_NEAR(rows_per_token(layer_on(8), CountedRows::node_copies), 5.295, 0.02);
  EXPECT_NEAR(rows_per_token(layer_on(8, 4), CountedRows::node_copies), 3.982, 0.005);
}

// The same of ranks: 5.295 of 8, 6.523 of 16; of 64 in at most 4 nodes 7.47 as published.
TEST(CaseRouting, TokensReachAsManyRanksAsExpected) {
  EXPECT_NEAR(rows_per_token(layer_on(1), CountedRows::rank_copies), 5.29, 0.03);
  EXPECT_NEAR(rows_per_token(layer_on(2), CountedRows::rank_copies), 6.52, 0.03);
  EXPECT_NEAR(rows_per_token(layer_on(8, 4), CountedRows::rank_copies), 7.47, 0.02);
  EXPECT_DOUBLE_EQ(rows_per_token(layer_on(1), CountedRows::pairs), 8);
}

TEST(CaseRouting, NoTokenUsesMoreNodesThanItMay) {
  const sim::DispatchPlan plan = draw_plan(layer_on(8, 2), group_on(8), 1);
  EXPECT_LE(mean_rows(plan, CountedRows::node_copies), 2.0 * kTokens);
  EXPECT_EQ(plan.dropped_pairs, 0);
}

TEST(CaseRouting, ThreadsChangeNothing) {
  const sim::Group group = group_on(8);
  EXPECT_EQ(draw_plan(layer_on(8, 4), group, 1).rows, draw_plan(layer_on(8, 4), group, 3).rows);
}

TEST(CaseRouting, ExpertsAndRanksThatDoNotFitAreRefused) {
  MeasuredCase few = layer_on(2);
  few.num_experts = 12;
  EXPECT_THROW(draw_plan(few, group_on(2), 1), base::Error);
  MeasuredCase narrow = layer_on(8, 1);
  narrow.num_experts = 64;
  narrow.num_experts_per_tok = 9;
  EXPECT_THROW(draw_plan(narrow, group_on(8), 1), base::Error);
}

TEST(CaseRouting, RoutingIsSharedByWhatOnlyCarriesItOtherwise) {
  MeasuredCase combine = layer_on(2);
  combine.operation = Operation::combine;
  combine.hidden_size = 7168;
  combine.comm_sms = 24;
  EXPECT_TRUE(same_routing(layer_on(2), combine));
  EXPECT_FALSE(same_routing(layer_on(2), layer_on(4)));
  EXPECT_FALSE(same_routing(layer_on(8), layer_on(8, 4)));
}

}  // namespace
}  // namespace moesim::experiments
