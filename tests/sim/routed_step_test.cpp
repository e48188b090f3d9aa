// SPDX-License-Identifier: Apache-2.0
#include "sim/routed_step.h"

#include <gtest/gtest.h>

#include "tests/support/example_accelerator.h"
#include "tests/support/example_cluster.h"
#include "tests/support/example_model.h"

namespace moesim::sim {
namespace {

// Two nodes of two accelerators, two layers of 8 experts, top-2, 256 tokens a rank.
Scenario hot_rank_scenario() {
  Scenario scenario;
  scenario.name = "hot";
  scenario.model = testing::example_model();
  scenario.training.seq_length = 256;
  scenario.routing.source = RoutingSourceKind::synthetic;
  scenario.routing.synthetic.distribution = Distribution::w2_hot_rank;
  scenario.cluster = testing::example_config(topologies::Topology::single_switch, 2, 2);
  scenario.cluster.node.accelerator = testing::example_accelerator();
  return scenario;
}

TEST(RoutedStep, PlansAreMadeOnceAndOnlyForWhatTheyHangOn) {
  RoutedStep routed(hot_rank_scenario(), {});
  const StepPlans* plain = &routed.plans(0, {});
  EXPECT_EQ(plain, &routed.plans(0, {.infinite_network = true}));
  EXPECT_EQ(plain, &routed.plans(0, {.infinite_compute = true}));
  const StepPlans* balanced = &routed.plans(0, {.balanced_routing = true});
  EXPECT_NE(plain, balanced);
  EXPECT_EQ(balanced, &routed.plans(0, {.balanced_routing = true, .ideal_placement = true}));
}

// Rank 0 holds the two hot experts of each layer, which get 8 in 22 draws each: in the ideal
// placement they lie on two ranks.
TEST(RoutedStep, IdealPlacementPartsTheHotExperts) {
  RoutedStep routed(hot_rank_scenario(), {});
  const DispatchPlan& hot = routed.plans(0, {})[0][0][0];
  const DispatchPlan& even = routed.plans(0, {.ideal_placement = true})[0][0][0];
  EXPECT_EQ(hot.expert_rows, even.expert_rows);
  EXPECT_EQ(hot.rows_of_rank(0), hot.expert_rows[0] + hot.expert_rows[1]);
  std::int64_t fullest = 0;
  for (int rank = 0; rank < 4; ++rank) {
    fullest = std::max(fullest, even.rows_of_rank(rank));
    EXPECT_EQ(even.rank_expert_rows[rank].size(), 2U);
  }
  // A hot expert and the least of the others: no placement of two experts a rank gets below.
  const int hotter = std::max(hot.expert_rows[0], hot.expert_rows[1]);
  const int coolest = *std::min_element(hot.expert_rows.begin(), hot.expert_rows.end());
  EXPECT_EQ(fullest, hotter + coolest);
}

TEST(RoutedStep, TheSimplestCounterfactualLeavesOutWhatChangesNothing) {
  Scenario scenario = hot_rank_scenario();
  RoutedStep dropless(scenario, {});
  EXPECT_EQ(dropless.simplest({.no_capacity_limit = true}), Counterfactual{});
  EXPECT_EQ(dropless.simplest({.balanced_routing = true, .ideal_placement = true}),
            (Counterfactual{.balanced_routing = true}));
  scenario.router.gate.capacity_factor = 1.0;
  RoutedStep dropping(scenario, {});
  const Counterfactual kept{.infinite_network = true, .no_capacity_limit = true};
  EXPECT_EQ(dropping.simplest(kept), kept);
  EXPECT_EQ(dropping.simplest({.balanced_routing = true, .no_capacity_limit = true}),
            (Counterfactual{.balanced_routing = true}));
}

}  // namespace
}  // namespace moesim::sim
