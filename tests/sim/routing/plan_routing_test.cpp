// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/plan_routing.h"

#include <gtest/gtest.h>

#include "sim/routing/synthetic_routing.h"

namespace moesim::sim {
namespace {

class PlanRoutingTest : public ::testing::Test {
 protected:
  PlanRoutingTest() {
    demand_.num_moe_layers = 3;
    demand_.num_experts = 16;
    demand_.top_k = 2;
    demand_.num_ranks = 8;
    demand_.num_micro_batches = 2;
    demand_.tokens_per_rank = 64;
    demand_.placement = place_experts(ExpertPlacement::contiguous, 16, 4);
  }

  StepPlans plans(int threads, std::optional<double> capacity_factor) {
    RouterConfig router;
    router.gate.capacity_factor = capacity_factor;
    SyntheticSettings settings;
    settings.distribution = Distribution::w1_hot_expert_set;
    const RoutingContext context{router, demand_, threads, {}, layer_placements_};
    const auto source = make_synthetic_routing(settings, context);
    return plan_routing(*source, context, {layout_, layout_});
  }

  RoutingDemand demand_;
  std::vector<Placement> layer_placements_;
  GroupLayout layout_{2, {0, 0, 1, 1}};
};

TEST_F(PlanRoutingTest, AnyNumberOfThreadsGivesTheSamePlans) {
  const StepPlans one = plans(1, 1.25);
  const StepPlans three = plans(3, 1.25);
  ASSERT_EQ(one.size(), 2U);
  ASSERT_EQ(one[0].size(), 3U);
  ASSERT_EQ(one[0][0].size(), 2U);
  for (std::size_t mb = 0; mb < 2; ++mb) {
    for (std::size_t layer = 0; layer < 3; ++layer) {
      for (std::size_t group = 0; group < 2; ++group) {
        EXPECT_EQ(one[mb][layer][group].rows, three[mb][layer][group].rows);
        EXPECT_EQ(one[mb][layer][group].node_copies, three[mb][layer][group].node_copies);
      }
    }
  }
}

// A capacity that holds everything has batches routed and counted pair by pair.
TEST_F(PlanRoutingTest, ChoicesAreCountedAsBatchesAre) {
  const StepPlans streamed = plans(2, std::nullopt);
  const StepPlans batched = plans(2, 1000.0);
  for (std::size_t mb = 0; mb < 2; ++mb) {
    for (std::size_t layer = 0; layer < 3; ++layer) {
      const std::vector<DispatchPlan>& a = streamed[mb][layer];
      const std::vector<DispatchPlan>& b = batched[mb][layer];
      for (std::size_t group = 0; group < 2; ++group) {
        EXPECT_EQ(a[group].routed_pairs, 4 * 64 * 2);
        EXPECT_EQ(a[group].tokens, b[group].tokens);
        EXPECT_EQ(a[group].rows, b[group].rows);
        EXPECT_EQ(a[group].rank_copies, b[group].rank_copies);
        EXPECT_EQ(a[group].node_copies, b[group].node_copies);
        EXPECT_EQ(a[group].expert_rows, b[group].expert_rows);
        EXPECT_EQ(a[group].rank_expert_rows, b[group].rank_expert_rows);
        EXPECT_EQ(b[group].dropped_pairs, 0);
      }
    }
  }
}

// Streamed or in batches, a layer whose experts lie elsewhere is counted there, and only it.
TEST_F(PlanRoutingTest, LayersMayHavePlacementsOfTheirOwn) {
  const Placement round_robin = place_experts(ExpertPlacement::round_robin, 16, 4);
  for (const std::optional<double> capacity_factor : {std::optional<double>(), {1000.0}}) {
    const StepPlans plain = plans(1, capacity_factor);
    layer_placements_ = {demand_.placement, round_robin, demand_.placement};
    const StepPlans other = plans(2, capacity_factor);
    layer_placements_.clear();
    EXPECT_EQ(plain[1][0][1].rows, other[1][0][1].rows);
    EXPECT_EQ(plain[1][2][1].rows, other[1][2][1].rows);
    EXPECT_EQ(plain[1][1][1].expert_rows, other[1][1][1].expert_rows);
    const std::vector<int>& rows = other[1][1][1].expert_rows;
    EXPECT_EQ(other[1][1][1].rows_of_rank(3), rows[3] + rows[7] + rows[11] + rows[15]);
    EXPECT_EQ(plain[1][1][1].rows_of_rank(3), rows[12] + rows[13] + rows[14] + rows[15]);
  }
}

TEST_F(PlanRoutingTest, DroplessDropsNothingAndCapacityDropsTheOverflow) {
  EXPECT_EQ(plans(1, std::nullopt)[0][0][0].dropped_pairs, 0);
  // 64 tokens x 2 / 16 = 8 slots an expert and source; the hot experts want more than they get.
  const DispatchPlan plan = plans(1, 1.0)[0][0][0];
  EXPECT_GT(plan.dropped_pairs, 0);
  for (const int rows : plan.expert_rows) EXPECT_LE(rows, 4 * 8);
}

}  // namespace
}  // namespace moesim::sim
