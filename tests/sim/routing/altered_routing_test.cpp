// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/altered_routing.h"

#include <gtest/gtest.h>

#include "sim/routing/plan_routing.h"
#include "sim/routing/synthetic_routing.h"

namespace moesim::sim {
namespace {

class AlteredRoutingTest : public ::testing::Test {
 protected:
  AlteredRoutingTest() {
    demand_.num_moe_layers = 2;
    demand_.num_experts = 16;
    demand_.top_k = 2;
    demand_.num_ranks = 4;
    demand_.num_micro_batches = 1;
    demand_.tokens_per_rank = 60;
    demand_.placement = place_experts(ExpertPlacement::contiguous, 16, 4);
    settings_.distribution = Distribution::w2_hot_rank;
  }

  DispatchPlan plan(const RoutingChange& change, std::optional<double> capacity_factor) {
    router_.gate.capacity_factor = capacity_factor;
    const RoutingContext context{router_, demand_, 1, {}};
    const auto source = make_synthetic_routing(settings_, context);
    const auto altered = alter_routing(*source, context, change);
    EXPECT_EQ(altered->description(), source->description());
    return plan_routing(*altered, context, {GroupLayout{1, {0, 0, 0, 0}}})[0][0][0];
  }

  RouterConfig router_;
  RoutingDemand demand_;
  SyntheticSettings settings_;
};

// 120 pairs of each of four sources over 16 experts: 7 each and one more for half of them, another
// half for every other source: 30 pairs an expert.
TEST_F(AlteredRoutingTest, BalancedSourcesTogetherAreBalanced) {
  EXPECT_EQ(plan({.balanced = true}, std::nullopt).expert_rows, std::vector<int>(16, 30));
}

// A capacity factor of a half has ceil(0.5 x 120 / 16) = 4 slots of 7 or 8 wanted: 16 x 4 of 120.
TEST_F(AlteredRoutingTest, CapacityActsOnBalancedChoices) {
  EXPECT_EQ(plan({.balanced = true}, 0.5).expert_rows, std::vector<int>(16, 4 * 4));
  EXPECT_EQ(plan({.balanced = true, .dropless = true}, 0.5).dropped_pairs, 0);
  EXPECT_EQ(plan({.balanced = true}, 1.25).dropped_pairs, 0);
}

TEST_F(AlteredRoutingTest, DroplessKeepsWhatWasChosen) {
  const DispatchPlan dropped = plan({}, 1.0);
  EXPECT_GT(dropped.dropped_pairs, 0);
  const DispatchPlan kept = plan({.dropless = true}, 1.0);
  EXPECT_EQ(kept.dropped_pairs, 0);
  EXPECT_EQ(kept.expert_rows, dropped.expert_demand);
}

}  // namespace
}  // namespace moesim::sim
