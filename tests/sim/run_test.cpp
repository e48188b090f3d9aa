// SPDX-License-Identifier: Apache-2.0
#include "sim/run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "base/named_table.h"
#include "sim/cost/layer_cost.h"
#include "tests/base/thrown_error.h"
#include "tests/support/example_accelerator.h"
#include "tests/support/example_cluster.h"
#include "tests/support/example_model.h"
#include "tests/support/in_child_process.h"

namespace moesim::sim {
namespace {

using topologies::Topology;

// 64 accelerators in nodes of 8, one layer of 128 experts, top-4, 256 tokens a rank, one group.
Scenario skewed_scenario(Topology topology, Distribution distribution) {
  Scenario scenario;
  scenario.name = "skewed";
  scenario.model = testing::example_model();
  scenario.model.num_hidden_layers = 1;
  scenario.model.num_experts = 128;
  scenario.model.num_experts_per_tok = 4;
  scenario.training.seq_length = 256;
  scenario.routing.source = RoutingSourceKind::synthetic;
  scenario.routing.synthetic.distribution = distribution;
  scenario.routing.synthetic.zipf_exponent = 1.0;
  scenario.routing.synthetic.hot_rank = 5;
  scenario.cluster = testing::example_config(topology, 8, 8);
  scenario.cluster.node.accelerator = testing::example_accelerator();
  return scenario;
}

// Step time, in a process of its own.
double step_time(Scenario scenario, Fidelity fidelity) {
  scenario.network.fidelity = fidelity;
  return testing::in_child_process(
             [&] { return std::vector<double>{run(scenario).result.step_time_s}; })
      .front();
}

std::string topology_name(const ::testing::TestParamInfo<Topology>& parameter) {
  return parameter.param == Topology::single_switch ? "SingleSwitch" : "RailFatTree";
}

class AgreementTest : public ::testing::TestWithParam<Topology> {};

TEST_P(AgreementTest, FidelitiesAgreeOnASkewedStepAndNeverBeatTheFloor) {
  const Scenario scenario = skewed_scenario(GetParam(), Distribution::zipf);
  const double analytic = step_time(scenario, Fidelity::analytic);
  const double collective = step_time(scenario, Fidelity::collective);
  const double flow = step_time(scenario, Fidelity::flow);
  EXPECT_GE(collective, analytic);
  EXPECT_GE(flow, analytic);
  EXPECT_NEAR(flow / collective, 1.0, 0.01);
}

INSTANTIATE_TEST_SUITE_P(BothTopologies, AgreementTest,
                         ::testing::Values(Topology::single_switch,
                                           Topology::rail_optimized_fat_tree),
                         topology_name);

class HotRankTest : public ::testing::TestWithParam<Topology> {};

// W2 sends 8 of every 135 draws' weight to one rank's two experts; W0 sends every rank the same.
TEST_P(HotRankTest, CostsMoreAndOwnsTheMostLoadedLink) {
  Scenario scenario = skewed_scenario(GetParam(), Distribution::w2_hot_rank);
  scenario.network.fidelity = Fidelity::analytic;
  const Result hot = run(scenario).result;
  scenario.routing.synthetic.distribution = Distribution::w0_balanced;
  const Result balanced = run(scenario).result;
  EXPECT_GT(hot.step_time_s, 1.2 * balanced.step_time_s);
  ASSERT_TRUE(hot.hottest_links.front().rank.has_value());
  EXPECT_EQ(*hot.hottest_links.front().rank, 5);
  EXPECT_NEAR(balanced.rank_load.mean.max_over_mean, 1.0, 1e-12);
  EXPECT_GT(hot.rank_load.mean.max_over_mean, 4.0);
}

INSTANTIATE_TEST_SUITE_P(BothTopologies, HotRankTest,
                         ::testing::Values(Topology::single_switch,
                                           Topology::rail_optimized_fat_tree),
                         topology_name);

// Two nodes of one accelerator, balanced routing, worked out by hand. 8 experts, 4 a rank; 512
// tokens a rank choose 2 consecutive experts each, so each rank sends 512 of its 1,024 pairs to the
// other. A row is 2 x 1024 bytes, so every exchange moves 512 * 2048 = 1,048,576 bytes each way
// over links of 50 GB/s (the NICs; PCIe has 64): 20.97152 us, after 4 us of latency: 24.97152 us. A
// layer makes four exchanges, two layers eight. The dense gradients' ring of two sends one buffer
// each way.
TEST(WholeRun, TwoNodesAreWorkedOutByHand) {
  Scenario scenario = skewed_scenario(Topology::single_switch, Distribution::w0_balanced);
  scenario.model = testing::example_model();
  scenario.training.seq_length = 512;
  scenario.cluster.num_nodes = 2;
  scenario.cluster.node.accelerators_per_node = 1;
  scenario.network.fidelity = Fidelity::analytic;
  const Result result = run(scenario).result;

  const double exchange = 512 * 2048 / 50e9 + 4e-6;
  EXPECT_NEAR(result.mean_rank_time_s.at("dispatch"), 2 * 2 * exchange, 1e-12);

  const LayerCost cost(scenario.model, scenario.cluster.node.accelerator, 512);
  const PassTimes sum = cost.combine(512, 1024);
  EXPECT_NEAR(result.phase_time_s.at("combine"),
              2 * (2 * exchange + sum.forward.value + sum.backward.value), 1e-12);

  // 4 bytes for each of 7,307,264 replicated parameters; 2(n-1) - 1 = 1 more latency of 4 us.
  EXPECT_NEAR(result.phase_time_s.at("all_reduce"), 4.0 * 7307264 / 50e9 + 2 * 4e-6, 1e-12);

  // 256 rows for each of a rank's four experts: 1,024 pairs on either rank.
  const std::vector<int> rows(4, 256);
  const PassTimes experts = cost.experts(rows);
  EXPECT_NEAR(result.phase_time_s.at("expert"),
              2 * (experts.forward.value + experts.backward.value), 1e-12);
  EXPECT_EQ(result.phase_time_s.at("idle"), 0);
  EXPECT_EQ(result.all_to_all.max_send_bytes, 512 * 2048);
  EXPECT_EQ(result.all_to_all.mean_send_bytes, 1024 * 2048);
  EXPECT_EQ(result.all_to_all.inter_node_bytes, 8.0 * 2 * 512 * 2048);
}

// A day or ten years into a run the clock's doubles are 1e-11 or 1e-8 s apart, while messages last
// 1e-6 s: INV-2 and INV-3 know what that rounds off, and the step still takes what its latencies
// say.
TEST(WholeRun, LateMessagesAreCarriedWhole) {
  Scenario scenario = skewed_scenario(Topology::rail_optimized_fat_tree, Distribution::zipf);
  for (const double latency : {1e4, 1e7}) {
    scenario.comm.protocol.kernel_latency = base::Seconds(latency);
    const double expected = step_time(scenario, Fidelity::analytic);
    EXPECT_GT(expected, 4 * latency);
    for (const Fidelity fidelity : {Fidelity::collective, Fidelity::flow}) {
      EXPECT_NEAR(step_time(scenario, fidelity) / expected, 1, 1e-6) << latency;
    }
  }
}

TEST(WholeRun, QuantitiesOfNoMachineAreRefused) {
  for (const double latency : {1e9, 1e300}) {
    Scenario scenario = skewed_scenario(Topology::single_switch, Distribution::zipf);
    scenario.comm.protocol.kernel_latency = base::Seconds(latency);
    const base::Error error = base::thrown_error([&] { (void)run(scenario); });
    EXPECT_EQ(error.where(), "/cluster");
    EXPECT_TRUE(error.message().starts_with("simulated time would reach ")) << error.message();
  }
}

// INV-2: what the links carried is what the collectives' routes put on them.
TEST(WholeRun, LinksCarryWhatTheRoutesPutOnThem) {
  Scenario scenario = skewed_scenario(Topology::rail_optimized_fat_tree, Distribution::zipf);
  const std::vector<double> ratio = testing::in_child_process([&] {
    const sim::Run finished = run(scenario);
    topologies::Router router(finished.cluster, {.seed = scenario.cluster.ecmp_seed});
    std::vector<double> expected(finished.cluster.links.size());
    for (const Collective& collective : finished.graph.collectives) {
      for (const auto& load : topologies::link_loads(router, collective.transfers)) {
        expected[load.link] += load.bytes.value;
      }
    }
    double worst = 0;
    double links = 0;
    for (const LinkUse& use : finished.timeline.links) {
      worst = std::max(worst, std::abs(use.bytes.value / expected[use.link] - 1));
      ++links;
    }
    return std::vector<double>{worst, links};
  });
  EXPECT_LT(ratio[0], 1e-6);
  EXPECT_GT(ratio[1], 300);  // 64 accelerators with 6 link directions each, and the fabric
}

// Two nodes of four.
Scenario small_skewed_scenario() {
  Scenario scenario = skewed_scenario(Topology::single_switch, Distribution::zipf);
  scenario.cluster = testing::example_config(Topology::single_switch, 2, 4);
  scenario.cluster.node.accelerator = testing::example_accelerator();
  return scenario;
}

TEST(WholeRun, EveryAlgorithmMovesAStepsTokensAndGradients) {
  Scenario scenario = small_skewed_scenario();
  for (const auto& [algorithm, name] : names_of(AllToAll{})) {
    scenario.comm.all_to_all = algorithm;
    const double floor = step_time(scenario, Fidelity::analytic);
    const double collective = step_time(scenario, Fidelity::collective);
    const double flow = step_time(scenario, Fidelity::flow);
    EXPECT_GE(collective, floor * (1 - 1e-6)) << name;
    EXPECT_GE(flow, floor * (1 - 1e-6)) << name;
    EXPECT_NEAR(flow / collective, 1.0, 0.02) << name;
  }
  scenario.comm.all_to_all = AllToAll::direct;
  for (const AllReduce algorithm :
       {AllReduce::ring, AllReduce::tree, AllReduce::halving_doubling}) {
    scenario.comm.all_reduce = algorithm;
    EXPECT_GE(step_time(scenario, Fidelity::flow),
              step_time(scenario, Fidelity::analytic) * (1 - 1e-6))
        << base::name_in_words(algorithm);
  }
  scenario.comm.all_reduce = AllReduce::in_switch;
  EXPECT_THROW(step_time(scenario, Fidelity::analytic), std::runtime_error);
}

// Four exchanges and one all-reduce, one after another for every rank: 5 x 1 ms. Half of the
// multiprocessors compute for longer.
TEST(WholeRun, TheProtocolIsPaidByEveryCollectiveAndByCompute) {
  Scenario scenario = small_skewed_scenario();
  const double ideal = step_time(scenario, Fidelity::analytic);
  scenario.comm.protocol.kernel_latency = base::Seconds(1e-3);
  EXPECT_NEAR(step_time(scenario, Fidelity::analytic), ideal + 5e-3, 1e-9);
  scenario.comm.protocol = {};
  scenario.comm.protocol.reserved_sms = 50;
  EXPECT_GT(step_time(scenario, Fidelity::analytic), ideal);
  scenario.comm.protocol.reserved_sms = 100;
  EXPECT_EQ(base::thrown_error([&] { (void)validate(scenario); }).where(), "/comm/reserved_sms");
}

// INV-6, as far as this simulator computes anything of it: where experts live changes who sends to
// whom, never which tokens are kept.
TEST(WholeRun, PlacementNeverChangesWhatIsRouted) {
  Scenario scenario = skewed_scenario(Topology::single_switch, Distribution::zipf);
  scenario.network.fidelity = Fidelity::analytic;
  scenario.router.gate.capacity_factor = 1.0;
  const Result contiguous = run(scenario).result;
  scenario.parallel.expert_placement = ExpertPlacement::round_robin;
  const Result round_robin = run(scenario).result;
  EXPECT_GT(contiguous.drop_rate, 0);
  EXPECT_EQ(contiguous.drop_rate, round_robin.drop_rate);
  EXPECT_EQ(contiguous.expert_load.per_layer, round_robin.expert_load.per_layer);
  EXPECT_NE(contiguous.rank_load.per_layer, round_robin.rank_load.per_layer);
}

}  // namespace
}  // namespace moesim::sim
