// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/synthetic_routing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace moesim::sim {
namespace {

RoutingDemand demand_of(int ranks, int experts, int top_k, int tokens) {
  RoutingDemand demand;
  demand.num_moe_layers = 5;
  demand.num_experts = experts;
  demand.top_k = top_k;
  demand.num_ranks = ranks;
  demand.num_micro_batches = 2;
  demand.tokens_per_rank = tokens;
  demand.placement = place_experts(ExpertPlacement::contiguous, experts, ranks);
  return demand;
}

std::unique_ptr<RoutingSource> source_of(Distribution distribution, const RoutingDemand& demand,
                                         const RouterConfig& router) {
  SyntheticSettings settings;
  settings.distribution = distribution;
  return make_synthetic_routing(settings, {router, demand, 1, {}});
}

// Six distinct experts of 32 and weights that sum to 1, for every token.
void expect_valid(const model::RoutingBatch& batch) {
  ASSERT_EQ(batch.experts.size(), static_cast<std::size_t>(batch.tokens) * 6);
  for (int token = 0; token < batch.tokens; ++token) {
    const auto first = batch.experts.begin() + token * 6;
    const std::set<std::int32_t> chosen(first, first + 6);
    EXPECT_EQ(chosen.size(), 6U);
    EXPECT_GE(*chosen.begin(), 0);
    EXPECT_LT(*chosen.rbegin(), 32);
    const auto weights = batch.weights.begin() + token * 6;
    EXPECT_NEAR(std::accumulate(weights, weights + 6, 0.0), 1.0, 1e-5);
  }
}

TEST(SyntheticRouting, EveryWorkloadRoutesEveryTokenToDistinctExperts) {
  const RoutingDemand demand = demand_of(4, 32, 6, 100);
  const RouterConfig router;
  for (const auto& [distribution, name] : names_of(Distribution{})) {
    SCOPED_TRACE(name);
    const auto source = source_of(distribution, demand, router);
    for (int rank = 0; rank < 4; ++rank) {
      const auto layers = source->route(1, rank);
      ASSERT_EQ(layers.size(), 5U);
      for (const model::RoutingBatch& batch : layers) expect_valid(batch);
    }
  }
}

TEST(SyntheticRouting, TheSameArgumentsGiveTheSameRouting) {
  const RoutingDemand demand = demand_of(4, 32, 6, 50);
  const RouterConfig router;
  const auto source = source_of(Distribution::zipf, demand, router);
  const auto again = source_of(Distribution::zipf, demand, router);
  EXPECT_EQ(source->route(1, 3), again->route(1, 3));
  EXPECT_NE(source->route(0, 3), source->route(1, 3)) << "micro-batches differ";
  EXPECT_NE(source->route(0, 2), source->route(0, 3)) << "ranks differ";
  EXPECT_NE(source->route(0, 2)[0], source->route(0, 2)[1]) << "layers differ";
}

// More tokens than are drawn at a time; w4's and w5's ranks have different numbers of them.
TEST(SyntheticRouting, StreamsTheChoicesThatItRoutes) {
  const RoutingDemand demand = demand_of(4, 32, 5, 700);
  const RouterConfig router;
  for (const auto& [distribution, name] : names_of(Distribution{})) {
    SCOPED_TRACE(name);
    const auto source = source_of(distribution, demand, router);
    for (const int rank : {0, 3}) {
      std::vector<std::vector<std::int32_t>> streamed(5);
      source->stream_choices(1, rank, [&](int layer, std::span<const std::int32_t> experts) {
        streamed[layer].insert(streamed[layer].end(), experts.begin(), experts.end());
      });
      const auto layers = source->route(1, rank);
      for (int layer = 0; layer < 5; ++layer) EXPECT_EQ(streamed[layer], layers[layer].experts);
    }
  }
}

// 96 tokens x 4 = 384 pairs on 32 experts: exactly 12 each.
TEST(SyntheticRouting, W0IsExactlyBalanced) {
  const RoutingDemand demand = demand_of(4, 32, 4, 96);
  const RouterConfig router;
  const auto layers = source_of(Distribution::w0_balanced, demand, router)->route(0, 0);
  std::vector<int> counts(32);
  for (const std::int32_t expert : layers[0].experts) ++counts[expert];
  EXPECT_EQ(counts, std::vector<int>(32, 12));
}

std::vector<double> weights_of(Distribution distribution, int micro_batch, int layer) {
  SyntheticSettings settings;
  settings.distribution = distribution;
  settings.hot_factor = 8;
  settings.hot_rank = 1;
  return expert_weights(settings, 5, demand_of(4, 16, 2, 10), micro_batch, layer);
}

// 16 experts on 4 ranks: rank r holds 4r .. 4r+3; one expert in eight is hot: two of 16.
TEST(SyntheticRouting, WorkloadsHeatWhatTheirNamesSay) {
  const std::vector<double> set = weights_of(Distribution::w1_hot_expert_set, 0, 0);
  EXPECT_EQ(set[0], 8);
  EXPECT_EQ(set[1], 8);
  EXPECT_EQ(std::count(set.begin(), set.end(), 8.0), 2);

  const std::vector<double> rank = weights_of(Distribution::w2_hot_rank, 0, 0);
  for (int expert = 0; expert < 16; ++expert) EXPECT_EQ(rank[expert], expert / 4 == 1 ? 8 : 1);

  const std::vector<double> spread = weights_of(Distribution::w3_spread_hot_experts, 0, 0);
  EXPECT_EQ(spread[0], 8);
  EXPECT_EQ(spread[8], 8);
  EXPECT_EQ(std::count(spread.begin(), spread.end(), 8.0), 2);

  // Rank (1 + micro-batch 1 + layer 1) mod 4 = 3.
  const std::vector<double> rotating = weights_of(Distribution::w6_rotating_hot_spot, 1, 1);
  for (int expert = 0; expert < 16; ++expert) EXPECT_EQ(rotating[expert], expert / 4 == 3 ? 8 : 1);

  // Only where layer + micro-batch is 3 modulo 4.
  EXPECT_EQ(weights_of(Distribution::w7_burst, 0, 2), std::vector<double>(16, 1));
  EXPECT_EQ(weights_of(Distribution::w7_burst, 0, 3), rank);
  EXPECT_EQ(weights_of(Distribution::w7_burst, 1, 2), rank);
}

// s = 0.5: the weights are 1, 1/sqrt 2, ... in some order.
TEST(SyntheticRouting, ZipfWeightsAreAPermutationOfTheLaw) {
  std::vector<double> weights = weights_of(Distribution::zipf, 0, 0);
  EXPECT_NE(weights, weights_of(Distribution::zipf, 0, 1)) << "layers have their own favourites";
  EXPECT_EQ(weights, weights_of(Distribution::zipf, 1, 0)) << "micro-batches share them";
  std::sort(weights.rbegin(), weights.rend());
  for (int i = 0; i < 16; ++i) EXPECT_NEAR(weights[i], 1 / std::sqrt(i + 1.0), 1e-12);
}

// At alpha 0.001 one expert has nearly all: the others' shares are powers u^1000 of uniform draws.
TEST(SyntheticRouting, SmallDirichletIsNearlyOneHot) {
  SyntheticSettings settings;
  settings.distribution = Distribution::dirichlet;
  settings.dirichlet_alpha = 1e-3;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto weights = expert_weights(settings, seed, demand_of(4, 8, 2, 10), 0, 0);
    EXPECT_EQ(*std::max_element(weights.begin(), weights.end()), 1.0);
    EXPECT_GE(std::count_if(weights.begin(), weights.end(), [](double w) { return w < 1e-3; }), 6);
  }
}

// Positions 0..3 of 10 tokens: 0.5, 0.8333, 1.1667, 1.5 of the mean, rounded down.
TEST(SyntheticRouting, W4IsRaggedAndW5LeavesOneRankEmpty) {
  const RoutingDemand demand = demand_of(4, 16, 2, 10);
  SyntheticSettings settings;
  settings.distribution = Distribution::w4_ragged_source;
  std::vector<int> tokens;
  for (int rank = 0; rank < 4; ++rank) tokens.push_back(tokens_of_rank(settings, demand, rank));
  EXPECT_EQ(tokens, (std::vector<int>{5, 8, 11, 15}));
  settings.distribution = Distribution::w5_rank_without_tokens;
  settings.hot_rank = 2;
  EXPECT_EQ(tokens_of_rank(settings, demand, 2), 0);
  EXPECT_EQ(tokens_of_rank(settings, demand, 1), 10);
}

}  // namespace
}  // namespace moesim::sim
