// SPDX-License-Identifier: Apache-2.0
#include "sim/report/hot_spots.h"

#include <gtest/gtest.h>

#include "sim/routed_step.h"
#include "tests/support/example_accelerator.h"
#include "tests/support/example_cluster.h"
#include "tests/support/example_model.h"

namespace moesim::sim {
namespace {

// Two layers of 8 experts, two on each of ranks 10 to 13, with these kept pairs.
StepPlans plans_of(const std::vector<std::vector<int>>& expert_rows) {
  StepPlans plans(1);
  for (const std::vector<int>& rows : expert_rows) {
    DispatchPlan plan;
    plan.num_ranks = 4;
    plan.num_experts = 8;
    plan.expert_rows = rows;
    for (int rank = 0; rank < 4; ++rank) {
      plan.rank_expert_rows.push_back({rows[2 * rank], rows[2 * rank + 1]});
    }
    plans[0].push_back({plan});
  }
  return plans;
}

HotSpots spots_of(const std::vector<std::vector<int>>& expert_rows) {
  return hot_spots(plans_of(expert_rows), place_experts(ExpertPlacement::contiguous, 8, 4),
                   std::vector<int>{10, 11, 12, 13});
}

// In layer 0 rank 12 has 3,000 of 6,000, twice the mean of 1,500, and expert 5 2,500 of a mean of
// 750. In layer 1 all are even.
TEST(HotSpots, NamesTheRankAndItsExpert) {
  const HotSpots spots = spots_of(
      {{500, 500, 500, 500, 500, 2500, 500, 500}, {500, 500, 500, 500, 500, 500, 500, 500}});
  ASSERT_EQ(spots.ranks.size(), 1U);
  EXPECT_EQ(spots.ranks[0].rank, 12);
  EXPECT_EQ(spots.ranks[0].layers, 1);
  EXPECT_DOUBLE_EQ(spots.ranks[0].over_mean, 2);
  ASSERT_EQ(spots.experts.size(), 1U);
  EXPECT_EQ(spots.experts[0].layer, 0);
  EXPECT_EQ(spots.experts[0].expert, 5);
  EXPECT_EQ(spots.experts[0].position, 2);
  EXPECT_DOUBLE_EQ(spots.experts[0].over_mean, 2500.0 / 750);
}

// 2 pairs where the mean is 1 are twice the mean, and chance.
TEST(HotSpots, SmallCountsAreChance) {
  const HotSpots spots = spots_of({{1, 1, 0, 2, 1, 1, 1, 1}});
  EXPECT_TRUE(spots.ranks.empty());
  EXPECT_TRUE(spots.experts.empty());
}

// Experts that make up for each other on their rank: 4 % more is no hot rank.
TEST(HotSpots, AHotExpertNeedNotMakeAHotRank) {
  const HotSpots spots = spots_of({{1600, 480, 1000, 1000, 1000, 1000, 1000, 920}});
  EXPECT_TRUE(spots.ranks.empty());
  ASSERT_EQ(spots.experts.size(), 1U);
  EXPECT_EQ(spots.experts[0].expert, 0);
}

// Whole batches of W0, uniform draws and W2.
TEST(HotSpots, W2HasOneUniformDrawsHaveNone) {
  Scenario scenario;
  scenario.model = testing::example_model();
  scenario.training.seq_length = 512;
  scenario.routing.source = RoutingSourceKind::synthetic;
  scenario.cluster = testing::example_config(topologies::Topology::single_switch, 4, 1);
  scenario.cluster.node.accelerator = testing::example_accelerator();
  const std::vector<int> ranks{0, 1, 2, 3};
  for (const Distribution even : {Distribution::w0_balanced, Distribution::uniform}) {
    scenario.routing.synthetic.distribution = even;
    RoutedStep routed(scenario, {});
    const HotSpots spots = hot_spots(routed.plans(0, {}), routed.demand(0).placement, ranks);
    EXPECT_TRUE(spots.ranks.empty());
    EXPECT_TRUE(spots.experts.empty());
  }
  scenario.routing.synthetic.distribution = Distribution::w2_hot_rank;
  scenario.routing.synthetic.hot_rank = 2;
  RoutedStep routed(scenario, {});
  const HotSpots spots = hot_spots(routed.plans(0, {}), routed.demand(0).placement, ranks);
  ASSERT_EQ(spots.ranks.size(), 1U);
  EXPECT_EQ(spots.ranks[0].rank, 2);
  EXPECT_EQ(spots.ranks[0].layers, 2);
  ASSERT_EQ(spots.experts.size(), 4U);
  for (const HotExpert& hot : spots.experts) EXPECT_EQ(hot.position, 2);
}

}  // namespace
}  // namespace moesim::sim
