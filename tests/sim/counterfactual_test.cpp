// SPDX-License-Identifier: Apache-2.0
#include "sim/counterfactual.h"

#include <gtest/gtest.h>

#include "base/data_directory.h"
#include "sim/run.h"
#include "tests/support/example_accelerator.h"
#include "tests/support/example_cluster.h"
#include "tests/support/example_model.h"

namespace moesim::sim {
namespace {

// `nodes` of one accelerator each, 512 tokens a rank.
Scenario scenario_of(int nodes, Distribution distribution) {
  Scenario scenario;
  scenario.name = "what if";
  scenario.model = testing::example_model();
  scenario.training.seq_length = 512;
  scenario.routing.source = RoutingSourceKind::synthetic;
  scenario.routing.synthetic.distribution = distribution;
  scenario.cluster = testing::example_config(topologies::Topology::single_switch, nodes, 1);
  scenario.cluster.node.accelerator = testing::example_accelerator();
  scenario.network.fidelity = Fidelity::analytic;
  return scenario;
}

Result result_of(const Scenario& scenario, const Counterfactual& counterfactual = {}) {
  RunOptions options;
  options.counterfactual = counterfactual;
  return run(scenario, options).result;
}

// The two nodes of tests/sim/run_test.cpp: eight exchanges of 512 x 2048 bytes over links of
// 50 GB/s after 4 us, and 4 bytes for each of 7,307,264 parameters around a ring of two.
TEST(Counterfactual, ComputeAndNetworkAreTheStepsTwoHalvesWhereNobodyWaits) {
  const Scenario scenario = scenario_of(2, Distribution::w0_balanced);
  const double network = 8 * (512 * 2048 / 50e9 + 4e-6) + 4.0 * 7307264 / 50e9 + 2 * 4e-6;
  const double step = result_of(scenario).step_time_s;
  EXPECT_NEAR(result_of(scenario, {.infinite_compute = true}).step_time_s, network, 1e-12);
  EXPECT_NEAR(result_of(scenario, {.infinite_network = true}).step_time_s, step - network, 1e-12);
}

TEST(Counterfactual, WithoutComputeAndNetworkNothingTakesTime) {
  for (const Fidelity fidelity : {Fidelity::analytic, Fidelity::collective, Fidelity::flow}) {
    Scenario scenario = scenario_of(4, Distribution::zipf);
    scenario.network.fidelity = fidelity;
    const Result result = result_of(scenario, {.infinite_network = true, .infinite_compute = true});
    EXPECT_EQ(result.step_time_s, 0);
    EXPECT_EQ(result.tokens_per_s, 0);
    EXPECT_EQ(result.mfu, 0);
  }
}

// With a free network each rank's chain of computations is the step, but that all wait for the
// slowest at each of a layer's four exchanges: the compute along the critical path, and no more.
TEST(Counterfactual, AnInfiniteNetworkLeavesTheComputeCriticalPath) {
  const Scenario scenario = scenario_of(4, Distribution::w2_hot_rank);
  const Result real = result_of(scenario);
  const Result free = result_of(scenario, {.infinite_network = true});
  double compute = 0;
  for (const auto& [phase, time] : real.phase_time_s) {
    if (phase != "dispatch" && phase != "combine" && phase != "all_reduce") compute += time;
  }
  // The weighted sum is the combine phase's only computation.
  compute += free.phase_time_s.at("combine");
  EXPECT_NEAR(free.step_time_s, compute, 1e-12);
  EXPECT_EQ(free.phase_time_s.at("dispatch"), 0);
  EXPECT_TRUE(free.hottest_links.empty());
}

// 512 x 2 pairs of a rank are 128 for each of 8 experts, drawn by W0 or evened out: with messages
// for every pair the same bytes and the same rows.
TEST(Counterfactual, BalancedRoutingIsW0) {
  const double balanced = result_of(scenario_of(4, Distribution::w0_balanced)).step_time_s;
  for (const Distribution distribution :
       {Distribution::w0_balanced, Distribution::uniform, Distribution::zipf,
        Distribution::w2_hot_rank, Distribution::w6_rotating_hot_spot}) {
    const Result result = result_of(scenario_of(4, distribution), {.balanced_routing = true});
    EXPECT_EQ(result.step_time_s, balanced) << static_cast<int>(distribution);
    EXPECT_EQ(result.rank_load.mean.max_over_mean, 1);
  }
  EXPECT_NEAR(result_of(scenario_of(4, Distribution::uniform)).step_time_s / balanced, 1, 0.1);
}

// Synthetic choices do not know the capacity: without its limit they are those of a run without it.
TEST(Counterfactual, NoCapacityLimitIsTheDroplessRunOfTheSameDraws) {
  Scenario scenario = scenario_of(4, Distribution::zipf);
  const Result dropless = result_of(scenario);
  scenario.router.gate.capacity_factor = 1.0;
  const Result dropping = result_of(scenario);
  EXPECT_GT(dropping.drop_rate, 0);
  EXPECT_LT(dropping.step_time_s, dropless.step_time_s);
  const Result undone = result_of(scenario, {.no_capacity_limit = true});
  EXPECT_EQ(undone.drop_rate, 0);
  EXPECT_EQ(undone.step_time_s, dropless.step_time_s);
}

// A gate drops inside its forward pass; what it chose is known all the same.
TEST(Counterfactual, NoCapacityLimitKeepsWhatAGateChose) {
  Scenario scenario = scenario_of(2, Distribution::zipf);
  scenario.routing.source = RoutingSourceKind::numerics;
  scenario.routing.proxy.train_steps = 0;
  scenario.routing.proxy.text = (base::data_directory() / "docs/glossary.md").string();
  scenario.router.gate.capacity_factor = 0.5;
  const Result dropping = result_of(scenario);
  EXPECT_GT(dropping.drop_rate, 0.4);
  const Result kept = result_of(scenario, {.no_capacity_limit = true});
  EXPECT_EQ(kept.drop_rate, 0);
  EXPECT_EQ(kept.expert_load.per_layer, dropping.expert_demand.per_layer);
}

// Four hot experts on one of two ranks, two of them on either in the ideal placement.
TEST(Counterfactual, IdealPlacementEvensOutTheHotRank) {
  const Scenario scenario = scenario_of(2, Distribution::w2_hot_rank);
  const Result hot = result_of(scenario);
  const Result even = result_of(scenario, {.ideal_placement = true});
  EXPECT_GT(hot.rank_load.mean.max_over_mean, 1.6);
  EXPECT_LT(even.rank_load.mean.max_over_mean, 1.02);
  EXPECT_EQ(even.expert_load.per_layer, hot.expert_load.per_layer);
  EXPECT_LT(even.step_time_s, hot.step_time_s);
  EXPECT_EQ(even.memory_bytes_per_rank.weights, hot.memory_bytes_per_rank.weights);
}

// A batch that was routed once is timed on other machines as if each were run by itself.
TEST(Counterfactual, ARoutedStepIsTimedOnOtherMachines) {
  const Scenario scenario = scenario_of(4, Distribution::zipf);
  RoutedStep routed(scenario, {});
  Scenario faster = scenario;
  faster.cluster.node.nic_bandwidth = base::BytesPerSecond(100e9);
  faster.model.moe_intermediate_size = 256;
  EXPECT_EQ(run(routed, scenario).result.step_time_s, result_of(scenario).step_time_s);
  EXPECT_EQ(run(routed, faster).result.step_time_s, result_of(faster).step_time_s);
}

}  // namespace
}  // namespace moesim::sim
